//! What an algorithm that looks at rows is given, and what it returns.

use crate::error::Result;
use crate::models::Body;
use crate::options::Options;

/// A feature of the rows.
#[derive(Debug, Clone, Copy)]
pub enum FeatureColumn<'a> {
    /// Numbers; NaN is missing, nothing is infinite.
    Numbers(&'a [f64]),
    /// The same in single precision, of algorithms that read the option `precision`.
    Singles(&'a [f32]),
    /// Codes of categories, [`NO_CATEGORY`] where it is missing.
    Categories {
        /// A code per row.
        codes: &'a [u32],
        /// The category of each code, ascending.
        names: &'a [String],
    },
}

impl FeatureColumn<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Singles(values) => values.len(),
            Self::Categories { codes, .. } => codes.len(),
        }
    }
}

/// The code of a missing category.
pub const NO_CATEGORY: u32 = u32::MAX;

/// The rows of a fit, in any order: a model must not depend on it.
#[derive(Debug, Clone)]
pub struct Training<'a> {
    /// The features' names.
    pub names: &'a [String],
    /// Their columns. Without a missing value unless the algorithm takes them.
    pub columns: Vec<FeatureColumn<'a>>,
    /// What is predicted; never NaN.
    pub target: &'a [f64],
    /// Weights above 0, in any unit; `None`: all alike.
    pub weights: Option<&'a [f64]>,
    /// The rows' times as numbers, never NaN; groups of a ranking, order of a
    /// series.
    pub times: Option<&'a [f64]>,
    /// Rows that judge when to stop and do not train.
    pub validation: Option<&'a [bool]>,
}

/// Whether these options of `fit` keep features in single precision.
pub fn is_single(options: &Options) -> bool {
    options.text("precision") == "single"
}

/// A value as it is kept in single precision, if it is.
pub fn kept(single: bool, value: f64) -> f64 {
    if single { f64::from(value as f32) } else { value }
}

/// What an algorithm made of the rows.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The parameters.
    pub body: Body,
    /// `ok`, or what is remarkable.
    pub status: String,
    /// What the fit measured of itself, by name: losses, iterations.
    pub metrics: Vec<(&'static str, f64)>,
}

/// An algorithm that looks at all rows at once.
pub struct Algorithm {
    /// As `fit` takes it.
    pub name: &'static str,
    /// The options that it reads; any other is refused.
    pub options: &'static [&'static str],
    /// Whether a row with a missing feature trains.
    pub takes_missing: bool,
    /// Whether features may be text.
    pub takes_categories: bool,
    /// Fits at least one row.
    pub fit: fn(&Training<'_>, &Options) -> Result<Fitted>,
    /// Does once what fits of the same rows under different options share.
    pub prepare: Option<Prepare>,
}

/// Prepares rows for fits under options like these.
pub type Prepare = fn(&Training<'_>, &Options) -> Result<Box<dyn Prepared>>;

/// What fits of the same rows under different options share, such as bins.
pub trait Prepared: Send + Sync {
    /// Fits the rows that were prepared, which are passed again. The model is the
    /// one that a fit without preparation makes, to the last bit.
    fn fit(&self, training: &Training<'_>, options: &Options) -> Result<Fitted>;
}
