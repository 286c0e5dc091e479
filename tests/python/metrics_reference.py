"""Writes the values that the suites of the metrics expect, from scikit-learn,
SciPy and empyrical-reloaded. Run by hand when they gain a value:

    pip install numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1 empyrical-reloaded==0.7.1
    python tests/python/metrics_reference.py
"""

import math
import warnings

import numpy as np
from scipy.stats import kurtosis, norm, skew
from sklearn import metrics as sk

warnings.simplefilter("ignore")
import empyrical as ep  # noqa: E402

ACTUAL = [0, 0, 1, 1, 1, 0, 1, 0]
SCORE = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.2]
CLASS = [0, 0, 0, 1, 1, 1, 1, 0]
RETURNS = [0.01, -0.02, 0.03, 0.005, -0.01, 0.02, -0.04, 0.015]


def show(name, value):
    print(f"{name:<40} {value:.10g}")


show("log_loss", sk.log_loss(ACTUAL, SCORE))
show("brier", sk.brier_score_loss(ACTUAL, SCORE))
show("auc", sk.roc_auc_score(ACTUAL, SCORE))
show("pr_auc", sk.average_precision_score(ACTUAL, SCORE))
show("accuracy", sk.accuracy_score(ACTUAL, CLASS))
show("f1", sk.f1_score(ACTUAL, CLASS))
show("f1 of 0", sk.f1_score(ACTUAL, CLASS, pos_label=0))
show("mcc", sk.matthews_corrcoef(ACTUAL, CLASS))
show("mcc of three classes", sk.matthews_corrcoef([0, 1, 2, 1, 0, 2, 1, 0], [0, 2, 2, 1, 0, 1, 1, 0]))
a, p = [2.0, -4.0, 5.0], [1.0, -5.0, 5.5]
show("mape", sk.mean_absolute_percentage_error(a, p))
show("quantile_loss 0.9", sk.mean_pinball_loss(a, p, alpha=0.9))
show("quantile_loss 0.1", sk.mean_pinball_loss(a, p, alpha=0.1))

r = np.array(RETURNS)
show("sharpe per period", r.mean() / r.std(ddof=1))
show("sharpe 252", ep.sharpe_ratio(r))
show("sharpe 252, risk_free 0.001", ep.sharpe_ratio(r, risk_free=0.001))
show("sortino per period", ep.sortino_ratio(r, annualization=1))
show("sortino 252", ep.sortino_ratio(r))
show("sortino 252, target 0.001", ep.sortino_ratio(r, required_return=0.001))
show("max_drawdown", ep.max_drawdown(r))
show("calmar 252", ep.calmar_ratio(r))
show("skew", skew(r))
show("kurtosis", kurtosis(r, fisher=False))


def psr(r, benchmark):
    sr = r.mean() / r.std(ddof=1)
    variance = 1 - skew(r) * sr + (kurtosis(r, fisher=False) - 1) / 4 * sr**2
    return norm.cdf((sr - benchmark) * math.sqrt((len(r) - 1) / variance)), sr, variance


show("psr", psr(r, 0)[0])
show("psr against 0.1", psr(r, 0.1)[0])
gamma = 0.5772156649015329
best = 0.2 * ((1 - gamma) * norm.ppf(1 - 1 / 20) + gamma * norm.ppf(1 - 1 / (20 * math.e)))
show("dsr of 20 trials, deviation 0.2", psr(r, best)[0])
_, sr, variance = psr(r, 0)
show("min_track_record", 1 + variance * (norm.ppf(0.95) / sr) ** 2)
show("min_track_record 0.9 against 0.01", 1 + variance * (norm.ppf(0.9) / (sr - 0.01)) ** 2)
for p in (1e-300, 1e-10, 0.001, 0.3, 0.499, 0.95, 0.9999):
    print("norm.ppf", p, repr(float(norm.ppf(p))))
