//! Fitting models and judging them fold by fold, each on rows that it has not
//! seen.

pub mod scores;

use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use self::scores::{Predictions, Scores, scores};
use crate::error::Result;
use crate::models::algorithms::{Entry, Ready};
use crate::models::preparation;
use crate::models::training::{FeatureColumn, Training};
use crate::models::{Header, Model, metrics};
use crate::options::Options;
use crate::time::row_folds::RowFold;

/// Rows that can train and be tested, in an order that their keys define.
pub struct Rows {
    /// The features' names.
    pub names: Vec<String>,
    /// Their columns; NaN is missing, where the algorithm takes that.
    pub columns: Vec<Vec<f64>>,
    /// What is predicted.
    pub target: Vec<f64>,
    /// Above 0.
    pub weights: Option<Vec<f64>>,
    /// The position of the row's time, see [`crate::time::labels`].
    pub start: Vec<u32>,
    /// The position at which its label ends.
    pub stop: Vec<u32>,
}

/// An algorithm and its checked options.
#[derive(Clone)]
pub struct Recipe {
    /// The algorithm.
    pub entry: Entry,
    /// The options, defaults included.
    pub options: Options,
    /// The names of the options that a model records.
    pub recorded: Vec<&'static str>,
}

impl Recipe {
    /// Whether a row with a missing feature trains.
    pub fn takes_missing(&self) -> bool {
        self.entry.takes_missing() || preparation::Choice::of(&self.options).imputes()
    }
}

/// Rows that train a model, and what fits of them share.
pub struct TrainingRows<'a> {
    names: &'a [String],
    columns: Vec<Vec<f64>>,
    target: Vec<f64>,
    weights: Option<Vec<f64>>,
    ready: Ready,
}

fn chosen(column: &[f64], rows: &[u32]) -> Vec<f64> {
    rows.iter().map(|&row| column[row as usize]).collect()
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.target.is_empty()
    }

    /// What the model says of these rows.
    pub fn predict(&self, model: &Model, rows: &[u32]) -> Predictions {
        let columns: Vec<Vec<f64>> = self
            .columns
            .par_iter()
            .map(|column| chosen(column, rows))
            .collect();
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        Predictions {
            values: model.predict_complete(&slices, rows.len()),
            probabilities: model.probabilities(&slices, rows.len()),
        }
    }

    /// Every metric of the model on these rows.
    pub fn scores(&self, model: &Model, rows: &[u32]) -> Scores {
        let actual = chosen(&self.target, rows);
        scores(&actual, &self.predict(model, rows), model.classes())
    }
}

impl<'a> TrainingRows<'a> {
    /// Copies and prepares these rows, of which there is at least one.
    pub fn new(rows: &'a Rows, train: &[u32], recipe: &Recipe) -> Result<Self> {
        let columns: Vec<Vec<f64>> = rows
            .columns
            .par_iter()
            .map(|column| chosen(column, train))
            .collect();
        let target = chosen(&rows.target, train);
        let weights = rows.weights.as_ref().map(|weights| chosen(weights, train));
        let ready = {
            let training = training(&rows.names, &columns, &target, weights.as_deref());
            recipe.entry.ready(&training, &recipe.options)?
        };
        Ok(Self {
            names: &rows.names,
            columns,
            target,
            weights,
            ready,
        })
    }

    /// A model of the rows. `skipped` is how many were left out, for the record.
    pub fn fit(&self, recipe: &Recipe, skipped: u64) -> Result<Model> {
        let weights = self.weights.as_deref();
        let training = training(self.names, &self.columns, &self.target, weights);
        let (fitted, preparation) = self.ready.fit(&training, &recipe.options)?;
        let header = Header {
            algorithm: recipe.entry.name().to_owned(),
            target: recipe.options.text("target").to_owned(),
            features: self.names.to_vec(),
            parameters: recipe.options.some_to_json(&recipe.recorded),
            rows_used: self.target.len() as u64,
            rows_skipped: skipped,
            status: fitted.status,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            window: None,
            metrics: metrics(&fitted.metrics),
            feature_types: fitted
                .body
                .feature_types(self.names.len())
                .into_iter()
                .map(str::to_owned)
                .collect(),
            preparation,
        };
        Ok(Model::new(header, fitted.body))
    }
}

fn training<'a>(
    names: &'a [String],
    columns: &'a [Vec<f64>],
    target: &'a [f64],
    weights: Option<&'a [f64]>,
) -> Training<'a> {
    Training {
        names,
        columns: columns
            .iter()
            .map(|column| FeatureColumn::Numbers(column))
            .collect(),
        target,
        weights,
        times: None,
        validation: None,
    }
}

/// What a fold's model came to.
pub struct Judged {
    /// The model of the fold's training rows.
    pub model: Model,
    /// On the rows that trained it.
    pub in_sample: Scores,
    /// On the rows that it had not seen.
    pub out_of_sample: Scores,
}

/// A model per fold, judged on the fold's test rows.
pub fn judge(rows: &Rows, folds: &[RowFold], recipe: &Recipe, skipped: u64) -> Result<Vec<Judged>> {
    let judged = folds.par_iter().map(|fold| {
        let model = TrainingRows::new(rows, &fold.train, recipe)?.fit(recipe, skipped)?;
        Ok(Judged {
            in_sample: rows.scores(&model, &fold.train),
            out_of_sample: rows.scores(&model, &fold.test),
            model,
        })
    });
    judged.collect()
}

/// The options of a recipe with others in their place, as `fit` takes them.
pub fn with(base: &Map<String, Json>, others: &Map<String, Json>) -> Json {
    let mut options = base.clone();
    options.extend(others.clone());
    Json::Object(options)
}

/// The mean of the values and their deviation (n - 1), which one value has not.
pub fn mean_and_deviation(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
    (Some(mean), deviation)
}
