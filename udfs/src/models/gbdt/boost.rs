//! Gradient boosting (Friedman 2001), a tree per output and iteration.

use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use super::bins::Binned;
use super::finish::finish;
use super::fixed::{self, exact_sum};
use super::grow::{Grower, Grown, SEGMENT};
use super::histogram::{Builder, Cell, Chosen, Layout};
use super::objective::Objective;
use super::objective::{Derivatives, Labels, quantile};
use super::parameters::{Parameters, Sampling};
use super::rank::Groups;
use super::rows::{Hashes, draw_subset, mix};
use super::split::Rules;
use crate::models::trees::{Link, Tree, Trees};

const TASK: usize = 16_384;
/// Second derivatives in a leaf must sum to this, where they are not 1.
const MIN_HESSIAN: f64 = 1e-3;

/// The rows of a training among those that are binned.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Which train, each once.
    pub train: &'a [u32],
    /// Which judge when to stop.
    pub validation: &'a [u32],
    /// Per binned row; of classes their numbers from 0.
    pub target: &'a [f64],
    /// Per binned row, above 0.
    pub weights: Option<&'a [f64]>,
    /// Per binned row: groups of a ranking.
    pub times: Option<&'a [f64]>,
    /// Of the binned rows.
    pub hashes: &'a Hashes,
}

/// A trained ensemble. [`Trees::categories`] and [`Trees::classes`] are the
/// caller's to fill in.
#[derive(Debug, Clone)]
pub struct Boosted {
    /// The trees up to the best iteration.
    pub trees: Trees,
    /// Iterations made.
    pub iterations: usize,
    /// The mean loss of the validation rows after each; empty without them.
    pub validation: Vec<f64>,
    /// The mean loss of the training rows after the last iteration made.
    pub training: f64,
}

impl Boosted {
    /// Iterations kept.
    pub fn kept(&self) -> usize {
        self.trees.trees.len() / self.trees.outputs as usize
    }
}

/// Trains on some rows of binned ones. The same for any order of rows (and of
/// `train`) and any number of threads.
pub fn train(binned: &Binned, rows: &Rows<'_>, parameters: &Parameters) -> Boosted {
    let unit = parameters.objective.has_unit_hessian()
        && rows.weights.is_none()
        && !matches!(parameters.sampling, Sampling::Goss { .. });
    if unit {
        Boosting::<u64>::new(binned, rows, parameters).run()
    } else {
        Boosting::<[u64; 2]>::new(binned, rows, parameters).run()
    }
}

struct Boosting<'a, C> {
    binned: &'a Binned,
    rows: &'a Rows<'a>,
    parameters: &'a Parameters,
    /// Of mean 1 over training rows, 0 elsewhere; `None`: alike, and the
    /// derivatives of [`Boosting::idle`] rows are put to 0.
    weights: Option<Vec<f64>>,
    /// Rows that do not train.
    idle: Vec<u32>,
    groups: Option<Groups>,
    validation_groups: Option<Groups>,
    scores: Vec<Vec<f64>>,
    derivatives: Derivatives,
    cells: Vec<C>,
    leaf_of: Vec<AtomicU16>,
}

impl<'a, C: Cell> Boosting<'a, C> {
    fn new(binned: &'a Binned, rows: &'a Rows<'a>, parameters: &'a Parameters) -> Self {
        let count = binned.rows();
        let objective = parameters.objective;
        let grouped = |members: &[u32]| match (objective, rows.times) {
            (Objective::LambdaRank, Some(times)) if !members.is_empty() => {
                Some(Groups::of(members, times, rows.target, rows.hashes))
            }
            _ => None,
        };
        Self {
            binned,
            rows,
            parameters,
            weights: relative_weights(rows, count, C::HESSIAN),
            idle: idle_rows(rows.train, count),
            groups: grouped(rows.train),
            validation_groups: grouped(rows.validation),
            scores: Vec::new(),
            derivatives: Derivatives::new(objective.outputs(), count, C::HESSIAN),
            cells: vec![C::default(); count],
            leaf_of: (0..count).map(|_| AtomicU16::new(0)).collect(),
        }
    }

