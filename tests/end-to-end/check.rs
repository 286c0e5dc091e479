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
    let run = project.lagrange(&["check", "script.sql", "--replay"], &[]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("replay: s.x sees the future"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("looks at least 1 steps of time ahead"),
        "{}",
        run.stdout
    );
    project
        .run(&["--check", "replay"])
        .fails(1, &["s.x sees the future", "nothing has run"]);
}

#[test]
fn a_replay_of_honest_features_finds_nothing() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE s AS
         SELECT symbol, ts, close, y, lag(close, 2) OVER w AS l,
                avg(close) OVER (w ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS m,
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
    project.lagrange(&["run", "make.sql"], &[]).success();
    let run = project
        .lagrange(&["check", "script.sql", "--replay"], &[])
        .success();
    assert!(
        run.stdout
            .contains("replay: 4 columns of s are the same on data that ends at"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("the time of 'prices' is taken to be 'ts'")
    );
    project.run(&["--check", "replay"]).success();
}
