//! Models in tables are published to the registry, and predict from there.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::gcs::Gcs;
use crate::project::{ENGINES, Project, Run};

/// Two models, one per symbol; `$slope` makes another version of them.
const PER_SYMBOL: &str = "
DECLARE slope BIGINT DEFAULT 3;
CREATE OR REPLACE TABLE t AS
SELECT i % 2 AS symbol, CAST(i AS DOUBLE) AS x, $slope * i + i % 3 AS y FROM range(100) g(i);
CREATE OR REPLACE TABLE models AS
SELECT symbol, fit(y, {'x': x}, {'algorithm': 'ols', 'target': 'y'}) AS model FROM t GROUP BY symbol;";

/// One model, y = $slope * x + 1.
const LINE: &str = "
DECLARE slope BIGINT DEFAULT 2;
CREATE OR REPLACE TABLE t AS SELECT CAST(i AS DOUBLE) AS x, $slope * i + 1 AS y FROM range(20) g(i);
CREATE OR REPLACE TABLE line AS SELECT fit(y, {'x': x}, {'algorithm': 'ols'}) AS model FROM t;";

impl Project {
    /// `lagrange models` and arguments.
    fn models(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["models"];
        all.extend(arguments);
        self.lagrange(&all, &[])
    }

    /// The files below a folder, sorted.
    fn files(&self, folder: &str) -> Vec<String> {
        fn add(folder: &Path, root: &Path, files: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    add(&path, root, files);
                } else {
                    let path = path.strip_prefix(root).unwrap();
                    files.push(path.to_str().unwrap().to_owned());
                }
            }
        }
        let root = self.path(folder);
        let mut files = Vec::new();
        add(&root, &root, &mut files);
        files.sort();
        files
    }
}

#[test]
fn models_are_published_once() {
    for engine in ENGINES {
        let project = Project::with_script(PER_SYMBOL);
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        let models = json["models"].as_array().unwrap();
        let names: Vec<&str> = models
            .iter()
            .map(|model| model["name"].as_str().unwrap())
            .collect();
        assert_eq!(models.len(), 2, "{engine}: {json}");
        assert!(
            names.contains(&"models.0") && names.contains(&"models.1"),
            "{names:?}"
        );
        for model in models {
            assert_eq!(
                (&model["new"], &model["version"]),
                (&json!(true), &json!(1))
            );
            let path = project.path(model["path"].as_str().unwrap());
            for file in [
                "model.bin",
                "model.onnx",
                "model.json",
                "card.md",
                "manifest.json",
            ] {
                assert!(path.join(file).is_file(), "{engine}: {file}");
            }
            let manifest = std::fs::read_to_string(path.join("manifest.json")).unwrap();
            let manifest: Json = serde_json::from_str(&manifest).unwrap();
            assert_eq!(manifest["lineage"]["table"], "models");
            let input = &manifest["lineage"]["inputs"][0];
            assert_eq!(input["name"], "t");
            assert_eq!(input["digest"].as_str().unwrap().len(), 32);
            assert_eq!(
                manifest["lineage"]["script_sha256"].as_str().unwrap().len(),
                64
            );
            assert!(manifest["key"]["symbol"].is_i64(), "{manifest}");
            assert_eq!(manifest["rows_used"], 50);
            assert_ne!(manifest["guard"]["verdict"], "unchecked");
            let versions = [("duckdb", "DuckDB"), ("datafusion", "DataFusion")];
            let name = versions.iter().find(|(of, _)| *of == engine).unwrap().1;
            assert_eq!(manifest["engine"]["name"], name);
            assert!(manifest["engine"]["version"].is_string(), "{manifest}");
        }
        let before = project.files("models");
        let run = project.run(&["--engine", engine]).success();
        assert!(run.stdout.contains("version 1"), "{}", run.stdout);
        assert_eq!(
            run.stdout.matches("(unchanged)").count(),
            2,
            "{}",
            run.stdout
        );
        assert_eq!(
            project.files("models"),
            before,
            "{engine}: the same models again"
        );
        let json = project
            .run(&["--engine", engine, "--output", "json", "--set", "slope=4"])
            .success()
            .json();
        assert_eq!(json["models"][0]["version"], 2, "{engine}: {json}");
    }
}