    fn run(mut self) -> Boosted {
        let objective = self.parameters.objective;
        let outputs = objective.outputs();
        let labels = Labels {
            target: self.rows.target,
            weights: self.weights.as_deref(),
        };
        let base = objective.base(&labels, self.rows.train);
        self.scores = base
            .iter()
            .map(|&base| vec![base; self.binned.rows()])
            .collect();
        let mut trees: Vec<Tree> = Vec::new();
        let mut validation: Vec<f64> = Vec::new();
        let mut iterations = 0;
        let mut best = 0;
        for iteration in 0..self.parameters.trees {
            let made = self.iterate(iteration as u64);
            let grew = made.iter().any(|tree| !tree.splits.is_empty());
            if !grew && self.is_settled() {
                break;
            }
            trees.extend(made);
            iterations += 1;
            if self.rows.validation.is_empty() {
                continue;
            }
            validation.push(self.loss(self.rows.validation, self.validation_groups.as_ref()));
            if validation[iteration] < validation[best] {
                best = iteration;
            }
            let patience = self.parameters.early_stopping_rounds;
            if patience > 0 && iteration - best >= patience {
                break;
            }
        }
        if self.parameters.early_stopping_rounds > 0 && !validation.is_empty() {
            trees.truncate((best + 1) * outputs);
        }
        Boosted {
            training: self.loss(self.rows.train, self.groups.as_ref()),
            trees: Trees {
                link: link(objective),
                outputs: outputs as u32,
                base,
                trees,
                categories: Vec::new(),
                classes: Vec::new(),
            },
            iterations,
            validation,
        }
    }

    /// Whether an iteration without splits will be followed by no other.
    fn is_settled(&self) -> bool {
        self.parameters.sampling == Sampling::All && self.parameters.feature_fraction >= 1.0
    }

    fn loss(&self, rows: &[u32], groups: Option<&Groups>) -> f64 {
        let (target, weights) = (self.rows.target, self.rows.weights);
        let objective = self.parameters.objective;
        objective.mean_loss(&self.scores, target, weights, rows, groups)
    }

    /// A tree per output.
    fn iterate(&mut self, iteration: u64) -> Vec<Tree> {
        let labels = Labels {
            target: self.rows.target,
            weights: self.weights.as_deref(),
        };
        let objective = self.parameters.objective;
        objective.derive(
            &self.scores,
            &labels,
            self.groups.as_ref(),
            &mut self.derivatives,
        );
        for derivatives in &mut self.derivatives.first {
            for &row in &self.idle {
                derivatives[row as usize] = 0.0;
            }
        }
        let sample = self.sample(iteration);
        (0..objective.outputs())
            .map(|output| self.tree(iteration, output, sample.as_deref()))
            .collect()
    }

    /// The rows of this iteration's trees, `None` if all train. Of GOSS, the
    /// derivatives of the rows that stand for others are multiplied.
    fn sample(&mut self, iteration: u64) -> Option<Vec<u32>> {
        let draw = mix(self.parameters.seed) ^ (iteration + 1);
        let hashes = self.rows.hashes;
        match self.parameters.sampling {
            Sampling::All => None,
            Sampling::Rows(share) => {
                let kept = |row: &u32| hashes.draw(*row, draw) < share;
                Some(self.rows.train.par_iter().copied().filter(kept).collect())
            }
            Sampling::Goss { top, other } => {
                // The first gradients say little of which rows matter.
                if (iteration as f64) < 1.0 / self.parameters.learning_rate {
                    return None;
                }
                let size = |row: u32| -> f64 {
                    let pairs = self.derivatives.first.iter().zip(&self.derivatives.second);
                    pairs
                        .map(|(a, b)| (a[row as usize] * b[row as usize]).abs())
                        .sum()
                };
                let train = self.rows.train;
                let sizes: Vec<f64> = train.par_iter().map(|&row| size(row)).collect();
                let mut sorted = sizes.clone();
                let place = ((top * sizes.len() as f64) as usize).min(sizes.len() - 1);
                let (_, least, _) = sorted.select_nth_unstable_by(place, |a, b| b.total_cmp(a));
                let least = *least;
                let share = other / (1.0 - top);
                let mut kept = Vec::new();
                for (&row, size) in train.iter().zip(sizes) {
                    let is_drawn = hashes.draw(row, draw) < share;
                    if size >= least {
                        kept.push(row);
                    } else if is_drawn {
                        kept.push(row);
                        let derivatives = &mut self.derivatives;
                        for each in derivatives.first.iter_mut().chain(&mut derivatives.second) {
                            each[row as usize] /= share;
                        }
                    }
                }
                Some(kept)
            }
        }
    }

