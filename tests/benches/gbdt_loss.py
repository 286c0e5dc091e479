"""Whether boosted trees of `fit` predict as well as LightGBM's, over several draws of the data.

    python tests/benches/gbdt_loss.py target/release/lagrange regression 100000 100 [draws]

The loss on test rows of one draw says little: half of the signal is a pure interaction of two
features, and which split finds it first is a matter of luck (LightGBM's own loss moves by half a
percent with the sample that it learns its bins from). So this prints, per draw, LightGBM's loss,
the same with another sample for the bins, ours, and our ratio; and the mean ratio with its
standard error. Needs numpy, polars and lightgbm.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import lightgbm
import numpy as np
import polars as pl

FEATURES = [f"c{i}" for i in range(50)]
lagrange = str(pathlib.Path(sys.argv[1]).resolve())
task, rows, trees = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
draws = int(sys.argv[5]) if len(sys.argv) > 5 else 5


def draw(seed):
    random = np.random.default_rng(seed)
    count = rows * 5 // 4
    x = random.random((count, len(FEATURES), 3)).sum(2) - 1.5
    signal = x[:, 0] + 0.5 * x[:, 1] + x[:, 2] * x[:, 3] + np.sin(3 * x[:, 4]) - abs(x[:, 5])
    if task == "regression":
        y = signal + random.random((count, 3)).sum(1) - 1.5
    else:
        y = (random.random(count) < 1 / (1 + np.exp(-2 * signal))).astype(int)
    return x, y, np.arange(count) % 5 == 0


def peer(x, y, test, **more):
    parameters = {
        "objective": task,
        "num_leaves": 63,
        "learning_rate": 0.1,
        "max_bin": 255,
        "min_data_in_leaf": 20,
        "num_threads": 2,
        "verbosity": -1,
        **more,
    }
    data = lightgbm.Dataset(x[~test], label=y[~test])
    predicted = lightgbm.train(parameters, data, num_boost_round=trees).predict(x[test])
    if task == "regression":
        return np.sqrt(np.mean((y[test] - predicted) ** 2))
    return -np.mean(np.log(np.where(y[test] == 1, predicted, 1 - predicted)))


def ours(x, y, test):
    features = ", ".join(f"'{name}': {name}" for name in FEATURES)
    objective, predict, loss = {
        "regression": ("squared_error", "predict", "rmse"),
        "binary": ("logistic", "predict_proba", "log_loss"),
    }[task]
    options = (
        f"'algorithm': 'gbdt', 'objective': '{objective}', 'trees': {trees}, 'max_leaves': 63, "
        "'learning_rate': 1e-1, 'bins': 255, 'min_data_in_leaf': 20"
    )
    script = (
        "CREATE TABLE x AS SELECT * FROM read_table('x.parquet');\n"
        f"CREATE TABLE m AS SELECT fit(y, {{{features}}}, {{{options}}}) AS model FROM x WHERE NOT test;\n"
        f"SELECT {loss}(y, p) AS loss FROM (\n"
        f"  SELECT y, {predict}((SELECT model FROM m), {{{features}}}) AS p FROM x WHERE test) AS q;\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        columns = {name: x[:, i] for i, name in enumerate(FEATURES)}
        pl.DataFrame({**columns, "y": y, "test": test}).write_parquet(folder / "x.parquet")
        (folder / "loss.sql").write_text(script)
        run = subprocess.run(
            [lagrange, "run", "loss.sql", "--check", "off", "--output", "json"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    if run.returncode:
        sys.exit(run.stderr)
    row = json.loads(run.stdout)["steps"][-1]["result"]["rows"][0]
    return float(row["loss"] if isinstance(row, dict) else row[0])


ratios = []
for seed in range(draws):
    data = draw(seed)
    theirs = peer(*data)
    other = peer(*data, data_random_seed=5, bin_construct_sample_cnt=rows // 2)
    loss = ours(*data)
    ratios.append(loss / theirs)
    print(
        f"draw {seed}: LightGBM {theirs:.5f}, with other bins {other:.5f} ({other / theirs:.4f}), "
        f"fit {loss:.5f} ({loss / theirs:.4f})",
        flush=True,
    )
error = np.std(ratios, ddof=1) / len(ratios) ** 0.5 if draws > 1 else float("nan")
print(f"{task}, {rows} rows, {trees} trees: fit / LightGBM = {np.mean(ratios):.4f} (standard error {error:.4f})")
