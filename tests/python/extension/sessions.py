"""What an analyst does with the extension in a notebook, one function each.

Each takes a client of check.py and raises where something does not hold; what it
returns is printed.
"""

import pathlib
import re
import shutil
import struct
import subprocess
import sys
import threading

import memory

TABLE = """CREATE OR REPLACE TABLE t AS
SELECT i, i % 3 AS g, (i * 7919) % 1000 / 1000.0 AS a, (i * 104729) % 997 / 997.0 AS b,
  sin((i * 7919) % 1000 / 100.0) + (i * 13) % 17 / 17.0 AS y FROM range(3000) r(i)"""
FIT = "SELECT fit(y, {'a': a, 'b': b}, {'algorithm': 'gbdt', 'trees': 20}) AS model FROM t"
LAGS = "SELECT * FROM lagrange.lag_features('t', 'y', [1, 2], order_by := 'i') ORDER BY i"


def _one(connection, sql, *parameters):
    return connection.execute(sql, *parameters).fetchone()[0]


def _refused(connection, sql):
    try:
        connection.execute(sql).fetchall()
    except Exception as error:  # noqa: BLE001: the text is what matters
        return str(error)
    raise AssertionError(f"not refused: {sql}")


def loading_twice_changes_nothing(client):
    connection = client.connect()
    connection.execute(TABLE)
    before = connection.execute(LAGS).fetchall()
    count = "SELECT count(*) FROM duckdb_functions()"
    functions = _one(connection, count)
    client.load(connection)
    other = connection.cursor()
    client.load(other)
    assert _one(connection, count) == functions
    assert other.execute(LAGS).fetchall() == before
    name, version = connection.execute(
        "SELECT extension_name, extension_version FROM duckdb_extensions() WHERE extension_name = 'lagrange' AND loaded"
    ).fetchone()
    assert version.startswith("v"), version


def nothing_is_written_to_the_file_of_the_user(client):
    path = client.folder / "mine.db"
    connection = client.connect(path)
    connection.execute(TABLE)
    connection.execute("CREATE TABLE models AS " + FIT)
    connection.close()
    plain = client.connect(path, loaded=False)
    names = plain.execute(
        "SELECT function_name FROM duckdb_functions() WHERE database_name = 'mine' AND NOT internal"
    ).fetchall()
    assert names == [], names
    databases = plain.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert databases == [("mine",)], databases
    assert "lagrange" in _refused(plain, LAGS)
    plain.close()


def a_database_that_is_read_only(client):
    path = client.folder / "read_only.db"
    connection = client.connect(path, loaded=False)
    connection.execute(TABLE)
    connection.close()
    connection = client.connect(path, read_only=True)
    assert len(connection.execute(LAGS).fetchall()) == 3000
    assert len(_one(connection, FIT)) > 100
    assert "read-only" in _refused(connection, "CREATE TABLE x AS SELECT 1")
    connection.close()


def a_database_called_lagrange(client):
    connection = client.connect(client.folder / "lagrange.db")
    connection.execute(TABLE)
    rows = connection.execute(LAGS.replace("lagrange.", "lagrange_functions.")).fetchall()
    assert len(rows) == 3000
    connection.close()
    plain = client.connect(client.folder / "lagrange.db", loaded=False)
    names = plain.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    assert names == [], names
    plain.close()


def names_alone_once_on_the_search_path(client):
    connection = client.connect()
    connection.execute(TABLE)
    connection.execute("SET search_path = 'main,lagrange.main'")
    assert len(connection.execute(LAGS.replace("lagrange.", "")).fetchall()) == 3000
    connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
    assert _one(connection, "SELECT a FROM memory.main.mine") == 1


