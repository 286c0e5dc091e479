//! How much each feature matters to a model, fold by fold: what is measured,
//! and what a model must offer to be measured. The folds come from
//! [`crate::time::folds`], so nothing is measured on rows that trained.
//!
//! A new algorithm joins by a [`Learner`] and its [`FoldModel`]; the methods
//! and their summary over the folds are here and know no algorithm.

mod clusters;
mod fitted;
mod linear;
mod summary;

use rayon::prelude::*;

pub use summary::{Entry, Report};

use crate::error::Result;
use crate::models::{algorithms, preparation};
use crate::options::Options;
use crate::statistics::pair_moments::PairMoments;
use crate::statistics::random::Random;
use crate::time::folds::Fold;

/// A way to measure importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// How much worse the test rows are predicted when the feature is shuffled
    /// in them (Breiman, Random Forests, Machine Learning 45, 2001, section 10).
    Permutation,
    /// Standard deviations of the target per standard deviation of the feature.
    Coefficient,
    /// How well the feature alone predicts the test rows (López de Prado,
    /// Advances in Financial Machine Learning, 2018, section 8.4.1).
    SingleFeature,
    /// The loss that a tree model's splits on the feature saved in training.
    Gain,
    /// How many splits of a tree model use the feature.
    Split,
    /// The weight of the training rows that a tree model's splits on the feature
    /// tell apart.
    Cover,
    /// The mean |Shapley value| over the test rows (Lundberg and Lee, A Unified
    /// Approach to Interpreting Model Predictions, 2017).
    Shap,
}

impl Method {
    /// Every method with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("permutation", Self::Permutation),
        ("coefficient", Self::Coefficient),
        ("single_feature", Self::SingleFeature),
        ("gain", Self::Gain),
        ("split", Self::Split),
        ("cover", Self::Cover),
        ("shap", Self::Shap),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, method)| *method == self);
        known.map_or("", |(name, _)| name)
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, method)| *method)
    }
}

/// How predictions are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The mean squared error.
    Mse,
    /// The information coefficient: Pearson's correlation with the target; 0
    /// for a constant prediction.
    Ic,
}

/// Columns of which folds name the rows; complete in those.
pub struct Sample<'a> {
    /// The features' names.
    pub names: Vec<&'a str>,
    /// Their columns.
    pub columns: Vec<&'a [f64]>,
    /// What is predicted.
    pub target: &'a [f64],
}

impl Sample<'_> {
    fn targets(&self, rows: &[u32]) -> Vec<f64> {
        rows.iter().map(|&row| self.target[row as usize]).collect()
    }
}

/// An algorithm.
pub trait Learner: Sync {
    /// As `fit` takes it.
    fn name(&self) -> &'static str;

    /// Whether its models can tell this.
    fn has(&self, method: Method) -> bool;

