"""Prints the values that the tests of relevance_tests, mutual_information and
vif expect. Run by hand when a test gains a value:

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 scikit-learn==1.9.1
    python tests/python/relevance_reference.py
"""

import numpy as np
from scipy import stats
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression
from sklearn.metrics import mutual_info_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.tools import add_constant


def show(title, *values):
    print(title, *[f"{v:.17g}" for v in np.concatenate([np.ravel(v) for v in values])])


def rows(n, multiplier, modulus):
    """The columns of the tests: (k * multiplier) mod modulus."""
    return (np.arange(n) * multiplier) % modulus + 0.0


def hypothesis():
    print("## normal tail")
    for z in [0.1, 1.0, 1.96, 2.8, 2.9, 5.0, 12.0, 30.0, 37.0]:
        show(f"normal {z}", 2 * stats.norm.sf(z))
    print("## fisher")
    for table in [[[8, 2], [1, 5]], [[3, 0], [0, 3]], [[6, 2], [1, 4]], [[10, 10], [10, 10]], [[120, 80], [70, 130]],
                  [[5000, 4800], [4700, 5100]], [[3000, 100], [200, 9000]], [[0, 7], [9, 2]], [[1, 9], [11, 3]]]:
        show(f"fisher {table}", *stats.fisher_exact(table))
    print("## mann-whitney")
    for title, a, b in [
        ("small", [1.5, 3.0, 7.0], [2.0, 4.0, 5.0, 6.0]),
        ("separate", [1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0]),
        ("one against many", [500.5], np.arange(1000.0)),
        ("eight against many", rows(8, 401, 1009) + 0.5, rows(300, 7919, 1009)),
        ("small with ties", [1.0, 2.0, 2.0], [2.0, 3.0, 4.0, 4.0]),
        ("large", rows(200, 7919, 10007), rows(300, 104729, 9973)),
        ("large with ties", rows(500, 31, 17), rows(700, 57, 19)),
        ("middle", [1.0, 2.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0]),
    ]:
        show(f"mann_whitney {title}", *stats.mannwhitneyu(a, b))
    print("## kolmogorov-smirnov")
    for title, a, b in [
        ("small", [1.5, 3.0, 7.0], [2.0, 4.0, 5.0, 6.0]),
        ("equal sizes", rows(100, 7919, 1009), rows(100, 31, 809)),
        ("ties", rows(500, 31, 17), rows(700, 57, 19)),
        ("far", rows(300, 7919, 1009), rows(400, 31, 809) + 200),
        ("unequal", rows(5000, 7919, 10007), rows(900, 104729, 9001)),
        ("close", rows(97, 31, 97), rows(89, 31, 97)),
    ]:
        show(f"ks {title}", *stats.ks_2samp(a, b)[:2])
    for d, n1, n2 in [(0.02, 20000, 30000), (0.05, 20000, 30000), (0.009, 20000, 30000), (0.004, 20000, 30000),
                      (0.003, 200000, 300000), (0.2, 20000, 400)]:
        show(f"ks p {d} {n1} {n2}", stats.distributions.kstwo.sf(d, round(n1 * n2 / (n1 + n2))))
    small = rows(60, 7919, 1009)
    large = rows(12000, 104729, 1009)
    show("ks exact, one small", *stats.ks_2samp(small, large, method="exact")[:2])
    print("## kendall")
    for title, a, b in [
        ("exact", rows(12, 7, 13), rows(12, 5, 13)),
        ("ties", rows(40, 7, 11), rows(40, 5, 7)),
        ("large", rows(300, 7919, 10007), rows(300, 104729, 9973)),
        ("one inversion", np.arange(40.0), np.r_[1.0, 0.0, np.arange(2.0, 40.0)]),
        ("none", np.arange(40.0), np.arange(40.0)),
        ("related", rows(300, 7, 101), rows(300, 7, 101) + rows(300, 13, 29)),
    ]:
        show(f"kendall {title}", *stats.kendalltau(a, b))
    print("## false discovery")
    p = [0.01, 0.02, 0.03, 0.5, 0.0001, 0.03, 0.9]
    for method in ["fdr_bh", "fdr_by"]:
        reject, q = multipletests(p, alpha=0.05, method=method)[:2]
        show(method, q, reject)


