//! What is minimised: losses, their derivatives, and where scores start.
//!
//! A score is a prediction before its link. Losses per row, with target `y` and
//! score `s`:
//!
//! - squared error `(y - s)^2 / 2`, absolute error `|y - s|`;
//! - Huber: `(y - s)^2 / 2` up to `delta`, `delta (|y - s| - delta / 2)` beyond;
//! - quantile `q`: `q (y - s)` if `y > s`, else `(1 - q) (s - y)`;
//! - logistic `ln(1 + e^s) - y s`, softmax `ln(sum_k e^{s_k}) - s_y`;
//! - Poisson `e^s - y s`.
//!
//! Absolute error, Huber and quantile have no useful second derivative: it is
//! taken as 1, and leaves of absolute error and quantile are renewed as the
//! median or quantile of what is left (Friedman 2001, section 4.3). Poisson's is
//! `e^{s + 0.7}`, which keeps steps short.

use rayon::prelude::*;

use super::fixed::exact_sum;
use super::rank::Groups;

const TASK: usize = 16_384;
/// By how much the second derivative of Poisson's loss is enlarged, as an exponent.
const POISSON_STEP: f64 = 0.7;

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Of numbers.
    SquaredError,
    /// Of numbers; predicts medians.
    AbsoluteError,
    /// Of numbers, with residuals beyond `delta` (in the target's unit) weighed less.
    Huber {
        /// Where the loss turns linear.
        delta: f64,
    },
    /// Predicts quantiles.
    Quantile {
        /// Which, from 0 to 1.
        level: f64,
    },
    /// Targets 0 and 1.
    Logistic,
    /// Targets 0, 1, ... below `classes`.
    Softmax {
        /// How many.
        classes: usize,
    },
    /// Counts, or any targets from 0.
    Poisson,
    /// Order within groups of equal time.
    LambdaRank,
}

/// Targets and weights of all rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels<'a> {
    pub target: &'a [f64],
    /// Of mean 1 over the training rows, 0 for others; `None`: all train, alike.
    pub weights: Option<&'a [f64]>,
}

impl Labels<'_> {
    fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }
}

/// First and second derivatives of the loss by the scores, per output and row.
#[derive(Debug)]
pub(super) struct Derivatives {
    pub first: Vec<Vec<f64>>,
    /// Empty where the second is 1.
    pub second: Vec<Vec<f64>>,
}

impl Derivatives {
    pub fn new(outputs: usize, rows: usize, with_second: bool) -> Self {
        Self {
            first: vec![vec![0.0; rows]; outputs],
            second: vec![vec![0.0; if with_second { rows } else { 0 }]; outputs],
        }
    }
}

impl Objective {
    /// Scores per row.
    pub fn outputs(self) -> usize {
        match self {
            Self::Softmax { classes } => classes,
            _ => 1,
        }
    }

    /// Whether the second derivative is 1 for every row of weight 1.
    pub(super) fn has_unit_hessian(self) -> bool {
        matches!(
            self,
            Self::SquaredError | Self::AbsoluteError | Self::Huber { .. } | Self::Quantile { .. }
        )
    }

    /// The quantile that a leaf is renewed with.
    pub(super) fn renewed_quantile(self) -> Option<f64> {
        match self {
            Self::AbsoluteError => Some(0.5),
            Self::Quantile { level } => Some(level),
            _ => None,
        }
    }

    /// The derivatives of one row with one score.
    #[inline(always)]
    pub(super) fn derivatives(self, score: f64, target: f64) -> (f64, f64) {
        match self {
            Self::SquaredError | Self::LambdaRank | Self::Softmax { .. } => (score - target, 1.0),
            Self::AbsoluteError => (sign(score - target), 1.0),
            Self::Huber { delta } => ((score - target).max(-delta).min(delta), 1.0),
            Self::Quantile { level } => {
                let first = if target > score { -level } else { 1.0 - level };
                (first, 1.0)
            }
            Self::Logistic => {
                let p = 1.0 / (1.0 + (-score).exp());
                (p - target, p * (1.0 - p))
            }
            Self::Poisson => {
                let mean = score.exp();
                (mean - target, mean * POISSON_STEP.exp())
            }
        }
    }

