//! An export from its beginning to its end: what it would cost, a job, a look at what
//! it wrote, and the manifest last.

use futures::{StreamExt, TryStreamExt};
use google_cloud_bigquery_v2::model::ExportDataStatistics;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::client::{BigQuery, Table, count, query};
use super::exports::Exports;
use super::jobs::{self, Done, Task};
use super::manifest::{FILE, Manifest, Shard, VERSION};
use super::query::{Format, Order};
use super::schema::Column;
use super::verify;
use crate::cloud::storage::objects::{self, Object};
use crate::error::{Error, Result};
use crate::files::hex;
use crate::runs::moment::Moment;

/// How long the job may run, in milliseconds.
const JOB_TIMEOUT: i64 = 6 * 3600 * 1000;
/// Shards whose checksums are computed at once.
const AT_ONCE: usize = 2;

/// What is to be done about a table.
pub struct Plan {
    /// What is exported, and how.
    pub order: Order,
    /// The name of this state of the table.
    pub snapshot: String,
    /// Where to, within the artifacts.
    pub folder: Path,
    /// The columns of the export.
    pub columns: Vec<Column>,
    /// The query whose rows are exported.
    pub select: String,
    /// The statement of the job.
    pub statement: String,
    /// Bytes that it would read.
    pub bytes: u64,
    /// Rows of the table, where that is known.
    pub rows: Option<u64>,
    /// The export, if it was done before.
    pub done: Option<Manifest>,
    modified: Option<Moment>,
    location: String,
}

impl Plan {
    /// Looks at a table, and asks what its export would cost. Nothing is written.
    ///
    /// # Errors
    /// A table or a condition that BigQuery refuses, a place that it cannot write to.
    pub async fn new(
        service: &BigQuery,
        exports: &Exports,
        order: Order,
        snapshot: Option<&str>,
    ) -> Result<Self> {
        if !exports.place.is_google() {
            let message = format!(
                "BigQuery exports to gs:// only, and storage.artifacts is {}",
                exports.place.location()
            );
            return Err(Error::usage(message).hint("set storage.artifacts to gs://bucket/folder"));
        }
        let table = service.table(&order.table).await?;
        let snapshot = match snapshot {
            Some(name) => checked(name)?.to_owned(),
            None => named(&table, &order),
        };
        let folder = Exports::folder(&order.table, service.project(), &snapshot);
        let columns = order.columns(&table.columns);
        let select = order.select(&columns);
        let statement = order.statement(&exports.place.shown(&folder), &select);
        let done = exports.manifest(&folder).await?;
        if let Some(done) = &done
            && (done.query.as_str(), done.format.as_str()) != (select.as_str(), order.format.name())
        {
            let message = format!(
                "there is another export {snapshot} of {} already",
                order.table
            );
            return Err(Error::usage(message)
                .detail(&done.query)
                .hint("pass another name with --snapshot"));
        }
        let bytes = match done {
            Some(_) => 0,
            None => service.estimate(&select, &table.location).await?,
        };
        Ok(Self {
            snapshot,
            folder,
            columns,
            select,
            statement,
            bytes,
            rows: table.rows.filter(|_| order.filter.is_none()),
            done,
            modified: table.modified,
            location: table.location,
            order,
        })
    }

    /// Exports, unless it is done. `checksums`: whether every file is read once to know
    /// its SHA-256. `say` hears what happens.
    ///
    /// # Errors
    /// A job that fails, files that are not what it says that it wrote.
    pub async fn run(
        &self,
        service: &BigQuery,
        exports: &Exports,
        checksums: bool,
        say: &dyn Fn(&str),
    ) -> Result<Manifest> {
        if let Some(done) = &self.done {
            return Ok(done.clone());
        }
        let mut from = 0;
        loop {
            let done = self.job(service, exports, from, say).await?;
            let shards = self.shards(exports).await?;
            match self.fits(&done, &shards) {
                Ok(()) => return self.complete(exports, &done, shards, checksums, say).await,
                // A job of an earlier command whose files somebody has removed.
                Err(what) if from == 0 => {
                    say(&format!("{what}: the export begins anew"));
                    from = done.attempt + 1;
                    self.clear(exports).await?;
                }
                Err(what) => {
                    let message =
                        format!("the export of {} is not whole: {what}", self.order.table);
                    return Err(Error::failed(message).hint(
                        "is somebody else writing there? export again, with another --snapshot",
                    ));
                }
            }
        }
    }

    async fn job(
        &self,
        service: &BigQuery,
        exports: &Exports,
        from: u32,
        say: &dyn Fn(&str),
    ) -> Result<Done> {
        let digest = hex(&Sha256::digest(self.statement.as_bytes()));
        let configuration = query(&self.statement)
            .set_job_timeout_ms(JOB_TIMEOUT)
            .set_labels([("tool", "lagrange"), ("purpose", "export")]);
        let task = Task {
            verb: "export",
            key: &digest[..32],
            configuration,
            location: &self.location,
            from,
        };
        jobs::run(service, task, async || self.clear(exports).await, say).await
    }

