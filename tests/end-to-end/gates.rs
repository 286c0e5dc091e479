//! Assertions, and tests in comments.

use serde_json::json;

use crate::project::{ENGINES, Project};

const PRICES: &str = "CREATE OR REPLACE TABLE prices AS
SELECT i AS ts, 'S' || (i % 3) AS symbol, i - 2 AS close FROM range(6) r(i);
";

fn with_gates(gates: &str) -> Project {
    Project::with_script(&format!("{PRICES}{gates}"))
}

#[test]
fn gates_that_hold_are_said_and_nothing_else() {
    for engine in ENGINES {
        let project = with_gates(
            "ASSERT (SELECT count(*) FROM prices) = 6 AS 'six prices';
             ASSERT NOT EXISTS (SELECT ts FROM prices GROUP BY ts HAVING count(*) > 1) AS 'once';
             ASSERT EXISTS (SELECT 1 FROM prices) AND 'S0' IN ('S0', 'S1');
             -- expect: rows >= 6
             SELECT 'hidden' AS a FROM prices;
             -- expect: no rows
             SELECT * FROM prices WHERE close IS NULL;
             -- expect: 6 rows
             CREATE OR REPLACE TABLE copied AS SELECT * FROM prices;",
        );
        let run = project.run(&["--engine", engine]).success();
        assert!(run.stderr.contains("assert 'six prices'"), "{}", run.stderr);
        assert!(run.stderr.contains("6 of 6 gates hold"), "{}", run.stderr);
        assert!(!run.stdout.contains("hidden"), "{}", run.stdout);
        let run = project.run(&["--engine", engine, "--output", "json"]);
        assert_eq!(run.success().json()["gates"], "passed");
    }
}

#[test]
fn a_failed_gate_stops_what_comes_later() {
    for engine in ENGINES {
        let project = with_gates(
            "ASSERT (SELECT count(*) FROM prices WHERE close <= 0) = 0 AS 'prices are positive';
             CREATE TABLE later AS SELECT 1 AS a;",
        );
        let run = project.run(&["--engine", engine]);
        let run = run.fails(
            1,
            &[
                "script.sql:3:1: gate failed: prices are positive",
                "3 | ASSERT",
                "(SELECT count(*) FROM prices WHERE close <= 0) is 3",
                "ts  symbol  close",
                " 0  S0         -2",
            ],
        );
        assert!(!run.stderr.contains(" 3  S0"), "{}", run.stderr);
        project.file("after.sql", "SELECT * FROM later");
        project
            .lagrange(&["run", "after.sql", "--engine", engine], &[])
            .fails(1, &["later"]);
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .json();
        assert_eq!(json["gates"], "failed");
        assert_eq!(json["status"], "failed");
        assert_eq!(json["steps"][1]["gates"][0]["status"], "failed");
        assert_eq!(json["steps"][2]["status"], "skipped");
    }
}

#[test]
fn comment_tests_show_the_offending_rows() {
    for engine in ENGINES {
        let project = with_gates(
            "
-- Each bar is there once.
-- expect: no rows AS 'no price below zero'
SELECT ts, close FROM prices WHERE close < 0 ORDER BY ts;",
        );
        project.run(&["--engine", engine]).fails(
            1,
            &[
                "script.sql:5:1: gate failed: no price below zero",
                "5 | -- expect: no rows",
                "expected no rows, found 2 rows",
                "ts  close",
                " 0     -2",
            ],
        );
        let project = with_gates("-- expect: rows >= 10\nSELECT * FROM prices;");
        project
            .run(&["--engine", engine])
            .fails(1, &["gate failed: rows >= 10", "found 6 rows"]);
    }
}

#[test]
fn a_warning_lets_the_run_go_on() {
    for engine in ENGINES {
        let project = with_gates(
            "-- severity: warn
             ASSERT (SELECT min(close) FROM prices) > 0 AS 'positive';
             -- expect(warn): no rows
             SELECT * FROM prices;
             CREATE TABLE later AS SELECT 1 AS a;",
        );
        let run = project
            .run(&["--engine", engine, "--output", "json"])
            .success();
        assert!(
            run.stderr
                .contains("warning: script.sql:4:14: gate failed: positive"),
            "{}",
            run.stderr
        );
        let json = run.json();
        assert_eq!(json["gates"], "passed");
        assert_eq!(json["steps"][1]["gates"][0]["status"], "warned");
        assert_eq!(json["steps"][2]["gates"][0]["status"], "warned");
        assert_eq!(json["steps"][3]["status"], "done");
    }
}

