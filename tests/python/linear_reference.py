"""Expected values of the unit tests of logistic, huber, quantile, the penalty by
folds and the standard errors of ols.

    pip install numpy scikit-learn==1.9.* statsmodels==0.15.*
    python tests/python/linear_reference.py
"""

import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize, root
from sklearn.linear_model import (
    ElasticNetCV,
    HuberRegressor,
    LassoCV,
    LogisticRegression,
    QuantileRegressor,
)

i = np.arange(60)
a = (i * 37 % 61).astype(float)
b = (i * 23 % 59) * 10.0 - 200.0
c = (i * 11 % 31) / 16.0
x = np.column_stack([a, b, c])
y = 0.1 * a + 0.01 * b + np.sin(i) + c * c
w = 1.0 + i % 3
binary = (y > 5.0).astype(int)


def show(name, *values):
    print(name, [float(v) for v in np.concatenate([np.atleast_1d(v) for v in values])])


for title, options, weights in [
    ("l2", {}, None),
    ("l2 weak weighted", {"C": 20.0}, w),
    ("no intercept", {"C": 0.5, "fit_intercept": False}, None),
]:
    m = LogisticRegression(tol=1e-14, max_iter=100_000, solver="newton-cholesky", **options)
    m.fit(x, binary, sample_weight=weights)
    show("logistic " + title, m.intercept_, m.coef_[0], m.predict_proba(x[:2])[:, 1])
for title, ratio, C, weights in [("l1", 1.0, 0.3, None), ("elastic", 0.4, 0.5, w)]:
    # saga would take hours on features of so different units: the minimum of the same
    # sum is found from coefficients split into positive and negative parts.
    s = np.where(binary == 1, 1.0, -1.0)
    sw = np.ones(60) if weights is None else weights

    def objective(p):
        beta = p[1:4] - p[4:7]
        margin = s * (p[0] + x @ beta)
        loss = (sw * np.logaddexp(0, -margin)).sum()
        g = -sw * s / (1 + np.exp(margin))
        grad = np.r_[g.sum(), x.T @ g, -(x.T @ g)]
        pen = (ratio * p[1:7].sum() + (1 - ratio) / 2 * (beta @ beta)) / C
        gp = np.r_[0, ratio + (1 - ratio) * beta, ratio - (1 - ratio) * beta] / C
        return loss + pen, grad + gp

    best = minimize(
        objective, np.zeros(7), jac=True, method="L-BFGS-B", bounds=[(None, None)] + [(0, None)] * 6,
        options={"maxiter": 100_000, "ftol": 1e-30, "gtol": 1e-12, "maxcor": 50},
    )
    show("logistic " + title, best.x[0], best.x[1:4] - best.x[4:7])
m = sm.Logit(binary, sm.add_constant(x)).fit(method="newton", tol=1e-14, disp=0)
show("logistic alpha 0 (statsmodels)", m.params)

out = y + np.where(i % 10 == 0, 30.0, 0.0)
for title, options, weights in [("usual", {}, None), ("wide weighted", {"epsilon": 2.0, "alpha": 1.0}, w)]:
    m = HuberRegressor(max_iter=1_000_000, tol=1e-13, **options).fit(x, out, sample_weight=weights)
    show("huber " + title, m.intercept_, m.coef_, m.scale_)
    # It stops where its sum falls by less than 1e-9 of itself, some five digits
    # before the minimum; so its sum is minimised again, in scaled features.
    eps, alpha = m.epsilon, m.alpha
    sw = np.ones(60) if weights is None else weights
    center, scale = x.mean(0), x.std(0)
    z = np.column_stack([np.ones(60), (x - center) / scale])
    penalty = np.r_[0, alpha / scale**2]

    def optimality(p):
        r, sigma = out - z @ p[:4], p[4]
        ratio = r / sigma
        slope = -2 * z.T @ (sw * np.clip(ratio, -eps, eps)) + 2 * penalty * p[:4]
        return np.r_[slope, (sw * (1 - np.minimum(abs(ratio), eps) ** 2)).sum()]

    start = np.r_[m.intercept_ + m.coef_ @ center, m.coef_ * scale, m.scale_]
    best = root(optimality, start, tol=1e-14).x
    assert abs(optimality(best)).max() < 1e-10
    coef = best[1:4] / scale
    show("huber minimum " + title, best[0] - coef @ center, coef, best[4])

for title, q, alpha, weights in [
    ("median", 0.5, 0.0, None),
    ("upper", 0.9, 0.0, None),
    ("lower weighted", 0.2, 0.0, w),
    ("penalised", 0.3, 0.05, None),
]:
    m = QuantileRegressor(quantile=q, alpha=alpha, solver="highs").fit(x, y, sample_weight=weights)
    show("quantile " + title, m.intercept_, m.coef_)

design = sm.add_constant(x)
for kind in ["HC0", "HC1", "HC2", "HC3"]:
    show(kind, sm.OLS(y, design).fit(cov_type=kind, use_t=True).bse)
for lags in [0, 3]:
    fit = sm.OLS(y, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}, use_t=True)
    show(f"newey_west {lags}", fit.bse, fit.pvalues)
show("HC3 weighted", sm.WLS(y, design, weights=w).fit(cov_type="HC3", use_t=True).bse)
show("HC0 without intercept", sm.OLS(y, x).fit(cov_type="HC0", use_t=True).bse)

# Folds by time: the row number is the time, targets reach 2 ahead, embargo 1.
folds = []
for k, test in enumerate(np.array_split(i, 4)):
    lo, hi = test[0], test[-1] + 2
    folds.append((np.flatnonzero((i < lo - 2) | (i > hi + 1)), test))
for title, model in [
    ("lasso_cv", LassoCV(alphas=50, cv=folds, tol=1e-14, max_iter=10_000_000)),
    ("elastic_net_cv", ElasticNetCV(l1_ratio=0.3, alphas=20, eps=1e-2, cv=folds, tol=1e-14, max_iter=10_000_000)),
]:
    model.fit(x, y)
    mse = model.mse_path_.mean(axis=1)
    show(title, model.alpha_, model.intercept_, model.coef_, mse.min(), model.alphas_[7], mse[7])
