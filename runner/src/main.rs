//! `lagrange`: runs SQL training scripts on DuckDB and on DataFusion.
//!
//! - [`cli`], [`settings`], [`printer`], [`error`]: what every command shares.
//! - [`commands`]: one verb, one file.
//! - [`script`], [`parameters`]: from text to statements that are ready to run.
//! - [`guard`]: whether a feature sees the future.
//! - [`flow`]: what each statement reads and writes; [`files`]: files that appear whole.
//! - [`engines`]: what runs them; [`interrupt`]: what ends a run before its time.
//! - [`cloud`]: BigQuery, buckets, Vertex AI; [`cluster`]: several machines.
//! - [`registry`], [`runs`], [`trials`]: where models, runs and the trials of a
//!   search are kept; [`tracking`]: how a run gets there, and to MLflow;
//!   [`report`]: a page about it.

mod cli;
mod cloud;
mod cluster;
mod commands;
mod engines;
mod error;
mod files;
mod flow;
mod guard;
mod interrupt;
mod parameters;
mod printer;
mod registry;
mod report;
mod retries;
mod runs;
mod script;
mod secrets;
mod settings;
#[cfg(test)]
mod test_bucket;
mod tracking;
mod trials;

use std::process::ExitCode;

use clap::Parser;

use crate::error::Status;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    if cli.no_color {
        printer::without_colours();
    }
    // The panic hook has printed the message; the exit code tells scripts that
    // the fault is ours.
    std::panic::catch_unwind(|| commands::dispatch(&cli.command))
        .unwrap_or(Status::Internal)
        .into()
}
