//! `read_table('path')` in FROM: CSV (also compressed), Parquet, a folder of
//! shards or a pattern, with the same column names and types on both engines.
//!
//! Names are in lower case, because DuckDB ignores the case of names and
//! DataFusion does not. The types of CSV columns are found here once, rather
//! than by each engine in its own way.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::{ObjectStore, ObjectStoreExt, path::Path as StorePath};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::prelude::SessionContext;
use sha2::{Digest, Sha256};
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, ObjectNamePart, TableAlias, TableFactor, Value,
    ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::error::{Error, Result};
use crate::files::{hash_file, hex};

/// The name of the function.
const READ_TABLE: &str = "read_table";
/// How many CSV rows are looked at to find the types.
const ROWS_TO_INFER: usize = 500_000;

/// The files behind one call.
#[derive(Debug, Clone)]
pub struct Input {
    /// In order of name.
    pub files: Vec<PathBuf>,
    /// How they are written.
    pub format: Format,
    /// The columns as they are in the files.
    pub schema: SchemaRef,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with a header; the separator, and whether it is compressed.
    Csv {
        /// `,` or a tab.
        separator: u8,
        /// With gzip.
        gzip: bool,
    },
    /// Parquet.
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let (name, gzip) = match name.strip_suffix(".gz") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        if name.ends_with(".csv") {
            Some(Self::Csv {
                separator: b',',
                gzip,
            })
        } else if name.ends_with(".tsv") {
            Some(Self::Csv {
                separator: b'\t',
                gzip,
            })
        } else if !gzip && (name.ends_with(".parquet") || name.ends_with(".pq")) {
            Some(Self::Parquet)
        } else {
            None
        }
    }

    /// The reader that DataFusion and the search for types use.
    pub fn csv(separator: u8, gzip: bool) -> CsvFormat {
        let compression = if gzip {
            FileCompressionType::GZIP
        } else {
            FileCompressionType::UNCOMPRESSED
        };
        CsvFormat::default()
            .with_has_header(true)
            .with_delimiter(separator)
            .with_newlines_in_values(true)
            .with_schema_infer_max_rec(ROWS_TO_INFER)
            .with_file_compression_type(compression)
    }
}

impl Input {
    /// Finds the files of `path` and looks at their columns.
    ///
    /// # Errors
    /// No such file, a file that cannot be read, or shards that differ.
    pub async fn find(path: &str) -> Result<Self> {
        let files = files(path)?;
        let format = Format::of(&files[0]).ok_or_else(|| unknown_format(&files[0]))?;
        if let Some(other) = files.iter().find(|file| Format::of(file) != Some(format)) {
            let message = format!(
                "{path}: {} and {} are not of one format",
                files[0].display(),
                other.display()
            );
            return Err(Error::failed(message));
        }
        let schema = match format {
            Format::Parquet => parquet_schema(&files)?,
            Format::Csv { separator, gzip } => csv_schema(&files, separator, gzip).await?,
        };
        let input = Self {
            files,
            format,
            schema,
        };
        input.check_names(path)?;
        Ok(input)
    }

    fn check_names(&self, path: &str) -> Result<()> {
        let mut names: Vec<String> = self.names().collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::failed(format!(
                "{path}: two columns are called '{}'; names do not differ by case alone",
                pair[0]
            ))),
            None => Ok(()),
        }
    }

    /// The names that the columns have in scripts.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let names = self.schema.fields().iter();
        names.map(|field| field.name().to_lowercase())
    }
}

/// The SHA-256 of files: their names and their bytes.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(files: &[PathBuf]) -> Result<String> {
    let mut hasher = Sha256::new();
    for path in files {
        let failed = |error| Error::io(format!("cannot read {}", path.display()), &error);
        let name = path.as_os_str().as_encoded_bytes();
        let length = std::fs::metadata(path).map_err(failed)?.len();
        // With their lengths, so that no two lists of files look alike.
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(length.to_le_bytes());
        hash_file(path, &mut hasher).map_err(failed)?;
    }
    Ok(hex(&hasher.finalize()))
}

/// The rows of Parquet files, as their footers tell; `None` if one cannot be read.
pub fn parquet_rows(files: &[PathBuf]) -> Option<u64> {
    let mut rows = 0;
    for file in files {
        let opened = File::open(file).ok()?;
        let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new()).ok()?;
        rows += u64::try_from(metadata.metadata().file_metadata().num_rows()).ok()?;
    }
    Some(rows)
}

fn unknown_format(file: &Path) -> Box<Error> {
    let message = format!("{}: cannot tell the format from the name", file.display());
    Error::failed(message).hint("read_table reads .csv, .csv.gz, .tsv, .tsv.gz and .parquet")
}

