"""Fits every algorithm that can be exported in a script, on rows with missing values
and text where it takes them, and compares onnxruntime's predictions and
probabilities with those of predict and predict_proba: they may differ by 1e-12 of
trees, 1e-9 of linear models.

Imports models of LightGBM and XGBoost with `lagrange import-model`, writes them
as ONNX and JSON with `lagrange export-model`, and compares: onnxruntime's and the
JSON's predictions with the origin's, missing values and categories included.
Fails where they differ by more than 1e-12 (LightGBM) or, of their size, 1e-6
(XGBoost, which adds in 32 bits). Not run by CI.

    pip install numpy==2.4.* pandas==3.1.* pyarrow lightgbm==4.7.* xgboost==3.2.* onnx==1.23.* onnxruntime==1.32.*
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

LAGRANGE = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp()
# Our own algorithms: name, options, target, features, tolerance, whether it has classes.
NUMBERS = "{'a': a, 'b': b, 'c': c}"
GAPS = "{'a': gap_a, 'b': b, 'c': c}"
TEXT = "{'a': gap_a, 'b': b, 'k': k}"
OWN = [
    ("ols", "", "y", NUMBERS, 1e-9, False),
    ("ols_hc3", "'covariance': 'hc3'", "y", NUMBERS, 1e-9, False),
    ("ridge", "'alpha': 2.0", "y", NUMBERS, 1e-9, False),
    ("lasso", "'alpha': 0.05", "y", NUMBERS, 1e-9, False),
    ("lasso_path", "'n_lambdas': 20", "y", NUMBERS, 1e-9, False),
    ("elastic_net", "'alpha': 0.05", "y", NUMBERS, 1e-9, False),
    ("logistic", "", "up", NUMBERS, 1e-9, True),
    ("logistic_l1", "'l1_ratio': 1.0", "up * 3 - 1", NUMBERS, 1e-9, True),
    ("huber", "", "y", NUMBERS, 1e-9, False),
    ("quantile", "'quantile': 0.8", "y", NUMBERS, 1e-9, False),
    ("pls", "", "y", NUMBERS, 1e-9, False),
    ("gbdt", "'trees': 20", "y", GAPS, 1e-12, False),
    ("gbdt_text", "'trees': 20", "y", TEXT, 1e-12, False),
    ("gbdt_poisson", "'trees': 20, 'objective': 'poisson'", "kind", TEXT, 1e-12, False),
    ("gbdt_logistic", "'trees': 20, 'objective': 'logistic'", "up", TEXT, 1e-12, True),
    ("gbdt_softmax", "'trees': 20, 'objective': 'softmax'", "kind", TEXT, 1e-12, True),
    ("random_forest", "'trees': 20", "y", GAPS, 1e-12, False),
    ("random_forest_classes", "'trees': 20, 'objective': 'softmax'", "kind", TEXT, 1e-12, True),
    ("extra_trees", "'trees': 20", "y", TEXT, 1e-12, False),
]
ALGORITHMS = ["ols", "ridge", "lasso", "elastic_net", "logistic", "huber", "quantile", "pls", "gbdt", "random_forest", "extra_trees"]


def own_models():
    """What a script says of them: (name, ONNX bytes, frame of features, expected)."""
    statements = [
        """CREATE OR REPLACE TABLE samples AS SELECT i, a, b, c, gap_a, k, y, CASE WHEN y > 1 THEN 1 ELSE 0 END AS up,
  CASE WHEN y < 0 THEN 0 WHEN y < 1.5 THEN 1 ELSE 4 END AS kind FROM (SELECT *, 2 * a + b * c + i % 3 AS y,
  CASE WHEN i % 11 = 0 THEN NULL ELSE a END AS gap_a, CASE WHEN i % 13 = 0 THEN NULL ELSE concat('k', CAST(i % 5 AS VARCHAR)) END AS k
  FROM (SELECT i, sin(i * 1.7) AS a, cos(i * 0.9) * 3 AS b, sin(i * 0.37 + 1) / 4 AS c FROM range(600) r(i)) x) z"""
    ]
    for name, options, target, features, _, classes in OWN:
        algorithm = next(a for a in sorted(ALGORITHMS, key=len, reverse=True) if name.startswith(a))
        more = f", {options}" if options else ""
        statements.append(
            f"CREATE OR REPLACE TABLE model_{name} AS SELECT fit({target}, {features}, "
            f"{{'algorithm': '{algorithm}'{more}}}) AS model FROM samples"
        )
        probability = f"predict_proba(model, {features})" if classes else "CAST(NULL AS DOUBLE)"
        statements.append(
            f"CREATE OR REPLACE TABLE onnx_{name} AS SELECT i, {features} AS features, predict(model, {features}) AS prediction, "
            f"{probability} AS probability, CASE WHEN i = 0 THEN to_onnx(model) END AS file "
            f"FROM samples CROSS JOIN model_{name}"
        )
    script = os.path.join(FOLDER, "own.sql")
    with open(script, "w") as file:
        file.write(";\n".join(statements) + ";\n")
    subprocess.run(
        [LAGRANGE, "run", script, "--engine", "datafusion", "--check", "off"], check=True, cwd=FOLDER,
        stdout=subprocess.DEVNULL,
    )
    for name, _, _, _, tolerance, classes in OWN:
        frame = pd.read_parquet(os.path.join(FOLDER, "data", "ml", f"onnx_{name}")).sort_values("i")
        yield name, frame, tolerance, classes


for name, frame, tolerance, classes in own_models():
    file = frame["file"].dropna().iloc[0]
    onnx.checker.check_model(onnx.load_model_from_string(file))
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    inputs = pd.DataFrame(list(frame["features"]))
    feed = {}
    for i in session.get_inputs():
        column = inputs[i.name]
        if i.type == "tensor(string)":
            feed[i.name] = column.where(column.notna(), "").to_numpy(dtype=object)
        else:
            feed[i.name] = column.to_numpy(dtype=np.float64)
    names = [output.name for output in session.get_outputs()]
    results = dict(zip(names, session.run(None, feed)))
    difference = np.abs(results["prediction"] - frame["prediction"].to_numpy()).max()
    if classes:
        ours = frame["probability"].to_numpy()
        difference = max(difference, np.abs(results["probabilities"][:, -1] - ours).max())
    print(f"{name}: {difference:.1e}")
    assert difference <= tolerance, name


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