    /// Removes what an attempt that failed has left, and nothing else.
    async fn clear(&self, exports: &Exports) -> Result<()> {
        let prefix = self.order.shard_prefix();
        let mut left = self.shards(exports).await?;
        left.retain(|object| object.name.starts_with(&prefix));
        objects::remove(&exports.place, &left).await
    }

    async fn shards(&self, exports: &Exports) -> Result<Vec<Object>> {
        let mut objects = objects::list(&exports.place, &self.folder).await?;
        objects.retain(|object| object.name != FILE);
        Ok(objects)
    }

    /// Whether there are as many files as the job has written.
    fn fits(&self, done: &Done, shards: &[Object]) -> std::result::Result<(), String> {
        let prefix = self.order.shard_prefix();
        if let Some(other) = shards.iter().find(|shard| !shard.name.starts_with(&prefix)) {
            return Err(format!("{} does not belong there", other.name));
        }
        let statistics = statistics(done);
        let Some(files) = statistics.and_then(|it| count(it.file_count)) else {
            return Ok(());
        };
        let found = shards.len() as u64;
        // A table without rows is no file, or an empty one.
        let empty = statistics.is_some_and(|it| it.row_count == Some(0)) && found <= 1;
        match files == found || files == 0 || empty {
            true => Ok(()),
            false => Err(format!(
                "the job has written {files} files, and there are {found}"
            )),
        }
    }

    /// Looks into the files, and writes the manifest.
    async fn complete(
        &self,
        exports: &Exports,
        done: &Done,
        objects: Vec<Object>,
        checksums: bool,
        say: &dyn Fn(&str),
    ) -> Result<Manifest> {
        let place = &exports.place;
        let counts: Vec<Option<u64>> = match self.order.format {
            Format::Parquet => {
                let counts = verify::rows(place, &objects, &self.columns).await?;
                counts.into_iter().map(Some).collect()
            }
            _ => vec![None; objects.len()],
        };
        let counted: Option<u64> = counts.iter().copied().sum();
        let told = statistics(done).and_then(|it| count(it.row_count));
        let rows = match (counted, told) {
            (Some(counted), Some(told)) if counted != told => {
                let message = format!(
                    "the export of {} is not whole: the job has written {told} rows, and its \
                     files have {counted}",
                    self.order.table
                );
                return Err(Error::failed(message).hint("export again, with another --snapshot"));
            }
            (Some(rows), _) | (None, Some(rows)) => rows,
            (None, None) => self.rows.unwrap_or_default(),
        };
        if checksums && !objects.is_empty() {
            say(&format!(
                "reading {} files for their checksums",
                objects.len()
            ));
        }
        let digests: Vec<Option<String>> = futures::stream::iter(&objects)
            .map(|object| async move {
                match checksums {
                    true => objects::digest(place, object).await.map(Some),
                    false => Ok(None),
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let shards =
            objects
                .into_iter()
                .zip(counts)
                .zip(digests)
                .map(|((object, rows), sha256)| Shard {
                    name: object.name,
                    size: object.size,
                    etag: object.etag,
                    sha256,
                    rows,
                });
        let job = done.job.statistics.as_ref();
        let read = job.and_then(|it| count(it.total_bytes_processed));
        let manifest = Manifest {
            version: VERSION,
            table: self.order.table.clone(),
            snapshot: self.snapshot.clone(),
            created: Moment::now(),
            modified: self.modified,
            format: self.order.format.name().to_owned(),
            compression: self.order.compression.name().to_owned(),
            filter: self.order.filter.clone(),
            query: self.select.clone(),
            job: done.id.clone(),
            bytes_processed: read,
            rows,
            schema: self.columns.clone(),
            shards: shards.collect(),
        };
        exports.complete(&self.folder, &manifest).await?;
        Ok(manifest)
    }
}

/// What a job says that it has written.
fn statistics(done: &Done) -> Option<&ExportDataStatistics> {
    let query = done.job.statistics.as_ref()?.query.as_ref()?;
    query.export_data_statistics.as_ref()
}

/// The name of a snapshot that a person has given.
///
/// # Errors
/// A name that cannot be that of a folder.
pub fn checked(name: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        let message = format!("--snapshot {name}: not a name for a snapshot");
        return Err(Error::usage(message).hint("use letters, digits, dashes, dots and underscores"));
    }
    Ok(name)
}

/// The name of a snapshot that nobody has named: when the table was last changed, so
/// that a table that has not changed is exported once. Of a view nobody knows; its
/// exports are named by the time that they are made.
fn named(table: &Table, order: &Order) -> String {
    let moment = table.modified.unwrap_or_else(Moment::now);
    let name = format!("{}-{:03}", moment.compact(), moment.millis());
    match order.is_plain() {
        true => name,
        false => format!("{name}-{}", order.digits()),
    }
}
