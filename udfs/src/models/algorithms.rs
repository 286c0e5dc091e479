//! The algorithms of `fit`, one line each.

use crate::error::Result;
use crate::models::least_squares;
use crate::models::training::{Algorithm, Fitted};
use crate::options::Options;
use crate::statistics::least_squares::Problem;

/// An algorithm that needs no more of the rows than a triangular factor.
pub struct FactorAlgorithm {
    /// As `fit` takes it.
    pub name: &'static str,
    /// The options that it reads; any other is refused.
    pub options: &'static [&'static str],
    /// Fits at least one row.
    pub fit: fn(&Reduction<'_>, &Options) -> Result<Fitted>,
}

/// What the rows were reduced to.
pub struct Reduction<'a> {
    /// The factor of `[1 X y]`, rows scaled by the roots of their weights.
    pub problem: Problem<'a>,
    /// The features' names.
    pub names: &'a [String],
    /// The sum of the weights; the number of rows without any.
    pub weight: f64,
}

/// One entry of the list.
#[derive(Clone, Copy)]
pub enum Entry {
    /// Keeps O(features²) numbers.
    Factor(&'static FactorAlgorithm),
    /// Keeps the rows.
    Rows(&'static Algorithm),
}

impl Entry {
    /// As `fit` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Factor(algorithm) => algorithm.name,
            Self::Rows(algorithm) => algorithm.name,
        }
    }

    /// The options that it reads.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Factor(algorithm) => algorithm.options,
            Self::Rows(algorithm) => algorithm.options,
        }
    }

    /// Whether a row with a missing feature trains.
    pub fn takes_missing(self) -> bool {
        match self {
            Self::Factor(_) => false,
            Self::Rows(algorithm) => algorithm.takes_missing,
        }
    }

    /// Whether features may be text.
    pub fn takes_categories(self) -> bool {
        match self {
            Self::Factor(_) => false,
            Self::Rows(algorithm) => algorithm.takes_categories,
        }
    }
}

/// Every algorithm. The option `algorithm` of `fit` has the same names.
pub static ALL: &[Entry] = &[
    Entry::Factor(&least_squares::OLS),
    Entry::Factor(&least_squares::RIDGE),
];

/// The algorithm of that name.
pub fn named(name: &str) -> Option<Entry> {
    ALL.iter().copied().find(|entry| entry.name() == name)
}
