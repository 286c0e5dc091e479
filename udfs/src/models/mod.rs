//! Fitted models: what they hold, how they predict, and how they are stored.

pub mod algorithms;
mod cache;
mod canonical_rows;
mod classes;
pub mod dependence;
mod design;
pub mod elastic_net;
mod format;
pub mod gbdt;
pub mod huber;
pub mod import;
pub mod importance;
mod json;
pub mod least_squares;
mod linear;
pub mod logistic;
pub mod naive_bayes;
pub mod neighbors;
pub mod onnx;
pub mod pls;
pub mod preparation;
pub mod quantile;
#[cfg(test)]
mod reference_rows;
pub mod row_store;
pub mod scaling;
pub mod source;
pub mod support_vectors;
pub mod training;
pub mod trees;
pub mod tuning;
pub mod validation;

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub use format::{is_model, write_parts};
pub use linear::{Coefficient, Linear, LinearPath, Logistic, Step};

use crate::error::{Error, Result};
use crate::input::{Feature, Features, Rows};
use crate::models::naive_bayes::Bayes;
use crate::models::neighbors::KNearest;
use crate::models::preparation::Preparation;
use crate::models::support_vectors::SupportVectors;
use crate::models::trees::{Compiled, Explainer, Trees};

/// What a person wants to know of a model without its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The algorithm's name, as `fit` takes it.
    pub algorithm: String,
    /// The target's name, as the options gave it.
    pub target: String,
    /// The features' names, in the order of the parameters.
    pub features: Vec<String>,
    /// Every option of the fit.
    pub parameters: Json,
    /// Rows that were complete and therefore used.
    pub rows_used: u64,
    /// Rows left out because the target or a feature was missing.
    pub rows_skipped: u64,
    /// `ok`, or what is remarkable about the fit.
    pub status: String,
    /// The version of this library.
    pub library: String,
    /// From when to when the rows that trained are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What the fit measured of itself, by name: losses, iterations.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metrics: Map<String, Json>,
    /// `number` or `text` per feature; empty in models of before it was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feature_types: Vec<String>,
    /// What is done to the features first.
    #[serde(default, skip_serializing_if = "Preparation::is_empty")]
    pub preparation: Preparation,
}

/// From when to when rows are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The earliest: seconds since 1970, or a number as the time column had it.
    pub from: f64,
    /// The latest.
    pub to: f64,
    /// Whether they are seconds since 1970.
    pub calendar: bool,
}

impl Window {
    /// From the first to the last of these times; none if there are none.
    pub fn of(times: &[f64], calendar: bool) -> Option<Self> {
        let present = || times.iter().copied().filter(|time| !time.is_nan());
        Some(Self {
            from: present().reduce(f64::min)?,
            to: present().reduce(f64::max)?,
            calendar,
        })
    }
}

