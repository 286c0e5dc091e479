//! Speed against the peers, in one run on two threads:
//!
//! ```text
//! cargo bench --bench speed -- [corr] [lag] [fit]
//! ```
//!
//! `LAGRANGE_BENCH_PYTHON` names a Python that has the packages of peers.py;
//! without it only the engines are measured. `LAGRANGE_BENCH_ROWS` scales the
//! data down for a quick look.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use lagrange_tests::{DataFusionEngine, DuckDbEngine, Engine};

const THREADS: usize = 2;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let run = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if run("corr") {
        correlation(0);
        correlation(5);
    }
    if run("fit") {
        fit();
    }
    if run("lag") {
        lags();
    }
}

fn rows(full: usize) -> usize {
    let limit = std::env::var("LAGRANGE_BENCH_ROWS").ok();
    limit.and_then(|text| text.parse().ok()).unwrap_or(full)
}

/// The best of `runs` runs, in seconds.
fn best(runs: usize, mut work: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn query(engine: &mut dyn Engine, sql: &str) {
    if let Err(error) = engine.query(sql) {
        panic!("{error}\n{}", &sql[..sql.len().min(500)]);
    }
}

fn time(engine: &mut dyn Engine, runs: usize, sql: &str) -> f64 {
    best(runs, || query(engine, sql))
}

fn python(task: &str, parquet: &Path) -> Vec<(String, f64)> {
    let Ok(python) = std::env::var("LAGRANGE_BENCH_PYTHON") else {
        return Vec::new();
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.py");
    let output = Command::new(python)
        .arg(script)
        .arg(task)
        .arg(parquet)
        // Some machines pin old kernels for the sake of old libraries.
        .env_remove("OPENBLAS_CORETYPE")
        .env_remove("OPENBLAS_L2_SIZE")
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        let (name, seconds) = line.rsplit_once(' ').expect("a name and seconds");
        (name.to_owned(), seconds.parse().expect("seconds"))
    };
    text.trim().lines().map(line).collect()
}

fn report(title: &str, ours: (&str, f64), peers: &[(String, f64)]) {
    println!("{title}");
    println!("  {:<34} {:>9.3} s", ours.0, ours.1);
    for (name, seconds) in peers {
        println!(
            "  {name:<34} {seconds:>9.3} s   {:>6.2} times ours",
            seconds / ours.1
        );
    }
}

/// Columns c0.. of normal-looking noise; `nulls` per cent of them NULL.
fn noise(columns: usize, rows: usize, nulls: usize, extra: &str) -> String {
    let items: Vec<String> = (0..columns)
        .map(|i| {
            let value = format!("random() + random() + random() + {i} * 0.01");
            if nulls == 0 {
                format!("{value} AS c{i}")
            } else {
                format!("CASE WHEN random() * 100 < {nulls} THEN NULL ELSE {value} END AS c{i}")
            }
        })
        .collect();
    format!(
        "CREATE TABLE t AS SELECT {extra}{} FROM range({rows}) r(k)",
        items.join(", ")
    )
}

/// The table in DuckDB, as Parquet in a folder that goes with the value, and
/// in DataFusion's memory.
fn load(create: &str) -> (DuckDbEngine, tempfile::TempDir, std::path::PathBuf) {
    let mut duckdb = DuckDbEngine::new(THREADS);
    query(&mut duckdb, "SELECT setseed(0.42) IS NULL");
    query(&mut duckdb, create);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let parquet = folder.path().join("t.parquet");
    query(
        &mut duckdb,
        &format!("COPY t TO '{}' (FORMAT parquet)", parquet.display()),
    );
    (duckdb, folder, parquet)
}

fn load_datafusion(parquet: &Path) -> DataFusionEngine {
    let mut datafusion = DataFusionEngine::new(THREADS, 8192);
    query(
        &mut datafusion,
        &format!(
            "CREATE EXTERNAL TABLE file STORED AS PARQUET LOCATION '{}'",
            parquet.display()
        ),
    );
    query(&mut datafusion, "CREATE TABLE t AS SELECT * FROM file");
    datafusion
}

fn fields(columns: std::ops::Range<usize>) -> String {
    let fields: Vec<String> = columns.map(|i| format!("'c{i}': c{i}")).collect();
    format!("{{{}}}", fields.join(", "))
}

fn correlation(nulls: usize) {
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

fn fit() {
    let (columns, rows) = (51, rows(1_000_000));
    let (mut duckdb, _folder, parquet) = load(&noise(columns, rows, 0, ""));
    let sql = format!("SELECT fit(c0, {}) AS m FROM t", fields(1..columns));
    let ours = time(&mut duckdb, 3, &sql);
    drop(duckdb);
    let mut datafusion = load_datafusion(&parquet);
    let mut peers = vec![(
        "fit on DataFusion".to_owned(),
        time(&mut datafusion, 3, &sql),
    )];
    drop(datafusion);
    peers.extend(python("fit", &parquet));
    report(
        &format!("fit ols, {rows} x {}", columns - 1),
        ("fit on DuckDB", ours),
        &peers,
    );
}

fn lags() {
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
