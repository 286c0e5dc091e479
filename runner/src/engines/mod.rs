//! What runs statements.
//!
//! - [`duckdb`], [`datafusion`]: the engines behind [`Engine`].
//! - [`inputs`]: `read_table('path')`, the same files and types on both.
//! - [`store`]: DataFusion's database, a folder of Parquet tables; [`shards`]: its files.
//! - [`expand`]: calls of table functions in a syntax tree, for DataFusion;
//!   [`gathers`]: those that do not share out their work in a cluster.
//! - [`shown`]: query results for people and for JSON.
//! - [`estimates`]: how many rows tables have; [`fingerprint`]: what they look like.
//! - [`threads`]: on which functions compute.
//! - [`text`]: syntax trees back to SQL.

pub mod datafusion;
pub mod duckdb;
mod estimates;
mod expand;
pub mod fingerprint;
pub mod gathers;
pub mod inputs;
pub mod shards;
pub mod shown;
pub mod store;
pub mod text;
pub mod threads;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value as Json};
use sqlparser::ast::ObjectName;

use self::shown::Shown;
use crate::cli::{EngineArg, EngineName};
use crate::cloud::bigquery::sources::Source;
use crate::cluster::{self, Address};
use crate::error::{Error, Result};
use crate::interrupt::Canceller;
use crate::parameters::Step;
use crate::registry::source;
use crate::runs::results::Rows;
use crate::settings::{Database, Settings};

/// What a statement did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rows written, or returned by a query.
    pub rows: Option<u64>,
    /// The first rows of a query.
    pub shown: Option<Shown>,
}

/// The other columns of a row that holds a model.
pub type Key = Map<String, Json>;

/// Receives the models of a table: the column, the bytes and the rest of the row.
pub type ModelSink<'a> = dyn FnMut(&str, &[u8], Key) -> Result<()> + Send + 'a;

/// How the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Floating-point numbers, whose sums depend on the order of their terms.
    Rounded,
    /// Equal or not.
    Exact,
    /// Lists and structs.
    Nested,
}

/// The folder of the tables that scripts make of tables of BigQuery.
const WORK: &str = "data";
/// The tables that a scratch engine sees are called this, and their own name.
pub const ORIGIN: &str = "lagrange_origin_";

/// Runs statements, each whole or not at all.
#[async_trait(?Send)]
pub trait Engine {
    /// Runs one statement.
    async fn execute(&mut self, step: &Step) -> Result<Outcome>;

    /// Hands the models in the BLOB columns of a table to `sink`.
    async fn models(&mut self, table: &ObjectName, sink: &mut ModelSink<'_>) -> Result<()>;

    /// The rows of a query of the runner's own, in SQL that every engine reads, as
    /// text.
    async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>>;

    /// The rows of a query of the runner's own, with their types; nested values and
    /// bytes are left to text.
    async fn rows(&mut self, sql: &str) -> Result<Rows>;

    /// The columns of a relation; none if it is not there.
    async fn columns(&mut self, relation: &str) -> Result<Vec<(String, Comparison)>>;

    /// What cancels the statement that runs, from another thread. Without one, a
    /// statement is cancelled by dropping it.
    fn canceller(&self) -> Option<Canceller> {
        None
    }

    /// A digest of the rows of a relation, in any order; `None` if it is not there.
    async fn digest(&mut self, relation: &str) -> Result<Option<String>>;

    /// Makes an export of BigQuery a table that can be read, under this name.
    async fn attach(&mut self, name: &str, source: &Source) -> Result<()>;

    /// Writes the rows of a query of the runner's own as a file of Parquet; how many.
    async fn write(&mut self, sql: &str, path: &Path) -> Result<u64>;
}

/// The engine of a run and where its database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The engine.
    pub engine: EngineName,
    /// Whose cluster runs DataFusion's plans, if not this process.
    pub scheduler: Option<Address>,
    /// The DuckDB file, or DataFusion's folder.
    pub database: PathBuf,
    /// Tables that are read from exports of BigQuery.
    pub sources: Vec<Arc<Source>>,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = match (self.engine, &self.scheduler) {
            (EngineName::DuckDb, _) => "DuckDB",
            (EngineName::DataFusion, None) => "DataFusion",
            (EngineName::DataFusion, Some(scheduler)) => &format!("Ballista at {scheduler}"),
        };
        write!(f, "{engine} on {}", self.database.display())
    }
}

