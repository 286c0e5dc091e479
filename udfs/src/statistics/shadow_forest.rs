//! A forest that is only asked which columns it used: the importance behind
//! Boruta. Regression trees on binned columns, nothing of which is kept.

use rayon::prelude::*;

use crate::statistics::random::Random;

/// How much a model of the target uses each column. What selects features by
/// importance asks for no more, so any model may stand behind it.
pub trait Importance: Sync {
    /// A number per column, not negative, 0 for a column that is not used. A
    /// column holds a bin per row, in the order of its values. The same for the
    /// same arguments, whatever the number of threads.
    fn importance(&self, columns: &[&[u8]], target: &[f64], seed: u64) -> Vec<f64>;
}

/// A random forest (Breiman, "Random Forests", Machine Learning 45, 2001): each
/// tree on a bootstrap sample, each split the best of √columns drawn ones. The
/// importance is the reduction of the squared error by the splits on a column,
/// a share of that by all splits.
#[derive(Debug, Clone, Copy)]
pub struct ShadowForest {
    /// Trees.
    pub trees: usize,
    /// Splits from the root to a leaf, at most.
    pub depth: usize,
    /// Rows of a bootstrap sample, at most.
    pub rows: usize,
}

/// Rows of a leaf, at least.
const LEAF: usize = 5;
/// A gain this far below the squares of its node is rounding.
const ROUNDING: f64 = 1e-12;

impl Importance for ShadowForest {
    fn importance(&self, columns: &[&[u8]], target: &[f64], seed: u64) -> Vec<f64> {
        let rows = target.len();
        if rows == 0 || columns.is_empty() {
            return vec![0.0; columns.len()];
        }
        let mean = target.iter().sum::<f64>() / rows as f64;
        let target: Vec<f64> = target.iter().map(|value| value - mean).collect();
        let trees: Vec<Vec<f64>> = (0..self.trees as u64)
            .into_par_iter()
            .map(|number| {
                let mut random = Random::stream(seed, "tree", number);
                let drawn = self.rows.min(rows);
                let mut sample: Vec<u32> = (0..drawn).map(|_| random.below(rows) as u32).collect();
                // Reading columns in order is what makes large samples fast.
                sample.sort_unstable();
                let mut tree = Tree {
                    columns,
                    target: &target,
                    drawn: columns.len().isqrt().max(1),
                    random,
                    order: (0..columns.len()).collect(),
                    gains: vec![0.0; columns.len()],
                };
                tree.grow(&mut sample, self.depth);
                tree.gains
            })
            .collect();
        let mut gains = vec![0.0; columns.len()];
        for tree in &trees {
            for (sum, gain) in gains.iter_mut().zip(tree) {
                *sum += gain;
            }
        }
        let total: f64 = gains.iter().sum();
        if total > 0.0 {
            for gain in &mut gains {
                *gain /= total;
            }
        }
        gains
    }
}

struct Tree<'a> {
    columns: &'a [&'a [u8]],
    /// Centred.
    target: &'a [f64],
    /// Columns tried per split.
    drawn: usize,
    random: Random,
    /// All columns, the drawn ones first.
    order: Vec<usize>,
    gains: Vec<f64>,
}

struct Split {
    gain: f64,
    column: usize,
    /// The last bin that goes to the left.
    bin: u8,
}

impl Tree<'_> {
    fn grow(&mut self, rows: &mut [u32], depth: usize) {
        if depth == 0 || rows.len() < 2 * LEAF {
            return;
        }
        let target: Vec<f64> = rows.iter().map(|&row| self.target[row as usize]).collect();
        let Some(split) = self.best_split(rows, &target) else {
            return;
        };
        self.gains[split.column] += split.gain;
        let column = self.columns[split.column];
        let mut left = 0;
        for i in 0..rows.len() {
            if column[rows[i] as usize] <= split.bin {
                rows.swap(left, i);
                left += 1;
            }
        }
        let (left, right) = rows.split_at_mut(left);
        self.grow(left, depth - 1);
        self.grow(right, depth - 1);
    }

    fn best_split(&mut self, rows: &[u32], target: &[f64]) -> Option<Split> {
        let count = rows.len() as f64;
        let sum: f64 = target.iter().sum();
        let squares: f64 = target.iter().map(|value| value * value).sum();
        let unsplit = sum * sum / count;
        let mut best: Option<Split> = None;
        for place in 0..self.drawn {
            let other = place + self.random.below(self.order.len() - place);
            self.order.swap(place, other);
            let column = self.order[place];
            // Count and sum of a bin, side by side in memory.
            let mut bins = [(0.0, 0.0); 256];
            for (&row, value) in rows.iter().zip(target) {
                let bin = &mut bins[usize::from(self.columns[column][row as usize])];
                bin.0 += 1.0;
                bin.1 += value;
            }
            let (mut left, mut left_sum) = (0.0, 0.0);
            for (bin, (rows, bin_sum)) in bins.iter().enumerate() {
                if *rows == 0.0 {
                    continue;
                }
                left += rows;
                left_sum += bin_sum;
                let right = count - left;
                if right < LEAF as f64 {
                    break;
                }
                if left < LEAF as f64 {
                    continue;
                }
                let right_sum = sum - left_sum;
                let gain = left_sum * left_sum / left + right_sum * right_sum / right - unsplit;
                if gain > best.as_ref().map_or(ROUNDING * squares, |best| best.gain) {
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                    });
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::{Importance, ShadowForest};
    use crate::statistics::random::Random;

    const FOREST: ShadowForest = ShadowForest {
        trees: 50,
        depth: 5,
        rows: 1_000,
    };

    fn columns(rows: usize) -> Vec<Vec<u8>> {
        let mut random = Random::stream(1, "columns", 0);
        let column = |_| (0..rows).map(|_| random.below(200) as u8).collect();
        (0..4).map(column).collect()
    }

    #[test]
    fn what_makes_the_target_is_used_most() {
        let columns = columns(1_000);
        // A step in the second column and a product with the third.
        let target: Vec<f64> = (0..1_000)
            .map(|i| {
                let step = f64::from(u8::from(columns[1][i] > 120));
                step * (1.0 + f64::from(columns[2][i]) / 200.0)
            })
            .collect();
        let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let found = FOREST.importance(&slices, &target, 42);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(found[1] > 0.6 && found[2] > found[0] && found[2] > found[3]);
        assert_eq!(found, FOREST.importance(&slices, &target, 42));
        assert_ne!(found, FOREST.importance(&slices, &target, 43));
    }

    #[test]
    fn nothing_is_used_for_a_constant_target() {
        let columns = columns(100);
        let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        assert_eq!(FOREST.importance(&slices, &[0.1; 100], 42), [0.0; 4]);
        assert_eq!(FOREST.importance(&[], &[], 42), [0.0; 0]);
    }
}
