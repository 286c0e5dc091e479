//! What the tasks share: data, clocks and the table of results.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use lagrange_tests::{DataFusionEngine, DuckDbEngine, Engine};

const THREADS: usize = 2;

/// How many rows a task has: `full`, or what the environment says.
pub fn rows(full: usize) -> usize {
    let limit = std::env::var("LAGRANGE_BENCH_ROWS").ok();
    limit.and_then(|text| text.parse().ok()).unwrap_or(full)
}

/// The best of `runs` runs, in seconds.
pub fn best(runs: usize, mut work: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// Runs a statement and throws its rows away.
pub fn query(engine: &mut dyn Engine, sql: &str) {
    if let Err(error) = engine.query(sql) {
        panic!("{error}\n{}", &sql[..sql.len().min(500)]);
    }
}

/// The best of `runs` runs of a statement, in seconds.
pub fn time(engine: &mut dyn Engine, runs: usize, sql: &str) -> f64 {
    best(runs, || query(engine, sql))
}

/// What a task of peers/__main__.py prints: the names of peers and their seconds.
pub fn python(task: &str, parquet: &Path) -> Vec<(String, f64)> {
    let Ok(python) = std::env::var("LAGRANGE_BENCH_PYTHON") else {
        return Vec::new();
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let output = Command::new(python)
        // No __pycache__ in the repository.
        .arg("-B")
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
    let (notes, times): (Vec<&str>, Vec<&str>) =
        text.trim().lines().partition(|line| line.starts_with('#'));
    for line in notes {
        note(line.trim_start_matches("# "));
    }
    let line = |line: &&str| {
        let (name, seconds) = line.rsplit_once(' ').expect("a name and seconds");
        (name.to_owned(), seconds.parse().expect("seconds"))
    };
    times.iter().map(line).collect()
}

/// Prints what is no time, such as a loss.
pub fn note(text: &str) {
    println!("    {text}");
}

/// Prints the seconds of all, and how many times ours the others take.
pub fn report(title: &str, ours: (&str, f64), peers: &[(String, f64)]) {
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
pub fn noise(columns: usize, rows: usize, nulls: usize, extra: &str) -> String {
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
pub fn load(create: &str) -> (DuckDbEngine, tempfile::TempDir, std::path::PathBuf) {
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

/// The Parquet file as a table `t` in DataFusion's memory.
pub fn load_datafusion(parquet: &Path) -> DataFusionEngine {
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

/// One query on both engines and its peer, task `peer` of peers/__main__.py,
/// over the table `t` that `create` makes; reported as what `function` takes.
pub fn compare(title: &str, function: &str, create: &str, runs: usize, sql: &str, peer: &str) {
    compare_on(title, function, &[create.to_owned()], runs, sql, peer);
}

/// As [`compare`], after several statements: the first makes the table `t`, the
/// others what else is there when the clock starts.
pub fn compare_on(
    title: &str,
    function: &str,
    setup: &[String],
    runs: usize,
    sql: &str,
    peer: &str,
) {
    let (create, more) = setup.split_first().expect("a statement that makes t");
    let (mut duckdb, _folder, parquet) = load(create);
    for statement in more {
        query(&mut duckdb, statement);
    }
    let ours = time(&mut duckdb, runs, sql);
    drop(duckdb);
    let mut datafusion = load_datafusion(&parquet);
    for statement in more {
        query(&mut datafusion, statement);
    }
    let mut peers = vec![(
        format!("{function} on DataFusion"),
        time(&mut datafusion, runs, sql),
    )];
    drop(datafusion);
    peers.extend(python(peer, &parquet));
    report(title, (&format!("{function} on DuckDB"), ours), &peers);
}

/// A struct of the columns c0.. in that range.
pub fn fields(columns: std::ops::Range<usize>) -> String {
    let fields: Vec<String> = columns.map(|i| format!("'c{i}': c{i}")).collect();
    format!("{{{}}}", fields.join(", "))
}
