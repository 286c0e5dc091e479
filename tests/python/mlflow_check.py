"""Reads back what `lagrange run` has uploaded to an MLflow server, and loads the
model: every metric, parameter, trial, data set and file of the record must be there
once, and the model's predictions must be SQL's to 1e-9.

    python tests/python/mlflow_check.py http://127.0.0.1:5000 artifacts/runs/<run id> predictions.csv

The end-to-end tests run it with the Python of tests/python/mlflow_env.sh.
"""

import csv
import json
import math
import os
import sys

os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

import mlflow
import pandas as pd

URI, FOLDER, PREDICTIONS = sys.argv[1:]
mlflow.set_tracking_uri(URI)
client = mlflow.MlflowClient()
record = json.load(open(f"{FOLDER}/run.json"))


def equal(what, found, expected):
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


experiment = client.get_experiment_by_name(record["experiment"])
runs = client.search_runs([experiment.experiment_id], f"tags.`lagrange.run_id` = '{record['id']}'")
equal("runs", len(runs), 1)
run = runs[0]
equal("status", run.info.status, record["status"])
equal("name", run.info.run_name, record["name"])
equal("parameters", run.data.params, {p["name"]: p["value"] for p in record["parameters"]})
equal("tag", run.data.tags["lagrange.engine"], record["engine"]["name"])
equal("tag", run.data.tags["lagrange.environment"], record["environment"])

# Metrics, fold by fold.
expected = {}
for metric in record["metrics"]:
    expected.setdefault(metric["key"], []).append((metric["step"], float(metric["value"])))
for step in record["steps"]:
    for key, value in [("step_seconds", step["seconds"]), ("step_rows", step["rows"])]:
        if value is not None:
            expected.setdefault(key, []).append((step["index"], float(value)))
assert len(expected) >= 15, expected
for key, values in expected.items():
    found = sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, key))
    equal(key, found, sorted(values))

# Trials.
children = client.search_runs(
    [experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
)
trials = list(csv.DictReader(open(f"{FOLDER}/tables/trials.csv")))
equal("trials", len(children), len(trials))
means = {}
for trial in trials:
    parameters = {k: str(v) for k, v in json.loads(trial["parameters"]).items()}
    means[json.dumps(parameters)] = (trial["metric"], float(trial["mean"]))
for child in children:
    metric, mean = means[json.dumps(child.data.params)]
    equal("mean of a trial", child.data.metrics[metric], mean)
    folds = client.get_metric_history(child.info.run_id, f"fold/{metric}")
    assert math.isclose(sum(m.value for m in folds) / len(folds), mean, rel_tol=1e-12)

# Data.
equal(
    "data sets",
    sorted((i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs),
    sorted((d["name"], d["digest"]) for d in record["datasets"]),
)

# Files.
files, folders = set(), [""]
while folders:
    for info in client.list_artifacts(run.info.run_id, folders.pop() or None):
        folders.append(info.path) if info.is_dir else files.add(info.path)
wanted = {a["path"] for a in record["artifacts"] if not a["path"].startswith("models/")}
equal("files", files, wanted | {"run.json"})

# The model, by its alias.
model = record["models"][0]
version = client.get_model_version_by_alias(model["name"], "champion")
equal("versions", len(client.search_model_versions(f"name = '{model['name']}'")), 1)
equal("its run", version.run_id, run.info.run_id)
equal("its hash", version.tags["lagrange.sha256"], model["sha256"])
# The server leaves model_id out of its answer; the source names it.
model_id = version.source.removeprefix("models:/")
logged = client.get_logged_model(model_id)
equal("its status", str(logged.status.value if hasattr(logged.status, "value") else logged.status), "READY")
own = {m.key for m in logged.metrics}
assert "evaluation/rmse" in own and not any(key.startswith("trials/") for key in own), own
equal("outputs", [o.model_id for o in run.outputs.model_outputs], [model_id])
equal("logged models", len(client.search_logged_models([experiment.experiment_id])), len(record["models"]))
loaded = mlflow.pyfunc.load_model(f"models:/{model['name']}@champion")
equal("inputs", loaded.metadata.signature.inputs.input_names(), model["header"]["features"])
example = loaded.input_example
assert example is not None and len(loaded.predict(example)) == len(example), example
frame = pd.read_csv(PREDICTIONS)
# Other columns and another order do no harm.
predicted = loaded.predict(frame[[c for c in frame.columns[::-1]]])["prediction"]
worst = max(abs(predicted.to_numpy().ravel() - frame["predicted"].to_numpy()))
assert len(frame) == 300 and worst <= 1e-9, worst
print(f"{len(expected)} metrics, {len(children)} trials, {len(files)} files; predictions differ by {worst:.1e} at most")
