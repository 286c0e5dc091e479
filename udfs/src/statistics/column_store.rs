//! Columns kept whole, for what cannot be computed from sums.

use serde::{Deserialize, Serialize};

use crate::input::{Numbers, Rows};
use crate::statistics::cross_moments::Infinite;

/// Columns of doubles in the order of arrival, NaN where a value is missing:
/// 8 bytes per value. Rows come in any order, and merges append them, so
/// whatever is computed from a store must not depend on the order of its rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStore {
    columns: Vec<Vec<f64>>,
}

impl ColumnStore {
    /// Of no rows.
    pub fn new(columns: usize) -> Self {
        Self {
            columns: vec![Vec::new(); columns],
        }
    }

    /// Adds rows; `columns` has one entry per column.
    ///
    /// # Errors
    /// The first column with an infinity in these rows.
    pub fn update(&mut self, columns: &[&Numbers<'_>], rows: Rows<'_>) -> Result<(), Infinite> {
        debug_assert_eq!(columns.len(), self.columns.len());
        for (i, (column, kept)) in columns.iter().zip(&mut self.columns).enumerate() {
            let before = kept.len();
            column.copy_rows(rows, kept);
            if kept[before..].iter().any(|value| value.is_infinite()) {
                return Err(Infinite(i));
            }
        }
        Ok(())
    }

    /// Adds the rows of `other`, which has as many columns.
    pub fn merge(&mut self, other: &Self) {
        for (kept, more) in self.columns.iter_mut().zip(&other.columns) {
            kept.extend_from_slice(more);
        }
    }

    /// Adds those rows of `other` that have a flag.
    pub fn merge_some(&mut self, other: &Self, flags: &[bool]) {
        let count = flags.iter().filter(|&&flag| flag).count();
        for (kept, more) in self.columns.iter_mut().zip(&other.columns) {
            kept.reserve_exact(count);
            let flagged = more.iter().zip(flags).filter(|(_, flag)| **flag);
            kept.extend(flagged.map(|(value, _)| value));
        }
    }

    /// Keeps the rows that have a flag.
    pub fn retain(&mut self, flags: &[bool]) {
        for kept in &mut self.columns {
            let mut flags = flags.iter();
            kept.retain(|_| flags.next().copied().unwrap_or_default());
        }
    }

    /// The columns, all of one length.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        let capacity: usize = self.columns.iter().map(Vec::capacity).sum();
        capacity * size_of::<f64>()
    }
}
