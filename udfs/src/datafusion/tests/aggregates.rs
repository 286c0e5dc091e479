use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use datafusion::prelude::SessionConfig;

use super::{add_table, batches, context, error, rows, session};

/// 700 rows in batches of 97: `g` in 0..50, `x` with gaps.
fn table(context: &datafusion::prelude::SessionContext) {
    let batches = (0..700_i64)
        .collect::<Vec<_>>()
        .chunks(97)
        .map(|rows| {
            let rows = rows.iter().copied();
            let x = rows
                .clone()
                .map(|i| (i % 11 != 0).then_some(i as f64 / 8.0));
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("i", Arc::new(Int64Array::from_iter_values(rows.clone()))),
                (
                    "g",
                    Arc::new(Int64Array::from_iter_values(
                        rows.clone().map(|i| i * 7 % 50),
                    )),
                ),
                ("x", Arc::new(Float64Array::from_iter(x))),
            ];
            columns
        })
        .collect();
    add_table(context, "t", batches);
}

#[tokio::test]
async fn groups_merge_whatever_the_batches_and_partitions() {
    for batch_size in [1, 2, 3, 64, 8192] {
        for partitions in [1, 4] {
            let config = SessionConfig::new()
                .with_batch_size(batch_size)
                .with_target_partitions(partitions)
                .with_repartition_aggregations(true);
            let context = session(config);
            table(&context);
            let compare = "SELECT count(*) FROM (SELECT g, t_total(x) AS a, sum(x) AS b FROM \
                           (SELECT * FROM t UNION ALL SELECT * FROM t) GROUP BY g) \
                           WHERE a IS DISTINCT FROM b";
            let label = format!("batches of {batch_size}, {partitions} partitions");
            assert_eq!(rows(&context, compare).await, ["0"], "{label}");
            let sql = "SELECT g, t_sums({'x': x, 'i': i}, {'k': 1}) AS s FROM t GROUP BY g \
                       ORDER BY g LIMIT 2";
            assert_eq!(
                rows(&context, sql).await,
                [
                    "0|[{feature: x, rows: 14, missing: 2, total: 500.0, options: {\"k\":1}}, \
                     {feature: i, rows: 14, missing: 0, total: 4550.0, options: {\"k\":1}}]",
                    "1|[{feature: x, rows: 14, missing: 2, total: 539.5, options: {\"k\":1}}, \
                     {feature: i, rows: 14, missing: 0, total: 5152.0, options: {\"k\":1}}]",
                ],
                "{label}"
            );
            let sql = "SELECT t_total(x), sum(x) FROM t";
            let seen = rows(&context, sql).await;
            let (a, b) = seen[0].split_once('|').expect("two");
            assert_eq!(a, b, "{label}");
        }
    }
}

#[tokio::test]
async fn filter_order_by_and_distinct() {
    let context = context();
    table(&context);
    for group in ["", " GROUP BY g"] {
        let sql = format!(
            "SELECT count(*) FROM (SELECT t_total(x) FILTER (WHERE i % 3 = 1 AND g < 20) AS a, \
             sum(x) FILTER (WHERE i % 3 = 1 AND g < 20) AS b FROM t{group}) \
             WHERE a IS DISTINCT FROM b"
        );
        assert_eq!(rows(&context, &sql).await, ["0"], "{group}");
        let sql = format!(
            "SELECT count(*) FROM (SELECT t_total(x ORDER BY i DESC) AS a, \
             sum(x) AS b FROM t{group}) WHERE a IS DISTINCT FROM b"
        );
        assert_eq!(rows(&context, &sql).await, ["0"], "{group}");
        let sql = format!("SELECT t_total(DISTINCT x), t_sums({{'x': x}}) FROM t{group}");
        assert_eq!(
            error(&context, &sql).await,
            "Error during planning: t_total: DISTINCT is not supported; aggregate over \
             (SELECT DISTINCT ...) instead"
        );
    }
    // DataFusion itself rewrites this one into a GROUP BY, so it is exact.
    let sql = "SELECT t_total(DISTINCT g) FROM t";
    assert_eq!(rows(&context, sql).await, ["1225.0"]);
}

