//! The triangular factor R of a tall matrix that arrives in pieces: TSQR.
//!
//! Pieces are stacked on the factor so far and reduced by Householder QR
//! (Demmel, Grigori, Hoemmen and Langou, "Communication-optimal parallel and
//! sequential QR and LU factorizations", SIAM J. Sci. Comput. 34, 2012), so
//! least squares keeps the digits that normal equations lose, in
//! O(columns²) space, and factors merge.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use faer::{Mat, MatMut, Par, fx128};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::shared_rows::{SharedRows, with_factor};

/// Rows collected before they are factored, or twice the columns if that is
/// more: a factorisation costs as much as if there were that many rows anyway.
const BUFFER_ROWS: usize = 256;
/// Rows of a block that is factored without being collected, or the columns.
const BLOCK_ROWS: usize = 128;

/// What is left of a column after those before it are projected out, against the
/// column: where it is smaller, a few rounding errors cost half of the digits;
/// where it is smaller still, the column repeats the others and has no digits.
const ILL_CONDITIONED: std::ops::Range<f64> = 1e-13..1e-6;

/// The factor of the rows seen so far.
#[derive(Debug)]
pub struct Triangle {
    columns: usize,
    /// Column-major, `columns × columns`, upper triangle. Empty before the
    /// first factorisation.
    factor: Vec<f64>,
    /// Rows not factored yet, row after row.
    buffer: Vec<f64>,
    /// More such rows, which were merged and belong to others.
    shared: SmallVec<[Arc<SharedRows>; 4]>,
    /// The rows of this one for those that merge them.
    own: OnceLock<Arc<SharedRows>>,
}

/// A [`Triangle`] as it is saved.
#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    columns: usize,
    factor: Cow<'a, [f64]>,
    buffer: Cow<'a, [f64]>,
}

impl Serialize for Triangle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            columns: self.columns,
            factor: Cow::Borrowed(&self.factor),
            buffer: self.rows(),
        };
        saved.serialize(to)
    }
}

impl<'d> Deserialize<'d> for Triangle {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(from)?;
        let (factor, buffer) = (saved.factor.into_owned(), saved.buffer.into_owned());
        Ok(Self::of(saved.columns, factor, buffer))
    }
}

/// How precisely rows are factored.
#[derive(Clone, Copy)]
enum Digits {
    /// In doubles.
    Double,
    /// In pairs of doubles where it makes a difference: some fifty times slower,
    /// for the few rows that were collected or merged.
    AsNeeded,
}

