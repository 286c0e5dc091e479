//! Machine-learning functions for SQL: each is defined once, as a signature
//! and a kernel on slices, and runs in DuckDB and in DataFusion.
//!
//! The rooms:
//! - [`definition`]: what a function is; [`functions`]: the list of them.
//! - [`input`], [`value`], [`call`], [`options`]: what kernels receive and return.
//! - [`statistics`]: mathematics on slices; [`models`]: fitting, prediction and
//!   the model format.
//! - [`time`]: folds that do not leak.
//! - `duckdb` and `datafusion`: one generic adapter per engine, each behind the
//!   feature of its name (and `duckdb-session` for a database that is opened
//!   here), all on by default.
//!
//! A DataFusion client depends on this crate with `default-features = false,
//! features = ["datafusion"]` and calls `register_all`; see
//! `examples/datafusion.rs`. A DuckDB client loads the extension in
//! `udfs/extension`, or opens a `duckdb::Session`.

pub mod call;
pub mod catalogue;
#[cfg(feature = "datafusion")]
pub mod datafusion;
pub mod definition;
#[cfg(feature = "duckdb")]
pub mod duckdb;
pub mod error;
pub mod functions;
pub mod input;
pub mod models;
pub mod options;
pub mod reference;
pub mod statistics;
pub mod time;
pub mod value;

#[cfg(feature = "datafusion")]
pub use datafusion::register_all;
pub use error::{Error, Result};
