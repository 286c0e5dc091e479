//! Forests on the bins of gradient boosting: random forests (Breiman 2001) and
//! extremely randomised trees (Geurts, Ernst and Wehenkel 2006).
//!
//! A tree is grown to the end, depth first; trees are grown side by side. A
//! split saves squared error, which for the shares of classes is Gini's
//! impurity. Of more than two classes each has trees of its own.

use rayon::prelude::*;

use super::bins::{Binned, Bins, Meaning, WORD};
use super::boost::Rows;
use super::finish::finish;
use super::fixed::{self, exact_sum};
use super::grow::{Ending, Grown, Parting};
use super::histogram::{CODES, Cell, Layout};
use super::rows::{mix, unit};
use super::split::{Bounds, Candidate, Mask, Rules, Search, contains, insert, members};
use crate::models::trees::{Link, Tree, Trees};

/// Nodes of fewer rows look at the bins that have rows, not at all bins.
const FEW: usize = 160;
/// No tree is deeper: a node calls itself for its children.
const DEEPEST: usize = 500;

/// Parameters of a forest.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestParameters {
    /// How many classes the target counts from 0; 0: it is a number.
    pub classes: usize,
    /// Trees (per class, of more than two classes).
    pub trees: usize,
    /// The share of features that each split looks at, at least one.
    pub max_features: f64,
    /// Whether each tree trains on as many rows as there are, drawn with
    /// replacement: a row counts as often as a Poisson number of mean 1 says,
    /// which its contents and the tree decide.
    pub bootstrap: bool,
    /// Whether a feature is cut at one value, drawn between its least and its
    /// greatest in the node, and not at the best.
    pub extra: bool,
    /// 0: 500, which trees hardly reach.
    pub max_depth: usize,
    /// Rows of a leaf, as often as they were drawn.
    pub min_data_in_leaf: usize,
    /// What a split must save of the squared error.
    pub min_gain: f64,
    /// Of what is drawn.
    pub seed: u64,
}

impl Default for ForestParameters {
    fn default() -> Self {
        Self {
            classes: 0,
            trees: 100,
            max_features: 1.0 / 3.0,
            bootstrap: true,
            extra: false,
            max_depth: 0,
            min_data_in_leaf: 1,
            min_gain: 0.0,
            seed: 42,
        }
    }
}

/// Trains a forest on some rows of binned ones; validation rows are not read.
/// The same for any order of rows and any number of threads. Sums of the trees
/// are means of the target, or the share of each class (one sum for two classes:
/// that of the second).
pub fn train_forest(binned: &Binned, rows: &Rows<'_>, parameters: &ForestParameters) -> Trees {
    if rows.weights.is_some() {
        train::<[u64; 2]>(binned, rows, parameters)
    } else {
        train::<u64>(binned, rows, parameters)
    }
}

fn train<C: Cell>(binned: &Binned, rows: &Rows<'_>, parameters: &ForestParameters) -> Trees {
    let weight = |row: u32| rows.weights.map_or(1.0, |weights| weights[row as usize]);
    let target = |row: u32| rows.target[row as usize];
    let total = exact_sum(rows.train.iter().map(|&row| weight(row)));
    let classes: Vec<f64> = match parameters.classes {
        0 => Vec::new(),
        1 | 2 => vec![1.0],
        classes => (0..classes).map(|class| class as f64).collect(),
    };
    let mean = exact_sum(rows.train.iter().map(|&row| weight(row) * target(row))) / total;
    let outputs = classes.len().max(1);
    let base = if classes.is_empty() { mean } else { 0.0 };
    let forests: Vec<Forest<'_, C>> = (0..outputs)
        .map(|output| {
            let value = |row: u32| match classes.get(output) {
                None => target(row) - mean,
                Some(class) => f64::from(u8::from(target(row) == *class)),
            };
            Forest::new(binned, rows, parameters, value)
        })
        .collect();
    let trees: Vec<Tree> = (0..parameters.trees * outputs)
        .into_par_iter()
        .with_max_len(1)
        .map(|tree| forests[tree % outputs].tree((tree / outputs) as u64))
        .collect();
    Trees {
        link: if classes.is_empty() {
            Link::Identity
        } else {
            Link::Share
        },
        outputs: outputs as u32,
        base: vec![base; outputs],
        trees,
        categories: Vec::new(),
        classes: Vec::new(),
    }
}