thread_local! {
    static STACKED: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
    /// Buffers of factors that are gone: a window has one for every row, and to have
    /// them grow anew costs more than the arithmetic.
    static SPARE: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps: as many as windows are in the making at once.
const MOST_SPARE: usize = 4096;
/// The largest of them, in values: a window of 60 rows of 10 columns and more.
const LARGEST_SPARE: usize = 1024;

impl Triangle {
    /// Of no rows.
    pub fn new(columns: usize) -> Self {
        let buffer = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        Self::of(columns, Vec::new(), buffer)
    }

    fn of(columns: usize, factor: Vec<f64>, buffer: Vec<f64>) -> Self {
        Self {
            columns,
            factor,
            buffer,
            shared: SmallVec::new(),
            own: OnceLock::new(),
        }
    }

    /// Columns of the matrix.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        let shared: usize = self.shared.iter().map(|rows| rows.rows().len()).sum();
        (self.factor.capacity() + self.buffer.capacity() + shared) * size_of::<f64>()
    }

    /// Makes room for rows that will be pushed.
    pub fn reserve(&mut self, rows: usize) {
        let most = BUFFER_ROWS.max(2 * self.columns);
        self.buffer.reserve(rows.min(most) * self.columns);
    }

    /// Adds one row of finite values.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.buffer.extend(row);
        self.flush_if_full();
    }

    /// Adds the row that `append` appends, if it says that it is whole; whether it is.
    pub fn push_whole(&mut self, append: impl FnOnce(&mut Vec<f64>) -> bool) -> bool {
        let before = self.buffer.len();
        let whole = append(&mut self.buffer);
        if !whole {
            self.buffer.truncate(before);
        }
        self.flush_if_full();
        whole
    }

    /// Whether so many rows are worth a [`Self::push_block`].
    pub fn takes_block(&self, rows: usize) -> bool {
        rows >= BLOCK_ROWS.max(self.columns)
    }

    /// Adds `rows` rows, whose column `i` the closure appends: finite values.
    pub fn push_block(&mut self, rows: usize, copy: impl Fn(usize, &mut Vec<f64>)) {
        self.reduce(rows, Digits::Double, copy);
    }

    fn flush_if_full(&mut self) {
        if self.own.get().is_some() {
            self.own = OnceLock::new();
        }
        let shared: usize = self.shared.iter().map(|rows| rows.rows().len()).sum();
        if self.buffer.len() + shared >= BUFFER_ROWS.max(2 * self.columns) * self.columns {
            self.flush();
        }
    }

    /// The rows that are not factored yet.
    fn rows(&self) -> Cow<'_, [f64]> {
        if self.shared.is_empty() {
            return Cow::Borrowed(&self.buffer);
        }
        let mut rows = Vec::new();
        for shared in &self.shared {
            rows.extend_from_slice(shared.rows());
        }
        rows.extend_from_slice(&self.buffer);
        Cow::Owned(rows)
    }

    /// The rows for those that merge them, if they are few and all there is.
    fn for_others(&self) -> Option<Arc<SharedRows>> {
        let rows = self.buffer.len() / self.columns;
        let all = self.factor.is_empty() && self.shared.is_empty();
        if !all || !SharedRows::takes(rows) {
            return None;
        }
        let share = || Arc::new(SharedRows::of(&self.buffer, self.columns));
        Some(Arc::clone(self.own.get_or_init(share)))
    }

    /// Adds the rows of `other`, which has as many columns.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.columns, other.columns);
        let p = self.columns;
        if !other.factor.is_empty() {
            if self.factor.is_empty() {
                self.factor = other.factor.clone();
            } else {
                self.reduce(p, Digits::AsNeeded, |i, out| {
                    out.extend_from_slice(&other.factor[i * p..(i + 1) * p])
                });
            }
        }
        match other.for_others() {
            Some(rows) => self.shared.push(rows),
            None => {
                self.shared.extend(other.shared.iter().cloned());
                self.buffer.extend_from_slice(&other.buffer);
            }
        }
        self.flush_if_full();
    }

    /// Factors the rows that were collected.
    pub fn flush(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for shared in self.shared.drain(..) {
            buffer.extend_from_slice(shared.rows());
        }
        self.reduce_rows(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
    }

    fn reduce_rows(&mut self, rows: &[f64]) {
        let p = self.columns;
        let count = rows.len() / p;
        if count > 0 {
            self.reduce(count, Digits::AsNeeded, |i, out| {
                out.extend(rows.chunks_exact(p).map(|row| row[i]));
            });
        }
    }

    fn reduce(&mut self, rows: usize, digits: Digits, copy: impl Fn(usize, &mut Vec<f64>)) {
        let p = self.columns;
        let above = if self.factor.is_empty() { 0 } else { p };
        // Rows of zeros keep the matrix tall; they change no singular value.
        let below = p.saturating_sub(above + rows);
        let height = above + rows + below;
        let factor = &mut self.factor;
        let stack = |factor: &[f64], stacked: &mut Vec<f64>| {
            stacked.clear();
            for i in 0..p {
                if above > 0 {
                    stacked.extend_from_slice(&factor[i * p..(i + 1) * p]);
                }
                copy(i, stacked);
                stacked.extend(std::iter::repeat_n(0.0, below));
            }
        };
        STACKED.with_borrow_mut(|stacked| {
            stack(factor, stacked);
            if !factor_small_in_place(stacked, height, p) {
                factor_in_place(MatMut::from_column_major_slice_mut(stacked, height, p));
            }
            if matches!(digits, Digits::AsNeeded) && is_ill_conditioned(stacked, height, p) {
                let mut rows = Vec::new();
                stack(factor, &mut rows);
                factor_with_twice_the_digits(&rows, stacked, height, p);
            }
            factor.resize(p * p, 0.0);
            for i in 0..p {
                let (upper, lower) = factor[i * p..(i + 1) * p].split_at_mut(i + 1);
                upper.copy_from_slice(&stacked[i * height..i * height + i + 1]);
                lower.fill(0.0);
            }
        });
    }

    /// R: upper triangular, RᵀR = XᵀX. Zeros if there was no row.
    pub fn factor(&self) -> Mat<f64> {
        let (p, values) = (self.columns, self.factor_values());
        Mat::from_fn(p, p, |i, j| values[j * p + i])
    }

    /// The same as [`Self::factor`], column after column.
    pub fn factor_values(&self) -> Vec<f64> {
        if let Some(values) = self.factor_of_window() {
            return values;
        }
        let mut whole = Self::of(self.columns, self.factor.clone(), Vec::new());
        whole.reduce_rows(&self.rows());
        whole.factor.resize(self.columns * self.columns, 0.0);
        std::mem::take(&mut whole.factor)
    }

    /// The same of rows that are shared and a few others, from the factor of the shared;
    /// `None` where there are none, or where that would cost digits.
    fn factor_of_window(&self) -> Option<Vec<f64>> {
        if self.shared.is_empty() || !self.factor.is_empty() {
            return None;
        }
        let p = self.columns;
        let height = p + self.buffer.len() / p;
        let stack = |factor: &[f64]| {
            STACKED.with_borrow_mut(|stacked| {
                stacked.clear();
                stacked.resize(p * height, 0.0);
                let mut at = 0;
                for (j, column) in stacked.chunks_exact_mut(height).enumerate() {
                    column[..=j].copy_from_slice(&factor[at..=at + j]);
                    for (value, row) in column[p..].iter_mut().zip(self.buffer.chunks_exact(p)) {
                        *value = row[j];
                    }
                    at += j + 1;
                }
                let small = factor_small_in_place(stacked, height, p);
                if !small || is_ill_conditioned(stacked, height, p) {
                    return None;
                }
                let mut values = vec![0.0; p * p];
                for (j, column) in values.chunks_exact_mut(p).enumerate() {
                    column[..=j].copy_from_slice(&stacked[j * height..=j * height + j]);
                }
                Some(values)
            })
        };
        with_factor(&self.shared, stack).flatten()
    }
}

