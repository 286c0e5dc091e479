//! Weighted means and products of columns in one pass, in O(columns²) space.
//!
//! A block of rows is centred on its own means, scaled by the roots of the
//! weights and multiplied with itself; blocks are joined by the update of Chan,
//! Golub and LeVeque ("Updating formulae and a pairwise algorithm for computing
//! sample variances", 1979), so nothing cancels however far the data lie from
//! zero. Far cheaper than a triangular factor, and without its digits: for what
//! looks at products anyway.

use faer::Accum;
use pulp::{Arch, NullaryFnOnce};
use serde::{Deserialize, Serialize};

use super::cross_moments::{add_self_product, sum_of_deviations};

/// Rows that a state collects before it multiplies them.
const BUFFER_ROWS: usize = 256;
/// Rows of a block that is multiplied without being collected.
const BLOCK_ROWS: usize = 128;
/// Rows that are multiplied at once: what stays in the cache with a hundred
/// columns.
pub const MOST_ROWS: usize = 1024;

/// The moments of the rows seen so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightedMoments {
    columns: usize,
    /// Products are about the means; otherwise about 0, and the means are 0.
    centred: bool,
    weight: f64,
    means: Vec<f64>,
    /// Column-major, the lower triangle. Empty before the first block.
    products: Vec<f64>,
    /// Rows not multiplied yet, each after its weight.
    buffer: Vec<f64>,
}

thread_local! {
    static SCALED: std::cell::RefCell<Vec<f64>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl WeightedMoments {
    /// Of no rows.
    pub fn new(columns: usize, centred: bool) -> Self {
        Self {
            columns,
            centred,
            weight: 0.0,
            means: Vec::new(),
            products: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        (self.means.capacity() + self.products.capacity() + self.buffer.capacity())
            * size_of::<f64>()
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Adds one row of finite values.
    pub fn push(&mut self, weight: f64, row: impl IntoIterator<Item = f64>) {
        self.buffer.push(weight);
        self.buffer.extend(row);
        self.flush_if_full();
    }

    /// Whether so many rows are worth a [`Self::push_block`].
    pub fn takes_block(&self, rows: usize) -> bool {
        rows >= BLOCK_ROWS
    }

    /// Adds the rows whose column `i` the closure appends, each as often as its
    /// weight says; `weights` none: all alike. Adds nothing and says false if a
    /// value is not finite (or their sum, of values near the largest).
    pub fn push_block(
        &mut self,
        rows: usize,
        weights: Option<&[f64]>,
        copy: impl Fn(usize, &mut Vec<f64>),
    ) -> bool {
        if self.products.is_empty() {
            self.products = vec![0.0; self.columns * self.columns];
            self.means = vec![0.0; self.columns];
        }
        let added = weights.map_or(rows as f64, |weights| weights.iter().sum());
        if added <= 0.0 {
            return true;
        }
        let total = self.weight + added;
        let between = (self.weight * (added / total)).sqrt();
        let roots: Option<Vec<f64>> =
            weights.map(|weights| weights.iter().map(|weight| weight.sqrt()).collect());
        // Compiled for the widest vectors that this machine turns out to have.
        let arch = Arch::new();
        SCALED.with_borrow_mut(|scaled| {
            // One more row than the block has takes the shift of the means.
            let stride = rows + 1;
            scaled.clear();
            for i in 0..self.columns {
                let start = scaled.len();
                copy(i, scaled);
                let mean = arch.dispatch(Centre {
                    values: &mut scaled[start..],
                    weights,
                    total: added,
                    centred: self.centred,
                });
                if !mean.is_finite() {
                    return false;
                }
                scaled.push(mean);
            }
            for (column, mean) in scaled.chunks_exact_mut(stride).zip(&mut self.means) {
                let block_mean = &mut column[rows];
                if self.centred {
                    let shift = *block_mean - *mean;
                    *mean += shift * (added / total);
                    *block_mean = shift * between;
                } else {
                    *block_mean = 0.0;
                }
                if let Some(roots) = &roots {
                    for (value, root) in column.iter_mut().zip(roots) {
                        *value *= root;
                    }
                }
            }
            add_self_product(&mut self.products, scaled, stride, self.columns, Accum::Add);
            self.weight = total;
            true
        })
    }

    fn flush_if_full(&mut self) {
        if self.buffer.len() >= BUFFER_ROWS * (self.columns + 1) {
            self.flush();
        }
    }

    /// Multiplies the rows that were collected.
    pub fn flush(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        let width = self.columns + 1;
        let rows = buffer.len() / width;
        if rows > 0 {
            let weights: Vec<f64> = buffer.chunks_exact(width).map(|row| row[0]).collect();
            self.push_block(rows, Some(&weights), |i, out| {
                out.extend(buffer.chunks_exact(width).map(|row| row[i + 1]));
            });
        }
        self.buffer = buffer;
        self.buffer.clear();
    }

    /// Adds the rows of `other`, which has as many columns.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.columns, other.columns);
        if !other.products.is_empty() && other.weight > 0.0 {
            if self.products.is_empty() {
                self.products.clone_from(&other.products);
                self.means.clone_from(&other.means);
                self.weight = other.weight;
            } else {
                self.join(other);
            }
        }
        self.buffer.extend_from_slice(&other.buffer);
        self.flush_if_full();
    }

    fn join(&mut self, other: &Self) {
        let columns = self.columns;
        let total = self.weight + other.weight;
        let between = self.weight * (other.weight / total);
        let shifts: Vec<f64> = other
            .means
            .iter()
            .zip(&self.means)
            .map(|(theirs, ours)| theirs - ours)
            .collect();
        for j in 0..columns {
            for i in j..columns {
                self.products[j * columns + i] +=
                    other.products[j * columns + i] + shifts[i] * shifts[j] * between;
            }
        }
        for (mean, shift) in self.means.iter_mut().zip(&shifts) {
            *mean += shift * (other.weight / total);
        }
        self.weight = total;
    }

    /// The sum of the weights, without the rows that are still collected.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The weighted mean of a column; 0 if not centred. Call [`Self::flush`] before.
    pub fn mean(&self, column: usize) -> f64 {
        self.means.get(column).copied().unwrap_or_default()
    }

    /// The weighted sum of products of two columns, about their means if centred.
    /// Call [`Self::flush`] before.
    pub fn product(&self, i: usize, j: usize) -> f64 {
        debug_assert!(self.buffer.is_empty(), "rows are still collected");
        let place = i.min(j) * self.columns + i.max(j);
        self.products.get(place).copied().unwrap_or_default()
    }
}

/// Subtracts the weighted mean and returns it; for [`Arch::dispatch`].
struct Centre<'a> {
    values: &'a mut [f64],
    weights: Option<&'a [f64]>,
    total: f64,
    /// Whether the mean is taken from the values.
    centred: bool,
}

impl NullaryFnOnce for Centre<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        // Deviations from a value of the column: a constant one becomes exact zeros.
        let origin = self.values.first().copied().unwrap_or_default();
        let sum = match self.weights {
            None => sum_of_deviations(self.values, origin),
            Some(weights) => {
                let both = self.values.iter().zip(weights);
                both.map(|(value, weight)| (value - origin) * weight).sum()
            }
        };
        let offset = sum / self.total;
        if self.centred {
            for value in self.values.iter_mut() {
                *value = (*value - origin) - offset;
            }
        }
        origin + offset
    }
}

