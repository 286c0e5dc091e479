//! `lagrange plan`: what a run would do.

use crate::project::{ENGINES, Project};

#[test]
fn a_plan_knows_rows_parameters_and_gates() {
    for engine in ENGINES {
        let project = Project::with_script(
            "DECLARE n INT64 DEFAULT 5;
             DECLARE api_token STRING DEFAULT 'x';
             CREATE OR REPLACE TABLE t AS SELECT i AS a, $api_token AS b FROM range($n) r(i), old;
             -- expect: rows AS 'some'
             SELECT * FROM t, read_table('in.csv');
             COPY (SELECT 1 AS a) TO 'out.parquet' (FORMAT parquet);",
        );
        project.file(
            "old.sql",
            "CREATE OR REPLACE TABLE old AS SELECT * FROM range(1200) r(i);",
        );
        project
            .lagrange(&["run", "old.sql", "--engine", engine], &[])
            .success();
        project.file("in.csv", "x\n1\n");
        let before: Vec<_> = std::fs::read_dir(project.path("data")).unwrap().collect();
        let plan = [
            "plan",
            "script.sql",
            "--engine",
            engine,
            "--set",
            "api_token=abc",
        ];
        let run = project.lagrange(&plan, &[]).success();
        for part in [
            "reads   old (about 1,200 rows)",
            "reads   t, in.csv (4 bytes)",
            "after   1",
            "gates   rows (error: some)",
            "parameter  n = 5 ",
            "script.sql:1\n",
            "parameter  api_token = **** ",
            "--set\n",
            "lookahead  no call trains or chooses: nothing to check",
        ] {
            assert!(run.stdout.contains(part), "no '{part}' in:\n{}", run.stdout);
        }
        let mut json = plan.to_vec();
        json.extend(["--output", "json"]);
        let json = project.lagrange(&json, &[]).success().json();
        assert_eq!(json["steps"][0]["reads"][0]["rows"], 1200);
        assert_eq!(json["steps"][1]["after"][0], 1);
        assert_eq!(json["steps"][1]["files"][0]["bytes"], 4);
        assert_eq!(json["parameters"][0]["value"], "****");
        let after: Vec<_> = std::fs::read_dir(project.path("data")).unwrap().collect();
        assert_eq!(before.len(), after.len());
        assert!(!project.path("out.parquet").exists());
    }
}

#[test]
fn a_plan_says_what_would_be_refused() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE model AS
         SELECT fit(y, {'x': x}, {'algorithm': 'ols'}) AS model
         FROM (SELECT close AS y, lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices) AS s;",
    );
    let run = project.lagrange(&["plan", "script.sql"], &[]);
    let run = run.fails(1, &["the script sees the future", "--check off"]);
    assert!(
        run.stdout.contains("lookahead  script.sql:"),
        "{}",
        run.stdout
    );
    project
        .lagrange(&["plan", "script.sql", "--check", "off"], &[])
        .success();
}
