//! The files of result tables: Parquet, which keeps types, and CSV.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value as Json;

use super::record::number;
use super::results::{Rows, Values, plain};
use crate::engines::shown::{Shown, datafusion_arrow};
use crate::error::{Error, Result};

/// The rows as a Parquet file.
///
/// # Errors
/// A defect.
pub fn parquet(rows: &Rows) -> Result<Vec<u8>> {
    let failed =
        |error: &dyn std::fmt::Display| Error::internal(format!("a table as Parquet: {error}"));
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (i, (name, values)) in rows.columns.iter().enumerate() {
        let column = rows
            .rows
            .iter()
            .map(|row| row.get(i).unwrap_or(&Json::Null));
        let (kind, array): (DataType, ArrayRef) = match values {
            Values::Doubles => (
                DataType::Float64,
                Arc::new(column.map(number).collect::<Float64Array>()),
            ),
            Values::Integers => (
                DataType::Int64,
                Arc::new(column.map(Json::as_i64).collect::<Int64Array>()),
            ),
            Values::Booleans => (
                DataType::Boolean,
                Arc::new(column.map(Json::as_bool).collect::<BooleanArray>()),
            ),
            Values::Texts | Values::Others | Values::Nested => (
                DataType::Utf8,
                Arc::new(
                    column
                        .map(|value| (!value.is_null()).then(|| plain(value)))
                        .collect::<StringArray>(),
                ),
            ),
        };
        fields.push(Field::new(name, kind, true));
        columns.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|e| failed(&e))?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).map_err(|e| failed(&e))?;
    writer.write(&batch).map_err(|e| failed(&e))?;
    writer.close().map_err(|e| failed(&e))?;
    Ok(bytes)
}

/// Reads a file that [`parquet`] has written.
///
/// # Errors
/// A file that is not there or is damaged.
pub fn read_parquet(path: &Path) -> Result<Rows> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::failed(format!("cannot read {}: {error}", path.display()))
    };
    let file = File::open(path).map_err(|e| failed(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| failed(&e))?;
    let columns = reader
        .schema()
        .fields()
        .iter()
        .map(|field| {
            (
                field.name().clone(),
                datafusion_arrow::held(field.data_type()),
            )
        })
        .collect();
    let mut shown = Shown::default();
    for batch in reader.build().map_err(|e| failed(&e))? {
        let batch = batch.map_err(|e| failed(&e))?;
        datafusion_arrow::add_up_to(&mut shown, &batch, usize::MAX).map_err(|e| failed(&e))?;
    }
    Ok(Rows {
        columns,
        rows: shown.rows,
    })
}

/// The rows as CSV with a header; NULL is nothing, and an empty text is `""`.
pub fn csv(rows: &Rows) -> String {
    let mut text = String::new();
    let names: Vec<String> = rows.columns.iter().map(|(name, _)| quoted(name)).collect();
    text.push_str(&names.join(","));
    text.push('\n');
    for row in &rows.rows {
        let cells: Vec<String> = row
            .iter()
            .map(|value| match value {
                Json::String(text) => quoted(text),
                other => plain(other),
            })
            .collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_come_back_from_parquet_as_they_were() {
        let column = |name: &str, values| (name.to_owned(), values);
        let rows = Rows {
            columns: vec![
                column("x", Values::Doubles),
                column("n", Values::Integers),
                column("b", Values::Booleans),
                column("t", Values::Texts),
            ],
            rows: vec![
                vec![json!(0.1), json!(1), json!(true), json!("a, \"b\"")],
                vec![json!("NaN"), json!(null), json!(null), json!(null)],
                vec![json!("inf"), json!(-3), json!(false), json!("")],
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, parquet(&rows).unwrap()).unwrap();
        let read = read_parquet(&path).unwrap();
        assert_eq!(read.columns, rows.columns);
        assert_eq!(read.rows, rows.rows);
        assert_eq!(
            csv(&rows),
            "x,n,b,t\n0.1,1,true,\"a, \"\"b\"\"\"\nNaN,,,\ninf,-3,false,\"\"\n"
        );
    }
}
