//! Runs are recorded, and uploaded to an MLflow server whatever happens to it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::fake_mlflow::{FakeMlflow, Fault};
use crate::project::{ENGINES, Project};

/// Results of many kinds, and a model.
pub const SCRIPT: &str = "
DECLARE alpha DOUBLE DEFAULT 1.0;
CREATE OR REPLACE TABLE samples AS
SELECT i AS ts, CAST((i * 7919) % 101 AS DOUBLE) AS a, CAST((i * 31) % 17 AS DOUBLE) AS b,
       3.0 * ((i * 7919) % 101) + (i * 31) % 17 + (i * 5) % 7 AS y
FROM range(300) r(i);
CREATE OR REPLACE TABLE folds AS
SELECT * FROM cross_validate('samples', target => 'y', features => ['a', 'b'], order_by => 'ts', algorithm => 'ols',
                             folds => 3, horizon => 1);
CREATE OR REPLACE TABLE trials AS
SELECT * FROM tune_model('(SELECT * FROM samples WHERE ts < 200)', target => 'y', features => ['a', 'b'], order_by => 'ts', algorithm => 'ridge',
                         space => {'alpha': [1, 10, 100]}, method => 'grid', folds => 2, horizon => 1);
CREATE OR REPLACE TABLE importance AS
SELECT * FROM feature_importance('(SELECT * FROM samples WHERE ts < 200)', target => 'y', features => ['a', 'b'], order_by => 'ts', folds => 3);
CREATE OR REPLACE TABLE model AS
SELECT fit(y, {'a': a, 'b': b}, {'algorithm': 'ridge', 'alpha': $alpha, 'target': 'y'}) AS model
FROM samples WHERE ts < 200;
CREATE OR REPLACE TABLE evaluation AS
SELECT * FROM evaluate_model('(SELECT * FROM samples WHERE ts >= 202)', 'model', 'y');
CREATE OR REPLACE TABLE correlation AS
SELECT * FROM feature_correlation('(SELECT * FROM samples WHERE ts < 200)', features => ['a', 'b', 'y']);
";

/// Nobody serves port 1.
const NOBODY: (&str, &str) = ("LAGRANGE_MLFLOW__TRACKING_URI", "http://127.0.0.1:1");
/// Tests do not wait.
const QUICK: (&str, &str) = ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.001");

fn run_json(project: &Project) -> Json {
    let shown = project.lagrange(&["runs", "show", "--output", "json"], &[NOBODY]);
    shown.success().json()
}

fn folder(project: &Project) -> std::path::PathBuf {
    let id = run_json(project)["id"].as_str().unwrap().to_owned();
    project.path("artifacts/runs").join(id)
}

