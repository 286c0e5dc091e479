//! The algorithms of `fit`, one line each.

use faer::Mat;

use crate::error::Result;
use crate::models::training::{Algorithm, FeatureColumn, Fitted, Training};
use crate::models::{elastic_net, gbdt, least_squares, naive_bayes, neighbors, pls, support_vectors};
use crate::options::Options;
use crate::statistics::least_squares::Problem;
use crate::statistics::triangle::Triangle;

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

    /// Whether its models are weighted sums of features.
    pub fn is_linear(self) -> bool {
        let others = ["knn", "svr", "svc", "naive_bayes"];
        !self.is_trees() && !others.contains(&self.name())
    }

    /// Whether its models are sums of trees.
    pub fn is_trees(self) -> bool {
        ["gbdt", "random_forest", "extra_trees"].contains(&self.name())
    }

    /// Fits rows that are at hand, of which there is at least one.
    pub fn fit(self, training: &Training<'_>, options: &Options) -> Result<Fitted> {
        let algorithm = match self {
            Self::Rows(algorithm) => return (algorithm.fit)(training, options),
            Self::Factor(algorithm) => algorithm,
        };
        let intercept = options.flag("intercept");
        let factor = factor(training, intercept);
        let weights = training.weights;
        let reduction = Reduction {
            problem: Problem {
                factor: factor.as_ref(),
                intercept,
                rows: training.target.len() as u64,
            },
            names: training.names,
            weight: weights.map_or(training.target.len() as f64, |w| w.iter().sum()),
        };
        (algorithm.fit)(&reduction, options)
    }
}

/// The factor of `[1 X y]`, rows scaled by the roots of their weights.
fn factor(training: &Training<'_>, intercept: bool) -> Mat<f64> {
    /// Rows that are factored at once.
    const BLOCK: usize = 4096;
    let numbers = training.columns.iter().map(|column| match column {
        FeatureColumn::Numbers(numbers) => *numbers,
        FeatureColumn::Categories { .. } => &[],
    });
    let columns: Vec<&[f64]> = numbers.chain([training.target]).collect();
    let first = usize::from(intercept);
    let width = first + columns.len();
    let mut triangle = Triangle::new(width);
    let rows = training.target.len();
    let block = BLOCK.max(2 * width);
    for start in (0..rows).step_by(block) {
        let range = start..(start + block).min(rows);
        let root = |row: usize| training.weights.map_or(1.0, |weights| weights[row].sqrt());
        let value = |i: usize, row: usize| match i.checked_sub(first) {
            None => root(row),
            Some(column) => columns[column][row] * root(row),
        };
        if triangle.takes_block(range.len()) {
            triangle.push_block(range.len(), |i, out| {
                out.extend(range.clone().map(|row| value(i, row)));
            });
        } else {
            for row in range {
                triangle.push((0..width).map(|i| value(i, row)));
            }
        }
    }
    triangle.factor()
}

/// Every algorithm. The option `algorithm` of `fit` has the same names.
pub static ALL: &[Entry] = &[
    Entry::Factor(&least_squares::OLS),
    Entry::Factor(&least_squares::RIDGE),
    Entry::Factor(&elastic_net::LASSO),
    Entry::Factor(&elastic_net::ELASTIC_NET),
    Entry::Rows(&gbdt::GBDT),
    Entry::Rows(&gbdt::RANDOM_FOREST),
    Entry::Rows(&gbdt::EXTRA_TREES),
    Entry::Factor(&pls::PLS),
    Entry::Rows(&neighbors::KNN),
    Entry::Rows(&support_vectors::SVR),
    Entry::Rows(&support_vectors::SVC),
    Entry::Rows(&naive_bayes::NAIVE_BAYES),
];

/// The algorithm of that name.
pub fn named(name: &str) -> Option<Entry> {
    ALL.iter().copied().find(|entry| entry.name() == name)
}
