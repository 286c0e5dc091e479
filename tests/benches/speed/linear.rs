//! The linear family beyond least squares of a whole table.

use crate::harness::{compare, fields, noise, rows};

/// A path of penalties of the lasso.
pub fn path() {
    let (columns, rows) = (101, rows(1_000_000));
    // Some of the features matter.
    let create = noise(columns, rows, 0, "").replacen(
        "CREATE TABLE t AS SELECT ",
        "CREATE TABLE t AS SELECT * REPLACE (c0 + c1 - 5e-1 * c2 + 25e-2 * c3 AS c0) FROM (SELECT ",
        1,
    ) + ")";
    let sql = format!(
        "SELECT fit(c0, {}, {{'algorithm': 'lasso', 'alpha': 1e-3, 'lambdas': 100}}) AS m FROM t",
        fields(1..columns)
    );
    let title = format!("fit lasso, a path of 100, {rows} x {}", columns - 1);
    compare(&title, "fit", &create, 2, &sql, "path");
}

/// Logistic regression.
pub fn logistic() {
    let (columns, rows) = (51, rows(1_000_000));
    let create = noise(columns, rows, 0, "").replacen(
        "CREATE TABLE t AS SELECT ",
        "CREATE TABLE t AS SELECT * REPLACE (CASE WHEN c0 + c1 - 5e-1 * c2 > 15e-1 THEN 1 ELSE 0 END AS c0) FROM (SELECT ",
        1,
    ) + ")";
    let sql = format!(
        "SELECT fit(c0, {}, {{'algorithm': 'logistic'}}) AS m FROM t",
        fields(1..columns)
    );
    let title = format!("fit logistic, {rows} x {}", columns - 1);
    compare(&title, "fit", &create, 2, &sql, "logistic");
}

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
