//! Spearman's rank correlation: Pearson's of average ranks.
//!
//! Twice the deviation of an average rank from its mean, 2 rank - (n + 1), is a
//! whole number, and so are the sums of squares and products: what ties take
//! from Σ (2 rank - n - 1)² = (n³ - n) / 3 is Σ (t³ - t) / 3 over their runs
//! (Kendall, Rank Correlation Methods, 4th ed., chapter 3).

use faer::Accum;
use rayon::prelude::*;

use super::cross_moments::add_self_product;
use super::ranks::{MISSING, Sorted, Ties};

/// Rows of a block of the product.
const BLOCK_ROWS: usize = 2048;
/// Into at most so many parts the rows are split for threads, whatever the
/// number of threads, so that the sums are always the same.
const PARTS: usize = 16;

/// The correlation of two columns in the rows that have both values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spearman {
    /// Rows that have both values.
    pub n: usize,
    /// From -1 to 1; `None` if either is constant in these rows or n < 2.
    pub rho: Option<f64>,
}

/// Memory that serves one pair of columns after the other.
#[derive(Default)]
pub struct Scratch {
    shared: Vec<(u32, u32)>,
    /// Of each row that both have, twice the rank; 0 elsewhere.
    doubled_rank: Vec<u32>,
}

/// The correlation of two columns of one length, ranked anew among the rows
/// that have both values: O(n) from their order.
pub fn shared_rows(x: &Sorted, y: &Sorted, scratch: &mut Scratch) -> Spearman {
    let has = |column: &Sorted, row: u32| column.by_row[row as usize] != MISSING;
    let shared = &mut scratch.shared;
    shared.clear();
    let by_x = x.rows.iter().copied().zip(x.levels.iter().copied());
    shared.extend(by_x.filter(|&(row, _)| has(y, row)));
    let n = shared.len();

    let doubled_rank = &mut scratch.doubled_rank;
    doubled_rank.clear();
    doubled_rank.resize(x.by_row.len(), 0);
    let mut ties = [Ties::default(); 2];
    let mut before = 0;
    for run in shared.chunk_by(|a, b| a.1 == b.1) {
        let rank = 2 * before + run.len() as u32 + 1;
        for &(row, _) in run {
            doubled_rank[row as usize] = rank;
        }
        before += run.len() as u32;
        ties[0].add(run.len() as u32);
    }

    let middle = n as i64 + 1;
    let mut product = 0_i128;
    let mut before = 0;
    let mut rows = y.rows.iter();
    for run in y.levels.chunk_by(|a, b| a == b) {
        let (mut sum, mut count) = (0_i64, 0_u32);
        for &row in rows.by_ref().take(run.len()) {
            let rank = doubled_rank[row as usize];
            sum += i64::from(rank);
            count += u32::from(rank > 0);
        }
        let rank = i64::from(2 * before + count + 1);
        let deviations = sum - i64::from(count) * middle;
        product += i128::from(deviations) * i128::from(rank - middle);
        before += count;
        ties[1].add(count);
    }
    Spearman {
        n,
        rho: correlation(product as f64, squares(n, &ties[0]), squares(n, &ties[1])),
    }
}

/// The correlations of columns that have values in the same rows.
pub struct Products {
    columns: usize,
    n: usize,
    /// Column-major, the lower triangle.
    products: Vec<f64>,
    squares: Vec<f64>,
}

impl Products {
    /// The columns `i` and `j`.
    pub fn pair(&self, i: usize, j: usize) -> Spearman {
        let product = self.products[i.min(j) * self.columns + i.max(j)];
        Spearman {
            n: self.n,
            rho: correlation(product, self.squares[i], self.squares[j]),
        }
    }
}

/// All pairs of columns that have values in the same rows. `ranks` ranks a
/// column, once.
pub fn same_rows(columns: usize, ranks: impl Fn(usize) -> Vec<f64> + Sync) -> Products {
    let centred: Vec<Vec<f64>> = (0..columns)
        .into_par_iter()
        .map(|i| {
            let mut ranks = ranks(i);
            let middle = ranks.len() as f64 + 1.0;
            for rank in &mut ranks {
                *rank = 2.0 * *rank - middle;
            }
            ranks
        })
        .collect();
    let n = centred.first().map_or(0, Vec::len);
    let squares: Vec<f64> = centred.par_iter().map(|ranks| squares_of(ranks)).collect();
    Products {
        columns,
        n,
        products: products(&centred, n),
        squares,
    }
}

