//! `lagrange check`, and what `lagrange run` makes sure of.

use crate::project::{ENGINES, Project};

const LEAKING: &str = "CREATE OR REPLACE TABLE t AS
SELECT i AS ts, CAST(i % 7 AS DOUBLE) AS y, CAST(i % 5 AS DOUBLE) AS a FROM range(50) g(i);
CREATE OR REPLACE TABLE s AS SELECT ts, y, lead(a, 1) OVER (ORDER BY ts) AS x FROM t;
SELECT fit(y, {'x': x}) IS NOT NULL AS fitted FROM s WHERE x IS NOT NULL;
";

#[test]
fn a_script_that_looks_ahead_does_not_run() {
    let project = Project::with_script(LEAKING);
    for engine in ENGINES {
        project.run(&["--engine", engine]).fails(
            1,
            &[
                "the script sees the future; nothing has run",
                "script.sql:3:44: LA001",
                "feature x of fit",
                "--check off",
            ],
        );
        project
            .run(&["--engine", engine, "--check", "off"])
            .success();
    }
}

#[test]
fn a_waiver_lets_it_run() {
    let waived = LEAKING.replace(
        "AS x FROM t;",
        "AS x -- lagrange: allow(LA001) an upper bound\n FROM t;",
    );
    let project = Project::with_script(&waived);
    project.run(&[]).success();
}

#[test]
fn check_prints_findings_and_a_status() {
    let project = Project::with_script(LEAKING);
    let run = project.lagrange(&["check", "script.sql"], &[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stdout.contains(
            "\
error[LA001]: LEAD reads a later row
 --> script.sql:3:44
  |
3 | CREATE OR REPLACE TABLE s AS SELECT ts, y, lead(a, 1) OVER (ORDER BY ts) AS x FROM t;
  |                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"
        ),
        "{}",
        run.stdout
    );
    let json = project
        .lagrange(&["check", "script.sql", "--output", "json"], &[])
        .json();
    assert_eq!(json["findings"][0]["rule"], "LA001");
    let sarif = project
        .lagrange(&["check", "script.sql", "--format", "sarif"], &[])
        .json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "LA001");
    let run = project.lagrange(&["check", "script.sql", "--output", "github"], &[]);
    assert!(
        run.stdout.starts_with("::error file=script.sql,line=3,"),
        "{}",
        run.stdout
    );
    project
        .lagrange(&["check", "none.sql"], &[])
        .fails(2, &["script not found"]);
    let project = Project::with_script("SELECT FROM x y z;");
    project
        .lagrange(&["check", "script.sql"], &[])
        .fails(2, &["syntax error"]);
}

#[test]
fn a_parameter_without_a_value_does_not_stop_a_check() {
    let project = Project::with_script(
        "DECLARE prices STRING;
         CREATE OR REPLACE TABLE p AS SELECT * FROM read_table($prices);
         SELECT fit(y, {'a': a}) FROM p WHERE ts < $cut;",
    );
    project.lagrange(&["check", "script.sql"], &[]).success();
}

#[test]
fn rules_are_explained() {
    let project = Project::with_script("SELECT 1;");
    let run = project
        .lagrange(&["check", "--explain", "la001"], &[])
        .success();
    assert!(
        run.stdout.starts_with("LA001 lead (error)"),
        "{}",
        run.stdout
    );
    let run = project.lagrange(&["check", "--rules"], &[]).success();
    assert!(run.stdout.contains("| `LA060` target-among-features |"));
    project
        .lagrange(&["check", "--explain", "leed"], &[])
        .fails(2, &["no rule 'leed'", "did you mean 'lead'?"]);
}

