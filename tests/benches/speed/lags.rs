//! `lag_features`.

use crate::harness::{load, load_datafusion, noise, python, report, rows, time};

pub fn lags() {
    let (columns, rows, symbols) = (20, rows(5_000_000), 500);
    let extra = format!("k % {symbols} AS symbol, k // {symbols} AS ts, ");
    let (mut duckdb, _folder, parquet) = load(&noise(columns, rows, 0, &extra));
    let names: Vec<String> = (0..columns).map(|i| format!("'c{i}'")).collect();
    let ours_sql = format!(
        "CREATE OR REPLACE TABLE lagged AS SELECT * FROM lag_features('t', [{}], [1, 2, 3, 4, 5], 'symbol', 'ts')",
        names.join(", ")
    );
    let items: Vec<String> = (0..columns)
        .flat_map(|i| (1..=5).map(move |k| format!("lag(c{i}, {k}) OVER w AS c{i}_lag{k}")))
        .collect();
    let by_hand = format!(
        "CREATE OR REPLACE TABLE lagged AS SELECT *, {} FROM t WINDOW w AS (PARTITION BY symbol ORDER BY ts)",
        items.join(", ")
    );
    // In turns, so that neither finds the memory warmer than the other.
    let (mut ours, mut hand) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        ours = ours.min(time(&mut duckdb, 1, &ours_sql));
        hand = hand.min(time(&mut duckdb, 1, &by_hand));
    }
    let mut peers = vec![("window SQL by hand on DuckDB".to_owned(), hand)];
    drop(duckdb);
    let mut datafusion = load_datafusion(&parquet);
    peers.push((
        "lag_features on DataFusion".to_owned(),
        time(&mut datafusion, 2, &ours_sql),
    ));
    peers.push((
        "window SQL by hand on DataFusion".to_owned(),
        time(&mut datafusion, 1, &by_hand),
    ));
    drop(datafusion);
    peers.extend(python("lag", &parquet));
    report(
        &format!(
            "lag_features, {rows} rows, {symbols} symbols, {columns} columns, 5 lags, into a table"
        ),
        ("lag_features on DuckDB", ours),
        &peers,
    );
}
