//! Losses, slopes and second derivatives, the same in any order of the rows.
//!
//! Losses and slopes are sums of two exact parts (see
//! [`crate::statistics::exact_sums`]). Second derivatives are products of numbers
//! that were rounded to so few bits that every sum of their products is exact: they
//! need be no more precise than a step of Newton's method, whose slopes are.

use std::borrow::Cow;

use faer::{Accum, Mat};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::two_classes;
use crate::error::Result;
use crate::models::canonical_rows::numeric_columns;
use crate::models::training::Training;
use crate::statistics::cross_moments::add_self_product;
use crate::statistics::exact_sums::{Cuts, Sum};

/// Rows that are worked on at once: what stays in the cache with fifty columns.
const BLOCK: usize = 512;
/// Rows of one task.
const TASK: usize = 64 * BLOCK;
/// Lanes of a sum, for the compiler to use vectors.
const LANES: usize = 8;
/// A sum of products of whole numbers below 2^53 is exact.
const EXACT_BITS: i32 = 52;

/// The rows, and in which units they are measured.
pub struct Rows<'a> {
    columns: Vec<Cow<'a, [f64]>>,
    /// Whether a row is of the second class.
    second: Vec<bool>,
    weights: Option<Vec<f64>>,
    intercept: bool,
    /// The target's values.
    pub classes: Vec<f64>,
    /// Per feature: its mean, or 0 without an intercept.
    pub centers: Vec<f64>,
    /// Per feature: its deviation, or 1 where it does not vary.
    pub scales: Vec<f64>,
    /// Per feature: 0 where it does not vary, or 1 / scale.
    inverses: Vec<f64>,
    /// Per parameter: the largest size of its column.
    largest: Vec<f64>,
    /// Per parameter: the power of two by which its column is multiplied and rounded.
    units: Vec<f64>,
    heaviest: f64,
    /// The sum of the weights.
    pub weight: f64,
    weight_of_second: f64,
    /// Rows that train.
    pub count: usize,
}

/// At some parameters.
pub struct Evaluation {
    /// The sum of losses.
    pub loss: f64,
    /// Its derivatives.
    pub slope: Vec<f64>,
    /// Its second derivatives, to some five digits, if they were asked for.
    pub bend: Option<Mat<f64>>,
}

/// Sums of some rows.
struct Partial {
    loss: Sum,
    slope: Vec<Sum>,
    bend: Vec<f64>,
}

impl<'a> Rows<'a> {
    /// Of the rows of `training` that do not judge.
    ///
    /// # Errors
    /// Not two classes.
    pub fn of(training: &Training<'a>, intercept: bool) -> Result<Self> {
        let judges = training.validation;
        let trains = |row: usize| judges.is_none_or(|judges| !judges[row]);
        let learnt: Vec<f64> = match judges {
            None => Vec::new(),
            Some(_) => {
                let rows = training.target.iter().enumerate();
                rows.filter(|(row, _)| trains(*row))
                    .map(|(_, y)| *y)
                    .collect()
            }
        };
        let learnt = if judges.is_some() {
            &learnt
        } else {
            training.target
        };
        let classes = two_classes(learnt)?;
        let second: Vec<bool> = training.target.iter().map(|y| *y >= classes[1]).collect();
        let count = learnt.len();
        // Rows that judge weigh nothing here.
        let weights: Option<Vec<f64>> =
            (judges.is_some() || training.weights.is_some()).then(|| {
                let weight = |row: usize| match training.weights {
                    _ if !trains(row) => 0.0,
                    Some(weights) => weights[row],
                    None => 1.0,
                };
                (0..training.target.len()).map(weight).collect()
            });
        let columns = numeric_columns(training);
        let weights_of = weights.as_deref();
        let heaviest =
            weights_of.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
        let (weight, weight_of_second) = match weights_of {
            None => (
                count as f64,
                second.iter().filter(|second| **second).count() as f64,
            ),
            Some(weights) => {
                let cuts = Cuts::of(heaviest, weights.len());
                let marks: Vec<f64> = second
                    .iter()
                    .map(|second| f64::from(u8::from(*second)))
                    .collect();
                (
                    exact_products(cuts, weights, weights, |w, _| w).value(),
                    exact_products(cuts, weights, &marks, |w, mark| w * mark).value(),
                )
            }
        };
        let measured: Vec<Measures> = columns
            .par_iter()
            .map(|column| {
                Arch::new().dispatch(Measure {
                    column,
                    weights: weights_of,
                    heaviest,
                    weight,
                    intercept,
                })
            })
            .collect();
        let unit = |squares: f64| {
            let bits = if squares > 0.0 {
                squares.log2().ceil() as i32
            } else {
                0
            };
            2.0_f64.powi((EXACT_BITS - bits).div_euclid(2).clamp(-500, 500))
        };
        // A row bends the sum by at most a quarter of its weight.
        let mut units = vec![unit(weight / 4.0)];
        units.extend(
            measured
                .iter()
                .map(|m| unit(m.squares / (m.scale * m.scale) / 4.0)),
        );
        let mut largest = vec![1.0];
        largest.extend(measured.iter().map(|m| m.largest / m.scale));
        Ok(Self {
            columns: columns.into_iter().map(Cow::Borrowed).collect(),
            second,
            weights,
            intercept,
            classes,
            centers: measured.iter().map(|m| m.center).collect(),
            scales: measured.iter().map(|m| m.scale).collect(),
            inverses: measured
                .iter()
                .map(|m| if m.varies { 1.0 / m.scale } else { 0.0 })
                .collect(),
            largest,
            units,
            heaviest,
            weight,
            weight_of_second,
            count,
        })
    }

