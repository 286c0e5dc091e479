"""Prints the rank correlations, p-values and clusters that tests expect.
Run by hand when a test gains a value:

    pip install numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 mpmath==1.4.1
    python tests/python/correlation_reference.py
"""

import mpmath
import numpy as np
import pandas as pd
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


def corr_matrix():
    """tests/slt/corr_matrix.slt and feature_correlation.slt."""
    a = np.array([1.0, 2, 3, 4, 5])
    b = 2 * a
    c = np.array([9.0, 7, 8, 5, 1])
    some = [0, 1, 2, 4]
    late = (a > 3) * 1.0
    for name, x, y in [
        ("a,c", a, c),
        ("a,c without rows 1 and 3", a[[1, 3, 4]], c[[1, 3, 4]]),
        ("b,c without row 3", b[[0, 1, 3, 4]], c[[0, 1, 3, 4]]),
        ("a,c without row 4", a[some], c[some]),
        ("i,late", a, late),
        ("h", a[2:], c[2:]),
    ]:
        show_pair(name, x, y)
    k = np.arange(20000)
    x, y, z = k + 0.0, (k * 7919) % 10007, (k * 31) % 101
    for name, rows in [("20000", 20000), ("500", 500)]:
        some = (k % 20 != 0) & (k < rows)
        show_pair("x,y " + name, x[:rows], y[:rows])
        show_pair("x,z " + name, x[some], z[some])
        show_pair("y,z " + name, y[some], z[some])


def show_pair(name, x, y):
    for method in (stats.pearsonr, stats.spearmanr, stats.kendalltau):
        result = method(x, y)
        print(name, method.__name__, f"{result.statistic:.10g} {len(x)} {result.pvalue:.10g}")


def cluster_columns():
    """The table of tests/slt/correlation_clusters.slt."""
    k = np.arange(200)
    b, c, d = k * 7919 % 101, k * 31 % 17, k * 13 % 29
    columns = {
        "a": 2 * b + k % 50,
        "b": b,
        "c": c,
        "d": d - 3 * c,
        "e": 20 - b * b,
        "f": 0 * k + 7,
        "g": np.where(k < 50, np.nan, c + k % 11),
        "h": np.nan * k,
        "y": 3 * d + b + k % 11,
    }
    return pd.DataFrame(columns).astype(float)


def correlation_clusters():
    table = cluster_columns()
    features = [name for name in table.columns if name != "y"]
    for method in ("pearson", "spearman", "kendall"):
        r = table.corr(method=method).drop(index=["y"], columns=["y"])
        with_y = table.corr(method=method)["y"]
        abs_r = r.abs().fillna(0).to_numpy().copy()
        np.fill_diagonal(abs_r, 1)
        for threshold in (0.8, 0.6):
            tree = linkage(squareform(1 - abs_r, checks=False), method="average")
            labels = fcluster(tree, 1 - threshold, criterion="distance")
            first = {label: i + 1 for i, label in enumerate(dict.fromkeys(labels))}
            average = [first[label] for label in labels]
            for target in (None, "y"):
                order = sorted(features, key=lambda f: -round(abs(with_y[f]), 12) if target and with_y[f] == with_y[f] else 0)
                anchors, anchor_of = [], {}
                for feature in order:
                    near = [anchor for anchor in anchors if abs(r.loc[anchor, feature]) > threshold]
                    anchor_of[feature] = near[0] if near else feature
                    if not near:
                        anchors.append(feature)
                greedy = [(f, anchors.index(anchor_of[f]) + 1, anchor_of[f]) for f in features]
                best = {}
                for label in set(average):
                    members = [f for f, l in zip(features, average) if l == label]
                    mean = lambda f: round(sum(abs(r.loc[f, o]) for o in members if o != f), 12)
                    score = (lambda f: np.nan_to_num(abs(with_y[f]))) if target else mean
                    best[label] = max(members, key=score) if len(members) > 1 else members[0]
                hierarchical = [(f, l, best[l]) for f, l in zip(features, average)]
                for linkage_name, found in (("greedy", greedy), ("average", hierarchical)):
                    print("##", method, threshold, "target", target, linkage_name)
                    for f, cluster, representative in found:
                        size = sum(1 for other in found if other[1] == cluster)
                        number = lambda x: "NULL" if x != x else f"{x:.10g}"
                        n = table[f].notna().sum()
                        varies = table[f].nunique() > 1
                        own = (1.0 if varies else np.nan) if f == representative else r.loc[f, representative]
                        status = "ok" if varies else "constant" if n else "no values"
                        print(f, cluster, representative, str(f == representative).lower(), size, number(own), number(with_y[f]) if target else "NULL", n, status)


if __name__ == "__main__":
    corr_matrix()
    correlation_clusters()
    unit_clusters()
    ranks()
    p_values()
