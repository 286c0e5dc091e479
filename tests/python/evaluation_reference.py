"""Writes the values that the tests of evaluation expect: from scikit-learn, alphalens-
reloaded, empyrical-reloaded, dieboldmariano and statsmodels, and for the probability of
backtest overfitting from the paper's formulas in NumPy. Run by hand:

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 \
        alphalens-reloaded==0.5.1 empyrical-reloaded==0.7.1 dieboldmariano==1.1.0 statsmodels
    python tests/python/evaluation_reference.py
"""

import itertools
import math
import warnings

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

warnings.simplefilter("ignore")


def show(name, *values):
    print(f"{name:<44} " + " ".join(f"{v:.16g}" for v in values))


# classes -------------------------------------------------------------------
A3, P3 = [0, 1, 2, 1, 0, 2, 1, 0], [0, 2, 2, 1, 0, 1, 1, 0]
show("accuracy, macro f1, f1 of 2, mcc", sk.accuracy_score(A3, P3), sk.f1_score(A3, P3, average="macro"),
     sk.f1_score(A3, P3, average=None)[2], sk.matthews_corrcoef(A3, P3))
A2 = np.array([0, 0, 1, 1, 1, 0, 1, 0])
S2 = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.2])
P2 = (S2 >= 0.4).astype(int)
show("binary", sk.log_loss(A2, S2), sk.roc_auc_score(A2, S2), sk.average_precision_score(A2, S2),
     sk.brier_score_loss(A2, S2), sk.accuracy_score(A2, P2), sk.f1_score(A2, P2), sk.matthews_corrcoef(A2, P2))
# log_loss of three classes needs the probability of the actual one only.
full = np.zeros((8, 3))
for i, (a, p) in enumerate(zip(A3, S2)):
    full[i] = (1 - p) / 2
    full[i, a] = p
show("multiclass log_loss", sk.log_loss(A3, full))

# calibration ---------------------------------------------------------------
P = np.array([0.05, 0.1, 0.1, 0.2, 0.3, 0.45, 0.6, 0.6, 0.85, 1.0])
Y = np.array([0, 0, 1, 0, 0, 1, 1, 0, 1, 1])
for strategy, bins in (("uniform", 5), ("quantile", 4)):
    true, pred = calibration_curve(Y, P, n_bins=bins, strategy=strategy)
    show(f"calibration {strategy} predicted", *pred)
    show(f"calibration {strategy} observed", *true)
edges = np.linspace(0, 1, 6)
ids = np.searchsorted(edges[1:-1], P)
show("expected calibration error", sum(abs(Y[ids == b].mean() - P[ids == b].mean()) * (ids == b).sum()
                                       for b in np.unique(ids)) / len(P))
try:
    from statsmodels.stats.proportion import proportion_confint

    show("wilson 3 of 4", *proportion_confint(3, 4, method="wilson"))
    for count, n in ((1, 4), (0, 1), (2, 3), (2, 2)):
        show(f"wilson {count} of {n}", *proportion_confint(count, n, method="wilson"))
except ImportError:
    z = stats.norm.ppf(0.975)
    for count, n in ((3, 4), (1, 4), (0, 1), (2, 3), (2, 2)):
        ci = stats.binomtest(count, n).proportion_ci(method="wilson")
        show(f"wilson {count} of {n}", ci.low, ci.high)

# Diebold and Mariano ---------------------------------------------------------
D = np.array([0.5, -0.2, 0.8, 0.3, -0.1, 0.4, 1.0, -0.6, 0.2, 0.35])


def diebold_mariano(d, h):
    n, u = len(d), d - d.mean()
    s = (u @ u + 2 * sum((1 - k / h) * (u[k:] @ u[:-k]) for k in range(1, h))) / n
    t = d.mean() / math.sqrt(s / n) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return t, 2 * stats.t.sf(abs(t), n - 1)


for h in (1, 2, 4):
    show(f"diebold_mariano h = {h}", *diebold_mariano(D, h))
    try:
        from dieboldmariano import dm_test

        # Losses whose difference is D: |V - P1| - |V - P2|, with positive losses.
        show(f"  dieboldmariano {h}", *dm_test([0.0] * 10, list(D + 5), [5.0] * 10, loss=lambda v, p: abs(v - p), h=h,
                                               variance_estimator="bartlett"))
    except ImportError:
        pass


# the probability of backtest overfitting --------------------------------------
def cscv(matrix, blocks, performance):
    """Bailey et al. 2017, section 2, step by step; matrix of periods by candidates."""
    n, candidates = matrix.shape
    cuts = [i * n // blocks for i in range(blocks + 1)]
    parts = [matrix[a:b] for a, b in zip(cuts, cuts[1:])]
    logits = []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[i] for i in chosen])
        outside = np.concatenate([parts[i] for i in range(blocks) if i not in chosen])
        best = int(np.argmax(performance(inside)))
        omega = stats.rankdata(performance(outside))[best] / (candidates + 1)
        logits.append(math.log(omega / (1 - omega)))
    return np.mean(np.array(logits) <= 0)


def mean(m):
    return m.mean(axis=0)


def sharpe(m):
    return m.mean(axis=0) / m.std(axis=0, ddof=1)


M = np.array([[(t * t * (c + 2) + t * 7 + c * 11) % 23 - 11 + 0.2 * c for c in range(5)] for t in range(43)])
show("pbo 6 mean, 6 sharpe, 10 sharpe", cscv(M, 6, mean), cscv(M, 6, sharpe), cscv(M, 10, sharpe))