    /// The loss of one row.
    pub(super) fn loss(self, scores: &[Vec<f64>], row: usize, target: f64) -> f64 {
        let score = scores[0][row];
        let left = target - score;
        match self {
            Self::SquaredError => left * left / 2.0,
            Self::AbsoluteError => left.abs(),
            Self::Huber { delta } if left.abs() <= delta => left * left / 2.0,
            Self::Huber { delta } => delta * (left.abs() - delta / 2.0),
            Self::Quantile { level } => (level * left).max((level - 1.0) * left),
            Self::Logistic => softplus(score) - target * score,
            Self::Poisson => score.exp() - target * score,
            Self::Softmax { .. } => {
                let most = scores.iter().fold(f64::MIN, |most, s| most.max(s[row]));
                let sum: f64 = scores.iter().map(|s| (s[row] - most).exp()).sum();
                sum.ln() + most - scores[target as usize][row]
            }
            Self::LambdaRank => 0.0,
        }
    }

    /// The mean loss of rows; of a ranking, 1 less the mean NDCG.
    pub(super) fn mean_loss(
        self,
        scores: &[Vec<f64>],
        target: &[f64],
        weights: Option<&[f64]>,
        rows: &[u32],
        groups: Option<&Groups>,
    ) -> f64 {
        if let Some(groups) = groups {
            return 1.0 - groups.mean_ndcg(&scores[0]);
        }
        let weight = |row: u32| weights.map_or(1.0, |weights| weights[row as usize]);
        let losses: Vec<f64> = rows
            .par_iter()
            .map(|&row| weight(row) * self.loss(scores, row as usize, target[row as usize]))
            .collect();
        let total = exact_sum(rows.iter().map(|&row| weight(row)));
        exact_sum(losses.iter().copied()) / total
    }

    /// What scores start from: the best constant over the training rows.
    pub(super) fn base(self, labels: &Labels<'_>, train: &[u32]) -> Vec<f64> {
        let target = |row: u32| labels.target[row as usize];
        let total = exact_sum(train.iter().map(|&row| labels.weight(row)));
        let mean = |value: &dyn Fn(u32) -> f64| {
            let terms = train.iter().map(|&row| labels.weight(row) * value(row));
            exact_sum(terms) / total
        };
        match self {
            Self::SquaredError | Self::Huber { .. } => vec![mean(&target)],
            Self::AbsoluteError | Self::Quantile { .. } => {
                let level = self.renewed_quantile().unwrap_or(0.5);
                let pairs = train.iter().map(|&row| (target(row), labels.weight(row)));
                vec![quantile(pairs.collect(), level)]
            }
            Self::Logistic => {
                let p = mean(&target).clamp(1e-12, 1.0 - 1e-12);
                vec![(p / (1.0 - p)).ln()]
            }
            Self::Poisson => vec![mean(&target).max(1e-12).ln()],
            Self::LambdaRank => vec![0.0],
            Self::Softmax { classes } => (0..classes)
                .map(|class| {
                    let is_class = |row| f64::from(u8::from(target(row) == class as f64));
                    mean(&is_class).max(1e-12).ln()
                })
                .collect(),
        }
    }

