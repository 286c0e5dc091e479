"""A DuckDB that the extension is not for says which it needs.

    python too_old.py lagrange.duckdb_extension
"""

import pathlib
import sys

import duckdb

connection = duckdb.connect(config={"allow_unsigned_extensions": True})
try:
    connection.execute(f"LOAD '{pathlib.Path(sys.argv[1]).resolve()}'")
except duckdb.Error as error:
    assert "need 1.4 or later" in str(error), error
    print(f"ok: DuckDB {duckdb.__version__} says: {str(error).splitlines()[-1]}")
else:
    sys.exit(f"DuckDB {duckdb.__version__} loads it")
