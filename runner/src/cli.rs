//! The command line.

pub mod cloud;
pub mod cluster;
mod engine;
pub mod models;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cloud::bigquery::sources::SourceArgs;
use crate::commands::{ResultArgs, SelectArgs, parse_duration};
use crate::printer::{Output, VerbosityArgs};
use crate::settings::ResourceArgs;

pub use engine::{EngineArg, EngineParser};
pub use models::ModelsArgs;

/// Machine learning in SQL: trains and evaluates models from one script, on
/// DuckDB or on DataFusion.
#[derive(Debug, Parser)]
#[command(
    name = "lagrange",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  lagrange init demo && cd demo && lagrange run sql/demo_data.sql sql/train.sql
  lagrange plan sql/train.sql
  lagrange run sql/train.sql --set horizon=10
  lagrange test sql/train.sql

Exit codes: 0 success, 1 a statement, check or gate failed, 2 usage or configuration, 3 a defect of lagrange, 130 interrupted."
)]
pub struct Cli {
    /// Print without colours; so does the environment variable NO_COLOR.
    #[arg(long, global = true)]
    pub no_color: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project that runs: configuration, scripts, a README.
    Init(InitArgs),
    /// Run SQL scripts.
    Run(Box<RunArgs>),
    /// Say what a run would do; run and write nothing.
    Plan(Box<PlanArgs>),
    /// Ask the gates of scripts about the tables that are there.
    Test(Box<TestArgs>),
    /// Say whether a feature of a model sees the future.
    Check(CheckArgs),
    /// Show what the columns of a script are made of.
    Lineage(LineageArgs),
    /// Export tables of BigQuery to the bucket that runs read.
    Export(cloud::ExportArgs),
    /// Run scripts on a machine of Vertex AI.
    Submit(Box<cloud::SubmitArgs>),
    /// Look at jobs of Vertex AI, and end them.
    Jobs(cloud::JobsArgs),
    /// Start the processes of a cluster, for --engine ballista://HOST:PORT.
    Cluster(cluster::ClusterArgs),
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
    /// Say whether everything is in place: configuration, engines, tracking, storage.
    Doctor(DoctorArgs),
    /// Turn a LightGBM or XGBoost model into a model file.
    ImportModel(ImportModelArgs),
    /// Write a model file as ONNX or JSON.
    ExportModel(ExportModelArgs),
    /// Print a script that completes commands in a shell.
    Completions(CompletionsArgs),
    /// Write manual pages.
    Man(ManArgs),
}

/// Arguments of `lagrange init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange init
  lagrange init demo && cd demo && lagrange run sql/demo_data.sql sql/train.sql")]
pub struct InitArgs {
    /// The folder, which is made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

/// Arguments of `lagrange doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange doctor
  lagrange doctor --env dev --output json

Exits with 1 if something fails; a warning is no failure.")]
pub struct DoctorArgs {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Engine [default: the one that fits database.type].
    #[arg(long, value_parser = EngineParser)]
    pub engine: Option<EngineArg>,

    /// Form of the findings.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange completions bash > ~/.local/share/bash-completion/completions/lagrange
  lagrange completions zsh > ~/.zfunc/_lagrange
  lagrange completions fish > ~/.config/fish/completions/lagrange.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `lagrange man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  lagrange man --out ~/.local/share/man/man1 && man lagrange-run")]
pub struct ManArgs {
    /// The folder, which is made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `lagrange import-model`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  lagrange import-model booster.txt models/booster.model")]
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
#[command(after_help = "\
Example:
  lagrange export-model models/champion/1f0c.model --onnx champion.onnx")]
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
#[derive(Debug, Clone, Args)]
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
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  lagrange config show
  lagrange config show --env dev --output json

Later sources win: built-in values, the file, environment variables, flags. LAGRANGE_DATABASE__PATH sets database.path."
)]
pub struct ConfigArgs {
    /// What to do [default: show].
    #[command(subcommand)]
    pub action: Option<ConfigAction>,

    /// What is shown.
    #[command(flatten)]
    pub show: ConfigShowArgs,
}

/// What `lagrange config` does.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Show each setting, its value and where it comes from; secrets are masked.
    #[command(after_help = "Example:\n  lagrange config show --env dev")]
    Show(ConfigShowArgs),
}

/// Arguments of `lagrange config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// The engine that runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// A DuckDB database file.
    DuckDb,
    /// A folder of Parquet tables, such as a BigQuery export.
    DataFusion,
}

impl EngineName {
    /// Every engine.
    pub const ALL: [Self; 2] = [Self::DuckDb, Self::DataFusion];

    /// What its database is, for a list of engines.
    pub fn about(self) -> &'static str {
        match self {
            Self::DuckDb => "A DuckDB database file",
            Self::DataFusion => "A folder of Parquet tables, such as a BigQuery export",
        }
    }

