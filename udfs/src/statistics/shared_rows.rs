//! Rows of a factor that others share.
//!
//! DuckDB computes a window from a tree: the states of sixteen rows each are merged into
//! those of all windows that have them. So what merges a few rows keeps no copy but a
//! reference, they are factored once, and windows that follow one another share even the
//! factor of all of theirs.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use super::sliding_triangle::{add, is_odd, merge, packed};

/// As few rows are copied.
const FEWEST: usize = 8;
/// Of more the factor is as large as they are.
const MOST: usize = 64;

/// Rows, row after row, and their factor.
#[derive(Debug)]
pub struct SharedRows {
    columns: usize,
    rows: Vec<f64>,
    /// A packed triangle; `None` for rows of such sizes that their squares are no numbers.
    factor: OnceLock<Option<Vec<f64>>>,
}

impl SharedRows {
    /// Whether so many rows are worth it.
    pub fn takes(rows: usize) -> bool {
        (FEWEST..=MOST).contains(&rows)
    }

    /// A copy of rows.
    pub fn of(rows: &[f64], columns: usize) -> Self {
        Self {
            columns,
            rows: rows.to_vec(),
            factor: OnceLock::new(),
        }
    }

    /// Row after row.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    fn factor(&self) -> Option<&[f64]> {
        let find = || {
            let (mut factor, mut rotations) = (vec![0.0; packed(self.columns)], Vec::new());
            for row in self.rows.chunks_exact(self.columns) {
                if is_odd(row) {
                    return None;
                }
                add(&mut factor, row, &mut rotations);
            }
            Some(factor)
        };
        self.factor.get_or_init(find).as_deref()
    }
}

/// The factor of all these rows, packed, for `then`; `None` where some have none. A thread
/// remembers the last: the next window has mostly the same.
pub fn with_factor<T>(shared: &[Arc<SharedRows>], then: impl FnOnce(&[f64]) -> T) -> Option<T> {
    type Last = (Vec<Arc<SharedRows>>, Vec<f64>);
    thread_local! {
        static LAST: RefCell<Last> = const { RefCell::new((Vec::new(), Vec::new())) };
    }
    LAST.with_borrow_mut(|(last, factor)| {
        let same = |(a, b): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(a, b);
        if last.len() != shared.len() || !last.iter().zip(shared).all(same) {
            last.clear();
            factor.clear();
            for rows in shared {
                let own = rows.factor()?;
                if factor.is_empty() {
                    factor.extend_from_slice(own);
                } else {
                    merge(factor, &mut own.to_vec(), rows.columns);
                }
            }
            last.extend_from_slice(shared);
        }
        Some(then(factor))
    })
}
