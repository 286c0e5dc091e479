"""Prints the values that the tests of select_features expect: greedy searches
written out with NumPy and scikit-learn, a model fitted per candidate and fold.
Run by hand when a test gains a value:

    pip install numpy==2.4.6 scikit-learn==1.9.1
    python tests/python/select_features_reference.py
"""

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mutual_info_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def mixed(rows, a, m):
    """A column that every language computes alike."""
    return (np.arange(rows) * a) % m / m - 0.5


def table(rows=300):
    a, b, c = mixed(rows, 7919, 101), mixed(rows, 31, 17), mixed(rows, 13, 29)
    e, noise = mixed(rows, 57, 97), mixed(rows, 271, 359)
    d = a + 0.3 * b + 0.2 * mixed(rows, 37, 53)
    f = 0.5 * b + 0.6 * c + 0.4 * mixed(rows, 43, 61)
    x = {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f}
    return x, 2 * a + b - 0.5 * c + 1.5 * noise


def with_gaps(x):
    """Missing in every 7th row of a, and in every 5th of b from the second on."""
    x = {name: values.copy() for name, values in x.items()}
    i = np.arange(len(x["a"]))
    x["a"][i % 7 == 0] = np.nan
    x["b"][i % 5 == 1] = np.nan
    return x


def absolute_correlation(a, b):
    both = ~(np.isnan(a) | np.isnan(b))
    return abs(np.corrcoef(a[both], b[both])[0, 1])


def bins(values, count):
    present = np.sort(values[~np.isnan(values)])
    code = np.searchsorted(present, values, side="left") * count // len(present) + 1
    return np.where(np.isnan(values), 0, code)


def mutual_information(a, b, count=10):
    a, b = bins(a, count), bins(b, count)
    both = (a > 0) & (b > 0)
    return mutual_info_score(a[both], b[both])


def mrmr(title, x, y, k, quotient=False, share=absolute_correlation):
    relevance = {name: share(values, y) for name, values in x.items()}
    selected, left = [], list(x)

    def score(name):
        if not selected:
            return relevance[name]
        redundancy = np.mean([share(x[name], x[other]) for other in selected])
        return relevance[name] / max(redundancy, 1e-3) if quotient else relevance[name] - redundancy

    print(title)
    while len(selected) < k:
        best = max(left, key=score)
        print("  ", best, repr(float(score(best))))
        selected.append(best)
        left.remove(best)
    for name in left:
        print("   not", name, repr(float(score(name))))


def folds(start, end, scheme, parts, embargo):
    times = np.unique(start)
    segments, first = (parts, 0) if scheme == "purged_kfold" else (parts + 1, 1)
    cuts = [s * len(times) // segments for s in range(segments + 1)]
    for s in range(first, segments):
        low, high = times[cuts[s]], times[cuts[s + 1] - 1]
        test = (start >= low) & (start <= high)
        latest = max(high, end[test].max())
        train = end < low
        if scheme == "purged_kfold":
            train |= start > latest + embargo
        yield np.flatnonzero(train & ~test), np.flatnonzero(test)


def forward(title, x, y, start, end, k, scheme="purged_kfold", parts=5, embargo=0, alpha=0.0, metric="ic", min_gain=0.0):
    cuts = list(folds(start, end, scheme, parts, embargo))

    def scores(names):
        out = []
        for train, test in cuts:
            if names:
                model = make_pipeline(StandardScaler(), Ridge(alpha=alpha, solver="cholesky") if alpha else LinearRegression())
                z = np.column_stack([x[name] for name in names])
                predicted = model.fit(z[train], y[train]).predict(z[test])
            else:
                predicted = np.full(len(test), y[train].mean())
            if metric == "r2":
                out.append(r2_score(y[test], predicted))
            else:
                out.append(np.corrcoef(predicted, y[test])[0, 1] if names else 0.0)
        return np.mean(out), np.std(out, ddof=1)

    print(title, "to begin with", repr(float(scores([])[0])))
    selected, left, reached = [], list(x), scores([])[0]
    while True:
        trials = {name: scores(selected + [name]) for name in left}
        best = max(left, key=lambda name: trials[name][0]) if left else None
        if len(selected) == k or best is None or trials[best][0] - reached <= min_gain:
            break
        reached = trials[best][0]
        print("  ", best, *[repr(float(v)) for v in trials[best]])
        selected.append(best)
        left.remove(best)
    for name in left:
        print("   not", name, *[repr(float(v)) for v in trials[name]])


def panel():
    """Two symbols, 120 times, labels of 3 rows; q begins late."""
    k = np.arange(240)
    keep = ~((k % 2 == 1) & (k < 40))
    x, y = table(240)
    time = k // 2
    symbol = k % 2
    end = np.full(240, np.nan)
    for s in (0, 1):
        rows = np.flatnonzero(keep & (symbol == s))
        end[rows[:-3]] = time[rows[3:]]
    used = keep & ~np.isnan(end)
    return {name: values[used] for name, values in x.items()}, y[used], time[used].astype(float), end[used]


def main():
    x, y = table()
    print("relevance", {name: float(absolute_correlation(values, y)) for name, values in x.items()})
    for one, other in ("ad", "bd", "bf", "cf"):
        print("r", one, other, float(absolute_correlation(x[one], x[other])))
    mrmr("mid", x, y, 4)
    mrmr("miq", x, y, 4, quotient=True)
    mrmr("mid, gaps", with_gaps(x), y, 6)
    mrmr("mid, mutual information, gaps", with_gaps(x), y, 4, share=mutual_information)
    start = np.arange(300.0)
    for horizon in (1, 4):
        end = start + horizon
        forward(f"ic, least squares, horizon {horizon}", x, y, start, end, 3)
    forward("r2, ridge, embargo", x, y, start, start + 4, 10, embargo=5, alpha=3.0, metric="r2")
    forward("r2, walking forward", x, y, start, start + 1, 10, scheme="walk_forward", parts=4, metric="r2")
    forward("ic, min_gain", x, y, start, start + 1, 10, min_gain=0.05)
    forward("panel", *panel(), 3)

    # As the suite of SQL: the last row has no label end.
    print("suite")
    x, y = table()
    x = {name: values[:-1] for name, values in x.items()}
    y = y[:-1]
    print("relevance", {name: f"{absolute_correlation(values, y):.10g}" for name, values in x.items()})
    print("r a d", f"{absolute_correlation(x['a'], x['d']):.10g}")
    mrmr("mid", x, y, 3)
    mrmr("mutual information", x, y, 3, share=mutual_information)
    forward("forward", x, y, start[:-1], start[:-1] + 1, 10)
    forward("forward, ridge", x, y, start[:-1], start[:-1] + 1, 2, scheme="walk_forward", parts=3, embargo=0, alpha=1.0, metric="r2")


if __name__ == "__main__":
    main()
