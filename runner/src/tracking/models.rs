//! The models of a run: their bytes, as ONNX, and a few rows that they take.

use lagrange_udfs::call::{quote_name, quote_text};
use lagrange_udfs::models::{Model, onnx};
use serde_json::{Value as Json, json};

use super::datasets;
use crate::engines::Engine;
use crate::files::sha256;
use crate::parameters::Step;
use crate::registry;
use crate::runs::record;
use crate::runs::results::{Rows, Values, file_name};

/// How many rows an input example has.
const EXAMPLE_ROWS: usize = 5;

/// A model that a step has published.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its name in the registry.
    pub name: String,
    /// Its version there.
    pub version: Option<String>,
    /// The table that holds it.
    pub table: String,
    /// The other columns of its row.
    pub key: Json,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Published {
    /// A model as the registry published it.
    pub fn of(published: registry::Published) -> Self {
        let manifest = published.manifest;
        Self {
            name: manifest.name,
            version: Some(manifest.version.to_string()),
            table: manifest.lineage.table.unwrap_or_default(),
            key: Json::Object(manifest.key),
            bytes: published.model.to_vec(),
        }
    }
}

/// What the record says of a model, and its files.
pub async fn record(
    published: &Published,
    step: &Step,
    engine: &mut dyn Engine,
) -> (record::Model, Vec<(String, Vec<u8>)>) {
    let folder = format!("models/{}", file_name(&published.name));
    let mut model = record::Model {
        name: published.name.clone(),
        version: published.version.clone(),
        alias: None,
        table: published.table.clone(),
        key: published.key.clone(),
        sha256: sha256(&published.bytes),
        header: Json::Null,
        file: format!("{folder}/model.bin"),
        onnx: None,
        no_onnx: None,
        example: None,
    };
    let mut files = vec![(model.file.clone(), published.bytes.clone())];
    match Model::read(&published.bytes) {
        Ok(read) => {
            model.header = read.header_json();
            match onnx::export("to_onnx", &read) {
                Ok(bytes) => {
                    let file = format!("{folder}/model.onnx");
                    files.push((file.clone(), bytes));
                    model.onnx = Some(file);
                }
                Err(error) => model.no_onnx = Some(error.to_string()),
            }
            let features = &read.header().features;
            if let Some(rows) = example(features, step, engine).await {
                let file = format!("{folder}/input_example.json");
                let columns: Vec<&String> = rows.columns.iter().map(|(name, _)| name).collect();
                let json = json!({ "columns": columns, "data": rows.rows });
                files.push((file.clone(), json.to_string().into_bytes()));
                model.example = Some(file);
            }
        }
        Err(error) => model.no_onnx = Some(error.to_string()),
    }
    let about = format!("{:#}\n", model.header);
    files.push((format!("{folder}/model.json"), about.into_bytes()));
    (model, files)
}

/// Rows of the relations that the step reads in which every feature is present.
async fn example(features: &[String], step: &Step, engine: &mut dyn Engine) -> Option<Rows> {
    if features.is_empty() {
        return None;
    }
    for relation in datasets::relations(step) {
        let relation = quote_name(&relation);
        let sql = format!("SELECT * FROM {relation} LIMIT 0");
        let Ok(Rows { columns, .. }) = engine.rows(&sql).await else {
            continue;
        };
        let has = |feature: &String| columns.iter().any(|(name, _)| name == feature);
        let structs = columns
            .iter()
            .filter(|(_, values)| *values == Values::Nested)
            .map(|(name, _)| Some(name.as_str()));
        let columns_themselves = features.iter().all(has).then_some(None);
        for holder in columns_themselves.into_iter().chain(structs) {
            let value = |feature: &str| match holder {
                Some(holder) => format!("{}[{}]", quote_name(holder), quote_text(feature)),
                None => quote_name(feature),
            };
            let listed: Vec<String> = features
                .iter()
                .map(|feature| format!("{} AS {}", value(feature), quote_name(feature)))
                .collect();
            let present: Vec<String> = features
                .iter()
                .map(|feature| format!("{} IS NOT NULL", value(feature)))
                .collect();
            let order: Vec<String> = features
                .iter()
                .take(3)
                .map(|name| quote_name(name))
                .collect();
            let sql = format!(
                "SELECT * FROM (SELECT {} FROM {relation} WHERE {}) AS lagrange_example ORDER BY {} LIMIT {EXAMPLE_ROWS}",
                listed.join(", "),
                present.join(" AND "),
                order.join(", ")
            );
            match engine.rows(&sql).await {
                Ok(rows) if !rows.rows.is_empty() => return Some(doubles(rows)),
                _ => {}
            }
        }
    }
    None
}

/// Models take numbers as doubles; a whole number would be another type.
fn doubles(mut rows: Rows) -> Rows {
    for row in &mut rows.rows {
        for value in row {
            let number = match value {
                Json::Number(number) => number.as_f64(),
                Json::Bool(value) => Some(f64::from(u8::from(*value))),
                _ => None,
            };
            if let Some(number) = number {
                *value = json!(number);
            }
        }
    }
    rows
}