/// The files that a path names: itself, those of a folder, or those that match
/// `*` and `?` in its last part.
///
/// # Errors
/// No such file, or a folder that cannot be read.
pub fn files(path: &str) -> Result<Vec<PathBuf>> {
    if path.contains("://") {
        let message = format!("{path}: read_table reads local files");
        return Err(Error::failed(message).hint("download the files and pass their folder"));
    }
    let named = Path::new(path);
    if named.is_file() {
        return Ok(vec![named.to_path_buf()]);
    }
    let io = |error| Error::io(format!("cannot read {path}"), &error);
    let (folder, pattern) = match named.file_name().and_then(|name| name.to_str()) {
        _ if named.is_dir() => (named, None),
        Some(name) if name.contains(['*', '?']) => {
            let folder = named.parent().filter(|folder| *folder != Path::new(""));
            (folder.unwrap_or(Path::new(".")), Some(name))
        }
        _ => return Err(not_found(named)),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => not_found(named),
        _ => io(error),
    })? {
        let file = entry.map_err(io)?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let wanted = match pattern {
            Some(pattern) => matches(pattern, name),
            None => !name.starts_with(['.', '_']) && Format::of(&file).is_some(),
        };
        if wanted && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let message = match pattern {
            Some(_) => format!("no file matches {path}"),
            None => format!("the folder {path} has no CSV or Parquet files"),
        };
        return Err(Error::failed(message));
    }
    Ok(files)
}

fn not_found(path: &Path) -> Box<Error> {
    let missing = path
        .ancestors()
        .skip(1)
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .last();
    let error = Error::failed(format!("file not found: {}", path.display()));
    match missing {
        Some(folder) => error.hint(format!("there is no folder {}", folder.display())),
        None if path.is_relative() => error.hint("paths are relative to the working directory"),
        None => error,
    }
}

/// Whether `name` matches a pattern of `*` (any text) and `?` (one character).
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            matches(rest, name)
                || name
                    .char_indices()
                    .any(|(i, c)| matches(rest, &name[i + c.len_utf8()..]))
        }
        Some(wanted) => name.chars().next().is_some_and(|found| {
            (wanted == '?' || wanted == found)
                && matches(&pattern[wanted.len_utf8()..], &name[found.len_utf8()..])
        }),
    }
}

/// The columns that all Parquet files share.
///
/// # Errors
/// A file that is no Parquet file, or has other columns than the first.
pub fn parquet_schema(files: &[PathBuf]) -> Result<SchemaRef> {
    let mut first: Option<SchemaRef> = None;
    for file in files {
        let schema = parquet_file_schema(file)?;
        match &first {
            None => first = Some(schema),
            Some(first) => {
                if let Some(difference) = difference(first, &schema) {
                    return Err(Error::failed(format!(
                        "{} does not fit {}: {difference}",
                        file.display(),
                        files[0].display()
                    )));
                }
            }
        }
    }
    first.ok_or_else(|| Error::internal("a table without files"))
}

fn parquet_file_schema(file: &Path) -> Result<SchemaRef> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::failed(format!(
            "{} is not a readable Parquet file: {error}",
            file.display()
        ))
    };
    let opened = File::open(file).map_err(|error| unreadable(&error))?;
    let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new())
        .map_err(|error| unreadable(&error))?;
    Ok(Arc::clone(metadata.schema()))
}

/// How the columns of a shard differ from those of the first one.
fn difference(first: &Schema, other: &Schema) -> Option<String> {
    for field in first.fields() {
        match other.field_with_name(field.name()) {
            Err(_) => return Some(format!("it has no column '{}'", field.name())),
            Ok(found) if found.data_type() != field.data_type() => {
                return Some(format!(
                    "column '{}' is {} and not {}",
                    field.name(),
                    found.data_type(),
                    field.data_type()
                ));
            }
            Ok(_) => {}
        }
    }
    let extra = other
        .fields()
        .iter()
        .find(|field| first.field_with_name(field.name()).is_err());
    extra.map(|field| format!("it has another column '{}'", field.name()))
}

/// The columns of CSV files, with the types that both engines shall read.
async fn csv_schema(files: &[PathBuf], separator: u8, gzip: bool) -> Result<SchemaRef> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::failed(format!(
            "{} cannot be read as CSV: {error}",
            files[0].display()
        ))
    };
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let mut objects = Vec::new();
    for file in files {
        let io = |error| Error::io(format!("cannot read {}", file.display()), &error);
        let absolute = std::fs::canonicalize(file).map_err(io)?;
        let path = StorePath::from_absolute_path(&absolute).map_err(|error| unreadable(&error))?;
        objects.push(
            store
                .head(&path)
                .await
                .map_err(|error| unreadable(&error))?,
        );
    }
    let session = SessionContext::new().state();
    let schema = Format::csv(separator, gzip)
        .infer_schema(&session, &store, &objects)
        .await
        .map_err(|error| unreadable(&error.strip_backtrace()))?;
    if schema.fields().is_empty() {
        return Err(unreadable(&"it has no header"));
    }
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| {
            let name = match field.name().trim_start_matches('\u{feff}').trim() {
                // What pandas writes above the index; DuckDB's name for it.
                "" => format!("column{i}"),
                name => name.to_owned(),
            };
            Field::new(name, csv_type(field.data_type()), true)
        })
        .collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// The types that CSV columns have on both engines.
