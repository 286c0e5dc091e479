"""Writes the folds that tests/slt/time_folds.slt and the tests of
udfs/src/time/schemes.rs expect. Run by hand when they gain a case:

    pip install numpy==2.4.6 scikit-learn==1.9.1 skfolio==1.12.2 timeseriescv==0.2
    python tests/python/folds_reference.py

Positions count from 0 here. Where labels span h rows, skfolio's purged_size is h:
rows whose labels reach the test before it, and rows inside the test's labels
after it. timeseriescv takes the evaluation times of an irregular series.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import TimeSeriesSplit
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward

warnings.simplefilter("ignore")


def letters(n, train, test):
    shown = ["-"] * n
    for i in train:
        shown[i] = "."
    for i in test:
        shown[i] = "T"
    return "".join(shown)


print("TimeSeriesSplit(3, test_size=2, gap=1), 11 rows, then max_train_size=4")
for rolling in (None, 4):
    for train, test in TimeSeriesSplit(3, test_size=2, gap=1, max_train_size=rolling).split(np.zeros(11)):
        print(" ", letters(11, train, test))

print("WalkForward(test_size=3, train_size=4), 12 rows")
for train, test in WalkForward(test_size=3, train_size=4).split(np.zeros((12, 1))):
    print(" ", letters(12, train, test))

print("CombinatorialPurgedCV(n_folds=4, n_test_folds=2, purged_size=2, embargo_size=1), 24 rows; path of each test")
cv = CombinatorialPurgedCV(n_folds=4, n_test_folds=2, purged_size=2, embargo_size=1)
paths = cv.get_path_ids()
for i, (train, tests) in enumerate(cv.split(np.zeros((24, 1)))):
    print(" ", letters(24, train, np.concatenate(tests)), *(paths[i] + 1))

try:
    from timeseriescv.cross_validation import CombPurgedKFoldCV

    print("timeseriescv CombPurgedKFoldCV(5, 1) with irregular times; label end in brackets")
    times = np.cumsum([1, 3, 1, 2, 7, 1, 1, 4, 2, 1, 1, 5, 2, 1, 3])
    ends = times + np.array([2, 0, 4, 1, 3, 0, 6, 1, 2, 2, 0, 1, 5, 0, 1])
    at = lambda values: pd.Series(pd.to_datetime(values, unit="D"), index=pd.to_datetime(times, unit="D"))
    X = pd.DataFrame(np.zeros((15, 1)), index=pd.to_datetime(times, unit="D"))
    print(" ", list(zip(times.tolist(), ends.tolist())))
    cv = CombPurgedKFoldCV(n_splits=5, n_test_splits=1)
    for train, test in cv.split(X, pred_times=at(times), eval_times=at(ends)):
        print(" ", letters(15, train, test))
except Exception as error:  # written for an old pandas
    print("timeseriescv:", repr(error))
