//! Any algorithm of `fit`, fold by fold.

use super::{FoldModel, Learner, Method, Sample};
use crate::error::Result;
use crate::models::algorithms::Entry;
use crate::models::training::{FeatureColumn, Training, is_single, kept};
use crate::models::{Body, Header, Model};
use crate::options::Options;

/// The algorithm and its options.
#[derive(Clone)]
pub struct Fitting {
    entry: Entry,
    options: Options,
}

impl Fitting {
    /// With checked options.
    pub fn new(entry: Entry, options: Options) -> Self {
        Self { entry, options }
    }

    /// A model of these rows and columns of the sample.
    fn model(&self, sample: &Sample<'_>, train: &[u32], features: Vec<usize>) -> Result<Fitted> {
        let names: Vec<String> = features
            .iter()
            .map(|&i| sample.names[i].to_owned())
            .collect();
        let single = is_single(&self.options);
        let kept = |value: f64| kept(single, value);
        let columns: Vec<Vec<f64>> = features
            .iter()
            .map(|&i| chosen(sample.columns[i], train))
            .map(|column| column.into_iter().map(kept).collect())
            .collect();
        let target = chosen(sample.target, train);
        let training = Training {
            names: &names,
            columns: columns
                .iter()
                .map(|column| FeatureColumn::Numbers(column))
                .collect(),
            target: &target,
            weights: None,
            times: None,
            validation: None,
        };
        let (fitted, preparation) = self.entry.fit(&training, &self.options)?;
        // As the parameters take them.
        let seen = match preparation.is_empty() {
            true => columns,
            false => {
                let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                preparation.apply(&slices)
            }
        };
        let means = seen
            .iter()
            .map(|column| column.iter().sum::<f64>() / column.len() as f64);
        let means = means.collect();
        let header = Header {
            algorithm: self.entry.name().to_owned(),
            target: String::new(),
            features: names,
            parameters: serde_json::Value::Null,
            rows_used: train.len() as u64,
            rows_skipped: 0,
            status: fitted.status,
            library: String::new(),
            window: None,
            metrics: serde_json::Map::new(),
            feature_types: Vec::new(),
            preparation,
        };
        Ok(Fitted {
            fitting: self.clone(),
            model: Model::new(header, fitted.body),
            features,
            means,
        })
    }
}

fn chosen(column: &[f64], rows: &[u32]) -> Vec<f64> {
    rows.iter().map(|&row| column[row as usize]).collect()
}

impl Learner for Fitting {
    fn name(&self) -> &'static str {
        self.entry.name()
    }

    fn has(&self, method: Method) -> bool {
        match method {
            Method::Permutation | Method::SingleFeature => true,
            Method::Coefficient => self.entry.is_linear(),
            Method::Gain | Method::Split | Method::Cover => self.entry.is_trees(),
            Method::Shap => self.entry.is_linear() || self.entry.is_trees(),
        }
    }

    fn fit(&self, sample: &Sample<'_>, train: &[u32]) -> Result<Box<dyn FoldModel>> {
        let features = (0..sample.columns.len()).collect();
        Ok(Box::new(self.model(sample, train, features)?))
    }
}

/// The model of one fold.
struct Fitted {
    fitting: Fitting,
    model: Model,
    /// Columns of the sample, in the model's order.
    features: Vec<usize>,
    /// Of the features in the training rows.
    means: Vec<f64>,
}

impl Fitted {
    /// What the target is expected to be: of classes, their mean by probability.
    fn expected(&self, columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let classes = self.model.classes();
        match self.model.probabilities(&slices, rows) {
            None => self.model.predict_complete(&slices, rows),
            Some(probabilities) => {
                let rows = probabilities.chunks_exact(classes.len());
                let mean = |row: &[f64]| row.iter().zip(classes).map(|(p, class)| p * class).sum();
                rows.map(mean).collect()
            }
        }
    }

    fn columns(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<Vec<f64>> {
        self.features
            .iter()
            .map(|&i| chosen(sample.columns[i], rows))
            .collect()
    }
}

impl FoldModel for Fitted {
    fn predict(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64> {
        self.expected(&self.columns(sample, rows), rows.len())
    }

    fn change(
        &self,
        sample: &Sample<'_>,
        rows: &[u32],
        features: &[usize],
        donors: &[u32],
    ) -> Vec<f64> {
        let mut columns = self.columns(sample, rows);
        let before = self.expected(&columns, rows.len());
        for (column, feature) in columns.iter_mut().zip(&self.features) {
            if features.contains(feature) {
                *column = chosen(sample.columns[*feature], donors);
            }
        }
        let after = self.expected(&columns, rows.len());
        after
            .iter()
            .zip(before)
            .map(|(after, before)| after - before)
            .collect()
    }

    fn built_in(&self, method: Method) -> Option<Vec<f64>> {
        let count = self.features.len();
        match (method, self.model.body()) {
            (Method::Gain, Body::Trees(trees)) => Some(trees.gains(count)),
            (Method::Split, Body::Trees(trees)) => Some(trees.split_counts(count)),
            (Method::Cover, Body::Trees(trees)) => Some(trees.covers(count)),
            (Method::Coefficient, body) => {
                let coefficients = body.linear()?.coefficients.iter();
                Some(
                    coefficients
                        .map(|coefficient| coefficient.standardized)
                        .collect(),
                )
            }
            _ => None,
        }
    }

    fn shap(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64> {
        let columns = self.columns(sample, rows);
        let count = rows.len() as f64;
        if let Some(linear) = self.model.body().linear() {
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let preparation = &self.model.header().preparation;
            let columns = match preparation.is_empty() {
                true => columns,
                false => preparation.apply(&slices),
            };
            // Of features that are changed independently: Lundberg and Lee 2017,
            // corollary 1.
            let of = |((values, mean), weight): ((&Vec<f64>, &f64), f64)| {
                let sizes = values.iter().map(|value| (value - mean).abs());
                weight.abs() * sizes.sum::<f64>() / count
            };
            let weights = linear
                .coefficients
                .iter()
                .map(|coefficient| coefficient.value);
            return columns
                .iter()
                .zip(&self.means)
                .zip(weights)
                .map(of)
                .collect();
        }
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let outputs = self
            .model
            .body()
            .trees()
            .map_or(1, |trees| trees.outputs as usize);
        let mut sizes = vec![0.0; self.features.len()];
        for output in 0..outputs {
            let Some(values) = self.model.contributions(&slices, rows.len(), output) else {
                return sizes;
            };
            for row in values.chunks_exact(sizes.len() + 1) {
                for (size, value) in sizes.iter_mut().zip(&row[1..]) {
                    *size += value.abs();
                }
            }
        }
        sizes.iter().map(|size| size / count).collect()
    }

    fn refit(
        &self,
        sample: &Sample<'_>,
        train: &[u32],
        features: &[usize],
    ) -> Result<Box<dyn FoldModel>> {
        Ok(Box::new(self.fitting.model(
            sample,
            train,
            features.to_vec(),
        )?))
    }

    fn redundant(&self) -> &[usize] {
        &[]
    }
}
