//! Means, variances and products of all pairs of many columns in one pass, in
//! O(columns²) space, complete or pairwise-complete.
//!
//! Rows are taken in blocks. A block is centred on its own mean and multiplied
//! with itself (a blocked symmetric product); blocks are joined by the update
//! of Chan, Golub and LeVeque (1979, "Updating formulae and a pairwise
//! algorithm for computing sample variances"), so nothing cancels however far
//! the data lie from zero. From the first missing value on, every pair keeps
//! the moments of the rows in which both columns are present.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, NullaryFnOnce};
use serde::{Deserialize, Serialize};

use crate::input::{Numbers, Rows};
use crate::statistics::pair_moments::correlation;
use crate::statistics::pairwise_block::{AddBlock, Directed, Masked};

/// Rows that a state collects before it multiplies them: enough for the
/// product to run at speed, few enough for many groups.
const BUFFER_ROWS: usize = 256;
/// Rows of a block that is taken from the input directly.
const BLOCK_ROWS: usize = 2048;
/// The moments of the rows seen so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossMoments {
    columns: usize,
    moments: Moments,
    /// Rows not multiplied yet, a column after the other with stride
    /// `BUFFER_ROWS`; missing is NaN. Empty until it is needed.
    buffer: Vec<f64>,
    buffered: usize,
}

/// Matrices are column-major, `columns × columns`. Symmetric ones hold their
/// lower triangle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Moments {
    /// No value was missing so far.
    Complete {
        n: f64,
        mean: Vec<f64>,
        products: Vec<f64>,
    },
    /// Of the rows in which both columns are present: `n` and `products` for
    /// each pair; `mean` and `squares` at (i, j) for column i in the rows in
    /// which j is present as well.
    Pairwise {
        n: Vec<f64>,
        mean: Vec<f64>,
        squares: Vec<f64>,
        products: Vec<f64>,
    },
}

/// A column that holds an infinity, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Infinite(pub usize);

/// What is known of a pair of columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Rows in which both are present.
    pub n: f64,
    /// Means of the first and of the second in these rows.
    pub mean: [f64; 2],
    /// Sums of squared deviations.
    pub squares: [f64; 2],
    /// Sum of products of deviations.
    pub product: f64,
}

impl Pair {
    /// Pearson's correlation; `None` if either column is constant or n < 2.
    pub fn correlation(&self) -> Option<f64> {
        correlation(self.n, self.mean, self.squares, self.product)
    }
}

/// Working memory of a thread, so that a state per group stays small.
#[derive(Default)]
struct Scratch {
    centred: Vec<f64>,
    products: Vec<f64>,
    masked: Masked,
}

thread_local! {
    static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::default();
}

