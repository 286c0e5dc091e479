//! Errors of scripts, and what they leave behind.

use serde_json::json;

use crate::project::{ENGINES, Project};

#[test]
fn a_syntax_error_is_shown_in_place() {
    let project = Project::with_script("SELECT 1;\n-- next\nSELECT a,\n  b c d\nFROM t;\n");
    project.run(&[]).fails(
        2,
        &[
            "error: script.sql:4:7: syntax error",
            "4 |   b c d\n",
            "  |       ^",
        ],
    );
    let project = Project::with_script("SELECT 'open");
    project
        .run(&[])
        .fails(2, &["script.sql:1:8", "Unterminated string literal"]);
}

#[test]
fn missing_and_empty_scripts() {
    let project = Project::new();
    project.run(&[]).fails(2, &["script not found: script.sql"]);
    project.file("script.sql", "-- nothing\n;\n");
    project.run(&[]).fails(2, &["no statements"]);
}

#[test]
fn a_failing_statement_shows_itself_and_leaves_the_table() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE t AS SELECT 1 AS a;\n\
             CREATE OR REPLACE TABLE t AS\n\
             SELECT i AS a,\n\
             \x20 CAST('x' || CAST(i AS VARCHAR) AS BIGINT) AS b\n\
             FROM range(10) g(i);\n\
             CREATE TABLE later AS SELECT 1 AS a;",
        );
        project.run(&["--engine", engine]).fails(
            1,
            &[
                "error: script.sql:2:1: step 2/3 (create table t) failed",
                "2 | CREATE OR REPLACE TABLE t AS\n",
                "5 | FROM range(10) g(i)",
                "x0",
            ],
        );
        assert_eq!(
            project.query(engine, "SELECT * FROM t"),
            json!([[1]]),
            "{engine}"
        );
        let run = project.lagrange(&["run", "query.sql", "--engine", engine], &[]);
        run.success();
        project.file("query.sql", "SELECT * FROM later");
        project
            .lagrange(&["run", "query.sql", "--engine", engine], &[])
            .fails(1, &["later"]);
    }
}

#[test]
fn long_statements_are_cut() {
    let columns: String = (0..20).map(|i| format!("{i} AS c{i},\n")).collect();
    let project = Project::with_script(&format!("SELECT {columns} nowhere FROM range(1)"));
    project
        .run(&[])
        .fails(1, &["1 | SELECT 0 AS c0,", "... 16 more lines"]);
}

#[test]
fn a_function_that_refuses_its_data_is_named() {
    for engine in ENGINES {
        let project = Project::with_script("SELECT rmse(a, b) FROM (VALUES (1.0, 'x')) AS t(a, b)");
        project.run(&["--engine", engine]).fails(1, &["rmse"]);
    }
}
