//! What a run leaves behind for other programs.

use serde_json::Value as Json;

use crate::project::{ENGINES, Project};

const SCRIPT: &str = "
CREATE OR REPLACE TABLE t AS SELECT i AS a FROM range(3) r(i);
ASSERT (SELECT count(*) FROM t) = 3 AS 'three <rows> & \"more\"';
-- expect(warn): no rows
SELECT * FROM t;
SELECT nowhere FROM t;
SELECT 1;
";

#[test]
fn results_are_written_whatever_happens() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        let run = project.run(&["--engine", engine, "--set", "x=1"]);
        run.fails(2, &["no script uses $x"]);
        assert!(!project.path("data").exists(), "the database is not known");

        project.run(&["--engine", engine]).fails(1, &["nowhere"]);
        let results: Json =
            serde_json::from_str(&project.text("data/ml.run_results.json")).unwrap();
        assert_eq!(results["schema_version"], 1);
        assert_eq!(results["status"], "failed");
        assert_eq!(results["tracking_status"], "FAILED");
        assert_eq!(results["exit_code"], 1);
        assert_eq!(results["gates"], "passed");
        assert_eq!(results["engine"], engine);
        assert_eq!(results["scripts"][0]["sha256"].as_str().unwrap().len(), 64);
        let steps = results["steps"].as_array().unwrap();
        let states: Vec<&str> = steps
            .iter()
            .map(|step| step["status"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["done", "done", "done", "failed", "skipped"]);
        assert_eq!(steps[0]["rows"], 3);
        assert_eq!(steps[0]["writes"][0], "t");
        assert_eq!(steps[3]["reads"][0], "t");
        assert!(steps[2].get("result").is_none(), "no rows of data");
        assert_eq!(results["error"]["line"], 6);
    }
}

#[test]
fn junit_and_summary_are_written_on_request() {
    let project = Project::with_script(SCRIPT);
    project.file("summary.md", "before\n");
    let arguments = [
        "run",
        "script.sql",
        "--results",
        "out/results.json",
        "--junit",
        "out/junit.xml",
    ];
    let summary = project.path("summary.md");
    let variables = [("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
    project
        .lagrange(&arguments, &variables)
        .fails(1, &["nowhere"]);
    assert!(!project.path("data/ml.run_results.json").exists());
    let results: Json = serde_json::from_str(&project.text("out/results.json")).unwrap();
    assert_eq!(results["status"], "failed");

    let junit = project.text("out/junit.xml");
    assert!(
        junit.contains("tests=\"6\" failures=\"0\" errors=\"1\" skipped=\"1\""),
        "{junit}"
    );
    assert!(
        junit.contains("name=\"[2] gate: three &lt;rows&gt; &amp; &quot;more&quot;\""),
        "{junit}"
    );
    let text = project.text("summary.md");
    assert!(
        text.starts_with("before\n### ❌ lagrange run script.sql: failed\n"),
        "{text}"
    );
    assert!(
        text.contains("| ✅ done | create table t | script.sql:2 | 3 rows |"),
        "{text}"
    );
    assert!(
        text.contains("| ⚠️ warned | gate: no rows | script.sql:4 |"),
        "{text}"
    );
}

#[test]
fn quiet_and_verbose_are_less_and_more() {
    let project =
        Project::with_script("CREATE OR REPLACE TABLE t AS SELECT $n AS a; SELECT * FROM t;");
    let run = project.run(&["--quiet", "--set", "n=5"]).success();
    assert_eq!(run.stderr, "");
    assert_eq!(run.stdout, "a\n-\n5\n(1 row)\n");
    let run = project.run(&["--verbose", "--set", "n=5"]).success();
    assert!(
        run.stderr
            .contains("| CREATE OR REPLACE TABLE t AS SELECT 5 AS a"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("reads    t"), "{}", run.stderr);
    assert!(run.stderr.contains("steps: 2 done"), "{}", run.stderr);
}

#[test]
fn resources_come_from_flags_before_settings() {
    let project = Project::with_script("SELECT current_setting('threads') AS n");
    let run = project.run(&[
        "--threads",
        "3",
        "--memory-limit",
        "1GB",
        "--output",
        "json",
    ]);
    assert_eq!(run.success().json()["steps"][0]["result"]["rows"][0][0], 3);
    project
        .run(&["--memory-limit", "much"])
        .fails(2, &["--memory-limit much", "512MB"]);
    project.run(&["--threads", "0"]).fails(2, &["0"]);
}
