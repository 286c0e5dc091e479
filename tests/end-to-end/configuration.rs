//! Settings: files, variables, flags.

use serde_json::json;

use crate::fake_mlflow::FakeMlflow;
use crate::project::Project;

#[test]
fn unknown_keys_have_a_place_and_a_suggestion() {
    let project = Project::with_script("SELECT 1");
    project.file(
        "config/local.yaml",
        "environment: local\ndatabase:\n  pth: x\n",
    );
    project.run(&[]).fails(
        2,
        &[
            "config/local.yaml:3:3",
            "'database.pth'",
            "did you mean 'database.path'?",
        ],
    );
    project.file("config/local.yaml", "database: [");
    project
        .run(&[])
        .fails(2, &["config/local.yaml:", "not valid YAML"]);
    project.file(
        "config/local.yaml",
        "training:\n  resources:\n    memory_limit: lots\n",
    );
    project
        .run(&[])
        .fails(2, &["config/local.yaml:3:5", "'lots'", "512MB"]);
}

#[test]
fn variables_override_files_and_flags_override_variables() {
    let project = Project::with_script("CREATE TABLE t AS SELECT 1 AS a");
    project.file("config/local.yaml", "database:\n  path: file.duckdb\n");
    let variable = [("LAGRANGE_DATABASE__PATH", "variable.duckdb")];
    project
        .lagrange(&["run", "script.sql"], &variable)
        .success();
    assert!(project.path("variable.duckdb").exists());
    assert!(!project.path("file.duckdb").exists());
    let run = project.lagrange(
        &["run", "script.sql", "--database", "flag.duckdb"],
        &variable,
    );
    run.success();
    assert!(project.path("flag.duckdb").exists());
    let run = project.lagrange(&["run", "script.sql"], &[("LAGRANGE_DATABASE__PAHT", "x")]);
    run.fails(
        2,
        &["LAGRANGE_DATABASE__PAHT", "did you mean 'database.path'?"],
    );
}

#[test]
fn environments_are_files_in_config() {
    let project = Project::with_script("SELECT 1");
    project.file(
        "config/staging.yaml",
        "environment: staging\ndatabase:\n  path: s.duckdb\n",
    );
    project.run(&["--env", "staging"]).success();
    assert!(project.path("s.duckdb").exists());
    project
        .run(&["--env", "stagin"])
        .fails(2, &["config/stagin.yaml", "did you mean 'staging'?"]);
    project.run(&["--config", "config/staging.yaml"]).success();
    project
        .run(&["--config", "none.yaml"])
        .fails(2, &["none.yaml"]);
    project.run(&["--env", "local"]).success();
}

#[test]
fn bigquery_reads_a_downloaded_export() {
    let project = Project::with_script("SELECT 1 AS a");
    project.file("config/dev.yaml", include_str!("../../config/dev.yaml"));
    let run = project.lagrange(
        &["run", "script.sql", "--env", "dev", "--database", "export"],
        &[("LAGRANGE_STORAGE__MODEL_REGISTRY", "ftp://host/models")],
    );
    run.fails(2, &["ftp://host/models", "gs://"]);
    // A script without models does not look for the bucket.
    project
        .run(&["--env", "dev", "--database", "export"])
        .success();
    assert!(project.path("export").is_dir());
}

#[test]
fn workers_and_memory_reach_the_engines() {
    let project = Project::with_script(
        "SELECT current_setting('threads') AS n, current_setting('memory_limit') AS m",
    );
    project.file(
        "config/local.yaml",
        "training:\n  resources:\n    max_workers: 3\n    memory_limit: 512MiB\n",
    );
    let rows =
        project.run(&["--output", "json"]).success().json()["steps"][0]["result"]["rows"].clone();
    assert_eq!(rows, json!([[3, "512.0 MiB"]]));

    project.file("script.sql", "SHOW datafusion.execution.target_partitions");
    let run = project.run(&["--engine", "datafusion", "--output", "json"]);
    let rows = run.success().json()["steps"][0]["result"]["rows"].clone();
    assert_eq!(rows[0][1], "3");

    project.file(
        "script.sql",
        "CREATE TABLE t AS SELECT i, count(*) AS n FROM range(3000000) g(i) GROUP BY i ORDER BY n, i;",
    );
    let run = project.lagrange(
        &["run", "script.sql", "--engine", "datafusion"],
        &[("LAGRANGE_TRAINING__RESOURCES__MEMORY_LIMIT", "1MB")],
    );
    run.fails(1, &["training.resources.memory_limit"]);
}

#[test]
fn an_unreachable_tracking_server_is_a_notice() {
    let project = Project::with_script("SELECT 1");
    // Port 1 is served by nobody.
    let variable = [("LAGRANGE_MLFLOW__TRACKING_URI", "http://127.0.0.1:1")];
    let run = project
        .lagrange(&["run", "script.sql"], &variable)
        .success();
    assert!(
        run.stderr.contains("http://127.0.0.1:1 cannot be reached"),
        "{}",
        run.stderr
    );
    project
        .lagrange(&["run", "script.sql", "--require-tracking"], &variable)
        .fails(1, &["http://127.0.0.1:1", "--require-tracking"]);
    let server = FakeMlflow::start();
    let uri = server.uri();
    let variable = [("LAGRANGE_MLFLOW__TRACKING_URI", uri.as_str())];
    project
        .lagrange(&["run", "script.sql", "--require-tracking"], &variable)
        .success();
}

#[test]
fn settings_are_shown_with_their_origin() {
    let project = Project::new();
    project.file("config/local.yaml", "environment: mine\n");
    let variable = [("LAGRANGE_DATABASE__PATH", "b.duckdb")];
    let run = project
        .lagrange(&["config", "--output", "json"], &variable)
        .success();
    let json = run.json();
    let expected = json!({"value": "mine", "origin": "config/local.yaml:1"});
    assert_eq!(json["environment"], expected);
    assert_eq!(json["database.path"]["origin"], "$LAGRANGE_DATABASE__PATH");
    assert_eq!(
        json["storage.artifacts"],
        json!({"value": "./artifacts", "origin": "built-in"})
    );
    let run = project.lagrange(&["config"], &variable).success();
    assert!(
        run.stdout.contains("training.resources.memory_limit"),
        "{}",
        run.stdout
    );
}
