"""Reference numbers of the stability functions, for a person to compare with the
tests. Not run by CI.

    pip install numpy==2.4.* scipy==1.17.* pandas==3.* feature-engine==1.9.*
"""

import numpy as np
import pandas as pd
from feature_engine.selection import DropHighPSIFeatures
from scipy import stats
from scipy.spatial.distance import jensenshannon


def shares(values, edges):
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / len(values)


def distances(base, now, bins=10):
    edges = np.unique(np.quantile(base, np.arange(1, bins) / bins))
    edges = edges[edges < base.max()]
    b, c = shares(base, edges), shares(now, edges)
    js = jensenshannon(b, c, base=2) ** 2
    b, c = np.where(b > 0, b, 1e-4), np.where(c > 0, c, 1e-4)
    ks = stats.ks_2samp(base, now)
    return {
        "PSI": float(((c - b) * np.log(c / b)).sum()),
        "JS": float(js),
        "KS": float(ks.statistic),
        "KS_P": float(ks.pvalue),
        "WASSERSTEIN": float(stats.wasserstein_distance(base, now)),
    }


def feature_engine_psi(base, now, bins=10):
    """It cuts the first part of the rows, by the split column, into bins. It does so
    with pandas.qcut, whose edges count as below, as ours; an empty bin is 1e-4."""
    x = np.concatenate([base, now])
    frame = pd.DataFrame({"x": x, "late": np.arange(len(x)) >= len(base)})
    frame["late"] = frame["late"].astype(int)
    found = DropHighPSIFeatures(
        variables=["x"], split_col="late", cut_off=0, bins=bins, threshold=1e9, min_pct_empty_bins=1e-4
    ).fit(frame)
    return float(found.psi_values_["x"])


i = np.arange(60)
j = np.arange(40)
for name, value in distances((i * 7 % 31).astype(float), (j * 11 % 37 + 3).astype(float)).items():
    print(f"    const {name}: f64 = {value!r};")
print(f"    const FEATURE_ENGINE_PSI: f64 = {feature_engine_psi((i * 7 % 31).astype(float), (j * 11 % 37 + 3).astype(float))!r};")
k = np.arange(2000)
base, now = k * 7919 % 10007 / 10007, (k[:1500] * 104729 % 9001 / 9001) ** 1.3
print(f"    const FEATURE_ENGINE_REAL: f64 = {feature_engine_psi(base, now)!r};")
