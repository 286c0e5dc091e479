//! Every setting, resolved once: built-in values, then the configuration file,
//! then environment variables, then flags; each knows where it came from.

mod document;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::cli::SettingsArgs;
use crate::error::{Error, Place, Result, did_you_mean};
use crate::parameters::{Given, Value};

/// The configuration that holds where there is none: `config/local.yaml`.
const BUILT_IN: &str = include_str!("../../config/local.yaml");
/// The environment that is used if none is named.
const DEFAULT_ENVIRONMENT: &str = "local";
/// Environment variables that set a key start with this.
const VARIABLE_PREFIX: &str = "LAGRANGE_";
/// The section that scripts take their parameters from.
const PARAMETERS: &str = "parameters.";

/// Every key but those of the section `parameters`.
const KEYS: [&str; 22] = [
    "environment",
    "mlflow.tracking_uri",
    "mlflow.experiment_name",
    "storage.model_registry",
    "storage.artifacts",
    "database.type",
    "database.path",
    "database.project",
    "database.dataset",
    "training.resources.max_workers",
    "training.resources.memory_limit",
    "storage.cache",
    "storage.cache_limit",
    "vertex.project",
    "vertex.region",
    "vertex.image",
    "vertex.machine_type",
    "vertex.service_account",
    "vertex.network",
    "vertex.nfs",
    "vertex.timeout",
    "vertex.max_wait",
];
/// How much of exports is kept on the disk, if nobody says.
const CACHE_LIMIT: usize = 20_000_000_000;

/// Where a value came from; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in configuration.
    Default,
    /// A configuration file.
    File(Place),
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "built-in"),
            Self::File(place) => write!(f, "{}:{}", place.file, place.line),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A DuckDB file, or next to it a folder of Parquet tables for DataFusion.
    DuckDb {
        /// The file.
        path: PathBuf,
    },
    /// A BigQuery data set, of which exports are read.
    BigQuery {
        /// The project.
        project: String,
        /// The data set.
        dataset: String,
    },
}

/// The settings of one run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The MLflow server.
    pub tracking_uri: String,
    /// The folder of models.
    pub model_registry: String,
    /// Where runs leave their files, and exports are.
    pub artifacts: String,
    /// How many bytes of exports are kept on the disk.
    pub cache_limit: u64,
    /// Where the tables are.
    pub database: Database,
    /// `--database`, which overrides the former.
    pub database_path: Option<PathBuf>,
    /// Threads of the engine.
    pub max_workers: usize,
    /// Bytes that the engine may use.
    pub memory_limit: usize,
    /// Parameters of scripts.
    pub parameters: BTreeMap<String, Given>,
    /// Every value as it was given, and where.
    pub values: BTreeMap<String, (Given, Origin)>,
}

impl Settings {
    /// Resolves the settings from the working directory, the variables of the
    /// process and the command line.
    ///
    /// # Errors
    /// Files that cannot be read, unknown keys, values of the wrong kind.
    pub fn resolve(args: &SettingsArgs) -> Result<Self> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut layers = Layers::default();
        layers.add_file("the built-in configuration", BUILT_IN, |_| Origin::Default)?;
        if let Some((file, text)) = configuration_file(args)? {
            layers.add_file(&file, &text, Origin::File)?;
        }
        layers.add_variables(variables)?;
        layers.settle(args.database.clone())
    }
}

/// What the command line says about resources; it beats every other source.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ResourceArgs {
    /// Threads of the engine [default: training.resources.max_workers].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Memory of the engine, such as 512MB, 8G or 16GiB [default: training.resources.memory_limit].
    #[arg(long, value_name = "AMOUNT")]
    pub memory_limit: Option<String>,
}

/// The bytes that `--memory-limit` says.
///
/// # Errors
/// An amount of memory that is none.
pub fn memory_limit(text: &str) -> Result<usize> {
    parse_bytes(text.trim()).ok_or_else(|| {
        Error::usage(format!(
            "--memory-limit {text}: it must be an amount such as 512MB, 8G or 16GiB"
        ))
    })
}