    fn tree(&mut self, iteration: u64, output: usize, sample: Option<&[u32]>) -> Tree {
        let layout = self.fill_cells(output);
        let seed = self.parameters.seed ^ mix(iteration << 16 | output as u64);
        let chosen = chosen_features(self.binned, self.parameters.feature_fraction, seed);
        let rows = sample.unwrap_or(self.rows.train);
        let grower = Grower {
            builder: Builder {
                binned: self.binned,
                cells: &self.cells,
                chosen: &chosen,
            },
            layout,
            rules: Rules {
                min_count: self.parameters.min_data_in_leaf.max(1) as f64,
                min_hessian: if C::HESSIAN { MIN_HESSIAN } else { 0.0 },
                min_gain: self.parameters.min_gain,
                l1: self.parameters.lambda_l1,
                l2: self.parameters.lambda_l2,
            },
            max_leaves: self.parameters.max_leaves,
            max_depth: self.parameters.max_depth,
            monotone: &self.parameters.monotone,
            interactions: &self.parameters.interactions,
        };
        let mut grown = grower.grow(rows.chunks(SEGMENT).map(<[u32]>::to_vec).collect());
        if grown.splits.is_empty() {
            grown.leaves.iter_mut().for_each(|leaf| leaf.output = 0.0);
        } else if let Some(level) = self.parameters.objective.renewed_quantile() {
            self.renew(&mut grown, level);
        }
        grown.mark(&self.leaf_of);
        if sample.is_some() {
            self.route(&grown, self.rows.train);
        }
        self.route(&grown, self.rows.validation);
        let covers = self.covers(&grown);
        let tree = finish(&grown, self.binned, self.parameters.learning_rate, &covers);
        let values: Vec<f64> = tree.leaves.iter().map(|leaf| leaf.value).collect();
        self.add(output, &values);
        tree
    }

    /// Rounds the derivatives of an output to whole numbers.
    fn fill_cells(&mut self, output: usize) -> Layout {
        let bits = Layout::bits_for(self.rows.train.len() as u64);
        let first = &self.derivatives.first[output];
        let first_scale = fixed::scale(first, bits - 1);
        let up = fixed::power(first_scale);
        if C::HESSIAN {
            let second = &self.derivatives.second[output];
            let second_scale = fixed::scale(second, 50);
            let second_up = fixed::power(second_scale);
            self.cells
                .par_chunks_mut(TASK)
                .zip(first.par_chunks(TASK))
                .zip(second.par_chunks(TASK))
                .for_each(|((cells, first), second)| {
                    for ((cell, a), b) in cells.iter_mut().zip(first).zip(second) {
                        let (a, b) = (fixed::whole(a * up), fixed::whole(b * second_up));
                        *cell = C::of(a, b, 1, bits);
                    }
                });
            return Layout {
                bits,
                gradient_unit: fixed::power(-first_scale),
                hessian_unit: fixed::power(-second_scale),
            };
        }
        self.cells
            .par_chunks_mut(TASK)
            .zip(first.par_chunks(TASK))
            .for_each(|(cells, first)| {
                for (cell, a) in cells.iter_mut().zip(first) {
                    *cell = C::of(fixed::whole(a * up), 0, 1, bits);
                }
            });
        Layout {
            bits,
            gradient_unit: fixed::power(-first_scale),
            hessian_unit: 1.0,
        }
    }

