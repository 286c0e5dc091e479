//! The algorithms of `fit`, one line each.

use faer::Mat;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::models::canonical_rows::numeric_columns;
use crate::models::preparation::{self, Preparation};
use crate::models::training::{Algorithm, FeatureColumn, Fitted, Prepared, Training};
use crate::models::{
    elastic_net, gbdt, huber, least_squares, logistic, naive_bayes, neighbors, pls, quantile,
    support_vectors,
};
use crate::options::Options;
use crate::statistics::least_squares::Problem;
use crate::statistics::triangle::Triangle;
use crate::statistics::weighted_moments::{MOST_ROWS, WeightedMoments};

/// An algorithm that needs no more of the rows than a triangular factor.
pub struct FactorAlgorithm {
    /// As `fit` takes it.
    pub name: &'static str,
    /// The options that it reads; any other is refused.
    pub options: &'static [&'static str],
    /// Fits at least one row.
    pub fit: fn(&Reduction<'_>, &Options) -> Result<Fitted>,
    /// What options may ask for instead; the first that is asked for counts.
    pub ways: &'static [Way],
}

/// Another way to fit than from a triangular factor.
pub struct Way {
    /// Whether the options ask for it.
    pub asked: fn(&Options) -> bool,
    /// How it is done.
    pub fit: WayFit,
}

