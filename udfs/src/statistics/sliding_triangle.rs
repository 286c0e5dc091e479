//! The triangular factor R of the rows of a window that slides.
//!
//! Rows can be added to a factor, and factors merge, but taking a row out loses digits.
//! So the window is two stacks: of the older rows there is a factor for every suffix,
//! of the newer rows a single one, and the window's is the two of them merged. When the
//! older rows are used up, the newer become the older, which factors each row twice in
//! all, however long the window (Tangwongsan, Hirzel, Schneider and Wu, "General
//! incremental sliding-window aggregation", PVLDB 8(7), 2015). All steps are orthogonal.

use super::triangle::{SIZES, Triangle, is_ill_conditioned};

/// Numbers held for the suffixes: longer windows are factored afresh for each value.
const MOST_NUMBERS: usize = 4 << 20;
/// Rows that have left are dropped from memory when there are this many of them.
const SLACK: usize = 1024;

/// See the module. Triangles are packed, column after column.
#[derive(Debug)]
pub struct SlidingTriangle {
    columns: usize,
    /// The rows, row after row, of which the first `start` have left.
    rows: Vec<f64>,
    start: usize,
    /// Factors of the suffixes of the older rows, the longest last.
    older: Vec<f64>,
    /// The factor of the newer rows.
    newer: Vec<f64>,
    newer_rows: usize,
    /// Rows of such sizes that their squares are no numbers.
    odd_rows: usize,
    rotations: Vec<(f64, f64)>,
    merged: Vec<f64>,
    spent: Vec<f64>,
}

impl SlidingTriangle {
    /// Of no rows.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            start: 0,
            older: Vec::new(),
            newer: vec![0.0; packed(columns)],
            newer_rows: 0,
            odd_rows: 0,
            rotations: Vec::new(),
            merged: Vec::new(),
            spent: Vec::new(),
        }
    }

    /// How many rows are in the window.
    pub fn len(&self) -> usize {
        self.rows.len() / self.columns - self.start
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        (self.rows.capacity() + self.older.capacity() + 3 * self.newer.capacity())
            * size_of::<f64>()
    }

    /// Adds a row of finite values at the end.
    pub fn push(&mut self, row: &[f64]) {
        self.rows.extend_from_slice(row);
        self.odd_rows += usize::from(is_odd(row));
        self.newer_rows += 1;
        add(&mut self.newer, row, &mut self.rotations);
    }

    /// Takes the first row out.
    pub fn pop(&mut self) {
        if self.is_empty() {
            return;
        }
        let from = self.start * self.columns;
        self.odd_rows -= usize::from(is_odd(&self.rows[from..from + self.columns]));
        self.start += 1;
        let width = packed(self.columns);
        if self.older.is_empty() {
            // The row is among the newer ones: the rest of them become the older.
            self.turn();
        } else {
            self.older.truncate(self.older.len() - width);
        }
        if self.start >= SLACK && self.start >= self.len() {
            self.rows.drain(..self.start * self.columns);
            self.start = 0;
        }
    }

    fn turn(&mut self) {
        self.newer.fill(0.0);
        self.newer_rows = 0;
        let width = packed(self.columns);
        if self.is_long() {
            // Nothing is kept; `factor` sees that it does not cover the rows.
            return;
        }
        let mut factor = vec![0.0; width];
        for row in self.rows.chunks_exact(self.columns).skip(self.start).rev() {
            add(&mut factor, row, &mut self.rotations);
            self.older.extend_from_slice(&factor);
        }
    }

    fn is_long(&self) -> bool {
        self.len() * packed(self.columns) > MOST_NUMBERS
    }

    /// R of the rows in the window, column after column, upper triangular.
    pub fn factor(&mut self) -> Vec<f64> {
        let (p, width) = (self.columns, packed(self.columns));
        let known = self.newer_rows + self.older.len() / width == self.len();
        if self.odd_rows > 0 || !known {
            return self.afresh();
        }
        self.merged.clear();
        self.merged.extend_from_slice(&self.newer);
        if let Some(from) = self.older.len().checked_sub(width) {
            self.spent.clear();
            self.spent.extend_from_slice(&self.older[from..]);
            merge(&mut self.merged, &mut self.spent, p);
        }
        let mut whole = vec![0.0; p * p];
        let mut at = 0;
        for (j, column) in whole.chunks_exact_mut(p).enumerate() {
            column[..=j].copy_from_slice(&self.merged[at..=at + j]);
            at += j + 1;
        }
        match is_ill_conditioned(&whole, p, p) {
            true => self.afresh(),
            false => whole,
        }
    }

    /// The same from the rows, with as many digits as they need.
    fn afresh(&self) -> Vec<f64> {
        let mut triangle = Triangle::new(self.columns);
        for row in self.rows.chunks_exact(self.columns).skip(self.start) {
            triangle.push(row.iter().copied());
        }
        triangle.factor_values()
    }
}

/// Numbers of a packed triangle.
pub(super) fn packed(columns: usize) -> usize {
    columns * (columns + 1) / 2
}

pub(super) fn is_odd(row: &[f64]) -> bool {
    row.iter().any(|x| *x != 0.0 && !SIZES.contains(&x.abs()))
}