impl Clone for Triangle {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.columns);
        copy.factor.clone_from(&self.factor);
        copy.buffer.extend_from_slice(&self.buffer);
        copy.shared.clone_from(&self.shared);
        copy
    }
}

impl Drop for Triangle {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() == 0 || buffer.capacity() > LARGEST_SPARE {
            return;
        }
        buffer.clear();
        // A thread that is ending keeps none.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MOST_SPARE {
                spare.push(buffer);
            }
        });
    }
}

/// Whether a column but the last, which is the target, nearly repeats those
/// before it.
pub fn is_ill_conditioned(factored: &[f64], height: usize, columns: usize) -> bool {
    (0..columns.saturating_sub(1)).any(|j| {
        let column = &factored[j * height..=j * height + j];
        let size = norm(column.iter().copied());
        ILL_CONDITIONED.contains(&(column[j].abs() / size))
    })
}

/// R by modified Gram-Schmidt, in pairs of doubles.
fn factor_with_twice_the_digits(rows: &[f64], out: &mut [f64], height: usize, columns: usize) {
    let mut rest: Vec<Vec<fx128>> = rows
        .chunks_exact(height)
        .map(|column| column.iter().map(|x| fx128::from(*x)).collect())
        .collect();
    let product = |a: &[fx128], b: &[fx128]| -> fx128 {
        let products = a.iter().zip(b).map(|(a, b)| *a * *b);
        products.fold(fx128::ZERO, |sum, product| sum + product)
    };
    for j in 0..columns {
        let (before, after) = rest.split_at_mut(j + 1);
        let direction = &mut before[j];
        let length = product(direction, direction).sqrt();
        out[j * height + j] = length.0;
        // A column of zeros has no direction: nothing lies along it.
        if length.0 > 0.0 {
            for value in direction.iter_mut() {
                *value /= length;
            }
        }
        for (k, column) in after.iter_mut().enumerate() {
            let part = product(direction, column);
            out[(j + 1 + k) * height + j] = part.0;
            for (value, along) in column.iter_mut().zip(&*direction) {
                *value -= part * *along;
            }
        }
    }
}

/// The Euclidean norm; by squares where they neither overflow nor vanish.
pub fn norm(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let squares: f64 = values.clone().map(|x| x * x).sum();
    if SQUARES.contains(&squares) {
        return squares.sqrt();
    }
    values.fold(0.0, f64::hypot)
}

/// Sums of squares that have kept their digits.
const SQUARES: std::ops::Range<f64> = 1e-260..1e290;
/// Sizes whose squares are of that kind, even of what is left of a column.
pub(super) const SIZES: std::ops::Range<f64> = 1e-100..1e100;

/// The same as [`factor_in_place`] for a matrix so small that blocks and their memory
/// would cost more than the work: a window's or a group's. Whether it was done.
fn factor_small_in_place(values: &mut [f64], rows: usize, columns: usize) -> bool {
    const MOST_COLUMNS: usize = 16;
    const MOST_ROWS: usize = 512;
    let plain = |column: &[f64]| {
        let size = column.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        size == 0.0 || SIZES.contains(&size)
    };
    if columns > MOST_COLUMNS || rows > MOST_ROWS || !values.chunks_exact(rows).all(plain) {
        return false;
    }
    for j in 0..columns.min(rows) {
        let (before, after) = values.split_at_mut((j + 1) * rows);
        let direction = &mut before[j * rows + j..];
        let length = dot(direction, direction).sqrt();
        if length == 0.0 {
            continue;
        }
        // Away from the column, so that nothing cancels.
        let own = direction[0];
        let reflected = -length.copysign(own);
        direction[0] = own - reflected;
        let share = 1.0 / (length * (length + own.abs()));
        for column in after.chunks_exact_mut(rows) {
            let column = &mut column[j..];
            let part = dot(direction, column) * share;
            for (value, direction) in column.iter_mut().zip(&*direction) {
                *value -= part * direction;
            }
        }
        direction[0] = reflected;
    }
    true
}