def arrow_polars_and_pandas_results(client):
    try:
        import pandas  # noqa: F401
        import polars  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError:
        return "skipped: they are not installed here"
    connection = client.connect()
    connection.execute("SET python_enable_replacements = true")
    connection.execute(TABLE)
    rows = connection.execute(LAGS).fetchall()
    arrow = connection.sql(LAGS).to_arrow_table()
    assert arrow.column("y_lag2").to_pylist() == [row[-1] for row in rows]
    frame = connection.sql(LAGS).pl()
    assert frame["y_lag1"].to_list() == [row[-2] for row in rows]
    pandas_frame = connection.sql(LAGS).df()
    assert pandas_frame["y_lag1"].isna().sum() == 1
    assert pandas_frame["y_lag1"].dropna().tolist() == [row[-2] for row in rows[1:]]
    # Rows that live in Python: a frame by its name, in both directions.
    again = connection.execute("SELECT y_lag1 FROM lagrange.lag_features('pandas_frame', 'y', 1, order_by := 'i') ORDER BY i")
    assert [row[0] for row in again.fetchall()] == [row[-2] for row in rows]
    nested = connection.sql(f"SELECT unnest(model_trees(model), recursive := true) FROM ({FIT})").pl()
    assert len(nested) > 20 and "feature" in nested.columns, nested.columns
    assert connection.sql(FIT).to_arrow_table().column("model").type == "binary"


def prepared_statements(client):
    connection = client.connect()
    connection.execute(TABLE)
    values = [_one(connection, "SELECT rmse(y, a) FROM t WHERE i < ?", [n]) for n in (10, 100, 10)]
    assert values[0] == values[2] != values[1]
    connection.execute("PREPARE fitted AS SELECT predict(fit(y, {'a': a}), {'a': $x}) FROM t WHERE g = $g")
    for g in (0, 1, 2):
        direct = f"SELECT predict(fit(y, {{'a': a}}), {{'a': 0.5}}) FROM t WHERE g = {g}"
        assert _one(connection, f"EXECUTE fitted(x := 0.5, g := {g})") == _one(connection, direct)
    connection.execute("PREPARE lagged AS SELECT count(y_lag1) FROM lagrange.lag_features('t', 'y', 1, order_by := 'i') WHERE g = ?")
    assert _one(connection, "EXECUTE lagged(1)") == 1000
    # Even what a table function reads: DuckDB plans anew once it knows the value.
    connection.execute("CREATE TABLE small AS SELECT i, 1.0 * i AS y FROM range(5) r(i)")
    connection.execute("PREPARE any_table AS SELECT count(y_lag1) FROM lagrange.lag_features(?, 'y', 1, order_by := 'i')")
    assert _one(connection, "EXECUTE any_table('t')") == 2999
    assert _one(connection, "EXECUTE any_table('small')") == 4
    by_name = "SELECT count(*) FROM lagrange.lag_features(?, 'y', 1, order_by := 'i')"
    assert [_one(connection, by_name, [name]) for name in ("t", "small")] == [3000, 5]


def connections_and_threads(client):
    connection = client.connect()
    connection.execute(TABLE)
    by_group = "SELECT g, fit(y, {'a': a, 'b': b}, {'algorithm': 'gbdt', 'trees': 20}) FROM t GROUP BY g ORDER BY g"
    expected, lagged = connection.execute(by_group).fetchall(), connection.execute(LAGS).fetchall()
    problems = []

    def work():
        try:
            cursor = connection.cursor()
            for _ in range(5):
                assert cursor.execute(by_group).fetchall() == expected
                assert cursor.execute(LAGS).fetchall() == lagged
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems


def temporary_tables_ctes_and_views(client):
    connection = client.connect()
    connection.execute("CREATE TEMP TABLE tt AS SELECT i, i * 2.0 AS x FROM range(5) r(i)")
    lags = "SELECT x_lag1 FROM lagrange.lag_features('{}', 'x', 1, order_by := 'i') ORDER BY i"
    expected = [(None,), (0.0,), (2.0,), (4.0,), (6.0,)]
    assert connection.execute(lags.format("tt")).fetchall() == expected
    assert connection.execute("WITH c AS (FROM tt) " + lags.format("c")).fetchall() == expected
    assert connection.execute(lags.format("(FROM tt)")).fetchall() == expected
    connection.execute("CREATE VIEW v AS SELECT * FROM lagrange.lag_features('(FROM range(5) r(i))', 'i', 1, order_by := 'i')")
    assert connection.execute("SELECT i_lag1 FROM v ORDER BY i").fetchall() == [(None,), (0,), (1,), (2,), (3,)]
    assert "tt" in _refused(connection.cursor(), lags.format("tt")), "another connection's temporary table"


