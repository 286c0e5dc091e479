//! Runs that end before their time.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::project::{ENGINES, Project, signal};

/// The second step takes longer than anybody waits.
const SCRIPT: &str = "
CREATE OR REPLACE TABLE before AS SELECT 1 AS a;
CREATE OR REPLACE TABLE long AS
SELECT count(*) AS n FROM range(1000000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3;
CREATE OR REPLACE TABLE after AS SELECT 1 AS a;
";

fn start(project: &Project, engine: &str) -> Child {
    project
        .command(&["run", "script.sql", "--engine", engine])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the first step has ended.
fn wait_for_the_second_step(project: &Project, engine: &str) {
    let memory = project.path(&format!("data/ml.{engine}.steps.json"));
    let begun = Instant::now();
    while !std::fs::read_to_string(&memory).is_ok_and(|text| text.contains("before")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing runs");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
}

fn check_results(project: &Project, engine: &str, status: &str, tracking: &str) {
    let results: Json = serde_json::from_str(&project.text("data/ml.run_results.json")).unwrap();
    assert_eq!(results["status"], status, "{engine}");
    assert_eq!(results["tracking_status"], tracking, "{engine}");
    let states: Vec<&str> = results["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["done", "killed", "skipped"], "{engine}");
    // The step is rolled back, and what was done before is there.
    assert_eq!(project.query(engine, "SELECT a FROM before"), json!([[1]]));
    project.file("gone.sql", "SELECT * FROM long");
    project
        .lagrange(&["run", "gone.sql", "--engine", engine], &[])
        .fails(1, &["long"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_cancels_the_step_and_rolls_it_back() {
    for engine in ENGINES {
        for name in ["INT", "TERM"] {
            let project = Project::with_script(SCRIPT);
            let child = start(&project, engine);
            wait_for_the_second_step(&project, engine);
            signal(&child, name);
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(130), "{engine}: {stderr}");
            assert!(stderr.contains("cancelling what runs"), "{stderr}");
            assert!(
                stderr.contains("error: script.sql:3:1: interrupted"),
                "{stderr}"
            );
            check_results(&project, engine, "killed", "KILLED");
        }
    }
}

#[test]
fn a_time_limit_does_the_same() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        let run = project.run(&["--engine", engine, "--timeout", "2s"]);
        run.fails(
            1,
            &["timed out after 2.00 s", "script.sql:3:1", "--timeout"],
        );
        check_results(&project, engine, "failed", "FAILED");
        project.file("short.sql", "SELECT 1");
        project
            .lagrange(
                &["run", "short.sql", "--engine", engine, "--timeout", "10m"],
                &[],
            )
            .success();
    }
    let project = Project::with_script(SCRIPT);
    project
        .run(&["--timeout", "soon"])
        .fails(2, &["90s, 15m or 2h"]);
}
