"""Reference numbers of feature_screen and relevance_tests, for a person to compare
with the tests. Not run by CI.

    pip install numpy==2.4.* pandas==3.* scipy==1.17.* statsmodels==0.15.* scikit-learn==1.8.*
"""

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import mutual_info_score
from statsmodels.stats.multitest import multipletests


def g(value):
    return "NULL" if value is None else f"{value:.10g}"


def bins(x, count):
    smaller = stats.rankdata(x, method="min") - 1
    return (smaller * count // len(x)).astype(int)


i = np.arange(200)
features = {"a": i * 7 % 11, "a_lag1": i * 7 % 11 + i % 3, "b": i * 3 % 13}
y = 2 * (i * 7 % 11) + i * 5 % 17
p = [stats.kendalltau(x, y).pvalue for x in features.values()]
q = multipletests(p, method="fdr_by")[1]
vif = np.diag(np.linalg.inv(np.corrcoef(np.stack(list(features.values())))))
print("# feature n distinct variance zero outliers ic rank_ic mi p q vif")
for (name, x), p, q, v in zip(features.items(), p, q, vif):
    far = np.abs(x - x.mean()) > 1.7 * x.std(ddof=1)
    row = [x.var(ddof=1), (x == 0).mean(), far.mean(), np.corrcoef(x, y)[0, 1], stats.spearmanr(x, y)[0]]
    row += [mutual_info_score(bins(x, 5), bins(y, 5)), p, q, v]
    print(name, len(x), len(set(x)), *map(g, row))

print("# by date: 20 entities, 10 dates: feature ic rank_ic icir, p for horizons 1 and 3")
frame = pd.DataFrame({**features, "y": y, "ts": i // 20})
for name in features:
    ic = [group[name].corr(group.y) for _, group in frame.groupby("ts")]
    rank = np.array([stats.spearmanr(group[name], group.y)[0] for _, group in frame.groupby("ts")])
    fits = [
        sm.OLS(rank, np.ones(len(rank))).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
        for lags in (0, 2)
    ]
    print(name, g(np.mean(ic)), g(rank.mean()), g(rank.mean() / rank.std(ddof=1)), *(g(fit.pvalues[0]) for fit in fits))

print("# relevance_tests: feature test statistic p q_by q_bh")
x2, y2 = i * 7 % 11 > 5, y > 17
split = lambda v, by: (v[by], v[~by])
tests = {
    "kendall a,y": stats.kendalltau(features["a"], y),
    "kolmogorov_smirnov a>5,y": stats.ks_2samp(*split(y, x2)),
    "mann_whitney a,y>17": stats.mannwhitneyu(*split(features["a"], y2)),
    "fisher": stats.fisher_exact([[np.sum((x2 == a) & (y2 == b)) for b in (0, 1)] for a in (0, 1)]),
    "kendall b,y": stats.kendalltau(features["b"], y),
}
for name, found in tests.items():
    print(name, g(found[0]), g(found[1]))
p = [tests[name][1] for name in ("kendall a,y", "kolmogorov_smirnov a>5,y", "kendall b,y")]
print(*[" ".join(map(g, multipletests(p, method=m)[1])) for m in ("fdr_by", "fdr_bh")], sep="\n")
p = [tests[name][1] for name in ("mann_whitney a,y>17", "fisher")]
print(" ".join(map(g, multipletests(p, method="fdr_by")[1])))

print("# sampled: 50 of 200 dates of 20 entities; feature rank_ic, p for horizon 3 by the distance of dates")
i = np.arange(4000)
date = i // 20 + 1
mask = (1 << 64) - 1


def mixed(bits):
    bits = (bits + 0x9E3779B97F4A7C15) & mask
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & mask
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & mask
    return bits ^ bits >> 31


chosen = sorted(range(1, 201), key=lambda d: mixed(int(np.float64(d).view(np.uint64))))[:50]
many = pd.DataFrame({"date": date, "a": i * 7 % 1009, "b": np.where(i % 4 > 0, i * 31 % 997, np.nan)})
many["y"] = i * 7 % 1009 + i * 13 % 701
for name in ("a", "b"):
    known = many[many.date.isin(chosen)].dropna(subset=[name])
    rank = known.groupby("date").apply(lambda group: stats.spearmanr(group[name], group.y)[0])
    u, t = (rank - rank.mean()).to_numpy(), rank.index.to_numpy()
    weights = np.maximum(0, 1 - np.abs(t[:, None] - t) / 3)
    error = np.sqrt(u @ weights @ u) / len(u)
    print(name, g(rank.mean()), g(2 * stats.norm.sf(abs(rank.mean()) / error)))
