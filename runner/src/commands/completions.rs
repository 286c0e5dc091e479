//! `lagrange completions`: commands complete themselves in a shell.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::Status;
use crate::printer::{Output, Printer};

/// Runs the command.
pub fn completions(args: &CompletionsArgs) -> Status {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lagrange", &mut script);
    Printer::new(Output::Text).result(&String::from_utf8_lossy(&script));
    Status::Success
}
