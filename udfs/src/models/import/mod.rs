//! Models of other libraries as ours.

mod lightgbm;
mod xgboost;

use serde_json::{Map, json};

use super::trees::Trees;
use super::{Body, Header, Model};
use crate::error::{Error, Result};

/// The formats that can be read.
pub const FORMATS: [&str; 2] = ["lightgbm", "xgboost"];

/// What was read of a foreign model.
struct Foreign {
    algorithm: &'static str,
    objective: String,
    features: Vec<String>,
    rows: u64,
    trees: Trees,
}

/// The model of a LightGBM text or an XGBoost JSON; without a format, of
/// whichever the text looks like.
///
/// # Errors
/// A text that is neither, or that uses what our trees cannot say.
pub fn import(function: &str, text: &str, format: Option<&str>) -> Result<Model> {
    let looks_like = || match text.trim_start().starts_with('{') {
        true => "xgboost",
        false => "lightgbm",
    };
    let format = format.unwrap_or_else(looks_like);
    let read = match format {
        "lightgbm" => lightgbm::read(text),
        "xgboost" => xgboost::read(text),
        _ => {
            let fix = format!("pass one of {}", FORMATS.join(", "));
            return Err(Error::argument(function, "format", format, fix));
        }
    };
    let foreign =
        read.map_err(|what| Error::data(function, format!("the {format} model: {what}")))?;
    let checked = foreign.trees.check(foreign.features.len());
    checked.map_err(|what| Error::data(function, format!("the {format} model: {what}")))?;
    let body = Body::Trees(foreign.trees);
    let header = Header {
        algorithm: foreign.algorithm.to_owned(),
        target: String::new(),
        feature_types: body
            .feature_types(foreign.features.len())
            .into_iter()
            .map(str::to_owned)
            .collect(),
        preparation: crate::models::preparation::Preparation::default(),
        features: foreign.features,
        parameters: json!({ "imported_from": format, "objective": foreign.objective }),
        rows_used: foreign.rows,
        rows_skipped: 0,
        status: "ok".to_owned(),
        library: env!("CARGO_PKG_VERSION").to_owned(),
        window: None,
        metrics: Map::new(),
    };
    Ok(Model::new(header, body))
}