    /// About one row of sixteen, by its contents and not by its place; `None` if there
    /// are too few to be worth it.
    pub fn sample(&self) -> Option<Rows<'static>> {
        const LEAST_ROWS: usize = 50_000;
        const LEAST_PER_PARAMETER: usize = 50;
        /// Columns that tell rows apart.
        const LOOKED_AT: usize = 4;
        let rows = self.second.len();
        if rows < LEAST_ROWS {
            return None;
        }
        let looked_at: Vec<&[f64]> = self.columns.iter().take(LOOKED_AT).map(|c| &**c).collect();
        let chosen = |row: &u32| {
            let mix = |hash: u64, column: &&[f64]| {
                // -0.0 + 0.0 is 0.0: both zeros are one value.
                let bits = (column[*row as usize] + 0.0).to_bits();
                (hash ^ bits)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .rotate_left(29)
            };
            looked_at.iter().fold(0, mix) >> 60 == 0
        };
        let chosen: Vec<u32> = (0..rows as u32).into_par_iter().filter(chosen).collect();
        let least = LEAST_PER_PARAMETER * (self.columns.len() + 1);
        let seconds = chosen
            .iter()
            .filter(|row| self.second[**row as usize])
            .count();
        if seconds < least || chosen.len() - seconds < least || chosen.len() > rows / 4 {
            return None;
        }
        let gathered = |column: &[f64]| -> Vec<f64> {
            chosen.iter().map(|&row| column[row as usize]).collect()
        };
        Some(Rows {
            columns: self
                .columns
                .par_iter()
                .map(|c| Cow::Owned(gathered(c)))
                .collect(),
            second: chosen
                .iter()
                .map(|&row| self.second[row as usize])
                .collect(),
            weights: self.weights.as_deref().map(gathered),
            intercept: self.intercept,
            classes: self.classes.clone(),
            centers: self.centers.clone(),
            scales: self.scales.clone(),
            inverses: self.inverses.clone(),
            largest: self.largest.clone(),
            units: self.units.clone(),
            heaviest: self.heaviest,
            weight: self.weight,
            weight_of_second: self.weight_of_second,
            count: chosen.len(),
        })
    }

    /// The loss of the best constant probability.
    pub fn loss_without_features(&self) -> f64 {
        if !self.intercept {
            return self.weight * std::f64::consts::LN_2;
        }
        let share = self.weight_of_second / self.weight;
        -self.weight * (share * share.ln() + (1.0 - share) * (1.0 - share).ln())
    }

    /// At the intercept and, per feature, a coefficient times its scale; `bent`:
    /// with second derivatives.
    pub fn evaluate(&self, parameters: &[f64], bent: bool) -> Evaluation {
        let width = parameters.len();
        let rows = self.second.len();
        let most_odds: f64 = parameters
            .iter()
            .zip(&self.largest)
            .map(|(x, largest)| x.abs() * largest)
            .sum();
        let cuts = |largest: f64| Cuts::of(largest * self.heaviest, rows);
        let loss_cuts = cuts(most_odds + 1.0);
        let slope_cuts: Vec<Cuts> = self.largest.iter().map(|largest| cuts(*largest)).collect();
        let of_task = |task: usize| {
            Arch::new().dispatch(Task {
                rows: self,
                parameters,
                loss_cuts,
                slope_cuts: &slope_cuts,
                bent,
                range: task * TASK..((task + 1) * TASK).min(rows),
            })
        };
        let tasks = 0..rows.div_ceil(TASK);
        let empty = || Partial {
            loss: Sum::default(),
            slope: vec![Sum::default(); width],
            bend: vec![0.0; if bent { width * width } else { 0 }],
        };
        let total = tasks
            .into_par_iter()
            .map(of_task)
            .reduce(empty, |mut into, from| {
                into.loss.merge(from.loss);
                for (into, from) in into.slope.iter_mut().zip(&from.slope) {
                    into.merge(*from);
                }
                for (into, from) in into.bend.iter_mut().zip(&from.bend) {
                    *into += from;
                }
                into
            });
        let mut slope: Vec<f64> = total.slope.iter().map(|sum| sum.value()).collect();
        let mut bend = bent.then(|| {
            Mat::from_fn(width, width, |i, j| {
                let sum = total.bend[i.min(j) * width + i.max(j)];
                sum / self.units[i] / self.units[j]
            })
        });
        if !self.intercept {
            slope[0] = 0.0;
            if let Some(bend) = &mut bend {
                for i in 0..width {
                    bend[(i, 0)] = 0.0;
                    bend[(0, i)] = 0.0;
                }
            }
        }
        Evaluation {
            loss: total.loss.value(),
            slope,
            bend,
        }
    }
}

