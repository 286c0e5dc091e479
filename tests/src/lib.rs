//! What the suites share: the two engines behind one trait, and one way to
//! print a value.

mod datafusion_engine;
mod duckdb_engine;
mod print;
mod registry;

use std::fmt;

pub use datafusion_engine::DataFusionEngine;
pub use duckdb_engine::DuckDbEngine;
pub use print::double;
pub use registry::serve_example;

/// A table of printed values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The column names.
    pub names: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// An error of an engine, as its client would show it.
#[derive(Debug)]
pub struct EngineError(pub String);

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EngineError {}

/// A database with every function of the catalogue.
pub trait Engine: Send {
    /// `duckdb` or `datafusion`.
    fn name(&self) -> &'static str;

    /// Runs one statement.
    fn query(&mut self, sql: &str) -> Result<Table, EngineError>;

    /// The only value of a query that returns one number.
    fn number(&mut self, sql: &str) -> Result<Option<f64>, EngineError> {
        let table = self.query(&format!("SELECT CAST(({sql}) AS DOUBLE) AS value"))?;
        let text = table.rows.first().and_then(|row| row.first());
        match text.map(String::as_str) {
            None | Some("NULL") => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| EngineError(format!("not a number: {text}"))),
        }
    }
}

/// Both engines as a user opens them, and the settings that force merging.
pub fn engines() -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(DuckDbEngine::new(2)),
        Box::new(DataFusionEngine::new(2, 8192)),
    ]
}
