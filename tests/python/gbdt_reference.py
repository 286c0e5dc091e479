"""Prints what the tests of gradient boosting and forests expect, from LightGBM
4.7 and scikit-learn, on the rows of udfs/src/models/gbdt/tests. Run by hand:

    pip install numpy lightgbm scikit-learn
    python tests/python/gbdt_reference.py
"""

import lightgbm as lgb
import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor


def weyl(rows, prime):
    return (np.arange(rows) * np.sqrt(float(prime))) % 1.0


def example(rows):
    x = np.column_stack([weyl(rows, p) for p in (2, 3, 5, 7, 11, 13)])
    noise = weyl(rows, 17) + weyl(rows, 19) - 1
    return x, np.sin(6 * x[:, 0]) + 2 * x[:, 1] * x[:, 2] + (x[:, 3] > 0.5) + noise


def boost(objective, x, y, **more):
    half = len(y) // 2
    scores = []
    for bins in range(251, 256):
        parameters = dict(objective=objective, max_bin=bins, num_threads=1, verbose=-1, **more)
        model = lgb.train(parameters, lgb.Dataset(x[:half], y[:half]), 100)
        scores.append(model.predict(x[half:], raw_score=True))
    return np.array(scores), y[half:]


def losses():
    x, y = example(8000)
    s, t = boost("regression", x, y)
    print("SQUARED_ERROR", np.mean((s - t) ** 2))
    s, t = boost("regression_l1", x, y)
    print("ABSOLUTE_ERROR", np.mean(np.abs(s - t)))
    s, t = boost("huber", x, y, alpha=0.5)
    print("HUBER", np.mean((s - t) ** 2))
    s, t = boost("quantile", x, y, alpha=0.8)
    print("QUANTILE", np.mean(np.maximum(0.8 * (t - s), -0.2 * (t - s))))
    s, t = boost("binary", x, (y > y.mean()).astype(float))
    print("LOGISTIC", np.mean(np.log1p(np.exp(s)) - t * s))
    s, t = boost("poisson", x, np.floor(np.maximum(y + 2, 0)))
    print("POISSON", np.mean(np.exp(s) - t * s + 1))


def forests():
    x, y = example(3000)
    for kind, bootstrap in ((RandomForestRegressor, True), (ExtraTreesRegressor, False)):
        model = kind(100, max_features=0.5, bootstrap=bootstrap, random_state=1).fit(x[:2000], y[:2000])
        print(kind.__name__, model.score(x[2000:], y[2000:]))


losses()
forests()