/// Σ a b, in four sums.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (whole_a, rest_a) = a.as_chunks::<4>();
    let (whole_b, rest_b) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Leaves R in the upper triangle of a matrix that is at least as tall as wide.
pub fn factor_in_place(matrix: MatMut<'_, f64>) {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let block = recommended_block_size::<f64>(rows, columns)
        .min(columns)
        .max(1);
    let mut coefficients = Mat::zeros(block, columns);
    let mut memory = MemBuffer::new(qr_in_place_scratch::<f64>(
        rows,
        columns,
        block,
        Par::Seq,
        Default::default(),
    ));
    qr_in_place(
        matrix,
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    );
}

#[cfg(test)]
mod tests {
    use super::Triangle;

    fn factor(columns: usize) -> Vec<f64> {
        let mut triangle = Triangle::new(columns);
        for i in 0..20 {
            let unit = |j: usize| if i % columns == j { 1.0 } else { 0.0 };
            triangle.push((0..columns).map(|j| ((i * 7 + j * 3) % 11) as f64 + unit(j)));
        }
        assert_eq!(triangle.clone().factor_values(), triangle.factor_values());
        triangle.factor_values()
    }

    /// Numbers with a fixed seed.
    fn matrix(rows: usize, columns: usize) -> Vec<f64> {
        let mut state = 42_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        (0..rows * columns).map(|_| next()).collect()
    }

    fn of(rows: &[f64], columns: usize) -> Triangle {
        let mut triangle = Triangle::new(columns);
        for row in rows.chunks_exact(columns) {
            triangle.push(row.iter().copied());
        }
        triangle
    }

    /// RᵀR, which does not depend on the signs of its rows.
    fn gram(triangle: &Triangle) -> Vec<f64> {
        let factor = triangle.factor();
        let gram = factor.transpose() * &factor;
        gram.col_iter()
            .flat_map(|column| column.iter().copied())
            .collect()
    }

    #[test]
    fn windows_of_shared_rows_have_the_factor_of_their_rows() {
        let columns = 7;
        let rows = matrix(400, columns);
        let row = |from: usize, to: usize| &rows[from * columns..to * columns];
        let nodes: Vec<Triangle> = (0..25)
            .map(|node| of(row(16 * node, 16 * (node + 1)), columns))
            .collect();
        for length in [3_usize, 20, 60, 300] {
            for start in 0..400 - length {
                // As a tree has them: rows, nodes of sixteen, rows.
                let end = start + length;
                let (first, last) = (start.div_ceil(16), end / 16);
                let whole = of(row(start, end), columns);
                let mut window = Triangle::new(columns);
                if first < last {
                    window.merge(&of(row(start, 16 * first), columns));
                    nodes[first..last]
                        .iter()
                        .for_each(|node| window.merge(node));
                    for rest in row(16 * last, end).chunks_exact(columns) {
                        window.push(rest.iter().copied());
                    }
                } else {
                    window.merge(&whole);
                }
                for (a, b) in gram(&window).iter().zip(gram(&whole)) {
                    assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{start} {length}");
                }
                let bytes = postcard::to_allocvec(&window).unwrap();
                let saved: Triangle = postcard::from_bytes(&bytes).unwrap();
                for (a, b) in gram(&saved).iter().zip(gram(&whole)) {
                    assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{start} {length}");
                }
            }
        }
    }

    #[test]
    fn rows_that_follow_a_merge_are_no_part_of_it() {
        let rows = matrix(40, 3);
        let mut node = of(&rows[..48], 3);
        let mut window = Triangle::new(3);
        window.merge(&node);
        node.push(rows[48..51].iter().copied());
        let mut other = Triangle::new(3);
        other.merge(&node);
        for (triangle, rows) in [(&window, &rows[..48]), (&other, &rows[..51])] {
            for (a, b) in gram(triangle).iter().zip(gram(&of(rows, 3))) {
                assert!((a - b).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn a_buffer_that_is_taken_over_is_empty() {
        // A thread that has just begun has none to hand on.
        let fresh = std::thread::spawn(|| factor(3)).join().unwrap();
        factor(5);
        factor(2);
        assert_eq!(factor(3), fresh);
    }
}
