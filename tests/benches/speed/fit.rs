//! `fit` of least squares.

use crate::harness::{compare, fields, noise, rows};

pub fn fit() {
    let (columns, rows) = (51, rows(1_000_000));
    let sql = format!("SELECT fit(c0, {}) AS m FROM t", fields(1..columns));
    compare(
        &format!("fit ols, {rows} x {}", columns - 1),
        "fit",
        &noise(columns, rows, 0, ""),
        3,
        &sql,
        "fit",
    );
}
