"""scikit-learn's path and logistic regression, statsmodels' rolling regression."""

import numpy as np
import polars as pl
from timing import best


def split(path, width):
    frame = pl.read_parquet(path)
    x = frame.select([f"c{i}" for i in range(1, width)]).to_numpy(order="c")
    return x, frame["c0"].to_numpy().astype(float), frame


def path(file):
    from sklearn.linear_model import lasso_path

    x, y, _ = split(file, 101)

    def work():
        # The path of scikit-learn has no intercept of its own.
        return lasso_path(x - x.mean(axis=0), y - y.mean(), n_alphas=100, precompute=True)

    best("sklearn lasso_path, precomputed", 2, work)


def logistic(file):
    from sklearn.linear_model import LogisticRegression

    x, y, _ = split(file, 51)
    for solver in ("lbfgs", "newton-cholesky"):
        best(f"sklearn LogisticRegression {solver}", 2, lambda: LogisticRegression(solver=solver, C=1.0).fit(x, y))


def rolling(file):
    import statsmodels.api as sm
    from statsmodels.regression.rolling import RollingOLS

    x, y, _ = split(file, 6)
    best("statsmodels RollingOLS", 1, lambda: RollingOLS(y, sm.add_constant(x), window=60).fit(params_only=True))


def groups(file):
    x, y, frame = split(file, 6)
    order = np.argsort(frame["g"].to_numpy(), kind="stable")
    edges = np.flatnonzero(np.diff(frame["g"].to_numpy()[order])) + 1
    x = np.column_stack([np.ones(len(x)), x])

    def work():
        parts = zip(np.split(x[order], edges), np.split(y[order], edges))
        return [np.linalg.lstsq(x, y, rcond=None)[0] for x, y in parts]

    best("numpy.linalg.lstsq per group", 1, work)