def transactions(client):
    connection = client.connect(client.folder / "transactions.db", loaded=False)
    # Functions that are loaded within a transaction are there once it has ended.
    connection.execute("BEGIN")
    connection.execute(TABLE)
    client.load(connection)
    connection.execute("COMMIT")
    connection.execute("DROP TABLE t")
    connection.execute("BEGIN")
    connection.execute(TABLE)
    connection.execute("CREATE TABLE models AS " + FIT)
    # What the transaction has not committed yet, the function sees.
    assert len(connection.execute(LAGS).fetchall()) == 3000
    connection.execute("ROLLBACK")
    assert "models" in _refused(connection, "FROM models")
    connection.execute(TABLE)
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE models AS " + FIT)
    connection.execute("COMMIT")
    assert len(_one(connection, "SELECT model FROM models")) > 100
    # A failure inside a transaction leaves the connection usable.
    connection.execute("BEGIN")
    _refused(connection, "SELECT fit(y, {'a': CAST('Infinity' AS DOUBLE)}) FROM t")
    connection.execute("ROLLBACK")
    assert _one(connection, "SELECT count(*) FROM models") == 1
    connection.close()


def attached_databases(client):
    connection = client.connect()
    connection.execute(f"ATTACH '{client.folder}/other.db' AS other")
    connection.execute("USE other")
    connection.execute(TABLE)
    connection.execute("USE memory")
    rows = connection.execute(LAGS.replace("'t'", "'other.main.t'")).fetchall()
    assert len(rows) == 3000 and rows[5][-1] == rows[3][-3]
    connection.execute("CREATE TABLE other.models AS " + FIT.replace("FROM t", "FROM other.t"))
    connection.execute("USE other")
    assert len(connection.execute(LAGS).fetchall()) == 3000
    assert len(_one(connection, "SELECT model FROM models")) > 100


def models_of_the_runner_predict_to_the_last_bit(client):
    if client.models is None:
        return "skipped: no models of the runner were passed"
    connection = client.connect()
    for table in ("samples", "models", "predictions"):
        connection.execute(f"CREATE TABLE {table} AS FROM '{client.models}/{table}.parquet'")
    rows = connection.execute(
        "SELECT name, prediction, predict(model, {'a': a, 'b': b, 'c': c}) "
        "FROM predictions JOIN samples USING (i) JOIN models USING (name)"
    ).fetchall()
    bits = lambda x: None if x is None else struct.pack("<d", x)  # noqa: E731
    wrong = [row for row in rows if bits(row[1]) != bits(row[2])]
    assert rows and not wrong, wrong[:5]
    assert any(row[1] is not None for row in rows)
    # And trees that are fitted here on the same rows are the same trees.
    at = "{'a': 0.5, 'b': 0.25, 'c': 0.75}"
    fitted = "fit(y, {'a': a, 'b': b, 'c': c}, {'algorithm': 'gbdt', 'trees': 40})"
    here = _one(connection, f"SELECT predict({fitted}, {at}) FROM samples")
    assert here == _one(connection, f"SELECT predict(model, {at}) FROM models WHERE name = 'gbdt'")
    return f"{len(rows)} predictions"


def errors_say_what_and_the_connection_goes_on(client):
    connection = client.connect()
    connection.execute(TABLE)
    assert "fit: " in _refused(connection, "SELECT fit(y, {'a': 'text'}) FROM t")
    assert "algorithm" in _refused(connection, "SELECT fit(y, {'a': a}, {'algorithm': 'gbtd'}) FROM t")
    assert "lag_features: " in _refused(connection, "FROM lagrange.lag_features('t', 'y', 0, order_by := 'i')")
    assert "order_by" in _refused(connection, "FROM lagrange.lag_features('t', 'y', 1)")
    assert _refused(connection, "SELECT predict('\\x00\\x01'::BLOB, {'a': 1.0})")
    assert _one(connection, "SELECT count(*) FROM t") == 3000


