"""The Python peers of benches/speed: prints the best of a few runs, in seconds,
as `name seconds` lines. Data are read before the clock starts, and a peer uses
as many threads as it does by itself.

    pip install numpy scipy pandas polars scikit-learn pyarrow duckdb
    python tests/benches/peers TASK FILE.parquet
"""

import sys

from screen import screen
from stability import stability
from tables import corr, corr_nulls, fit, kendall, lag, spearman

TASKS = [corr, corr_nulls, spearman, kendall, lag, fit, screen, stability]

if __name__ == "__main__":
    {task.__name__: task for task in TASKS}[sys.argv[1]](sys.argv[2])
