//! The command line.

pub mod models;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use models::ModelsArgs;

use crate::printer::Output;

/// Machine learning in SQL: trains and evaluates models from one script, on
/// DuckDB or on DataFusion.
#[derive(Debug, Parser)]
#[command(name = "lagrange", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run SQL scripts.
    Run(RunArgs),
    /// Say whether a feature of a model sees the future.
    Check(CheckArgs),
    /// Show what the columns of a script are made of.
    Lineage(LineageArgs),
    /// Look at earlier runs.
    Runs(RunsArgs),
    /// Write a page about a run.
    Report(ReportArgs),
    /// List the functions that scripts can call.
    Functions(FunctionsArgs),
    /// Show the settings and where each comes from.
    Config(ConfigArgs),
    /// Look at the registry of models, and say which version serves.
    Models(ModelsArgs),
    /// Turn a LightGBM or XGBoost model into a model file.
    ImportModel(ImportModelArgs),
    /// Write a model file as ONNX or JSON.
    ExportModel(ExportModelArgs),
}

/// Arguments of `lagrange import-model`.
#[derive(Debug, Args)]
pub struct ImportModelArgs {
    /// The LightGBM text or XGBoost JSON file.
    #[arg(value_name = "FILE")]
    pub from: PathBuf,

    /// The model file to write.
    #[arg(value_name = "MODEL")]
    pub to: PathBuf,

    /// Format of the file [default: told by its beginning].
    #[arg(long, value_parser = lagrange_udfs::models::import::FORMATS)]
    pub format: Option<String>,
}

/// Arguments of `lagrange export-model`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("form").required(true).multiple(true).args(["onnx", "json"]))]
pub struct ExportModelArgs {
    /// The model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,

    /// ONNX file to write.
    #[arg(long, value_name = "FILE")]
    pub onnx: Option<PathBuf>,

    /// JSON file to write.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Where settings come from besides environment variables.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// Environment: the settings of config/NAME.yaml [default: local].
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,

    /// Settings file, instead of the environment's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// DuckDB file, or folder of Parquet tables for DataFusion.
    #[arg(long, value_name = "PATH")]
    pub database: Option<PathBuf>,
}

/// Arguments of `lagrange config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// The engine that runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// A DuckDB database file.
    #[value(name = "duckdb")]
    DuckDb,
    /// A folder of Parquet tables, such as a BigQuery export.
    #[value(name = "datafusion")]
    DataFusion,
}

/// Arguments of `lagrange run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scripts, which run in this order.
    #[arg(required = true, value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Engine [default: the one that fits database.type].
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// Check the scripts and list the steps; run and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// What is made sure of before anything runs.
    #[arg(long, value_enum, default_value_t)]
    pub check: CheckMode,

    /// Form of the results.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,

    /// Fail if the tracking server cannot be reached.
    #[arg(long)]
    pub require_tracking: bool,
}

/// How scripts are checked before they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CheckMode {
    /// No feature may look ahead, as far as the script tells.
    #[default]
    Static,
    /// And it is shown on the data: features are recomputed on data that ends earlier.
    Replay,
    /// Nothing is checked.
    Off,
}

impl CheckMode {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Replay => "replay",
            Self::Off => "off",
        }
    }
}

/// Form of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CheckOutput {
    /// For people.
    #[default]
    Text,
    /// A JSON document.
    Json,
    /// A SARIF 2.1.0 document.
    Sarif,
    /// Annotations for GitHub Actions.
    Github,
}

/// Arguments of `lagrange check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scripts, in the order in which they would run.
    #[arg(required_unless_present_any = ["explain", "rules"], value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Form of the findings.
    #[arg(long, visible_alias = "format", value_enum, default_value_t)]
    pub output: CheckOutput,

    /// Recompute the features on data that ends earlier, and compare.
    #[arg(long)]
    pub replay: bool,

    /// How many ends of the data a replay tries.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub cuts: usize,

    /// Replay so many entities, drawn at random [default: all].
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,

    /// Engine of the replay [default: the one that fits database.type].
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// Explain a rule, by its code or name.
    #[arg(long, value_name = "RULE", conflicts_with = "scripts")]
    pub explain: Option<String>,

    /// List the rules as a Markdown table.
    #[arg(long, conflicts_with_all = ["scripts", "explain"])]
    pub rules: bool,
}

/// Form of a lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LineageOutput {
    /// For people.
    #[default]
    Text,
    /// A JSON document.
    Json,
    /// A drawing for Graphviz.
    Dot,
    /// A drawing for Mermaid, as Markdown shows it.
    Mermaid,
}

/// Arguments of `lagrange lineage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange lineage sql/features.sql
  lagrange lineage sql/features.sql sql/train.sql --column samples.target
  lagrange lineage sql/features.sql --column volume_z20 --format dot | dot -Tsvg > volume_z20.svg

[-19..0] counts rows of the entity from the row that has the value: the 19 before it and itself; [+5] is 5 rows ahead, .. without a number the beginning or the end of the data.")]
pub struct LineageArgs {
    /// Scripts, in the order in which they would run.
    #[arg(required = true, value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Only this column, `column` or `table.column`, and the way back to its sources.
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,

    /// Form of the lineage.
    #[arg(long, visible_alias = "format", value_enum, default_value_t)]
    pub output: LineageOutput,
}

/// Arguments of `lagrange runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RunsCommand,
}

/// The verbs of `lagrange runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, the latest first.
    List(RunsListArgs),
    /// Show what a run did.
    Show(RunsShowArgs),
    /// Show where runs differ.
    Compare(RunsCompareArgs),
    /// Upload runs that the tracking server does not have.
    Sync(RunsSyncArgs),
}

/// Arguments of `lagrange runs list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange runs list
  lagrange runs list --status failed --limit 5
  lagrange runs list --output json | jq -r '.[0].id'")]
pub struct RunsListArgs {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Show so many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,

    /// Only runs that ended so: finished, failed, killed or running.
    #[arg(long, value_name = "STATUS", value_parser = ["finished", "failed", "killed", "running"])]
    pub status: Option<String>,

    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange runs show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange runs show
  lagrange runs show 20260131-2359
  lagrange runs show latest --output json")]
pub struct RunsShowArgs {
    /// The run: its id, a beginning or end of it that fits no other, or latest.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Form of what is shown.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange runs compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  lagrange runs compare 20260131-235959-0a1b2c latest")]
pub struct RunsCompareArgs {
    /// The runs, the one to compare with first.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Show what is equal, too.
    #[arg(long)]
    pub all: bool,

    /// Form of the comparison.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange runs sync`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange runs sync
  lagrange runs sync latest

A run that the server has in part is completed; nothing is uploaded twice.")]
pub struct RunsSyncArgs {
    /// Only these runs [default: all that the server does not have].
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Form of the outcome.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange report --html report.html
  lagrange report 20260131-2359 --html /tmp/run.html

The page needs no network and no other file.")]
pub struct ReportArgs {
    /// The run: its id, a beginning or end of it that fits no other, or latest.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,

    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Form of the function list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FunctionsOutput {
    /// For people.
    #[default]
    Text,
    /// A JSON document.
    Json,
    /// The table of the README.
    Markdown,
}

/// Arguments of `lagrange functions`.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// Show all about one function.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub output: FunctionsOutput,

    /// Check that the table between the markers of this file is current.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["name", "write_readme"])]
    pub check_readme: Option<PathBuf>,

    /// Write the table between the markers of this file.
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    pub write_readme: Option<PathBuf>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' has no '='; write name=value"))?;
    let name = name.trim().trim_start_matches('$');
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("'{name}' is not the name of a parameter"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
