"""statsmodels' rolling regression, NumPy's least squares per group, scikit-learn's
paths and classes."""

import numpy as np
import polars as pl
from timing import best


def split(path, width):
    frame = pl.read_parquet(path)
    x = frame.select([f"c{i}" for i in range(1, width)]).to_numpy(order="c")
    return x, frame["c0"].to_numpy().astype(float), frame


def rolling(file):
    import statsmodels.api as sm
    from statsmodels.regression.rolling import RollingOLS

    x, y, _ = split(file, 6)
    rolling = RollingOLS(y, sm.add_constant(x), window=60)
    # Ours has standard errors and R² as well, as `fit` has.
    best("statsmodels RollingOLS, fit", 1, rolling.fit)
    best("statsmodels RollingOLS, fit(params_only=True)", 1, lambda: rolling.fit(params_only=True))


def groups(file):
    x, y, frame = split(file, 6)
    order = np.argsort(frame["g"].to_numpy(), kind="stable")
    edges = np.flatnonzero(np.diff(frame["g"].to_numpy()[order])) + 1
    x = np.column_stack([np.ones(len(x)), x])

    def work():
        parts = zip(np.split(x[order], edges), np.split(y[order], edges))
        return [np.linalg.lstsq(x, y, rcond=None)[0] for x, y in parts]

    best("numpy.linalg.lstsq per group", 1, work)


def features(path, count):
    frame = pl.read_parquet(path)
    return frame.select([f"c{i}" for i in range(1, count + 1)]).to_numpy(writable=True, order="c"), frame


def path(file, name, fit):
    """A path of penalties, of an array row after row, as NumPy makes it, and of one
    column after column, which scikit-learn need not copy."""
    x, frame = features(file, 100)
    x -= x.mean(0)
    y = frame["y"].to_numpy() - frame["y"].mean()
    best(f"sklearn {name}", 5, lambda: fit(x, y))
    x = np.asfortranarray(x)
    best(f"sklearn {name}, columns", 5, lambda: fit(x, y))


def lasso_path(file):
    from sklearn.linear_model import lasso_path

    path(file, "lasso_path", lambda x, y: lasso_path(x, y, alphas=100))


def enet_path(file):
    from sklearn.linear_model import enet_path

    path(file, "enet_path", lambda x, y: enet_path(x, y, alphas=100, l1_ratio=0.5))


def lasso_cv(file):
    from sklearn.linear_model import LassoCV

    x, frame = features(file, 100)
    y = frame["y"].to_numpy()
    best("sklearn LassoCV", 1, lambda: LassoCV(alphas=100, cv=5).fit(x, y))


def logistic(file):
    from sklearn.linear_model import LogisticRegression

    x, frame = features(file, 50)
    y = frame["label"].to_numpy()
    best("sklearn LogisticRegression", 3, lambda: LogisticRegression().fit(x, y))
