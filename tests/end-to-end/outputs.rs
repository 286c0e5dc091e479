//! What a run prints.

use serde_json::json;

use crate::project::{ENGINES, Project};

#[test]
fn a_dry_run_touches_nothing() {
    let project = Project::with_script(
        "-- makes a table\nCREATE TABLE t AS SELECT $n AS a;\n\nSELECT * FROM t;",
    );
    for engine in ENGINES {
        let run = project
            .run(&["--engine", engine, "--dry-run", "--set", "n=1"])
            .success();
        assert!(
            run.stdout.starts_with(
                "[1/2] script.sql:2  create table t\n      writes  t\n\
                 [2/2] script.sql:4  query\n      after   1\n      reads   t\n"
            ),
            "{}",
            run.stdout
        );
        let run = project.run(&[
            "--engine",
            engine,
            "--dry-run",
            "--set",
            "n=1",
            "--output",
            "json",
        ]);
        let json = run.success().json();
        assert_eq!(json["steps"][0]["status"], "planned");
        assert_eq!(json["steps"][0]["target"], "t");
        project.run(&["--dry-run"]).fails(2, &["$n has no value"]);
    }
    let files: Vec<_> = std::fs::read_dir(project.path(".")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn text_shows_steps_tables_and_a_summary() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE TABLE t AS SELECT i AS a, 'x' AS b FROM range(1500) g(i);
             SELECT a, b FROM t ORDER BY a;",
        );
        let run = project.run(&["--engine", engine]).success();
        assert!(
            run.stderr.contains("[1/2] create table t"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("1,500 rows"), "{}", run.stderr);
        assert!(
            !run.stderr.contains('\x1b'),
            "no colours outside a terminal"
        );
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[..3], [" a  b", "--  -", " 0  x"]);
        assert!(
            run.stdout.contains("\n... 1,460 more rows\n(1,500 rows)\n"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("table  t "), "{}", run.stdout);
    }
}

#[test]
fn json_is_one_document_even_on_failure() {
    for engine in ENGINES {
        let project = Project::with_script("SELECT 1 AS a;\nSELECT nowhere FROM range(1) g(i);");
        let run = project
            .run(&["--engine", engine, "--output", "json"])
            .fails(1, &["nowhere"]);
        let json = run.json();
        assert_eq!(json["status"], "failed");
        assert_eq!(json["steps"][0]["status"], "done");
        assert_eq!(
            json["steps"][0]["result"],
            json!({"columns": ["a"], "rows": [[1]], "total": 1})
        );
        assert_eq!(json["steps"][1]["status"], "failed");
        assert_eq!(json["error"]["line"], 2);
    }
    let project = Project::new();
    let run = project
        .run(&["--output", "json"])
        .fails(2, &["script not found"]);
    assert_eq!(run.json()["status"], "usage error");
}

#[test]
fn values_of_many_types_are_shown() {
    let project = Project::with_script(
        "SELECT true AS b, 1.5 AS d, DATE '2020-01-02' AS day, [1, 2] AS l, NULL AS n, 'ü' AS t",
    );
    for engine in ENGINES {
        let run = project
            .run(&["--engine", engine, "--output", "json"])
            .success();
        let rows = run.json()["steps"][0]["result"]["rows"].clone();
        assert_eq!(
            rows,
            json!([[true, 1.5, "2020-01-02", "[1, 2]", null, "ü"]]),
            "{engine}"
        );
    }
}
