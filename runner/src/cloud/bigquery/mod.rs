//! BigQuery: tables exported to a bucket, read from there, and results loaded back.
//!
//! - [`names`], [`schema`]: what tables and columns are called, and their types.
//! - [`client`]: the service; [`jobs`]: jobs that run once, whatever happens.
//! - [`query`]: the SQL of an export; [`export`]: all of it, with the
//!   [`manifest`] last.
//! - [`exports`]: what is there; [`verify`]: whether it is whole.
//! - [`sources`]: the tables of a run that come from exports.
//! - [`load`]: results back into a data set.

pub mod client;
pub mod export;
pub mod exports;
pub mod jobs;
pub mod load;
pub mod manifest;
pub mod names;
pub mod query;
pub mod schema;
pub mod sources;
pub mod verify;