#[test]
fn a_replay_finds_what_a_waiver_hides() {
    let waived = LEAKING.replace(
        "AS x FROM t;",
        "AS x -- lagrange: allow(LA001) an upper bound\n FROM t;",
    );
    let project = Project::with_script(&waived);
    for engine in ENGINES {
        let run = project.lagrange(
            &["check", "script.sql", "--replay", "--engine", engine],
            &[],
        );
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        for part in [
            "replay: s.x sees the future",
            "it looks 1 step of time ahead",
        ] {
            assert!(run.stdout.contains(part), "{engine}: {}", run.stdout);
        }
        project
            .run(&["--check", "replay", "--engine", engine])
            .fails(1, &["s.x sees the future", "nothing has run"]);
    }
    let arguments = ["check", "script.sql", "--replay", "--format", "sarif"];
    let sarif = project.lagrange(&arguments, &[]).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results.iter().any(|result| result["ruleId"] == "replay"),
        "{sarif}"
    );
    let arguments = ["check", "script.sql", "--replay", "--format", "github"];
    let run = project.lagrange(&arguments, &[]);
    assert!(
        run.stdout.contains("::error title=replay::"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_replay_of_honest_features_finds_nothing() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE s AS
         SELECT symbol, ts, close, y, lag(close, 2) OVER w AS l,
                avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS m,
                close - avg(close) OVER (PARTITION BY ts) AS d
         FROM prices WINDOW w AS (PARTITION BY symbol ORDER BY ts);
         SELECT fit(y, {'l': l, 'm': m, 'd': d}) IS NOT NULL AS fitted FROM s;",
    );
    project.file(
        "make.sql",
        "CREATE OR REPLACE TABLE prices AS
         SELECT CAST(s.i AS VARCHAR) AS symbol, DATE '2020-01-01' + CAST(g.i AS INTEGER) AS ts,
                (g.i * 7 + s.i * 3) % 11 + 0.5e0 AS close, (g.i * 5 + s.i) % 7 + 0e0 AS y
         FROM range(60) g(i) CROSS JOIN range(3) s(i);",
    );
    for engine in ENGINES {
        project
            .lagrange(&["run", "make.sql", "--engine", engine], &[])
            .success();
        let run = project
            .lagrange(
                &["check", "script.sql", "--replay", "--engine", engine],
                &[],
            )
            .success();
        for part in [
            "replay: 4 columns of s are the same on data that ends at 20 times",
            "the time of 'prices' is taken to be 'ts'",
        ] {
            assert!(run.stdout.contains(part), "{engine}: {}", run.stdout);
        }
        project
            .run(&["--check", "replay", "--engine", engine])
            .success();
        let arguments = [
            "check",
            "script.sql",
            "--replay",
            "--sample",
            "2",
            "--engine",
            engine,
        ];
        let run = project.lagrange(&arguments, &[]).success();
        assert!(
            run.stdout.contains("2 of 3 entities are taken"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_warm_up_is_told_and_is_no_failure() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS
         SELECT i AS ts, abs(sin(i * 12.9898e0)) AS a, cos(i * 3.7e0) AS y FROM range(80) g(i);
         CREATE OR REPLACE TABLE s AS
         SELECT ts, y, lag(a, 3) OVER (ORDER BY ts) AS l,
                avg(a) OVER (ORDER BY ts ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS m,
                sum(a) OVER (ORDER BY ts) AS total
         FROM t;
         SELECT fit(y, {'l': l, 'm': m, 'total': total}) FROM s;",
    );
    for engine in ENGINES {
        let arguments = ["check", "script.sql", "--replay", "--engine", engine];
        let run = project.lagrange(&arguments, &[]).success();
        for part in [
            "note: the first 3 steps of time of s depend on how much history is before them: l\n",
            "note: the first 5 steps of time of s depend on how much history is before them: m\n",
            "note: every row of s depends on where the data begins: total\n",
        ] {
            assert!(run.stdout.contains(part), "{engine}: {}", run.stdout);
        }
        let json = project
            .lagrange(&[&arguments[..], &["--format", "json"]].concat(), &[])
            .json();
        assert_eq!(json["replay"]["warm_up"].as_array().unwrap().len(), 3);
        assert_eq!(json["replay"]["warm_up"][0]["severity"], "note");
    }
}

#[test]
fn sums_in_another_order_are_no_difference() {
    // The engines add the terms of a window in blocks that depend on what else there is.
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS
         SELECT CAST(s.i AS VARCHAR) AS symbol, g.i AS ts, abs(sin(g.i * 12.9898e0 + s.i * 78.233e0)) * 100e0 AS a
         FROM range(400) g(i) CROSS JOIN range(20) s(i);
         CREATE OR REPLACE TABLE s AS
         SELECT symbol, ts, a,
                avg(a) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 29 PRECEDING AND CURRENT ROW) AS m,
                stddev_samp(a) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 29 PRECEDING AND CURRENT ROW) AS d,
                a - avg(a) OVER (PARTITION BY ts) AS x
         FROM t;
         SELECT fit(a, {'m': m, 'd': d, 'x': x}) FROM (SELECT symbol, ts, m, d, x, lead(a, 1) OVER (PARTITION BY symbol ORDER BY ts) AS a FROM s) AS labelled;",
    );
    for engine in ENGINES {
        let arguments = ["check", "script.sql", "--replay", "--engine", engine];
        project.lagrange(&arguments, &[]).success();
    }
}

