//! Machine-learning functions for SQL: each is defined once, as a signature
//! and a kernel on slices, and runs in DuckDB and in DataFusion.
//!
//! The rooms:
//! - [`definition`]: what a function is; [`functions`]: the list of them.
//! - [`input`], [`value`], [`call`], [`options`]: what kernels receive and return.
//! - [`statistics`]: mathematics on slices; [`models`]: fitting, prediction and
//!   the model format.
//! - [`time`]: folds that do not leak.
//! - [`duckdb`] and [`datafusion`]: one generic adapter per engine.

pub mod call;
pub mod catalogue;
pub mod datafusion;
pub mod definition;
pub mod duckdb;
pub mod error;
pub mod functions;
pub mod input;
pub mod models;
pub mod options;
pub mod statistics;
pub mod time;
pub mod value;

pub use error::{Error, Result};