impl Settings {
    /// The settings with the resources of the command line.
    ///
    /// # Errors
    /// An amount of memory that is none.
    pub fn with_resources(mut self, args: &ResourceArgs) -> Result<Self> {
        if let Some(threads) = args.threads {
            self.max_workers = usize::from(threads);
            self.set("training.resources.max_workers", threads, "--threads");
        }
        if let Some(text) = &args.memory_limit {
            self.memory_limit = memory_limit(text)?;
            self.set("training.resources.memory_limit", text, "--memory-limit");
        }
        Ok(self)
    }

    fn set(&mut self, key: &str, value: impl fmt::Display, flag: &'static str) {
        let value = (Given::Text(value.to_string()), Origin::Flag(flag));
        self.values.insert(key.to_owned(), value);
    }

    /// The text of a key that may be left out.
    pub fn optional(&self, key: &str) -> Option<String> {
        let text = self.values.get(key).map(|(value, _)| value.plain());
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// The folder that holds what was read from exports.
    pub fn cache(&self) -> PathBuf {
        if let Some(folder) = self.optional("storage.cache") {
            return PathBuf::from(folder);
        }
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let base = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
        base.unwrap_or_else(std::env::temp_dir)
            .join("lagrange")
            .join("exports")
    }

    /// The environment that is meant.
    pub fn environment(&self) -> String {
        self.optional("environment")
            .unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned())
    }

    /// Where the value of a key comes from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|(_, origin)| origin)
    }
}

/// The configuration file that applies, if there is one.
fn configuration_file(args: &SettingsArgs) -> Result<Option<(String, String)>> {
    let (path, named) = match (&args.config, &args.env) {
        (Some(path), _) => (path.clone(), true),
        (None, Some(name)) => {
            let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
            if name.is_empty() || !name.chars().all(plain) {
                let message = format!("--env {name}: not the name of an environment");
                return Err(Error::usage(message).hint("use --config for a path"));
            }
            (Path::new("config").join(format!("{name}.yaml")), true)
        }
        (None, None) => {
            let name = format!("{DEFAULT_ENVIRONMENT}.yaml");
            (Path::new("config").join(name), false)
        }
    };
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((file, text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let built_in = args.env.as_deref() == Some(DEFAULT_ENVIRONMENT);
            if !named || (args.config.is_none() && built_in) {
                return Ok(None);
            }
            Err(Error::usage(format!("configuration not found: {file}"))
                .hint_if(other_environments(args)))
        }
        Err(error) => Err(Error::usage(format!(
            "cannot read configuration {file}: {error}"
        ))),
    }
}

/// Names the environments that `config/` has.
fn other_environments(args: &SettingsArgs) -> Option<String> {
    let wanted = args.env.as_deref()?;
    let mut names: Vec<String> = std::fs::read_dir("config")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned()))
        .collect();
    names.sort();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    did_you_mean(wanted, &known)
        .or_else(|| (!known.is_empty()).then(|| format!("config/ has {}", known.join(", "))))
}

/// Values by key, the highest layer so far.
#[derive(Default)]
struct Layers {
    values: BTreeMap<String, (Given, Origin)>,
}

impl Layers {
    fn add_file(&mut self, file: &str, text: &str, origin: impl Fn(Place) -> Origin) -> Result<()> {
        for entry in document::entries(file, text)? {
            let document::Entry { key, value, place } = entry;
            check_key(&key).map_err(|hint| {
                Error::usage(format!("unknown setting '{key}'"))
                    .at(place.clone())
                    .hint(hint)
            })?;
            let Some(value) = value else {
                let message = format!("'{key}' is a list; a single value belongs here");
                let hint = key
                    .starts_with(PARAMETERS)
                    .then(|| "write a list parameter as text: '[1, 2]'".to_owned());
                return Err(Error::usage(message).at(place).hint_if(hint));
            };
            if value == Value::Null && !key.starts_with(PARAMETERS) {
                return Err(Error::usage(format!("'{key}' has no value")).at(place));
            }
            self.values
                .insert(key, (Given::Value(value), origin(place)));
        }
        Ok(())
    }

