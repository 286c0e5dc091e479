//! Runs every file of `slt` on both engines, and on settings that force
//! partial states to be merged.

use std::path::PathBuf;

use lagrange_tests::{DataFusionEngine, DuckDbEngine, Engine, EngineError};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

struct Connection(Box<dyn Engine>);

impl DB for Connection {
    type Error = EngineError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, EngineError> {
        let table = self.0.query(sql)?;
        if table.rows.is_empty() && table.names.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows {
            types: vec![DefaultColumnType::Any; table.names.len()],
            rows: table.rows,
        })
    }

    fn engine_name(&self) -> &str {
        self.0.name()
    }
}

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of suites is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    files
}

fn run_all(engine: impl Fn() -> Box<dyn Engine>) {
    lagrange_tests::serve_example();
    let mut failures = Vec::new();
    for file in files() {
        let mut runner = Runner::new(|| async { Ok(Connection(engine())) });
        if let Err(error) = runner.run_file(&file) {
            failures.push(error.display(false).to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_function_has_a_suite() {
    let files = files();
    for function in lagrange_udfs::functions::all() {
        let name = function.signature().name;
        let has = files
            .iter()
            .any(|file| file.file_stem().is_some_and(|stem| stem == name));
        assert!(has, "tests/slt/{name}.slt is missing");
    }
}

#[test]
fn duckdb() {
    run_all(|| Box::new(DuckDbEngine::new(2)));
}

#[test]
fn duckdb_on_one_thread() {
    run_all(|| Box::new(DuckDbEngine::new(1)));
}

#[test]
fn datafusion() {
    run_all(|| Box::new(DataFusionEngine::new(2, 8192)));
}

#[test]
fn datafusion_in_batches_of_one() {
    run_all(|| Box::new(DataFusionEngine::new(4, 1)));
}

#[test]
fn datafusion_in_batches_of_two() {
    run_all(|| Box::new(DataFusionEngine::new(3, 2)));
}

#[test]
fn datafusion_in_batches_of_three() {
    run_all(|| Box::new(DataFusionEngine::new(1, 3)));
}
