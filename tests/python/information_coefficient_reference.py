"""Prints the values that tests/slt/information_coefficient.slt,
tests/slt/lagrange_information_coefficient.slt and the unit tests of
udfs/src/functions/information_coefficient.rs and udfs/src/statistics expect.
Run by hand when they gain a value:

    pip install numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 statsmodels==0.15.0
    python tests/python/information_coefficient_reference.py
"""

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

COLUMNS = """groups groups_skipped n ic ic_std icir rank_ic rank_ic_std rank_icir
ic_t ic_p rank_ic_t rank_ic_p newey_west_lags hit_share turnover rank_autocorrelation""".split()


def panel():
    """8 symbols, 30 times, some rows left out, ties, missing values."""
    i = np.arange(240)
    t = pd.DataFrame({"i": i, "symbol": i % 8, "ts": i // 8})
    t["a"] = (i * i * 31 + i * 7) % 101
    t["b"] = ((i * i * 31) % 17).astype(float)
    t.loc[i % 11 == 0, "b"] = np.nan
    t["slow"] = (t.symbol * 37) % 11 + t.ts * ((t.symbol * 5) % 3) + (i * i * 13) % 5
    t["market"] = (t.ts * 3) % 7
    t["flat"] = 5
    y1 = (t.a + (i * i * 53) % 89).astype(float)
    t["y1"] = y1.where(t.ts < 28)
    t["y2"] = (3 * t.slow - (i * i * 29) % 61).astype(float).where(t.ts < 28)
    return t[i % 19 != 3].reset_index(drop=True)


def hac(series, lags):
    fit = sm.OLS(series, np.ones(len(series))).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    return fit.tvalues[0], fit.pvalues[0]


def coefficient(t, x, y, group, horizon, lag, quantile):
    t = t.sort_values(["symbol", "ts"])
    feature = t.groupby("symbol")[x].shift(lag)
    t = pd.DataFrame({"symbol": t.symbol, "ts": t.ts, "x": feature, "y": t[y]})
    t["before"] = t.groupby("symbol").x.shift(1)
    ics, ranks, pairs = [], [], 0
    for _, g in t.groupby(group):
        g = g.dropna(subset=["x", "y"])
        pairs += len(g)
        if len(g) < 3 or g.x.nunique() == 1 or g.y.nunique() == 1:
            continue
        ics.append(stats.pearsonr(g.x, g.y).statistic)
        ranks.append(stats.spearmanr(g.x, g.y).statistic)
    ics, ranks = np.array(ics), np.array(ranks)
    lags = min(horizon - 1, len(ics) - 1) if group == "ts" else 0
    out = [len(ics), t[group].nunique() - len(ics), pairs]
    for series in (ics, ranks):
        out += [series.mean(), series.std(ddof=1), series.mean() / series.std(ddof=1)]
    out += [*hac(ics, lags), *hac(ranks, lags), lags, np.mean(np.sign(ics) == np.sign(ics.mean()))]
    if group != "ts":
        return out + [np.nan, np.nan]
    # The top group by the edge of pandas.qcut; its members are told by symbol
    # on the previous row of the symbol, not on the previous date.
    edge = t.groupby("ts").x.transform(lambda v: v.quantile(1 - quantile))
    t["top"] = (t.x > edge).astype(float)
    t["was"] = t.groupby("symbol").top.shift(1).fillna(0.0)
    turnover, correlations = [], []
    for _, g in t.groupby("ts"):
        both = g.dropna(subset=["x", "before"])
        top = g[g.top == 1]
        if len(top) and len(both):
            turnover.append(1 - top.was.mean())
        if len(both) >= 3 and both.x.nunique() > 1 and both.before.nunique() > 1:
            correlations.append(stats.spearmanr(both.x, both.before).statistic)
    mean = lambda v: np.mean(v) if v else np.nan
    return out + [mean(turnover), mean(correlations)]


def text(value):
    return "NULL" if np.isnan(value) else f"{value:.10g}"


def show(title, t, target, features, group, horizon, lags, quantile=0.2):
    print(title)
    for x in features:
        for lag in lags:
            values = coefficient(t, x, target, group, horizon, lag, quantile)
            print(" ", target, x, lag, *map(text, values))
            print("    exact", *[f"{name}={value!r}" for name, value in zip(COLUMNS, map(float, values))])


if __name__ == "__main__":
    t = panel()
    show("by date, horizon 3", t, "y1", ["a", "b", "slow"], "ts", 3, [0, 1])
    show("by date, second target", t, "y2", ["a", "b", "slow"], "ts", 3, [0, 1])
    show("by date, horizon 1, quantile 0.5", t, "y2", ["slow"], "ts", 1, [0], 0.5)
    show("by date, quantile 0.3", t, "y2", ["a", "b", "slow"], "ts", 1, [0, 2], 0.3)
    show("horizon beyond the dates", t[t.ts < 6], "y1", ["a"], "ts", 99, [0])
    show("by entity", t, "y1", ["a", "b", "market"], "symbol", 3, [0, 2])
    show("complete panel", t[(t.symbol != 3) ], "y1", ["a"], "ts", 2, [0])
    series = np.array([0.05, -0.02, 0.08, 0.03, -0.01, 0.04, 0.1, -0.06])
    for lags in (0, 1, 3, 7):
        fit = sm.OLS(series, np.ones(8)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
        print("newey_west_mean", lags, repr(float(fit.bse[0])))
    for z in (0.001, 0.5, 1.0, 1.96, 2.8, 2.85, 4.0, 6.5, 12.0, 37.0):
        print("normal_two_sided", z, repr(float(2 * stats.norm.sf(z))))
