//! What helps with a project: init, doctor, completions, manual pages, settings.

use serde_json::Value as Json;

use crate::project::{ENGINES, Project};

#[test]
fn a_new_project_runs() {
    let project = Project::new();
    let run = project.lagrange(&["init", "demo"], &[]).success();
    assert!(
        run.stdout.contains("cd demo && lagrange run"),
        "{}",
        run.stdout
    );
    project
        .lagrange(&["init", "demo"], &[])
        .fails(2, &["has config/local.yaml", "nothing is overwritten"]);
    for engine in ENGINES {
        let run = project
            .command(&[
                "run",
                "sql/demo_data.sql",
                "sql/train.sql",
                "--engine",
                engine,
            ])
            .current_dir(project.path("demo"))
            .output()
            .unwrap();
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("4 of 4 gates hold"), "{stderr}");
    }
    let run = project
        .command(&["check", "sql/demo_data.sql", "sql/train.sql"])
        .current_dir(project.path("demo"))
        .output()
        .unwrap();
    let stdout = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(0), "{stdout}");
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let project = Project::new();
    let json = |run: &crate::project::Run| -> Vec<(String, String, String)> {
        let json: Json = run.json();
        let findings = json["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
                (text("name"), text("verdict"), text("fix"))
            })
            .collect()
    };
    let of = |found: &[(String, String, String)], name: &str| {
        let finding = found.iter().find(|(known, ..)| known == name).unwrap();
        (finding.1.clone(), finding.2.clone())
    };
    let doctor = ["doctor", "--output", "json"];
    let dead = (
        "LAGRANGE_MLFLOW__TRACKING_URI",
        "http://me:secret@127.0.0.1:1",
    );
    let run = project.lagrange(&doctor, &[dead]).success();
    assert!(!run.stdout.contains("secret"), "{}", run.stdout);
    let found = json(&run);
    assert_eq!(of(&found, "duckdb").0, "ok");
    assert_eq!(of(&found, "database").0, "ok");
    assert_eq!(of(&found, "models").0, "ok");
    assert_eq!(of(&found, "tracking").0, "warn");

    project.file("data/ml.duckdb", &"no database ".repeat(1000));
    project.file("models", "a file");
    let run = project.lagrange(&doctor, &[dead]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    let found = json(&run);
    assert_eq!(of(&found, "database").0, "fail");
    assert_eq!(of(&found, "models").0, "fail");
    assert!(of(&found, "models").1.contains("storage.model_registry"));

    project.file("config/local.yaml", "databse:\n  path: x\n");
    let run = project.lagrange(&["doctor"], &[]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout
            .contains("fail  configuration  config/local.yaml:2:3: unknown setting"),
        "{}",
        run.stdout
    );
}

#[test]
fn shells_and_manuals_know_the_commands() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = project.lagrange(&["completions", shell], &[]).success();
        assert!(run.stdout.contains("keep-going"), "{shell}");
    }
    project.lagrange(&["man", "--out", "man"], &[]).success();
    let page = project.text("man/lagrange-run.1");
    assert!(
        page.contains("keep\\-going") && page.contains("EXTRA"),
        "{page}"
    );
    assert!(project.path("man/lagrange-config-show.1").exists());
}

#[test]
fn settings_are_shown_with_their_origin_and_without_secrets() {
    let project = Project::new();
    project.file(
        "config/local.yaml",
        "mlflow:\n  tracking_uri: https://me:hush@host/\nparameters:\n  api_token: hush\n  horizon: 5\n",
    );
    for arguments in [
        &["config"][..],
        &["config", "show"],
        &["config", "show", "--output", "json"],
    ] {
        let run = project.lagrange(arguments, &[]).success();
        assert!(!run.stdout.contains("hush"), "{}", run.stdout);
        assert!(
            run.stdout.contains("https://me:****@host/"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("config/local.yaml:5"), "{}", run.stdout);
    }
    // Nor in the messages and results of a run.
    project.file("script.sql", "SELECT $api_token AS a, $horizon AS b");
    let run = project.run(&["--output", "json"]).success();
    assert!(!run.stderr.contains("hush"), "{}", run.stderr);
    let results = project.text("data/ml.run_results.json");
    assert!(!results.contains("hush"), "{results}");
}

#[test]
fn every_command_has_an_example() {
    let project = Project::new();
    let help = project.lagrange(&["--help"], &[]).success().stdout;
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let help = project.lagrange(&[name, "--help"], &[]).success().stdout;
        assert!(help.contains("Example"), "{name}: {help}");
    }
}
