"""Reference numbers of the stability functions, for a person to compare with the
tests. Not run by CI.

    pip install numpy==2.4.* scipy==1.17.*
"""

import numpy as np
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


i = np.arange(60)
j = np.arange(40)
for name, value in distances((i * 7 % 31).astype(float), (j * 11 % 37 + 3).astype(float)).items():
    print(f"    const {name}: f64 = {value!r};")
