//! Which steps of a script run.

use serde_json::{Value as Json, json};

use crate::project::{ENGINES, Project};

const SCRIPT: &str = "
CREATE OR REPLACE TABLE a AS SELECT $n AS x;
CREATE TEMP TABLE between AS SELECT x + 1 AS x FROM a;
CREATE OR REPLACE TABLE b AS SELECT x + 1 AS x FROM between;
ASSERT (SELECT count(*) FROM b) = 1 AS 'b has a row';
CREATE OR REPLACE VIEW v AS SELECT x FROM b;
CREATE OR REPLACE TABLE c AS SELECT x + 1 AS x FROM v;
CREATE OR REPLACE TABLE other AS SELECT 0 AS x;
";

fn states(json: &Json) -> String {
    let steps = json["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| &step["status"].as_str().unwrap()[..2])
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn steps_are_selected_with_what_they_need() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        let run = |arguments: &[&str]| {
            let mut all = vec!["--engine", engine, "--output", "json"];
            all.extend(arguments);
            states(&project.run(&all).success().json())
        };
        assert_eq!(run(&["--set", "n=1"]), "do do do do do do do");
        // What is upstream stays as it is; the temporary table is made for b.
        let found = run(&["--set", "n=10", "--select", "b"]);
        assert_eq!(found, "de do do do de de de");
        let rows = project.query(engine, "SELECT a.x, b.x, c.x FROM a, b, c");
        assert_eq!(rows, json!([[1, 3, 4]]), "{engine}");
        assert_eq!(
            run(&["--set", "n=10", "--select", "+b"]),
            "do do do do de de de"
        );
        let found = run(&["--set", "n=10", "--select", "c"]);
        // A view of a folder lasts as long as the session.
        let expected = match engine {
            "duckdb" => "de de de de de do de",
            _ => "de de de de do do de",
        };
        assert_eq!(found, expected);
        let rows = project.query(engine, "SELECT a.x, b.x, c.x FROM a, b, c");
        assert_eq!(rows, json!([[10, 12, 13]]), "{engine}");
        assert_eq!(
            run(&["--set", "n=10", "--exclude", "b+,other"]),
            "do do de de de de de"
        );
        project
            .run(&["--engine", engine, "--set", "n=1", "--select", "othr"])
            .fails(2, &["no step makes 'othr'", "did you mean 'other'?"]);
    }
}

#[test]
fn keep_going_runs_what_does_not_depend_on_a_failure() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE a AS SELECT 1 AS x;
             CREATE OR REPLACE TABLE b AS SELECT nowhere FROM a;
             CREATE OR REPLACE TABLE c AS SELECT * FROM b;
             CREATE OR REPLACE TABLE d AS SELECT x FROM a;
             ASSERT (SELECT x FROM d) = 2 AS 'two';
             SELECT * FROM d;
             SELECT * FROM a;",
        );
        let run = project.run(&["--engine", engine, "--output", "json"]);
        assert_eq!(
            states(&run.fails(1, &["nowhere"]).json()),
            "do fa sk sk sk sk sk"
        );
        let run = project.run(&["--engine", engine, "--keep-going", "--output", "json"]);
        let run = run.fails(
            1,
            &[
                "step 2/7 (create table b) failed",
                "gate failed: two",
                "2 of 7 steps failed",
            ],
        );
        let json = run.json();
        assert_eq!(states(&json), "do fa sk do fa sk do");
        assert_eq!(json["steps"][2]["message"], "it reads b, which failed");
    }
}