#[cfg(test)]
mod tests {
    use super::WeightedMoments;

    fn columns() -> (Vec<Vec<f64>>, Vec<f64>) {
        let value = |i: u32, j: u32| f64::from((i * i * (j + 2) + 5 * i) % 23) + 1e6 * f64::from(j);
        let columns = (0..3).map(|j| (0..500).map(|i| value(i, j)).collect());
        let weights = (0..500).map(|i| f64::from(i % 4)).collect();
        (columns.collect(), weights)
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn blocks_rows_and_merges_are_the_two_pass_sums() {
        let (columns, weights) = columns();
        for centred in [true, false] {
            let total: f64 = weights.iter().sum();
            let mean = |column: &[f64]| -> f64 {
                let sum: f64 = column.iter().zip(&weights).map(|(x, w)| x * w).sum();
                if centred { sum / total } else { 0.0 }
            };
            let mut in_parts = WeightedMoments::new(3, centred);
            let mut blocks = WeightedMoments::new(3, centred);
            for (i, weight) in weights.iter().enumerate().take(100) {
                in_parts.push(*weight, columns.iter().map(|column| column[i]));
            }
            for part in [100..370, 370..500] {
                blocks.push_block(part.len(), Some(&weights[part.clone()]), |j, out| {
                    out.extend_from_slice(&columns[j][part.clone()]);
                });
            }
            in_parts.merge(&blocks);
            let mut empty = WeightedMoments::new(3, centred);
            empty.merge(&in_parts);
            empty.flush();
            assert!(close(empty.weight(), total));
            for i in 0..3 {
                assert!(close(empty.mean(i), mean(&columns[i])));
                for j in 0..=i {
                    let (a, b) = (mean(&columns[i]), mean(&columns[j]));
                    let rows = columns[i].iter().zip(&columns[j]).zip(&weights);
                    let expected: f64 = rows.map(|((x, z), w)| (x - a) * (z - b) * w).sum();
                    let scale = if centred {
                        500.0 * 23.0 * 23.0
                    } else {
                        expected
                    };
                    assert!(
                        (empty.product(i, j) - expected).abs() <= 1e-11 * scale,
                        "{} {expected}",
                        empty.product(i, j)
                    );
                }
            }
        }
    }

    #[test]
    fn a_constant_has_no_spread() {
        let mut moments = WeightedMoments::new(2, true);
        for block in 0..3 {
            moments.push_block(200, None, |j, out| {
                out.extend((0..200).map(|i| if j == 0 { 0.1 } else { f64::from(i + block) }));
            });
        }
        assert_eq!(moments.product(0, 0), 0.0);
        assert_eq!(moments.product(1, 0), 0.0);
        assert_eq!(moments.mean(0), 0.1);
    }
}
