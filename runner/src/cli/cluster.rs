//! Arguments of `lagrange cluster`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cluster::{Address, PORT};

/// Arguments of `lagrange cluster`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange cluster scheduler
  lagrange cluster executor --scheduler 10.0.0.5 --bind 10.0.0.6
  lagrange run sql/train.sql --engine ballista://10.0.0.5:50050")]
pub struct ClusterArgs {
    /// What to start.
    #[command(subcommand)]
    pub process: ClusterProcess,
}

/// A process of a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterProcess {
    /// Start the scheduler, which hands out tasks; one for a cluster.
    Scheduler(SchedulerArgs),
    /// Start an executor, which runs tasks; one for a machine.
    Executor(ExecutorArgs),
}

/// Arguments of `lagrange cluster scheduler`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange cluster scheduler
  lagrange cluster scheduler --bind 10.0.0.5

Nobody is asked who they are, and nothing is encrypted: listen only where everyone may run what they like.")]
pub struct SchedulerArgs {
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: String,

    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    pub port: u16,

    /// Seconds of silence after which an executor is lost and its tasks run elsewhere.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(12..))]
    pub executor_timeout: u64,

    /// Say what happens.
    #[arg(long)]
    pub verbose: bool,
}

/// Arguments of `lagrange cluster executor`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  lagrange cluster executor
  lagrange cluster executor --scheduler 10.0.0.5 --bind 10.0.0.6 --cores 16 --memory-limit 100G

Other executors and the runner fetch rows from it. It must be the same version of lagrange as they are, and see the database's folder under the same path.")]
pub struct ExecutorArgs {
    /// The scheduler.
    #[arg(long, value_name = "HOST[:PORT]", default_value_t = Address { host: "127.0.0.1".to_owned(), port: PORT })]
    pub scheduler: Address,

    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: String,

    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// Name under which others reach it [default: the address that the scheduler sees].
    #[arg(long, value_name = "HOST")]
    pub external_host: Option<String>,

    /// Tasks that run at once [default: the cores of the machine].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub cores: Option<u16>,

    /// Memory of its tasks together, such as 8G [default: 70 % of the machine's].
    #[arg(long, value_name = "AMOUNT")]
    pub memory_limit: Option<String>,

    /// Folder for what is passed on and spilled [default: the system's].
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,

    /// Be a further machine of a job of Vertex AI, which says where the scheduler is.
    #[arg(long, hide = true, conflicts_with_all = ["scheduler", "bind", "port", "external_host"])]
    pub vertex: bool,

    /// Seconds to wait for the scheduler at the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u16,

    /// Say what happens.
    #[arg(long)]
    pub verbose: bool,
}
