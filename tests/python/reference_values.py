"""Prints the values that the .slt suites expect, from NumPy, SciPy,
statsmodels and scikit-learn. Run by hand when a suite gains a value:

    pip install numpy scipy statsmodels scikit-learn
    python tests/python/reference_values.py
"""

import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score


def show(title, *values):
    print(title, *[f"{v:.10g}" for v in np.concatenate([np.ravel(v) for v in values])])


def corr_matrix():
    a = np.array([1.0, 2, 3, 4, 5])
    c = np.array([9.0, 7, 8, 5, 1])
    show("corr a,c", np.corrcoef(a, c)[0, 1])
    show("corr a,c without rows 1 and 3", np.corrcoef(a[[1, 3, 4]], c[[1, 3, 4]])[0, 1])
    show("corr b,c without row 3", np.corrcoef(a[[0, 1, 3, 4]], c[[0, 1, 3, 4]])[0, 1])
    show("corr i,late", np.corrcoef(a, a > 3)[0, 1])
    show("corr h", np.corrcoef(a[2:], c[2:])[0, 1])
    for i in range(5):
        lo = max(0, i - 2)
        if i > 0:
            show(f"sliding, running {i + 1}", np.corrcoef(a[lo : i + 1], c[lo : i + 1])[0, 1], np.corrcoef(a[: i + 1], c[: i + 1])[0, 1])
    k = np.arange(20000)
    x, y, z = k + 0.0, (k * 7919) % 10007, (k * 31) % 101
    some = k % 20 != 0
    show("corr x,y  x,z  y,z", np.corrcoef(x, y)[0, 1], np.corrcoef(x[some], z[some])[0, 1], np.corrcoef(y[some], z[some])[0, 1])


def coefficients(title, model):
    for i, name in enumerate(model.params):
        show(f"{title} {i}", model.params[i], model.bse[i], model.tvalues[i], model.pvalues[i])


def fit():
    i = np.arange(40)
    a, b = i % 5 + 0.5, (i * 7) % 11
    y = 3 + 2 * a - b + ((i * 13) % 7 - 3) / 10
    x = np.column_stack([a, b]).astype(float)
    coefficients("fit ols", sm.OLS(y, sm.add_constant(x)).fit())
    show("fit ols standardized", sm.OLS(y, sm.add_constant(x)).fit().params[1:] * x.std(0) / y.std())
    ridge = Ridge(alpha=2.5, solver="svd").fit(x, y)
    show("fit ridge", ridge.intercept_, ridge.coef_, ridge.coef_ * x.std(0) / y.std())
    coefficients("fit without intercept", sm.OLS(y, x).fit())
    origin = sm.OLS(y, x).fit().params
    show("fit without intercept, standardized about zero", origin * np.sqrt((x**2).sum(0)) / np.sqrt((y**2).sum()))
    for g in (0, 1):
        m = sm.OLS(y[i % 2 == g], sm.add_constant(x[i % 2 == g])).fit()
        show(f"fit group {g}", m.params[1])
    for end in range(9, 13):
        rows = slice(end - 3, end + 1)
        show(f"fit rolling {end}", sm.OLS(y[rows], sm.add_constant(a[rows])).fit().params[1])
    wide = np.column_stack([b, 2 * b, np.ones(40)]).astype(float)
    centred = wide - wide.mean(0)
    w = np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0]
    show("fit minimum norm", y.mean() - wide.mean(0) @ w, w, w * centred.std(0) / y.std())
    t = np.column_stack([np.ones(40), i, i > 20, a]).astype(float)
    show("fit types", np.linalg.lstsq(t, y.astype(np.float32).astype(float), rcond=None)[0][0])


def model_coefficients():
    i = np.arange(10)
    m = sm.OLS(1 + 2 * i + i % 2, sm.add_constant(i.astype(float))).fit()
    coefficients("model_coefficients", m)
    show("standardized, r2, residual deviation", m.params[1] * i.std() / np.std(1 + 2 * i + i % 2), m.rsquared, np.sqrt(m.scale))


METRICS = {
    "rmse": lambda a, p: np.sqrt(mean_squared_error(a, p)),
    "mae": mean_absolute_error,
    "r2": lambda a, p: r2_score(a, p) if np.ptp(a) > 0 else None,
    "ic": lambda a, p: stats.pearsonr(a, p).statistic if np.ptp(a) > 0 and np.ptp(p) > 0 else None,
    "rank_ic": lambda a, p: stats.spearmanr(a, p).statistic if np.ptp(a) > 0 and np.ptp(p) > 0 else None,
    "hit_rate": lambda a, p: np.mean(np.sign(a) == np.sign(p), where=(a != 0) & (p != 0)),
}


def text(value):
    if value is None or np.isnan(value):
        return "NULL"
    value = float(f"{value:.9e}")
    return str(int(value)) if value == int(value) else repr(value)


def metrics():
    nan = np.nan
    a = np.array([1, -2, 3, 0, 4, -1, nan, 1])
    p = np.array([1.5, 1, 2.5, -0.5, 4.5, -1, 1, nan])
    k = np.arange(20000)
    many = (((k * 7919) % 10007 - 5000).astype(float), ((k * 7919) % 10007 - 4000 - k % 100 * 10).astype(float))
    for name, metric in METRICS.items():

        def of(rows):
            x, y = a[rows], p[rows]
            both = ~np.isnan(x) & ~np.isnan(y)
            return text(metric(x[both], y[both]) if both.sum() > (1 if name in ("r2", "ic", "rank_ic") else 0) else None)

        print(f"ALL_{name}", of(slice(0, 8)))
        print(f"GROUPS_{name}", f"g {of(slice(0, 3))}|h {of(slice(3, 8))}")
        print(f"SLIDING_{name}", "|".join(f"{i + 1} {of(slice(max(0, i - 2), i + 1))}" for i in range(8)))
        print(f"MANY_{name}", text(metric(*many)))


if __name__ == "__main__":
    corr_matrix()
    fit()
    model_coefficients()
    metrics()
