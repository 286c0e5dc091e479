//! A column in ascending order.
//!
//! Values are told apart by where they lie between the least and the greatest,
//! as a number of 32 bits that grows with them, and these numbers are sorted
//! digit by digit (LSD radix sort). What the numbers do not tell apart is
//! compared in the end: nothing in a column that is spread out, everything in
//! one whose greatest value dwarfs the others, which then costs what the
//! standard sort costs.

/// Up to this many values the standard sort is as fast.
const FEW: usize = 512;
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 3;
const BUCKETS: usize = 1 << DIGIT_BITS;

/// The rows of a column that have a value, by value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ascending {
    /// The rows; equal values in the order of rows.
    pub rows: Vec<u32>,
    /// Their values; 0 for -0.
    pub values: Vec<f64>,
}

/// Memory that serves one column after the other.
#[derive(Debug, Clone, Default)]
pub struct Sorter {
    /// A value's number, then its row.
    coded: Vec<u64>,
    moved: Vec<u64>,
}

impl Ascending {
    /// Of a column of fewer than 2³¹ rows; NaN is missing.
    pub fn of(column: &[f64]) -> Self {
        Sorter::default().sort(column)
    }
}

impl Sorter {
    /// [`Ascending::of`].
    pub fn sort(&mut self, column: &[f64]) -> Ascending {
        self.order(column);
        let rows: Vec<u32> = self.coded.iter().map(|&coded| coded as u32).collect();
        let values = rows.iter().map(|&row| column[row as usize] + 0.0).collect();
        Ascending { rows, values }
    }

    /// The values alone.
    pub fn sorted_values(&mut self, column: &[f64]) -> Vec<f64> {
        self.order(column);
        let value = |&coded: &u64| column[coded as u32 as usize] + 0.0;
        self.coded.iter().map(value).collect()
    }

    /// Leaves the rows, by value, in the lower halves of `coded`.
    fn order(&mut self, column: &[f64]) {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for &value in column {
            // A NaN is neither.
            least = least.min(value);
            most = most.max(value);
        }
        let scale = f64::from(u32::MAX) / (most - least);
        self.coded.clear();
        if column.len() <= FEW || !scale.is_normal() {
            // Also where the range is that of no number: all have one code.
            let present = (0..).zip(column).filter(|(_, value)| !value.is_nan());
            self.coded.extend(present.map(|(row, _): (u64, _)| row));
        } else {
            let mut counts = vec![[0_u32; BUCKETS]; DIGITS];
            for (row, &value) in (0_u64..).zip(column) {
                if !value.is_nan() {
                    let code = ((value - least) * scale) as u32;
                    for (digit, counts) in counts.iter_mut().enumerate() {
                        counts[bucket(u64::from(code), digit)] += 1;
                    }
                    self.coded.push(u64::from(code) << 32 | row);
                }
            }
            self.by_digits(&mut counts);
        }
        for ties in self.coded.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
            compare(ties, column);
        }
    }

    fn by_digits(&mut self, counts: &mut [[u32; BUCKETS]]) {
        let n = self.coded.len();
        self.moved.resize(n, 0);
        for (digit, counts) in counts.iter_mut().enumerate() {
            // A digit that all share orders nothing.
            if counts.iter().any(|&count| count as usize == n) {
                continue;
            }
            let mut start = 0;
            for count in counts.iter_mut() {
                start += std::mem::replace(count, start);
            }
            for &coded in &self.coded {
                let next = &mut counts[bucket(coded >> 32, digit)];
                self.moved[*next as usize] = coded;
                *next += 1;
            }
            std::mem::swap(&mut self.coded, &mut self.moved);
        }
    }
}

#[inline]
fn bucket(code: u64, digit: usize) -> usize {
    (code >> (digit as u32 * DIGIT_BITS)) as usize & (BUCKETS - 1)
}

/// Orders rows of one code by value, equal values by row.
fn compare(ties: &mut [u64], column: &[f64]) {
    let value = |coded: u64| column[coded as u32 as usize] + 0.0;
    let Some((&first, others)) = ties.split_first() else {
        return;
    };
    // They came in the order of rows.
    if others.is_empty() || others.iter().all(|&other| value(other) == value(first)) {
        return;
    }
    ties.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
}

#[cfg(test)]
mod tests {
    use super::{Ascending, FEW};
    use crate::statistics::random::Random;

    /// Against the standard sort, for columns of all kinds and lengths.
    #[test]
    fn rows_follow_their_values() {
        let mut random = Random::stream(42, "ascending", 0);
        let mut column = |n: usize, of: fn(&mut Random) -> f64| -> Vec<f64> {
            (0..n).map(|_| of(&mut random)).collect()
        };
        let kinds: [fn(&mut Random) -> f64; 6] = [
            |random| random.below(1 << 30) as f64 - 1e8,
            |random| random.below(7) as f64 - 3.0,
            |random| f64::from_bits(random.bits() >> 2),
            // Within the range of no number.
            |random| (random.below(3) as f64 - 1.0) * f64::MAX,
            |random| [f64::NAN, 0.0, -0.0, 5e-324, 1e-320, -1.0][random.below(6)],
            |_| f64::NAN,
        ];
        for kind in kinds {
            for n in [0, 1, 2, FEW, FEW + 1, 20_000] {
                let column = column(n, kind);
                let mut rows: Vec<u32> = (0..n as u32)
                    .filter(|&row| !column[row as usize].is_nan())
                    .collect();
                let value = |row: u32| column[row as usize] + 0.0;
                rows.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
                let values: Vec<f64> = rows.iter().map(|&row| value(row)).collect();
                assert_eq!(Ascending::of(&column), Ascending { rows, values });
            }
        }
    }

    /// One value that dwarfs the others leaves all of them to comparisons.
    #[test]
    fn a_giant_among_small_values() {
        let mut column: Vec<f64> = (0..5_000).map(|i| f64::from(i * 7919 % 5_000)).collect();
        column[17] = 1e300;
        let sorted = Ascending::of(&column);
        assert!(sorted.values.is_sorted());
        assert_eq!(sorted.rows.last(), Some(&17));
    }
}