/// What a way needs of the rows, and how it fits at least one of them.
#[derive(Clone, Copy)]
pub enum WayFit {
    /// Their moments: less work than the factor, and fewer digits.
    Moments(fn(&MomentsReduction<'_>, &Options) -> Result<Fitted>),
    /// All of them.
    Rows(fn(&Training<'_>, &Options) -> Result<Fitted>),
}

/// The moments of the rows.
pub struct MomentsReduction<'a> {
    /// Of the features and then the target, about the means if there is an
    /// intercept; nothing is still collected.
    pub moments: &'a WeightedMoments,
    /// Whether there is one.
    pub intercept: bool,
    /// Rows, at least 1.
    pub rows: u64,
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

    /// What the options ask for instead of a factor.
    pub fn way(self, options: &Options) -> Option<WayFit> {
        match self {
            Self::Factor(algorithm) => {
                let mut ways = algorithm.ways.iter();
                ways.find(|way| (way.asked)(options)).map(|way| way.fit)
            }
            Self::Rows(_) => None,
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

    /// Fits rows that are at hand, of which there is at least one; what is done to
    /// their features first is learnt on them.
    pub fn fit(self, training: &Training<'_>, options: &Options) -> Result<(Fitted, Preparation)> {
        if preparation::steps(options)?.is_empty() {
            return Ok((
                self.fit_prepared(training, options)?,
                Preparation::default(),
            ));
        }
        let (preparation, columns) = learnt(training, options)?;
        let fitted = self.fit_prepared(&with_columns(training, &columns), options)?;
        Ok((fitted, preparation))
    }

    fn fit_prepared(self, training: &Training<'_>, options: &Options) -> Result<Fitted> {
        match self {
            Self::Rows(algorithm) => (algorithm.fit)(training, options),
            Self::Factor(algorithm) => {
                Shared::of(algorithm, training, options).fit(training, options)
            }
        }
    }

    /// Does once what fits of these rows under other options share.
    pub fn ready(self, training: &Training<'_>, options: &Options) -> Result<Ready> {
        let steps = preparation::Choice::of(options);
        let learnt = match preparation::steps(options)?.is_empty() {
            true => None,
            false => Some(learnt(training, options)?),
        };
        let shared = match &learnt {
            None => self.shared(training, options)?,
            Some((_, columns)) => self.shared(&with_columns(training, columns), options)?,
        };
        Ok(Ready {
            entry: self,
            steps,
            learnt,
            shared,
        })
    }

    fn shared(self, training: &Training<'_>, options: &Options) -> Result<Box<dyn Prepared>> {
        match self {
            Self::Factor(algorithm) => Ok(Box::new(Shared::of(algorithm, training, options))),
            Self::Rows(algorithm) => match algorithm.prepare {
                Some(prepare) => prepare(training, options),
                None => Ok(Box::new(Unshared(algorithm))),
            },
        }
    }
}

/// Rows that are ready for fits under different options.
pub struct Ready {
    entry: Entry,
    steps: preparation::Choice,
    /// What is done to features first, and the columns that come of it.
    learnt: Option<(Preparation, Vec<Vec<f64>>)>,
    shared: Box<dyn Prepared>,
}

impl Ready {
    /// [`Entry::fit`] of the same rows.
    pub fn fit(&self, training: &Training<'_>, options: &Options) -> Result<(Fitted, Preparation)> {
        if preparation::Choice::of(options) != self.steps {
            return self.entry.fit(training, options);
        }
        match &self.learnt {
            None => Ok((self.shared.fit(training, options)?, Preparation::default())),
            Some((preparation, columns)) => {
                let fitted = self.shared.fit(&with_columns(training, columns), options)?;
                Ok((fitted, preparation.clone()))
            }
        }
    }
}

/// What is done to the features, learnt on the rows that train, and all columns
/// after it.
///
/// # Errors
/// A feature of text, which has no numbers to prepare.
fn learnt(training: &Training<'_>, options: &Options) -> Result<(Preparation, Vec<Vec<f64>>)> {
    let mut columns: Vec<&[f64]> = Vec::with_capacity(training.columns.len());
    for (column, name) in training.columns.iter().zip(training.names) {
        match column {
            FeatureColumn::Numbers(numbers) => columns.push(numbers),
            FeatureColumn::Singles(_) => {
                let fix = "leave it out, or 'prepare', which works in double precision";
                return Err(Error::argument("fit", "precision", "'single'", fix));
            }
            FeatureColumn::Categories { .. } => {
                let message = format!(
                    "feature '{name}' is text, which 'prepare' does not take; leave one of them out"
                );
                return Err(Error::data("fit", message));
            }
        }
    }
    let trains = |row: &usize| !training.validation.is_some_and(|marks| marks[*row]);
    let preparation = match training.validation {
        None => Preparation::learn(options, training.names, &columns)?,
        Some(_) => {
            let of = |column: &&[f64]| -> Vec<f64> {
                (0..column.len())
                    .filter(trains)
                    .map(|row| column[row])
                    .collect()
            };
            let chosen: Vec<Vec<f64>> = columns.iter().map(of).collect();
            let chosen: Vec<&[f64]> = chosen.iter().map(Vec::as_slice).collect();
            Preparation::learn(options, training.names, &chosen)?
        }
    };
    let columns = preparation.apply(&columns);
    Ok((preparation, columns))
}

/// The same rows with other values of their features.
fn with_columns<'a>(training: &Training<'a>, columns: &'a [Vec<f64>]) -> Training<'a> {
    let columns = columns.iter().map(|column| FeatureColumn::Numbers(column));
    Training {
        columns: columns.collect(),
        ..training.clone()
    }
}

/// An algorithm whose fits share nothing.
struct Unshared(&'static Algorithm);

impl Prepared for Unshared {
    fn fit(&self, training: &Training<'_>, options: &Options) -> Result<Fitted> {
        (self.0.fit)(training, options)
    }
}

/// What rows were reduced to, for fits that need the same.
struct Shared {
    algorithm: &'static FactorAlgorithm,
    intercept: bool,
    reduced: Reduced,
}

enum Reduced {
    Factor(Mat<f64>),
    Moments(WeightedMoments),
    /// Not at all.
    Rows,
}

impl Shared {
    fn of(algorithm: &'static FactorAlgorithm, training: &Training<'_>, options: &Options) -> Self {
        let intercept = options.flag("intercept");
        let reduced = match Entry::Factor(algorithm).way(options) {
            Some(WayFit::Rows(_)) => Reduced::Rows,
            Some(WayFit::Moments(_)) => {
                let all: Vec<u32> = (0..training.target.len() as u32).collect();
                Reduced::Moments(moments(training, intercept, &all))
            }
            None => Reduced::Factor(factor(training, intercept)),
        };
        Self {
            algorithm,
            intercept,
            reduced,
        }
    }
}

impl Prepared for Shared {
    fn fit(&self, training: &Training<'_>, options: &Options) -> Result<Fitted> {
        let rows = training.target.len();
        let way = Entry::Factor(self.algorithm).way(options);
        let same_intercept = options.flag("intercept") == self.intercept;
        match (way, &self.reduced) {
            (Some(WayFit::Rows(fit)), _) => fit(training, options),
            (Some(WayFit::Moments(fit)), Reduced::Moments(moments)) if same_intercept => {
                let reduction = MomentsReduction {
                    moments,
                    intercept: self.intercept,
                    rows: rows as u64,
                };
                fit(&reduction, options)
            }
            (None, Reduced::Factor(factor)) if same_intercept => {
                let weights = training.weights;
                let reduction = Reduction {
                    problem: Problem {
                        factor: factor.as_ref(),
                        intercept: self.intercept,
                        rows: rows as u64,
                    },
                    names: training.names,
                    weight: weights.map_or(rows as f64, |weights| weights.iter().sum()),
                };
                (self.algorithm.fit)(&reduction, options)
            }
            // These options need another reduction.
            _ => Self::of(self.algorithm, training, options).fit(training, options),
        }
    }
}

/// The moments of the features and the target in these rows.
pub fn moments(training: &Training<'_>, intercept: bool, rows: &[u32]) -> WeightedMoments {
    /// Blocks that one task multiplies.
    const TASK: usize = 32 * MOST_ROWS;
    let columns: Vec<&[f64]> = numeric_columns(training)
        .into_iter()
        .chain([training.target])
        .collect();
    let part = |rows: &[u32]| {
        let mut moments = WeightedMoments::new(columns.len(), intercept);
        for block in rows.chunks(MOST_ROWS) {
            let chosen = |column: &[f64], out: &mut Vec<f64>| match block {
                // Neighbours, as they are if the rows came in the order of time.
                [first, .., last] if (last - first) as usize == block.len() - 1 => {
                    out.extend_from_slice(&column[*first as usize..=*last as usize]);
                }
                _ => out.extend(block.iter().map(|&row| column[row as usize])),
            };
            let weights = training.weights.map(|all| {
                let mut weights = Vec::with_capacity(block.len());
                chosen(all, &mut weights);
                weights
            });
            moments.push_block(block.len(), weights.as_deref(), |i, out| {
                chosen(columns[i], out);
            });
        }
        moments
    };
    let parts: Vec<WeightedMoments> = rows.par_chunks(TASK).map(part).collect();
    let mut all = WeightedMoments::new(columns.len(), intercept);
    for part in &parts {
        all.merge(part);
    }
    all
}

/// The factor of `[1 X y]`, rows scaled by the roots of their weights.
pub fn factor(training: &Training<'_>, intercept: bool) -> Mat<f64> {
    /// Rows that are factored at once.
    const BLOCK: usize = 4096;
    let numbers = training.columns.iter().map(|column| match column {
        FeatureColumn::Numbers(numbers) => *numbers,
        FeatureColumn::Singles(_) | FeatureColumn::Categories { .. } => &[],
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
    Entry::Rows(&logistic::LOGISTIC),
    Entry::Rows(&huber::HUBER),
    Entry::Rows(&quantile::QUANTILE),
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
