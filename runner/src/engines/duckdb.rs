//! The DuckDB engine: every statement is a transaction of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use duckdb::arrow::datatypes::{DataType, Schema};
use lagrange_udfs::call::{quote_name, quote_text};
use lagrange_udfs::duckdb::Session;
use sqlparser::ast::{ObjectName, Query, Visit, VisitMut};

use super::inputs::{self, Format, Input};
use super::shown::{Shown, duckdb_arrow};
use super::{Comparison, Engine, ModelSink, ORIGIN, Outcome, text};
use crate::cloud::bigquery::sources::Source;
use crate::cloud::storage::cache::{Cache, Held};
use crate::error::{Error, Result};
use crate::interrupt::Canceller;
use crate::parameters::Step;
use crate::runs::results::{Rows, Values};
use crate::script::{Action, parse_query};
use crate::settings::Settings;

/// An open DuckDB database.
pub struct DuckDb {
    session: Session,
    /// The digests of exports.
    exports: BTreeMap<String, String>,
    /// Their files, which stay in the cache as long as this lives.
    held: Vec<Held>,
    cache: Cache,
}

impl DuckDb {
    /// Opens a database file, which is created with its folder if it is not there.
    ///
    /// # Errors
    /// A file that is locked or no database.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::usage(format!(
                    "cannot create folder {}: {error}",
                    folder.display()
                ))
            })?;
        }
        let threads = settings.max_workers.to_string();
        let memory = format!("{}B", settings.memory_limit);
        let options = [
            ("threads", threads.as_str()),
            ("memory_limit", memory.as_str()),
        ];
        let session = Session::open(Some(path), &options).map_err(|error| {
            let message = error.to_string();
            let hint = if !message.contains("lock on file") {
                "pass another file with --database".to_owned()
            } else if let Some(pid) = holder(&message) {
                format!(
                    "process {pid} has the database open; wait until it ends, or pass another \
                     --database"
                )
            } else {
                "another process has the database open; close it, or pass another --database"
                    .to_owned()
            };
            Error::usage(format!("cannot open database {}", path.display()))
                .detail(message)
                .hint(hint)
        })?;
        Ok(Self::of(session, settings))
    }

    fn of(session: Session, settings: &Settings) -> Self {
        Self {
            session,
            exports: BTreeMap::new(),
            held: Vec::new(),
            cache: Cache::of(settings),
        }
    }

    /// Opens a new database in memory that reads tables of a database file.
    ///
    /// # Errors
    /// What DuckDB says.
    pub fn scratch(path: &Path, settings: &Settings, tables: &[String]) -> Result<Self> {
        let threads = settings.max_workers.to_string();
        let memory = format!("{}B", settings.memory_limit);
        let options = [
            ("threads", threads.as_str()),
            ("memory_limit", memory.as_str()),
        ];
        let session = Session::open(None, &options)?;
        if !tables.is_empty() {
            let path = quote_text(&path.display().to_string());
            session
                .execute_batch(&format!("ATTACH {path} AS lagrange_origin (READ_ONLY)"))
                .map_err(engine_error)?;
        }
        for table in tables {
            let view = quote_name(&format!("{ORIGIN}{table}"));
            let sql = format!(
                "CREATE VIEW {view} AS SELECT * FROM lagrange_origin.{}",
                quote_name(table)
            );
            // One that is not there is made by a statement that is not needed, or is a
            // table of the system.
            let _ = session.execute_batch(&sql);
        }
        Ok(Self::of(session, settings))
    }

    fn query(&self, sql: &str) -> Result<Outcome> {
        let mut statement = self.session.prepare(sql).map_err(engine_error)?;
        let batches = statement.stream_arrow([]).map_err(engine_error)?;
        let schema = batches.get_schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        let mut shown = Shown::new(names.collect());
        for batch in batches {
            duckdb_arrow::add(&mut shown, &batch.map_err(engine_error)?)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(Outcome {
            rows: Some(shown.total),
            shown: Some(shown),
        })
    }

    fn change(&self, sql: &str, counts: bool) -> Result<Outcome> {
        let rows = self.session.execute(sql, []).map_err(engine_error)?;
        Ok(Outcome {
            rows: counts.then_some(rows as u64),
            shown: None,
        })
    }
}