/// The trees of one output.
struct Forest<'a, C> {
    binned: &'a Binned,
    rows: &'a Rows<'a>,
    parameters: &'a ForestParameters,
    /// Of each training row: less its value, times its weight.
    values: Vec<(i64, i64)>,
    layout: Layout,
    rules: Rules,
    cell: std::marker::PhantomData<C>,
}

impl<'a, C: Cell> Forest<'a, C> {
    fn new(
        binned: &'a Binned,
        rows: &'a Rows<'a>,
        parameters: &'a ForestParameters,
        value: impl Fn(u32) -> f64,
    ) -> Self {
        // Rows are drawn about as often as there are; four times is never reached.
        let bits = Layout::bits_for(4 * rows.train.len() as u64);
        let weight = |row: u32| rows.weights.map_or(1.0, |weights| weights[row as usize]);
        let first: Vec<f64> = rows
            .train
            .iter()
            .map(|&row| -value(row) * weight(row))
            .collect();
        let second: Vec<f64> = rows.train.iter().map(|&row| weight(row)).collect();
        // A row may count several times: 8 bits of room, more than the Poisson
        // numbers below reach.
        let scales = (fixed::scale(&first, bits - 9), fixed::scale(&second, 42));
        let (up, second_up) = (fixed::power(scales.0), fixed::power(scales.1));
        let values = first
            .iter()
            .zip(&second)
            .map(|(a, b)| (fixed::whole(a * up), fixed::whole(b * second_up)))
            .collect();
        Self {
            binned,
            rows,
            parameters,
            values,
            layout: Layout {
                bits,
                gradient_unit: fixed::power(-scales.0),
                hessian_unit: fixed::power(-scales.1),
            },
            rules: Rules {
                min_count: parameters.min_data_in_leaf.max(1) as f64,
                min_hessian: 0.0,
                min_gain: parameters.min_gain,
                l1: 0.0,
                l2: 0.0,
            },
            cell: std::marker::PhantomData,
        }
    }

    /// The bin of a row, read where the row's other bins are near.
    #[inline(always)]
    fn code(&self, feature: u32, row: u32) -> usize {
        let (place, shift) = (feature as usize / WORD, 8 * (feature as usize % WORD));
        let word = self.binned.words()[row as usize * self.binned.stride() + place];
        (word >> shift) as usize & 255
    }

    fn tree(&self, number: u64) -> Tree {
        let seed = mix(self.parameters.seed ^ mix(number + 1));
        let mut rows = Vec::with_capacity(self.rows.train.len());
        let mut cells: Vec<C> = Vec::with_capacity(self.rows.train.len());
        for (&row, &(first, second)) in self.rows.train.iter().zip(&self.values) {
            let times = if self.parameters.bootstrap {
                poisson(self.rows.hashes.draw(row, seed))
            } else {
                1
            };
            if times > 0 {
                let signed = times as i64;
                rows.push(row);
                cells.push(C::of(
                    first * signed,
                    second * signed,
                    times,
                    self.layout.bits,
                ));
            }
        }
        let count = rows.len();
        let mut growth = Growth {
            forest: self,
            grown: Grown {
                splits: Vec::new(),
                leaves: Vec::new(),
            },
            covers: Vec::new(),
            cells: Box::new([C::default(); CODES]),
            order: (0..self.binned.features() as u32).collect(),
            other_rows: vec![0; count],
            other_cells: vec![C::default(); count],
        };
        growth.node(&mut rows, &mut cells, 0, mix(seed));
        let rate = 1.0 / self.parameters.trees as f64;
        finish(&growth.grown, self.binned, rate, &growth.covers)
    }
}

