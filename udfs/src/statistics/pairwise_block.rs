//! Pairwise-complete moments of one block of rows, some of whose values are
//! missing: see [`crate::statistics::cross_moments`].
//!
//! With zeros where a value is missing, products of columns are those of the
//! rows that both have. Sums and squares of a column over the rows of another
//! are taken from the fewer rows: those that the other has, or does not have.
//!
//! What a block adds is computed inside one [`NullaryFnOnce`], everything inlined
//! into it, so that it is compiled for the vectors that the machine has.

use std::ops::Range;

use faer::Accum;
use pulp::NullaryFnOnce;

use crate::statistics::cross_moments::{Pair, add_self_product, join_pair, sum_of_deviations};
use crate::statistics::pair_moments::PairMoments;

/// Rows that are added up together, a multiple of 64.
const SUMMED_ROWS: usize = 256;
/// Rows and columns of what is turned at once: a cache line or two.
const TILE: usize = 16;

/// Moments at (i, j), for all i and j: of column i in the rows in which j is
/// present as well. Column-major, `columns × columns`.
pub struct Directed<'a> {
    /// Rows.
    pub n: &'a mut [f64],
    /// Mean.
    pub mean: &'a mut [f64],
    /// Sum of squared deviations.
    pub squares: &'a mut [f64],
}

/// Adds a block.
pub struct AddBlock<'a> {
    /// What it is added to.
    pub into: Directed<'a>,
    /// Sums of products of deviations, lower triangle.
    pub products: &'a mut [f64],
    /// Rows of the block.
    pub rows: usize,
    /// What the block's columns are centred on.
    pub means: &'a [f64],
    /// The columns, each followed by one value that is 0; missing is NaN.
    pub centred: &'a mut [f64],
    /// Working memory.
    pub masked: &'a mut Masked,
}

impl NullaryFnOnce for AddBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            into: Directed { n, mean, squares },
            products,
            rows,
            means,
            centred,
            masked,
        } = self;
        let (p, stride) = (means.len(), rows + 1);
        masked.mask(centred, rows, p);
        masked.products.clear();
        masked.products.resize(p * p, 0.0);
        add_self_product(&mut masked.products, centred, stride, p, Accum::Replace);
        masked.add_up(centred, rows, p);
        for (i, j) in masked.count_pairs(p) {
            let column = |i: usize| &centred[i * stride..i * stride + rows];
            let mut pair = masked.pair_directly((i, column(i)), (j, column(j)));
            pair.mean[0] += means[i];
            pair.mean[1] += means[j];
            join_pair(n, mean, squares, products, (j * p + i, i * p + j), &pair);
            masked.products[j * p + i] = 0.0;
        }
        let own = masked.counts.chunks_exact_mut(p);
        let own = own.zip(masked.sums.chunks_exact_mut(p));
        let own = own.zip(masked.squares.chunks_exact(p));
        let into = n.chunks_exact_mut(p).zip(mean.chunks_exact_mut(p));
        let into = into.zip(squares.chunks_exact_mut(p));
        for (((n, mean), squares), ((counts, sums), parts)) in into.zip(own) {
            join_row((n, mean, squares), (counts, sums, parts), means);
        }
        masked.join_products(products, p);
    }
}

/// What the pairwise moments of a block need beside its columns.
#[derive(Default)]
pub struct Masked {
    /// A bit per row, `words` words per column, 1 where a value is present.
    present: Vec<u64>,
    words: usize,
    /// Some rows of the block, row after row.
    by_row: Vec<f64>,
    /// Of one column after the other: sums and squares of all columns over the
    /// rows in which it is present, and how many rows these are.
    sums: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<f64>,
    /// Products of all pairs, a zero standing for what is missing.
    products: Vec<f64>,
}

/// Where the rows that two columns share hold less than this part of a column's
/// squares, sums over these rows have lost digits to the others.
const CANCELLED: f64 = 1e-3;

impl Masked {
    /// Notes which values are present and puts zeros where they are not.
    #[inline(always)]
    fn mask(&mut self, centred: &mut [f64], rows: usize, columns: usize) {
        self.words = rows.div_ceil(64);
        self.present.clear();
        for column in centred.chunks_exact_mut(rows + 1).take(columns) {
            for values in column[..rows].chunks_mut(64) {
                let mut word = 0;
                for (bit, value) in values.iter_mut().enumerate() {
                    let here = !value.is_nan();
                    *value = if here { *value } else { 0.0 };
                    word |= u64::from(here) << bit;
                }
                self.present.push(word);
            }
        }
    }

