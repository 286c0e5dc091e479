//! Columns kept whole, for what cannot be computed from sums.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::input::{Numbers, Rows};
use crate::statistics::bulk;
use crate::statistics::cross_moments::Infinite;

/// Rows of a part, a power of two.
const PART_ROWS: usize = 8192;

/// Columns of doubles in the order of arrival, NaN where a value is missing:
/// 8 bytes per value. Rows come in any order, and merges append them, so
/// whatever is computed from a store must not depend on the order of its rows.
///
/// Rows are kept in parts that never change once they are full: nothing moves
/// as a store grows, and stores that merge share their parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStore {
    /// Of [`PART_ROWS`] rows each.
    full: Vec<Part>,
    /// The rows that fill none.
    #[serde(with = "bulk::columns")]
    open: Vec<Vec<f64>>,
}

/// Columns that stores share.
#[derive(Debug, Clone, Default, PartialEq)]
struct Part(Arc<Vec<Vec<f64>>>);

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bulk::columns::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bulk::columns::deserialize(deserializer).map(|columns| Self(Arc::new(columns)))
    }
}

/// A column of a store, by row.
pub struct StoredColumn<'a>(Vec<&'a [f64]>);

impl StoredColumn<'_> {
    /// The value of a row.
    #[inline]
    pub fn at(&self, row: u32) -> f64 {
        let row = row as usize;
        self.0[row / PART_ROWS][row % PART_ROWS]
    }
}

impl ColumnStore {
    /// Of no rows.
    pub fn new(columns: usize) -> Self {
        Self {
            full: Vec::new(),
            open: vec![Vec::new(); columns],
        }
    }

    /// Adds rows; `columns` has one entry per column.
    ///
    /// # Errors
    /// The first column with an infinity in these rows.
    pub fn update(&mut self, columns: &[&Numbers<'_>], rows: Rows<'_>) -> Result<(), Infinite> {
        debug_assert_eq!(columns.len(), self.open.len());
        let mut infinite = None;
        self.append(rows.len(), |i, range, kept| {
            let before = kept.len();
            match rows {
                Rows::All(_) => columns[i].copy_range(range.start, range.len(), kept),
                Rows::Some(rows) => columns[i].copy_rows(Rows::Some(&rows[range]), kept),
            }
            if infinite.is_none() && kept[before..].iter().any(|value| value.is_infinite()) {
                infinite = Some(Infinite(i));
            }
        });
        infinite.map_or(Ok(()), Err)
    }

    /// Appends so many rows, of which `copy` appends a range of a column.
    fn append(&mut self, rows: usize, mut copy: impl FnMut(usize, Range<usize>, &mut Vec<f64>)) {
        let mut start = 0;
        while start < rows {
            let here = self.open.first().map_or(0, Vec::len);
            let end = rows.min(start + PART_ROWS - here);
            for (i, column) in self.open.iter_mut().enumerate() {
                copy(i, start..end, column);
            }
            if here + end - start == PART_ROWS {
                let more = || Vec::with_capacity(PART_ROWS);
                let open = std::iter::repeat_with(more).take(self.open.len()).collect();
                let part = std::mem::replace(&mut self.open, open);
                self.full.push(Part(Arc::new(part)));
            }
            start = end;
        }
    }

    /// The rows of the parts that are full, which come first.
    pub fn full_rows(&self) -> usize {
        self.full.len() * PART_ROWS
    }

    /// Adds the rows of `other`, which has as many columns: its full parts after
    /// the full ones here, its other rows in the end.
    pub fn merge(&mut self, other: &Self) {
        self.full.extend(other.full.iter().cloned());
        let rows = other.open.first().map_or(0, Vec::len);
        self.append(rows, |i, range, kept| {
            kept.extend_from_slice(&other.open[i][range]);
        });
    }

    /// Adds those rows of `other` that have a flag.
    pub fn merge_some(&mut self, other: &Self, flags: &[bool]) {
        let parts = other.full.iter().map(|part| part.0.as_ref());
        let mut flags = flags.chunks(PART_ROWS);
        for part in parts.chain(std::iter::once(&other.open)) {
            self.append_flagged(part, flags.next().unwrap_or_default());
        }
    }

    /// Keeps the rows that have a flag.
    pub fn retain(&mut self, flags: &[bool]) {
        let all = std::mem::replace(self, Self::new(self.open.len()));
        let mut flags = flags.chunks(PART_ROWS);
        // Each part goes as soon as its rows are copied.
        for part in all.full {
            self.append_flagged(&part.0, flags.next().unwrap_or_default());
        }
        self.append_flagged(&all.open, flags.next().unwrap_or_default());
    }

    fn append_flagged(&mut self, part: &[Vec<f64>], flags: &[bool]) {
        let flagged = (0..).zip(flags).filter(|(_, flag)| **flag);
        let rows: Vec<u32> = flagged.map(|(row, _)| row).collect();
        self.append(rows.len(), |i, range, kept| {
            kept.extend(rows[range].iter().map(|&row| part[i][row as usize]));
        });
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.open.len()
    }

    /// A column by row.
    pub fn column(&self, i: usize) -> StoredColumn<'_> {
        let full = self.full.iter().map(|part| part.0[i].as_slice());
        let open = self.open[i].as_slice();
        StoredColumn(full.chain(std::iter::once(open)).collect())
    }

