"""The columns of feature_stability with pandas, NumPy and SciPy: for each feature
and later month the population stability index of feature-engine (bins from quantiles of
the first month) and the distances that evidently reports."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance
from timing import best

BINS = 10
EMPTY = 1e-4


def stability(path):
    frame = pd.read_parquet(path)
    names = [name for name in frame if name not in ("ts", "y")]
    best("pandas, NumPy, SciPy", 1, lambda: table(frame, names))


def table(frame, names):
    months = frame["ts"].dt.to_period("M")
    periods = [(month, rows) for month, rows in frame.groupby(months)]
    rows = []
    for name in names:
        baseline = None
        for month, part in periods:
            values, target = part[name].to_numpy(), part["y"].to_numpy()
            present = ~np.isnan(values)
            values, target = values[present], target[present]
            if baseline is None:
                baseline = Baseline(values, target)
                continue
            start, end = part["ts"].iloc[0], part["ts"].iloc[-1]
            rows.append((name, month, start, end, *baseline.compare(present, values, target)))
    return pd.DataFrame(rows, columns=["feature", "period", "period_start", "period_end", *COLUMNS])


COLUMNS = [
    "n",
    "missing_rate",
    "psi",
    "ks",
    "ks_p_value",
    "js",
    "wasserstein",
    "wasserstein_scaled",
    "mean",
    "std",
    "mean_shift",
    "std_ratio",
    "ic",
    "ic_baseline",
    "bin_edges",
    "status",
    "reason",
]


class Baseline:
    """What later months are held against."""

    def __init__(self, values, target):
        # In order, so that the sorting within SciPy has little left to do.
        self.values = np.sort(values)
        self.edges = np.quantile(values, np.arange(1, BINS) / BINS)
        self.shares = self.shares_of(values)
        self.mean, self.std = values.mean(), values.std(ddof=1)
        self.ic = np.corrcoef(values, target)[0, 1]

    def shares_of(self, values):
        counts = np.bincount(np.searchsorted(self.edges, values), minlength=BINS)
        return np.maximum(counts / len(values), EMPTY)

    def compare(self, present, values, target):
        shares = self.shares_of(values)
        psi = np.sum((shares - self.shares) * np.log(shares / self.shares))
        ks = ks_2samp(self.values, values)
        distance = wasserstein_distance(self.values, values)
        mean, std = values.mean(), values.std(ddof=1)
        status = "drift" if psi >= 0.25 else "warn" if psi >= 0.1 else "ok"
        return (
            len(values),
            1 - present.mean(),
            psi,
            ks.statistic,
            ks.pvalue,
            jensenshannon(self.shares, shares, base=2) ** 2,
            distance,
            distance / self.std,
            mean,
            std,
            (mean - self.mean) / self.std,
            std / self.std,
            np.corrcoef(values, target)[0, 1],
            self.ic,
            self.edges,
            status,
            f"PSI {psi:.3f}",
        )