    #[inline(always)]
    fn column(&self, i: usize) -> &[u64] {
        &self.present[i * self.words..(i + 1) * self.words]
    }

    /// The rows in which both columns are present.
    #[inline(always)]
    fn count(&self, i: usize, j: usize) -> u32 {
        let both = self.column(i).iter().zip(self.column(j));
        both.map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// Sums and squares of all columns over the rows in which each is present:
    /// those rows added up, or the others taken from the totals, whichever are
    /// fewer.
    #[inline(always)]
    fn add_up(&mut self, centred: &[f64], rows: usize, columns: usize) {
        let (p, products) = (columns, &self.products);
        self.sums.clear();
        self.squares.clear();
        let totals: Vec<f64> = centred
            .chunks_exact(rows + 1)
            .take(p)
            .map(|column| sum_of_deviations(&column[..rows], 0.0))
            .collect();
        let few: Vec<bool> = (0..p)
            .map(|j| (self.count(j, j) as usize) < rows / 2)
            .collect();
        for &few in &few {
            if few {
                self.sums.resize(self.sums.len() + p, 0.0);
                self.squares.resize(self.squares.len() + p, 0.0);
            } else {
                self.sums.extend_from_slice(&totals);
                self.squares.extend((0..p).map(|i| products[i * p + i]));
            }
        }
        // Some rows at a time, which stay in the cache while every column takes
        // its own from them.
        self.by_row.clear();
        self.by_row.resize(SUMMED_ROWS * p, 0.0);
        for start in (0..rows).step_by(SUMMED_ROWS) {
            let count = SUMMED_ROWS.min(rows - start);
            self.turn(centred, rows, start..start + count, p);
            for (j, &few) in few.iter().enumerate() {
                let words = start / 64..(start + count).div_ceil(64);
                let words = &self.present[j * self.words..][words];
                let mut wanted = [0_u16; SUMMED_ROWS];
                let mut found = 0;
                for (k, word) in words.iter().enumerate() {
                    let mut bits = if few { *word } else { !word };
                    while bits != 0 {
                        let row = k * 64 + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        // The last word has bits beyond the block.
                        if row < count {
                            wanted[found] = row as u16;
                            found += 1;
                        }
                    }
                }
                let sign = if few { 1.0 } else { -1.0 };
                let by_row = &self.by_row;
                let row = |row: u16| &by_row[usize::from(row) * p..][..p];
                let sums = &mut self.sums[j * p..][..p];
                let squares = &mut self.squares[j * p..][..p];
                // Four rows for each time that a sum is read and written.
                let (fours, rest) = wanted[..found].as_chunks::<4>();
                for &[a, b, c, d] in fours {
                    let (a, b, c, d) = (row(a), row(b), row(c), row(d));
                    for i in 0..p {
                        let (a, b, c, d) = (a[i], b[i], c[i], d[i]);
                        sums[i] += sign * ((a + b) + (c + d));
                        squares[i] += sign * ((a * a + b * b) + (c * c + d * d));
                    }
                }
                for &a in rest {
                    let a = row(a);
                    for i in 0..p {
                        sums[i] += sign * a[i];
                        squares[i] += sign * (a[i] * a[i]);
                    }
                }
            }
        }
    }

    /// Copies some rows of the block, whose columns have `rows`, to `by_row`.
    #[inline(always)]
    fn turn(&mut self, centred: &[f64], rows: usize, wanted: Range<usize>, columns: usize) {
        for tile in (0..wanted.len()).step_by(TILE) {
            let tile_rows = TILE.min(wanted.len() - tile);
            for i in 0..columns {
                let column = &centred[i * (rows + 1) + wanted.start + tile..][..tile_rows];
                for (row, value) in column.iter().enumerate() {
                    self.by_row[(tile + row) * columns + i] = *value;
                }
            }
        }
    }

    /// Counts the rows that each two columns share. Returns the pairs whose
    /// moments must be taken from their rows directly, i >= j, and counts none
    /// for them.
    #[inline(always)]
    fn count_pairs(&mut self, columns: usize) -> Vec<(usize, usize)> {
        let p = columns;
        let mut direct = Vec::new();
        self.counts.clear();
        self.counts.resize(p * p, 0.0);
        visit_lower_triangle(
            p,
            #[inline(always)]
            |i, j| {
                let (ij, ji) = (j * p + i, i * p + j);
                let count = f64::from(self.count(i, j));
                let lost = |part: f64, whole: f64| part < CANCELLED * whole;
                if lost(self.squares[ij], self.products[i * p + i])
                    || lost(self.squares[ji], self.products[j * p + j])
                {
                    if count > 0.0 {
                        direct.push((i, j));
                    }
                } else {
                    self.counts[ij] = count;
                    self.counts[ji] = count;
                }
            },
        );
        direct
    }

    /// Adds the products of the block's pairs to `products`, once [`join_row`] has
    /// left what it takes for it.
    #[inline(always)]
    fn join_products(&self, products: &mut [f64], columns: usize) {
        let p = columns;
        visit_lower_triangle(
            p,
            #[inline(always)]
            |i, j| {
                let (ij, ji) = (j * p + i, i * p + j);
                let sum = self.sums[ij] * self.sums[ji];
                let distance = self.counts[ij] * self.counts[ji];
                products[ij] += self.products[ij] - sum + distance;
            },
        );
    }

    /// The moments of two columns, from the rows that they share alone.
    fn pair_directly(&self, (i, x): (usize, &[f64]), (j, y): (usize, &[f64])) -> Pair {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (k, (a, b)) in self.column(i).iter().zip(self.column(j)).enumerate() {
            let mut bits = a & b;
            while bits != 0 {
                let row = k * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                first.push(x[row]);
                second.push(y[row]);
            }
        }
        let moments = PairMoments::of(&first, &second);
        Pair {
            n: moments.n,
            mean: moments.mean,
            squares: moments.squares,
            product: moments.product,
        }
    }
}

/// `squares` - `part` of two sums that are equal in a constant column, whose
/// difference is then rounding alone.
#[inline(always)]
fn difference(squares: f64, part: f64) -> f64 {
    let difference = squares - part;
    if difference <= 1e-13 * squares {
        0.0
    } else {
        difference
    }
}

/// Adds a block's columns over the rows in which one column is present to the
/// moments (n, means, squares) of these rows. `block` has their counts, sums
/// about `means` and squares.
///
/// Leaves in the place of each count and sum what the pair's product needs: the
/// distance of the means, and the sum, each times the root of its weight.
#[inline(always)]
fn join_row(
    (n, mean, squares): (&mut [f64], &mut [f64], &mut [f64]),
    (counts, sums, parts): (&mut [f64], &mut [f64], &[f64]),
    means: &[f64],
) {
    let p = means.len();
    let (n, mean, squares) = (&mut n[..p], &mut mean[..p], &mut squares[..p]);
    let (counts, sums, parts) = (&mut counts[..p], &mut sums[..p], &parts[..p]);
    for i in 0..p {
        let (count, sum) = (counts[i], sums[i]);
        let shared = count > 0.0;
        let inverse = if shared { 1.0 / count } else { 0.0 };
        let total = n[i] + count;
        let share = if shared { count / total } else { 0.0 };
        let offset = sum * inverse;
        let delta = (offset + means[i]) - mean[i];
        let weight = n[i] * share;
        let part = if shared {
            difference(parts[i], sum * offset)
        } else {
            0.0
        };
        squares[i] += part + delta * delta * weight;
        mean[i] += delta * share;
        n[i] = total;
        sums[i] = sum * inverse.sqrt();
        counts[i] = delta * weight.sqrt();
    }
}

/// Calls `visit(i, j)` for p > i >= j, tile by tile, so that what stands at
/// (j, i) is at hand together with what stands at (i, j).
#[inline(always)]
fn visit_lower_triangle(p: usize, mut visit: impl FnMut(usize, usize)) {
    for first in (0..p).step_by(TILE) {
        for second in (first..p).step_by(TILE) {
            for j in first..(first + TILE).min(p) {
                for i in second.max(j)..(second + TILE).min(p) {
                    visit(i, j);
                }
            }
        }
    }
}