impl CrossMoments {
    /// Of no rows.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            moments: Moments::Complete {
                n: 0.0,
                mean: vec![0.0; columns],
                products: vec![0.0; columns * columns],
            },
            buffer: Vec::new(),
            buffered: 0,
        }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        let matrices = match self.moments {
            Moments::Complete { .. } => 1,
            Moments::Pairwise { .. } => 4,
        };
        (self.columns * self.columns * matrices + self.buffer.capacity()) * size_of::<f64>()
    }

    /// Adds rows; `columns` has one entry per column.
    ///
    /// # Errors
    /// The first column with an infinity in these rows or those still buffered.
    pub fn update(&mut self, columns: &[&Numbers<'_>], rows: Rows<'_>) -> Result<(), Infinite> {
        debug_assert_eq!(columns.len(), self.columns);
        match rows {
            Rows::All(n) if n >= BUFFER_ROWS => {
                let mut start = 0;
                while start < n {
                    let count = BLOCK_ROWS.min(n - start);
                    self.add_block(count, |i, out| columns[i].copy_range(start, count, out))?;
                    start += count;
                }
                Ok(())
            }
            _ => {
                for row in rows.iter() {
                    self.push(|i| columns[i].get(row).unwrap_or(f64::NAN))?;
                }
                Ok(())
            }
        }
    }

    fn push(&mut self, value: impl Fn(usize) -> f64) -> Result<(), Infinite> {
        if self.buffer.is_empty() {
            self.buffer = vec![0.0; self.columns * BUFFER_ROWS];
        }
        for i in 0..self.columns {
            self.buffer[i * BUFFER_ROWS + self.buffered] = value(i);
        }
        self.buffered += 1;
        if self.buffered == BUFFER_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Multiplies the rows that were collected.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn flush(&mut self) -> Result<(), Infinite> {
        let buffer = std::mem::take(&mut self.buffer);
        let count = std::mem::take(&mut self.buffered);
        if count > 0 {
            self.add_block(count, |i, out| {
                out.extend_from_slice(&buffer[i * BUFFER_ROWS..i * BUFFER_ROWS + count]);
            })?;
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Adds a block whose columns `copy` appends, missing as NaN.
    fn add_block(
        &mut self,
        rows: usize,
        copy: impl Fn(usize, &mut Vec<f64>),
    ) -> Result<(), Infinite> {
        // Compiled for the widest vectors that this machine turns out to have.
        let arch = Arch::new();
        SCRATCH.with_borrow_mut(|scratch| {
            // One more row than the block has takes the shift of the means.
            let stride = rows + 1;
            let centred = &mut scratch.centred;
            centred.clear();
            let mut means = Vec::with_capacity(self.columns);
            let mut missing = 0;
            for i in 0..self.columns {
                let start = centred.len();
                copy(i, centred);
                let values = &mut centred[start..];
                let (mean, absent) = arch.dispatch(Centre { values, column: i })?;
                means.push(mean);
                missing += absent;
                centred.push(0.0);
            }
            if missing > 0 {
                self.become_pairwise();
                self.add_pairwise_block(rows, &means, scratch);
                return Ok(());
            }
            match &mut self.moments {
                Moments::Complete { n, mean, products } => {
                    let total = *n + rows as f64;
                    let weight = (*n * rows as f64 / total).sqrt();
                    for (i, (mean, block_mean)) in mean.iter_mut().zip(&means).enumerate() {
                        let delta = block_mean - *mean;
                        centred[i * stride + rows] = delta * weight;
                        *mean += delta * (rows as f64 / total);
                    }
                    *n = total;
                    add_self_product(products, centred, stride, self.columns, Accum::Add);
                }
                Moments::Pairwise { .. } => {
                    let columns = self.columns;
                    scratch.products.clear();
                    scratch.products.resize(columns * columns, 0.0);
                    add_self_product(
                        &mut scratch.products,
                        centred,
                        stride,
                        columns,
                        Accum::Replace,
                    );
                    let block = Moments::Complete {
                        n: rows as f64,
                        mean: means,
                        products: std::mem::take(&mut scratch.products),
                    };
                    self.merge_moments(&block);
                    if let Moments::Complete { products, .. } = block {
                        scratch.products = products;
                    }
                }
            }
            Ok(())
        })
    }

    fn become_pairwise(&mut self) {
        if let Moments::Complete { n, mean, products } = &mut self.moments {
            let p = self.columns;
            let mut means = Vec::with_capacity(p * p);
            let mut squares = Vec::with_capacity(p * p);
            for _ in 0..p {
                means.extend_from_slice(mean);
                squares.extend((0..p).map(|i| products[i * p + i]));
            }
            self.moments = Moments::Pairwise {
                n: vec![*n; p * p],
                mean: means,
                squares,
                products: std::mem::take(products),
            };
        }
    }

    /// `scratch.centred` holds the block centred on `means`, NaN where missing.
    fn add_pairwise_block(&mut self, rows: usize, means: &[f64], scratch: &mut Scratch) {
        if let Moments::Pairwise {
            n,
            mean,
            squares,
            products,
        } = &mut self.moments
        {
            Arch::new().dispatch(AddBlock {
                into: Directed { n, mean, squares },
                products,
                rows,
                means,
                centred: &mut scratch.centred,
                masked: &mut scratch.masked,
            });
        }
    }

    /// Adds the rows of `other`, which has as many columns.
    ///
    /// # Errors
    /// As [`Self::update`], for the rows that are still buffered.
    pub fn merge(&mut self, other: &Self) -> Result<(), Infinite> {
        debug_assert_eq!(self.columns, other.columns);
        self.merge_moments(&other.moments);
        for row in 0..other.buffered {
            self.push(|i| other.buffer[i * BUFFER_ROWS + row])?;
        }
        Ok(())
    }

    fn merge_moments(&mut self, other: &Moments) {
        let p = self.columns;
        if matches!(other, Moments::Pairwise { .. }) {
            self.become_pairwise();
        }
        match (&mut self.moments, other) {
            (
                Moments::Complete { n, mean, products },
                Moments::Complete {
                    n: other_n,
                    mean: other_mean,
                    products: other_products,
                },
            ) => {
                if *other_n == 0.0 {
                    return;
                }
                let total = *n + other_n;
                let weight = *n * other_n / total;
                let delta: Vec<f64> = other_mean.iter().zip(&*mean).map(|(b, a)| b - a).collect();
                for j in 0..p {
                    for i in j..p {
                        products[j * p + i] +=
                            other_products[j * p + i] + delta[i] * delta[j] * weight;
                    }
                }
                for (mean, delta) in mean.iter_mut().zip(&delta) {
                    *mean += delta * (other_n / total);
                }
                *n = total;
            }
            (
                Moments::Pairwise {
                    n,
                    mean,
                    squares,
                    products,
                },
                other,
            ) => {
                for j in 0..p {
                    for i in j..p {
                        let pair = other.pair(p, i, j);
                        if pair.n > 0.0 {
                            join_pair(n, mean, squares, products, (j * p + i, i * p + j), &pair);
                        }
                    }
                }
            }
            // `become_pairwise` has made this impossible.
            (Moments::Complete { .. }, Moments::Pairwise { .. }) => {}
        }
    }

    /// The pair of columns `i` and `j`. Call [`Self::flush`] before.
    pub fn pair(&self, i: usize, j: usize) -> Pair {
        debug_assert_eq!(self.buffered, 0, "rows are still buffered");
        self.moments.pair(self.columns, i, j)
    }
}

impl Moments {
    fn pair(&self, p: usize, i: usize, j: usize) -> Pair {
        let lower = i.min(j) * p + i.max(j);
        match self {
            Self::Complete { n, mean, products } => Pair {
                n: *n,
                mean: [mean[i], mean[j]],
                squares: [products[i * p + i], products[j * p + j]],
                product: products[lower],
            },
            Self::Pairwise {
                n,
                mean,
                squares,
                products,
            } => Pair {
                n: n[lower],
                mean: [mean[j * p + i], mean[i * p + j]],
                squares: [squares[j * p + i], squares[i * p + j]],
                product: products[lower],
            },
        }
    }
}

/// [`centre`], for [`Arch::dispatch`]: a closure would be compiled by itself,
/// for the narrowest vectors.
struct Centre<'a> {
    values: &'a mut [f64],
    column: usize,
}

impl NullaryFnOnce for Centre<'_> {
    type Output = Result<(f64, usize), Infinite>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        centre(self.values, self.column)
    }
}

