//! Fitted models: what they hold, how they predict, and how they are stored.

mod format;
pub mod gbdt;
pub mod importance;
mod linear;
pub mod training;
pub mod trees;

use std::cell::RefCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use format::is_model;
pub use linear::{Coefficient, Linear};

use crate::error::{Error, Result};
use crate::input::{Features, Numbers, Rows};

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
}

/// The parameters of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// A weighted sum of features.
    Linear(Linear),
    /// Sums of leaves of decision trees.
    Trees(trees::Trees),
}

impl Body {
    /// The parameters of a linear model, if it is one.
    pub fn linear(&self) -> Option<&Linear> {
        match self {
            Self::Linear(linear) => Some(linear),
            Self::Trees(_) => None,
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    header: Header,
    body: Body,
}

impl Model {
    /// Joins a header and the parameters it describes.
    pub fn new(header: Header, body: Body) -> Self {
        Self { header, body }
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

    /// A prediction per row of complete features, given in the model's order.
    pub fn predict_complete(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        match &self.body {
            Body::Linear(linear) => linear.predict(features, rows),
            Body::Trees(_) => vec![f64::NAN; rows],
        }
    }

    /// A prediction per selected row; `None` where a feature is missing.
    ///
    /// # Errors
    /// A feature of the model that the struct lacks or that is not numeric, and
    /// an infinite value.
    pub fn predict(
        &self,
        function: &str,
        features: &Features<'_>,
        rows: Rows<'_>,
    ) -> Result<Vec<Option<f64>>> {
        let columns = self.match_features(function, features)?;
        let count = rows.len();
        let mut values = Vec::with_capacity(columns.len());
        let mut complete = vec![true; count];
        for (column, name) in columns.iter().zip(&self.header.features) {
            let mut copy = Vec::with_capacity(count);
            column.copy_rows(rows, &mut copy);
            for (value, complete) in copy.iter_mut().zip(&mut complete) {
                if value.is_nan() {
                    *complete = false;
                    *value = 0.0;
                } else if value.is_infinite() {
                    return Err(infinite_feature(function, name));
                }
            }
            values.push(copy);
        }
        let slices: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let predictions = self.predict_complete(&slices, count);
        Ok(predictions
            .into_iter()
            .zip(complete)
            .map(|(prediction, complete)| complete.then_some(prediction))
            .collect())
    }

    /// The columns of the struct in the order of the model, found by name.
    pub(crate) fn match_features<'f, 'a>(
        &self,
        function: &str,
        features: &'f Features<'a>,
    ) -> Result<Vec<&'f Numbers<'a>>> {
        let find = |name: &String| {
            let field = features.fields.iter().find(|field| field.name == *name);
            let Some(field) = field else {
                let names: Vec<&str> = features.names().collect();
                let near = crate::error::nearest(name, &names)
                    .map(|near| format!(" (it has '{near}')"))
                    .unwrap_or_default();
                return Err(Error::data(
                    function,
                    format!(
                        "the model needs feature '{name}', which the struct lacks{near}; add it"
                    ),
                ));
            };
            field.numbers.as_ref().ok_or_else(|| {
                Error::data(
                    function,
                    format!(
                        "feature '{name}' is {}, the model was fitted on numbers; cast it",
                        field.type_name
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

    /// As [`Model::read`], remembering the last few models of this thread: a
    /// query reads the same model for every batch.
    pub fn read_cached(bytes: &[u8]) -> Result<Arc<Self>> {
        const REMEMBERED: usize = 16;
        type Entry = (Vec<u8>, Arc<Model>);
        thread_local! {
            static RECENT: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
        }
        RECENT.with_borrow_mut(|recent| {
            if let Some((_, model)) = recent.iter().find(|(known, _)| known == bytes) {
                return Ok(Arc::clone(model));
            }
            let model = Arc::new(Self::read(bytes)?);
            if recent.len() == REMEMBERED {
                recent.remove(0);
            }
            recent.push((bytes.to_vec(), Arc::clone(&model)));
            Ok(model)
        })
    }
}

/// The error for an infinity among the features.
pub fn infinite_feature(function: &str, name: &str) -> Error {
    Error::data(
        function,
        format!("feature '{name}' holds an infinite value; filter or replace it (NULL is missing)"),
    )
}
