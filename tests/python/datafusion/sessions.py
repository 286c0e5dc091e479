"""What an analyst does with the functions in a notebook, one function each.

Each takes a client of check.py and raises where something does not hold; what it
returns is printed.
"""

import pathlib
import re
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time

import datafusion
import pyarrow
import pyarrow.parquet
from datafusion import col

import lagrange_datafusion
import memory

ROOT = pathlib.Path(__file__).parent.parent.parent.parent
TABLE = """CREATE OR REPLACE TABLE t AS
SELECT i, i % 3 AS g, (i * 7919) % 1000 / 1000.0 AS a, (i * 104729) % 997 / 997.0 AS b,
  sin((i * 7919) % 1000 / 100.0) + (i * 13) % 17 / 17.0 AS y FROM range(3000) r(i)"""
FIT = "SELECT fit(y, {'a': a, 'b': b}, {'algorithm': 'gbdt', 'trees': 20}) AS model FROM t"
LAGS = "SELECT * FROM lag_features('t', 'y', [1, 2], NULL, 'i') ORDER BY i"


def _with_table(client, *settings):
    context = client.connect(*settings)
    context.sql(TABLE).collect()
    return context


def _rows(context, sql):
    return list(zip(*context.sql(sql).to_pydict().values(), strict=True))


def _one(context, sql):
    return _rows(context, sql)[0][0]


def _refused(work):
    try:
        work()
    except Exception as error:  # noqa: BLE001: the text is what matters
        return str(error)
    raise AssertionError("not refused")


def _sql_refused(context, sql):
    return _refused(lambda: context.sql(sql).collect())


def registering_twice_changes_nothing(client):
    context = _with_table(client)
    names = lambda: (sorted(context.udfs()), sorted(context.udafs()), sorted(context.udwfs()))  # noqa: E731
    before, lagged = names(), _rows(context, LAGS)
    assert lagrange_datafusion.register(context) is context
    assert names() == before and _rows(context, LAGS) == lagged
    # Another handle on the same session.
    shared = context.enable_url_table()
    lagrange_datafusion.register(shared)
    assert _rows(shared, LAGS) == lagged


def a_name_that_is_taken_is_refused(client):
    context = datafusion.SessionContext()
    mine = datafusion.udf(lambda x: x, [pyarrow.float64()], pyarrow.float64(), "immutable", "predict")
    context.register_udf(mine)
    assert "'predict' is already a function" in _refused(lambda: lagrange_datafusion.register(context))
    assert "fit" not in context.udafs(), "half of the functions are registered"


