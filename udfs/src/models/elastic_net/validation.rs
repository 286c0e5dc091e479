//! The error of every penalty of a path on rows that did not train: folds by time
//! that do not leak.
//!
//! The moments of rows that play the same roles in all folds are computed once:
//! those of what trains in a fold, and of what it tests, are sums of a few of
//! them, so that any number of folds costs one pass over the rows.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::options::Choice;
use super::path::path;
use super::quadratic::Quadratic;
use crate::error::{Error, Result};
use crate::models::algorithms::moments;
use crate::models::training::Training;
use crate::statistics::weighted_moments::WeightedMoments;
use crate::time::folds::folds;

/// Of one penalty.
#[derive(Debug, Clone, Copy)]
pub struct TestError {
    /// The mean over the folds of the mean squared error; by the weight of the
    /// tested rows if there are weights.
    pub mean: f64,
    /// Of that mean: the standard deviation over the folds by the root of their
    /// number.
    pub standard_error: f64,
}

/// The moments of rows that do the same in every fold.
pub struct Parts {
    /// By the folds that they train for and that test them, a bit each.
    parts: BTreeMap<(u32, u32), WeightedMoments>,
    folds: usize,
    columns: usize,
    intercept: bool,
}

impl Parts {
    /// Of the rows of `training` that do not judge.
    ///
    /// # Errors
    /// Rows without times, and folds without rows.
    pub fn of(training: &Training<'_>, choice: &Choice, intercept: bool) -> Result<Self> {
        let Some(times) = training.times else {
            return Err(Error::argument(
                "fit",
                "folds",
                choice.folds,
                "pass the argument time as well: folds are cut by time",
            ));
        };
        let trains = |row: &u32| {
            let judges = training.validation;
            judges.is_none_or(|judges| !judges[*row as usize])
        };
        let rows: Vec<u32> = (0..times.len() as u32).filter(trains).collect();
        let mut distinct: Vec<f64> = rows.iter().map(|&row| times[row as usize]).collect();
        distinct.par_sort_unstable_by(f64::total_cmp);
        distinct.dedup();
        if distinct.len() < choice.folds {
            return Err(Error::argument(
                "fit",
                "folds",
                choice.folds,
                format!(
                    "the rows have {} times; pass at most so many",
                    distinct.len()
                ),
            ));
        }
        let position = |row: &u32| {
            let time = times[*row as usize];
            distinct.partition_point(|known| *known < time) as f64
        };
        let starts: Vec<f64> = rows.par_iter().map(position).collect();
        let ends: Vec<f64> = starts.iter().map(|start| start + choice.purge).collect();
        let found = folds(&starts, &ends, choice.scheme, choice.folds, choice.embargo);
        let mut roles = vec![(0_u32, 0_u32); rows.len()];
        for (i, fold) in found.iter().enumerate() {
            for (what, rows) in [("trains", &fold.train), ("is tested", &fold.test)] {
                if rows.is_empty() {
                    return Err(Error::argument(
                        "fit",
                        "folds",
                        choice.folds,
                        format!(
                            "in fold {} no row {what}; pass fewer folds, or less purge and embargo",
                            i + 1
                        ),
                    ));
                }
            }
            fold.train
                .iter()
                .for_each(|&at| roles[at as usize].0 |= 1 << i);
            fold.test
                .iter()
                .for_each(|&at| roles[at as usize].1 |= 1 << i);
        }
        let mut groups: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for (row, roles) in rows.iter().zip(roles) {
            groups.entry(roles).or_default().push(*row);
        }
        let parts = groups
            .into_par_iter()
            .map(|(roles, rows)| (roles, moments(training, intercept, &rows)));
        Ok(Self {
            parts: parts.collect(),
            folds: found.len(),
            columns: training.columns.len() + 1,
            intercept,
        })
    }

    fn sum(&self, belongs: impl Fn(&(u32, u32)) -> bool) -> WeightedMoments {
        let mut sum = WeightedMoments::new(self.columns, self.intercept);
        for (_, part) in self.parts.iter().filter(|(roles, _)| belongs(roles)) {
            sum.merge(part);
        }
        sum
    }

    /// Of all rows.
    pub fn all(&self) -> WeightedMoments {
        self.sum(|_| true)
    }

    /// The error of each penalty.
    pub fn errors(&self, l1_ratio: f64, alphas: &[f64], weighted: bool) -> Vec<TestError> {
        let of_fold = |fold: usize| {
            let train = self.sum(|(trains, _)| trains >> fold & 1 == 1);
            let test = self.sum(|(_, tested)| tested >> fold & 1 == 1);
            let train = Quadratic::of(&train, self.intercept);
            let test = Quadratic::of(&test, self.intercept);
            let error = |coefficients: &[f64]| {
                test.squares_of(train.intercept(coefficients), coefficients) / test.weight
            };
            let solved = path(&train, l1_ratio, alphas);
            let errors: Vec<f64> = solved.iter().map(|at| error(&at.coefficients)).collect();
            (test.weight, errors)
        };
        let folds: Vec<(f64, Vec<f64>)> = (0..self.folds).into_par_iter().map(of_fold).collect();
        let share = |weight: f64| if weighted { weight } else { 1.0 };
        let total: f64 = folds.iter().map(|(weight, _)| share(*weight)).sum();
        let count = folds.len() as f64;
        let of_step = |step: usize| {
            let all = folds
                .iter()
                .map(|(weight, errors)| share(*weight) * errors[step]);
            let mean = all.sum::<f64>() / total;
            let squares = folds
                .iter()
                .map(|(_, errors)| (errors[step] - mean).powi(2));
            let variance = squares.sum::<f64>() / (count - 1.0);
            TestError {
                mean,
                standard_error: (variance / count).sqrt(),
            }
        };
        (0..alphas.len()).map(of_step).collect()
    }
}