def noise(name, n):
    """The fixed sequence that breaks ties: SplitMix64 as Random::stream(42, name, 0)."""
    mask = 2**64 - 1
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x00000100000001B3 & mask
    state ^= 42

    def bits():
        nonlocal state
        state = state + 0x9E3779B97F4A7C15 & mask
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    state = bits()
    state = bits()
    return np.array([(bits() >> 11) / 2**53 for _ in range(n)]) - 0.5


def ksg(x, y, k):
    """Kraskov's first estimator with all distances."""
    n = len(x)
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    x = (x - x.mean()) / x.std() + 1e-10 * noise("x", n)
    y = (y - y.mean()) / y.std() + 1e-10 * noise("y", n)
    dx, dy = np.abs(x[:, None] - x[None]), np.abs(y[:, None] - y[None])
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, [k]]
    counts = [(d < radius).sum(axis=1) for d in (dx, dy)]
    return max(0.0, digamma(k) + digamma(n) - np.mean(digamma(counts[0]) + digamma(counts[1])))


def bins(x, count):
    """Linear quantiles in whole numbers, a value at an edge below it."""
    s, last = np.sort(x), len(x) - 1
    edges = []
    for i in range(1, count):
        at, part = divmod(last * i, count)
        edges.append(s[at] if part == 0 else s[at] * (1 - part / count) + s[at + 1] * part / count)
    return np.searchsorted(np.unique(edges), x, side="left")


def mutual_information():
    print("## mutual information")
    k = np.arange(400)
    columns = {
        "waves": (np.sin(k * 1.0), np.sin(k * 1.0) ** 2 + 0.1 * np.cos(k * 7.3)),
        "free": (np.sin(k * 1.0), np.cos(k * k * 0.37)),
        "integers": (rows(400, 7, 101), rows(400, 7, 101) % 10 + rows(400, 13, 3)),
        "spread": (rows(400, 7919, 10007), (rows(400, 7919, 10007) - 5000) ** 2 + rows(400, 31, 97)),
        "classes": (rows(400, 7, 5), (rows(400, 7, 5) + rows(400, 11, 7)) % 3),
        "zeros": (np.maximum(rows(400, 7, 11) - 7, 0), rows(400, 7, 11) + np.sin(k * 1.0)),
    }
    for title, (x, y) in columns.items():
        for neighbors in [1, 3, 10]:
            noisy = mutual_info_regression(x[:, None], y, n_neighbors=neighbors, random_state=0)
            show(f"ksg {title} {neighbors}", ksg(x, y, neighbors))
            # Equal but for rounding where nothing is tied; other noise otherwise.
            show("    scikit-learn", noisy)
        show(f"bins {title}", *[mutual_info_score(bins(x, b), bins(y, b)) for b in [2, 10]])
    x, y = columns["classes"]
    show("discrete classes", mutual_info_score(x, y))
    x, y = columns["integers"]
    show("discrete integers", mutual_info_score(x, y))


def vif():
    print("## vif")
    k = np.arange(200)
    a, b, c = rows(200, 7919, 101), rows(200, 31, 17), rows(200, 13, 29)
    d = a + 2 * b + c / 10
    x = add_constant(np.column_stack([a, b, c, d]))
    show("vif a b c d", *[variance_inflation_factor(x, i) for i in range(1, 5)])
    x = add_constant(np.column_stack([a, b, c]))
    show("vif a b c", *[variance_inflation_factor(x, i) for i in range(1, 4)])
    keep = k % 10 != 0
    x = x[keep]
    show("vif a b c, a tenth missing", *[variance_inflation_factor(x, i) for i in range(1, 4)])


