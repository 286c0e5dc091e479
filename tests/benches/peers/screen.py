"""The columns of feature_screen with pandas, SciPy and scikit-learn.

Of the ways to write it the fastest was taken, and the data allow some that other
panels do not: every symbol has every day, and a feature is missing on whole days,
so that days by symbols is an array without gaps and one ranking of the target
serves all features.
"""

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, kendalltau, rankdata
from sklearn.metrics import mutual_info_score
from timing import best

BINS = 10
OUTLIER_DEVIATIONS = 4
CLUSTER_THRESHOLD = 0.8


def screen(path):
    frame = pd.read_parquet(path).sort_values(["ts", "symbol"], ignore_index=True)
    names = [name for name in frame if name not in ("symbol", "ts", "y")]
    best("pandas, SciPy, scikit-learn", 1, lambda: columns(frame, names))


def columns(frame, names):
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

    days = frame["ts"].nunique()
    target = y.reshape(days, -1)
    target_ranks = rankdata(target, axis=1)
    rows = []
    for name in names:
        values = x[name].to_numpy()
        by_day = values.reshape(days, -1)
        by_day = by_day[~np.isnan(by_day).any(axis=1)]
        skipped = days - len(by_day)
        ic = row_correlations(by_day, target[skipped:])
        rank_ic = row_correlations(rankdata(by_day, axis=1), target_ranks[skipped:])
        present = ~np.isnan(values)
        values, known = values[present], y[present]
        rows.append(
            (
                ic.mean(),
                rank_ic.mean(),
                rank_ic.mean() / rank_ic.std(ddof=1),
                binned_information(values, known),
                kendalltau(values, known).pvalue,
            )
        )
    statistics = ["ic", "rank_ic", "icir", "mutual_information", "p_value"]
    table[statistics] = rows
    table["test"] = "kendall"
    table["q_value"] = false_discovery_control(table["p_value"], method="by")

    matrix = pairwise_correlations(x.to_numpy())
    table["vif"] = np.diag(np.linalg.inv(matrix))
    table["cluster"], table["representative"] = clusters(matrix, table["rank_ic"].to_numpy())
    chosen = (table["q_value"] <= 0.05) & (table["representative"] == np.arange(len(names)))
    table["selected"] = chosen
    table["reason"] = np.where(chosen, "selected", "not relevant, or repeats another")
    return table


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