/// Adds a row to a factor, by a plane rotation for each column.
pub(super) fn add(factor: &mut [f64], row: &[f64], rotations: &mut Vec<(f64, f64)>) {
    rotations.clear();
    let mut at = 0;
    for (j, value) in row.iter().enumerate() {
        let column = &mut factor[at..=at + j];
        let mut below = *value;
        for (above, (cosine, sine)) in column.iter_mut().zip(&*rotations) {
            let rotated = cosine * *above + sine * below;
            below = cosine * below - sine * *above;
            *above = rotated;
        }
        let own = column[j];
        let length = (own * own + below * below).sqrt();
        rotations.push(match length > 0.0 {
            true => (own / length, below / length),
            false => (1.0, 0.0),
        });
        column[j] = length;
        at += j + 1;
    }
}

/// Merges a factor into another by a reflection for each column, which touches only
/// what is not zero. What is left of `from` is of no use.
pub(super) fn merge(into: &mut [f64], from: &mut [f64], columns: usize) {
    let mut at = 0;
    for j in 0..columns {
        let (own, rest_into) = into[at + j..].split_first_mut().expect("a column");
        let (direction, rest_from) = from[at..].split_at_mut(j + 1);
        let below: f64 = direction.iter().map(|x| x * x).sum();
        at += j + 1;
        if below == 0.0 {
            continue;
        }
        let length = (*own * *own + below).sqrt();
        // Away from the column, so that nothing cancels.
        let reflected = -length.copysign(*own);
        let first = *own - reflected;
        let share = 1.0 / (length * (length + own.abs()));
        *own = reflected;
        // Of the columns after it: the row j of one, the rows 0 to j of the other.
        let (mut above, mut beside) = (j, 0);
        for k in j + 1..columns {
            let top = &mut rest_into[above];
            let column = &mut rest_from[beside..=beside + j];
            let products = direction.iter().zip(&*column).map(|(a, b)| a * b);
            let part = (first * *top + products.sum::<f64>()) * share;
            *top -= part * first;
            for (value, direction) in column.iter_mut().zip(&*direction) {
                *value -= part * direction;
            }
            above += k + 1;
            beside += k + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator of numbers with a fixed seed.
    fn numbers() -> impl FnMut() -> f64 {
        let mut state = 42_u64;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        }
    }

    /// RᵀR, which does not depend on the signs of its rows.
    fn gram(factor: &[f64], p: usize) -> Vec<f64> {
        let column = |i: usize| &factor[i * p..(i + 1) * p];
        let product = |i, j| column(i).iter().zip(column(j)).map(|(a, b)| a * b).sum();
        (0..p)
            .flat_map(|i| (0..p).map(move |j| (i, j)))
            .map(|(i, j)| product(i, j))
            .collect()
    }

    fn rows(columns: usize, count: usize) -> Vec<Vec<f64>> {
        let mut next = numbers();
        (0..count)
            .map(|_| {
                let mut row: Vec<f64> = (0..columns).map(|_| next()).collect();
                row[0] = 1.0;
                row
            })
            .collect()
    }

    #[test]
    fn every_window_has_the_factor_of_its_rows() {
        for (columns, length) in [(1, 1), (3, 2), (3, 7), (7, 60), (5, 1500)] {
            let rows = rows(columns, 2 * length + 700);
            let mut window = SlidingTriangle::new(columns);
            for (i, row) in rows.iter().enumerate() {
                window.push(row);
                if i >= length {
                    window.pop();
                }
                assert_eq!(window.len(), length.min(i + 1));
                if i % 37 != 0 && i > 40 {
                    continue;
                }
                let mut whole = Triangle::new(columns);
                for row in &rows[(i + 1).saturating_sub(length)..=i] {
                    whole.push(row.iter().copied());
                }
                let expected = gram(&whole.factor_values(), columns);
                for (a, b) in gram(&window.factor(), columns).iter().zip(expected) {
                    let size = b.abs().max(1.0);
                    assert!((a - b).abs() < 1e-12 * size, "{i}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn windows_may_run_empty_and_rows_may_be_of_any_size() {
        let mut window = SlidingTriangle::new(2);
        window.pop();
        assert!(window.is_empty());
        window.push(&[1.0, 1e200]);
        window.push(&[1.0, 2.0]);
        assert!(window.factor().iter().all(|x| x.is_finite()));
        window.pop();
        // The large row has left nothing behind.
        let factor = window.factor();
        assert_eq!(gram(&factor, 2), [1.0, 2.0, 2.0, 4.0]);
        window.pop();
        assert!(window.is_empty());
        assert_eq!(window.factor(), [0.0; 4]);
    }

    #[test]
    fn long_windows_are_factored_afresh() {
        let columns = 60;
        let length = MOST_NUMBERS / packed(columns) + 10;
        let rows = rows(columns, length + 3);
        let mut window = SlidingTriangle::new(columns);
        for row in &rows {
            window.push(row);
        }
        for _ in 0..3 {
            window.pop();
        }
        assert!(window.older.is_empty());
        let mut whole = Triangle::new(columns);
        for row in &rows[3..] {
            whole.push(row.iter().copied());
        }
        assert_eq!(window.factor(), whole.factor_values());
    }
}
