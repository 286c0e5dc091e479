//! One verb, one file; each returns how the process ends.

pub mod catalogue;
mod check;
mod config;
mod export_model;
mod functions;
mod import_model;
mod lineage;
mod models;
mod report;
mod run;
mod runs;

use crate::cli::Command;
use crate::error::Status;

/// Runs a command.
pub fn dispatch(command: &Command) -> Status {
    match command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::check(args),
        Command::Lineage(args) => lineage::lineage(args),
        Command::Runs(args) => runs::runs(args),
        Command::Report(args) => report::report(args),
        Command::Functions(args) => functions::functions(args),
        Command::Config(args) => config::config(args),
        Command::Models(args) => models::models(args),
        Command::ImportModel(args) => import_model::import_model(args),
        Command::ExportModel(args) => export_model::export_model(args),
    }
}
