//! Exports of BigQuery tables, against a server that is as strict as the real one.

use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value as Json, json};

use crate::fake_google::bigquery::{Array, table};
use crate::fake_google::{FakeGoogle, Fault};
use crate::project::Project;

const FOLDER: &str = "trading/artifacts/exports/ml_training/features/20260131-123456-789";

fn batch(from: i64, count: i64) -> RecordBatch {
    let ids: Vec<i64> = (from..from + count).collect();
    let values: Vec<f64> = ids.iter().map(|id| *id as f64 / 2.0).collect();
    let texts: Vec<String> = ids.iter().map(|id| format!("{{\"n\":{id}}}")).collect();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as Array),
        ("value", Arc::new(Float64Array::from(values)) as Array),
        ("about", Arc::new(StringArray::from(texts)) as Array),
    ])
    .unwrap()
}

fn schema() -> Json {
    json!([
        { "name": "id", "type": "INTEGER", "mode": "REQUIRED" },
        { "name": "value", "type": "FLOAT", "mode": "NULLABLE" },
        { "name": "about", "type": "JSON" },
    ])
}

/// A server with a table `features` of two shards.
fn server() -> (FakeGoogle, Project) {
    let server = FakeGoogle::start();
    let features = table(schema(), &[batch(0, 3), batch(3, 2)]);
    let name = "development.ml_training.features".to_owned();
    server.state().bigquery.tables.insert(name, features);
    let project = server.project();
    (server, project)
}