#[test]
fn nothing_of_a_failed_step_is_published() {
    for engine in ENGINES {
        // A value that begins as a model does, and is none.
        let damaged = match engine {
            "duckdb" => "CAST('LGRM' AS BLOB)",
            _ => "arrow_cast('LGRM', 'Binary')",
        };
        let project = Project::with_script(&format!(
            "CREATE TABLE line AS
             SELECT fit(CAST(i AS DOUBLE), {{'x': CAST(i AS DOUBLE)}}) AS model FROM range(9) g(i);
             CREATE TABLE wrong AS
             SELECT 'a' AS name, model FROM line UNION ALL SELECT 'b' AS name, {damaged} AS model;"
        ));
        project
            .run(&["--engine", engine])
            .fails(1, &["the model is damaged"]);
        let names: Vec<String> = project.files("models");
        assert!(
            names.iter().all(|name| name.starts_with("line/")),
            "{engine}: {names:?}"
        );
        assert!(!names.is_empty());
    }
}

#[test]
fn sql_predicts_with_the_champion() {
    for engine in ENGINES {
        let project = Project::with_script(LINE);
        let query = |sql: &str| project.query(engine, sql);
        let fails = |sql: &str, parts: &[&str]| {
            project.file("query.sql", sql);
            project
                .lagrange(&["run", "query.sql", "--engine", engine], &[])
                .fails(1, parts);
        };
        fails(
            "SELECT predict_model('line', {'x': 1.0}) AS p",
            &["no model 'line'"],
        );
        project.run(&["--engine", engine]).success();
        project
            .run(&["--engine", engine, "--set", "slope=5"])
            .success();
        fails(
            "SELECT predict_model('line@staging', {'x': 1.0}) AS p",
            &[
                "line has no staging",
                "lagrange models promote line 2 --to staging",
            ],
        );
        fails(
            "SELECT predict_model('lin@1', {'x': 1.0}) AS p",
            &["did you mean 'line'?"],
        );
        fails(
            "SELECT predict_model('line@9', {'x': 1.0}) AS p",
            &["no version 9 of line"],
        );
        fails(
            "SELECT predict_model('../line@1', {'x': 1.0}) AS p",
            &["cannot be a model name"],
        );
        fails(
            "SELECT predict_model('line@1', {'z': 1.0}) AS p",
            &["feature 'x'"],
        );

        let run = project.models(&["promote", "line", "1"]).success();
        assert_eq!(run.stdout, "champion of line: version 1, as before\n");
        let sql = "SELECT round(predict_model('line', {'x': 10.0}), 6) AS a,
                          round(predict_model('line@champion', {'x': 10}), 6) AS b,
                          round(predict_model('line@2', {'x': 10.0}), 6) AS c,
                          predict_model(NULL, {'x': 10.0}) AS d";
        assert_eq!(query(sql), json!([[21.0, 21.0, 51.0, null]]), "{engine}");
        // A million rows read it once; a name per row is one, too.
        let sql = "SELECT count(*) AS n, round(sum(predict_model('line@' || CAST(1 + i % 2 AS VARCHAR), {'x': 1.0}))) AS s
                   FROM range(1000000) g(i)";
        assert_eq!(query(sql), json!([[1_000_000, 4_500_000.0]]), "{engine}");
        let run = project
            .models(&["promote", "line", "2", "--expect", "1"])
            .success();
        assert_eq!(run.stdout, "champion of line: version 2 (was version 1)\n");
        let sql = "SELECT round(predict_model('line', {'x': 10.0}), 6) AS a";
        assert_eq!(query(sql), json!([[51.0]]), "{engine}");
    }
}

/// The aliases of the only model.
fn aliases(project: &Project) -> Json {
    let listed = project.models(&["list", "--output", "json"]);
    listed.success().json()["models"][0]["aliases"].clone()
}

/// What the registry says of a version of `line`.
fn line(project: &Project, version: &str) -> (Json, Json) {
    let name = format!("line@{version}");
    let shown = project.models(&["show", &name, "--output", "json"]);
    let json = shown.success().json();
    (json["gates"].clone(), json["aliases"].clone())
}

