//! One verb, one file; each returns how the process ends.

mod answer;
pub mod catalogue;
mod check;
mod cluster;
mod completions;
mod config;
mod doctor;
mod export;
mod export_model;
mod functions;
mod import_model;
mod init;
mod jobs;
mod lineage;
mod man;
mod models;
mod plan;
mod report;
mod run;
mod runs;
mod submit;

pub use run::{ResultArgs, SelectArgs, parse_duration};

use crate::cli::Command;
use crate::error::Status;

/// Runs a command.
pub fn dispatch(command: &Command) -> Status {
    match command {
        Command::Init(args) => init::init(args),
        Command::Run(args) => run::run(args),
        Command::Plan(args) => plan::plan(args),
        Command::Test(args) => run::test(args),
        Command::Check(args) => check::check(args),
        Command::Lineage(args) => lineage::lineage(args),
        Command::Export(args) => export::export(args),
        Command::Submit(args) => submit::submit(args),
        Command::Jobs(args) => jobs::jobs(args),
        Command::Cluster(args) => cluster::cluster(args),
        Command::Runs(args) => runs::runs(args),
        Command::Report(args) => report::report(args),
        Command::Functions(args) => functions::functions(args),
        Command::Config(args) => config::config(args),
        Command::Models(args) => models::models(args),
        Command::Doctor(args) => doctor::doctor(args),
        Command::ImportModel(args) => import_model::import_model(args),
        Command::ExportModel(args) => export_model::export_model(args),
        Command::Completions(args) => completions::completions(args),
        Command::Man(args) => man::man(args),
    }
}
