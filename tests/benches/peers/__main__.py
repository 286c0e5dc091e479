r"""The Python peers of benches/speed: prints the best of a few runs, in seconds,
as `name seconds` lines. Data are read before the clock starts, and a peer uses
as many threads as it does by itself.

    pip install numpy scipy pandas polars scikit-learn pyarrow duckdb \
                statsmodels lightgbm onnxruntime onnxmltools optuna timeseriescv
    python tests/benches/peers TASK FILE.parquet
"""

import sys
from importlib import import_module

TASKS = {
    "tables": ["corr", "corr_nulls", "spearman", "kendall", "lag", "fit"],
    "screen": ["screen", "screen_rows"],
    "stability": ["stability"],
    "linear": ["rolling", "groups", "lasso_path", "enet_path", "lasso_cv", "logistic"],
    "training": ["tune", "folds", "none"],
}

if __name__ == "__main__":
    # A task needs the packages of its own module only.
    name, path = sys.argv[1:]
    module = next((module for module, tasks in TASKS.items() if name in tasks), "trees")
    tasks = import_module(module)
    {task.__name__: task for task in getattr(tasks, "TASKS", [getattr(tasks, name, None)])}[name](path)
