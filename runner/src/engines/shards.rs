//! The files of a table: Parquet, a file per partition that has rows.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::ColumnPath;
use futures::StreamExt;

use super::datafusion::engine_error;
use crate::error::{Error, Result};

/// Rows of a row group, the unit that scans share out among the workers.
const ROW_GROUP_ROWS: usize = 122_880;
/// Bytes of a row group, so that wide tables do not fill the memory.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// How a table is written. Doubles hardly repeat, so a dictionary of them only costs
/// time.
pub fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES));
    for field in schema.fields() {
        if matches!(field.data_type(), DataType::Float64 | DataType::Float32) {
            let path = ColumnPath::new(vec![field.name().clone()]);
            builder = builder.set_column_dictionary_enabled(path, false);
        }
    }
    builder.build()
}

/// Writes one partition; without rows there is no file. How many rows there were.
///
/// # Errors
/// What the engine says, and a file that cannot be written.
pub async fn write(
    mut batches: SendableRecordBatchStream,
    path: PathBuf,
    properties: WriterProperties,
) -> Result<u64> {
    let mut open = None;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(engine_error)?;
        if batch.num_rows() == 0 {
            continue;
        }
        if open.is_none() {
            open = Some(writer(&path, &batches.schema(), properties.clone())?);
        }
        if let Some(writer) = &mut open {
            writer
                .write(&batch)
                .map_err(|error| not_written(&path, &error))?;
            rows += batch.num_rows() as u64;
        }
    }
    if let Some(writer) = open {
        writer.close().map_err(|error| not_written(&path, &error))?;
    }
    Ok(rows)
}

/// Opens a file.
///
/// # Errors
/// It cannot be written.
pub fn writer(
    path: &Path,
    schema: &SchemaRef,
    properties: WriterProperties,
) -> Result<ArrowWriter<BufWriter<File>>> {
    let file = File::create(path).map_err(|error| not_written(path, &error))?;
    ArrowWriter::try_new(BufWriter::new(file), Arc::clone(schema), Some(properties))
        .map_err(|error| not_written(path, &error))
}

/// What is said of a file that cannot be written.
pub fn not_written(path: &Path, error: &dyn std::fmt::Display) -> Box<Error> {
    let folder = path.parent().and_then(Path::parent).unwrap_or(path);
    Error::failed(format!("cannot write to {}: {error}", folder.display()))
}
