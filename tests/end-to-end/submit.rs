//! Jobs of Vertex AI, against a server that is as strict as the real one.

use serde_json::{Value as Json, json};

use crate::fake_google::{FakeGoogle, Fault};
use crate::project::{Project, Run};

fn server() -> (FakeGoogle, Project) {
    let server = FakeGoogle::start();
    let project = server.project();
    project.file(
        "sql/train.sql",
        "DECLARE horizon INT64 DEFAULT 5; INCLUDE 'part.sql'; SELECT $horizon AS h FROM features;",
    );
    project.file(
        "sql/part.sql",
        "CREATE TABLE t AS SELECT 1 AS a FROM features;",
    );
    (server, project)
}

fn submit(server: &FakeGoogle, project: &Project, more: &[&str]) -> Run {
    let mut arguments = vec!["submit", "sql/train.sql", "--env", "dev"];
    arguments.extend(more);
    server.lagrange(project, &arguments)
}

#[test]
fn a_dry_run_prints_the_request_that_is_sent() {
    let (server, project) = server();
    let arguments = ["--set", "horizon=10", "--spot", "--timeout", "4h"];
    let mut dry = arguments.to_vec();
    dry.extend(["--dry-run", "--output", "json"]);
    let planned = submit(&server, &project, &dry).success().json();
    assert_eq!(server.state().vertex.created.len(), 0);
    assert_eq!(server.gcs.names(), [""; 0]);
    assert_eq!(
        planned["files"],
        json!(["config/job.yaml", "sql/part.sql", "sql/train.sql"])
    );
    submit(&server, &project, &arguments).success();
    let mut sent = server.state().vertex.created[0].clone();
    let mut planned_request = planned["request"].clone();
    // The moment is in them.
    for request in [&mut sent, &mut planned_request] {
        request["displayName"] = Json::Null;
        request["labels"]["lagrange-submission"] = Json::Null;
    }
    assert_eq!(sent, planned_request);
    let bundle = planned["bundle"].as_str().unwrap();
    let expected = json!({
        "displayName": null,
        "jobSpec": {
            "workerPoolSpecs": [{
                "machineSpec": { "machineType": "n2-highmem-2" },
                "replicaCount": "1",
                "containerSpec": {
                    "imageUri": "europe-docker.pkg.dev/development/ml/lagrange:1.0",
                    "args": ["run", "--bundle", bundle, "sql/train.sql",
                             "--config", "config/job.yaml", "--set", "horizon=10"],
                    "env": [{ "name": "NO_COLOR", "value": "1" }],
                },
            }],
            "scheduling": {
                "timeout": "14400s",
                // SPOT
                "strategy": 4,
                "restartJobOnWorkerRestart": true,
            },
            "baseOutputDirectory": { "outputUriPrefix": "gs://trading/artifacts/jobs" },
        },
        "labels": {
            "environment": "development",
            "script": "train",
            "tool": "lagrange",
            "lagrange-submission": null,
        },
    });
    assert_eq!(sent, expected);
    assert_eq!(server.mistakes(), [""; 0]);
    // The bundle is there under its checksum, and a container could run it.
    let folder = tempfile::tempdir().unwrap();
    let mut container = project.command(&[
        "run",
        "--bundle",
        bundle,
        "sql/train.sql",
        "--config",
        "config/job.yaml",
    ]);
    let run = container
        .current_dir(folder.path())
        .envs(server.variables(&project))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        text.contains("no complete export of development.ml_training.features"),
        "{text}"
    );
    assert!(folder.path().join("sql/part.sql").is_file());
}

