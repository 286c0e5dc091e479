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

# the panel of tests/slt/quantile_returns.slt and backtest_signals.slt ------------
panel = pd.DataFrame([(i // 9, i % 9, ((i * i * 31 + i * 7) % 101) / 10,
                       0.001 * (((i * i * 31 + i * 7) % 101) + ((i * i * 53) % 89) - 90)) for i in range(180)],
                     columns=["ts", "symbol", "p", "r"])


def newey_west(series, lags):
    n, u = len(series), series - series.mean()
    s = u @ u + 2 * sum((1 - k / (lags + 1)) * (u[k:] @ u[:-k]) for k in range(1, lags + 1))
    t = series.mean() / (math.sqrt(s) / n)
    return t, 2 * stats.norm.sf(abs(t))


def quantiles(frame, name, lags):
    frame = frame.copy()
    frame["bucket"] = frame.groupby("ts").p.transform(lambda x: pd.qcut(x, 4, labels=False) + 1)
    means = frame.groupby(["ts", "bucket"]).r.mean().unstack()
    for bucket in means:
        series = means[bucket].dropna()
        rows = frame[(frame.bucket == bucket)].r.notna().sum()
        show(f"{name} bucket {bucket}", len(series), rows,
             frame[(frame.bucket == bucket) & frame.r.notna()].groupby("ts").p.mean().mean(), series.mean(),
             series.std(), *newey_west(series.values, lags))
    spread = (means[4] - means[1]).dropna().values
    show(f"{name} spread", spread.mean(), *newey_west(spread, lags),
         stats.spearmanr(range(4), means.mean().values).statistic)


quantiles(panel, "quantile_returns", 2)
for day, frame in panel[panel.ts < 2].groupby("ts"):
    bucket = pd.qcut(frame.p, 2, labels=False)
    show(f"quantile_returns of date {day}", *frame.groupby(bucket).p.mean(), *frame.groupby(bucket).r.mean())
gaps = panel.copy()
gaps.loc[[i % 13 == 5 for i in range(180)], "r"] = np.nan
gaps.loc[[i % 17 == 3 for i in range(180)], "p"] = np.nan
quantiles(gaps, "quantile_returns with gaps", 0)

import alphalens.performance as performance  # noqa: E402
import alphalens.utils as utils  # noqa: E402
import empyrical as ep  # noqa: E402

index = pd.MultiIndex.from_arrays([pd.to_datetime("2024-01-01") + pd.to_timedelta(panel.ts, unit="D"), panel.symbol],
                                  names=["date", "asset"])
factor = pd.DataFrame({"1D": panel.r.values, "factor": panel.p.values}, index=index)
factor["factor_quantile"] = utils.quantize_factor(factor[["factor"]], quantiles=4)
for demeaned in (False, True):
    means, _ = performance.mean_return_by_quantile(factor, demeaned=demeaned)
    show(f"alphalens mean_return_by_quantile {demeaned}", *means["1D"].values)

# Another return, that the prediction does not tell.
panel["r"] = [0.001 * ((i * i * 53) % 89 - 44) for i in range(180)]
factor["1D"] = panel.r.values
cost = 0.001
weights = performance.factor_weights(factor, demeaned=True).unstack()
gross = performance.factor_returns(factor, demeaned=True)["1D"]
for name, w in (("proportional, demean", weights),
                ("sign, demean", np.sign(panel.pivot(index="ts", columns="symbol", values="p").sub(
                    panel.groupby("ts").p.mean(), axis=0)) / 9),
                ("rank", panel.pivot(index="ts", columns="symbol", values="p").rank(axis=1).pipe(
                    lambda x: x.sub(x.mean(axis=1), axis=0)).pipe(lambda x: x.div(x.abs().sum(axis=1), axis=0)))):
    earned = (w.values * panel.pivot(index="ts", columns="symbol", values="r").values).sum(axis=1)
    turnover = np.abs(np.diff(np.vstack([np.zeros(9), w.values]), axis=0)).sum(axis=1)
    net = pd.Series(earned - cost * turnover, index=gross.index)
    if name.startswith("prop"):
        assert np.allclose(earned, gross.values)
    show(f"backtest {name}: sums, equity, drawdown, sharpe", earned.sum(), turnover.sum(), net.sum(), (1 + net).prod(),
         ep.max_drawdown(net), ep.sharpe_ratio(net, annualization=1))

# the models of tests/slt/evaluate_model.slt -----------------------------------
x = np.arange(60.0)
y = 0.5 * x + np.array([(i * i * 31) % 17 for i in range(60)]) - 20
slope, intercept = np.polyfit(x[:40], y[:40], 1)
said, was, date = slope * x[40:] + intercept, y[40:], np.arange(40, 60) // 5
show("evaluate_model regression", math.sqrt(sk.mean_squared_error(was, said)), sk.mean_absolute_error(was, said),
     sk.r2_score(was, said), np.mean(np.sign(was) == np.sign(said)), np.corrcoef(was, said)[0, 1],
     stats.spearmanr(was, said).statistic)