#[test]
fn null_is_no_yes_and_a_number_no_answer() {
    for engine in ENGINES {
        let project = Project::with_script("ASSERT (SELECT max(1) WHERE 1 = 0) > 0 AS 'known'");
        project
            .run(&["--engine", engine])
            .fails(1, &["gate failed: known", "the condition is NULL"]);
        let project = Project::with_script("ASSERT (SELECT 5) AS 'five'");
        project
            .run(&["--engine", engine])
            .fails(1, &["not true or false"]);
        let project = Project::with_script("ASSERT (SELECT count(*) FROM nowhere) > 0");
        let run = project.run(&["--engine", engine, "--output", "json"]);
        assert_eq!(run.fails(1, &["nowhere"]).json()["gates"], "failed");
    }
}

#[test]
fn a_refused_table_publishes_no_model() {
    for engine in ENGINES {
        let project = Project::with_script(
            "-- expect: no rows AS 'no model this time'
             CREATE OR REPLACE TABLE model AS
             SELECT fit(y, {'x': x}, {'algorithm': 'ols'}) AS model
             FROM (SELECT i AS x, 2 * i + i % 2 AS y FROM range(20) r(i)) AS s;",
        );
        let run = project.run(&["--engine", engine, "--check", "off"]);
        run.fails(1, &["no model this time"]);
        assert!(!project.path("models").exists(), "{engine}");
    }
}

#[test]
fn tests_that_cannot_be_asked_are_errors_of_the_script() {
    for (text, parts) in [
        (
            "-- expect: many rows\nSELECT 1",
            [
                "script.sql:1:1: 'many rows' is not a test",
                "expect: rows >= 10",
            ],
        ),
        (
            "SELECT 1; -- expect: rows\nSELECT 2",
            ["a line of its own", "script.sql:1:11"],
        ),
        (
            "-- expect: rows\nCREATE VIEW v AS SELECT 1 AS a",
            ["'create view' has no rows to test", "script.sql:1:1"],
        ),
        (
            "ASSERT 1 = 1 AS message",
            ["must be text in single quotes", "script.sql:1:1"],
        ),
    ] {
        Project::with_script(text).run(&[]).fails(2, &parts);
    }
}

#[test]
fn test_asks_the_gates_alone() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE t AS SELECT i AS a FROM range(5) r(i);
             CREATE OR REPLACE VIEW v AS SELECT a + 1 AS b FROM t;
             ASSERT (SELECT count(*) FROM t) = 5 AS 'five';
             ASSERT (SELECT max(b) FROM v) = 5 AS 'through a view';
             -- expect: rows >= 5
             CREATE OR REPLACE TABLE u AS SELECT * FROM t;
             SELECT 'a query without a test';",
        );
        let test = ["test", "script.sql", "--engine", engine];
        let run = project.lagrange(&test, &[]);
        run.fails(
            2,
            &["there is no database", "lagrange run script.sql makes it"],
        );
        project.run(&["--engine", engine]).success();
        let run = project.lagrange(&test, &[]).success();
        assert!(run.stderr.contains("3 of 3 gates hold"), "{}", run.stderr);
        assert_eq!(run.stdout, "");

        // The tables have changed since: all gates that fail are said.
        project.file(
            "change.sql",
            "CREATE OR REPLACE TABLE t AS SELECT 1 AS a; CREATE OR REPLACE TABLE u AS SELECT 1 AS a;",
        );
        project
            .lagrange(&["run", "change.sql", "--engine", engine], &[])
            .success();
        let run = project.lagrange(&test, &[]);
        let run = run.fails(
            1,
            &[
                "gate failed: five",
                "gate failed: through a view",
                "expected rows >= 5, found 1 row",
            ],
        );
        assert!(run.stderr.contains("0 of 3 gates hold"), "{}", run.stderr);
        let rows = project.query(engine, "SELECT count(*) FROM t");
        assert_eq!(rows, json!([[1]]), "nothing was made");
    }
    let project = Project::with_script("SELECT 1");
    project
        .lagrange(&["test", "script.sql"], &[])
        .fails(2, &["no gate in script.sql"]);
}

#[test]
fn the_check_reads_scripts_with_gates() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE samples AS
         SELECT symbol, ts, close, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS past,
                lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS target FROM prices;
         ASSERT (SELECT count(*) FROM samples WHERE lead_time IS NULL) = 0 AS 'looks ahead, but fits nothing';
         -- expect: rows
         SELECT lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS next FROM samples;
         CREATE OR REPLACE TABLE model AS
         SELECT fit(target, {'past': past}, {'algorithm': 'ols'}) AS model FROM samples WHERE ts < 100;",
    );
    let run = project.lagrange(&["check", "script.sql"], &[]);
    assert!(!run.stdout.contains("not understood"), "{}", run.stdout);
    assert!(!run.stdout.contains("ASSERT"), "{}", run.stdout);
}