fn manifest(server: &FakeGoogle) -> Json {
    let bytes = server.gcs.get(&format!("{FOLDER}/manifest.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn started(server: &FakeGoogle) -> usize {
    server.state().bigquery.started.len()
}

#[test]
fn an_export_is_a_job_some_files_and_a_manifest() {
    let (server, project) = server();
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    let run = run.success();
    assert_eq!(
        run.stdout.trim(),
        format!(
            "development.ml_training.features exported: 5 rows, 2 files, {} in gs://{FOLDER}",
            run.stdout
                .split(", ")
                .nth(2)
                .unwrap()
                .split(" in gs")
                .next()
                .unwrap()
        )
    );
    assert!(
        run.stderr.contains("reads 1.2 GB, about 0.01 USD"),
        "{}",
        run.stderr
    );
    let manifest = manifest(&server);
    assert_eq!(manifest["rows"], 5);
    assert_eq!(manifest["dataset"], "ml_training");
    assert_eq!(manifest["snapshot"], "20260131-123456-789");
    assert_eq!(manifest["modified"], "2026-01-31T12:34:56.789Z");
    assert_eq!(manifest["bytes_processed"], 1_234_567_890);
    assert_eq!(
        manifest["schema"],
        json!([
            { "name": "id", "type": "INT64", "required": true },
            { "name": "value", "type": "FLOAT64" },
            { "name": "about", "type": "JSON", "as_text": true },
        ])
    );
    let shards = manifest["shards"].as_array().unwrap();
    assert_eq!(shards.len(), 2);
    for (shard, rows) in shards.iter().zip([3, 2]) {
        let name = shard["name"].as_str().unwrap();
        let bytes = server.gcs.get(&format!("{FOLDER}/{name}")).unwrap();
        assert_eq!(shard["size"], bytes.len());
        assert_eq!(shard["sha256"], sha256(&bytes));
        assert_eq!(shard["rows"], rows);
    }
    let job = server.state().bigquery.started[0].clone();
    let statement = job["configuration"]["query"]["query"].as_str().unwrap();
    assert!(statement.contains("compression = 'ZSTD'"), "{statement}");
    assert!(
        statement.contains("IF(`about` IS NULL, NULL, TO_JSON_STRING(`about`)) AS `about`"),
        "{statement}"
    );
    assert_eq!(server.mistakes(), [""; 0]);

    // A table that has not changed is exported once.
    let again = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    assert!(
        again
            .success()
            .stdout
            .contains("was exported before: 5 rows")
    );
    assert_eq!(started(&server), 1);
    // One that has is exported again, beside it.
    let name = "development.ml_training.features";
    server
        .state()
        .bigquery
        .tables
        .get_mut(name)
        .unwrap()
        .modified += 1000;
    let third = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    assert!(third.success().stdout.contains("/20260131-123457-789"));
    assert_eq!(started(&server), 2);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let (server, project) = server();
    let arguments = [
        "export",
        "features",
        "--env",
        "dev",
        "--where",
        "id > 1",
        "--format",
        "csv",
        "--dry-run",
    ];
    let run = server.lagrange(&project, &arguments).success();
    for part in [
        "development.ml_training.features",
        "features-*.csv.gz",
        "reads 1.2 GB",
        "WHERE (\n    id > 1\n    )",
        "format = 'CSV'",
        "header = true",
    ] {
        assert!(run.stdout.contains(part), "no '{part}' in:\n{}", run.stdout);
    }
    assert_eq!(started(&server), 0);
    assert_eq!(server.gcs.names(), [""; 0]);
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn every_fault_is_survived_or_named() {
    // Whatever goes wrong on the way, the export is the same.
    let requests = {
        let (server, project) = server();
        server
            .lagrange(&project, &["export", "features", "--env", "dev"])
            .success();
        server.requests()
    };
    assert!(requests >= 5, "{requests}");
    let faults = [
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Dropped,
        Fault::AnswerLost,
        Fault::Cut,
        Fault::Slow,
        Fault::Expired,
    ];
    for (i, fault) in faults.into_iter().enumerate() {
        let (server, project) = server();
        // Two requests of each export go wrong.
        server.fail(i % requests, fault);
        // A token that is new is accepted.
        if fault != Fault::Expired {
            server.fail((i + 3) % (requests - 1) + 1, fault);
        }
        let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
        run.success();
        assert_eq!(server.faults_left(), 0, "{fault:?}");
        assert_eq!(started(&server), 1, "{fault:?}");
        assert_eq!(manifest(&server)["rows"], 5, "{fault:?}");
        assert_eq!(server.mistakes(), [""; 0], "{fault:?}");
    }
}

#[test]
fn a_service_that_stays_away_is_an_error_that_says_so() {
    let (server, project) = server();
    for number in 0..40 {
        server.fail(number, Fault::Status(503));
    }
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.fails(
        1,
        &["the service is busy or broken (503)", "a bad day", "hint:"],
    );
    assert_eq!(server.gcs.names(), [""; 0]);
}

#[test]
fn a_login_that_is_not_accepted_is_renewed_once() {
    let (server, project) = server();
    for number in 0..9 {
        server.fail(number, Fault::Status(401));
    }
    let export = ["export", "features", "--env", "dev"];
    let run = server.lagrange(&project, &export);
    run.fails(1, &["the login is not accepted (401)", "gcloud auth"]);
    assert_eq!(server.requests(), 2);
    // What is no login is said before anything is asked.
    for (text, what) in [
        ("{\"type\": \"robot\"}", "they are of type robot"),
        ("{\"type\": \"authorized_user\"}", "client_id"),
        ("{", "cannot read the credentials"),
    ] {
        project.file("user.json", text);
        let run = server.lagrange(&project, &export);
        run.fails(2, &["user.json", what, "gcloud auth"]);
    }
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_job_that_fails_is_an_error_or_is_started_again() {
    let (server, project) = server();
    let message = "Access Denied: bucket trading";
    server.state().bigquery.fail_job("accessDenied", message);
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.fails(
        1,
        &[
            "the export failed in BigQuery: accessDenied",
            message,
            "roles",
        ],
    );
    assert_eq!(server.gcs.names(), [""; 0]);
    // The same command begins anew, although the id of the job is taken.
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.success();
    assert_eq!(started(&server), 2);

    // What may pass is tried again by itself.
    let (server, project) = self::server();
    server
        .state()
        .bigquery
        .fail_job("backendError", "try later");
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    assert!(run.success().stderr.contains("which may pass: again"));
    assert_eq!(started(&server), 2);
    let ids: Vec<String> = server
        .state()
        .bigquery
        .started
        .iter()
        .map(|job| job["jobReference"]["jobId"].as_str().unwrap().to_owned())
        .collect();
    assert!(ids[0].ends_with("_0") && ids[1].ends_with("_1"), "{ids:?}");
    assert_eq!(ids[0].trim_end_matches("_0"), ids[1].trim_end_matches("_1"));
}

#[test]
fn what_a_person_gets_wrong_is_said_before_anything_is_paid() {
    let (server, project) = server();
    let export = |arguments: &[&str]| {
        let mut all = vec!["export", "--env", "dev"];
        all.extend(arguments);
        server.lagrange(&project, &all)
    };
    export(&["prices"]).fails(1, &["it is not there (404)", "prices"]);
    export(&["features", "--where", "no_such_column > 1"])
        .fails(1, &["cannot plan the query", "Unrecognized name"]);
    export(&["a.b.c.d"]).fails(2, &["not the name of a table"]);
    export(&["features", "--snapshot", "a/b"]).fails(2, &["not a name for a snapshot"]);
    export(&["features", "--format", "csv", "--compression", "zstd"])
        .fails(2, &["CSV is not compressed with zstd", "gzip"]);
    let local = server.lagrange(&project, &["export", "features"]);
    local.fails(2, &["not in BigQuery", "--env dev"]);
    assert_eq!(started(&server), 0);

    // A name is one export.
    export(&["features", "--snapshot", "s1"]).success();
    export(&["features", "--snapshot", "s1", "--where", "id > 1"])
        .fails(2, &["another export s1", "--snapshot"]);
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn files_that_are_not_what_the_job_wrote_are_found() {
    // A shard that has gone between the job and the manifest.
    let (server, project) = server();
    {
        let mut state = server.state();
        let name = "development.ml_training.features";
        let table = state.bigquery.tables.get_mut(name).unwrap();
        table.rows = 6;
    }
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.fails(1, &["the job has written 6 rows", "its files have 5"]);
    let manifests = server.gcs.names();
    assert!(!manifests.iter().any(|name| name.ends_with("manifest.json")));

    // A shard that is no file of Parquet.
    let (server, project) = self::server();
    {
        let mut state = server.state();
        let name = "development.ml_training.features";
        let table = state.bigquery.tables.get_mut(name).unwrap();
        table.shards[1].truncate(100);
    }
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.fails(
        1,
        &["features-000000000001.parquet is not a readable Parquet file"],
    );

    // A column of another type.
    let (server, project) = self::server();
    {
        let mut state = server.state();
        let name = "development.ml_training.features";
        let table = state.bigquery.tables.get_mut(name).unwrap();
        table.schema[1]["type"] = json!("INTEGER");
    }
    let run = server.lagrange(&project, &["export", "features", "--env", "dev"]);
    run.fails(1, &["column 'value' is Float64 and not INT64"]);
}

#[test]
fn the_other_forms_and_an_empty_table() {
    let (server, project) = server();
    for (format, file) in [
        ("avro", "features-000000000000.avro"),
        ("csv", "features-000000000000.csv.gz"),
        ("json", "features-000000000000.json.gz"),
    ] {
        let arguments = ["export", "features", "--env", "dev", "--format", format];
        let run = server.lagrange(&project, &arguments).success();
        assert!(
            run.stdout.contains("only if it is asked to"),
            "{}",
            run.stdout
        );
        let names = server.gcs.names();
        assert!(names.iter().any(|name| name.ends_with(file)), "{names:?}");
    }
    let empty = table(schema(), &[]);
    let name = "development.ml_training.nothing".to_owned();
    server.state().bigquery.tables.insert(name, empty);
    let run = server.lagrange(&project, &["export", "nothing", "--env", "dev"]);
    assert!(run.success().stdout.contains("it has no rows"));
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn the_doctor_asks_every_service() {
    let (server, project) = server();
    let run = server.lagrange(&project, &["doctor", "--env", "dev"]);
    let text = &run.stdout;
    for part in [
        "ok    bigquery       development.ml_training in EU",
        "ok    jobs           development may start queries",
        "warn  exports        none of ml_training",
        "ok    vertex         development in europe-west4",
    ] {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn another_provider_of_identities_may_vouch_for_us() {
    let (server, project) = server();
    let proof = project.path("proof.json").display().to_string();
    project.file("proof.json", "{\"value\": \"proof\"}");
    project.file("federated.json", &server.federated(&proof));
    let export = || {
        let mut command = project.command(&["export", "features", "--env", "dev"]);
        command.envs(server.variables(&project));
        command.env_remove("GOOGLE_SERVICE_ACCOUNT");
        command.env("GOOGLE_BASE_URL", server.gcs.address());
        command.env(
            "GOOGLE_APPLICATION_CREDENTIALS",
            project.path("federated.json"),
        );
        command.output().unwrap()
    };
    let ended = export();
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    assert_eq!(manifest(&server)["rows"], 5);
    // The same account reads the bucket.
    let login = server.gcs.login().unwrap_or_default();
    assert!(login.starts_with("Bearer token-"), "{login}");
    project.file("proof.json", "{\"value\": \"of somebody else\"}");
    let ended = export();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(text.contains("subject_token"), "{text}");
    assert_eq!(server.mistakes(), [""; 0]);
}
