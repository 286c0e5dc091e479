"""statsmodels' rolling regression, NumPy's least squares per group."""

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
