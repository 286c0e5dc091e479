//! `lagrange cluster`: the processes of a cluster.

use super::answer::threads;
use crate::cli::cluster::{ClusterArgs, ClusterProcess};
use crate::cluster::{executor, scheduler};
use crate::error::Status;
use crate::printer::{Output, Printer};

/// Runs the command.
pub fn cluster(args: &ClusterArgs) -> Status {
    let printer = Printer::new(Output::default());
    let ended = threads().and_then(|runtime| match &args.process {
        ClusterProcess::Scheduler(args) => runtime.block_on(scheduler::run(args)),
        ClusterProcess::Executor(args) => runtime.block_on(executor::run(args)),
    });
    match ended {
        Ok(()) => Status::Success,
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}