#[test]
fn a_version_serves_only_if_the_gates_of_its_run_hold() {
    for engine in ENGINES {
        let project = Project::with_script(&format!(
            "DECLARE most DOUBLE DEFAULT 1;\n{LINE}
             CREATE OR REPLACE TABLE judged AS
             SELECT max(abs(y - predict((SELECT model FROM line), {{'x': x}}))) AS error FROM t;
             ASSERT (SELECT error FROM judged) < $most AS 'the line fits';"
        ));
        let refused = project.run(&["--engine", engine, "--set", "most=-1"]);
        refused.fails(1, &["gate failed: the line fits"]);
        assert_eq!(line(&project, "1"), (json!("failed"), json!([])));
        project
            .models(&["promote", "line", "1"])
            .fails(1, &["the gates of the run that made it have failed"]);

        // A gate that is not asked decides nothing.
        project
            .run(&["--engine", engine, "--set", "slope=3", "--select", "+line"])
            .success();
        assert_eq!(line(&project, "2"), (json!("pending"), json!([])));
        project
            .models(&["promote", "line", "2"])
            .fails(1, &["has not come to its gates"]);

        // The same model, and a gate that holds: also where its table is kept.
        let failing = ["--engine", engine, "--set", "slope=3", "--set", "most=-1"];
        project.run(&failing).fails(1, &["gate failed"]);
        assert_eq!(line(&project, "2").0, json!("failed"));
        let json = project
            .run(&[
                "--engine", engine, "--set", "slope=3", "--resume", "--output", "json",
            ])
            .success()
            .json();
        assert_eq!(json["steps"][1]["status"], "kept", "{json:#}");
        assert_eq!(json["models"][0]["alias"], "champion", "{json:#}");
        assert_eq!(
            line(&project, "2"),
            (json!("passed"), json!(["champion"])),
            "{engine}"
        );

        // What was not checked serves only if somebody says so.
        let unchecked = ["--engine", engine, "--check", "off", "--set", "slope=4"];
        let run = project.run(&unchecked).success();
        assert!(!run.stdout.contains("challenger"), "{}", run.stdout);
        let run = project.run(&["--engine", engine, "--set", "slope=5"]);
        let run = run.success();
        assert!(run.stdout.contains("challenger"), "{}", run.stdout);
    }
}

#[test]
fn the_registry_is_looked_at_and_changed() {
    let project = Project::with_script(LINE);
    let run = project.models(&["list"]).success();
    assert!(
        run.stdout.starts_with("no models in ./models"),
        "{}",
        run.stdout
    );
    assert!(!project.path("models").exists(), "looking creates nothing");
    for slope in ["2", "3", "4"] {
        project.run(&["--set", &format!("slope={slope}")]).success();
    }
    // The first serves, the latest wants to.
    assert_eq!(aliases(&project), json!({"challenger": 3, "champion": 1}));
    project
        .models(&["promote", "line", "2", "--to", "challenger"])
        .success();
    let run = project.models(&["promote", "line", "challenger"]).success();
    assert_eq!(run.stdout, "champion of line: version 2 (was version 1)\n");
    let json = project
        .models(&["list", "--output", "json"])
        .success()
        .json();
    assert_eq!(json["models"][0]["versions"], 3);
    assert_eq!(
        json["models"][0]["aliases"],
        json!({"challenger": 2, "champion": 2})
    );
    let run = project.models(&["list", "line"]).success();
    assert_eq!(run.stdout.lines().count(), 5, "{}", run.stdout);
    assert!(
        run.stdout.contains("challenger, champion"),
        "{}",
        run.stdout
    );

    let run = project.models(&["show", "line"]).success();
    for part in [
        "line version 2",
        "challenger, champion",
        "1: x",
        "20 used",
        "script.sql:4",
        "DuckDB 2.",
        "promote",
    ] {
        assert!(run.stdout.contains(part), "no {part} in\n{}", run.stdout);
    }
    let card = project
        .models(&["show", "line@3", "--card"])
        .success()
        .stdout;
    assert!(card.starts_with("# line, version 3\n"), "{card}");
    let json = project
        .models(&["show", "line@2", "--output", "json"])
        .success()
        .json();
    assert_eq!(json["aliases"], json!(["challenger", "champion"]));
    // Two changes of the champion, three of the challenger.
    assert_eq!(json["history"].as_array().unwrap().len(), 5);
    let json = project
        .models(&["diff", "line", "1", "3", "--output", "json"])
        .success()
        .json();
    assert_eq!(json["same_model"], false);
    let run = project.models(&["diff", "line@1", "line@2"]).success();
    assert!(
        run.stdout.contains("version 1") && run.stdout.contains("version 2"),
        "{}",
        run.stdout
    );

    project
        .models(&["promote", "line", "3", "--expect", "1"])
        .fails(1, &["is version 2, not version 1"]);
    project
        .models(&["promote", "line", "9"])
        .fails(1, &["no version 9", "there are versions 3, 2, 1"]);
    project
        .models(&["promote", "lime", "1"])
        .fails(1, &["no model 'lime'", "did you mean 'line'?"]);
    project
        .models(&["promote", "line", "1", "--to", "latest"])
        .fails(2, &["cannot be an alias"]);
    let run = project.models(&["rollback", "line"]).success();
    assert_eq!(run.stdout, "champion of line: version 1 (was version 2)\n");
    project
        .models(&["rollback", "line"])
        .fails(1, &["was no other before"]);

    project
        .models(&["delete", "line", "1"])
        .fails(1, &["is the champion", "--force"]);
    project
        .models(&["delete", "line", "2", "--force"])
        .success();
    assert_eq!(aliases(&project), json!({"challenger": 3, "champion": 1}));
    let json = project
        .run(&["--set", "slope=3", "--output", "json"])
        .success()
        .json();
    assert_eq!(json["models"][0]["version"], 4, "2 is not used again");
}

