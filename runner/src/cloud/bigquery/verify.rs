//! Whether an export is what its manifest says: every shard there, as long as it was,
//! and of the same columns. It is asked before anything is trained on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::Schema;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ParquetMetaDataReader;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::exports::Exports;
use super::manifest::{FILE, Manifest};
use super::schema::Column;
use crate::cloud::storage::objects::{self, Object};
use crate::error::{Error, Result};
use crate::registry::Place;

/// How much of the end of a file is read at first.
const FOOTER: u64 = 64 << 10;
/// Footers that are read at once.
const AT_ONCE: usize = 8;

/// The objects of a complete export, in the order of its shards.
///
/// # Errors
/// Shards that are missing, too many, or not as long as they were.
pub async fn shards(exports: &Exports, folder: &Path, manifest: &Manifest) -> Result<Vec<Object>> {
    let place = &exports.place;
    let listed = objects::list(place, folder).await?;
    let mut found: BTreeMap<String, Object> = listed
        .into_iter()
        .filter(|object| object.name != FILE)
        .map(|object| (object.name.clone(), object))
        .collect();
    let mut objects = Vec::with_capacity(manifest.shards.len());
    for shard in &manifest.shards {
        let shown = place.shown(&folder.clone().join(shard.name.as_str()));
        let Some(object) = found.remove(&shard.name) else {
            return Err(broken(format!("{shown} is missing"), manifest));
        };
        if object.size != shard.size {
            return Err(broken(
                format!("{shown} has {} bytes and not {}", object.size, shard.size),
                manifest,
            ));
        }
        if let (Some(was), Some(is)) = (&shard.etag, &object.etag)
            && was != is
        {
            return Err(broken(format!("{shown} was replaced"), manifest));
        }
        objects.push(object);
    }
    if let Some(name) = found.keys().next() {
        let shown = place.shown(&folder.clone().join(name.as_str()));
        return Err(broken(format!("{shown} does not belong to it"), manifest));
    }
    Ok(objects)
}

/// The rows of each shard of Parquet, as the footers tell.
///
/// # Errors
/// A shard that cannot be read, or has other columns than the table.
pub async fn rows(place: &Place, objects: &[Object], columns: &[Column]) -> Result<Vec<u64>> {
    let store = place.reading()?;
    futures::stream::iter(objects)
        .map(|object| {
            let store = Arc::clone(&store);
            async move {
                let shown = place.shown(&object.path);
                let metadata = footer(store.as_ref(), object).await.map_err(|what| {
                    Error::failed(format!("{shown} is not a readable Parquet file"))
                        .detail(what)
                        .hint(AGAIN)
                })?;
                if let Some(what) = difference(columns, metadata.schema()) {
                    return Err(Error::failed(format!("{shown}: {what}")).hint(
                        "the table has changed while or after it was exported: export it again, \
                         with another --snapshot",
                    ));
                }
                let count = metadata.metadata().file_metadata().num_rows();
                Ok(u64::try_from(count).unwrap_or_default())
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// What the end of a file of Parquet tells.
async fn footer(
    store: &dyn ObjectStore,
    object: &Object,
) -> std::result::Result<ArrowReaderMetadata, String> {
    let mut length = object.size.min(FOOTER);
    loop {
        let options = GetOptions {
            range: Some(GetRange::Bounded(object.size - length..object.size)),
            if_match: object.etag.clone(),
            ..GetOptions::default()
        };
        let read = async { store.get_opts(&object.path, options).await?.bytes().await };
        let bytes = match length {
            // No store reads a range of nothing.
            0 => Bytes::new(),
            _ => read.await.map_err(|error| error.to_string())?,
        };
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&bytes, object.size) {
            Ok(()) => {}
            Err(ParquetError::NeedMoreData(needed))
                if needed as u64 > length && needed as u64 <= object.size =>
            {
                length = needed as u64;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        }
        let metadata = reader.finish().map_err(|error| error.to_string())?;
        return ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
            .map_err(|error| error.to_string());
    }
}

/// How the columns of a shard differ from those of the table.
fn difference(columns: &[Column], found: &Schema) -> Option<String> {
    for column in columns {
        let Ok(field) = found.field_with_name(&column.name) else {
            return Some(format!("it has no column '{}'", column.name));
        };
        if !column.fits(field.data_type()) {
            let wanted = match column.as_text {
                true => format!("{} as text", column.sql_type()),
                false => column.sql_type(),
            };
            return Some(format!(
                "column '{}' is {} and not {wanted}",
                column.name,
                field.data_type()
            ));
        }
    }
    let extra = found
        .fields()
        .iter()
        .find(|field| columns.iter().all(|column| column.name != *field.name()));
    extra.map(|field| format!("it has another column '{}'", field.name()))
}

const AGAIN: &str = "export the table again, with another --snapshot";

fn broken(what: String, manifest: &Manifest) -> Box<Error> {
    Error::failed(format!(
        "the export {} of {} is not whole: {what}",
        manifest.snapshot, manifest.table
    ))
    .hint(AGAIN)
}