/// A Poisson number of mean 1 from an even one: the inverse of its distribution.
fn poisson(even: f64) -> u64 {
    let mut share = (-1.0_f64).exp();
    let mut below = share;
    let mut number = 0;
    while even >= below && number < 18 {
        number += 1;
        share /= number as f64;
        below += share;
    }
    number
}

/// A tree that is being grown.
struct Growth<'a, C> {
    forest: &'a Forest<'a, C>,
    grown: Grown,
    covers: Vec<f64>,
    /// The histogram of one feature, empty between uses.
    cells: Box<[C; CODES]>,
    /// The features, shuffled a little by every node.
    order: Vec<u32>,
    other_rows: Vec<u32>,
    other_cells: Vec<C>,
}

impl<C: Cell> Growth<'_, C> {
    /// Grows a node and what is below it; returns its number as a child.
    fn node(&mut self, rows: &mut [u32], cells: &mut [C], depth: usize, seed: u64) -> i32 {
        let forest = self.forest;
        let mut total = C::default();
        cells.iter().for_each(|cell| total.add(*cell));
        let sums = total.sums(&forest.layout);
        let output = if rows.is_empty() {
            0.0
        } else {
            forest.rules.output(sums, Bounds::NONE)
        };
        let deepest = match forest.parameters.max_depth {
            0 => DEEPEST,
            depth => depth.min(DEEPEST),
        };
        let deep = depth >= deepest;
        // A node of one class.
        let pure = forest.parameters.classes > 0 && (output == 0.0 || output == 1.0);
        let single = rows.len() < 2;
        let best = if deep || pure || single || sums.count < 2.0 * forest.rules.min_count {
            None
        } else {
            self.best(rows, cells, total, seed)
        };
        let Some(best) = best else {
            self.grown.leaves.push(Ending {
                rows: Vec::new(),
                output,
                count: sums.count,
                bounds: Bounds::NONE,
            });
            self.covers.push(sums.hessian);
            return !(self.covers.len() as i32 - 1);
        };
        let split = self.grown.splits.len();
        self.grown.splits.push(Parting {
            feature: best.feature,
            mask: best.mask,
            last: best.last,
            missing_left: best.missing_left,
            children: [0, 0],
            gain: best.gain,
            output,
        });
        let left = self.divide(rows, cells, &best);
        let (left_rows, right_rows) = rows.split_at_mut(left);
        let (left_cells, right_cells) = cells.split_at_mut(left);
        let left = self.node(left_rows, left_cells, depth + 1, mix(seed ^ 1));
        let right = self.node(right_rows, right_cells, depth + 1, mix(seed ^ 2));
        self.grown.splits[split].children = [left, right];
        split as i32
    }

    /// Puts the rows that go left first; returns how many.
    fn divide(&mut self, rows: &mut [u32], cells: &mut [C], best: &Candidate<C>) -> usize {
        let column = self.forest.binned.column(best.feature as usize);
        let (mut left, mut right) = (0, 0);
        for at in 0..rows.len() {
            let (row, cell) = (rows[at], cells[at]);
            let goes = usize::from(contains(&best.mask, column[row as usize]));
            rows[left] = row;
            cells[left] = cell;
            self.other_rows[right] = row;
            self.other_cells[right] = cell;
            left += goes;
            right += 1 - goes;
        }
        rows[left..].copy_from_slice(&self.other_rows[..right]);
        cells[left..].copy_from_slice(&self.other_cells[..right]);
        left
    }

    /// The best split among features that are drawn; of equals that of the first
    /// feature.
    fn best(&mut self, rows: &[u32], cells: &[C], total: C, seed: u64) -> Option<Candidate<C>> {
        let all = self.forest.binned.features();
        let count = (all as f64 * self.forest.parameters.max_features).round() as usize;
        let count = count.clamp(1, all.max(1));
        let mut best: Option<Candidate<C>> = None;
        for place in 0..count {
            // The first steps of a shuffle (Fisher and Yates).
            let draw = unit(mix(seed ^ mix(place as u64 + 7)));
            let other = place + (draw * (all - place) as f64) as usize;
            self.order.swap(place, other);
            let feature = self.order[place];
            if let Some(found) = self.best_of(feature, rows, cells, total, seed)
                && best.is_none_or(|best| {
                    let by_gain = found.gain.total_cmp(&best.gain);
                    by_gain.then(best.feature.cmp(&found.feature)).is_gt()
                })
            {
                best = Some(found);
            }
        }
        best
    }

    fn best_of(
        &mut self,
        feature: u32,
        rows: &[u32],
        cells: &[C],
        total: C,
        seed: u64,
    ) -> Option<Candidate<C>> {
        let forest = self.forest;
        let bins = forest.binned.bins(feature as usize);
        if forest.parameters.extra && !bins.is_categorical() {
            return self.random(feature, rows, cells, total, seed);
        }
        let mut present: Mask = [0; 4];
        let few = rows.len() < FEW;
        if few {
            for (&row, &cell) in rows.iter().zip(cells) {
                let code = forest.code(feature, row);
                self.cells[code].add(cell);
                insert(&mut present, code);
            }
        } else {
            let column = forest.binned.column(feature as usize);
            for (&row, &cell) in rows.iter().zip(cells) {
                self.cells[usize::from(column[row as usize])].add(cell);
            }
        }
        let search = self.search(bins, total);
        let found = if bins.is_categorical() {
            search.subset(feature)
        } else if few {
            search.cut_among(feature, &present)
        } else {
            search.cut(feature)
        };
        if few {
            members(&present).for_each(|code| self.cells[code] = C::default());
        } else {
            self.cells.fill(C::default());
        }
        found
    }

    fn search(&self, bins: &Bins, total: C) -> Search<'_, C> {
        Search {
            cells: &self.cells,
            count: bins.count(),
            total,
            layout: &self.forest.layout,
            rules: &self.forest.rules,
            bounds: Bounds::NONE,
            direction: 0,
        }
    }

    /// A cut at random.
    fn random(
        &self,
        feature: u32,
        rows: &[u32],
        cells: &[C],
        total: C,
        seed: u64,
    ) -> Option<Candidate<C>> {
        let forest = self.forest;
        let bins = forest.binned.bins(feature as usize);
        let missing_code = bins.count();
        let (mut first, mut last, mut has_missing) = (missing_code, 0, false);
        for &row in rows {
            let code = forest.code(feature, row);
            if code == missing_code {
                has_missing = true;
            } else {
                first = first.min(code);
                last = last.max(code);
            }
        }
        if first >= last && !has_missing || first == missing_code {
            return None;
        }
        let cut = random_cut(bins, first, last, mix(seed ^ mix(u64::from(feature) + 3)))?;
        let (mut below, mut missing) = (C::default(), C::default());
        for (&row, &cell) in rows.iter().zip(cells) {
            let code = forest.code(feature, row);
            if code <= cut {
                below.add(cell);
            } else if code == missing_code {
                missing.add(cell);
            }
        }
        let search = self.search(bins, total);
        search.cut_at(feature, cut, below, has_missing.then_some(missing))
    }
}

/// The bin before a value that is drawn evenly between the least and the
/// greatest edge that part bins `first` to `last`.
fn random_cut(bins: &Bins, first: usize, last: usize, seed: u64) -> Option<usize> {
    let Meaning::Numbers(edges) = &bins.meaning else {
        return None;
    };
    if first == last {
        // Against missing values only.
        return Some(first);
    }
    let (low, high) = (edges[first], edges[last - 1]);
    let value = low + unit(mix(seed)) * (high - low);
    let cut = edges.partition_point(|edge| *edge < value);
    Some(cut.clamp(first, last - 1))
}
