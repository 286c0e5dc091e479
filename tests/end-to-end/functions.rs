//! `lagrange functions`, and table functions in scripts.

use serde_json::json;

use crate::project::{ENGINES, Project};

#[test]
fn the_catalogue_is_listed() {
    let project = Project::new();
    let run = project.lagrange(&["functions"], &[]).success();
    assert!(run.stdout.contains("lag_features"));
    let run = project
        .lagrange(&["functions", "lag_features"], &[])
        .success();
    assert!(run.stdout.contains("order_by"), "{}", run.stdout);
    let run = project
        .lagrange(&["functions", "--output", "json"], &[])
        .success();
    let names = run.json();
    assert!(names.as_array().unwrap().iter().any(|f| f["name"] == "fit"));
    project
        .lagrange(&["functions", "lag_feature"], &[])
        .fails(2, &["lag_features"]);
}

#[test]
fn a_stale_readme_names_the_command_that_mends_it() {
    let project = Project::new();
    let empty = "# Title\n<!-- functions:begin -->\n<!-- functions:end -->\nEnd\n";
    project.file("README.md", empty);
    project
        .lagrange(&["functions", "--check-readme", "README.md"], &[])
        .fails(1, &["stale", "functions --write-readme README.md"]);
    let arguments = ["functions", "--write-readme", "README.md"];
    project.lagrange(&arguments, &[]).success();
    project
        .lagrange(&["functions", "--check-readme", "README.md"], &[])
        .success();
    let text = std::fs::read_to_string(project.path("README.md")).unwrap();
    assert!(text.starts_with("# Title\n") && text.ends_with("\nEnd\n") && text.contains("fit"));
    project.file("README.md", "# Title\n");
    project
        .lagrange(&arguments, &[])
        .fails(2, &["functions:begin"]);
}

/// Named arguments, CTEs, nested queries, aliases: the same on both engines.
#[test]
fn table_functions_are_expanded() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS SELECT i AS k, i * i AS a, i % 2 AS s FROM range(6) g(i);
         WITH even AS (SELECT k, a FROM t WHERE s = 0),
              lagged AS (SELECT * FROM lag_features('even', columns => ['a'], lags => [1],
                                                    order_by => 'k'))
         SELECT l.k, a_lag1 FROM lagged AS l ORDER BY k;
         SELECT x.k, x.a_lag1, x.a_lag2
         FROM lag_features('t', ['a'], [1, 2], partition_by => 's', order_by => 'k') AS x
         WHERE x.k > 2 ORDER BY x.k;
         CREATE OR REPLACE VIEW v AS
         SELECT * FROM lag_features('t', columns => 'a', lags => 2, order_by => 'k');
         SELECT count(*) AS n FROM v WHERE a_lag2 IS NULL;",
    );
    for engine in ENGINES {
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        let rows = |i: usize| json["steps"][i]["result"]["rows"].clone();
        assert_eq!(rows(1), json!([[0, null], [2, 0], [4, 4]]), "{engine}");
        assert_eq!(
            rows(2),
            json!([[3, 1, null], [4, 4, 0], [5, 9, 1]]),
            "{engine}"
        );
        assert_eq!(rows(4), json!([[2]]), "{engine}");
    }
}

#[test]
fn wrong_arguments_are_explained() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE t AS SELECT 1 AS k, 2 AS a;
             SELECT * FROM lag_features('t', columns => ['a'], lags => [0], order_by => 'k');",
        );
        project
            .run(&["--engine", engine])
            .fails(1, &["script.sql:2:", "lag_features", "lags"]);
    }
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS SELECT 1 AS k, 2 AS a;
         SELECT * FROM lag_features(t, columns => ['a'], lags => [1], order_by => 'k');",
    );
    project
        .run(&["--engine", "datafusion"])
        .fails(1, &["pass the name as text: 't'"]);
}
