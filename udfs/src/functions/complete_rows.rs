//! The rows in which nothing is missing, for functions that can only use those.

use crate::error::{Error, Result};
use crate::input::{Numbers, Rows};
use crate::models::infinite_feature;

/// The rows in which nothing is missing; `None` if that is all of them.
///
/// # Errors
/// An infinite value, by the column's name; a column without one is the target.
pub fn complete_rows(
    function: &str,
    columns: &[&Numbers<'_>],
    rows: Rows<'_>,
    name: impl Fn(usize) -> Option<String>,
) -> Result<Option<Vec<u32>>> {
    // x * 0 is 0 for finite x, otherwise NaN: one sum tells about a column.
    let plain = |column: &Numbers<'_>| match rows {
        Rows::All(n) if column.valid().is_none() => {
            column.values()[..n].iter().map(|x| x * 0.0).sum::<f64>() == 0.0
        }
        _ => rows
            .iter()
            .all(|row| column.get(row).is_some_and(f64::is_finite)),
    };
    if columns.iter().all(|column| plain(column)) {
        return Ok(None);
    }
    let mut complete = vec![true; rows.len()];
    for (i, column) in columns.iter().enumerate() {
        for (row, complete) in rows.iter().zip(&mut complete) {
            match column.get(row) {
                None => *complete = false,
                Some(value) if value.is_infinite() => {
                    return Err(match name(i) {
                        Some(name) => infinite_feature(function, &name),
                        None => Error::data(
                            function,
                            "the target holds an infinite value; filter or replace it (NULL is missing)",
                        ),
                    });
                }
                Some(_) => {}
            }
        }
    }
    let kept = rows.iter().zip(complete).filter(|(_, complete)| *complete);
    Ok(Some(kept.map(|(row, _)| row as u32).collect()))
}