/// Subtracts the mean of the values that are present. Returns it and how many
/// are missing.
#[inline(always)]
fn centre(values: &mut [f64], column: usize) -> Result<(f64, usize), Infinite> {
    let Some(origin) = values.iter().copied().find(|x| !x.is_nan()) else {
        return Ok((0.0, values.len()));
    };
    // Deviations from a value of the column: a constant one becomes exact zeros.
    let sum = sum_of_deviations(values, origin);
    if sum.is_finite() {
        let offset = sum / values.len() as f64;
        let mean = origin + offset;
        for value in values.iter_mut() {
            *value = (*value - origin) - offset;
        }
        return Ok((mean, 0));
    }
    // An infinity leaves a sum that is not finite, unless all others are NaN.
    let (sum, present) = sum_of_present_deviations(values, origin);
    if origin.is_infinite() || !sum.is_finite() {
        return Err(Infinite(column));
    }
    let offset = sum / present;
    for value in values.iter_mut() {
        *value = (*value - origin) - offset;
    }
    Ok((origin + offset, values.len() - present as usize))
}

/// Σ (x - origin) over the values that are not NaN, and how many these are.
#[inline(always)]
fn sum_of_present_deviations(values: &[f64], origin: f64) -> (f64, f64) {
    let (chunks, rest) = values.as_chunks::<8>();
    let (mut sums, mut counts) = ([0.0; 8], [0.0; 8]);
    let add = |sum: &mut f64, count: &mut f64, value: f64| {
        let deviation = value - origin;
        let here = !deviation.is_nan();
        *sum += if here { deviation } else { 0.0 };
        *count += if here { 1.0 } else { 0.0 };
    };
    for chunk in chunks {
        for ((sum, count), value) in sums.iter_mut().zip(&mut counts).zip(chunk) {
            add(sum, count, *value);
        }
    }
    for value in rest {
        add(&mut sums[0], &mut counts[0], *value);
    }
    (sums.iter().sum(), counts.iter().sum())
}

/// Σ (x - origin) in many lanes, which the compiler vectorises: with those of one
/// vector alone, each addition would wait for the one before.
#[inline(always)]
pub(super) fn sum_of_deviations(values: &[f64], origin: f64) -> f64 {
    const LANES: usize = 32;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value - origin;
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|x| x - origin).sum::<f64>()
}

