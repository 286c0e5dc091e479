"""What the lookahead guard costs, in seconds.

    python tests/benches/guard.py target/release/lagrange [rows-per-symbol symbols]

Prints the best of ten static checks of a script of more than 2,000 lines, the start of the
process included, and, per engine, what one computation of 100 features on a panel takes and
what a replay with 20 cuts takes, with their ratio. Needs nothing but Python.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

lagrange = str(pathlib.Path(sys.argv[1]).resolve())
days, symbols = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (2000, 500)
sql = pathlib.Path(__file__).resolve().parents[2] / "sql"


def seconds(folder, *arguments):
    start = time.perf_counter()
    run = subprocess.run([lagrange, *arguments], cwd=folder, capture_output=True, text=True)
    took = time.perf_counter() - start
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    return took


def features():
    window = "PARTITION BY symbol ORDER BY ts"
    for k in range(1, 26):
        yield f"r{k}", f"close / lag(close, {k}) OVER ({window}) - 1"
    for name, of in (("m", "avg(close)"), ("s", "stddev_samp(close)"), ("v", "sum(volume)")):
        for k in range(2, 27):
            rows = f"ROWS BETWEEN {2 * k - 1} PRECEDING AND CURRENT ROW"
            yield f"{name}{2 * k}", f"{of} OVER ({window} {rows})"


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    block = (sql / "features.sql").read_text()
    names = ("return_1", "distance_20", "volume_z20")
    struct = ", ".join(f"'{n}': {n}" for n in names)
    target = "lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS target"
    fit = f"SELECT fit(target, {{{struct}}}) FROM (SELECT *, {target} FROM features);\n"
    lines = 2_000 // block.count("\n") + 1
    (folder / "long.sql").write_text(block * lines + fit)
    best = min(seconds(folder, "check", "long.sql") for _ in range(10))
    print(f"check of {(block * lines).count(chr(10))} lines: {best:.3f}", flush=True)

    panel = (
        "CREATE OR REPLACE TABLE panel AS\n"
        "SELECT CAST(s.i AS VARCHAR) AS symbol, DATE '2015-01-01' + CAST(g.i AS INTEGER) AS ts,\n"
        "       abs(sin(g.i * 12.9898e0 + s.i * 78.233e0)) * 100e0 + 1e0 AS close,\n"
        "       abs(cos(g.i * 3.7e0 + s.i * 1.3e0)) * 1e6 AS volume\n"
        f"FROM range({days}) g(i) CROSS JOIN range({symbols}) s(i);\n"
    )
    (folder / "panel.sql").write_text(panel)
    columns = list(features())
    listed = ",\n".join(f"       {expression} AS {column}" for column, expression in columns)
    (folder / "features.sql").write_text(
        "CREATE OR REPLACE TABLE f AS\nSELECT symbol, ts, lead(close, 5) OVER "
        f"(PARTITION BY symbol ORDER BY ts) AS y,\n{listed}\nFROM panel;\n"
    )
    fields = ", ".join(f"'{column}': {column}" for column, _ in columns)
    (folder / "fit.sql").write_text(f"SELECT fit(y, {{{fields}}}) FROM f;\n")
    for engine in ("duckdb", "datafusion"):
        seconds(folder, "run", "panel.sql", "--engine", engine)
        once = seconds(folder, "run", "features.sql", "--engine", engine, "--check", "off")
        replay = seconds(
            folder, "check", "features.sql", "fit.sql", "--replay", "--engine", engine
        )
        print(
            f"{engine}, {days * symbols} rows, {len(columns)} features: once {once:.1f}, "
            f"replay with 20 cuts {replay:.1f}, {replay / once:.2f} times",
            flush=True,
        )
