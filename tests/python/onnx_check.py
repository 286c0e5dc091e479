"""Imports models of LightGBM and XGBoost with `lagrange import-model`, writes them
as ONNX and JSON with `lagrange export-model`, and compares: onnxruntime's and the
JSON's predictions with the origin's, missing values and categories included.
Fails where they differ by more than 1e-12 (LightGBM) or, of their size, 1e-6
(XGBoost, which adds in 32 bits). Not run by CI.

    pip install numpy==2.4.* pandas==3.1.* lightgbm==4.7.* xgboost==3.2.* onnx==1.23.* onnxruntime==1.32.*
    python tests/python/onnx_check.py target/release/lagrange
"""

import os
import subprocess
import sys
import tempfile

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import xgboost as xgb

LAGRANGE = sys.argv[1]
FOLDER = tempfile.mkdtemp()
rng = np.random.default_rng(42)
N = 2000


def check(name, text, frame, expected, tolerance):
    path = os.path.join(FOLDER, name)
    with open(path, "w") as file:
        file.write(text)
    subprocess.run([LAGRANGE, "import-model", path, path + ".model"], check=True)
    subprocess.run(
        [LAGRANGE, "export-model", path + ".model", "--onnx", path + ".onnx", "--json", path + ".json"], check=True
    )
    onnx.checker.check_model(onnx.load(path + ".onnx"))
    session = ort.InferenceSession(path + ".onnx", providers=["CPUExecutionProvider"])
    feed = {
        i.name: frame[i.name].astype(object if i.type == "tensor(string)" else np.float64).to_numpy()
        for i in session.get_inputs()
    }
    names = [output.name for output in session.get_outputs()]
    results = dict(zip(names, session.run(None, feed)))
    got = results.get("probabilities", results["prediction"])
    if got.ndim == 2 and expected.ndim == 1:
        expected = np.c_[1 - expected, expected]
    difference = (np.abs(got - expected) / np.maximum(1, np.abs(expected))).max()
    print(f"{name}: {difference:.1e}")
    assert difference <= tolerance, name


x = rng.normal(size=(N, 6))
x[rng.random(x.shape) < 0.05] = np.nan
code = rng.integers(0, 12, size=N)
known = np.nan_to_num(x)
y = known[:, 0] * 2 + known[:, 1] ** 2 + code % 3 + rng.normal(size=N) * 0.1
targets = {
    "regression": y,
    "binary": (y > y.mean()).astype(int),
    "multiclass": np.digitize(y, np.quantile(y, [0.33, 0.66])),
    "poisson": rng.poisson(np.exp(y / 4)),
}
numbers = pd.DataFrame(x, columns=[f"x{i}" for i in range(6)])
mixed = numbers.assign(k=pd.Categorical([f"k{c}" for c in code]))
for frame, kind in [(numbers, "numbers"), (mixed, "categories")]:
    for objective, target in targets.items():
        options = {"objective": objective, "num_leaves": 31, "verbose": -1, "seed": 1}
        if objective == "multiclass":
            options["num_class"] = 3
        booster = lgb.train(options, lgb.Dataset(frame, target), 30)
        check(f"lightgbm_{objective}_{kind}", booster.model_to_string(), frame, booster.predict(frame), 1e-12)
forest = {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "verbose": -1}
booster = lgb.train(forest, lgb.Dataset(numbers, y), 20)
check("lightgbm_forest", booster.model_to_string(), numbers, booster.predict(numbers), 1e-12)
for objective, target, kind in [
    ("reg:squarederror", "regression", "gbtree"),
    ("binary:logistic", "binary", "gbtree"),
    ("multi:softprob", "multiclass", "gbtree"),
    ("count:poisson", "poisson", "gbtree"),
    ("reg:squarederror", "regression", "dart"),
]:
    options = {"objective": objective, "max_depth": 5, "seed": 1, "booster": kind, "rate_drop": 0.3}
    if kind == "gbtree":
        del options["rate_drop"]
    if target == "multiclass":
        options["num_class"] = 3
    rows = xgb.DMatrix(numbers, targets[target])
    booster = xgb.train(options, rows, 30)
    name = f"xgboost_{target}_{kind}"
    check(name, booster.save_raw("json").decode(), numbers, booster.predict(rows), 1e-6)
