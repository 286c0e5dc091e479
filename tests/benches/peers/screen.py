"""The columns of feature_screen with pandas, SciPy and scikit-learn: of a panel
(`screen`), and of rows without dates (`screen_rows`).

Of the ways to write it the fastest was taken, and the data allow some that other
panels do not: every symbol has every day, and a feature is missing on whole days,
so that days by symbols is an array without gaps and one ranking of the target
serves all features.
"""

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, kendalltau, norm, rankdata
from sklearn.metrics import mutual_info_score
from timing import best

BINS = 10
OUTLIER_DEVIATIONS = 4
CLUSTER_THRESHOLD = 0.8


def screen(path):
    frame = pd.read_parquet(path).sort_values(["ts", "symbol"], ignore_index=True)
    run(frame, by_day)


def screen_rows(path):
    run(pd.read_parquet(path), over_rows)


def run(frame, relate):
    names = [name for name in frame if name not in ("symbol", "ts", "y")]
    best("pandas, SciPy, scikit-learn", 1, lambda: columns(frame, names, relate))


def columns(frame, names, relate):
    x, y = frame[names], frame["y"].to_numpy()
    table = pd.DataFrame(index=pd.Index(names, name="feature"))
    lags = table.index.str.extract(r"^(?P<base_feature>.*?)(?:_lag(?P<lag>\d+))?$")
    table["base_feature"] = lags["base_feature"].to_numpy()
    table["lag"] = lags["lag"].fillna(0).astype("int64").to_numpy()
    table["n"] = x.count()
    table["missing_share"] = 1 - table["n"] / len(x)
    table["distinct_values"] = x.nunique()
    table["variance"] = x.var()
    table["zero_share"] = (x == 0).sum() / table["n"]
    outside = (x - x.mean()).abs() > OUTLIER_DEVIATIONS * x.std()
    table["outlier_share"] = outside.sum() / table["n"]

    statistics = ["ic", "rank_ic", "icir", "mutual_information", "p_value"]
    table[statistics] = list(relate(frame, x, y, names))
    table["q_value"] = false_discovery_control(table["p_value"], method="by")

    matrix = pairwise_correlations(x.to_numpy())
    table["vif"] = np.diag(np.linalg.inv(matrix))
    table["cluster"], table["representative"] = clusters(matrix, table["rank_ic"].to_numpy())
    chosen = (table["q_value"] <= 0.05) & (table["representative"] == np.arange(len(names)))
    table["selected"] = chosen
    table["reason"] = np.where(chosen, "selected", "not relevant, or repeats another")
    return table


def by_day(frame, x, y, names):
    """The coefficients of days, and the p-value of their mean (no lags: the labels
    of a horizon of one do not overlap)."""
    days = frame["ts"].nunique()
    target = y.reshape(days, -1)
    target_ranks = rankdata(target, axis=1)
    for name in names:
        values = x[name].to_numpy()
        of_days = values.reshape(days, -1)
        of_days = of_days[~np.isnan(of_days).any(axis=1)]
        skipped = days - len(of_days)
        ic = row_correlations(of_days, target[skipped:])
        rank_ic = row_correlations(rankdata(of_days, axis=1), target_ranks[skipped:])
        present = ~np.isnan(values)
        error = rank_ic.std() / np.sqrt(len(rank_ic))
        yield (
            ic.mean(),
            rank_ic.mean(),
            rank_ic.mean() / rank_ic.std(ddof=1),
            binned_information(values[present], y[present]),
            2 * norm.sf(abs(rank_ic.mean() / error)),
        )


def over_rows(frame, x, y, names):
    for name in names:
        values = x[name].to_numpy()
        present = ~np.isnan(values)
        values, known = values[present], y[present]
        yield (
            np.corrcoef(values, known)[0, 1],
            np.corrcoef(rankdata(values), rankdata(known))[0, 1],
            np.nan,
            binned_information(values, known),
            kendalltau(values, known).pvalue,
        )


def row_correlations(x, y):
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    products = np.einsum("ij,ij->i", x, y)
    return products / np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))


def binned_information(x, y):
    """Of equal-frequency bins, in nats."""
    shares = np.arange(1, BINS) / BINS
    cells = np.searchsorted(np.quantile(x, shares), x) * BINS + np.searchsorted(np.quantile(y, shares), y)
    counts = np.bincount(cells, minlength=BINS * BINS).reshape(BINS, BINS)
    return mutual_info_score(None, None, contingency=counts)


def pairwise_correlations(x):
    """Each pair from the rows in which both are present, as DataFrame.corr does,
    but with matrix products, which take a fraction of its time."""
    present = ~np.isnan(x)
    x = np.where(present, x - np.nanmean(x, axis=0), 0)
    present = present.astype(float)
    n = present.T @ present
    means = x.T @ present / n
    squares = (x * x).T @ present / n - means**2
    return (x.T @ x / n - means * means.T) / np.sqrt(squares * squares.T)


def clusters(matrix, relevance):
    """Greedy: the most relevant feature takes all that repeat it."""
    cluster = np.full(len(matrix), -1)
    representative = np.full(len(matrix), -1)
    found = 0
    for anchor in np.argsort(-np.abs(relevance), kind="stable"):
        if cluster[anchor] < 0:
            members = (cluster < 0) & (np.abs(matrix[anchor]) > CLUSTER_THRESHOLD)
            members[anchor] = True
            cluster[members], representative[members] = found, anchor
            found += 1
    return cluster, representative
