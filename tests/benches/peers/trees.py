"""LightGBM, scikit-learn's forest, ONNX Runtime. The loss on the test rows is
printed beside the seconds."""

import lightgbm as lgb
import numpy as np
import polars as pl
from timing import best, note

THREADS = 2
FEATURES = [f"c{i}" for i in range(50)]


def data(path, target):
    frame = pl.read_parquet(path)
    test = frame["test"].to_numpy()
    x = frame.select(FEATURES).to_numpy(order="c")
    y = frame[target].to_numpy().astype(float)
    return x[~test], y[~test], x[test], y[test]


def boost(x, y, objective, trees, **more):
    parameters = {
        "objective": objective,
        "num_leaves": 63,
        "learning_rate": 0.1,
        "max_bin": 255,
        "min_data_in_leaf": 20,
        "num_threads": THREADS,
        "verbosity": -1,
        **more,
    }
    return lgb.train(parameters, lgb.Dataset(x, label=y), num_boost_round=trees)


def gbdt(target, trees):
    objective = "binary" if target == "z" else "regression"

    def task(path):
        x, y, test_x, test_y = data(path, target)
        models = []
        best("LightGBM, Dataset and train", 2, lambda: models.append(boost(x, y, objective, trees)))
        predicted = models[-1].predict(test_x)
        if target == "z":
            note("LightGBM: log loss", -np.mean(np.log(np.where(test_y == 1, predicted, 1 - predicted))))
        else:
            note("LightGBM: rmse", np.sqrt(np.mean((test_y - predicted) ** 2)))

    task.__name__ = f"gbdt_{target}_{trees}"
    return task


def gbdt_noisy(path):
    x, y, test_x, test_y = data(path, "noisy")
    models = []
    more = {"num_leaves": 31, "learning_rate": 0.02, "min_data_in_leaf": 200}
    best("LightGBM, Dataset and train", 2, lambda: models.append(boost(x, y, "regression", 100, **more)))
    note("LightGBM: ic", np.corrcoef(test_y, models[-1].predict(test_x))[0, 1])


def forest(path):
    from sklearn.ensemble import RandomForestRegressor

    x, y, test_x, test_y = data(path, "y")
    model = RandomForestRegressor(200, n_jobs=THREADS, random_state=0, max_features=1 / 3)
    best("sklearn RandomForestRegressor", 1, lambda: model.fit(x, y))
    note("sklearn: rmse", np.sqrt(np.mean((test_y - model.predict(test_x)) ** 2)))


def trained(path):
    frame = pl.read_parquet(path)
    x = frame.select(FEATURES).to_numpy(order="c")
    y = frame["y"].to_numpy()
    return boost(x[:100_000], y[:100_000], "regression", 500), x


def predict(path):
    model, x = trained(path)
    best("LightGBM predict, an array", 2, lambda: model.predict(x, num_threads=THREADS))

    import onnxmltools
    import onnxruntime
    from onnxmltools.convert.common.data_types import FloatTensorType

    kind = [("x", FloatTensorType([None, len(FEATURES)]))]
    converted = onnxmltools.convert_lightgbm(model, initial_types=kind, target_opset=15)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    single = x.astype(np.float32)
    best("ONNX Runtime, an array of float32", 2, lambda: session.run(None, {"x": single}))


def shap(path):
    model, x = trained(path)
    best("LightGBM pred_contrib", 1, lambda: model.predict(x, pred_contrib=True, num_threads=THREADS))


TASKS = [
    *(gbdt(target, trees) for target in "yz" for trees in (100, 500)),
    gbdt_noisy,
    forest,
    predict,
    shap,
]
