//! Least squares of frames and of groups.

use crate::harness::{compare, fields, noise, rows};

/// A regression of the last 60 rows, at every row.
pub fn rolling() {
    let (columns, rows) = (6, rows(1_000_000));
    let sql = format!(
        "SELECT count(m) AS n FROM (SELECT fit(c0, {}) OVER (ORDER BY k ROWS BETWEEN 59 PRECEDING AND CURRENT ROW) AS m \
         FROM t) x",
        fields(1..columns)
    );
    let title = format!("fit ols OVER 60 rows, {rows} x {}", columns - 1);
    compare(
        &title,
        "fit",
        &noise(columns, rows, 0, "k, "),
        1,
        &sql,
        "rolling",
    );
}

/// A regression per group.
pub fn groups() {
    let (columns, rows) = (6, rows(1_000_000));
    let sql = format!(
        "SELECT count(m) AS n FROM (SELECT fit(c0, {}) AS m FROM t GROUP BY g) x",
        fields(1..columns)
    );
    let create = noise(
        columns,
        rows,
        0,
        &format!("k % {} AS g, ", rows.div_ceil(10)),
    );
    let title = format!(
        "fit ols, {} groups of {rows} x {}",
        rows.div_ceil(10),
        columns - 1
    );
    compare(&title, "fit", &create, 1, &sql, "groups");
}
