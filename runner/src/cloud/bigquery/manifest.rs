//! What an export is: written last, so that where it is, everything is.

use serde::{Deserialize, Serialize};

use super::names::TableName;
use super::schema::Column;
use crate::files::sha256;
use crate::runs::moment::Moment;

/// The name of its file.
pub const FILE: &str = "manifest.json";
/// The version of its form.
pub const VERSION: u64 = 1;

/// The manifest of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u64,
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// The name of this state of it.
    pub snapshot: String,
    /// When it was written.
    pub created: Moment,
    /// When the table was last changed before, as BigQuery tells.
    pub modified: Option<Moment>,
    /// `PARQUET`, `AVRO`, `CSV` or `JSON`.
    pub format: String,
    /// `ZSTD`, `SNAPPY`, `GZIP`, `DEFLATE` or `NONE`.
    pub compression: String,
    /// Which rows, in SQL; all, if it is not there.
    pub filter: Option<String>,
    /// The query whose rows these are.
    pub query: String,
    /// The job that wrote them.
    pub job: String,
    /// Bytes that the job read.
    pub bytes_processed: Option<u64>,
    /// All rows.
    pub rows: u64,
    /// The columns, with their types in BigQuery.
    pub schema: Vec<Column>,
    /// The files, in order of name.
    pub shards: Vec<Shard>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Within the folder of the export.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What the store calls this state of it.
    pub etag: Option<String>,
    /// In hexadecimal digits; not there if the export was told not to read the files.
    pub sha256: Option<String>,
    /// Its rows, where its form tells.
    pub rows: Option<u64>,
}

impl Manifest {
    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.shards.iter().map(|shard| shard.size).sum()
    }

    /// The SHA-256 of what it says.
    pub fn digest(&self) -> String {
        // A manifest always has a text.
        sha256(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Whether it is what `lagrange run` takes by itself: all rows, as Parquet.
    pub fn is_plain(&self) -> bool {
        self.filter.is_none() && self.format == "PARQUET"
    }
}