/// What a fit measured; what is no number is left out.
pub fn measured<'a>(
    metrics: &'a [(&'static str, f64)],
) -> impl Iterator<Item = (&'static str, f64)> + 'a {
    metrics
        .iter()
        .copied()
        .filter(|(_, value)| value.is_finite())
}

/// The same for a header.
pub fn metrics(fitted: &[(&'static str, f64)]) -> Map<String, Json> {
    measured(fitted)
        .map(|(name, value)| (name.to_owned(), Json::from(value)))
        .collect()
}

/// The parameters of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// A weighted sum of features.
    Linear(Linear),
    /// Sums of leaves of decision trees.
    Trees(Trees),
    /// Training rows that are asked for the nearest.
    KNearest(KNearest),
    /// Weighted training rows and how alike a row is to them.
    SupportVectors(SupportVectors),
    /// Distributions of the features in each class.
    Bayes(Bayes),
    /// A weighted sum of features, and those at other penalties.
    LinearPath(LinearPath),
    /// Log odds as a weighted sum of features.
    Logistic(Logistic),
}

impl Body {
    /// The parameters of a linear model, if it is one.
    pub fn linear(&self) -> Option<&Linear> {
        match self {
            Self::Linear(linear) => Some(linear),
            Self::LinearPath(path) => Some(&path.linear),
            Self::Logistic(logistic) => Some(&logistic.linear),
            _ => None,
        }
    }

    /// The trees, if it is made of them.
    pub fn trees(&self) -> Option<&Trees> {
        match self {
            Self::Trees(trees) => Some(trees),
            _ => None,
        }
    }

    /// About how many bytes it takes when it is written.
    fn size_hint(&self) -> usize {
        self.trees().map_or(0, Trees::size_hint)
    }

    /// `number` or `text` per feature.
    pub fn feature_types(&self, features: usize) -> Vec<&'static str> {
        let categories = self.trees().map(|trees| trees.categories.as_slice());
        let is_text = |i| categories.is_some_and(|names| matches!(names.get(i), Some(Some(_))));
        let name = |i| if is_text(i) { "text" } else { "number" };
        (0..features).map(name).collect()
    }

    /// What is wrong with parameters that came from outside, if anything.
    fn check(&self, features: usize) -> std::result::Result<(), String> {
        let count = |coefficients: usize| {
            let wrong = format!("{features} features have {coefficients} coefficients");
            (coefficients == features).then_some(()).ok_or(wrong)
        };
        match self {
            Self::Linear(linear) => count(linear.coefficients.len()),
            Self::LinearPath(path) => {
                count(path.linear.coefficients.len())?;
                let mut steps = path.steps.iter();
                steps.try_for_each(|step| count(step.coefficients.len()))
            }
            Self::Logistic(logistic) => {
                count(logistic.linear.coefficients.len())?;
                if logistic.classes.len() != 2 {
                    return Err(format!("{} classes are not two", logistic.classes.len()));
                }
                classes::check(&logistic.classes)
            }
            Self::Trees(trees) => trees.check(features),
            Self::KNearest(nearest) => nearest.check(features),
            Self::SupportVectors(vectors) => vectors.check(features),
            Self::Bayes(bayes) => bayes.check(features),
        }
    }

    /// Whether a row is predicted although a feature is missing.
    pub fn takes_missing(&self) -> bool {
        self.trees().is_some()
    }
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct Model {
    header: Header,
    body: Body,
    /// Trees as they are walked, made when they are first asked.
    compiled: OnceLock<Compiled>,
    /// The same for their explanation.
    explainer: OnceLock<Explainer>,
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.body == other.body
    }
}

impl Model {
    /// Joins a header and the parameters it describes.
    pub fn new(header: Header, body: Body) -> Self {
        Self {
            header,
            body,
            compiled: OnceLock::new(),
            explainer: OnceLock::new(),
        }
    }

    /// What a person wants to know of the model.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The parameters.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The header as JSON.
    pub fn header_json(&self) -> Json {
        serde_json::to_value(&self.header).unwrap_or(Json::Null)
    }

    /// A prediction per row; a slice per feature, in the model's order: numbers
    /// or codes of categories, NaN where missing if the model takes that.
    pub fn predict_complete(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        self.seeing(features, |features| match &self.body {
            Body::Linear(linear) => linear.predict(features, rows),
            Body::LinearPath(path) => path.linear.predict(features, rows),
            Body::Logistic(logistic) => logistic.predict(features, rows),
            Body::Trees(trees) => trees.predictions(&self.sums(trees, features, rows)),
            Body::KNearest(nearest) => nearest.predict(features, rows),
            Body::SupportVectors(vectors) => vectors.predict(features, rows),
            Body::Bayes(bayes) => bayes.predict(features, rows),
        })
    }

    /// The probability of each class, row after row; `None` if the model predicts
    /// numbers. Features as [`Self::predict_complete`] takes them.
    pub fn probabilities(&self, features: &[&[f64]], rows: usize) -> Option<Vec<f64>> {
        self.seeing(features, |features| match &self.body {
            Body::Linear(_) | Body::LinearPath(_) | Body::SupportVectors(_) => None,
            Body::Logistic(logistic) => Some(logistic.probabilities(features, rows)),
            Body::Trees(trees) => trees.probabilities(&self.sums(trees, features, rows)),
            Body::KNearest(nearest) => nearest.probabilities(features, rows),
            Body::Bayes(bayes) => Some(bayes.probabilities(features, rows)),
        })
    }

    /// The values of the target that the model tells apart, ascending; none if it
    /// predicts numbers.
    pub fn classes(&self) -> &[f64] {
        match &self.body {
            Body::Linear(_) | Body::LinearPath(_) => &[],
            Body::Logistic(logistic) => &logistic.classes,
            Body::Trees(trees) => &trees.classes,
            Body::KNearest(nearest) => &nearest.classes,
            Body::SupportVectors(vectors) => &vectors.classes,
            Body::Bayes(bayes) => &bayes.classes,
        }
    }

    /// What each feature adds to the predictions, row after row, after what they
    /// are without features. Trees: Shapley values of the sum `output`. `None` if
    /// predictions are neither a sum over features nor of trees.
    pub fn contributions(
        &self,
        features: &[&[f64]],
        rows: usize,
        output: usize,
    ) -> Option<Vec<f64>> {
        self.seeing(features, |features| {
            self.contributions_of(features, rows, output)
        })
    }

    fn contributions_of(
        &self,
        features: &[&[f64]],
        rows: usize,
        output: usize,
    ) -> Option<Vec<f64>> {
        let width = features.len() + 1;
        let mut out = vec![0.0; rows * width];
        if let Some(linear) = self.body.linear() {
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                out[0] = linear.intercept.value;
                for (i, coefficient) in linear.coefficients.iter().enumerate() {
                    out[i + 1] = coefficient.value * features[i][row];
                }
            }
            return Some(out);
        }
        match &self.body {
            Body::Trees(trees) => {
                let explainer = self.explainer.get_or_init(|| Explainer::of(trees));
                let output = output.min(trees.outputs as usize - 1);
                explainer.explain(output, features, &mut out);
            }
            _ => return None,
        }
        Some(out)
    }

    /// Calls `of` with the features as the parameters take them.
    fn seeing<T>(&self, features: &[&[f64]], of: impl FnOnce(&[&[f64]]) -> T) -> T {
        if self.header.preparation.is_empty() {
            return of(features);
        }
        let prepared = self.header.preparation.apply(features);
        let slices: Vec<&[f64]> = prepared.iter().map(Vec::as_slice).collect();
        of(&slices)
    }

    fn sums(&self, trees: &Trees, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let compiled = self.compiled.get_or_init(|| Compiled::of(trees));
        compiled.sums(features, rows)
    }

    /// The features of the selected rows as the model takes them.
    ///
    /// # Errors
    /// A feature of the model that the struct lacks or that is of another type,
    /// and an infinite value.
    pub fn encode(
        &self,
        function: &str,
        features: &Features<'_>,
        rows: Rows<'_>,
    ) -> Result<Encoded> {
        let count = rows.len();
        let takes_missing = self.body.takes_missing() || self.header.preparation.imputes();
        let mut columns = Vec::with_capacity(self.header.features.len());
        let mut complete = vec![true; count];
        for (i, field) in self.match_features(function, features)?.iter().enumerate() {
            let mut values = Vec::with_capacity(count);
            let categories = self.body.trees().and_then(|trees| trees.categories.get(i));
            match (
                categories.and_then(Option::as_ref),
                &field.numbers,
                &field.texts,
            ) {
                (Some(names), _, Some(texts)) => {
                    let code = |row: usize| {
                        let name = texts.get(row).copied().flatten()?;
                        names
                            .binary_search_by(|known| known.as_str().cmp(name))
                            .ok()
                    };
                    values.extend(
                        rows.iter()
                            .map(|row| code(row).map_or(f64::NAN, |c| c as f64)),
                    );
                }
                (None, Some(numbers), _) => numbers.copy_rows(rows, &mut values),
                (categories, _, _) => {
                    let fitted = if categories.is_some() {
                        "text"
                    } else {
                        "numbers"
                    };
                    return Err(Error::data(
                        function,
                        format!(
                            "feature '{}' is {}, the model was fitted on {fitted}; cast it",
                            field.name, field.type_name
                        ),
                    ));
                }
            }
            for (value, complete) in values.iter_mut().zip(&mut complete) {
                if value.is_infinite() {
                    return Err(infinite_feature(function, &field.name));
                }
                if value.is_nan() && !takes_missing {
                    *complete = false;
                    *value = 0.0;
                }
            }
            columns.push(values);
        }
        Ok(Encoded { columns, complete })
    }

    /// The fields of the struct in the order of the model, found by name.
    fn match_features<'f, 'a>(
        &self,
        function: &str,
        features: &'f Features<'a>,
    ) -> Result<Vec<&'f Feature<'a>>> {
        let find = |name: &String| {
            let field = features.fields.iter().find(|field| field.name == *name);
            field.ok_or_else(|| {
                let names: Vec<&str> = features.names().collect();
                let near = crate::error::nearest(name, &names)
                    .map(|near| format!(" (it has '{near}')"))
                    .unwrap_or_default();
                Error::data(
                    function,
                    format!(
                        "the model needs feature '{name}', which the struct lacks{near}; add it"
                    ),
                )
            })
        };
        self.header.features.iter().map(find).collect()
    }

    /// The model as bytes; see [`format`].
    pub fn write(&self) -> Result<Vec<u8>> {
        format::write(self)
    }

    /// The model of [`Model::write`].
    ///
    /// # Errors
    /// Bytes that are not a model, of a later format, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        format::read(bytes)
    }

    /// As [`Model::read`], remembering the last few models; see [`cache`].
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn read_cached(bytes: &[u8]) -> Result<Arc<Self>> {
        cache::read(bytes)
    }
}

/// The features of some rows as a model takes them.
pub struct Encoded {
    /// In the model's order: numbers or codes of categories, NaN where missing.
    columns: Vec<Vec<f64>>,
    /// Rows with all that the model needs.
    complete: Vec<bool>,
}

impl Encoded {
    /// A slice per feature.
    pub fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    /// The values of a row, unless it lacks a feature that the model needs.
    pub fn row(&self, row: usize) -> Option<impl Iterator<Item = f64>> {
        self.complete[row].then(|| self.columns.iter().map(move |column| column[row]))
    }

    /// `None` in place of what was computed for rows that lack a feature.
    pub fn where_complete<T>(&self, values: Vec<T>) -> Vec<Option<T>> {
        let both = values.into_iter().zip(&self.complete);
        both.map(|(value, complete)| complete.then_some(value))
            .collect()
    }
}

/// The error for an infinity among the features.
pub fn infinite_feature(function: &str, name: &str) -> Error {
    Error::data(
        function,
        format!("feature '{name}' holds an infinite value; filter or replace it (NULL is missing)"),
    )
}
