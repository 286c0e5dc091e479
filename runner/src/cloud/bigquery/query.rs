//! The SQL of an export.

use sha2::{Digest, Sha256};

use super::names::TableName;
use super::schema::{Column, Kind};
use crate::error::{Error, Result};
use crate::files::hex;

/// Form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// What `lagrange run` reads.
    #[default]
    Parquet,
    /// Avro.
    Avro,
    /// Text with a header.
    Csv,
    /// A JSON document per line.
    Json,
}

/// How an export is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Compression {
    /// Zstandard; Parquet only.
    Zstd,
    /// Snappy; Parquet and Avro.
    Snappy,
    /// Gzip; all but Avro.
    Gzip,
    /// Deflate; Avro only.
    Deflate,
    /// Not at all.
    None,
}

impl Format {
    /// As SQL and the manifest write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "PARQUET",
            Self::Avro => "AVRO",
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// The end of the names of its files.
    fn extension(self, compression: Compression) -> &'static str {
        match (self, compression) {
            (Self::Parquet, _) => ".parquet",
            (Self::Avro, _) => ".avro",
            (Self::Csv, Compression::Gzip) => ".csv.gz",
            (Self::Csv, _) => ".csv",
            (Self::Json, Compression::Gzip) => ".json.gz",
            (Self::Json, _) => ".json",
        }
    }
}

impl Compression {
    /// As SQL and the manifest write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "ZSTD",
            Self::Snappy => "SNAPPY",
            Self::Gzip => "GZIP",
            Self::Deflate => "DEFLATE",
            Self::None => "NONE",
        }
    }

    /// The one that is wanted, or the usual one of a format.
    ///
    /// # Errors
    /// One that the format does not know.
    pub fn of(format: Format, wanted: Option<Self>) -> Result<Self> {
        let known: &[Self] = match format {
            Format::Parquet => &[Self::Zstd, Self::Snappy, Self::Gzip, Self::None],
            Format::Avro => &[Self::Snappy, Self::Deflate, Self::None],
            Format::Csv | Format::Json => &[Self::Gzip, Self::None],
        };
        match wanted {
            None => Ok(known[0]),
            Some(wanted) if known.contains(&wanted) => Ok(wanted),
            Some(wanted) => {
                let names: Vec<String> = known
                    .iter()
                    .map(|known| known.name().to_lowercase())
                    .collect();
                let message = format!(
                    "{} is not compressed with {}",
                    format.name(),
                    wanted.name().to_lowercase()
                );
                Err(Error::usage(message).hint(format!("use {}", names.join(", "))))
            }
        }
    }
}

/// What is exported, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The table.
    pub table: TableName,
    /// Which rows, in SQL.
    pub filter: Option<String>,
    /// The form.
    pub format: Format,
    /// How it is compressed.
    pub compression: Compression,
}

impl Order {
    /// The columns as the export will have them.
    pub fn columns(&self, columns: &[Column]) -> Vec<Column> {
        let flat = self.format == Format::Csv;
        columns
            .iter()
            .map(|column| Column {
                // CSV has no place for what is nested.
                as_text: column.holds_text_only()
                    || flat && (column.repeated || column.kind == Kind::Struct),
                ..column.clone()
            })
            .collect()
    }

    /// The query whose rows are exported. `columns`: those of the export.
    pub fn select(&self, columns: &[Column]) -> String {
        let texts: Vec<String> = columns
            .iter()
            .filter(|column| column.as_text)
            .map(|column| {
                let name = format!("`{}`", column.name);
                let text = match (column.kind, column.repeated) {
                    (Kind::Geography, false) => format!("ST_ASTEXT({name})"),
                    (Kind::Interval | Kind::Range, false) => format!("CAST({name} AS STRING)"),
                    _ => format!("TO_JSON_STRING({name})"),
                };
                // A JSON text "null" would not be a NULL.
                format!("IF({name} IS NULL, NULL, {text}) AS {name}")
            })
            .collect();
        let replaced = match texts.is_empty() {
            true => String::new(),
            false => format!(" REPLACE ({})", texts.join(", ")),
        };
        let filter = match &self.filter {
            // On a line of its own, in case that it ends with a comment.
            Some(filter) => format!("\nWHERE (\n{filter}\n)"),
            None => String::new(),
        };
        format!("SELECT *{replaced}\nFROM {}{filter}", self.table.quoted())
    }

