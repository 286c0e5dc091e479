//! Fitting models and judging them fold by fold, each on rows that it has not
//! seen.

pub mod scores;

use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use self::scores::{Predictions, Scores, scores};
use crate::error::Result;
use crate::models::algorithms::{Entry, Ready};
use crate::models::preparation;
use crate::models::training::{FeatureColumn, NO_CATEGORY, Training};
use crate::models::{Header, Model, Window, metrics};
use crate::options::Options;
use crate::time::row_folds::RowFold;

/// A feature of rows.
pub enum Column {
    /// NaN is missing, where the algorithm takes that.
    Numbers(Vec<f64>),
    /// Texts.
    Categories {
        /// A code per row, [`NO_CATEGORY`] where it is missing.
        codes: Vec<u32>,
        /// The category of each code, ascending.
        names: Vec<String>,
    },
}

impl Column {
    /// These rows alone, of whose categories none is left that no row has.
    fn chosen(&self, rows: &[u32]) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(chosen(numbers, rows)),
            Self::Categories { codes, names } => {
                let mut places = vec![NO_CATEGORY; names.len()];
                for &row in rows {
                    if let Some(place) = places.get_mut(codes[row as usize] as usize) {
                        *place = 0;
                    }
                }
                let mut kept = Vec::new();
                for (place, name) in places.iter_mut().zip(names) {
                    if *place == 0 {
                        *place = kept.len() as u32;
                        kept.push(name.clone());
                    }
                }
                let code = |&row: &u32| {
                    let place = places.get(codes[row as usize] as usize);
                    place.copied().unwrap_or(NO_CATEGORY)
                };
                Self::Categories {
                    codes: rows.iter().map(code).collect(),
                    names: kept,
                }
            }
        }
    }

    /// These rows as a model takes them that knows `known` categories.
    fn encoded(&self, known: Option<&[String]>, rows: &[u32]) -> Vec<f64> {
        match self {
            Self::Numbers(numbers) => chosen(numbers, rows),
            Self::Categories { codes, names } => {
                let known = known.unwrap_or_default();
                let place = |name: &String| known.binary_search(name).map_or(f64::NAN, |i| i as f64);
                let places: Vec<f64> = names.iter().map(place).collect();
                let code = |&row: &u32| {
                    let place = places.get(codes[row as usize] as usize);
                    place.copied().unwrap_or(f64::NAN)
                };
                rows.iter().map(code).collect()
            }
        }
    }

    fn as_feature(&self) -> FeatureColumn<'_> {
        match self {
            Self::Numbers(numbers) => FeatureColumn::Numbers(numbers),
            Self::Categories { codes, names } => FeatureColumn::Categories { codes, names },
        }
    }
}

/// Rows that can train and be tested, in an order that their keys define.
pub struct Rows {
    /// The features' names.
    pub names: Vec<String>,
    /// Their columns.
    pub columns: Vec<Column>,
    /// What is predicted.
    pub target: Vec<f64>,
    /// Above 0.
    pub weights: Option<Vec<f64>>,
    /// When they are, as numbers.
    pub times: Option<Vec<f64>>,
    /// Whether times are dates or timestamps, and so in seconds since 1970.
    pub calendar: bool,
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
    columns: Vec<Column>,
    target: Vec<f64>,
    weights: Option<Vec<f64>>,
    times: Option<Vec<f64>>,
    window: Option<Window>,
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
        let categories = model.body().trees().map(|trees| &trees.categories);
        let columns: Vec<Vec<f64>> = self
            .columns
            .par_iter()
            .enumerate()
            .map(|(i, column)| {
                let known = categories.and_then(|names| names.get(i)?.as_deref());
                column.encoded(known, rows)
            })
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
        let columns: Vec<Column> = rows
            .columns
            .par_iter()
            .map(|column| column.chosen(train))
            .collect();
        let target = chosen(&rows.target, train);
        let weights = rows.weights.as_ref().map(|weights| chosen(weights, train));
        let times = rows.times.as_ref().map(|times| chosen(times, train));
        let window = times.as_deref().and_then(|times| Window::of(times, rows.calendar));
        let ready = {
            let weights = weights.as_deref();
            let training = training(&rows.names, &columns, &target, weights, times.as_deref());
            recipe.entry.ready(&training, &recipe.options)?
        };
        Ok(Self {
            names: &rows.names,
            columns,
            target,
            weights,
            times,
            window,
            ready,
        })
    }

    /// A model of the rows. `skipped` is how many were left out, for the record.
    pub fn fit(&self, recipe: &Recipe, skipped: u64) -> Result<Model> {
        let weights = self.weights.as_deref();
        let times = self.times.as_deref();
        let training = training(self.names, &self.columns, &self.target, weights, times);
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
            window: self.window.clone(),
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
    columns: &'a [Column],
    target: &'a [f64],
    weights: Option<&'a [f64]>,
    times: Option<&'a [f64]>,
) -> Training<'a> {
    Training {
        names,
        columns: columns.iter().map(Column::as_feature).collect(),
        target,
        weights,
        times,
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