#[tokio::test]
async fn windows_that_run_and_that_slide() {
    for batch_size in [1, 3, 8192] {
        let context = session(SessionConfig::new().with_batch_size(batch_size));
        table(&context);
        for frame in [
            "ORDER BY i",
            "PARTITION BY g ORDER BY i",
            "PARTITION BY g",
            "ORDER BY i ROWS BETWEEN 5 PRECEDING AND CURRENT ROW",
            "PARTITION BY g ORDER BY i ROWS BETWEEN 5 PRECEDING AND 2 PRECEDING",
            "PARTITION BY g ORDER BY i ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING",
            "ORDER BY i ROWS BETWEEN 300 PRECEDING AND 200 PRECEDING",
            "ORDER BY i RANGE BETWEEN 20 PRECEDING AND 10 PRECEDING",
            "ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        ] {
            let sql = format!(
                "SELECT count(*), count(a) > 600 FROM (SELECT t_total(x) OVER ({frame}) AS a, \
                 sum(x) OVER ({frame}) AS b FROM t) WHERE abs(a - b) > 1e-9 OR \
                 (a IS NULL) <> (b IS NULL)"
            );
            let seen = rows(&context, &sql).await;
            assert!(
                seen[0].starts_with("0|"),
                "{frame} in batches of {batch_size}: {seen:?}"
            );
        }
        let sql = "SELECT t_sums({'x': x, 'i': i}, '{\"k\": 2}') \
                   OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t LIMIT 3";
        let show = |rows: i64, x: &str, i: &str| {
            format!(
                "[{{feature: x, rows: {rows}, missing: {}, total: {x}, options: {{\"k\":2}}}}, \
                 {{feature: i, rows: {rows}, missing: 0, total: {i}, options: {{\"k\":2}}}}]",
                i64::from(x != "0.375")
            )
        };
        assert_eq!(
            rows(&context, sql).await,
            [
                show(1, "0.0", "0.0"),
                show(2, "0.125", "1.0"),
                show(2, "0.375", "3.0")
            ]
        );
    }
}

#[tokio::test]
async fn sliding_results_are_exact_after_large_values() {
    let context = context();
    let n = 5000;
    let x = (0..n).map(|i| if i == 10 { 1e17 } else { 0.1 });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(Int64Array::from_iter_values(0..n))),
        ("x", Arc::new(Float64Array::from_iter_values(x))),
    ];
    add_table(&context, "t", vec![columns]);
    let sql = "SELECT DISTINCT a FROM (SELECT i, t_total(x) OVER (ORDER BY i ROWS 2 PRECEDING) \
               AS a FROM t) WHERE i > 20";
    assert_eq!(rows(&context, sql).await, ["0.30000000000000004"]);
}

#[tokio::test]
async fn no_rows() {
    let context = context();
    table(&context);
    let sql = "SELECT t_total(x), t_sums({'x': x}) FROM t WHERE i < 0";
    assert_eq!(rows(&context, sql).await, ["|[]"]);
    let sql = "SELECT t_total(x), t_sums({'x': x}) FROM t WHERE i < 0 GROUP BY g";
    assert_eq!(rows(&context, sql).await, Vec::<String>::new());
    let sql = "SELECT t_total(NULL), t_total(x) FILTER (WHERE i < 0) FROM t";
    assert_eq!(rows(&context, sql).await, ["|"]);
    let sql = "SELECT t_sums({'x': x}) OVER (ORDER BY i ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING) \
               FROM t LIMIT 1";
    assert_eq!(rows(&context, sql).await, ["[]"]);
}

#[tokio::test]
async fn errors_and_panics_reach_the_caller_as_errors() {
    let context = context();
    table(&context);
    for group in ["", " GROUP BY g"] {
        let sql =
            format!("SELECT t_total(CASE WHEN i = 600 THEN 1.0 / 0.0 ELSE x END) FROM t{group}");
        let message = error(&context, &sql).await;
        assert!(
            message.ends_with("t_total: x is infinite; leave out such rows"),
            "{message}"
        );
        let sql = format!("SELECT t_total(CASE WHEN i = 600 THEN -1e9 ELSE x END) FROM t{group}");
        let message = error(&context, &sql).await;
        assert!(message.contains("t_total: it panicked: "), "{message}");
        let sql = format!("SELECT t_sums({{'x': x, 'name': 'a'}}) FROM t{group}");
        let message = error(&context, &sql).await;
        assert!(
            message.contains("t_sums: feature 'name' is VARCHAR, not numeric"),
            "{message}"
        );
    }
    let message = error(&context, "SELECT t_total('a') FROM t").await;
    assert_eq!(
        message,
        "Error during planning: t_total: argument 'x' is of type VARCHAR; pass a numeric column, or \
         cast it: CAST(x AS DOUBLE)"
    );
}

#[tokio::test]
async fn groups_that_outnumber_their_rows() {
    // The partial phase gives up on such groups and converts rows to states.
    let config = SessionConfig::new()
        .with_target_partitions(4)
        .with_batch_size(1024);
    let context = session(config);
    let sql = "SELECT count(*), sum(a) FROM (SELECT value, t_total(value) FILTER \
               (WHERE value % 2 = 0) AS a FROM generate_series(1, 300000) GROUP BY value)";
    assert_eq!(rows(&context, sql).await, ["300000|22500150000.0"]);
}

#[tokio::test]
async fn an_aggregate_runs_inside_a_scalar_subquery() {
    let context = context();
    table(&context);
    let sql = "SELECT count(*) FROM t WHERE x > (SELECT t_total(i) FROM t WHERE i < 10)";
    let seen = batches(&context, sql).await.expect("ran");
    assert_eq!(seen.len(), 1);
}