    /// The beginning of the names of the shards.
    pub fn shard_prefix(&self) -> String {
        format!("{}-", self.table.table)
    }

    /// The pattern of the names of the shards.
    pub fn pattern(&self) -> String {
        let extension = self.format.extension(self.compression);
        format!("{}*{extension}", self.shard_prefix())
    }

    /// The statement that exports. `folder`: where to, with its bucket.
    pub fn statement(&self, folder: &str, select: &str) -> String {
        let uri = format!("{folder}/{}", self.pattern());
        let uri = uri.replace('\\', "\\\\").replace('\'', "\\'");
        let mut options = vec![
            format!("uri = '{uri}'"),
            format!("format = '{}'", self.format.name()),
            // What an attempt that failed has left there.
            "overwrite = true".to_owned(),
        ];
        if self.compression != Compression::None {
            options.push(format!("compression = '{}'", self.compression.name()));
        }
        if self.format == Format::Csv {
            options.push("header = true".to_owned());
        }
        format!(
            "EXPORT DATA OPTIONS (\n  {}\n) AS\n{select}",
            options.join(",\n  ")
        )
    }

    /// What tells exports of one table apart, in a few digits: rows and form.
    pub fn digits(&self) -> String {
        let mut hasher = Sha256::new();
        for part in [
            self.filter.as_deref().unwrap_or_default(),
            self.format.name(),
            self.compression.name(),
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hex(&hasher.finalize())[..6].to_owned()
    }

    /// Whether it is what `lagrange run` reads: all rows, as Parquet.
    pub fn is_plain(&self) -> bool {
        self.filter.is_none() && self.format == Format::Parquet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(format: Format, filter: Option<&str>) -> Order {
        Order {
            table: TableName::parse("features", "p", "d").unwrap(),
            filter: filter.map(str::to_owned),
            format,
            compression: Compression::of(format, None).unwrap(),
        }
    }

    #[test]
    fn the_statement_of_an_export() {
        let order = order(Format::Parquet, Some("ts >= '2024-01-01' -- recent"));
        let columns = [
            Column::plain("a", Kind::Int64),
            Column::plain("j", Kind::Json),
        ];
        let columns = order.columns(&columns);
        let select = order.select(&columns);
        let text = order.statement("gs://bucket/exports/d/features/s1", &select);
        assert_eq!(
            text,
            "EXPORT DATA OPTIONS (\n  uri = 'gs://bucket/exports/d/features/s1/features-*.parquet',\n  \
             format = 'PARQUET',\n  overwrite = true,\n  compression = 'ZSTD'\n) AS\n\
             SELECT * REPLACE (IF(`j` IS NULL, NULL, TO_JSON_STRING(`j`)) AS `j`)\n\
             FROM `p.d.features`\nWHERE (\nts >= '2024-01-01' -- recent\n)"
        );
    }

    #[test]
    fn csv_has_nested_columns_as_text() {
        let order = order(Format::Csv, None);
        let list = Column {
            repeated: true,
            ..Column::plain("xs", Kind::Float64)
        };
        let columns = order.columns(&[list]);
        assert!(columns[0].as_text);
        assert!(order.select(&columns).contains("TO_JSON_STRING(`xs`)"));
        assert_eq!(order.pattern(), "features-*.csv.gz");
    }

    #[test]
    fn compressions_fit_their_formats() {
        let fits = |format, wanted| Compression::of(format, Some(wanted)).is_ok();
        assert!(fits(Format::Parquet, Compression::Snappy));
        assert!(!fits(Format::Csv, Compression::Zstd));
        assert!(!fits(Format::Avro, Compression::Gzip));
    }

    #[test]
    fn exports_of_other_rows_have_other_digits() {
        let all = order(Format::Parquet, None);
        assert_ne!(all.digits(), order(Format::Parquet, Some("x")).digits());
        assert_ne!(all.digits(), order(Format::Csv, None).digits());
        assert_eq!(all.digits(), order(Format::Parquet, None).digits());
    }
}
