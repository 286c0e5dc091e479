"""Prints the rank correlations, p-values and clusters that tests expect.
Run by hand when a test gains a value:

    pip install numpy==2.4.6 scipy==1.17.1 mpmath==1.4.1
    python tests/python/correlation_reference.py
"""

import mpmath
import numpy as np
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform


def unit_columns():
    """The columns of the unit tests, by formula."""
    i = np.arange(60)
    return {
        "tied": (i * 7 % 11, i * 5 % 7, 60),
        "untied, many": (i * 17 % 61, i * 23 % 67, 60),
        "untied, 33": (i * 17 % 61, i * 23 % 67, 33),
        "untied, 34": (i * 17 % 61, i * 23 % 67, 34),
        "tied, 10": (i * 7 % 11, i * 5 % 4, 10),
        "one discordant": (i, np.r_[1, 0, i[2:]], 40),
    }


def ranks():
    for name, (x, y, n) in unit_columns().items():
        kendall = stats.kendalltau(x[:n], y[:n])
        spearman = stats.spearmanr(x[:n], y[:n])
        print(name, repr(float(kendall.statistic)), repr(float(kendall.pvalue)), repr(float(spearman.statistic)), repr(float(spearman.pvalue)))


def p_values():
    for r, n in [(0.1, 3), (0.99, 3), (-0.5, 10), (0.5, 100), (0.001, 1000), (0.9, 50), (0.01, 1_000_002), (0.3, 5000)]:
        with mpmath.workdps(60):
            a = mpmath.mpf(n - 2) / 2
            p = mpmath.betainc(a, 0.5, 0, 1 - mpmath.mpf(r) ** 2, regularized=True)
        t = r * np.sqrt((n - 2) / ((1 - r) * (1 + r)))
        print("p", r, n, repr(float(p)), "SciPy", repr(float(2 * stats.t.sf(abs(t), n - 2))))


def unit_clusters():
    """Average linkage of a matrix by formula: without ties and with many."""
    p = 40
    for modulus in (100003, 100):
        abs_r = np.eye(p)
        for j in range(p):
            for i in range(j):
                abs_r[i, j] = abs_r[j, i] = (i * 3701 + j * 10103 + i * j * 1301) % modulus / modulus
        tree = linkage(squareform(1 - abs_r, checks=False), method="average")
        for threshold in (0.9, 0.7, 0.5):
            labels = fcluster(tree, 1 - threshold, criterion="distance")
            first = {label: k for k, label in enumerate(dict.fromkeys(labels))}
            print("clusters", modulus, threshold, [first[label] for label in labels])


if __name__ == "__main__":
    unit_clusters()
    ranks()
    p_values()