/// Columns and rows that are multiplied at once: what suits the vectors of today's
/// processors, and their caches. Triangles that are halved again and again, as faer
/// has them, end in pieces that suit neither: a hundred columns take a fifth longer.
const PANEL: usize = 24;
const DEPTH: usize = 384;

/// lower(`out`) += or = `block`ᵀ `block`. Of what is above the diagonal, some is
/// written over.
pub fn add_self_product(
    out: &mut [f64],
    block: &[f64],
    stride: usize,
    columns: usize,
    beta: Accum,
) {
    let block = MatRef::from_column_major_slice(block, stride, columns);
    let mut out = MatMut::from_column_major_slice_mut(out, columns, columns);
    let mut beta = beta;
    let mut start = 0;
    while start < stride {
        let left = stride - start;
        let depth = if left < 2 * DEPTH { left } else { DEPTH };
        let rows = block.subrows(start, depth);
        for from in (0..columns).step_by(PANEL) {
            let until = (from + PANEL).min(columns);
            matmul(
                out.as_mut().submatrix_mut(from, 0, until - from, until),
                beta,
                rows.subcols(from, until - from).transpose(),
                rows.subcols(0, until),
                1.0,
                Par::Seq,
            );
        }
        beta = Accum::Add;
        start += depth;
    }
}

/// Adds `block`, the moments of columns (i, j) with i >= j, to a pair whose
/// places are (i, j) and (j, i).
#[inline(always)]
pub(super) fn join_pair(
    n: &mut [f64],
    mean: &mut [f64],
    squares: &mut [f64],
    products: &mut [f64],
    (ij, ji): (usize, usize),
    block: &Pair,
) {
    let total = n[ij] + block.n;
    let weight = n[ij] * block.n / total;
    let share = block.n / total;
    let di = block.mean[0] - mean[ij];
    let dj = block.mean[1] - mean[ji];
    products[ij] += block.product + di * dj * weight;
    squares[ij] += block.squares[0] + di * di * weight;
    mean[ij] += di * share;
    if ij != ji {
        squares[ji] += block.squares[1] + dj * dj * weight;
        mean[ji] += dj * share;
        n[ji] = total;
    }
    n[ij] = total;
}

#[cfg(test)]
mod tests {
    use super::CrossMoments;
    use crate::input::{Numbers, Rows};
    use crate::statistics::pair_moments::PairMoments;
    use crate::statistics::random::Random;

    const ROWS: usize = 5_000;

    /// Columns of which 0, 5, 50 and 97 per cent are missing, one that is
    /// constant, and one whose only large value stands where others are missing.
    fn columns() -> Vec<Vec<f64>> {
        let mut random = Random::stream(42, "columns", 0);
        let missing = [0, 5, 50, 97, 20, 0];
        let mut columns: Vec<Vec<f64>> = missing
            .iter()
            .map(|&share| {
                (0..ROWS)
                    .map(|row| {
                        let value = random.below(1 << 20) as f64 / 1e5 + row as f64 * 1e-3;
                        let absent = random.below(100) < share;
                        if absent { f64::NAN } else { value }
                    })
                    .collect()
            })
            .collect();
        for value in columns[4].iter_mut().filter(|value| !value.is_nan()) {
            *value = 0.1;
        }
        columns[1][70] = f64::NAN;
        columns[5][70] = 1e9;
        columns
    }

    #[test]
    fn pairs_are_those_of_their_own_rows() {
        let columns = columns();
        let numbers: Vec<Numbers<'_>> = columns
            .iter()
            .map(|column| Numbers::new(column.as_slice(), None))
            .collect();
        let inputs: Vec<&Numbers<'_>> = numbers.iter().collect();
        let mut moments = CrossMoments::new(columns.len());
        assert_eq!(moments.update(&inputs, Rows::All(ROWS)), Ok(()));
        assert_eq!(moments.flush(), Ok(()));
        for i in 0..columns.len() {
            for j in 0..columns.len() {
                let both = columns[i].iter().zip(&columns[j]);
                let (x, y): (Vec<f64>, Vec<f64>) =
                    both.filter(|(x, y)| !x.is_nan() && !y.is_nan()).unzip();
                let expected = PairMoments::of(&x, &y);
                let actual = moments.pair(i, j);
                assert_eq!(actual.n, expected.n);
                match (actual.correlation(), expected.correlation()) {
                    (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{i} {j}: {a} {b}"),
                    (a, b) => assert_eq!(a, b, "{i} {j}"),
                }
            }
        }
    }
}