impl Choice {
    /// From `--engine`, `--database` and the settings.
    ///
    /// # Errors
    /// A file where a folder is needed, or the reverse.
    pub fn resolve(engine: Option<&EngineArg>, settings: &Settings) -> Result<Self> {
        let scheduler = engine.and_then(|engine| engine.scheduler.clone());
        if scheduler.is_some() {
            cluster::check()?;
        }
        let engine = engine.map_or(
            match settings.database {
                Database::DuckDb { .. } => EngineName::DuckDb,
                Database::BigQuery { .. } => EngineName::DataFusion,
            },
            |engine| engine.name,
        );
        let database = match (&settings.database_path, &settings.database, engine) {
            (Some(path), ..) => path.clone(),
            (None, Database::DuckDb { path }, EngineName::DuckDb) => path.clone(),
            (None, Database::DuckDb { path }, EngineName::DataFusion) => path.with_extension(""),
            // What scripts make stays on this machine; what they read comes from exports.
            (None, Database::BigQuery { dataset, .. }, EngineName::DataFusion) => {
                PathBuf::from(WORK).join(dataset)
            }
            (None, Database::BigQuery { dataset, .. }, EngineName::DuckDb) => {
                PathBuf::from(WORK).join(format!("{dataset}.duckdb"))
            }
        };
        let choice = Self {
            engine,
            scheduler,
            database,
            sources: Vec::new(),
        };
        choice.check()?;
        Ok(choice)
    }

    /// The engine's name in results.
    pub fn engine_name(&self) -> &'static str {
        match self.scheduler {
            Some(_) => "ballista",
            None => self.engine.name(),
        }
    }

    /// A path beside the database, told apart by this extension.
    pub fn beside(&self, extension: &str) -> PathBuf {
        match self.database.to_str() {
            // A database that is nowhere: the working directory.
            Some(":memory:") | None => PathBuf::from("lagrange").with_extension(extension),
            Some(_) => self.database.with_extension(extension),
        }
    }

    /// A file where a folder is needed, or the reverse, is a clear mistake.
    fn check(&self) -> Result<()> {
        let path = self.database.display();
        match self.engine {
            EngineName::DataFusion if self.database.is_file() => {
                let message = format!("{path} is a file; DataFusion's database is a folder");
                Err(Error::usage(message).hint("pass the folder, or --engine duckdb"))
            }
            EngineName::DuckDb if self.database.is_dir() => {
                let message = format!("{path} is a folder; DuckDB's database is a file");
                Err(Error::usage(message).hint("pass the file, or --engine datafusion"))
            }
            _ => Ok(()),
        }
    }

    /// Opens the database, which is created if it is not there.
    ///
    /// # Errors
    /// A database that is locked or cannot be read.
    pub async fn open(&self, settings: &Settings) -> Result<Box<dyn Engine>> {
        source::serve(settings);
        threads::limit(settings.max_workers);
        let mut engine: Box<dyn Engine> = match self.engine {
            EngineName::DuckDb => Box::new(duckdb::DuckDb::open(&self.database, settings)?),
            EngineName::DataFusion => {
                let scheduler = self.scheduler.as_ref();
                Box::new(datafusion::DataFusion::open(&self.database, settings, scheduler).await?)
            }
        };
        for source in &self.sources {
            engine.attach(&source.name, source).await?;
        }
        Ok(engine)
    }

    /// Opens an empty database that ends with the engine, and from which those of
    /// `tables` that the database has can be read, as [`ORIGIN`] and their name.
    ///
    /// # Errors
    /// A database that is locked or cannot be read, or one that is needed and not
    /// there.
    pub async fn scratch(&self, settings: &Settings, tables: &[String]) -> Result<Box<dyn Engine>> {
        source::serve(settings);
        threads::limit(settings.max_workers);
        let (exported, tables): (Vec<&String>, Vec<&String>) = tables.iter().partition(|table| {
            let mut sources = self.sources.iter();
            sources.any(|source| source.name.eq_ignore_ascii_case(table))
        });
        let tables: Vec<String> = tables.into_iter().cloned().collect();
        if let Some(table) = tables.first()
            && !self.database.exists()
        {
            let message = format!(
                "a replay needs the table '{table}', and there is no database {}",
                self.database.display()
            );
            return Err(Error::usage(message).hint("pass the script that makes it, too"));
        }
        let mut engine: Box<dyn Engine> = match self.engine {
            EngineName::DuckDb => {
                Box::new(duckdb::DuckDb::scratch(&self.database, settings, &tables)?)
            }
            EngineName::DataFusion => {
                Box::new(datafusion::DataFusion::scratch(&self.database, settings, &tables).await?)
            }
        };
        for source in &self.sources {
            let mut wanted = exported.iter();
            if wanted.any(|table| source.name.eq_ignore_ascii_case(table)) {
                let name = format!("{ORIGIN}{}", source.name);
                engine.attach(&name, source).await?;
            }
        }
        Ok(engine)
    }
}