def printed(value):
    """A value as the .slt suites print it: ten significant digits."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (str, int)):
        return str(value)
    if np.isinf(value):
        return "Infinity"
    value = float(f"{value:.9e}")
    if value == 0:
        return "0"
    if 1e-5 <= abs(value) < 1e15:
        return np.format_float_positional(value, trim="-")
    return np.format_float_scientific(value, trim="-", exp_digits=1)


def suite_table():
    """The table of relevance_tests.slt and mutual_information.slt."""
    n = 200
    k = np.arange(n)
    a, b, c = rows(n, 7, 101), rows(n, 31, 17), rows(n, 13, 29)
    y = a + c
    gaps = np.where(k % 3 == 0, np.nan, b + a / 10)
    columns = {"a": a, "b": b, "f": k % 2 + 0.0, "g": (a > 50) + 0.0, "gaps": gaps}
    return columns, y, (y > 60) + 0.0


def relevance_suite():
    columns, y, up = suite_table()
    for title, target in [("y", y), ("up", up)]:
        tests = {}
        for name, x in columns.items():
            there = ~np.isnan(x)
            x, t = x[there], target[there]
            kinds = len(set(t)) == 2, len(set(x)) == 2
            if kinds == (True, True):
                table = [[((t == i) & (x == j)).sum() for j in (0, 1)] for i in (0, 1)]
                tests[name] = "fisher", *stats.fisher_exact(table), len(x)
            elif kinds == (True, False):
                tests[name] = "mann_whitney", *stats.mannwhitneyu(x[t == 1], x[t == 0]), len(x)
            elif kinds == (False, True):
                tests[name] = "kolmogorov_smirnov", *stats.ks_2samp(t[x == 1], t[x == 0])[:2], len(x)
            else:
                tests[name] = "kendall", *stats.kendalltau(x, t), len(x)
        p = np.array([test[2] for test in tests.values()])
        for method in ["fdr_by", "fdr_bh"]:
            reject, q = multipletests(p, alpha=0.05, method=method)[:2]
            print(f"## relevance_tests.slt: {title}, {method}; cutoff", printed(p[reject].max()) if reject.any() else None)
            for i, (name, (test, statistic, p_value, n)) in enumerate(tests.items()):
                print(name, test, *map(printed, [statistic, p_value, q[i], reject[i], n]))


def mutual_information_suite():
    columns, y, up = suite_table()
    for method in ["ksg", "bins", "discrete"]:
        print(f"## mutual_information.slt: {method}")
        for name, x in columns.items():
            there = ~np.isnan(x)
            x, t = x[there], y[there]
            value = {
                "ksg": lambda: ksg(x, t, 3),
                "bins": lambda: mutual_info_score(bins(x, 10), bins(t, 10)),
                "discrete": lambda: mutual_info_score(x, t),
            }[method]()
            print(name, printed(value), len(x))


def vif_suite():
    n = 300
    a, b, c = rows(n, 7919, 101), rows(n, 31, 17), rows(n, 13, 29)
    for title, columns in [
        ("a b c near", [a, b, c, a + b / 4]),
        ("a b c near, where k is no multiple of 10", [x[np.arange(n) % 10 != 0] for x in (a, b, c, a + b / 4)]),
        ("a b c", [a, b, c]),
    ]:
        # Collinear ones are infinite; statsmodels prints rounding.
        x = add_constant(np.column_stack(columns))
        print(f"## vif.slt: {title}", len(x))
        for i in range(1, x.shape[1]):
            factor = variance_inflation_factor(x, i)
            print(printed(factor), printed(1 - 1 / factor))
    for g in (0, 1):
        x = add_constant(np.column_stack([a, a + c])[np.arange(n) % 2 == g])
        factor = variance_inflation_factor(x, 1)
        print("lagrange_vif.slt: a, a + c", g, printed(factor), printed(1 - 1 / factor), len(x))


hypothesis()
mutual_information()
vif()
relevance_suite()
mutual_information_suite()
vif_suite()
