//! The adapter, seen from SQL.

mod functions;

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use duckdb::types::FromSql;

use super::Session;

fn open() -> Session {
    Session::open_with(None, &[("threads", "2")], functions::LIST).expect("a database in memory")
}

fn one<T: FromSql>(session: &Session, sql: &str) -> T {
    session
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The value of an expression as DuckDB prints it.
fn text(session: &Session, expression: &str) -> Option<String> {
    one(session, &format!("SELECT CAST({expression} AS VARCHAR)"))
}

fn refusal(session: &Session, sql: &str) -> String {
    match session.query_row(sql, [], |_| Ok(())) {
        Ok(()) => panic!("{sql} is not refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_numeric_type_becomes_doubles() {
    let session = open();
    let cases = [
        ("7::TINYINT", "7"),
        ("(-300)::SMALLINT", "-300"),
        ("70000", "70000"),
        ("9007199254740993::BIGINT", "9007199254740992"),
        (
            "170141183460469231731687303715884105727::HUGEINT",
            "170141183460469230000000000000000000000",
        ),
        ("(-5)::HUGEINT", "-5"),
        ("255::UTINYINT", "255"),
        ("65535::USMALLINT", "65535"),
        ("4294967295::UINTEGER", "4294967295"),
        ("18446744073709551615::UBIGINT", "18446744073709552000"),
        (
            "340282366920938463463374607431768211455::UHUGEINT",
            "340282366920938500000000000000000000000",
        ),
        ("1.5::FLOAT", "1.5"),
        ("0.1::DOUBLE", "0.1"),
        ("true", "1"),
        ("false", "0"),
        ("1.2::DECIMAL(3,1)", "1.2"),
        ("(-1.23)::DECIMAL(9,2)", "-1.23"),
        ("0.123456789::DECIMAL(18,9)", "0.123456789"),
        (
            "(-12345678901234567890.5)::DECIMAL(38,1)",
            "-12345678901234567000",
        ),
        ("NULL::INTEGER", "missing"),
        ("'nan'::DOUBLE", "missing"),
        ("'-inf'::FLOAT", "-inf"),
        ("NULL", "missing"),
        ("'x'", "VARCHAR"),
        ("'x'::BLOB", "BLOB"),
        ("[1]", "INTEGER[]"),
        ("[1, 2]::INTEGER[2]", "INTEGER[2]"),
        ("{'a': 1}", "STRUCT"),
        ("DATE '2024-01-01'", "DATE"),
        (
            "TIMESTAMPTZ '2024-01-01 00:00:00+00'",
            "TIMESTAMP WITH TIME ZONE",
        ),
        ("'a'::ENUM('a', 'b')", "ENUM"),
        ("MAP {'a': 1}", "MAP"),
        ("INTERVAL 1 DAY", "INTERVAL"),
        ("uuid()", "UUID"),
    ];
    for (value, expected) in cases {
        let seen = text(&session, &format!("describe_features({{'f': {value}}})"));
        assert_eq!(seen, Some(format!("f={expected};")), "{value}");
        // The same from a table, many rows, with NULLs in between.
        session
            .execute_batch(&format!(
                "CREATE OR REPLACE TABLE t AS
                     SELECT i, CASE WHEN i % 3 <> 0 THEN {value} END AS v FROM range(5000) r(i)"
            ))
            .expect(value);
        let missing = if expected.chars().next().is_some_and(char::is_uppercase) {
            expected
        } else {
            "missing"
        };
        let wrong: i64 = one(
            &session,
            &format!(
                "SELECT count(*) FROM t WHERE describe_features({{'f': v}})
                     <> CASE WHEN i % 3 <> 0 THEN 'f={expected};' ELSE 'f={missing};' END"
            ),
        );
        assert_eq!(wrong, 0, "{value}");
    }
}

#[test]
fn numbers_are_checked_and_trailing_arguments_optional() {
    let session = open();
    assert_eq!(text(&session, "plus(1)").as_deref(), Some("2.0"));
    assert_eq!(
        text(&session, "plus_alias(1.5, true)").as_deref(),
        Some("2.5")
    );
    assert_eq!(text(&session, "plus(NULL, 2)"), None);
    let bound: f64 = session
        .query_row("SELECT plus(?, ?)", [1.5, 2.0], |row| row.get(0))
        .expect("parameters");
    assert_eq!(bound, 3.5);
    let sum: f64 = one(
        &session,
        "SELECT sum(plus(i, i / 2)) FROM range(10000) r(i)",
    );
    assert_eq!(sum, 10000.0 * 9999.0 / 2.0 * 1.5);
    let refused = refusal(&session, "SELECT plus('1')");
    assert!(
        refused.contains("plus: argument 'x' is VARCHAR; pass a number"),
        "{refused}"
    );
    let refused = refusal(&session, "SELECT plus(1, 2, 3)");
    assert!(refused.contains("plus(col0 ANY, col1 ANY, /)"), "{refused}");
}

#[test]
fn features_must_be_a_struct_with_names() {
    let session = open();
    for wrong in ["1", "NULL", "[1, 2]", "'text'", "row(1, 2)"] {
        let refused = refusal(&session, &format!("SELECT describe_features({wrong})"));
        assert!(
            refused.contains("describe_features: argument 'features' is"),
            "{refused}"
        );
        assert!(refused.contains("{'a': a, 'b': b}"), "{refused}");
    }
    let refused = refusal(
        &session,
        "SELECT profile({'a': 1, 'when': DATE '2024-01-01'})",
    );
    assert!(
        refused.contains("profile: feature 'when' is DATE, not numeric"),
        "{refused}"
    );
}

#[test]
fn fields_of_a_null_struct_are_null() {
    let session = open();
    session
        .execute_batch(
            "CREATE TABLE t AS SELECT i, CASE WHEN i % 2 = 0
                 THEN {'A b': i::DOUBLE, 'ü\"x': CASE WHEN i % 3 = 0 THEN i END} END AS s
             FROM range(6000) r(i)",
        )
        .expect("a table");
    let seen = text(&session, "(SELECT profile(s) FROM t)").expect("a profile");
    // 3,000 NULL structs; of the others, 2,000 have a NULL in the second field.
    assert!(
        seen.contains("'feature': A b, 'missing': 3000, 'sum': 8997000.0"),
        "{seen}"
    );
    assert!(seen.contains("'missing': 5000, 'sum': 2997000.0"), "{seen}");
    let seen = text(&session, "(SELECT describe_features(s) FROM t WHERE i = 1)");
    assert_eq!(seen.as_deref(), Some("A b=missing;ü\"x=missing;"));
}

#[test]
fn text_and_blobs_of_any_length() {
    let session = open();
    let lengths: Vec<i64> = session
        .prepare(
            "SELECT lengths(repeat('ä', i), repeat('x', i * 2)::BLOB)
             FROM range(0, 4000, 3) r(i) ORDER BY i",
        )
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .expect("lengths");
    for (i, length) in (0..4000).step_by(3).zip(lengths) {
        assert_eq!(length, i * 2 * 1000 + i * 2);
    }
    assert_eq!(text(&session, "lengths(NULL, 'x'::BLOB)"), None);
    let longest: Vec<u8> = one(
        &session,
        "SELECT longest(CASE WHEN i % 2 = 0 THEN repeat('y', i) END) FROM range(5000) r(i)",
    );
    assert_eq!(longest, vec![b'y'; 4998]);
    assert_eq!(text(&session, "(SELECT longest(NULL))"), None);
    let refused = refusal(&session, "SELECT lengths('a', 1)");
    assert!(
        refused.contains("lengths(col0 VARCHAR, col1 BLOB, /)"),
        "{refused}"
    );
}

#[test]
fn results_of_every_type() {
    let session = open();
    assert_eq!(text(&session, "is_even(4)").as_deref(), Some("true"));
    assert_eq!(text(&session, "is_even(NULL)"), None);
    assert_eq!(
        text(&session, "shape(2)").as_deref(),
        Some("{'x': 2.0, 'inner': {'text': a text of 2}}")
    );
    assert_eq!(
        text(&session, "shape(-2)").as_deref(),
        Some("{'x': -2.0, 'inner': NULL}")
    );
    assert_eq!(text(&session, "shape(NULL)"), None);
    let nulls: i64 = one(
        &session,
        "SELECT count(*) FROM (SELECT shape(CASE WHEN i % 5 > 0 THEN i END) AS s, i
                               FROM range(10000) r(i))
         WHERE s IS NULL AND s.x IS NULL AND s.inner.text IS NULL AND i % 5 = 0
            OR s.x = i AND s.inner.text = 'a text of ' || i",
    );
    assert_eq!(nulls, 10000);
    assert_eq!(
        text(&session, "countdown(3)").as_deref(),
        Some(
            "[{'i': 3, 'inner': [{'j': 3}, {'j': 2}, {'j': 1}]}, {'i': 2, 'inner': NULL}, {'i': 1, 'inner': [{'j': 1}]}]"
        )
    );
    assert_eq!(text(&session, "countdown(0)").as_deref(), Some("[]"));
    assert_eq!(text(&session, "countdown(NULL)"), None);
    let wrong: i64 = one(
        &session,
        "SELECT count(*) FROM (
             SELECT i, countdown(CASE WHEN i % 7 > 0 THEN i % 11 END) AS c FROM range(20000) r(i))
         WHERE (i % 7 = 0) <> (c IS NULL)
            OR i % 7 > 0 AND [x.i for x in c] <> range(i % 11, 0, -1)
            OR i % 7 > 0 AND i % 11 > 2 AND len(c[1].inner) <> i % 11",
    );
    assert_eq!(wrong, 0);
}

#[test]
fn options_are_structs_or_json() {
    let session = open();
    let cases = [
        ("NULL", "null"),
        (
            "{'alpha': 0.1, 'trees': 100, 'fast': true, 'name': 'x'}",
            r#"{"alpha":0.1,"trees":100,"fast":true,"name":"x"}"#,
        ),
        (
            "{'bins': [1, 2, NULL], 'inner': {'a': [1.5]}, 'none': NULL}",
            r#"{"bins":[1,2,null],"inner":{"a":[1.5]},"none":null}"#,
        ),
        (
            "{'fixed': [1, 2]::INTEGER[2], 'empty': []}",
            r#"{"fixed":[1,2],"empty":[]}"#,
        ),
        (
            "{'big': 18446744073709551615::UBIGINT, 'inf': 'inf'::DOUBLE}",
            r#"{"big":1.8446744073709552e+19,"inf":"inf"}"#,
        ),
        ("'{\"a\": [1, 2.5, \"x\"]}'", r#"{"a":[1,2.5,"x"]}"#),
        ("'{\"a\": 1}'::JSON", r#"{"a":1}"#),
    ];
    for (options, expected) in cases {
        let seen = text(&session, &format!("settings(1, {options})"));
        assert_eq!(seen.as_deref(), Some(expected), "{options}");
    }
    assert_eq!(text(&session, "settings(1)").as_deref(), Some("null"));
    for (options, expected) in [
        (
            "'{alpha'",
            "settings: argument 'options' is '{alpha', which is not JSON",
        ),
        ("{'when': DATE '2024-01-01'}", "a value of type DATE"),
        (
            "5",
            "settings: argument 'options' is INTEGER; pass a struct",
        ),
    ] {
        let refused = refusal(&session, &format!("SELECT settings(1, {options})"));
        assert!(refused.contains(expected), "{refused}");
    }
    let rows: i64 = one(
        &session,
        "SELECT count(*) FROM range(5000) r(i)
         WHERE settings(i, {'i': [i, i + 1]}) = '{\"i\":[' || i || ',' || (i + 1) || ']}'",
    );
    assert_eq!(rows, 5000);
    let seen = text(
        &session,
        "(SELECT profile({'a': i}, {'scale': 2.5}) FROM range(5) r(i))",
    );
    assert_eq!(
        seen.as_deref(),
        Some("[{'feature': a, 'missing': 0, 'sum': 25.0}]")
    );
    let refused = refusal(&session, "SELECT profile({'a': 1}, {'scala': 2.5})");
    assert!(refused.contains("did you mean 'scale'?"), "{refused}");
}

#[test]
fn groups_are_kept_apart() {
    let session = open();
    session
        .execute_batch(
            "CREATE TABLE t AS SELECT i, i * 7919 % 503 AS g, i % 10 AS a,
                 CASE WHEN i % 4 > 0 THEN i END AS b FROM range(100000) r(i)",
        )
        .expect("a table");
    for by in ["g", "i // 200", "i", "g % 2"] {
        let wrong: i64 = one(
            &session,
            &format!(
                "SELECT count(*) FROM (
                     SELECT total(b) AS t, count(b) AS n, sum(b) AS s,
                            profile({{'a': a, 'b': b}}) AS p, sum(a) AS sa, count(*) AS c
                     FROM t GROUP BY {by})
                 WHERE NOT (n = 0 AND t IS NULL OR t.n = n AND t.sum = s AND t.positive = (s > 0)
                            AND t.label IS NOT DISTINCT FROM
                                CASE WHEN n > 1 THEN 'a sum of ' || n || ' values' END
                            AND octet_length(t.bytes) = 8)
                    OR len(p) <> 2 OR p[1].feature <> 'a' OR p[2].feature <> 'b'
                    OR coalesce(p[1].sum, 0) <> sa OR coalesce(p[2].sum, 0) <> coalesce(s, 0)
                    OR p[1].missing <> 0 OR p[2].missing <> c - n"
            ),
        );
        assert_eq!(wrong, 0, "GROUP BY {by}");
    }
}

#[test]
fn threads_merge_their_states() {
    let session = open();
    session
        .execute_batch(
            "CREATE TABLE t AS SELECT i % 3 AS g, i::DOUBLE AS x FROM range(300000) r(i);
             CREATE TABLE e AS FROM t LIMIT 0",
        )
        .expect("tables");
    let seen = text(&session, "(SELECT profile({'x': x}, {'scale': 1}) FROM t)");
    assert_eq!(
        seen.as_deref(),
        Some("[{'feature': x, 'missing': 0, 'sum': 44999850000.0}]")
    );
    let wrong: i64 = one(
        &session,
        "SELECT count(*) FROM (SELECT total(x) AS t, sum(x) AS s FROM t GROUP BY g)
         WHERE t.n <> 100000 OR t.sum <> s",
    );
    assert_eq!(wrong, 0);
    // No rows at all.
    assert_eq!(text(&session, "(SELECT total(x) FROM e)"), None);
    assert_eq!(text(&session, "(SELECT profile({'x': x}) FROM e)"), None);
    assert_eq!(
        one::<i64>(
            &session,
            "SELECT count(*) FROM (SELECT total(x) FROM e GROUP BY g)"
        ),
        0
    );
}

#[test]
fn windows_filters_distinct_and_order() {
    let session = open();
    session
        .execute_batch(
            "CREATE TABLE t AS SELECT i, i % 7 AS g, (i * 31 % 101)::DOUBLE AS x,
                 {'x': (i * 31 % 101)::DOUBLE} AS s FROM range(6000) r(i)",
        )
        .expect("a table");
    for window in [
        "ORDER BY i ROWS BETWEEN 20 PRECEDING AND CURRENT ROW",
        "PARTITION BY g ORDER BY i ROWS BETWEEN 50 PRECEDING AND 3 FOLLOWING",
        "PARTITION BY g",
        "ORDER BY i",
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        "ORDER BY i ROWS BETWEEN 9 PRECEDING AND 5 PRECEDING EXCLUDE CURRENT ROW",
        "PARTITION BY g ORDER BY x RANGE BETWEEN 5 PRECEDING AND CURRENT ROW EXCLUDE TIES",
    ] {
        let wrong: i64 = one(
            &session,
            &format!(
                "SELECT count(*) FROM (
                     SELECT total(x) OVER w AS t, profile(s) OVER w AS p,
                            sum(x) OVER w AS s, count(x) OVER w AS n
                     FROM t WINDOW w AS ({window}))
                 WHERE coalesce(t.sum, 0) <> coalesce(s, 0) OR coalesce(t.n, 0) <> n
                    OR coalesce(p[1].sum, 0) <> coalesce(s, 0)"
            ),
        );
        assert_eq!(wrong, 0, "{window}");
    }
    for call in [
        "total(x) FILTER (i % 5 = 0), sum(x) FILTER (i % 5 = 0)",
        "total(DISTINCT x), sum(DISTINCT x)",
        "total(x ORDER BY i DESC), sum(x)",
    ] {
        let (seen, expected) = session
            .query_row(
                &format!("SELECT t.sum, s FROM (SELECT {call} FROM t) q(t, s)"),
                [],
                |row| Ok((row.get::<_, f64>(0)?, row.get::<_, f64>(1)?)),
            )
            .expect(call);
        assert_eq!(seen, expected, "{call}");
    }
    let seen = text(&session, "list_aggregate([1.5, NULL, 2.5], 'total').sum");
    assert_eq!(seen.as_deref(), Some("4.0"));
}

#[test]
fn two_thousand_features() {
    let session = open();
    let fields: Vec<String> = (0..2000)
        .map(|j| format!("'f{j:04}': (i + {j})::DOUBLE"))
        .collect();
    session
        .execute_batch(&format!(
            "CREATE TABLE t AS SELECT {{{}}} AS s FROM range(3000) r(i)",
            fields.join(", ")
        ))
        .expect("a wide table");
    let wrong: i64 = one(
        &session,
        "SELECT count(*) FROM (SELECT unnest(profile(s), recursive := true) FROM t)
         WHERE missing <> 0
            OR sum <> 3000 * 2999 / 2 + 3000 * substr(feature, 2)::INTEGER",
    );
    assert_eq!(wrong, 0);
    let rows: i64 = one(
        &session,
        "SELECT len(p) FROM (SELECT profile_alias(s) AS p FROM t)",
    );
    assert_eq!(rows, 2000);
}

#[test]
fn panics_and_errors_stay_inside() {
    let session = open();
    session
        .execute_batch("CREATE TABLE t AS FROM range(300000) r(i)")
        .expect("a table");
    for (sql, expected) in [
        (
            "SELECT panics(0)",
            "panics: panic: on purpose; this is a defect of Lagrange",
        ),
        (
            "SELECT panics(i) FROM range(1, 9) r(i)",
            "panics: 0 results for 8 rows; this is a defect",
        ),
        (
            "SELECT panics(2)",
            "panics: the result is not VARCHAR; this is a defect",
        ),
        (
            "SELECT faulty('update')",
            "faulty: panic: in update of 1 rows; this is a defect",
        ),
        (
            "SELECT faulty('finish')",
            "faulty: panic: in finish; this is a defect",
        ),
        (
            "SELECT faulty('mistyped')",
            "faulty: the result is not BIGINT; this is a defect",
        ),
        ("SELECT faulty('error')", "faulty: a \\0 in the text"),
    ] {
        let refused = refusal(&session, sql);
        assert!(refused.contains(expected), "{sql}: {refused}");
    }
    // The connection is none the worse for it.
    assert_eq!(text(&session, "plus(1)").as_deref(), Some("2.0"));
    // Every state is destroyed, those of failed statements included.
    for sql in [
        "SELECT faulty(i::VARCHAR) FROM t",
        "SELECT count(x) FROM (SELECT faulty(i::VARCHAR) AS x FROM t GROUP BY i // 5)",
        "SELECT count(x) FROM (SELECT faulty(i::VARCHAR) OVER (
             PARTITION BY i // 50000 ORDER BY i ROWS 30 PRECEDING) AS x FROM t)",
        "SELECT count(x) FROM (SELECT faulty(DISTINCT (i % 10)::VARCHAR ORDER BY (i % 10)::VARCHAR) AS x FROM t)",
    ] {
        assert!(one::<i64>(&session, sql) > 0, "{sql}");
    }
    assert_eq!(functions::LIVE.load(Relaxed), 0);
    // Last, because DuckDB forgets the states of groups that fail to merge.
    // Nothing is merged where one thread is quick enough to take every row.
    let merged = (0..100).find_map(|_| {
        let sql = "SELECT faulty('merge') FROM t GROUP BY i % 2";
        let outcome = session.query_row(sql, [], |_| Ok(()));
        outcome.err().map(|error| error.to_string())
    });
    let refused = merged.expect("two threads share the rows once in a hundred times");
    assert!(
        refused.contains("faulty: panic: in merge; this is a defect"),
        "{refused}"
    );
}

#[test]
fn table_functions_are_macros() {
    let session = open();
    session
        .execute_batch("CREATE TABLE \"my t\" AS SELECT i AS \"A b\" FROM range(10) r(i)")
        .expect("a table");
    let seen = |sql: &str| -> String {
        one(
            &session,
            &format!("SELECT max(seen) || ' # ' || count(*) FROM {sql}"),
        )
    };
    assert_eq!(seen("head('my t')"), "'my t' / 3 / NULL # 3");
    assert_eq!(
        seen("head_alias('my t', rows := 2)"),
        "'my t' / 2 / NULL # 2"
    );
    assert_eq!(
        seen("head('my t', order_by => ['A b', 'x'])"),
        "'my t' / 3 / ['A b', 'x'] # 3"
    );
    assert_eq!(
        seen("head('(SELECT 1)', 1, 'x')"),
        "'(SELECT 1)' / 1 / 'x' # 1"
    );
    let cte: i64 = one(
        &session,
        "WITH c AS (SELECT 5 AS v) SELECT v FROM head('c')",
    );
    assert_eq!(cte, 5);
    for (order, expected) in [
        ("[1, NULL, 3]", "[1, NULL, 3]"),
        ("[1.5, 2]", "[1.5, 2.0]"),
        ("1.25", "1.25"),
        ("true", "true"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("{'a': [1], 'b': 'it''s'}", "{'a': [1], 'b': 'it''s'}"),
        ("[]", "[]"),
        ("0.1::FLOAT::DOUBLE > 0", "true"),
    ] {
        let sql = format!("head('my t', order_by := {order})");
        assert_eq!(
            seen(&sql),
            format!("'my t' / 3 / {expected} # 3"),
            "{order}"
        );
    }
    for (sql, expected) in [
        (
            "FROM head('my t', 0)",
            "head: argument 'rows' is 0; pass an integer of at least 1",
        ),
        ("FROM head(NULL)", "head: argument 'tbl' is missing"),
        ("FROM head('nowhere')", "nowhere"),
        (
            "FROM head('my t', order_by := DATE '2024-01-01')",
            "head: argument 'order_by' is of type DATE",
        ),
        (
            "FROM head('my t', rowz := 1)",
            "head(tbl, rows := 3, order_by := NULL)",
        ),
        (
            "SELECT lagrange_sql('haed')",
            "lagrange_sql: there is no table function 'haed'",
        ),
        ("SELECT lagrange_sql(NULL)", "lagrange_sql: pass the name"),
    ] {
        let refused = refusal(&session, sql);
        assert!(refused.contains(expected), "{sql}: {refused}");
    }
}

#[test]
fn further_connections_have_everything() {
    let session = open();
    session
        .execute_batch("CREATE TABLE t AS FROM range(10) r(i)")
        .expect("a table");
    let other = session.connect().expect("a connection");
    drop(session);
    std::thread::spawn(move || {
        let third = other.connect().expect("a connection");
        for session in [other, third] {
            assert_eq!(one::<i64>(&session, "SELECT count(*) FROM head('t', 4)"), 4);
            assert_eq!(
                text(&session, "(SELECT total(i) FROM t).sum").as_deref(),
                Some("45.0")
            );
        }
    })
    .join()
    .expect("another thread");
}

#[test]
fn opening_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ml.duckdb");
    let refused = |settings: &[(&str, &str)], path: &Path| match Session::open_with(
        Some(path),
        settings,
        functions::LIST,
    ) {
        Ok(_) => panic!("{settings:?} is not refused"),
        Err(error) => error.to_string(),
    };
    let message = refused(&[("treads", "2")], &path);
    assert!(message.contains("treads"), "{message}");
    let message = refused(&[("threads", "many")], &path);
    assert!(message.contains("threads = 'many'"), "{message}");
    let message = refused(&[], &folder.path().join("no/such/folder/ml.duckdb"));
    assert!(message.contains("no/such/folder"), "{message}");
    std::fs::write(folder.path().join("junk.duckdb"), [7; 20000]).expect("a file");
    let message = refused(&[], &folder.path().join("junk.duckdb"));
    assert!(message.contains("junk.duckdb"), "{message}");

    let settings = [("threads", "2"), ("memory_limit", "512MB")];
    let session = Session::open_with(Some(&path), &settings, functions::LIST).expect("a new file");
    assert_eq!(one::<i64>(&session, "SELECT current_setting('threads')"), 2);
    assert_eq!(
        text(&session, "current_setting('memory_limit')").as_deref(),
        Some("488.2 MiB")
    );
    session
        .execute_batch("CREATE TABLE t AS SELECT 1 AS x")
        .expect("a table");
    drop(session);
    // Closed with its last session, readable by the next, and nothing of ours in it.
    let settings = [("access_mode", "READ_ONLY")];
    let session =
        Session::open_with(Some(&path), &settings, functions::LIST).expect("the file again");
    assert_eq!(one::<i64>(&session, "SELECT count(*) FROM head('t')"), 1);
    let ours: i64 = one(
        &session,
        "SELECT count(*) FROM duckdb_functions() WHERE database_name = 'ml' AND NOT internal",
    );
    assert_eq!(ours, 0);
}

/// While one of DuckDB's own threads finished it, the caller's would be busy waiting.
#[test]
fn the_caller_finishes_what_takes_long() {
    let session = open();
    session
        .execute_batch("CREATE TABLE t AS SELECT i::DOUBLE AS x FROM range(1000000) r(i)")
        .expect("a table");
    let caller = std::thread::current().name().map(str::to_owned);
    let finished = |_| one::<Option<String>>(&session, "SELECT finisher(x) FROM t");
    let by_caller = (0..40).map(finished).filter(|thread| *thread == caller);
    // Any thread may be held up: without turns it is about half of the times.
    let times = by_caller.count();
    assert!(times >= 32, "{times} of 40 times");
}
