//! Arguments of `lagrange models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SettingsArgs;
use crate::printer::Output;
use crate::registry::names::CHAMPION;

/// Arguments of `lagrange models`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models list
  lagrange models show forward_return@champion
  lagrange models promote forward_return 3 --expect 2
  lagrange models rollback forward_return

A model is written NAME, NAME@VERSION or NAME@ALIAS.")]
pub struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// The verbs of `lagrange models`.
#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// List the models, or the versions of one.
    List(ListArgs),
    /// Show a version: what it is, what it was made from, what it is worth.
    Show(ShowArgs),
    /// Show what differs between two versions.
    Diff(DiffArgs),
    /// Make a version the champion, or give it another alias.
    Promote(PromoteArgs),
    /// Return an alias to the version that it had before.
    Rollback(RollbackArgs),
    /// Write the files of a version: native, ONNX, JSON and card.
    Export(ExportArgs),
    /// Publish a model file, or a model of LightGBM or XGBoost.
    Import(ImportArgs),
    /// Delete a version; its number is never used again.
    Delete(DeleteArgs),
    /// Compare every file with its checksum.
    Verify(VerifyArgs),
    /// Register a version in the Model Registry of Vertex AI.
    Register(RegisterArgs),
}

/// Where the registry is, and how results are printed.
#[derive(Debug, Args)]
pub struct RegistryArgs {
    /// Environment: the settings of config/NAME.yaml [default: local].
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,

    /// Settings file, instead of the environment's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The registry: a folder, gs://, s3:// or az:// [default: storage.model_registry].
    #[arg(long, value_name = "PLACE")]
    pub registry: Option<String>,

    /// Form of the results.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

impl RegistryArgs {
    /// Where the settings come from.
    pub fn settings(&self) -> SettingsArgs {
        SettingsArgs {
            env: self.env.clone(),
            config: self.config.clone(),
            database: None,
        }
    }
}

impl ModelsVerb {
    /// What the verbs share.
    pub fn registry(&self) -> &RegistryArgs {
        match self {
            Self::List(args) => &args.registry,
            Self::Show(args) => &args.registry,
            Self::Diff(args) => &args.registry,
            Self::Promote(args) => &args.registry,
            Self::Rollback(args) => &args.registry,
            Self::Export(args) => &args.registry,
            Self::Import(args) => &args.registry,
            Self::Delete(args) => &args.registry,
            Self::Verify(args) => &args.registry,
            Self::Register(args) => &args.registry,
        }
    }
}

/// Arguments of `lagrange models list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The versions of this model [default: all models].
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The model; without a version its champion or, if there is none, the newest.
    #[arg(value_name = "MODEL")]
    pub model: String,

    /// Print the model card, as Markdown.
    #[arg(long)]
    pub card: bool,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models diff forward_return@2 forward_return@3
  lagrange models diff forward_return champion 3")]
pub struct DiffArgs {
    /// Two models, or a name and two of its versions or aliases.
    #[arg(value_name = "MODEL", num_args = 2..=3, required = true)]
    pub models: Vec<String>,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models promote`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models promote forward_return 3
  lagrange models promote forward_return 3 --to challenger
  lagrange models promote forward_return challenger --expect 2

Of two promotions at once one wins; the other changes nothing and says so. With --expect, one that comes late does so, too.")]
pub struct PromoteArgs {
    /// The model.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Its version, or an alias that stands for it.
    #[arg(value_name = "VERSION")]
    pub version: String,

    /// The alias.
    #[arg(long, value_name = "ALIAS", default_value = CHAMPION)]
    pub to: String,

    /// Only if the alias stands for this version now; `none`: for no version.
    #[arg(long, value_name = "VERSION", value_parser = expected)]
    pub expect: Option<ExpectedVersion>,

    /// Even if the gates of its run have failed.
    #[arg(long)]
    pub force: bool,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The version of `--expect`; `None`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedVersion(pub Option<u64>);

fn expected(text: &str) -> Result<ExpectedVersion, String> {
    if text == "none" {
        return Ok(ExpectedVersion(None));
    }
    match text.parse() {
        Ok(version) if version > 0 => Ok(ExpectedVersion(Some(version))),
        _ => Err(format!(
            "'{text}' is neither a version, such as 2, nor none"
        )),
    }
}

/// Arguments of `lagrange models rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The model.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The alias.
    #[arg(long, value_name = "ALIAS", default_value = CHAMPION)]
    pub alias: String,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// A file of a version that can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// As Lagrange reads it.
    Native,
    /// For onnxruntime.
    Onnx,
    /// For people and other programs.
    Json,
    /// The model card.
    Card,
}

/// Arguments of `lagrange models export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models export forward_return@champion --to exported
  lagrange models export forward_return@3 --form onnx,card")]
pub struct ExportArgs {
    /// The model; without a version its champion or, if there is none, the newest.
    #[arg(value_name = "MODEL")]
    pub model: String,

    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub to: PathBuf,

    /// Which files [default: all that there are].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub form: Vec<Form>,

    /// Replace files that are there.
    #[arg(long)]
    pub force: bool,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models import model.bin forward_return
  lagrange models import lightgbm.txt forward_return --format lightgbm")]
pub struct ImportArgs {
    /// A model file, a LightGBM text or an XGBoost JSON file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The name to publish it under.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Format of a foreign file [default: told by its beginning].
    #[arg(long, value_parser = lagrange_udfs::models::import::FORMATS)]
    pub format: Option<String>,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The model.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Its version.
    #[arg(value_name = "VERSION", value_parser = clap::value_parser!(u64).range(1..))]
    pub version: u64,

    /// Even if an alias stands for it, which then returns to the version before, or
    /// if it was never finished.
    #[arg(long)]
    pub force: bool,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The model, or one version of it [default: all models].
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Arguments of `lagrange models register`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lagrange models register forward_return --env dev
  lagrange models register forward_return@3 --env dev --dry-run

Vertex AI gets the address of the version's folder and copies nothing. A version that is there already stays as it is.")]
pub struct RegisterArgs {
    /// The model; without a version its champion.
    #[arg(value_name = "MODEL")]
    pub model: String,

    /// Container that reads the model [default: vertex.image].
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// Print the request; send nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Where the registry is.
    #[command(flatten)]
    pub registry: RegistryArgs,
}