fn csv_type(found: &DataType) -> DataType {
    match found {
        DataType::Int64 | DataType::Float64 | DataType::Boolean => found.clone(),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
        _ => DataType::Utf8,
    }
}

/// The name of a CSV type in DuckDB.
pub fn duckdb_type(kind: &DataType) -> &'static str {
    match kind {
        DataType::Int64 => "BIGINT",
        DataType::Float64 => "DOUBLE",
        DataType::Boolean => "BOOLEAN",
        DataType::Date32 => "DATE",
        DataType::Timestamp(..) => "TIMESTAMP",
        _ => "VARCHAR",
    }
}

/// Whether a relation is a call of `read_table`.
fn is_read_table(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::Table { name, args: Some(_), .. } if is_named(name))
}

fn is_named(name: &ObjectName) -> bool {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => name.value.eq_ignore_ascii_case(READ_TABLE),
        _ => false,
    }
}

/// The paths of all calls of `read_table`, in order.
///
/// # Errors
/// A call with anything but one text.
pub fn paths<T: Visit>(tree: &T) -> Result<Vec<String>> {
    struct Paths(Vec<String>);

    impl Visitor for Paths {
        type Break = Box<Error>;

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
            if let TableFactor::Table {
                args: Some(args), ..
            } = factor
                && is_read_table(factor)
            {
                match args.args.as_slice() {
                    [
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                            value: Value::SingleQuotedString(path),
                            ..
                        }))),
                    ] if !path.is_empty() => self.0.push(path.clone()),
                    _ => {
                        let error = Error::failed("read_table takes one argument: a path as text");
                        return ControlFlow::Break(
                            error.hint("read_table('data/prices.csv.gz') or read_table($prices)"),
                        );
                    }
                }
            }
            ControlFlow::Continue(())
        }
    }

    let mut visitor = Paths(Vec::new());
    match tree.visit(&mut visitor) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(visitor.0),
    }
}

/// Puts `queries`, in order, in the place of the calls of `read_table`.
pub fn replace<T: VisitMut>(tree: &mut T, queries: Vec<sqlparser::ast::Query>) {
    struct Replace(std::vec::IntoIter<sqlparser::ast::Query>);

    impl VisitorMut for Replace {
        type Break = ();

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if is_read_table(factor)
                && let Some(query) = self.0.next()
            {
                *factor = derived(query, alias(factor));
            }
            ControlFlow::Continue(())
        }
    }

    // It never breaks.
    let _ = tree.visit(&mut Replace(queries.into_iter()));
}

/// The alias of a named relation.
pub fn alias(factor: &TableFactor) -> Option<TableAlias> {
    match factor {
        TableFactor::Table { alias, .. } => alias.clone(),
        _ => None,
    }
}

/// `(query) AS alias`
pub fn derived(query: sqlparser::ast::Query, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias,
        sample: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches(
            "features-*.parquet",
            "features-000000000000.parquet"
        ));
        assert!(matches("a?c*", "abc"));
        assert!(!matches("a?c", "ac"));
        assert!(!matches("*.parquet", "a.parquet.tmp"));
    }

    #[test]
    fn formats() {
        let format = |name: &str| Format::of(Path::new(name));
        let csv = |gzip| {
            Some(Format::Csv {
                separator: b',',
                gzip,
            })
        };
        assert_eq!(format("a/Prices.CSV"), csv(false));
        assert_eq!(format("prices.csv.gz"), csv(true));
        assert_eq!(format("x.parquet"), Some(Format::Parquet));
        assert_eq!(format("x.parquet.gz"), None);
        assert_eq!(format("x"), None);
    }

    #[test]
    fn calls_are_replaced() {
        let mut query = crate::script::parse_query(
            "SELECT * FROM read_table('a.csv') AS p, t, read_table('b')",
        )
        .unwrap();
        assert_eq!(paths(&query).unwrap(), ["a.csv", "b"]);
        let one = crate::script::parse_query("SELECT 1").unwrap();
        let two = crate::script::parse_query("SELECT 2").unwrap();
        replace(&mut query, vec![one, two]);
        assert_eq!(
            query.to_string(),
            "SELECT * FROM (SELECT 1) AS p, t, (SELECT 2)"
        );
    }
}