fn metric(run: &Json, key: &str) -> Vec<(f64, i64)> {
    let metrics = run["metrics"].as_array().unwrap().iter();
    metrics
        .filter(|metric| metric["key"] == key)
        .map(|metric| {
            (
                metric["value"].as_f64().unwrap(),
                metric["step"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_run_is_recorded_with_its_results() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        let arguments = ["run", "script.sql", "--engine", engine, "--set", "alpha=2"];
        let ran = project.lagrange(&arguments, &[NOBODY]).success();
        assert!(ran.stderr.contains("lagrange runs sync"), "{}", ran.stderr);
        let run = run_json(&project);
        assert_eq!(run["schema"], 1);
        assert_eq!(run["status"], "FINISHED", "{run:#}");
        assert_eq!(run["name"], "script");
        assert_eq!(run["engine"]["name"], engine);
        assert!(run["engine"]["version"].is_string());
        assert_eq!(
            run["parameters"],
            json!([{"name": "alpha", "value": "2", "origin": "--set"}])
        );
        assert_eq!(run["steps"].as_array().unwrap().len(), 7);
        assert_eq!(run["steps"][0]["rows"], 300);
        assert!(run["guard"]["verdict"].is_string());

        // What is in the tables is what the database has.
        let query = |sql: &str| project.query(engine, sql);
        let out_of_sample = query("SELECT fold, out_of_sample FROM folds ORDER BY fold");
        let expected: Vec<(f64, i64)> = out_of_sample
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row[1].as_f64().unwrap(), row[0].as_i64().unwrap()))
            .collect();
        assert_eq!(expected.len(), 3);
        assert_eq!(metric(&run, "folds/out_of_sample"), expected, "{engine}");
        let rmse = query("SELECT value FROM evaluation WHERE metric = 'rmse'")[0][0]
            .as_f64()
            .unwrap();
        assert_eq!(metric(&run, "evaluation/rmse"), [(rmse, 0)]);

        let kinds: Vec<String> = run["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|table| {
                format!(
                    "{} {}",
                    table["name"].as_str().unwrap(),
                    table["kind"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            kinds,
            [
                "folds folds",
                "trials trials",
                "trials_fold_scores fold_scores",
                "importance importance",
                "evaluation evaluation",
                "correlation correlation",
            ]
        );
        assert_eq!(run["tables"][4]["models"], json!(["model"]), "{engine}");
        assert!(run["tables"][5]["models"].is_null(), "{engine}");
        assert_eq!(run["models"][0]["alias"], "champion");
        let place = project
            .path("artifacts/runs")
            .join(run["id"].as_str().unwrap());
        for artifact in run["artifacts"].as_array().unwrap() {
            let file = place.join(artifact["path"].as_str().unwrap());
            let size = std::fs::metadata(&file).unwrap().len();
            assert_eq!(Some(size), artifact["bytes"].as_u64(), "{}", file.display());
        }
        let csv = std::fs::read_to_string(place.join("tables/folds.csv")).unwrap();
        assert_eq!(csv.lines().count(), 4);
        assert!(csv.starts_with("fold,train_rows,"), "{csv}");
        let same = query(&format!(
            "SELECT count(*) FROM read_table('{}') AS kept JOIN folds ON kept.fold = folds.fold \
             AND kept.out_of_sample = folds.out_of_sample",
            place.join("tables/folds.parquet").display()
        ));
        assert_eq!(same, json!([[3]]));

        let model = &run["models"][0];
        assert_eq!(
            (&model["name"], &model["table"]),
            (&json!("model"), &json!("model"))
        );
        let onnx = std::fs::read(place.join(model["onnx"].as_str().unwrap())).unwrap();
        assert!(!onnx.is_empty());
        let example =
            std::fs::read_to_string(place.join(model["example"].as_str().unwrap())).unwrap();
        let example: Json = serde_json::from_str(&example).unwrap();
        assert_eq!(example["columns"], json!(["a", "b"]));
        assert_eq!(example["data"].as_array().unwrap().len(), 5);
        let dataset = &run["datasets"][0];
        assert_eq!(
            (&dataset["name"], &dataset["rows"]),
            (&json!("samples"), &json!(300))
        );
    }
}

#[test]
fn a_run_that_the_check_refuses_is_recorded() {
    let script = "CREATE TABLE t AS SELECT i, i * 2.0 AS close FROM range(50) r(i);
        CREATE TABLE x AS SELECT i, lead(close) OVER (ORDER BY i) AS next, close AS y FROM t;
        CREATE TABLE m AS SELECT fit(y, {'next': next}) AS model FROM x;";
    let project = Project::with_script(script);
    let server = FakeMlflow::start();
    let uri = server.uri();
    let variables = [("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()), QUICK];
    let refused = project.lagrange(&["run", "script.sql"], &variables);
    refused.fails(1, &["the script sees the future"]);
    let run = run_json(&project);
    assert_eq!(run["status"], "FAILED");
    assert_eq!(run["steps"], json!([]));
    assert!(run["guard"]["report"].to_string().contains("LA0"), "{run}");
    assert!(run["error"].to_string().contains("sees the future"));
    let holds = server.holds();
    assert_eq!(holds["runs"][0]["status"], "FAILED", "{holds:#}");
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let project = Project::with_script(SCRIPT);
    let none = project.lagrange(&["runs", "list"], &[]).success();
    assert!(none.stdout.contains("there are no runs"), "{}", none.stdout);
    project
        .lagrange(&["runs", "show"], &[])
        .fails(2, &["there are no runs", "lagrange run SCRIPT"]);
    for alpha in ["alpha=2", "alpha=50"] {
        project
            .lagrange(&["run", "script.sql", "--set", alpha], &[NOBODY])
            .success();
    }
    let list = project
        .lagrange(&["runs", "list", "--output", "json"], &[])
        .success()
        .json();
    let ids: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(list[0]["tracked"], false);
    let text = project.lagrange(&["runs", "list"], &[]).success().stdout;
    assert!(text.lines().next().unwrap().starts_with("RUN "), "{text}");
    assert!(text.contains("finished"), "{text}");
    let failed = project
        .lagrange(&["runs", "list", "--status", "failed"], &[])
        .success();
    assert!(failed.stdout.contains("no run fits"), "{}", failed.stdout);

    let shown = project.lagrange(&["runs", "show"], &[]).success().stdout;
    for part in [
        "parameters",
        "alpha",
        "50",
        "create table model",
        "evaluation/rmse",
        "result tables",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    // A part of the id is enough.
    let tail = &ids[0][ids[0].len() - 6..];
    project.lagrange(&["runs", "show", tail], &[]).success();
    project
        .lagrange(&["runs", "show", "20"], &[])
        .fails(2, &["fits 2 runs"]);
    project
        .lagrange(&["runs", "show", "nothing"], &[])
        .fails(2, &["there is no run 'nothing'"]);

    let compared = project
        .lagrange(&["runs", "compare", ids[1], ids[0]], &[])
        .success()
        .stdout;
    assert!(compared.contains("alpha"), "{compared}");
    let compared = project
        .lagrange(
            &["runs", "compare", ids[1], "latest", "--output", "json"],
            &[],
        )
        .success()
        .json();
    let alpha = compared["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["name"] == "alpha")
        .unwrap();
    assert_eq!(alpha["values"], json!({ids[1]: "2", ids[0]: "50"}));
    // Both had the same folds.
    assert!(!compared.to_string().contains("folds/out_of_sample"));
}

#[test]
fn a_tracked_run_is_on_the_server() {
    let server = FakeMlflow::start();
    let project = Project::with_script(SCRIPT);
    let uri = server.uri();
    let variables = [("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()), QUICK];
    let arguments = ["run", "script.sql", "--require-tracking"];
    // What goes better the next time is tried again.
    server.fail(0, Fault::Status(429, Some(0)));
    server.fail(2, Fault::Status(503, None));
    server.fail(4, Fault::AnswerLost);
    server.fail(9, Fault::Dropped);
    let ran = project.lagrange(&arguments, &variables).success();
    assert!(
        ran.stderr.contains("tracked at http://127.0.0.1"),
        "{}",
        ran.stderr
    );
    let holds = server.holds();
    let runs = holds["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4, "the run and three trials: {holds:#}");
    let parent = runs
        .iter()
        .find(|run| run["tags"]["lagrange.engine"] == "duckdb")
        .unwrap();
    assert_eq!(parent["status"], "FINISHED");
    assert_eq!(parent["params"], json!({"alpha": "1"}));
    assert_eq!(parent["tags"]["mlflow.source.name"], "script.sql");
    assert_eq!(parent["datasets"].as_array().unwrap().len(), 1);
    let run = run_json(&project);
    // Every metric of the record is there, and rows and seconds of the steps.
    let count = run["metrics"].as_array().unwrap().len() + 14;
    let held = parent["metrics"].as_array().unwrap().len();
    assert!(held >= count, "{held} of {count}");
    let child = runs
        .iter()
        .find(|run| run["params"] == json!({"alpha": "10"}))
        .unwrap();
    assert_eq!(child["tags"]["mlflow.parentRunId"], parent["run"]);
    assert_eq!(child["status"], "FINISHED");
    assert_eq!(holds["models"][0]["ready"], true);
    assert_eq!(holds["aliases"], json!([["model", "champion", "1"]]));
    let files = holds["files"].to_string();
    for file in [
        "config.yaml",
        "run.json",
        "report.html",
        "scripts/01-script.sql",
        "tables/folds.csv",
        "tables/folds.parquet",
        "plots/01-",
        "MLmodel",
        "model.onnx",
        "model.bin",
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        "input_example.json",
    ] {
        assert!(files.contains(file), "no {file} in {files}");
    }
    let list = project
        .lagrange(&["runs", "list", "--output", "json"], &[])
        .success()
        .json();
    assert_eq!(list[0]["tracked"], true);

    // The same model again is the champion still; another one challenges it.
    project.lagrange(&arguments, &variables).success();
    assert_eq!(
        server.holds()["aliases"],
        json!([["model", "champion", "2"]])
    );
    let other = [&arguments[..], &["--set", "alpha=50"]].concat();
    project.lagrange(&other, &variables).success();
    assert_eq!(
        server.holds()["aliases"],
        json!([["model", "challenger", "3"], ["model", "champion", "2"]])
    );
    // The server hears what the registry decides.
    let models = |verbs: &[&str]| {
        let all = [&["models"][..], verbs].concat();
        let told = project.lagrange(&all, &variables).success();
        assert!(!told.stderr.contains("notice"), "{}", told.stderr);
    };
    models(&["promote", "model", "2"]);
    assert_eq!(
        server.holds()["aliases"],
        json!([["model", "challenger", "3"], ["model", "champion", "3"]])
    );
    models(&["rollback", "model"]);
    models(&["delete", "model", "2", "--force"]);
    assert_eq!(
        server.holds()["aliases"],
        json!([["model", "champion", "2"]])
    );
    // A server that is away does not stop a promotion.
    let away = project.lagrange(&["models", "promote", "model", "1"], &[NOBODY]);
    let away = away.success();
    assert!(
        away.stderr
            .contains("the tracking server has not heard of it"),
        "{}",
        away.stderr
    );
    let before = server.requests();
    let synced = project.lagrange(&["runs", "sync"], &variables).success();
    assert!(
        synced.stdout.contains("the server has all runs"),
        "{}",
        synced.stdout
    );
    assert_eq!(server.requests(), before, "nothing is left to say");
}

#[test]
fn an_upload_that_stops_anywhere_goes_on_and_doubles_nothing() {
    let project = Project::with_script(SCRIPT);
    project
        .lagrange(&["run", "script.sql"], &[NOBODY])
        .success();
    let journal = folder(&project).join("mlflow.jsonl");
    let sync = |server: &FakeMlflow, retries: &str| {
        let uri = server.uri();
        let variables = [
            ("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()),
            ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries),
            QUICK,
        ];
        project.lagrange(&["runs", "sync"], &variables)
    };
    let whole = FakeMlflow::start();
    sync(&whole, "0").success();
    let expected = whole.holds();
    let calls = whole.requests();
    assert!(calls > 40, "{calls}");
    for number in 0..calls {
        for fault in [Fault::AnswerLost, Fault::Dropped] {
            // The one after which most can go wrong at every call, the other at some.
            if fault == Fault::Dropped && number % 5 != 0 {
                continue;
            }
            std::fs::remove_file(&journal).unwrap();
            let server = FakeMlflow::start();
            server.fail(number, fault);
            server.leave_after(number + 1);
            sync(&server, "0").fails(1, &["lagrange runs sync goes on from there"]);
            server.come_back();
            sync(&server, "0").success();
            assert_eq!(server.holds(), expected, "{fault:?} at call {number}");
        }
    }
    // A journal that is lost costs calls, and nothing else.
    std::fs::remove_file(&journal).unwrap();
    sync(&whole, "0").success();
    assert_eq!(whole.holds(), expected);
}

#[test]
fn a_server_that_goes_away_stops_no_run() {
    let server = FakeMlflow::start();
    let project = Project::with_script(SCRIPT);
    let uri = server.uri();
    let variables = [
        ("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"),
        QUICK,
    ];
    server.leave_after(8);
    let ran = project
        .lagrange(&["run", "script.sql"], &variables)
        .success();
    assert!(ran.stderr.contains("lagrange runs sync"), "{}", ran.stderr);
    server.come_back();
    let synced = project.lagrange(&["runs", "sync"], &variables).success();
    assert!(
        synced.stdout.contains("/#/experiments/0/runs/"),
        "{}",
        synced.stdout
    );
    let holds = server.holds();
    assert_eq!(holds["runs"].as_array().unwrap().len(), 4);
    assert_eq!(holds["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn runs_that_fail_or_are_killed_are_told() {
    let server = FakeMlflow::start();
    let uri = server.uri();
    let variables = [("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()), QUICK];
    let project = Project::with_script("CREATE TABLE t AS SELECT 1 AS a; SELECT nowhere FROM t;");
    project
        .lagrange(&["run", "script.sql"], &variables)
        .fails(1, &["nowhere"]);
    let run = run_json(&project);
    assert_eq!(run["status"], "FAILED");
    assert!(
        run["error"]["message"]
            .as_str()
            .unwrap()
            .contains("step 2/2"),
        "{run}"
    );
    assert_eq!(server.holds()["runs"][0]["status"], "FAILED");

    let project = Project::with_script(
        "CREATE TABLE t AS SELECT 1 AS a;
         SELECT sum(a.i * b.i % 7) AS s FROM range(10000000) a(i) CROSS JOIN range(10000000) b(i);",
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_lagrange"))
        .args(["run", "script.sql"])
        .current_dir(project.path(""))
        .env("LAGRANGE_MLFLOW__TRACKING_URI", "http://127.0.0.1:1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let list = || {
        project
            .lagrange(&["runs", "list", "--output", "json"], &[])
            .success()
            .json()
    };
    let begun = Instant::now();
    while list()[0]["steps"] != 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", list());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(list()[0]["status"], "RUNNING");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(list()[0]["status"], "KILLED");
    let server = FakeMlflow::start();
    let uri = server.uri();
    let variables = [("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()), QUICK];
    project.lagrange(&["runs", "sync"], &variables).success();
    assert_eq!(server.holds()["runs"][0]["status"], "KILLED");
}

#[test]
fn secrets_are_nowhere() {
    let server = FakeMlflow::start();
    let project = Project::with_script(
        "DECLARE api_token STRING DEFAULT 'sesame-of-script';
         DECLARE source STRING DEFAULT 's3://name:sesame-of-uri@bucket/x';
         CREATE TABLE t AS SELECT length($api_token) AS a, length($source) AS b, 1.0 AS rmse, 2.0 AS ic, 'x' AS label;
         SELECT nowhere FROM t WHERE label = $api_token;",
    );
    let uri = server
        .uri()
        .replace("http://", "http://me:sesame-of-address@");
    let variables = [
        ("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str()),
        ("MLFLOW_TRACKING_USERNAME", "analyst"),
        ("MLFLOW_TRACKING_PASSWORD", "sesame-of-server"),
        QUICK,
    ];
    let run = project.lagrange(&["run", "script.sql"], &variables);
    assert_eq!(run.code, Some(1));
    // Base64 of analyst:sesame-of-server.
    let login = "Basic YW5hbHlzdDpzZXNhbWUtb2Ytc2VydmVy".to_owned();
    assert_eq!(server.logins().into_iter().collect::<Vec<_>>(), [login]);
    let secret = |text: &str| text.contains("sesame");
    assert!(!secret(&server.said()), "{}", server.said());
    let shown = project.lagrange(&["runs", "show"], &[]).success().stdout;
    assert!(shown.contains("***") && !secret(&shown), "{shown}");
    let mut folders = vec![project.path("artifacts")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let bytes = std::fs::read(&path).unwrap();
                assert!(
                    !secret(&String::from_utf8_lossy(&bytes)),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(files > 5, "{files}");
    // Nor where the server cannot be reached.
    let variables = [(
        "LAGRANGE_MLFLOW__TRACKING_URI",
        "http://me:sesame@127.0.0.1:1",
    )];
    let run = project.lagrange(&["runs", "sync"], &variables);
    run.fails(1, &["http://127.0.0.1:1 cannot be reached"]);
    let token = [
        ("LAGRANGE_MLFLOW__TRACKING_URI", server.uri()),
        ("MLFLOW_TRACKING_TOKEN", "t0ken".to_owned()),
    ];
    let token: Vec<(&str, &str)> = token
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    project.lagrange(&["run", "script.sql"], &token);
    assert!(server.logins().contains("Bearer t0ken"));
}

#[test]
fn a_report_is_one_page_without_network() {
    let project = Project::with_script(SCRIPT);
    project
        .lagrange(&["run", "script.sql"], &[NOBODY])
        .success();
    let told = project
        .lagrange(&["report", "--html", "out/report.html"], &[])
        .success();
    assert!(
        told.stdout.contains("out/report.html written"),
        "{}",
        told.stdout
    );
    let page = std::fs::read_to_string(project.path("out/report.html")).unwrap();
    let elements = [
        "<!doctype html>",
        "lang=\"en\"",
        "prefers-color-scheme:dark",
        "name=\"viewport\"",
    ];
    for part in elements {
        assert!(page.contains(part), "no {part}");
    }
    for none in [
        "<script",
        "<link rel=\"stylesheet\"",
        "src=\"",
        "url(",
        "@import",
    ] {
        assert!(!page.contains(none), "{none}");
    }
    // Addresses are names of formats, and nothing to load.
    let links = page.matches("http").count();
    assert_eq!(
        links,
        page.matches("http://www.w3.org/2000/svg").count()
            + page.matches("http-equiv").count()
            + page.matches("http://127.0.0.1:1").count()
    );
    for id in [
        "check",
        "metrics",
        "folds",
        "importance",
        "correlation",
        "trials",
        "models",
        "data",
        "steps",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "no {id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "no link to {id}");
    }
    for id in ["stability", "calibration", "backtest", "selection"] {
        assert!(
            !page.contains(&format!("<section id=\"{id}\"")),
            "{id} has no data"
        );
    }
    let figures = page.matches("<figure>").count();
    assert_eq!(figures, 5, "folds, two importances, correlation, trials");
    assert_eq!(page.matches("role=\"img\"").count(), figures);
    assert_eq!(page.matches("<desc ").count(), figures);
    assert_eq!(page.matches("The same as a table").count(), figures);
    // Every tag that opens closes.
    for tag in [
        "section", "figure", "svg", "table", "details", "div", "ul", "pre", "main", "nav",
    ] {
        let open =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    project
        .lagrange(&["report", "nothing", "--html", "x.html"], &[])
        .fails(2, &["there is no run"]);
}