    /// `LAGRANGE_DATABASE__PATH` sets `database.path`. Variables without a
    /// double underscore are not settings, but for `LAGRANGE_ENVIRONMENT`.
    fn add_variables(&mut self, variables: impl Iterator<Item = (String, String)>) -> Result<()> {
        for (name, value) in variables {
            let Some(path) = name.strip_prefix(VARIABLE_PREFIX) else {
                continue;
            };
            let key = path.to_lowercase().replace("__", ".");
            if !key.contains('.') && key != "environment" {
                continue;
            }
            check_key(&key).map_err(|hint| {
                Error::usage(format!(
                    "environment variable {name}: unknown setting '{key}'"
                ))
                .hint(hint)
            })?;
            let value = (Given::Text(value), Origin::Variable(name));
            self.values.insert(key, value);
        }
        Ok(())
    }

    fn settle(mut self, database_path: Option<PathBuf>) -> Result<Settings> {
        let database = self.database()?;
        let mut parameters = BTreeMap::new();
        for (key, (value, _)) in &self.values {
            if let Some(name) = key.strip_prefix(PARAMETERS) {
                parameters.insert(name.to_owned(), value.clone());
            }
        }
        // Not used by this version, but no less wrong if they are empty.
        for key in ["environment", "mlflow.experiment_name"] {
            self.text(key)?;
        }
        let limit = "storage.cache_limit";
        let cache_limit = match self.values.contains_key(limit) {
            true => self.parsed(limit, "an amount such as 512MB, 20G or 16GiB", parse_bytes)?,
            false => CACHE_LIMIT,
        };
        let settings = Settings {
            tracking_uri: self.text("mlflow.tracking_uri")?,
            model_registry: self.text("storage.model_registry")?,
            artifacts: self.text("storage.artifacts")?,
            cache_limit: cache_limit as u64,
            database,
            max_workers: self.parsed(
                "training.resources.max_workers",
                "a whole number of at least 1",
                |text| text.parse().ok().filter(|n| (1..=1024).contains(n)),
            )?,
            memory_limit: self.parsed(
                "training.resources.memory_limit",
                "an amount such as 512MB, 8G or 16GiB",
                parse_bytes,
            )?,
            parameters,
            values: BTreeMap::new(),
            database_path: None,
        };
        if let Some(path) = &database_path {
            let path = Given::Text(path.display().to_string());
            let flag = Origin::Flag("--database");
            self.values.insert("database.path".to_owned(), (path, flag));
        }
        Ok(Settings {
            values: self.values,
            database_path,
            ..settings
        })
    }

    /// Keys of the type that is not chosen may stay in lower layers, so that
    /// one variable can switch the type; next to the type they are an error.
    fn database(&mut self) -> Result<Database> {
        let kind = self.parsed("database.type", "duckdb or bigquery", |text| {
            ["duckdb", "bigquery"]
                .into_iter()
                .find(|kind| *kind == text)
        })?;
        let rank = self.rank("database.type");
        let foreign: &[&str] = match kind {
            "duckdb" => &["database.project", "database.dataset"],
            _ => &["database.path"],
        };
        for key in foreign {
            if self.values.contains_key(*key) && self.rank(key) >= rank {
                let message = format!("'{key}' does not belong to a database of type {kind}");
                let other = if kind == "duckdb" {
                    "bigquery"
                } else {
                    "duckdb"
                };
                let hint = format!("set database.type to {other}, or leave '{key}' out");
                return Err(self.wrong(key, message).hint(hint));
            }
            self.values.remove(*key);
        }
        Ok(match kind {
            "duckdb" => Database::DuckDb {
                path: PathBuf::from(self.text("database.path")?),
            },
            _ => Database::BigQuery {
                project: self.text("database.project")?,
                dataset: self.text("database.dataset")?,
            },
        })
    }

    fn rank(&self, key: &str) -> u8 {
        self.values.get(key).map_or(0, |(_, origin)| origin.rank())
    }