    /// The columns `range`, each in one piece.
    pub fn columns(&self, range: Range<usize>) -> Cow<'_, [Vec<f64>]> {
        if self.full.is_empty() {
            return Cow::Borrowed(&self.open[range]);
        }
        let rows = self.rows();
        let whole = |i: usize| {
            let mut whole = Vec::with_capacity(rows);
            for part in &self.full {
                whole.extend_from_slice(&part.0[i]);
            }
            whole.extend_from_slice(&self.open[i]);
            whole
        };
        range.into_par_iter().map(whole).collect()
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.full_rows() + self.open.first().map_or(0, Vec::len)
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        let open: usize = self.open.iter().map(Vec::capacity).sum();
        (self.full.len() * PART_ROWS * self.open.len() + open) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnStore, PART_ROWS};
    use crate::input::{Numbers, Rows};
    use crate::statistics::cross_moments::Infinite;

    fn store(rows: usize, batch: usize) -> ColumnStore {
        let mut store = ColumnStore::new(2);
        for start in (0..rows).step_by(batch) {
            let end = rows.min(start + batch);
            let first: Vec<f64> = (start..end).map(|row| row as f64).collect();
            let second: Vec<f64> = first.iter().map(|x| -x).collect();
            let numbers = [first, second].map(|values| Numbers::new(values, None));
            let updated = store.update(&[&numbers[0], &numbers[1]], Rows::All(end - start));
            updated.expect("nothing is infinite");
        }
        store
    }

    fn firsts(store: &ColumnStore) -> Vec<usize> {
        let columns = store.columns(0..2);
        let found: Vec<usize> = columns[0].iter().map(|&x| x as usize).collect();
        let column = store.column(1);
        let by_row = (0..store.rows() as u32).map(|row| -column.at(row) as usize);
        assert_eq!(by_row.collect::<Vec<_>>(), found);
        assert_eq!(found.len(), store.rows());
        found
    }

    #[test]
    fn rows_are_all_there_whatever_fills_the_parts() {
        for rows in [0, 5, PART_ROWS, 2 * PART_ROWS + 7] {
            for batch in [3, 2048, 3 * PART_ROWS] {
                let mut all = store(rows, batch);
                assert_eq!(firsts(&all), (0..rows).collect::<Vec<_>>());
                let bytes = postcard::to_allocvec(&all).expect("a store");
                assert_eq!(
                    postcard::from_bytes::<ColumnStore>(&bytes).expect("it"),
                    all
                );

                all.merge(&store(PART_ROWS + 5, batch));
                let mut found = firsts(&all);
                found.sort_unstable();
                let mut expected: Vec<usize> = (0..rows).chain(0..PART_ROWS + 5).collect();
                expected.sort_unstable();
                assert_eq!(found, expected);
                let flags: Vec<bool> = firsts(&all).iter().map(|row| row % 3 == 1).collect();
                let mut some = ColumnStore::new(2);
                some.merge_some(&all, &flags);
                all.retain(&flags);
                assert_eq!(some, all);
                let mut found = firsts(&all);
                found.sort_unstable();
                expected.retain(|row| row % 3 == 1);
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn an_infinity_is_named() {
        let mut store = store(5, 5);
        let numbers = [1.0, f64::NEG_INFINITY].map(|value| Numbers::new(vec![value], None));
        let updated = store.update(&[&numbers[0], &numbers[1]], Rows::All(1));
        assert_eq!(updated, Err(Infinite(1)));
    }
}
