"""Models of the runner and what they predict, as Parquet for check.py --models.

    python runner_models.py LAGRANGE FOLDER

LAGRANGE is the program. It runs ../clients/models.sql in a folder of its own.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb

lagrange, target = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
script = pathlib.Path(__file__).parent.parent / "clients" / "models.sql"
with tempfile.TemporaryDirectory() as folder:
    done = subprocess.run([lagrange, "run", script, "--check", "off"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    connection = duckdb.connect(f"{folder}/data/ml.duckdb", read_only=True)
    for table in ("samples", "models", "predictions"):
        connection.execute(f"COPY {table} TO '{target}/{table}.parquet' (FORMAT parquet)")
    connection.close()
