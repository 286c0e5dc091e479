"""How the time of a cluster grows: 1 and 2 executors of one core, rows x1, x4, x16.

    python3 tests/benches/cluster_growth.py target/release/lagrange [rows]

Starts scheduler and executors of its own, runs each step three times and prints the
median of the seconds of each step as a table in Markdown, and the ratio of one executor
to two. All processes are on this machine, so with fewer than three free cores the runner
and the scheduler share one with an executor.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

FEATURES = 20
REPEATS = 3

MAKE = """
CREATE OR REPLACE TABLE market AS
SELECT i AS ts, i % 500 AS entity, {columns},
       CAST((i * 7919) % 1000 AS DOUBLE) / 500 - 1 AS target
FROM range({rows}) r(i);
"""

STEPS = {
    "corr_matrix": "CREATE OR REPLACE TABLE c AS SELECT corr_matrix({struct}) AS c FROM market;",
    "fit ols": "CREATE OR REPLACE TABLE m AS SELECT fit(target, {struct}, {{'algorithm': 'ols'}}) AS model FROM market;",
    "metrics by entity": "CREATE OR REPLACE TABLE e AS SELECT entity, ic(target, f0) AS ic, rmse(target, f1) AS rmse "
    "FROM market GROUP BY entity;",
    "lags by entity": "CREATE OR REPLACE TABLE l AS SELECT *, lag(f0, 5) OVER (PARTITION BY entity ORDER BY ts) AS f0_lag5 "
    "FROM market;",
    "fit gbdt (gathers)": "CREATE OR REPLACE TABLE g AS SELECT fit(target, {struct}, "
    "{{'algorithm': 'gbdt', 'trees': 20}}) AS model FROM market;",
}


def column(j):
    return f"CAST((i * {104729 + 2 * j} + {j * 31}) % 1000003 AS DOUBLE) / 1000003 AS f{j}"


def start(binary, arguments):
    process = subprocess.Popen(
        [binary, "cluster", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process, process.stdout.readline().strip()


def run(binary, folder, engine, scripts):
    """The seconds of each step."""
    command = [binary, "run", *scripts, "--engine", engine, "--threads", "8", "--output", "json", "--check", "off"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(ended.stdout + ended.stderr)
    return [step["seconds"] for step in json.loads(ended.stdout)["steps"]]


def measure(binary, executors, rows):
    names = [f"f{j}" for j in range(FEATURES)]
    texts = {
        "struct": "{" + ", ".join(f"'{name}': {name}" for name in names) + "}",
        "columns": ", ".join(column(j) for j in range(FEATURES)),
        "rows": rows,
    }
    with tempfile.TemporaryDirectory() as folder:
        make = pathlib.Path(folder) / "make.sql"
        make.write_text(MAKE.format(**texts))
        steps = pathlib.Path(folder) / "steps.sql"
        steps.write_text("\n".join(step.format(**texts) for step in STEPS.values()))
        scheduler, line = start(binary, ["scheduler", "--port", "0"])
        address = line.split()[-1]
        workers = [
            start(binary, ["executor", "--scheduler", address, "--cores", "1", "--memory-limit", "4G"])[0]
            for _ in range(executors)
        ]
        try:
            engine = f"ballista://{address}"
            run(binary, folder, engine, [make])
            runs = [run(binary, folder, engine, [steps]) for _ in range(REPEATS)]
        finally:
            for process in [*workers, scheduler]:
                process.terminate()
            for process in [*workers, scheduler]:
                process.wait()
    return [statistics.median(times) for times in zip(*runs)]


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    base = int(sys.argv[2]) if len(sys.argv) > 2 else 250_000
    print("| step | rows | 1 executor, s | 2 executors, s | ratio |")
    print("|---|---|---|---|---|")
    for factor in [1, 4, 16]:
        rows = base * factor
        one, two = (measure(binary, executors, rows) for executors in [1, 2])
        for name, a, b in zip(STEPS, one, two):
            print(f"| {name} | {rows:,} | {a:.2f} | {b:.2f} | {a / b:.2f} |", flush=True)


main()
