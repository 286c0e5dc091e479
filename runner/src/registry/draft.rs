//! A model that is about to be published, and what is known of it.

use bytes::Bytes;
use lagrange_udfs::models::{Model, onnx};
use serde_json::{Map, Value as Json};

use super::manifest::{
    EngineVersion, FORMAT, Gates, Guard, Lineage, Manifest, Metric, Stability, now,
};
use crate::error::Result;
use crate::files::sha256;

/// A model that is about to be published.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The name to publish it under.
    pub name: String,
    /// Its bytes.
    pub model: Bytes,
    /// The columns that tell it from others of its table.
    pub key: Map<String, Json>,
    /// Other plain columns of its row.
    pub row: Map<String, Json>,
    /// What it is worth.
    pub metrics: Vec<Metric>,
    /// How far its features have moved.
    pub stability: Vec<Stability>,
    /// How many rows ahead its target is.
    pub horizon: Option<u64>,
    /// What made it.
    pub engine: Option<EngineVersion>,
    /// What it was made from.
    pub lineage: Lineage,
    /// The run that made it.
    pub origin: Origin,
}

/// What is known of a run that publishes.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// What the lookahead check said of its scripts.
    pub guard: Guard,
    /// What its gates have said so far.
    pub gates: Gates,
    /// What it is called.
    pub run_id: Option<String>,
}

/// A draft with what its model says.
pub struct Prepared {
    /// Everything but the number and the files.
    pub manifest: Manifest,
    /// The bytes.
    pub bytes: Bytes,
    /// The same as ONNX, or why there is none.
    pub onnx: std::result::Result<Bytes, String>,
    /// The model itself.
    pub model: Model,
}

impl Draft {
    /// A model of which nothing else is known.
    pub fn new(name: String, model: Bytes) -> Self {
        Self {
            name,
            model,
            key: Map::new(),
            row: Map::new(),
            metrics: Vec::new(),
            stability: Vec::new(),
            horizon: None,
            engine: None,
            lineage: Lineage::default(),
            origin: Origin::default(),
        }
    }

    /// Reads the model.
    ///
    /// # Errors
    /// A name that cannot be one, bytes that are no model.
    pub fn prepare(self) -> Result<Prepared> {
        super::names::check_name(&self.name)?;
        let model = Model::read(&self.model)?;
        let header = model.header();
        let onnx = onnx::export("to_onnx", &model)
            .map(Bytes::from)
            .map_err(|error| error.to_string());
        let key = Json::Object(self.key.clone()).to_string();
        let content = sha256(format!("{}\n{key}", sha256(&self.model)).as_bytes());
        let mut metrics = self.metrics;
        add_own(&mut metrics, &model);
        let manifest = Manifest {
            format: FORMAT,
            name: self.name,
            version: 0,
            status: "ready".to_owned(),
            created: now(),
            algorithm: header.algorithm.clone(),
            target: header.target.clone(),
            features: header.features.clone(),
            parameters: header.parameters.clone(),
            rows_used: header.rows_used,
            rows_skipped: header.rows_skipped,
            window: header.window.clone(),
            horizon: self.horizon,
            key: self.key,
            row: self.row,
            metrics,
            stability: self.stability,
            engine: self.engine,
            library: header.library.clone(),
            lineage: self.lineage,
            guard: self.origin.guard,
            gates: self.origin.gates,
            run_id: self.origin.run_id,
            content,
            files: std::collections::BTreeMap::new(),
        };
        Ok(Prepared {
            manifest,
            bytes: self.model,
            onnx,
            model,
        })
    }
}

/// What a model says of itself, on the rows that trained it.
fn add_own(metrics: &mut Vec<Metric>, model: &Model) {
    let linear = model.body().linear();
    let own = [
        ("r2", linear.and_then(|linear| linear.r2)),
        (
            "residual_deviation",
            linear.and_then(|linear| linear.residual_deviation),
        ),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let measured = model.header().metrics.iter();
    let measured = measured.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
    for (name, value) in own.chain(measured) {
        if metrics.iter().all(|metric| metric.metric != name) {
            metrics.push(Metric {
                metric: name,
                in_sample: Some(value),
                cv_mean: None,
                cv_std: None,
                out_of_sample: None,
            });
        }
    }
}