    /// As it stands on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::DataFusion => "datafusion",
        }
    }
}

/// Arguments of `lagrange plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange plan sql/demo_data.sql sql/train.sql
  lagrange plan sql/train.sql --set horizon=10 --select model+
  lagrange plan sql/train.sql --output json

Exits with 1 if a run would be refused because a feature sees the future.")]
pub struct PlanArgs {
    /// Scripts, in the order in which they would run.
    #[arg(required = true, value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// What the engine may use.
    #[command(flatten)]
    pub resources: ResourceArgs,

    /// Which steps would run.
    #[command(flatten)]
    pub selection: SelectArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Engine [default: the one that fits database.type].
    #[arg(long, value_parser = EngineParser)]
    pub engine: Option<EngineArg>,

    /// Which exports are read.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Whether features that see the future are looked for.
    #[arg(long, value_enum, default_value_t)]
    pub check: CheckMode,

    /// Form of the plan.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange test sql/train.sql
  lagrange test sql/train.sql --select predictions --junit gates.xml

A gate is ASSERT condition AS 'message'; or a comment such as -- expect: no rows above a statement. The statements that make tables are not run.")]
pub struct TestArgs {
    /// Scripts, in their order.
    #[arg(required = true, value_name = "SCRIPT")]
    pub scripts: Vec<String>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// What the engine may use.
    #[command(flatten)]
    pub resources: ResourceArgs,

    /// Of which tables gates are asked.
    #[command(flatten)]
    pub selection: SelectArgs,

    /// Which exports are read.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Value of the script parameter $name; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Engine [default: the one that fits database.type].
    #[arg(long, value_parser = EngineParser)]
    pub engine: Option<EngineArg>,

    /// Stop after this time, such as 90s, 15m or 2h.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Where results are written.
    #[command(flatten)]
    pub results: ResultArgs,

    /// How much is said.
    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    /// Form of the results.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Arguments of `lagrange run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange run sql/demo_data.sql sql/train.sql
  lagrange run sql/train.sql --set horizon=10 --engine datafusion
  lagrange run sql/train.sql --select model+        only the table model and what is made of it
  lagrange run sql/train.sql --resume               after a failure: what is done is not repeated
  lagrange run sql/train.sql --junit gates.xml --timeout 30m --quiet

Ctrl-C cancels the step that runs and rolls it back; a second one ends at once.")]
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
    #[arg(long, value_parser = EngineParser)]
    pub engine: Option<EngineArg>,

    /// What the engine may use.
    #[command(flatten)]
    pub resources: ResourceArgs,

    /// Which steps run.
    #[command(flatten)]
    pub selection: SelectArgs,

    /// Which exports are read.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Load the tables of results into BigQuery.
    #[arg(long)]
    pub publish: bool,

    /// Take scripts and settings from what lagrange submit has uploaded.
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub bundle: Option<String>,

    /// Be the first of so many machines of a job of Vertex AI, which run the steps.
    #[arg(long, value_name = "N", hide = true, conflicts_with = "engine", value_parser = clap::value_parser!(u16).range(2..))]
    pub replicas: Option<u16>,

    /// Do not repeat steps that an earlier run has finished and whose text,
    /// parameters and inputs are unchanged.
    #[arg(long)]
    pub resume: bool,

    /// Stop at the first step that fails (the default).
    #[arg(long, conflicts_with = "keep_going")]
    pub fail_fast: bool,

    /// Run what does not depend on a step that fails.
    #[arg(long, visible_alias = "no-fail-fast")]
    pub keep_going: bool,

    /// Stop after this time, such as 90s, 15m or 2h; the step that runs is rolled back.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Say what would be done, as `lagrange plan` does; run and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Where results are written.
    #[command(flatten)]
    pub results: ResultArgs,

    /// How much is said.
    #[command(flatten)]
    pub verbosity: VerbosityArgs,

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
#[command(after_help = "\
Examples:
  lagrange check sql/features.sql sql/train.sql
  lagrange check sql/train.sql --output sarif > lookahead.sarif
  lagrange check sql/demo_data.sql sql/train.sql --replay
  lagrange check --explain LA001")]
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
    #[arg(long, value_parser = EngineParser)]
    pub engine: Option<EngineArg>,

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
#[command(after_help = "\
Examples:
  lagrange runs list
  lagrange runs show
  lagrange runs compare 20260131-2359 20260201-0010
  lagrange runs sync")]
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
  lagrange runs compare 20260131-235959-1230a1 latest")]
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
#[command(after_help = "\
Examples:
  lagrange functions
  lagrange functions fit
  lagrange functions --output json")]
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
