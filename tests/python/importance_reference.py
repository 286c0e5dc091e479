"""Prints the values that tests/slt/feature_importance.slt and the tests of
udfs/src/models/importance.rs expect, written from the definitions and from
scikit-learn. Run by hand when they gain a value:

    pip install numpy==2.4.6 scikit-learn==1.9.1
    python tests/python/importance_reference.py

Coefficients, R² and predictions are scikit-learn's. Its permutation_importance
draws other permutations, so its numbers cannot be compared: the permutations are
drawn here by the same generator, and everything else about them, a prediction
of a shuffled copy of the test rows, is written naively.
"""

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score

MASK = 2**64 - 1


class Random:
    """SplitMix64, as udfs/src/statistics/random.rs."""

    def __init__(self, seed, name, number):
        code = 0xCBF29CE484222325
        for byte in name.encode():
            code = ((code ^ byte) * 0x100000001B3) & MASK
        self.state = seed ^ code
        self.state = (self.bits() + number) & MASK
        self.state = self.bits()

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = (self.bits() * (i + 1)) >> 64
            order[i], order[j] = order[j], order[i]
        return order


def panel():
    """Two symbols, 100 times; sorted by symbol, then time."""
    k = np.concatenate([np.arange(0, 200, 2), np.arange(1, 200, 2)])
    a, b, c = (k * 7919) % 101, (k * 31) % 17, (k * 13) % 29
    y = 3 * a + b + (k * 5) % 7
    d = a + (k * 3) % 5
    columns = {name: values.astype(float) for name, values in zip("abcd", (a, b, c, d))}
    return k // 2, columns, y.astype(float)


def folds(time, horizon, count, scheme, embargo=0):
    """Row by row from the definition; the last `horizon` rows have no label."""
    known = time + horizon <= time.max()
    times = np.unique(time[known])
    segments, first = (count + 1, 1) if scheme == "walk_forward" else (count, 0)
    for s in range(first, segments):
        inside = times[s * len(times) // segments : (s + 1) * len(times) // segments]
        start, end = inside.min(), inside.max() + horizon
        test = [i for i in range(len(time)) if known[i] and start <= time[i] <= inside.max()]
        train = []
        for i in range(len(time)):
            before = known[i] and time[i] + horizon < start
            after = known[i] and time[i] > end + embargo and scheme == "purged_kfold"
            if before or after:
                train.append(i)
        if train:
            yield np.array(train), np.array(test)


def model(x, y, algorithm, alpha):
    found = LinearRegression() if algorithm == "ols" else Ridge(alpha=alpha, solver="svd")
    return found.fit(x, y)


def score(actual, predicted, metric):
    if metric == "mse":
        return mean_squared_error(actual, predicted)
    return np.corrcoef(actual, predicted)[0, 1]


def measure(names, units, scheme="walk_forward", count=5, horizon=1, embargo=0, algorithm="ridge", alpha=1.0,
            metric="mse", repeats=5, block=1, seed=42):
    time, columns, y = panel()
    x = np.column_stack([columns[name] for name in names])
    found = {method: [] for method in ("permutation", "coefficient", "single_feature", "shap")}
    cut = list(folds(time, horizon, count, scheme, embargo))
    for number, (train, test) in enumerate(cut):
        fitted = model(x[train], y[train], algorithm, alpha)
        base = score(y[test], fitted.predict(x[test]), metric)
        single = {method: [] for method in found}
        for unit in units:
            drops = []
            for repeat in range(repeats):
                blocks = Random(seed, names[unit[0]], number * repeats + repeat).permutation(-(-len(test) // block))
                donors = np.concatenate([test[i * block : (i + 1) * block] for i in blocks])
                shuffled = x[test].copy()
                shuffled[:, unit] = x[donors][:, unit]
                after = score(y[test], fitted.predict(shuffled), metric)
                drops.append(after / base - 1 if metric == "mse" else base - after)
            single["permutation"].append(np.mean(drops))
            standardized = fitted.coef_ * x[train].std(0) / y[train].std()
            shap = np.abs(fitted.coef_ * (x[test] - x[train].mean(0))).mean(0)
            alone = len(unit) == 1
            single["coefficient"].append(standardized[unit[0]] if alone else np.abs(standardized[unit]).sum())
            single["shap"].append(shap[unit].sum())
            predicted = model(x[train][:, unit], y[train], algorithm, alpha).predict(x[test][:, unit])
            single["single_feature"].append(
                r2_score(y[test], predicted) if metric == "mse" else np.corrcoef(y[test], predicted)[0, 1]
            )
        for method in found:
            found[method].append(single[method])
    trained = len(np.unique(np.concatenate([train for train, _ in cut])))
    tested = len(np.unique(np.concatenate([test for _, test in cut])))
    print("  folds", len(cut), "train_rows", trained, "test_rows", tested)
    for method, values in found.items():
        values = np.array(values)
        mean, std = values.mean(0), values.std(0, ddof=1)
        weight = np.abs(mean) if method in ("coefficient", "shap") else np.maximum(mean, 0)
        for i, unit in enumerate(units):
            shown = [mean[i], std[i], std[i] / np.sqrt(len(values)), weight[i] / weight.sum()]
            print(" ", method, "+".join(names[u] for u in unit), *[f"{v:.10g}" for v in shown])


if __name__ == "__main__":
    print("walk forward, ridge, mse")
    measure("abc", [[0], [1], [2]])
    print("walk forward, three folds, horizon 3, ols, ic, 3 repeats, block 2, seed 7")
    measure("abc", [[0], [1], [2]], count=3, horizon=3, algorithm="ols", metric="ic", repeats=3, block=2, seed=7)
    print("purged k-fold, four folds, horizon 2, embargo 3, ridge 100")
    measure("abc", [[0], [1], [2]], scheme="purged_kfold", count=4, horizon=2, embargo=3, alpha=100.0)
    print("clusters: a and d")
    measure("abcd", [[0, 3], [1], [2]], count=2)
    time, columns, y = panel()
    train, _ = next(folds(time, 1, 2, "walk_forward"))
    rows = np.column_stack([*[columns[name] for name in "abcd"], y])[train]
    print("  correlation of a b c d y in the first training rows\n", np.corrcoef(rows.T).round(4))
