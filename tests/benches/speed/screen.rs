//! `feature_screen`: every statistic of every feature of a panel.

use crate::harness::{compare, rows};

const SYMBOLS: usize = 500;
const FEATURES: usize = 200;

pub fn screen() {
    let rows = rows(1_000_000);
    // DataFusion takes the arguments by place only.
    let sql = "CREATE OR REPLACE TABLE screened AS \
               SELECT * FROM feature_screen('t', 'y', NULL, NULL, 'ts', 'symbol')";
    compare(
        &format!("feature_screen, {rows} x {FEATURES}, {SYMBOLS} symbols"),
        "feature_screen",
        &panel(rows),
        2,
        sql,
        "screen",
    );
}

/// The same rows without dates: every rank is one of all rows, and relevance is
/// Kendall's.
pub fn screen_rows() {
    let rows = rows(1_000_000);
    let sql = "CREATE OR REPLACE TABLE screened AS SELECT * FROM feature_screen('t', 'y', 'c*')";
    compare(
        &format!("feature_screen, {rows} x {FEATURES}, no dates"),
        "feature_screen",
        &panel(rows),
        2,
        sql,
        "screen_rows",
    );
}

/// Symbols by day. A feature is missing on the first days, as one that looks
/// back is; every tenth repeats the one before it, and a few carry a signal.
fn panel(rows: usize) -> String {
    let days = (rows / SYMBOLS).max(1);
    let noise: Vec<String> = (0..FEATURES)
        .map(|i| format!("random() + random() + random() - 15e-1 AS r{i}"))
        .collect();
    let features: Vec<String> = (0..FEATURES)
        .map(|i| {
            let value = match i % 10 {
                1 => format!("r{} + 3e-1 * r{i}", i - 1),
                _ => format!("r{i}"),
            };
            let warm_up = (i % 40) * days / 2000;
            match warm_up {
                0 => format!("{value} AS c{i}"),
                _ => format!("CASE WHEN day >= {warm_up} THEN {value} END AS c{i}"),
            }
        })
        .collect();
    format!(
        "CREATE TABLE t AS \
         SELECT 'S' || (k % {SYMBOLS}) AS symbol, DATE '2016-01-01' + CAST(day AS INTEGER) AS ts, \
                random() + random() + random() + 1e-1 * r0 - 5e-2 * r25 AS y, {} \
         FROM (SELECT k, k // {SYMBOLS} AS day, {} FROM range({rows}) r(k))",
        features.join(", "),
        noise.join(", ")
    )
}
