//! `lagrange cluster`: the processes of a cluster.

use crate::cli::cluster::{ClusterArgs, ClusterProcess};
use crate::cluster;
use crate::error::{Result, Status};
use crate::printer::{Output, Printer};

/// Runs the command.
pub fn cluster(args: &ClusterArgs) -> Status {
    let ended = cluster::check().and_then(|()| run(&args.process));
    match ended {
        Ok(()) => Status::Success,
        Err(error) => {
            Printer::new(Output::default()).error(&error);
            error.status()
        }
    }
}

#[cfg(feature = "cluster")]
fn run(process: &ClusterProcess) -> Result<()> {
    let runtime = super::answer::threads()?;
    match process {
        ClusterProcess::Scheduler(args) => runtime.block_on(cluster::scheduler::run(args)),
        ClusterProcess::Executor(args) => runtime.block_on(cluster::executor::run(args)),
    }
}

#[cfg(not(feature = "cluster"))]
fn run(_: &ClusterProcess) -> Result<()> {
    Ok(())
}