/// What is known of a column before the steps.
struct Measures {
    center: f64,
    scale: f64,
    varies: bool,
    /// Σ weight · (value - center)².
    squares: f64,
    /// The largest |value - center|.
    largest: f64,
}

/// Measures a column, for [`Arch::dispatch`].
struct Measure<'a> {
    column: &'a [f64],
    weights: Option<&'a [f64]>,
    heaviest: f64,
    weight: f64,
    intercept: bool,
}

impl NullaryFnOnce for Measure<'_> {
    type Output = Measures;

    #[inline(always)]
    fn call(self) -> Measures {
        let size = largest_of(self.column, |x| x);
        let center = if self.intercept {
            self.sum(size, |x| x) / self.weight
        } else {
            0.0
        };
        let largest = largest_of(self.column, |x| x - center);
        let varies = largest > 1e-14 * size;
        let squares = if varies {
            self.sum(largest * largest, |x| (x - center) * (x - center))
        } else {
            0.0
        };
        let deviation = (squares / self.weight).sqrt();
        Measures {
            center,
            scale: if varies && deviation > 0.0 {
                deviation
            } else {
                1.0
            },
            varies,
            squares,
            largest: if varies { largest } else { 0.0 },
        }
    }
}

impl Measure<'_> {
    /// The weighted sum of a function of the values, none larger than `largest`.
    #[inline(always)]
    fn sum(&self, largest: f64, of: impl Fn(f64) -> f64) -> f64 {
        match self.weights {
            None => {
                let cuts = Cuts::of(largest, self.column.len());
                exact_products(cuts, self.column, self.column, |x, _| of(x)).value()
            }
            Some(weights) => {
                let cuts = Cuts::of(largest * self.heaviest, self.column.len());
                exact_products(cuts, self.column, weights, |x, weight| of(x) * weight).value()
            }
        }
    }
}

/// The largest |of(value)|, in lanes.
#[inline(always)]
fn largest_of(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].max(of(values[lane]).abs());
        }
    }
    let rest = rest.iter().map(|x| of(*x).abs());
    lanes.into_iter().chain(rest).fold(0.0, f64::max)
}

/// The exact sum of a function of two columns, in lanes.
#[inline(always)]
fn exact_products(cuts: Cuts, x: &[f64], y: &[f64], of: impl Fn(f64, f64) -> f64) -> Sum {
    let mut upper = [0.0; LANES];
    let mut lower = [0.0; LANES];
    let (whole_x, rest_x) = x.as_chunks::<LANES>();
    let (whole_y, rest_y) = y.as_chunks::<LANES>();
    for (x, y) in whole_x.iter().zip(whole_y) {
        for lane in 0..LANES {
            let (above, below) = cuts.parts(of(x[lane], y[lane]));
            upper[lane] += above;
            lower[lane] += below;
        }
    }
    let mut sum = Sum::default();
    for lane in 0..LANES {
        sum.merge(Sum::of(upper[lane], lower[lane]));
    }
    for (x, y) in rest_x.iter().zip(rest_y) {
        cuts.add(&mut sum, of(*x, *y));
    }
    sum
}