/// Their sum of squares, in whole numbers.
fn squares_of(doubled_deviations: &[f64]) -> f64 {
    let squares = doubled_deviations.iter().map(|&x| x as i64 * x as i64);
    squares.map(i128::from).sum::<i128>() as f64
}

/// The lower triangle of the products of all pairs of columns of `n` rows.
fn products(columns: &[Vec<f64>], n: usize) -> Vec<f64> {
    let p = columns.len();
    let part = n.div_ceil(PARTS).next_multiple_of(BLOCK_ROWS);
    let starts: Vec<usize> = (0..n).step_by(part.max(1)).collect();
    let sums: Vec<Vec<f64>> = starts
        .into_par_iter()
        .map(|start| {
            let mut sum = vec![0.0; p * p];
            let mut block = Vec::with_capacity(p * BLOCK_ROWS);
            let end = (start + part).min(n);
            for from in (start..end).step_by(BLOCK_ROWS) {
                let rows = from..(from + BLOCK_ROWS).min(end);
                block.clear();
                for column in columns {
                    block.extend_from_slice(&column[rows.clone()]);
                }
                add_self_product(&mut sum, &block, rows.len(), p, Accum::Add);
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; p * p];
    for sum in &sums {
        for (total, part) in total.iter_mut().zip(sum) {
            *total += part;
        }
    }
    total
}

/// Σ (2 rank - n - 1)².
fn squares(n: usize, ties: &Ties) -> f64 {
    let n = n as u128;
    ((n * n * n - n - ties.cubes) / 3) as f64
}

fn correlation(product: f64, x: f64, y: f64) -> Option<f64> {
    (x > 0.0 && y > 0.0).then(|| (product / (x * y).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::{Scratch, same_rows, shared_rows};
    use crate::statistics::random::Random;
    use crate::statistics::ranks::{Sorted, average_ranks};

    fn rho(x: &[f64], y: &[f64]) -> Option<f64> {
        shared_rows(&Sorted::of(x), &Sorted::of(y), &mut Scratch::default()).rho
    }

    // tests/python/correlation_reference.py, SciPy 1.17.1.
    #[test]
    fn agrees_with_scipy() {
        let cases = [
            // tied.
            ((7, 11), (5, 7), 60, -0.014573303625029215),
            // untied, many.
            ((17, 61), (23, 67), 60, 0.010725201444845792),
            // untied, 33.
            ((17, 61), (23, 67), 33, 0.0731951871657754),
            // untied, 34.
            ((17, 61), (23, 67), 34, 0.09213139801375095),
            // tied, 10.
            ((7, 11), (5, 4), 10, 0.5690279135274574),
        ];
        for ((a, b), (c, d), n, expected) in cases {
            let x: Vec<f64> = (0..n).map(|i| f64::from(i * a % b)).collect();
            let y: Vec<f64> = (0..n).map(|i| f64::from(i * c % d)).collect();
            let actual = rho(&x, &y).expect("both vary");
            assert!((actual - expected).abs() < 1e-14, "{actual} {expected}");
        }
    }

    #[test]
    fn perfect_constant_and_few() {
        assert_eq!(rho(&[1.0, 2.0, 4.0], &[1.0, 8.0, 9.0]), Some(1.0));
        assert_eq!(rho(&[1.0, 2.0], &[9.0, 8.0]), Some(-1.0));
        assert_eq!(rho(&[1.0, 1.0, 1.0], &[1.0, 8.0, 9.0]), None);
        assert_eq!(rho(&[1.0], &[1.0]), None);
        assert_eq!(rho(&[], &[]), None);
    }

    /// One product of all ranks, over several parts of the rows, is what each
    /// pair gives by itself.
    #[test]
    fn all_at_once_is_each_pair() {
        let mut random = Random::stream(42, "spearman", 0);
        let columns: Vec<Vec<f64>> = [3, 1 << 40, 500, 1]
            .iter()
            .map(|&distinct| (0..40_000).map(|_| random.below(distinct) as f64).collect())
            .collect();
        let all = same_rows(columns.len(), |i| average_ranks(&columns[i]));
        for i in 0..columns.len() {
            for j in 0..i {
                let alone = rho(&columns[i], &columns[j]);
                assert_eq!((all.pair(i, j).n, all.pair(j, i).rho), (40_000, alone));
            }
        }
    }
}