def an_interrupt_ends_the_query(client):
    connection = client.connect()
    connection.execute(TABLE)
    # Rows for a minute: DuckDB looks at the interrupt between chunks. An algorithm that
    # keeps no rows, so that a slow machine does not run out of memory meanwhile.
    long = (
        "SELECT sum(octet_length(m)) FROM (SELECT fit(y + k * 0, {'a': a, 'b': b}, {'algorithm': 'ols'}) AS m "
        "FROM t, range(100000) r(k) GROUP BY k)"
    )
    said = []

    def work():
        said.append(_refused(connection, long))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(1.0)
    assert thread.is_alive(), said
    connection.interrupt()
    thread.join(120)
    assert not thread.is_alive(), "the query goes on after the interrupt"
    assert "interrupt" in said[0].lower(), said
    assert _one(connection, "SELECT count(*) FROM t") == 3000


def a_thousand_fits_do_not_leak(client):
    if not sys.platform.startswith("linux"):
        return "skipped: it reads /proc"
    connection = client.connect()
    connection.execute(TABLE)
    queries = (FIT, "SELECT fit(y, {'a': a, 'b': b}) FROM t", "SELECT corr_matrix({'a': a, 'b': b, 'y': y}) FROM t", LAGS)

    def work(k):
        connection.execute(queries[k % len(queries)]).fetchall()
        if k % 50 == 0:
            # An error on the way must not leak either.
            _refused(connection, "SELECT fit(y, {'a': CASE WHEN i = 2999 THEN CAST('Infinity' AS DOUBLE) ELSE a END}) FROM t")

    before, after = memory.thousand_more(work)
    grown = after - before
    assert grown < 8 << 20, f"{grown} bytes more after 1,000 more queries"
    return f"{before / 2**20:.1f} MiB, after 1,000 more {after / 2**20:.1f} MiB"


def the_sql_of_the_docs_runs(client):
    root = pathlib.Path(__file__).parent.parent.parent.parent
    page = (root / "docs" / "extension.md").read_text()
    blocks = re.findall(r"^```sql,duckdb\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    hello = re.search(r"^  hello_world: \|\n(.*?)^  \w", (root / "udfs/extension/description.yml").read_text(), re.MULTILINE | re.DOTALL)
    for texts in (blocks, [hello[1]]):
        connection = client.connect()
        for text in texts:
            for statement in text.replace("./lagrange.duckdb_extension", str(client.extension)).split(";"):
                rows = connection.execute(statement).fetchall() if statement.strip() else []
                assert rows or not statement.strip().startswith("SELECT"), statement
    return f"{len(blocks)} blocks"


def it_ends_without_a_crash(client):
    program = f"""
import duckdb
c = duckdb.connect(config={{'allow_unsigned_extensions': True}})
c.execute("LOAD '{client.extension}'")
c.execute('''{TABLE}''')
print(len(c.execute('''{FIT}''').fetchone()[0]) > 100)
d = c.cursor(); d.execute('''{LAGS}''')
"""
    for ending in ("", "c.close()", "raise SystemExit(3)"):
        done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=False)
        expected = 3 if "3" in ending else 0
        assert done.returncode == expected, (ending, done.returncode, done.stderr)
        assert done.stdout == "True\n" and not done.stderr, done


def the_command_line_client(client):
    command = shutil.which("duckdb", path=str(pathlib.Path(sys.executable).parent))
    if command is None:
        return "skipped: it is not installed here"
    sql = f"LOAD '{client.extension}'; {TABLE}; SELECT feature, rank FROM lagrange.feature_importance('t', target := 'y', order_by := 'i', features := ['a', 'b'], method := 'permutation') ORDER BY rank;"
    done = subprocess.run([command, "-unsigned", "-csv", "-c", sql], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done
    assert done.stdout.splitlines() == ["feature,rank", "a,1", "b,2"], done.stdout
    done = subprocess.run([command, "-csv", "-c", sql], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "unsigned" in done.stderr, done
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    return version.stdout.split()[0]