    /// Leaves become the quantile of what is left of their rows' targets.
    fn renew(&self, grown: &mut Grown, level: f64) {
        grown.leaves.par_iter_mut().for_each(|leaf| {
            let weights = self.weights.as_deref();
            let left = |&row: &u32| {
                let row = row as usize;
                let weight = weights.map_or(1.0, |weights| weights[row]);
                (self.rows.target[row] - self.scores[0][row], weight)
            };
            let pairs = leaf.rows.iter().flatten().map(left).collect();
            let output = quantile(pairs, level);
            leaf.output = output.max(leaf.bounds.least).min(leaf.bounds.most);
        });
    }

    /// Notes the leaf of rows that did not train the tree.
    fn route(&self, grown: &Grown, rows: &[u32]) {
        let columns: Vec<&[u8]> = (0..self.binned.features())
            .map(|feature| self.binned.column(feature))
            .collect();
        rows.par_iter().with_min_len(TASK).for_each(|&row| {
            let leaf = grown.leaf(|feature| columns[feature][row as usize]);
            self.leaf_of[row as usize].store(leaf as u16, Ordering::Relaxed);
        });
    }

    fn covers(&self, grown: &Grown) -> Vec<f64> {
        let cover = |leaf: &super::grow::Ending| match self.rows.weights {
            None => leaf.count,
            Some(weights) => {
                let rows = leaf.rows.iter().flatten();
                exact_sum(rows.map(|&row| weights[row as usize]))
            }
        };
        grown.leaves.par_iter().map(cover).collect()
    }

    fn add(&mut self, output: usize, values: &[f64]) {
        self.scores[output]
            .par_chunks_mut(TASK)
            .zip(self.leaf_of.par_chunks(TASK))
            .for_each(|(scores, leaf_of)| {
                for (score, leaf) in scores.iter_mut().zip(leaf_of) {
                    let leaf = usize::from(leaf.load(Ordering::Relaxed));
                    // Rows that neither train nor validate have no leaf.
                    *score += values.get(leaf).copied().unwrap_or(0.0);
                }
            });
    }
}

fn idle_rows(train: &[u32], count: usize) -> Vec<u32> {
    if train.len() == count {
        return Vec::new();
    }
    let mut trains = vec![false; count];
    train.iter().for_each(|&row| trains[row as usize] = true);
    (0..count as u32)
        .filter(|&row| !trains[row as usize])
        .collect()
}

fn relative_weights(rows: &Rows<'_>, count: usize, with_hessian: bool) -> Option<Vec<f64>> {
    if rows.weights.is_none() && (rows.train.len() == count || !with_hessian) {
        return None;
    }
    let weight = |row: u32| rows.weights.map_or(1.0, |weights| weights[row as usize]);
    let total = exact_sum(rows.train.iter().map(|&row| weight(row)));
    let mean = total / rows.train.len() as f64;
    let mut relative = vec![0.0; count];
    for &row in rows.train {
        relative[row as usize] = weight(row) / mean;
    }
    Some(relative)
}

fn chosen_features(binned: &Binned, fraction: f64, seed: u64) -> Chosen {
    let all = binned.features();
    if fraction >= 1.0 {
        return Chosen::All(all);
    }
    let count = ((all as f64 * fraction).round() as usize).clamp(1, all.max(1));
    Chosen::Some(draw_subset(all, count, seed))
}

fn link(objective: Objective) -> Link {
    match objective {
        Objective::Logistic => Link::Logistic,
        Objective::Softmax { .. } => Link::Softmax,
        Objective::Poisson => Link::Log,
        _ => Link::Identity,
    }
}
