//! `feature_stability`: the distributions of every feature, each month against the
//! first.

use crate::harness::{compare, rows};

const FEATURES: usize = 100;

pub fn stability() {
    let rows = rows(1_000_000);
    // DataFusion takes the arguments by place only.
    let sql = "CREATE OR REPLACE TABLE stability AS \
               SELECT * FROM feature_stability('t', NULL, NULL, 'ts', 'month', 1, NULL, 'y')";
    compare(
        &format!("feature_stability, {rows} x {FEATURES}, 12 months"),
        "feature_stability",
        &year(rows),
        2,
        sql,
        "stability",
    );
}

/// A year of rows at equal distances, two in a hundred values missing; of five
/// features one stays where it was, and the others wander off at four speeds.
fn year(rows: usize) -> String {
    let features: Vec<String> = (0..FEATURES)
        .map(|i| {
            format!(
                "CASE WHEN random() >= 2e-2 \
                 THEN random() + random() + random() + {}e-2 * month(ts) END AS c{i}",
                i % 5
            )
        })
        .collect();
    format!(
        "CREATE TABLE t AS SELECT ts, random() + random() + random() AS y, {} \
         FROM (SELECT TIMESTAMP '2021-01-01' + to_seconds(CAST(k AS BIGINT) * 31535999 // {rows}) AS ts \
               FROM range({rows}) r(k))",
        features.join(", ")
    )
}