#[test]
fn waiting_follows_the_log_and_ends_as_the_job_does() {
    let (server, project) = server();
    server.state().vertex.log = vec!["[1/2] create table t".into(), "done".into()];
    server.state().vertex.states = vec![
        "JOB_STATE_QUEUED",
        "JOB_STATE_RUNNING",
        "JOB_STATE_SUCCEEDED",
    ];
    let run = submit(&server, &project, &["--wait"]).success();
    for part in [
        "is queued",
        "is running",
        "is succeeded",
        "| [1/2] create table t",
        "| done",
    ] {
        assert!(run.stderr.contains(part), "no '{part}' in:\n{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("create table t").count(), 1);
    assert_eq!(run.stdout.trim(), "job 1001 succeeded");

    server.state().vertex.states = vec!["JOB_STATE_RUNNING", "JOB_STATE_FAILED"];
    server.state().vertex.error = Some("The replica exited with status 1.".into());
    submit(&server, &project, &["--wait"]).fails(
        1,
        &[
            "job 1002 failed",
            "exited with status 1",
            "its log: https://",
        ],
    );
    server.state().vertex.states = vec!["JOB_STATE_CANCELLED"];
    submit(&server, &project, &["--wait"]).fails(1, &["job 1003 cancelled"]);
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn a_job_starts_once_whatever_happens() {
    for fault in [
        Fault::Status(503),
        Fault::Status(429),
        Fault::Dropped,
        Fault::AnswerLost,
        Fault::Cut,
        Fault::Slow,
        Fault::Expired,
    ] {
        let (server, project) = server();
        server.fail(0, fault);
        submit(&server, &project, &[]).success();
        assert_eq!(server.state().vertex.created.len(), 1, "{fault:?}");
        assert_eq!(server.mistakes(), [""; 0]);
    }
    let (server, project) = server();
    server.fail(0, Fault::Status(403));
    submit(&server, &project, &[]).fails(1, &["cannot start the job", "not allowed (403)"]);
}

#[test]
fn jobs_are_listed_page_by_page_shown_and_cancelled() {
    let (server, project) = server();
    for _ in 0..5 {
        server.state().vertex.states = vec!["JOB_STATE_RUNNING"];
        submit(&server, &project, &[]).success();
    }
    let jobs = |arguments: &[&str]| {
        let mut all = vec!["jobs"];
        all.extend(arguments);
        all.extend(["--env", "dev"]);
        server.lagrange(&project, &all)
    };
    let text = jobs(&["list"]).success().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert!(lines[2].starts_with("1005"), "{text}");
    let few = jobs(&["list", "--limit", "3", "--output", "json"]);
    assert_eq!(few.success().json()["jobs"].as_array().unwrap().len(), 3);
    let text = jobs(&["show", "1002"]).success().stdout;
    for part in [
        "job      1002",
        "machine  n2-highmem-2",
        "runs     run --bundle gs://",
    ] {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
    let text = jobs(&["cancel", "1002"]).success().stdout;
    assert!(text.contains("it is cancelled"), "{text}");
    let text = jobs(&["cancel", "1002"]).success().stdout;
    assert!(text.contains("was over: cancelled"), "{text}");
    jobs(&["show", "77"]).fails(1, &["cannot look at job 77", "404"]);
    jobs(&["show", "last"]).fails(2, &["'last' is not a job"]);
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn what_cannot_run_there_is_refused_here() {
    let (server, project) = server();
    let refused = |script: &str, parts: &[&str]| {
        project.file("sql/other.sql", script);
        let arguments = ["submit", "sql/other.sql", "--env", "dev"];
        let run = server.lagrange(&project, &arguments);
        assert_ne!(run.code, Some(0));
        for part in parts {
            assert!(run.stderr.contains(part), "no '{part}' in:\n{}", run.stderr);
        }
    };
    refused(
        "CREATE TABLE t AS SELECT * FROM read_table('prices.csv')",
        &["reads prices.csv, a file that the job does not have"],
    );
    refused("SELECT $nothing FROM features", &["nothing"]);
    submit(&server, &project, &["--replicas", "2"]).fails(2, &["--replicas needs vertex.nfs"]);
    let absolute = project.path("sql/train.sql").display().to_string();
    server
        .lagrange(&project, &["submit", &absolute, "--env", "dev"])
        .fails(2, &["not in the working directory"]);
    assert_eq!(server.state().vertex.created.len(), 0);
}

#[test]
fn several_machines_are_one_cluster() {
    let (server, project) = server();
    let several = |extra: &str| {
        let dev = std::fs::read_to_string(project.path("config/dev.yaml")).unwrap();
        let text = dev.replace("vertex:\n", &format!("vertex:\n{extra}\n"));
        project.file("config/several.yaml", &text);
        let arguments = ["submit", "sql/train.sql", "--env", "several"];
        server.lagrange(&project, &[&arguments[..], &["--replicas", "3"]].concat())
    };
    several("  nfs: 10.0.0.2:/share").fails(2, &["--replicas needs vertex.network"]);
    several("  nfs: share\n  network: n").fails(2, &["'vertex.nfs' is 'share'", "SERVER:/PATH"]);
    several("  nfs: 10.0.0.2:/share\n  network: projects/1/global/networks/n").success();
    let created = server.state().vertex.created.clone();
    let [job] = created.as_slice() else {
        panic!("{created:?}");
    };
    let pools = &job["jobSpec"]["workerPoolSpecs"];
    let mounts = json!([{ "server": "10.0.0.2", "path": "/share", "mountPoint": "lagrange" }]);
    for (pool, count) in [(0, "1"), (1, "2")] {
        assert_eq!(pools[pool]["replicaCount"], count);
        assert_eq!(pools[pool]["nfsMounts"], mounts);
    }
    let told = |pool: usize| {
        let arguments = pools[pool]["containerSpec"]["args"].as_array().unwrap();
        let words: Vec<&str> = arguments.iter().filter_map(Json::as_str).collect();
        words.join(" ")
    };
    let id = job["labels"]["lagrange-submission"].as_str().unwrap();
    let first = told(0);
    assert!(first.starts_with("run --bundle gs://"), "{first}");
    let end = format!(" --replicas 3 --database /mnt/nfs/lagrange/{id}");
    assert!(first.ends_with(&end), "{first}");
    assert_eq!(
        told(1),
        "cluster executor --vertex --cores 2 --memory-limit 2000000000 --wait 1800"
    );
    assert_eq!(server.mistakes(), [""; 0]);
}