    /// A model of the given rows, of which there is at least one.
    fn fit(&self, sample: &Sample<'_>, train: &[u32]) -> Result<Box<dyn FoldModel>>;

    /// A model per fold; for algorithms that share work between folds.
    fn fit_folds(&self, sample: &Sample<'_>, folds: &[Fold]) -> Result<Vec<Box<dyn FoldModel>>> {
        let models = folds.par_iter().map(|fold| self.fit(sample, &fold.train));
        models.collect()
    }
}

/// The model of one fold. Features are numbers of columns of the sample.
pub trait FoldModel: Send + Sync {
    /// A prediction per row.
    fn predict(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64>;

    /// What is added to the predictions of `rows` when these features take
    /// their values from `donors`, one per row.
    fn change(
        &self,
        sample: &Sample<'_>,
        rows: &[u32],
        features: &[usize],
        donors: &[u32],
    ) -> Vec<f64>;

    /// What the training says of each feature, by a method that looks at no
    /// test row: `Coefficient`, `Gain`, `Split`. `None` if it is undefined.
    fn built_in(&self, method: Method) -> Option<Vec<f64>>;

    /// The mean |Shapley value| of each feature over `rows`.
    fn shap(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64>;

    /// The same algorithm on the same training rows and these features alone.
    fn refit(
        &self,
        sample: &Sample<'_>,
        train: &[u32],
        features: &[usize],
    ) -> Result<Box<dyn FoldModel>>;

    /// Features that repeat others in the training rows, or are constant.
    fn redundant(&self) -> &[usize];
}

/// The learner of an algorithm with checked options.
pub fn learner(entry: algorithms::Entry, options: Options) -> Box<dyn Learner> {
    // Least squares shares work between folds and subsets of features.
    match entry.name() {
        _ if !preparation::Choice::of(&options).is_none() => {
            Box::new(fitted::Fitting::new(entry, options))
        }
        "ols" => Box::new(linear::LeastSquares::ordinary()),
        "ridge" => Box::new(linear::LeastSquares::ridge(options.number_or("alpha", 1.0))),
        _ => Box::new(fitted::Fitting::new(entry, options)),
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Request {
    /// How.
    pub methods: Vec<Method>,
    /// Of permutation and single feature.
    pub metric: Metric,
    /// Permutations per fold and feature.
    pub repeats: u64,
    /// Rows that stay together in a permutation.
    pub block: usize,
    /// Of the permutations.
    pub seed: u64,
    /// Features whose correlation is above it are measured together.
    pub max_correlation: Option<f64>,
}

/// Features that are measured together: one, or a cluster.
struct Unit {
    /// Ascending.
    features: Vec<usize>,
    /// From 1.
    cluster: Option<usize>,
}

/// Measures every feature by every method. Folds without training rows are left
/// out. Test rows are permuted in the order in which the folds name them.
pub fn measure(
    learner: &dyn Learner,
    sample: &Sample<'_>,
    folds: &[Fold],
    request: &Request,
) -> Result<Report> {
    let folds: Vec<Fold> = folds
        .iter()
        .filter(|fold| !fold.train.is_empty() && !fold.test.is_empty())
        .cloned()
        .collect();
    let alone = || {
        let unit = |feature| Unit {
            features: vec![feature],
            cluster: None,
        };
        (0..sample.columns.len()).map(unit).collect()
    };
    let units = match (request.max_correlation, folds.first()) {
        (Some(limit), Some(first)) => clusters::of(sample, &first.train, limit),
        _ => alone(),
    };
    let models = learner.fit_folds(sample, &folds)?;
    // [fold][method][unit]
    let values = folds
        .iter()
        .zip(&models)
        .enumerate()
        .map(|(number, (fold, model))| {
            let measured = Measured::new(sample, fold, model.as_ref(), request, number);
            let methods = request.methods.iter();
            methods.map(|method| measured.by(*method, &units)).collect()
        })
        .collect::<Result<Vec<Vec<Vec<Option<f64>>>>>>()?;
    let mut redundant: Vec<usize> = models.iter().flat_map(|m| m.redundant()).copied().collect();
    redundant.sort_unstable();
    redundant.dedup();
    Ok(summary::report(
        sample, &folds, request, &units, &values, &redundant,
    ))
}

/// One fold with its model, and what the methods share.
struct Measured<'a> {
    sample: &'a Sample<'a>,
    fold: &'a Fold,
    model: &'a dyn FoldModel,
    request: &'a Request,
    number: usize,
    actual: Vec<f64>,
    predicted: Vec<f64>,
}

impl<'a> Measured<'a> {
    fn new(
        sample: &'a Sample<'a>,
        fold: &'a Fold,
        model: &'a dyn FoldModel,
        request: &'a Request,
        number: usize,
    ) -> Self {
        Self {
            sample,
            fold,
            model,
            request,
            number,
            actual: sample.targets(&fold.test),
            predicted: model.predict(sample, &fold.test),
        }
    }

    /// A value per unit.
    fn by(&self, method: Method, units: &[Unit]) -> Result<Vec<Option<f64>>> {
        Ok(match method {
            Method::Permutation => {
                let drop = Drop::of(self.request.metric, &self.actual, &self.predicted);
                let drops = units.par_iter().map(|unit| self.permutation(unit, &drop));
                drops.collect()
            }
            Method::SingleFeature => {
                let scores = units.par_iter().map(|unit| self.alone(unit));
                scores.collect::<Result<_>>()?
            }
            Method::Shap => sums(units, Some(&self.model.shap(self.sample, &self.fold.test))),
            Method::Coefficient | Method::Gain | Method::Split | Method::Cover => {
                sums(units, self.model.built_in(method).as_deref())
            }
        })
    }

    /// The mean drop over the repeats.
    fn permutation(&self, unit: &Unit, drop: &Option<Drop<'_>>) -> Option<f64> {
        let drop = drop.as_ref()?;
        // The name, not the number, decides: the order of features does not
        // matter.
        let name = self.sample.names[unit.features[0]];
        let repeats = self.request.repeats;
        let test = &self.fold.test;
        let drops = (0..repeats).map(|repeat| {
            let number = self.number as u64 * repeats + repeat;
            let mut random = Random::stream(self.request.seed, name, number);
            let donors = block_permutation(test, self.request.block, &mut random);
            let change = self
                .model
                .change(self.sample, test, &unit.features, &donors);
            drop.after(&change)
        });
        Some(drops.sum::<f64>() / repeats as f64)
    }

    fn alone(&self, unit: &Unit) -> Result<Option<f64>> {
        let model = self
            .model
            .refit(self.sample, &self.fold.train, &unit.features)?;
        let predicted = model.predict(self.sample, &self.fold.test);
        let moments = PairMoments::of(&self.actual, &predicted);
        Ok(varies(&self.actual).then(|| match self.request.metric {
            Metric::Ic => moments.correlation().unwrap_or(0.0),
            Metric::Mse => 1.0 - moments.squared_error / moments.squares[0],
        }))
    }
}

/// The value of each unit from those of its features: the value itself, or the
/// sum of sizes over a cluster.
fn sums(units: &[Unit], values: Option<&[f64]>) -> Vec<Option<f64>> {
    let of = |unit: &Unit| {
        let values = values?;
        let members = unit.features.iter();
        Some(match unit.cluster {
            None => values[unit.features[0]],
            Some(_) => members.map(|&feature| values[feature].abs()).sum(),
        })
    };
    units.iter().map(of).collect()
}

/// Whether the values differ by more than rounding.
fn varies(values: &[f64]) -> bool {
    PairMoments::of(values, values).correlation().is_some()
}

/// How much worse predictions become.
enum Drop<'a> {
    Mse {
        residuals: Vec<f64>,
        squares: f64,
    },
    Ic {
        actual: &'a [f64],
        predicted: &'a [f64],
        base: f64,
    },
}

impl<'a> Drop<'a> {
    /// An error below this part of the target's spread is rounding: there is
    /// nothing to compare with.
    const EXACT: f64 = 1e-12;

    /// `None` if the error or the correlation of the predictions is undefined.
    fn of(metric: Metric, actual: &'a [f64], predicted: &'a [f64]) -> Option<Self> {
        let moments = PairMoments::of(actual, predicted);
        match metric {
            Metric::Mse => {
                let squares = moments.squared_error;
                let spread = moments.squares[0] + moments.n * moments.mean[0].powi(2);
                (squares > spread * Self::EXACT.powi(2)).then(|| Self::Mse {
                    residuals: actual.iter().zip(predicted).map(|(y, p)| y - p).collect(),
                    squares,
                })
            }
            Metric::Ic => varies(actual).then(|| Self::Ic {
                actual,
                predicted,
                base: moments.correlation().unwrap_or(0.0),
            }),
        }
    }

    /// The drop when `change` is added to the predictions.
    fn after(&self, change: &[f64]) -> f64 {
        match self {
            // Σ(e - d)² / Σe² - 1, without the difference of near numbers.
            Self::Mse { residuals, squares } => {
                let more = residuals.iter().zip(change).map(|(e, d)| d * (d - 2.0 * e));
                more.sum::<f64>() / squares
            }
            Self::Ic {
                actual,
                predicted,
                base,
            } => {
                let permuted: Vec<f64> = predicted.iter().zip(change).map(|(p, d)| p + d).collect();
                let after = PairMoments::of(actual, &permuted).correlation();
                base - after.unwrap_or(0.0)
            }
        }
    }
}

/// The rows in random order, blocks of `block` consecutive ones kept together.
fn block_permutation(rows: &[u32], block: usize, random: &mut Random) -> Vec<u32> {
    let mut permuted = Vec::with_capacity(rows.len());
    for i in random.permutation(rows.len().div_ceil(block)) {
        let start = i * block;
        permuted.extend_from_slice(&rows[start..(start + block).min(rows.len())]);
    }
    permuted
}

#[cfg(test)]
mod tests;