def another_datafusion_is_refused(client):
    program = "import datafusion; datafusion.__version__ = '{}'; import lagrange_datafusion"
    for version, code in (("54.3.0", 1), ("56.0.0", 1), ("55.9.1", 0)):
        command = [sys.executable, "-c", program.format(version)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, (version, done.stderr)
        if code:
            assert f"is for DataFusion 55, and this is {version}" in done.stderr, done.stderr


def arrow_pandas_and_polars_in_and_out(client):
    import pandas
    import polars

    context = _with_table(client)
    lagged = _rows(context, LAGS)
    frame = context.sql(LAGS)
    assert frame.to_arrow_table().column("y_lag2").to_pylist() == [row[-1] for row in lagged]
    assert frame.to_polars()["y_lag1"].to_list() == [row[-2] for row in lagged]
    assert frame.to_pandas()["y_lag1"].isna().sum() == 1
    table = context.sql("SELECT * FROM t ORDER BY i").to_arrow_table()
    expected = [row[-2] for row in lagged]
    frames = {
        "from_arrow": table,
        "from_pandas": table.to_pandas(),
        "from_polars": polars.from_arrow(table),
        "from_pydict": table.to_pydict(),
    }
    for way, data in frames.items():
        getattr(context, way)(data, name=way)
        again = _rows(context, f"SELECT y_lag1 FROM lag_features('{way}', 'y', 1, NULL, 'i') ORDER BY i")
        assert [row[0] for row in again] == expected, way
        assert abs(_one(context, f"SELECT rmse(y, a) FROM {way}") - _one(context, "SELECT rmse(y, a) FROM t")) < 1e-12
    assert isinstance(frame.to_pandas(), pandas.DataFrame)
    nested = context.sql(f"SELECT unnest(model_trees(model)) AS node FROM ({FIT})").to_polars().unnest("node")
    assert len(nested) > 20 and "feature" in nested.columns, nested.columns
    assert context.sql(FIT).to_arrow_table().column("model").type == pyarrow.binary()


def functions_of_the_frame_interface(client):
    context = _with_table(client)
    rmse, fit, predict = context.udaf("rmse"), context.udaf("fit"), context.udf("predict")
    frame = context.table("t").aggregate([col("g")], [rmse(col("y"), col("a")).alias("rmse")]).sort(col("g"))
    assert frame.to_pydict()["rmse"] == [row[0] for row in _rows(context, "SELECT rmse(y, a) FROM t GROUP BY g ORDER BY g")]
    features = datafusion.functions.named_struct([("a", col("a")), ("b", col("b"))])
    model = context.table("t").aggregate([], [fit(col("y"), features).alias("model")])
    both = context.table("t").join_on(model, datafusion.lit(True) == datafusion.lit(True))
    predictions = both.select(col("i"), predict(col("model"), features).alias("p")).sort(col("i")).to_pydict()["p"]
    sql = "SELECT predict((SELECT fit(y, {'a': a, 'b': b}) FROM t), {'a': a, 'b': b}) FROM t ORDER BY i"
    # States of partitions merge in the order in which they come.
    assert max(abs(p - row[0]) for p, row in zip(predictions, _rows(context, sql), strict=True)) < 1e-9


def table_functions_by_position_and_by_name(client):
    context = _with_table(client)
    expected = context.sql(LAGS).to_pydict()
    frame = lagrange_datafusion.table(context, "lag_features", "t", "y", [1, 2], order_by="i")
    assert frame.sort(col("i")).to_pydict() == expected
    frame = lagrange_datafusion.table(context, "lag_features", "(SELECT * FROM t)", "y", (1, 2), order_by="i")
    assert frame.sort(col("i")).to_pydict() == expected
    # A call within what a call reads, and views of calls.
    nested = "SELECT count(y_lag1_lag1) FROM lag_features('(SELECT * FROM lag_features(''t'', ''y'', 1, NULL, ''i''))', 'y_lag1', 1, NULL, 'i')"
    assert _one(context, nested) == 2998
    context.sql("CREATE VIEW lagged AS SELECT * FROM lag_features('t', 'y', 1, NULL, 'i')").collect()
    assert _one(context, "SELECT count(y_lag1) FROM lagged") == 2999
    context.sql("CREATE TABLE kept AS SELECT * FROM lag_features('t', 'y', 1, NULL, 'i')").collect()
    assert _one(context, "SELECT count(y_lag1) FROM kept") == 2999
    # What is filtered and projected reaches the plan of the call.
    plan = "\n".join(context.sql("EXPLAIN SELECT y FROM lag_features('t', 'y', 1, NULL, 'i') WHERE g = 1").to_pydict()["plan"])
    assert "projection=[" in plan, plan


def names_with_capitals_dots_and_quotes(client):
    context = client.connect()
    names = ["The Time", "a.b", 'say "y"', "Größe"]
    columns = [list(range(20)), [i * 7 % 5 / 5 for i in range(20)], [i % 4 / 4 for i in range(20)], list(range(20))]
    context.from_arrow(pyarrow.table(dict(zip(names, columns, strict=True))), name="odd")
    frame = lagrange_datafusion.table(context, "lag_features", "odd", names[1:], 1, order_by="The Time")
    assert frame.schema().names == [*names, "a.b_lag1", 'say "y"_lag1', "Größe_lag1"], frame.schema().names
    rows = lagrange_datafusion.table(context, "feature_screen", "odd", 'say "y"', order_by=["The Time"]).to_pydict()
    assert set(rows["feature"]) >= {"a.b", "Größe"}, rows["feature"]


def types_are_those_of_the_plan(client):
    context = _with_table(client)
    calls = {
        "lag_features": "'t', 'y', [1, 2], NULL, 'i'",
        "feature_screen": "'t', 'y', ['a', 'b'], NULL, 'i'",
        "feature_stability": "'t', ['a', 'b'], NULL, 'i', '500'",
        "time_folds": "'t', 'walk_forward', NULL, 'i', 3, 1",
        "relevance_tests": "'t', 'y'",
    }
    for name, arguments in calls.items():
        frame = context.sql(f"SELECT * FROM {name}({arguments})")
        declared, found = frame.schema(), frame.to_arrow_table().schema
        assert declared.types == found.types, (name, declared, found)


def groups_windows_filters_and_nothing(client):
    for settings in ((1, 8192), (3, 100)):
        context = _with_table(client, *settings)
        whole = "SELECT g, count(*) AS n, ic(y, a) AS ic, ic(y, a) FILTER (WHERE b > 0.5) AS half FROM t GROUP BY g ORDER BY g"
        by_group = _rows(context, whole)
        assert [row[1] for row in by_group] == [1000] * 3
        for g, _, value, half in by_group:
            assert abs(_one(context, f"SELECT ic(y, a) FROM t WHERE g = {g}") - value) < 1e-12
            assert abs(_one(context, f"SELECT ic(y, a) FROM t WHERE g = {g} AND b > 0.5") - half) < 1e-12
        sliding = (
            "SELECT i, rmse(y, a) OVER (ORDER BY i ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS sliding, "
            "rmse(y, a) OVER (ORDER BY i ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS before FROM t ORDER BY i"
        )
        rows = _rows(context, sliding)
        for i in (9, 10, 500, 2999):
            assert abs(_one(context, f"SELECT rmse(y, a) FROM t WHERE i BETWEEN {i} - 9 AND {i}") - rows[i][1]) < 1e-12
        assert rows[0][2] is None and rows[1][2] is not None
        assert "DISTINCT is not supported" in _sql_refused(context, "SELECT rmse(DISTINCT y, a) FROM t")
        # No rows: NULL.
        assert _rows(context, "SELECT rmse(y, a) FROM t WHERE false") == [(None,)]
        assert _rows(context, "SELECT g, rmse(y, a) FROM t WHERE false GROUP BY g") == []
        assert _rows(context, "SELECT fit(y, {'a': a}) FROM t WHERE false") == [(None,)]
        # NULL in a value, in a struct and for a whole struct.
        nulls = "SELECT predict(model, {'a': CASE WHEN i = 1 THEN NULL ELSE a END}) AS p FROM t, (SELECT fit(y, {'a': a}) AS model FROM t) WHERE i < 3 ORDER BY i"
        assert [p is None for (p,) in _rows(context, nulls)] == [False, True, False]
        assert _one(context, "SELECT predict(NULL, {'a': 1.0})") is None


def dictionary_and_view_columns(client):
    context = client.connect()
    symbol = pyarrow.array(["x", "y", "x", "y"] * 250).dictionary_encode()
    time_, price = pyarrow.array(range(1000)), pyarrow.array([float(i * 37 % 101) for i in range(1000)])
    table = pyarrow.table({
        "symbol": symbol, "view": symbol.cast(pyarrow.string()).cast(pyarrow.string_view()), "time": time_,
        "price": price, "coded": price.dictionary_encode(),
    })
    context.from_arrow(table, name="prices")
    for entity in ("symbol", "view"):
        rows = _rows(context, f"SELECT price_lag1 FROM lag_features('prices', 'price', 1, '{entity}', 'time') ORDER BY time")
        assert [row[0] for row in rows[:4]] == [None, None, 0.0, 37.0], rows[:4]
    assert _one(context, "SELECT rmse(price, coded) FROM prices") == 0.0
    assert _one(context, "SELECT count(*) FROM (SELECT symbol, fit(price, {'t': time}) FROM prices GROUP BY symbol)") == 2
    # Models in a dictionary and as views.
    models = context.sql("SELECT fit(price, {'t': time}) AS model FROM prices").to_arrow_table().column("model").combine_chunks()
    shapes = {"plain": models, "coded": models.dictionary_encode(), "large": models.cast(pyarrow.large_binary()), "view": models.cast(pyarrow.binary_view())}
    context.from_arrow(pyarrow.table(shapes), name="models")
    values = {_one(context, f"SELECT predict({shape}, {{'t': 3.0}}) FROM models") for shape in shapes}
    assert len(values) == 1 and None not in values, values


def a_large_model_is_not_copied_for_every_row(client):
    context = client.connect()
    context.sql("CREATE TABLE wide AS SELECT i, (i * 7919) % 10007 / 10007.0 AS a, (i * 104729) % 9973 / 9973.0 AS b, "
                "sin(i) AS y FROM range(100000) r(i)").collect()
    context.sql("CREATE TABLE model AS SELECT fit(y, {'a': a, 'b': b}, {'algorithm': 'random_forest', 'trees': 30}) AS model FROM wide").collect()
    size = len(_one(context, "SELECT model FROM model"))
    before, begin = memory.resident(), time.monotonic()
    count = _one(context, "SELECT count(predict((SELECT model FROM model), {'a': a, 'b': b})) FROM wide")
    grown = memory.resident() - before
    assert count == 100000 and size > 1 << 20
    assert grown < 400 << 20, f"{grown} bytes more for a model of {size} bytes"
    return f"{size / 2**20:.1f} MiB, {grown / 2**20:.0f} MiB more, {time.monotonic() - begin:.2f} s"


def sessions_and_threads(client):
    context = _with_table(client)
    by_group = "SELECT g, fit(y, {'a': a, 'b': b}, {'algorithm': 'gbdt', 'trees': 20}) FROM t GROUP BY g ORDER BY g"
    lagged, problems = _rows(context, LAGS), []
    lengths = [len(row[1]) for row in _rows(context, by_group)]

    def work(shared):
        try:
            mine = context if shared else _with_table(client)
            for _ in range(5):
                assert [len(row[1]) for row in _rows(mine, by_group)] == lengths
                assert _rows(mine, LAGS) == lagged
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    threads = [threading.Thread(target=work, args=(k % 2 == 0,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    # What one session has is not there for another.
    assert "cannot be read" in _sql_refused(client.connect(), LAGS)


def parquet_files(client):
    context = _with_table(client)
    path = client.folder / "prices.parquet"
    pyarrow.parquet.write_table(context.sql("SELECT * FROM t ORDER BY i").to_arrow_table(), path, row_group_size=500)
    other = client.connect()
    other.register_parquet("t", path)
    assert _rows(other, LAGS) == _rows(context, LAGS)
    importance = "SELECT feature FROM feature_importance('t', 'y', ['a', 'b'], 'i', NULL, 'permutation') ORDER BY rank"
    assert _rows(other, importance) == [("a",), ("b",)]
    by_path = other.enable_url_table()
    at = f"(SELECT * FROM '{path}')"
    assert lagrange_datafusion.table(by_path, "lag_features", at, "y", 1, order_by="i").count() == 3000
    # A model goes to a file and comes back.
    models = client.folder / "models.parquet"
    pyarrow.parquet.write_table(other.sql(FIT).to_arrow_table(), models)
    third = client.connect()
    third.register_parquet("models", models)
    third.register_parquet("t", path)
    assert _one(third, "SELECT count(predict(model, {'a': a, 'b': b})) FROM t, models") == 3000


def models_of_the_runner_predict_to_the_last_bit(client):
    if client.models is None:
        return "skipped: no models of the runner were passed"
    context = client.connect()
    for table in ("samples", "models", "predictions"):
        context.register_parquet(table, client.models / table)
    rows = _rows(
        context,
        "SELECT p.name, p.prediction, predict(m.model, {'a': s.a, 'b': s.b, 'c': s.c}) AS again "
        "FROM predictions p JOIN samples s ON s.i = p.i JOIN models m ON m.name = p.name",
    )
    bits = lambda x: None if x is None else struct.pack("<d", x)  # noqa: E731
    wrong = [row for row in rows if bits(row[1]) != bits(row[2])]
    assert rows and not wrong, wrong[:5]
    assert any(row[1] is not None for row in rows)
    # And trees that are fitted here on the same rows are the same trees.
    at = "{'a': 0.5, 'b': 0.25, 'c': 0.75}"
    fitted = "fit(y, {'a': a, 'b': b, 'c': c}, {'algorithm': 'gbdt', 'trees': 40})"
    here = _one(context, f"SELECT predict({fitted}, {at}) FROM samples")
    assert here == _one(context, f"SELECT predict(model, {at}) FROM models WHERE name = 'gbdt'")
    return f"{len(rows)} predictions"


def errors_say_what_and_the_session_goes_on(client):
    context = _with_table(client)
    call = lambda *arguments, **named: lambda: lagrange_datafusion.table(context, *arguments, **named)  # noqa: E731
    said = {
        "fit: ": _sql_refused(context, "SELECT fit(y, {'a': 'text'}) FROM t"),
        "algorithm": _sql_refused(context, "SELECT fit(y, {'a': a}, {'algorithm': 'gbtd'}) FROM t"),
        "lag_features: argument 'lags' is 0": _sql_refused(context, "SELECT * FROM lag_features('t', 'y', 0, NULL, 'i')"),
        "lag_features: argument 'order_by' is NULL": _sql_refused(context, "SELECT * FROM lag_features('t', 'y', 1)"),
        "pass a constant": _sql_refused(context, "SELECT * FROM lag_features('t', 'y', random(), NULL, 'i')"),
        "shows tables and views, but no CTE": _sql_refused(context, "WITH c AS (SELECT * FROM t) SELECT * FROM lag_features('c', 'y', 1, NULL, 'i')"),
        'the relation "missing" cannot be read': _refused(call("lag_features", "missing", "y", 1, order_by="i")),
        "did you mean 'order_by'": _refused(call("lag_features", "t", "y", 1, orderby="i")),
        "there is no table function": _refused(call("lag_feature", "t")),
        "object is no constant": _refused(call("lag_features", "t", object())),
        "is not a Lagrange model": _sql_refused(context, "SELECT predict(arrow_cast('x', 'Binary'), {'a': 1.0})"),
        "registry": _sql_refused(context, "SELECT predict_model('a@champion', {'a': 1.0})"),
    }
    for expected, found in said.items():
        assert expected in found, (expected, found)
    # An expression that only reads may read only.
    assert "cannot be read" in _sql_refused(context, "SELECT * FROM lag_features('(DROP TABLE t)', 'y', 1, NULL, 'i')")
    assert _one(context, "SELECT count(*) FROM t") == 3000
    assert isinstance(said["fit: "], str) and "panic" not in "".join(said.values())


def an_interrupt_ends_the_query(client):
    # Rows for minutes, of an algorithm that keeps none of them.
    # A shell may have started this in the background, where nothing is interrupted.
    program = textwrap.dedent("""
        import datafusion, lagrange_datafusion, signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ctx = lagrange_datafusion.register(datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1)))
        ctx.sql(sys.argv[1]).collect()
        print("ready", flush=True)
        try:
            ctx.sql("SELECT fit(value, {'a': value % 7}, {'algorithm': 'ols'}) FROM range(100000000000)").collect()
        except KeyboardInterrupt:
            print(ctx.sql("SELECT count(*) AS n FROM t").to_pydict(), flush=True)
    """)
    child = subprocess.Popen([sys.executable, "-c", program, TABLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n", child.communicate()
        time.sleep(1.0)
        begin = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert out == "{'n': [3000]}\n" and child.returncode == 0, (out, err)
    return f"after {time.monotonic() - begin:.1f} s"


def a_thousand_fits_do_not_leak(client):
    context = _with_table(client)
    queries = (FIT, "SELECT fit(y, {'a': a, 'b': b}) FROM t", "SELECT corr_matrix({'a': a, 'b': b, 'y': y}) FROM t", LAGS)

    def work(k):
        context.sql(queries[k % len(queries)]).collect()
        if k % 50 == 0:
            # An error on the way must not leak either.
            _sql_refused(context, "SELECT fit(y, {'a': CASE WHEN i = 2999 THEN CAST('Infinity' AS DOUBLE) ELSE a END}) FROM t")
            _sql_refused(context, "SELECT * FROM lag_features('nothing', 'y', 1, NULL, 'i')")

    before, after = memory.thousand_more(work)
    grown = after - before
    assert grown < 16 << 20, f"{grown} bytes more after 1,000 more queries"
    return f"{before / 2**20:.1f} MiB, after 1,000 more {after / 2**20:.1f} MiB"


def sessions_are_freed(client):
    def rounds(count):
        for _ in range(count):
            context = _with_table(client)
            context.sql(LAGS).collect()
        del context
        return memory.resident()

    rounds(100)
    before = rounds(100)
    grown = rounds(200) - before
    # A table of 3,000 rows is 0.1 MB, the functions of a session are more.
    assert grown < 16 << 20, f"{grown} bytes more after 200 more sessions"
    return f"{before / 2**20:.1f} MiB, after 200 more {grown / 2**20:+.1f} MiB"


def the_python_of_the_docs_runs(client):
    page = (ROOT / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3, len(blocks)
    program = client.folder / "page.py"
    program.write_text("\n".join(blocks))
    done = subprocess.run([sys.executable, program], cwd=client.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # The README's block is the page's first.
    readme = (ROOT / "README.md").read_text()
    assert blocks[0] in readme, "README.md shows another beginning than docs/python.md"
    return f"{len(blocks)} blocks"


def it_ends_without_a_crash(client):
    program = f"""
import datafusion, lagrange_datafusion
c = lagrange_datafusion.register(datafusion.SessionContext())
c.sql('''{TABLE}''').collect()
print(len(c.sql('''{FIT}''').to_pydict()["model"][0]) > 100)
d = c.sql('''{LAGS}''')
"""
    for ending in ("", "del c", "raise SystemExit(3)"):
        done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=False)
        expected = 3 if "3" in ending else 0
        assert done.returncode == expected, (ending, done.returncode, done.stderr)
        assert done.stdout == "True\n" and not done.stderr, done