#[async_trait(?Send)]
impl Engine for DuckDb {
    async fn execute(&mut self, step: &Step) -> Result<Outcome> {
        let sql = match with_inputs(&step.statement).await? {
            Some(statement) => text::sql(&statement),
            None if step.bound => text::sql(&step.statement),
            None => step.text.clone(),
        };
        match step.description.action {
            Action::Query => self.query(&sql),
            Action::CreateTable { .. } | Action::Change => self.change(&sql, true),
            Action::CreateView | Action::Drop | Action::Other => self.change(&sql, false),
            Action::Assert => Err(Error::internal("an assertion is asked as a query")),
        }
    }

    async fn models(&mut self, table: &ObjectName, sink: &mut ModelSink<'_>) -> Result<()> {
        let columns = {
            let sql = format!("SELECT * FROM {table} LIMIT 0");
            let mut statement = self.session.prepare(&sql).map_err(engine_error)?;
            let schema = statement
                .stream_arrow([])
                .map_err(engine_error)?
                .get_schema();
            model_columns(schema.fields().iter().map(|f| (f.name(), f.data_type())))
        };
        let Some(columns) = columns else {
            return Ok(());
        };
        let sql = format!("SELECT {columns} FROM {table}");
        let mut statement = self.session.prepare(&sql).map_err(engine_error)?;
        for batch in statement.stream_arrow([]).map_err(engine_error)? {
            duckdb_arrow::models(&batch.map_err(engine_error)?, sink)?;
        }
        Ok(())
    }

    async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut statement = self.session.prepare(sql).map_err(engine_error)?;
        let mut rows = Vec::new();
        for batch in statement.stream_arrow([]).map_err(engine_error)? {
            duckdb_arrow::texts(&mut rows, &batch.map_err(engine_error)?)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(rows)
    }

    async fn rows(&mut self, sql: &str) -> Result<Rows> {
        let mut statement = self.session.prepare(sql).map_err(engine_error)?;
        let batches = statement.stream_arrow([]).map_err(engine_error)?;
        let columns = held(&batches.get_schema());
        let mut shown = Shown::default();
        for batch in batches {
            duckdb_arrow::add_up_to(&mut shown, &batch.map_err(engine_error)?, usize::MAX)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(Rows {
            columns,
            rows: shown.rows,
        })
    }

    async fn columns(&mut self, relation: &str) -> Result<Vec<(String, Comparison)>> {
        let sql = format!("SELECT * FROM {} LIMIT 0", quote_name(relation));
        let Ok(mut statement) = self.session.prepare(&sql) else {
            return Ok(Vec::new());
        };
        let schema = statement
            .stream_arrow([])
            .map_err(engine_error)?
            .get_schema();
        let fields = schema.fields().iter();
        Ok(fields
            .map(|field| {
                (
                    field.name().clone(),
                    duckdb_arrow::comparison(field.data_type()),
                )
            })
            .collect())
    }

    fn canceller(&self) -> Option<Canceller> {
        let handle = self.session.interrupt_handle();
        Some(Arc::new(move || handle.interrupt()))
    }

    async fn attach(&mut self, name: &str, source: &Source) -> Result<()> {
        let mut columns = source.manifest.schema.iter();
        if let Some(column) = columns.find(|column| column.is_too_wide()) {
            let message = format!(
                "column '{}' of {} is {}, which DuckDB reads wrong: it has at most 38 digits",
                column.name,
                source.manifest.table,
                column.sql_type()
            );
            return Err(Error::failed(message).hint(
                "use --engine datafusion, or export a view that casts the column to NUMERIC or \
                 FLOAT64",
            ));
        }
        let digest = source.digest();
        let key = format!("{}-{}", source.manifest.table.table, &digest[..16]);
        let place = source.place()?;
        let held = self.cache.hold(&key, &place, &source.wanted()).await?;
        let files: Vec<String> = held
            .files
            .iter()
            .map(|file| quote_text(&file.display().to_string()))
            .collect();
        let columns: Vec<String> = source
            .manifest
            .schema
            .iter()
            .map(|column| {
                let (from, to) = (quote_name(&column.name), column.name.to_lowercase());
                format!("CAST({from} AS {}) AS {}", column.duckdb(), quote_name(&to))
            })
            .collect();
        // A temporary view leaves no trace in the user's file.
        let sql = format!(
            "CREATE OR REPLACE TEMP VIEW {} AS SELECT {} FROM read_parquet([{}])",
            quote_name(name),
            columns.join(", "),
            files.join(", ")
        );
        self.session.execute_batch(&sql).map_err(engine_error)?;
        self.held.push(held);
        self.exports.insert(name.to_owned(), digest);
        Ok(())
    }

    async fn write(&mut self, sql: &str, path: &Path) -> Result<u64> {
        let path = quote_text(&path.display().to_string());
        let sql = format!("COPY ({sql}) TO {path} (FORMAT parquet, COMPRESSION zstd)");
        let rows = self.session.execute(&sql, []).map_err(engine_error)?;
        Ok(rows as u64)
    }

    async fn digest(&mut self, relation: &str) -> Result<Option<String>> {
        if let Some(digest) = self.exports.get(relation) {
            return Ok(Some(digest.clone()));
        }
        if self.columns(relation).await?.is_empty() {
            return Ok(None);
        }
        // A sum does not depend on the order, and counts rows that are there twice.
        let name = quote_name(relation);
        let sql = format!("SELECT count(*), sum(hash(r)) FROM {name} AS r");
        let rows = self.texts(&sql).await?;
        let values: Vec<&str> = rows
            .iter()
            .flatten()
            .map(|value| value.as_deref().unwrap_or_default())
            .collect();
        Ok(Some(values.join(" ")))
    }
}

/// The process that DuckDB names as the one that holds a database.
fn holder(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("(PID ")?;
    let (pid, _) = rest.split_once(')')?;
    pid.bytes()
        .all(|digit| digit.is_ascii_digit())
        .then_some(pid)
}

/// What the columns of a schema hold.
fn held(schema: &Schema) -> Vec<(String, Values)> {
    let fields = schema.fields().iter();
    fields
        .map(|field| (field.name().clone(), duckdb_arrow::held(field.data_type())))
        .collect()
}

/// What DuckDB's parser says about a statement; `None` if it reads it, whatever else
/// is wrong with it.
pub fn parser_error(sql: &str) -> Option<String> {
    let session = Session::open(None, &[]).ok()?;
    let message = session.prepare(sql).err()?.to_string();
    message.starts_with("Parser Error").then_some(message)
}

/// The columns to read for models: the plain ones, if one of them is a BLOB.
fn model_columns<'a>(fields: impl Iterator<Item = (&'a String, &'a DataType)>) -> Option<String> {
    let mut binary = false;
    let mut names = Vec::new();
    for (name, kind) in fields {
        binary |= duckdb_arrow::is_binary(kind);
        if !kind.is_nested() {
            names.push(quote_name(name));
        }
    }
    binary.then(|| names.join(", "))
}

