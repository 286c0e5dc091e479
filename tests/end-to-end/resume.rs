//! `--resume`: what is done is not repeated.

use serde_json::{Value as Json, json};

use crate::project::{ENGINES, Project};

fn states(json: &Json) -> String {
    let steps = json["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| &step["status"].as_str().unwrap()[..2])
        .collect::<Vec<_>>()
        .join(" ")
}

/// `broken` is read by the last step only.
const SCRIPT: &str = "
CREATE OR REPLACE TABLE a AS SELECT * FROM read_table('a.csv');
CREATE TEMP TABLE t AS SELECT sum(x) AS x FROM a;
CREATE OR REPLACE TABLE b AS SELECT x + $n AS x FROM t;
SELECT * FROM b;
CREATE OR REPLACE TABLE c AS SELECT b.x AS x, t.x AS y FROM b, t, broken;
";

#[test]
fn a_failed_run_goes_on_where_it_failed() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        project.file("a.csv", "x\n1\n2\n");
        let run = |arguments: &[&str]| {
            let mut all = vec!["--engine", engine, "--output", "json"];
            all.extend(arguments);
            let run = project.run(&all);
            (run.code, states(&run.json()))
        };
        let same = ["--resume", "--set", "n=1"];
        assert_eq!(run(&["--set", "n=1"]), (Some(1), "do do do do fa".into()));
        // The temporary table is gone, and needed.
        assert_eq!(run(&same), (Some(1), "ke do ke ke fa".into()));
        project.file(
            "fix.sql",
            "CREATE OR REPLACE TABLE broken AS SELECT 1 AS one;",
        );
        project
            .lagrange(&["run", "fix.sql", "--engine", engine], &[])
            .success();
        assert_eq!(run(&same), (Some(0), "ke do ke ke do".into()));
        let rows = project.query(engine, "SELECT x, y FROM c");
        assert_eq!(rows, json!([[4, 3]]), "{engine}");
        // All is done: nothing needs the temporary table any more.
        assert_eq!(run(&same), (Some(0), "ke ke ke ke ke".into()));

        // Another parameter, another input, a table that vanished or that something
        // else has written.
        let other = ["--resume", "--set", "n=2"];
        assert_eq!(run(&other), (Some(0), "ke do do do do".into()));
        project.file("a.csv", "x\n1\n3\n");
        assert_eq!(run(&other), (Some(0), "do do do do do".into()));
        project.file("drop.sql", "DROP TABLE b;");
        project
            .lagrange(&["run", "drop.sql", "--engine", engine], &[])
            .success();
        assert_eq!(run(&other), (Some(0), "ke do do ke ke".into()));
        project.file(
            "fix.sql",
            "CREATE OR REPLACE TABLE broken AS SELECT 2 AS one;",
        );
        project
            .lagrange(&["run", "fix.sql", "--engine", engine], &[])
            .success();
        assert_eq!(run(&other), (Some(0), "ke do ke ke do".into()));
        // The text of a step.
        project.file("script.sql", &SCRIPT.replace("x + $n", "$n + x"));
        assert_eq!(run(&other), (Some(0), "ke do do do do".into()));
        // Without the flag everything runs.
        assert_eq!(run(&["--set", "n=2"]), (Some(0), "do do do do do".into()));
    }
}

#[test]
fn rows_are_not_added_twice() {
    let project = Project::with_script(
        "CREATE TABLE IF NOT EXISTS log AS SELECT 0 AS n;
         SELECT count(*) FROM log;
         INSERT INTO log SELECT 1 AS n;
         INSERT INTO log SELECT 2 AS n;
         SELECT * FROM nowhere;",
    );
    project.run(&[]).fails(1, &["nowhere"]);
    project.run(&["--resume"]).fails(1, &["nowhere"]);
    let rows = project.query("duckdb", "SELECT count(*), sum(n) FROM log");
    assert_eq!(rows, json!([[3, 3]]));

    // Also if the table was there before.
    project.file(
        "more.sql",
        "SELECT max(n) FROM log; INSERT INTO log SELECT 7 AS n; SELECT * FROM nowhere;",
    );
    for arguments in [&["run", "more.sql"][..], &["run", "more.sql", "--resume"]] {
        project.lagrange(arguments, &[]).fails(1, &["nowhere"]);
    }
    let rows = project.query("duckdb", "SELECT count(*), sum(n) FROM log");
    assert_eq!(rows, json!([[4, 10]]));
}

#[test]
fn a_spoilt_memory_is_no_memory() {
    let project = Project::with_script("CREATE OR REPLACE TABLE a AS SELECT 1 AS x;");
    project.run(&[]).success();
    project.file("data/ml.duckdb.steps.json", "{\"version\": 1, \"tab");
    let run = project.run(&["--resume", "--output", "json"]).success();
    assert_eq!(states(&run.json()), "do");
    let run = project.run(&["--resume", "--output", "json"]).success();
    assert_eq!(states(&run.json()), "ke");
}
