//! Linear models: least squares of frames and of groups, paths, classes.

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

/// A target of twenty features and as much noise again.
fn signal(columns: usize, rows: usize) -> String {
    let terms: Vec<String> = (1..=20)
        .map(|i| format!("{} * c{i}", f64::from(i % 7) - 3.0))
        .collect();
    format!(
        "CREATE TABLE t AS SELECT k, {0} + 10 * (random() - random() + random() - random()) AS y, \
         CASE WHEN {0} + ln(1 / random() - 1) > 0 THEN 1 ELSE 0 END AS label, * EXCLUDE (k) FROM (SELECT k, {1} \
         FROM range({rows}) r(k)) n",
        terms.join(" + "),
        (1..=columns)
            .map(|i| format!("random() + random() + random() - 1.5 AS c{i}"))
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// A hundred penalties of the lasso and of the elastic net.
pub fn path() {
    let (columns, rows) = (100, rows(1_000_000));
    for (options, peer) in [
        ("{'algorithm': 'lasso', 'n_lambdas': 100}", "lasso_path"),
        (
            "{'algorithm': 'elastic_net', 'n_lambdas': 100}",
            "enet_path",
        ),
    ] {
        let sql = format!(
            "SELECT fit(y, {}, {options}) AS m FROM t",
            fields(1..columns + 1)
        );
        let title = format!("fit {options}, {rows} x {columns}");
        compare(&title, "fit", &signal(columns, rows), 5, &sql, peer);
    }
}

/// The penalty that five folds by time choose.
pub fn lasso_cv() {
    let (columns, rows) = (100, rows(1_000_000));
    let sql = format!(
        "SELECT fit(y, {}, {{'algorithm': 'lasso', 'folds': 5}}, 1, k) AS m FROM t",
        fields(1..columns + 1)
    );
    let title = format!("fit lasso, 5 folds, {rows} x {columns}");
    compare(&title, "fit", &signal(columns, rows), 1, &sql, "lasso_cv");
}

/// Two classes.
pub fn logistic() {
    let (columns, rows) = (50, rows(1_000_000));
    let sql = format!(
        "SELECT fit(label, {}, {{'algorithm': 'logistic'}}) AS m FROM t",
        fields(1..columns + 1)
    );
    let title = format!("fit logistic, {rows} x {columns}");
    compare(&title, "fit", &signal(columns, rows), 3, &sql, "logistic");
}