/// The statement with its calls of `read_table` as DuckDB's own readers, or
/// `None` if it has none.
async fn with_inputs<T: Visit + VisitMut + Clone>(statement: &T) -> Result<Option<T>> {
    let paths = inputs::paths(statement)?;
    if paths.is_empty() {
        return Ok(None);
    }
    let mut queries = Vec::new();
    for path in paths {
        queries.push(reader(&Input::find(&path).await?)?);
    }
    let mut statement = statement.clone();
    inputs::replace(&mut statement, queries);
    Ok(Some(statement))
}

/// The query that reads an input.
fn reader(input: &Input) -> Result<Query> {
    let files: Vec<String> = input
        .files
        .iter()
        .map(|file| quote_text(&file.display().to_string()))
        .collect();
    let files = files.join(", ");
    let fields = input.schema.fields();
    let sql = match input.format {
        Format::Parquet => {
            let columns: Vec<String> = fields
                .iter()
                .zip(input.names())
                .map(|(field, name)| {
                    format!("{} AS {}", quote_name(field.name()), quote_name(&name))
                })
                .collect();
            format!("SELECT {} FROM read_parquet([{files}])", columns.join(", "))
        }
        Format::Csv { separator, .. } => {
            let columns: Vec<String> = fields
                .iter()
                .zip(input.names())
                .map(|(field, name)| {
                    let kind = inputs::duckdb_type(field.data_type());
                    format!("{}: '{kind}'", quote_text(&name))
                })
                .collect();
            format!(
                "SELECT * FROM read_csv([{files}], auto_detect => false, header => true, \
                 delim => {}, quote => '\"', escape => '\"', nullstr => '', columns => {{{}}})",
                quote_text(&char::from(separator).to_string()),
                columns.join(", ")
            )
        }
    };
    parse_query(&sql)
}

/// What DuckDB says, with a hint where the runner knows more.
fn engine_error(error: duckdb::Error) -> Box<Error> {
    let message = error.to_string();
    let hint = message.starts_with("Out of Memory Error").then(|| {
        "raise training.resources.memory_limit, or lower training.resources.max_workers".to_owned()
    });
    Error::failed(message).hint_if(hint)
}
