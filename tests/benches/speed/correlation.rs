//! `corr_matrix`: products, ranks and concordant pairs.

use crate::harness::{compare, fields, load, load_datafusion, noise, python, report, rows, time};

/// Without missing values, and with five per cent of them.
pub fn pearson() {
    products(0);
    products(5);
}

/// Of average ranks; pandas ranks every column once, too.
pub fn spearman() {
    ranked("spearman", 50, 1_000_000);
}

/// tau-b, one call of SciPy per pair.
pub fn kendall() {
    ranked("kendall", 20, 200_000);
}

fn ranked(method: &str, columns: usize, full: usize) {
    let rows = rows(full);
    let sql = format!(
        "SELECT corr_matrix({}, {{'method': '{method}'}}) AS m FROM t",
        fields(0..columns)
    );
    compare(
        &format!("corr_matrix {method}, {rows} x {columns}"),
        "corr_matrix",
        &noise(columns, rows, 0, ""),
        2,
        &sql,
        method,
    );
}

fn products(nulls: usize) {
    let (columns, rows) = (100, rows(1_000_000));
    let (mut duckdb, _folder, parquet) = load(&noise(columns, rows, nulls, ""));
    let matrix = format!("SELECT corr_matrix({}) AS m FROM t", fields(0..columns));
    let ours = time(&mut duckdb, 3, &matrix);
    let mut peers = Vec::new();
    let maxima: Vec<String> = (0..columns).map(|i| format!("max(c{i}) AS c{i}")).collect();
    let scan = time(
        &mut duckdb,
        3,
        &format!("SELECT {} FROM t", maxima.join(", ")),
    );
    peers.push(("(a scan: max of every column)".to_owned(), scan));
    if nulls == 0 {
        let pairs: Vec<String> = (0..columns)
            .flat_map(|i| (i + 1..columns).map(move |j| format!("corr(c{i}, c{j}) AS r{i}_{j}")))
            .collect();
        let seconds = time(
            &mut duckdb,
            1,
            &format!("SELECT {} FROM t", pairs.join(", ")),
        );
        peers.push(("DuckDB corr, all pairs".to_owned(), seconds));
    }
    drop(duckdb);
    let mut datafusion = load_datafusion(&parquet);
    peers.push((
        "corr_matrix on DataFusion".to_owned(),
        time(&mut datafusion, 3, &matrix),
    ));
    drop(datafusion);
    peers.extend(python(
        if nulls == 0 { "corr" } else { "corr_nulls" },
        &parquet,
    ));
    report(
        &format!("corr_matrix, {rows} x {columns}, {nulls} % NULL"),
        ("corr_matrix on DuckDB", ours),
        &peers,
    );
}