#[test]
fn times_may_be_equal_or_not_there() {
    let script = |from: &str| {
        format!(
            "CREATE OR REPLACE TABLE s AS SELECT *, a * 2 AS b FROM {from};
             SELECT fit(y, {{'b': b}}) FROM s;"
        )
    };
    let project = Project::with_script(&script("quotes"));
    project.file("untimed.sql", &script("figures"));
    project.file(
        "make.sql",
        "CREATE OR REPLACE TABLE quotes AS
         SELECT 'A' AS symbol, i % 10 AS ts, abs(sin(i * 12.9898e0)) AS a, cos(i * 3.7e0) AS y FROM range(50) g(i);
         CREATE OR REPLACE TABLE figures AS SELECT 1e0 AS a, 2e0 AS y;",
    );
    for engine in ENGINES {
        project
            .lagrange(&["run", "make.sql", "--engine", engine], &[])
            .success();
        let arguments = ["check", "script.sql", "--replay", "--engine", engine];
        let run = project.lagrange(&arguments, &[]);
        // Which columns there are is known to the database only.
        assert!(
            run.stdout.contains("replay: "),
            "{}{}",
            run.stdout,
            run.stderr
        );
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        let arguments = ["check", "untimed.sql", "--replay", "--engine", engine];
        let run = project.lagrange(&arguments, &[]).success();
        assert!(
            run.stdout.contains("nothing to recompute"),
            "{}",
            run.stdout
        );
    }
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE s AS
         SELECT symbol, ts, a, y, lag(a, 1) OVER (PARTITION BY symbol ORDER BY ts, a) AS b FROM quotes;
         SELECT fit(y, {'b': b}) FROM s;",
    );
    project.file(
        "make.sql",
        "CREATE OR REPLACE TABLE quotes AS
         SELECT 'A' AS symbol, i % 10 AS ts, abs(sin(i * 12.9898e0)) AS a, cos(i * 3.7e0) AS y FROM range(50) g(i);",
    );
    for engine in ENGINES {
        project
            .lagrange(&["run", "make.sql", "--engine", engine], &[])
            .success();
        let arguments = ["check", "script.sql", "--replay", "--engine", engine];
        let run = project.lagrange(&arguments, &[]).success();
        assert!(
            run.stdout
                .contains("'s' has several rows of one entity at one time"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn what_cannot_be_read_is_never_clean() {
    let project = Project::with_script("SELECT 1;\nSELECT a FROM (SELECT 1 AS a;\n");
    project.lagrange(&["check", "script.sql"], &[]).fails(
        2,
        &[
            "script.sql:2:",
            "syntax error",
            "2 | SELECT a FROM (SELECT 1 AS a",
            "^",
            "DuckDB says: Parser Error",
        ],
    );
    // DuckDB's own syntax, which the parser does not know.
    let project =
        Project::with_script("CREATE TABLE t AS SELECT 1 AS a;\nPIVOT t ON a USING sum(a);\n");
    project.lagrange(&["check", "script.sql"], &[]).fails(
        2,
        &[
            "script.sql:2:",
            "DuckDB reads this statement",
            "cannot call the script clean",
        ],
    );
    // What is not understood is listed.
    for (script, listed) in [
        (
            "WITH RECURSIVE r AS (SELECT 1 AS ts, 1e0 AS x UNION ALL SELECT ts + 1, x + 1 FROM r WHERE ts < 9)
             SELECT fit(y, {'x': x}) FROM (SELECT ts, x, sin(x) AS y FROM r) AS s;",
            "the recursive query 'r'",
        ),
        ("SELECT fit(y, {'x': mystery(x)}) FROM t;", "the function 'mystery'"),
        ("SELECT fit(y, {'x': x}) FROM strange(1) AS s;", "the table function 'strange'"),
    ] {
        let project = Project::with_script(script);
        let run = project.lagrange(&["check", "script.sql"], &[]);
        for part in ["unknown[LA080]", listed, "not proven"] {
            assert!(run.stdout.contains(part), "no '{part}' in {}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn circles_and_wide_tables_are_checked() {
    let project = Project::with_script(
        "CREATE VIEW a AS SELECT * FROM b;
         CREATE VIEW b AS SELECT * FROM a;
         SELECT fit(y, {'x': x}) FROM b;",
    );
    project.lagrange(&["check", "script.sql"], &[]).success();
    project.lagrange(&["lineage", "script.sql"], &[]).success();
    let columns: Vec<String> = (0..10_000).map(|i| format!("x{i}")).collect();
    let mut leaking = columns.clone();
    leaking[7_777] = "lead(x7777, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x7777".to_owned();
    let script = |columns: &[String]| {
        format!(
            "CREATE TABLE t AS SELECT symbol, ts, y, {} FROM f;
             SELECT * FROM feature_screen('t', target => 'y', order_by => 'ts');",
            columns.join(", ")
        )
    };
    let project = Project::with_script(&script(&columns));
    project.file("leaking.sql", &script(&leaking));
    project.lagrange(&["check", "script.sql"], &[]).success();
    project.lagrange(&["lineage", "script.sql"], &[]).success();
    let run = project.lagrange(&["check", "leaking.sql"], &[]);
    assert!(
        run.stdout.contains("features: x7777, of feature_screen"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_rules_in_the_docs_are_current() {
    let rules = Project::new()
        .lagrange(&["check", "--rules"], &[])
        .success();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rules.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        rules.stdout.trim_end(),
        written.trim_end(),
        "docs/rules.md is stale; run: cargo lagrange check --rules > docs/rules.md"
    );
}