    /// Fills in the derivatives of every row.
    pub(super) fn derive(
        self,
        scores: &[Vec<f64>],
        labels: &Labels<'_>,
        groups: Option<&Groups>,
        into: &mut Derivatives,
    ) {
        match self {
            Self::Softmax { .. } => derive_softmax(scores, labels, into),
            Self::LambdaRank => {
                if let Some(groups) = groups {
                    groups.derive(&scores[0], &mut into.first[0], &mut into.second[0]);
                }
            }
            // One loop each, so that each is compiled for its formula.
            Self::SquaredError => derive_rows(scores, labels, into, |s, y| {
                Self::SquaredError.derivatives(s, y)
            }),
            Self::Logistic => {
                derive_rows(scores, labels, into, |s, y| {
                    Self::Logistic.derivatives(s, y)
                });
            }
            other => derive_rows(scores, labels, into, move |s, y| other.derivatives(s, y)),
        }
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn derive_rows(
    scores: &[Vec<f64>],
    labels: &Labels<'_>,
    into: &mut Derivatives,
    derivatives: impl Fn(f64, f64) -> (f64, f64) + Sync,
) {
    let scores = &scores[0];
    let (first, second) = (&mut into.first[0], &mut into.second[0]);
    match labels.weights {
        None if second.is_empty() => first
            .par_chunks_mut(TASK)
            .zip(scores.par_chunks(TASK))
            .zip(labels.target.par_chunks(TASK))
            .for_each(|((first, scores), target)| {
                for ((first, &score), &target) in first.iter_mut().zip(scores).zip(target) {
                    *first = derivatives(score, target).0;
                }
            }),
        None => first
            .par_chunks_mut(TASK)
            .zip(second.par_chunks_mut(TASK))
            .zip(scores.par_chunks(TASK))
            .zip(labels.target.par_chunks(TASK))
            .for_each(|(((first, second), scores), target)| {
                let rows = first.iter_mut().zip(second).zip(scores).zip(target);
                for (((first, second), &score), &target) in rows {
                    (*first, *second) = derivatives(score, target);
                }
            }),
        Some(weights) => first
            .par_chunks_mut(TASK)
            .zip(second.par_chunks_mut(TASK))
            .enumerate()
            .for_each(|(task, (first, second))| {
                let rows = task * TASK..task * TASK + first.len();
                let inputs = scores[rows.clone()]
                    .iter()
                    .zip(&labels.target[rows.clone()])
                    .zip(&weights[rows]);
                for ((first, second), ((&score, &target), &weight)) in
                    first.iter_mut().zip(second).zip(inputs)
                {
                    (*first, *second) = if weight > 0.0 {
                        let (a, b) = derivatives(score, target);
                        (a * weight, b * weight)
                    } else {
                        (0.0, 0.0)
                    };
                }
            }),
    }
}

fn derive_softmax(scores: &[Vec<f64>], labels: &Labels<'_>, into: &mut Derivatives) {
    let classes = scores.len();
    let factor = classes as f64 / (classes as f64 - 1.0).max(1.0);
    let rows = labels.target.len();
    // The scores' largest and the sum of their exponentials, per row.
    let totals: Vec<(f64, f64)> = (0..rows)
        .into_par_iter()
        .map(|row| {
            let most = scores.iter().fold(f64::MIN, |most, s| most.max(s[row]));
            (most, scores.iter().map(|s| (s[row] - most).exp()).sum())
        })
        .collect();
    for (class, own) in scores.iter().enumerate().take(classes) {
        let (first, second) = (&mut into.first[class], &mut into.second[class]);
        first
            .par_iter_mut()
            .zip(second.par_iter_mut())
            .enumerate()
            .for_each(|(row, (first, second))| {
                let weight = labels.weight(row as u32);
                let (most, sum) = totals[row];
                let p = (own[row] - most).exp() / sum;
                let is_class = f64::from(u8::from(labels.target[row] == class as f64));
                if weight > 0.0 {
                    *first = weight * (p - is_class);
                    *second = weight * factor * p * (1.0 - p);
                } else {
                    (*first, *second) = (0.0, 0.0);
                }
            });
    }
}

/// The quantile of weighted values: of equal weights interpolated between order
/// statistics (type 7 of Hyndman and Fan 1996), of others the lowest value that
/// the share of weight is at or below.
pub(super) fn quantile(mut pairs: Vec<(f64, f64)>, level: f64) -> f64 {
    let Some(&(_, weight)) = pairs.first() else {
        return 0.0;
    };
    if pairs.iter().all(|pair| pair.1 == weight) {
        let at = level * (pairs.len() - 1) as f64;
        let below = at.floor() as usize;
        let by_value = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0);
        let (_, low, above) = pairs.select_nth_unstable_by(below, by_value);
        let low = low.0;
        let next = above
            .iter()
            .map(|pair| pair.0)
            .fold(f64::INFINITY, f64::min);
        let share = at - below as f64;
        return if share > 0.0 && next.is_finite() {
            low + share * (next - low)
        } else {
            low
        };
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = pairs.iter().map(|pair| pair.1).sum();
    let mut held = 0.0;
    for &(value, weight) in &pairs {
        held += weight;
        if held >= level * total {
            return value;
        }
    }
    pairs.last().map_or(0.0, |pair| pair.0)
}
