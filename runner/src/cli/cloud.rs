//! Arguments of `lagrange export`, `submit` and `jobs`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{SettingsArgs, assignment};
use crate::cloud::bigquery::query::{Compression, Format};
use crate::commands::parse_duration;
use crate::printer::Output;

/// Arguments of `lagrange export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange export features --env dev --dry-run
  lagrange export features prices --env dev
  lagrange export features --env dev --where \"ts >= '2024-01-01'\" --snapshot recent
  lagrange export features --env dev --format csv

An export is named by the time at which the table was last changed, unless --snapshot names it: the same command again finds it and starts no job. lagrange run reads the newest export of all rows as Parquet.")]
pub struct ExportArgs {
    /// Tables: TABLE, DATASET.TABLE or PROJECT.DATASET.TABLE.
    #[arg(required = true, value_name = "TABLE")]
    pub tables: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Only these rows: a condition in BigQuery's SQL.
    #[arg(long = "where", value_name = "SQL")]
    pub filter: Option<String>,

    /// Name of the export [default: when the table was last changed].
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,

    /// Form of the files.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// How they are compressed [default: zstd, snappy for avro, gzip for csv and json].
    #[arg(long, value_enum)]
    pub compression: Option<Compression>,

    /// Do not read the files for their checksums: their sizes and the store's tags must do.
    #[arg(long)]
    pub no_checksums: bool,

    /// Say what would be done and what it would cost; export nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Form of the results.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange submit sql/train.sql --env dev --dry-run
  lagrange submit sql/features.sql sql/train.sql --env dev --set horizon=10 --wait
  lagrange submit sql/train.sql --env dev --machine-type n2-highmem-16 --spot --timeout 4h

Exit codes with --wait: 0 the job succeeded, 1 it failed or was cancelled. A job goes on when this command is interrupted; lagrange jobs cancel ends it.")]
pub struct SubmitArgs {
    /// Scripts, in the order in which they run.
    #[arg(required = true, value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Machine [default: vertex.machine_type, or one that fits training.resources].
    #[arg(long, value_name = "TYPE")]
    pub machine_type: Option<String>,

    /// Machines, which run the steps of the scripts together, as one cluster (vertex.nfs).
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub replicas: u16,

    /// Container image [default: vertex.image].
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// Machines that cost less and may be taken away; the job is then started again.
    #[arg(long)]
    pub spot: bool,

    /// End the job after this time, such as 90m or 4h [default: vertex.timeout, or 24h].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Load the results into BigQuery, as lagrange run --publish does.
    #[arg(long)]
    pub publish: bool,

    /// Follow the job and its log until it is over.
    #[arg(long)]
    pub wait: bool,

    /// Print the request and what would be uploaded; do nothing.
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,

    /// Form of the results.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange jobs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange jobs list --env dev
  lagrange jobs show 4611686018427387904 --env dev
  lagrange jobs cancel 4611686018427387904 --env dev")]
pub struct JobsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: JobsVerb,
}

/// The verbs of `lagrange jobs`.
#[derive(Debug, Subcommand)]
pub enum JobsVerb {
    /// List jobs, the latest first.
    List(JobsListArgs),
    /// Show a job.
    Show(JobArgs),
    /// End a job.
    Cancel(JobArgs),
}

/// Arguments of `lagrange jobs list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lagrange jobs list --env dev --limit 5")]
pub struct JobsListArgs {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Show so many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,

    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange jobs show` and `cancel`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lagrange jobs show 4611686018427387904 --env dev")]
pub struct JobArgs {
    /// The job: its number, or its whole name.
    #[arg(value_name = "JOB")]
    pub job: String,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Form of what is shown.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}
