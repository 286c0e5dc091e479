//! Models in tables are saved to the registry.

use serde_json::Value as Json;

use crate::project::{ENGINES, Project};

#[test]
fn models_are_saved_once() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE t AS
             SELECT i % 2 AS symbol, CAST(i AS DOUBLE) AS x, 3.0 * i + i % 3 AS y FROM range(100) g(i);
             CREATE OR REPLACE TABLE models AS
             SELECT symbol, fit(y, {'x': x}, {'algorithm': 'ols'}) AS model FROM t GROUP BY symbol;",
        );
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        let models = json["models"].as_array().unwrap();
        assert_eq!(models.len(), 2, "{engine}: {json}");
        for model in models {
            assert_eq!(model["new"], true);
            let path = project.path(model["path"].as_str().unwrap());
            assert!(
                path.starts_with(project.path("./models/models")),
                "{path:?}"
            );
            let about = std::fs::read_to_string(path.with_extension("json")).unwrap();
            let about: Json = serde_json::from_str(&about).unwrap();
            assert_eq!(about["table"], "models");
            assert!(about["key"]["symbol"].is_i64(), "{about}");
        }
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        assert_eq!(
            json["models"][0]["new"], false,
            "{engine}: the same model again"
        );
    }
}
