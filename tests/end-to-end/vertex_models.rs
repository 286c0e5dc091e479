//! Versions of our registry in Vertex AI's, against a server that is as strict as the
//! real one.

use serde_json::json;

use crate::fake_google::{FakeGoogle, Fault};
use crate::project::Project;

const SCRIPT: &str = "
CREATE OR REPLACE TABLE model AS
SELECT 'forward return' AS name,
       fit(i * $slope + 1, {'x': i}, {'algorithm': 'ols', 'target': 'y'}) AS model FROM range(50) r(i);
";

/// A project whose registry, in a bucket, has so many versions of a model.
fn project(server: &FakeGoogle, versions: usize) -> Project {
    let project = server.project();
    project.file("script.sql", SCRIPT);
    for slope in 1..=versions {
        let slope = format!("slope={slope}");
        let arguments = [
            "run",
            "script.sql",
            "--env",
            "dev",
            "--set",
            &slope,
            "--quiet",
        ];
        server.lagrange(&project, &arguments).success();
    }
    project
}

#[test]
fn versions_are_registered_once() {
    let server = FakeGoogle::start();
    let project = project(&server, 3);
    let register = |model: &str, more: &[&str]| {
        let mut arguments = vec![
            "models", "register", model, "--env", "dev", "--output", "json",
        ];
        arguments.extend(more);
        server.lagrange(&project, &arguments)
    };
    let planned = register("model@2", &["--dry-run"]).success().json();
    assert_eq!(server.state().vertex.models.versions, []);
    let first = register("model", &[]).success().json();
    assert_eq!(first["version"], 1);
    assert_eq!(first["vertex_version"], "1");
    assert_eq!(first["known"], false);
    // The answer is lost, or there is none: it is there all the same, once.
    let requests = [("model@2", 1), ("model@3", 1)];
    for ((model, number), fault) in requests
        .into_iter()
        .zip([Fault::AnswerLost, Fault::Status(503)])
    {
        server.fail(number, fault);
        register(model, &[]).success();
    }
    for model in ["model@1", "model@2", "model@3"] {
        assert_eq!(
            register(model, &[]).success().json()["known"],
            true,
            "{model}"
        );
    }
    let state = server.state();
    let sent: Vec<_> = state.vertex.models.versions.iter().collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|(id, _)| id == "lagrange-model"));
    assert_eq!(sent[1].1, planned["request"]["model"]);
    let folder = sent[1].1["artifactUri"].as_str().unwrap();
    let manifest = format!("{}/manifest.json", folder.strip_prefix("gs://").unwrap());
    assert!(server.gcs.get(&manifest).is_some(), "{manifest}");
    assert_eq!(sent[1].1["versionAliases"], json!(["lagrange-2"]));
    drop(state);
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn what_cannot_be_registered_says_why() {
    let server = FakeGoogle::start();
    let project = project(&server, 1);
    let register = |more: &[&str]| {
        let mut arguments = vec!["models", "register", "model", "--env", "dev"];
        arguments.extend(more);
        server.lagrange(&project, &arguments)
    };
    server.state().vertex.models.error = Some("no permission to read the folder".to_owned());
    register(&[]).fails(
        1,
        &["has not registered", "no permission to read the folder"],
    );
    register(&["--registry", "./models"]).fails(2, &["not in a bucket of Google Cloud"]);
    assert_eq!(server.mistakes(), [""; 0]);
}
