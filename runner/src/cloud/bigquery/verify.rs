//! Whether an export is what its manifest says: every shard there, as long as it was,
//! and of the same columns. It is asked before anything is trained on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::async_reader::ParquetObjectReader;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use super::exports::Exports;
use super::manifest::{FILE, Manifest};
use super::schema::Column;
use crate::cloud::storage::objects::{self, Object};
use crate::error::{Error, Result};
use crate::registry::Place;

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
                let mut reader = ParquetObjectReader::new(store, object.path.clone())
                    .with_file_size(object.size);
                let read = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new());
                let metadata = read.await.map_err(|error| {
                    Error::failed(format!("{shown} is not a readable Parquet file"))
                        .detail(error.to_string())
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
