"""Optuna and LightGBM, the same trials on the same purged folds. The Dataset of
each fold is made once and shared by all trials, as ours are."""

import lightgbm as lgb
import numpy as np
import optuna
import polars as pl
from timing import best, note

THREADS = 2
HORIZON = 5
FOLDS = 5
SPACE = {
    "learning_rate": [0.02, 0.05, 0.1, 0.15, 0.2],
    "num_leaves": [7, 15, 31, 47, 63],
    "lambda_l2": [0.0, 10.0],
}


def purged(n):
    """Training and test rows; labels end HORIZON rows later."""
    labelled = n - HORIZON
    cuts = [i * labelled // FOLDS for i in range(FOLDS + 1)]
    rows = np.arange(labelled)
    for first, end in zip(cuts, cuts[1:]):
        train = (rows + HORIZON < first) | (rows > end - 1 + HORIZON)
        yield rows[train], rows[first:end]


def tune(path):
    frame = pl.read_parquet(path).sort("k")
    x = frame.select([f"c{i}" for i in range(50)]).to_numpy(order="c")
    y = frame["y"].to_numpy()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    studies = []

    def search():
        prepared = []
        for train, test in purged(len(y)):
            data = lgb.Dataset(x[train], label=y[train], params={"verbosity": -1}, free_raw_data=False)
            prepared.append((data.construct(), x[test], y[test]))

        def objective(trial):
            parameters = {
                "objective": "regression",
                "min_data_in_leaf": 20,
                "num_threads": THREADS,
                "verbosity": -1,
                **{name: trial.suggest_categorical(name, values) for name, values in SPACE.items()},
            }
            losses = []
            for data, test_x, test_y in prepared:
                model = lgb.train(parameters, data, num_boost_round=100)
                losses.append(np.sqrt(np.mean((test_y - model.predict(test_x)) ** 2)))
            return np.mean(losses)

        study = optuna.create_study(sampler=optuna.samplers.GridSampler(SPACE, seed=0))
        study.optimize(objective, n_trials=50)
        studies.append(study)

    best("Optuna and LightGBM", 1, search)
    note("Optuna: best mean rmse", studies[-1].best_value)


def folds(path):
    """timeseriescv's purged folds, of which one is tested at a time."""
    import pandas as pd
    from timeseriescv.cross_validation import CombPurgedKFoldCV

    times = pl.read_parquet(path).sort("ts")["ts"].to_numpy()
    start = pd.Series(pd.Timestamp("2000-01-01") + pd.to_timedelta(times, unit="min"))
    end = start + pd.Timedelta(minutes=5)
    frame = pd.DataFrame(index=start.index)
    cv = CombPurgedKFoldCV(n_splits=5, n_test_splits=1, embargo_td=pd.Timedelta(minutes=3))
    best("timeseriescv", 1, lambda: list(cv.split(frame, pred_times=start, eval_times=end)))


def none(path):
    """A size that no peer ends with."""
