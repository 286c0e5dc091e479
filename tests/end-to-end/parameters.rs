//! `$name` in scripts.

use serde_json::json;

use crate::project::{ENGINES, Project};

#[test]
fn values_are_typed_and_prefer_the_command_line() {
    let project = Project::with_script(
        "DECLARE horizon INT64 DEFAULT 5;
         DECLARE rate FLOAT64 DEFAULT 1;
         DECLARE label STRING DEFAULT 'x';
         DECLARE since DATE DEFAULT '2020-01-01';
         DECLARE lags ARRAY<INT64> DEFAULT [1, 2];
         SELECT $horizon + 1 AS h, $rate / 4 AS r, $label AS l, CAST($since AS VARCHAR) AS d,
                $guess + 0.5 AS g, array_length($lags) AS n, $nothing IS NULL AS z
         FROM range(3) t(i) LIMIT $limit;",
    );
    project.file(
        "config/local.yaml",
        "parameters:\n  label: from config\n  guess: 2\n",
    );
    for engine in ENGINES {
        let run = project.run(&[
            "--engine",
            engine,
            "--output",
            "json",
            "--set",
            "horizon=7",
            "--set",
            "guess=1.5",
            "--set",
            "limit=1",
            "--set",
            "nothing=null",
            "--set",
            "lags=[1, 2, 5]",
        ]);
        let rows = run.success().json()["steps"][0]["result"]["rows"].clone();
        assert_eq!(
            rows,
            json!([[8, 0.25, "from config", "2020-01-01", 2.0, 3, true]]),
            "{engine}"
        );
    }
}

#[test]
fn no_text_can_leave_its_literal() {
    for text in [
        "it's",
        "'; DROP TABLE t; --",
        r"\'; DROP TABLE t; --",
        "''''",
        "$x",
        "a\nb",
    ] {
        let project = Project::with_script("SELECT $text AS t, $text || '''' AS q");
        for engine in ENGINES {
            let set = format!("text={text}");
            let run = project.run(&["--engine", engine, "--output", "json", "--set", &set]);
            let rows = run.success().json()["steps"][0]["result"]["rows"].clone();
            assert_eq!(rows, json!([[text, format!("{text}'")]]), "{engine}");
        }
    }
}

#[test]
fn a_missing_parameter_has_a_place_and_a_suggestion() {
    let project = Project::with_script("SELECT 1;\nSELECT i FROM range(3) t(i)\nLIMIT $limt;\n");
    project.run(&["--set", "limit=1"]).fails(
        2,
        &[
            "script.sql:3:7: parameter $limt has no value",
            "3 | LIMIT $limt;\n",
            "did you mean 'limit', which --set gives?",
        ],
    );
}

#[test]
fn an_unused_value_is_an_error() {
    let project = Project::with_script("SELECT $horizon;");
    project
        .run(&["--set", "horizon=1", "--set", "horizn=2"])
        .fails(2, &["--set horizn", "did you mean 'horizon'?"]);
    let project = Project::with_script("DECLARE horizon INT64 DEFAULT 1;\nSELECT 1;");
    project
        .run(&[])
        .fails(2, &["script.sql:1:9", "'horizon' is declared but not used"]);
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let project = Project::with_script("DECLARE horizon INTEGER;\nSELECT $horizon;");
    project.run(&["--set", "horizon=abc"]).fails(
        2,
        &["script.sql:1:9", "--set horizon=abc", "declared as INTEGER"],
    );
    project.run(&["--set", "horizon"]).fails(2, &["name=value"]);
    let project = Project::with_script("DECLARE d DATE DEFAULT 'soon';\nSELECT $d;");
    project
        .run(&[])
        .fails(2, &["script.sql:1:24", "'soon'", "DATE"]);
}

#[test]
fn table_functions_take_parameters() {
    let project = Project::with_script(
        "DECLARE lags ARRAY<INT64>;
         CREATE OR REPLACE TABLE t AS SELECT i AS k, 2.0 * i AS a FROM range(5) g(i);
         SELECT * FROM lag_features($tbl, columns => ['a'], lags => $lags, order_by => 'k')
         ORDER BY k LIMIT 2;",
    );
    for engine in ENGINES {
        let run = project.run(&[
            "--engine", engine, "--output", "json", "--set", "tbl=t", "--set", "lags=[1]",
        ]);
        let result = run.success().json()["steps"][1]["result"].clone();
        assert_eq!(
            result["rows"],
            json!([[0, 0.0, null], [1, 2.0, 0.0]]),
            "{engine}"
        );
    }
}