#[test]
fn versions_are_exported_imported_and_verified() {
    let project = Project::with_script(LINE);
    project.run(&[]).success();
    let run = project.models(&["export", "line", "--to", "out"]).success();
    assert_eq!(run.stdout.lines().count(), 4, "{}", run.stdout);
    let files = ["line-1.bin", "line-1.json", "line-1.md", "line-1.onnx"];
    assert_eq!(project.files("out"), files);
    project
        .models(&["export", "line", "--to", "out"])
        .fails(2, &["is there already", "--force"]);
    project
        .models(&["export", "line", "--to", "out", "--form", "card", "--force"])
        .success();

    let run = project
        .models(&["import", "out/line-1.bin", "copy"])
        .success();
    assert!(
        run.stdout
            .starts_with("copy version 1: ols with 1 feature "),
        "{}",
        run.stdout
    );
    let run = project
        .models(&["import", "out/line-1.bin", "copy"])
        .success();
    assert!(run.stdout.contains("(unchanged)"), "{}", run.stdout);
    project
        .models(&["import", "out/line-1.json", "copy"])
        .fails(1, &["out/line-1.json"]);
    project
        .models(&["import", "out/line-1.bin", "../copy"])
        .fails(2, &["cannot be a model name"]);

    let run = project.models(&["verify"]).success();
    assert!(
        run.stdout.contains("2 of 2 versions are as published"),
        "{}",
        run.stdout
    );
    let path = project.path("models/copy/1/model.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let run = project
        .models(&["verify"])
        .fails(1, &["1 version is not as published"]);
    assert!(
        run.stdout.contains("copy@1:") && run.stdout.contains("checksum"),
        "{}",
        run.stdout
    );
    let json = project
        .models(&["verify", "copy@1", "--output", "json"])
        .fails(1, &[])
        .json();
    assert_eq!(json["versions"][0]["faults"].as_array().unwrap().len(), 1);
    assert!(json["error"]["hint"].is_string());
    project.models(&["verify", "line@1"]).success();
}

#[test]
fn a_bucket_is_a_registry() {
    let server = Gcs::start();
    for engine in ENGINES {
        let project = Project::with_script(LINE);
        project.file("key.json", &server.service_account());
        let place = format!("gs://trading/{engine}/models");
        let variables = [
            ("GOOGLE_SERVICE_ACCOUNT", "key.json"),
            ("GOOGLE_ALLOW_HTTP", "true"),
            ("LAGRANGE_STORAGE__MODEL_REGISTRY", place.as_str()),
        ];
        let run = |arguments: &[&str]| project.lagrange(arguments, &variables);
        let json = run(&["run", "script.sql", "--engine", engine, "--output", "json"])
            .success()
            .json();
        assert_eq!(json["models"][0]["path"], format!("{place}/line/1"));
        assert!(!project.path("models").exists());
        run(&["models", "promote", "line", "1"]).success();
        project.file(
            "query.sql",
            "SELECT round(predict_model('line', {'x': 10.0}), 6) AS p",
        );
        let json = run(&["run", "query.sql", "--engine", engine, "--output", "json"])
            .success()
            .json();
        assert_eq!(json["steps"][0]["result"]["rows"], json!([[21.0]]));
        let stdout = run(&["models", "verify"]).success().stdout;
        assert!(
            stdout.contains("1 of 1 versions are as published"),
            "{stdout}"
        );
        let names = server.names();
        let manifest = format!("trading/{engine}/models/line/1/manifest.json");
        assert!(names.contains(&manifest), "{names:?}");
    }
}
