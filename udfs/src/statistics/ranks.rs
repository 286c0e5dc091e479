//! Ranks of columns.

use super::ascending::Ascending;

/// Where a row of [`Sorted::by_row`] has no value.
pub const MISSING: u32 = u32::MAX;

/// A column in ascending order, sorted once and compared with many others.
///
/// Rows are numbered by 32 bits: a column has fewer than 2³¹ of them.
pub struct Sorted {
    /// The rows that have a value, by value.
    pub rows: Vec<u32>,
    /// Of each of `rows`, the number of distinct values below its own.
    pub levels: Vec<u32>,
    /// The level of every row of the column, [`MISSING`] where it has no value.
    pub by_row: Vec<u32>,
}

impl Sorted {
    /// Sorts a column; NaN is missing.
    pub fn of(values: &[f64]) -> Self {
        Self::from_ascending(Ascending::of(values), values.len())
    }

    /// Of a column of so many rows that was sorted before.
    pub fn from_ascending(sorted: Ascending, rows: usize) -> Self {
        let mut by_row = vec![MISSING; rows];
        let mut levels = Vec::with_capacity(sorted.rows.len());
        let mut level = 0;
        let mut previous = sorted.values.first().copied().unwrap_or_default();
        for (&value, &row) in sorted.values.iter().zip(&sorted.rows) {
            level += u32::from(value != previous);
            previous = value;
            levels.push(level);
            by_row[row as usize] = level;
        }
        Self {
            rows: sorted.rows,
            levels,
            by_row,
        }
    }

    /// The number of rows that have a value.
    pub fn present(&self) -> usize {
        self.rows.len()
    }

    /// The number of distinct values.
    pub fn distinct(&self) -> usize {
        self.levels.last().map_or(0, |&last| last as usize + 1)
    }

    /// Whether no row is missing.
    pub fn is_complete(&self) -> bool {
        self.rows.len() == self.by_row.len()
    }

    /// The average rank of every row that has a value, in the order of rows.
    pub fn present_ranks(&self) -> Vec<f64> {
        let mut of_level = Vec::with_capacity(self.distinct());
        for ties in self.levels.chunk_by(|a, b| a == b) {
            let before = of_level.last().map_or(0, |&(_, end)| end);
            of_level.push((average_rank(before, ties.len()), before + ties.len()));
        }
        let present = self.by_row.iter().filter(|&&level| level != MISSING);
        present.map(|&level| of_level[level as usize].0).collect()
    }
}

/// The average of the ranks of `ties` equal values above `before` others.
fn average_rank(before: usize, ties: usize) -> f64 {
    (2 * before + ties + 1) as f64 / 2.0
}

/// Ranks from 1, ties getting the average of the ranks they span, in the order
/// of `values`; NaN is missing and left out.
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    let sorted = Ascending::of(values);
    let mut ranks = vec![f64::NAN; values.len()];
    let mut before = 0;
    for ties in sorted.values.chunk_by(|a, b| a == b) {
        let rank = average_rank(before, ties.len());
        let end = before + ties.len();
        for &row in &sorted.rows[before..end] {
            ranks[row as usize] = rank;
        }
        before = end;
    }
    if sorted.rows.len() < values.len() {
        ranks.retain(|rank| !rank.is_nan());
    }
    ranks
}

/// How often values of a column are equal: what corrects a statistic of ranks
/// for ties. Sums over the runs of t equal values, exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ties {
    /// Σ t (t - 1) / 2: pairs of equal values.
    pub pairs: u128,
    /// Σ t (t - 1) (t - 2).
    pub triples: u128,
    /// Σ t³ - t.
    pub cubes: u128,
}

impl Ties {
    /// Adds a run of `t` equal values.
    #[inline]
    pub fn add(&mut self, t: u32) {
        if t > 1 {
            let t = u128::from(t);
            let pairs = t * (t - 1);
            self.pairs += pairs / 2;
            self.triples += pairs * (t - 2);
            self.cubes += pairs * (t + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MISSING, Sorted, Ties, average_ranks};
    use crate::statistics::random::Random;

    #[test]
    fn ties_share_the_average_and_signed_zeros_are_equal() {
        assert_eq!(average_ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(average_ranks(&[0.0, -0.0, 1.0]), [1.5, 1.5, 3.0]);
        assert_eq!(
            average_ranks(&[-1.0, 5.0, -3.0, 1e300]),
            [2.0, 3.0, 1.0, 4.0]
        );
        assert_eq!(average_ranks(&[7.0, f64::NAN, 2.0]), [2.0, 1.0]);
        assert!(average_ranks(&[]).is_empty());
    }

    #[test]
    fn missing_values_have_no_level() {
        let sorted = Sorted::of(&[2.0, f64::NAN, -1.0, 2.0]);
        assert_eq!(sorted.rows, [2, 0, 3]);
        assert_eq!(sorted.levels, [0, 1, 1]);
        assert_eq!(sorted.by_row, [1, MISSING, 0, 1]);
        assert_eq!(sorted.present_ranks(), [2.5, 1.0, 2.5]);
        assert_eq!((sorted.present(), sorted.distinct()), (3, 2));
        assert!(!sorted.is_complete());
        let none = Sorted::of(&[f64::NAN]);
        assert_eq!((none.present(), none.distinct()), (0, 0));
    }

    /// Against counting, for values of all sizes and signs.
    #[test]
    fn ranks_count_the_values_below() {
        let mut random = Random::stream(42, "ranks", 0);
        let values: Vec<f64> = (0..5_000)
            .map(|_| match random.below(4) {
                0 => random.below(50) as f64 - 25.0,
                1 => f64::from_bits(random.bits() >> 2),
                2 => -f64::from_bits(random.bits() >> 2),
                _ => random.below(1 << 30) as f64 * 1e-9,
            })
            .collect();
        let ranks = average_ranks(&values);
        for i in (0..values.len()).step_by(37) {
            let below = values.iter().filter(|&&x| x < values[i]).count();
            let equal = values.iter().filter(|&&x| x == values[i]).count();
            assert_eq!(ranks[i], below as f64 + (equal as f64 + 1.0) / 2.0);
        }
        assert_eq!(Sorted::of(&values).present_ranks(), ranks);
    }

    #[test]
    fn ties_are_sums_over_runs() {
        let mut ties = Ties::default();
        for run in [1, 2, 5] {
            ties.add(run);
        }
        let expected = Ties {
            pairs: 1 + 10,
            triples: 60,
            cubes: 6 + 120,
        };
        assert_eq!(ties, expected);
    }
}
