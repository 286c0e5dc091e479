"""What cross_validate, out_of_fold and train_model should return.

scikit-learn 1.9.1, numpy 2.4.6. The folds are cut and purged by the definition,
interval by interval, not by Lagrange's way of doing it.

    python tests/python/training_reference.py
"""

from itertools import combinations

import numpy as np
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LinearRegression, Ridge

K = np.arange(400)
SYMBOL, TIME = K % 2, K // 2
A, B, C = (K * 7919) % 101, (K * 31) % 17, (K * 13) % 29
Y = 3 * A + B + (K * 5) % 7
X = np.column_stack([A, B, C]).astype(float)
HORIZON = 2
LABELLED = TIME + HORIZON <= TIME.max()
END = TIME + HORIZON


def parts(times, count):
    cuts = [i * len(times) // count for i in range(count + 1)]
    return [times[a:b] for a, b in zip(cuts, cuts[1:])]


def fold(segments, before=None, embargo=0):
    """Rows that train, that are tested, and how many are purged, embargoed."""
    test = LABELLED & np.isin(TIME, np.concatenate(segments))
    train, purged, embargoed = [], 0, 0
    for i in np.flatnonzero(LABELLED & ~test):
        if before is not None and TIME[i] > before:
            continue
        overlaps = embargo_hit = False
        for segment in segments:
            held = LABELLED & np.isin(TIME, segment)
            last = END[held].max()
            overlaps |= TIME[i] <= last and END[i] >= segment[0]
            embargo_hit |= last < TIME[i] <= last + embargo
        if overlaps:
            purged += 1
        elif embargo_hit:
            embargoed += 1
        else:
            train.append(i)
    return np.array(train), np.flatnonzero(test), purged, embargoed


def scores(model, rows):
    """rmse, mae, r2, ic, rank_ic."""
    predicted = model.predict(X[rows])
    values = (
        metrics.mean_squared_error(Y[rows], predicted) ** 0.5,
        metrics.mean_absolute_error(Y[rows], predicted),
        metrics.r2_score(Y[rows], predicted),
        np.corrcoef(Y[rows], predicted)[0, 1],
        stats.spearmanr(Y[rows], predicted)[0],
    )
    return " ".join(f"{value:.10g}" for value in values)


def show(number, train, test, purged, embargoed, model):
    model.fit(X[train], Y[train])
    print(number, len(train), len(test), purged, embargoed)
    print("   in sample", scores(model, train))
    print("   out of sample", scores(model, test))


def main():
    times = np.unique(TIME[LABELLED])
    print("fold, train, test, purged, embargoed; rmse, mae, r2, ic, rank_ic")
    print("walk_forward, ols")
    segments = parts(times, 4)
    for i in range(1, 4):
        show(i, *fold([segments[i]], before=segments[i][0]), LinearRegression())
    train = fold([segments[3]], before=segments[3][0])[0]
    model = LinearRegression().fit(X[train], Y[train])
    for i in np.flatnonzero(TIME == 197):
        print("   prediction at 197", "pq"[SYMBOL[i]], Y[i], f"{model.predict(X[i:i + 1])[0]:.6f}")
    print("purged_kfold, ridge 10, embargo 3")
    segments = parts(times, 3)
    for i, segment in enumerate(segments):
        show(i + 1, *fold([segment], embargo=3), Ridge(alpha=10.0, solver="svd"))
    print("cpcv, 4 of which 2")
    segments = parts(times, 4)
    for i, chosen in enumerate(combinations(segments, 2)):
        show(i + 1, *fold(list(chosen)), LinearRegression())
    print("hold-out of a quarter, ols")
    count = round(len(times) * 0.25)
    show(1, *fold([times[-count:]], before=times[-count]), LinearRegression())


if __name__ == "__main__":
    main()
