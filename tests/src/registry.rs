//! A registry of one model, for the functions that read from one.

use std::sync::Arc;

use lagrange_udfs::models::source::{ModelSource, read_models_from};
use lagrange_udfs::models::{Body, Coefficient, Header, Linear, Model};

/// Version 1 of `example`, which is its champion: 2 x + 1.
struct Example;

/// From now on `predict_model` finds `example@1` and `example@champion` in this process.
pub fn serve_example() {
    read_models_from(Some(Arc::new(Example)));
}

impl ModelSource for Example {
    fn resolve(&self, reference: &str) -> Result<String, String> {
        match reference {
            "example" | "example@1" | "example@champion" => Ok("example@1".to_owned()),
            _ => Err(format!(
                "there is no model '{reference}' in the test's registry"
            )),
        }
    }

    fn read(&self, _version: &str) -> Result<Vec<u8>, String> {
        let header = Header {
            algorithm: "ols".to_owned(),
            target: "y".to_owned(),
            features: vec!["x".to_owned()],
            parameters: Default::default(),
            rows_used: 3,
            rows_skipped: 0,
            status: "ok".to_owned(),
            library: "0.1.0".to_owned(),
            window: None,
            metrics: Default::default(),
            feature_types: Vec::new(),
            preparation: Default::default(),
        };
        let coefficient = |value| Coefficient {
            value,
            ..Coefficient::default()
        };
        let body = Body::Linear(Linear {
            intercept: coefficient(1.0),
            coefficients: vec![coefficient(2.0)],
            residual_deviation: None,
            r2: None,
            degrees_of_freedom: 1.0,
        });
        Model::new(header, body)
            .write()
            .map_err(|error| error.to_string())
    }
}