/// The sums of one task, for [`Arch::dispatch`].
struct Task<'a> {
    rows: &'a Rows<'a>,
    parameters: &'a [f64],
    loss_cuts: Cuts,
    slope_cuts: &'a [Cuts],
    bent: bool,
    range: std::ops::Range<usize>,
}

impl NullaryFnOnce for Task<'_> {
    type Output = Partial;

    #[inline(always)]
    fn call(self) -> Partial {
        let width = self.parameters.len();
        let mut out = Partial {
            loss: Sum::default(),
            slope: vec![Sum::default(); width],
            bend: vec![0.0; if self.bent { width * width } else { 0 }],
        };
        let mut scratch = Scratch {
            columns: vec![0.0; (width - 1) * BLOCK],
            odds: vec![0.0; BLOCK],
            pulls: vec![0.0; BLOCK],
            bends: vec![0.0; BLOCK],
            rounded: Vec::with_capacity(width * BLOCK),
        };
        let mut start = self.range.start;
        while start < self.range.end {
            let count = BLOCK.min(self.range.end - start);
            self.add_block(start, count, &mut scratch, &mut out);
            start += count;
        }
        out
    }
}

/// Working memory of a task.
struct Scratch {
    /// A column after the other, in their units.
    columns: Vec<f64>,
    odds: Vec<f64>,
    /// weight · (probability - class).
    pulls: Vec<f64>,
    /// √(weight · probability · (1 - probability)).
    bends: Vec<f64>,
    rounded: Vec<f64>,
}

impl Task<'_> {
    #[inline(always)]
    fn add_block(&self, start: usize, count: usize, scratch: &mut Scratch, out: &mut Partial) {
        let rows = self.rows;
        let odds = &mut scratch.odds[..count];
        odds.fill(self.parameters[0]);
        for (j, column) in rows.columns.iter().enumerate() {
            let (center, inverse) = (rows.centers[j], rows.inverses[j]);
            let parameter = self.parameters[j + 1];
            let units = &mut scratch.columns[j * BLOCK..j * BLOCK + count];
            let values = &column[start..start + count];
            for ((unit, value), odds) in units.iter_mut().zip(values).zip(odds.iter_mut()) {
                *unit = (value - center) * inverse;
                *odds += parameter * *unit;
            }
        }
        let second = &rows.second[start..start + count];
        let weight = |i: usize| {
            rows.weights
                .as_ref()
                .map_or(1.0, |weights| weights[start + i])
        };
        for i in 0..count {
            let towards = if second[i] { odds[i] } else { -odds[i] };
            // exp of a negative number: nothing overflows.
            let small = (-towards.abs()).exp();
            let wrong = if towards >= 0.0 { small } else { 1.0 } / (1.0 + small);
            let loss = small.ln_1p() + (-towards).max(0.0);
            let weight = weight(i);
            self.loss_cuts.add(&mut out.loss, weight * loss);
            scratch.pulls[i] = if second[i] {
                -weight * wrong
            } else {
                weight * wrong
            };
            scratch.bends[i] = (weight * small).sqrt() / (1.0 + small);
        }
        let pulls = &scratch.pulls[..count];
        out.slope[0].merge(exact_products(
            self.slope_cuts[0],
            pulls,
            pulls,
            |pull, _| pull,
        ));
        for j in 1..out.slope.len() {
            let units = &scratch.columns[(j - 1) * BLOCK..(j - 1) * BLOCK + count];
            let sum = exact_products(self.slope_cuts[j], units, pulls, |x, pull| x * pull);
            out.slope[j].merge(sum);
        }
        if !self.bent {
            return;
        }
        let bends = &scratch.bends[..count];
        let rounded = &mut scratch.rounded;
        rounded.clear();
        rounded.extend(bends.iter().map(|bend| whole(bend * rows.units[0])));
        for j in 1..out.slope.len() {
            let unit = rows.units[j];
            let units = &scratch.columns[(j - 1) * BLOCK..(j - 1) * BLOCK + count];
            rounded.extend(
                units
                    .iter()
                    .zip(bends)
                    .map(|(x, bend)| whole(x * bend * unit)),
            );
        }
        add_self_product(&mut out.bend, rounded, count, out.slope.len(), Accum::Add);
    }
}

/// The nearest whole number below 2^51 or so.
#[inline(always)]
fn whole(x: f64) -> f64 {
    const MAGNET: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
    (x + MAGNET) - MAGNET
}
