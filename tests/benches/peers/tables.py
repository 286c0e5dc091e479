"""Correlations, lags and least squares."""

import itertools

import numpy as np
import polars as pl
from timing import best


def array(path):
    return pl.read_parquet(path).to_numpy(order="c")


def corr(path):
    values = array(path)
    best("numpy.corrcoef", 3, lambda: np.corrcoef(values, rowvar=False))


def corr_nulls(path):
    frame = pl.read_parquet(path).to_pandas()
    best("pandas.DataFrame.corr", 1, frame.corr)


def spearman(path):
    frame = pl.read_parquet(path).to_pandas()
    best("pandas.DataFrame.corr spearman", 1, lambda: frame.corr(method="spearman"))


def kendall(path):
    from scipy.stats import kendalltau

    columns = list(np.ascontiguousarray(array(path).T))

    def work():
        return [kendalltau(x, y).statistic for x, y in itertools.combinations(columns, 2)]

    best("scipy.stats.kendalltau per pair", 1, work)


def lag(path):
    columns = [f"c{i}" for i in range(20)]
    frame = pl.read_parquet(path)

    def work():
        ordered = frame.sort("symbol", "ts")
        return ordered.with_columns(
            [pl.col(c).shift(k).over("symbol").alias(f"{c}_lag{k}") for c in columns for k in range(1, 6)]
        )

    best("polars sort, shift, over, in memory", 1, work)

    # The same, ending where lag_features ends.
    import duckdb

    database = duckdb.connect()
    database.execute("SET threads = 2")

    def into_a_table():
        lagged = work().to_arrow()
        database.execute("CREATE OR REPLACE TABLE lagged AS SELECT * FROM lagged")

    best("polars, into a table of DuckDB", 1, into_a_table)


def fit(path):
    from sklearn.linear_model import LinearRegression

    values = array(path)
    x, y = np.ascontiguousarray(values[:, 1:]), values[:, 0].copy()
    best("sklearn LinearRegression", 3, lambda: LinearRegression().fit(x, y))