ics = np.array([np.corrcoef(was[date == d], said[date == d])[0, 1] for d in np.unique(date)])
ranks = np.array([stats.spearmanr(was[date == d], said[date == d]).statistic for d in np.unique(date)])
show("  by date: ic, rank_ic, icir, rank_icir", ics.mean(), ranks.mean(), ics.mean() / ics.std(ddof=1),
     ranks.mean() / ranks.std(ddof=1))
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402

for name, classes in (("binary", 2), ("multiclass", 3)):
    label = np.array([(i * i * 31) % 17 // 6 for i in range(60)]) if classes == 3 else (
        np.array([(i * i * 31) % 17 > 6 for i in range(60)]).astype(int))
    features = np.column_stack([np.arange(60.0), [(i * i * 31) % 17 + i / 100 for i in range(60)]])
    knn = KNeighborsClassifier(7).fit(features[:40], label[:40])
    p, c = knn.predict_proba(features[40:]), knn.predict(features[40:])
    a = label[40:]
    out = [sk.log_loss(a, p, labels=knn.classes_)]
    if classes == 2:
        out += [sk.roc_auc_score(a, p[:, 1]), sk.average_precision_score(a, p[:, 1]), sk.brier_score_loss(a, p[:, 1])]
    out += [sk.accuracy_score(a, c), sk.f1_score(a, c, average="binary" if classes == 2 else "macro"),
            sk.matthews_corrcoef(a, c)]
    show(f"evaluate_model {name}", *out)

# the candidates of tests/slt/select_model.slt --------------------------------------
outcome = np.array([[((t * t * 53 + s * 17 + t * s) % 89 - 44) / 1000 for s in range(3)] for t in range(48)])
noise = np.array([[((t * t * 31 + s * s * 7 + t * 11 * (s + 1)) % 61 - 30) / 1000 for s in range(3)] for t in range(48)])
other = np.array([[((t * t * 29 + s * 13 + t * s * 5) % 61 - 30) / 1000 for s in range(3)] for t in range(48)])
said = {"a": 0.2 * outcome + noise, "b": 0.25 * outcome + 0.8 * noise, "c": 0.2 * outcome + 0.98 * other}
losses = {name: ((p - outcome) ** 2).mean(axis=1) for name, p in said.items()}
for name in said:
    show(f"select_model {name}: rmse, rank_ic", math.sqrt(losses[name].mean()),
         np.mean([stats.spearmanr(p, o).statistic for p, o in zip(said[name], outcome)]))
for h in (1, 3):
    p = {}
    for name in "bc":
        t, p[name] = diebold_mariano(losses["a"] - losses[name], h)
        show(f"  {name} against a, h = {h}", t, p[name])
    low, high = sorted(p.values())
    show(f"  Holm, h = {h}", min(1, 2 * low), max(min(1, 2 * low), high))
kept = np.ones((48, 3), bool)
kept[5], kept[7, 1] = False, False
for name, p in said.items():
    squares = np.where(kept, (p - outcome) ** 2, 0).sum(axis=1)[kept.any(axis=1)] / kept.sum(axis=1)[kept.any(axis=1)]
    show(f"  {name} without time 5 and one row of time 7", math.sqrt(squares.mean()), kept.sum())
net = {}
for name, p in said.items():
    w = np.sign(p) / 3
    turnover = np.abs(np.diff(np.vstack([np.zeros(3), w]), axis=0)).sum(axis=1)
    net[name] = (w * outcome).sum(axis=1) - 0.001 * turnover
ratios = {name: r.mean() / r.std(ddof=1) for name, r in net.items()}


def deflated(r, trials, deviation):
    sr, gamma = r.mean() / r.std(ddof=1), 0.5772156649015329
    best = deviation * ((1 - gamma) * stats.norm.ppf(1 - 1 / trials) + gamma * stats.norm.ppf(1 - 1 / (trials * math.e)))
    variance = 1 - stats.skew(r) * sr + (stats.kurtosis(r, fisher=False) - 1) / 4 * sr**2
    return stats.norm.cdf((sr - best) * math.sqrt((len(r) - 1) / variance))


spread = np.std(list(ratios.values()), ddof=1)
for name, r in net.items():
    show(f"  {name}: sharpe, dsr of 3, dsr of 100 with 0.2", ratios[name], deflated(r, 3, spread), deflated(r, 100, 0.2))
by_rank = np.array([[stats.spearmanr(p, o).statistic for p, o in zip(said[name], outcome)] for name in said]).T
show("  pbo 6 blocks: rmse, rank_ic, net_return", cscv(-np.column_stack(list(losses.values())), 6, mean),
     cscv(by_rank, 6, mean), cscv(np.column_stack(list(net.values())), 6, sharpe))