    fn text(&self, key: &str) -> Result<String> {
        self.parsed(key, "text", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    fn parsed<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let Some((given, _)) = self.values.get(key) else {
            return Err(Error::usage(format!("setting '{key}' is missing")));
        };
        let text = given.plain();
        parse(text.trim())
            .ok_or_else(|| self.wrong(key, format!("'{key}' is '{text}'; it must be {expected}")))
    }

    fn wrong(&self, key: &str, message: String) -> Box<Error> {
        match self.values.get(key).map(|(_, origin)| origin) {
            Some(Origin::File(place)) => Error::usage(message).at(place.clone()),
            Some(Origin::Variable(name)) => {
                Error::usage(format!("environment variable {name}: {message}"))
            }
            _ => Error::usage(message),
        }
    }
}

/// `Err` with a hint if there is no such key.
fn check_key(key: &str) -> std::result::Result<(), String> {
    let parameter = key
        .strip_prefix(PARAMETERS)
        .is_some_and(|name| !name.is_empty() && !name.contains('.'));
    if parameter || KEYS.contains(&key) {
        return Ok(());
    }
    Err(did_you_mean(key, &KEYS).unwrap_or_else(|| {
        format!(
            "the settings are {} and the section parameters",
            KEYS.join(", ")
        )
    }))
}

/// Bytes from text: `8G`, `8GB` (powers of 1000), `8GiB` (powers of 1024).
fn parse_bytes(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (1e6..1e18).contains(&bytes).then_some(bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(text: &str, variables: &[(&str, &str)]) -> Result<Settings> {
        let mut layers = Layers::default();
        layers.add_file("built-in", BUILT_IN, |_| Origin::Default)?;
        layers.add_file("test.yaml", text, Origin::File)?;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        layers.add_variables(variables.iter().map(owned))?;
        layers.settle(None)
    }

    #[test]
    fn amounts_of_memory() {
        assert_eq!(parse_bytes("8G"), Some(8_000_000_000));
        assert_eq!(parse_bytes("512MB"), Some(512_000_000));
        assert_eq!(parse_bytes("16GiB"), Some(16 << 30));
        assert_eq!(parse_bytes("1.5 GB"), Some(1_500_000_000));
        for wrong in ["", "8", "G", "-1G", "8X", "0G"] {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_shipped_configurations_are_valid() {
        for text in [
            BUILT_IN,
            include_str!("../../config/feature-branch.yaml"),
            include_str!("../../config/dev.yaml"),
        ] {
            layers(text, &[]).unwrap();
        }
    }

    #[test]
    fn variables_override_files() {
        let settings = layers(
            "database:\n  path: a.db\n",
            &[("LAGRANGE_DATABASE__PATH", "b.db")],
        );
        let settings = settings.unwrap();
        let path = PathBuf::from("b.db");
        assert_eq!(settings.database, Database::DuckDb { path });
        let origin = Origin::Variable("LAGRANGE_DATABASE__PATH".into());
        assert_eq!(settings.values["database.path"].1, origin);
        assert_eq!(settings.values["environment"].1, Origin::Default);
    }

    #[test]
    fn unknown_keys_have_a_place_and_a_suggestion() {
        let error = layers("mlflow:\n  tracking_url: http://x\n", &[]).unwrap_err();
        let text = error.render("error");
        assert!(text.contains("test.yaml:2:3"), "{text}");
        assert!(
            text.contains("did you mean 'mlflow.tracking_uri'?"),
            "{text}"
        );
        let error = layers("environment: x\n", &[("LAGRANGE_DATABASE__PAHT", "b")]).unwrap_err();
        assert!(error.render("error").contains("'database.path'"));
    }

    #[test]
    fn a_variable_can_switch_the_database() {
        let file = "database:\n  type: bigquery\n  project: p\n  dataset: d\n";
        let switched = layers(
            file,
            &[
                ("LAGRANGE_DATABASE__TYPE", "duckdb"),
                ("LAGRANGE_DATABASE__PATH", "x.db"),
            ],
        );
        let path = PathBuf::from("x.db");
        assert_eq!(switched.unwrap().database, Database::DuckDb { path });
        assert!(layers(file, &[("LAGRANGE_DATABASE__PATH", "x.db")]).is_err());
    }
}
