//! Results of a run for those who ask in SQL: each table as a file of Parquet in the
//! bucket, and loaded into a table of BigQuery, where every run has a partition.
//!
//! ```text
//! <storage.artifacts>/results/<table>/<run id>.parquet
//! <storage.artifacts>/results/<table>/partitions/<hour>    the run that has it
//! ```
//!
//! A partition is written over whole: loading the same run again changes nothing, and
//! a load that fails leaves nothing. BigQuery's partitions are hours; a run takes the
//! hour in which it began, or the next one that no other run has taken.

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema};
use google_cloud_bigquery_v2::model::{
    JobConfiguration, JobConfigurationLoad, ParquetOptions, TableReference, TimePartitioning,
};
use object_store::path::Path;

use super::client::{BigQuery, count};
use super::jobs::{self, Task};
use super::names::TableName;
use super::schema::{Column, Kind, to_schema};
use crate::error::{Error, Result};
use crate::files::sha256;
use crate::registry::{Claim, Place};
use crate::runs::moment::Moment;

/// The column that names the run.
pub const RUN: &str = "run_id";
/// The column that says when it began.
pub const STARTED: &str = "run_started";
/// How many hours a run looks ahead for a partition.
const HOURS: i64 = 24 * 30;
const HOUR: i64 = 3_600_000;

/// Results of one table.
pub struct Results<'a> {
    /// The table of the script, which is also that of BigQuery.
    pub table: &'a str,
    /// The run.
    pub run: &'a str,
    /// When it began.
    pub started: Moment,
    /// Their columns.
    pub columns: Vec<Column>,
    /// How many there are.
    pub rows: u64,
}

/// Where results go.
pub struct Shelf<'a> {
    /// The artifacts.
    pub place: &'a Place,
}

impl Shelf<'_> {
    fn folder(table: &str) -> Path {
        Path::from("results").join(table)
    }

    /// Writes the file of a table of a run; its address.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn put(&self, table: &str, run: &str, bytes: Bytes) -> Result<String> {
        let path = Self::folder(table).join(format!("{run}.parquet"));
        self.place.put(&path, bytes).await?;
        self.place.settle(&path)?;
        Ok(self.place.shown(&path))
    }

    /// The partition of a run: `2026013123`.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn partition(&self, table: &str, run: &str, started: Moment) -> Result<String> {
        let folder = Self::folder(table).join("partitions");
        for hour in 0..HOURS {
            let hour = Moment(started.0 + hour * HOUR).compact();
            let name: String = hour.chars().filter(char::is_ascii_digit).take(10).collect();
            let path = folder.clone().join(name.as_str());
            let ours = Bytes::from(run.to_owned());
            if self.place.claim(&path, ours).await? == Claim::Won {
                return Ok(name);
            }
        }
        let shown = self.place.shown(&folder);
        Err(Error::failed(format!(
            "no partition is free in the {HOURS} hours after the run ({shown})"
        )))
    }
}

impl Results<'_> {
    /// Loads them into a table of a data set. `uri`: where their file is.
    ///
    /// # Errors
    /// A data set that is not there, a table that has other columns, a service that
    /// does not answer.
    pub async fn load(
        &self,
        service: &BigQuery,
        table: &TableName,
        partition: &str,
        uri: &str,
        say: &dyn Fn(&str),
    ) -> Result<()> {
        let location = service.location(&table.project, &table.dataset).await?;
        let key = sha256(format!("{table} {partition} {uri} {}", self.rows).as_bytes());
        let destination = TableReference::new()
            .set_project_id(&table.project)
            .set_dataset_id(&table.dataset)
            .set_table_id(format!("{}${partition}", table.table));
        let load = JobConfigurationLoad::new()
            .set_source_uris([uri])
            .set_source_format("PARQUET")
            .set_schema(to_schema(&self.columns))
            .set_destination_table(destination)
            .set_create_disposition("CREATE_IF_NEEDED")
            .set_write_disposition("WRITE_TRUNCATE")
            .set_time_partitioning(TimePartitioning::new().set_type("HOUR"))
            // A later version may know more columns.
            .set_schema_update_options(["ALLOW_FIELD_ADDITION"])
            .set_parquet_options(ParquetOptions::new().set_enable_list_inference(true));
        let configuration = JobConfiguration::new()
            .set_load(load)
            .set_labels([("tool", "lagrange"), ("purpose", "publish")]);
        let task = Task {
            verb: "load",
            key: &key[..32],
            configuration,
            location: &location,
            from: 0,
        };
        let done = jobs::run(service, task, async || Ok(()), say).await?;
        let loaded = done.job.statistics.and_then(|it| it.load);
        match loaded.and_then(|load| count(load.output_rows)) {
            Some(rows) if rows != self.rows => Err(Error::failed(format!(
                "BigQuery has loaded {rows} rows into {table} and not {}",
                self.rows
            ))),
            _ => Ok(()),
        }
    }
}

/// The columns of a file of results. What the run is called and when it began are
/// known; all else is told by the types of the file.
///
/// # Errors
/// A type that BigQuery does not have.
pub fn columns(schema: &Schema) -> Result<Vec<Column>> {
    let told = |field: &ArrowField| match field.name().as_str() {
        STARTED => Ok(Column::plain(STARTED, Kind::Timestamp)),
        _ => column(field),
    };
    let columns = schema.fields().iter().map(|field| told(field));
    let columns: std::result::Result<Vec<Column>, String> = columns.collect();
    columns.map_err(|what| {
        Error::failed(format!("results cannot be loaded into BigQuery: {what}"))
            .hint("cast the column in the script, or leave it out")
    })
}

/// A column that BigQuery loads the values of an Arrow field into.
fn column(field: &ArrowField) -> std::result::Result<Column, String> {
    let name = field.name();
    let plain = |kind| Ok(Column::plain(name, kind));
    match field.data_type() {
        DataType::Boolean => plain(Kind::Bool),
        kind if kind.is_integer() => plain(Kind::Int64),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => plain(Kind::Float64),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => plain(Kind::String),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => plain(Kind::Bytes),
        DataType::Date32 | DataType::Date64 => plain(Kind::Date),
        DataType::Time32(_) | DataType::Time64(_) => plain(Kind::Time),
        DataType::Timestamp(_, None) => plain(Kind::DateTime),
        DataType::Timestamp(_, Some(_)) => plain(Kind::Timestamp),
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => {
            let whole = i16::from(*digits) - i16::from(*scale);
            match whole <= 29 && *scale <= 9 {
                true => plain(Kind::Numeric),
                false => plain(Kind::BigNumeric),
            }
        }
        DataType::Dictionary(_, values) => {
            column(&ArrowField::new(name, values.as_ref().clone(), true))
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let item = column(&ArrowField::new(name, item.data_type().clone(), true))?;
            match item.repeated {
                true => Err(format!("column '{name}' is a list of lists")),
                false => Ok(Column {
                    repeated: true,
                    ..item
                }),
            }
        }
        DataType::Struct(fields) => {
            let fields: std::result::Result<Vec<Column>, String> =
                fields.iter().map(|field| column(field)).collect();
            Ok(Column {
                fields: fields?,
                ..Column::plain(name, Kind::Struct)
            })
        }
        other => Err(format!("column '{name}' is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn types_of_results() {
        let list = DataType::List(Arc::new(ArrowField::new_list_field(
            DataType::Float64,
            true,
        )));
        let lists = DataType::List(Arc::new(ArrowField::new_list_field(list.clone(), true)));
        let of = |kind: DataType| column(&ArrowField::new("c", kind, true)).map(|c| c.sql_type());
        assert_eq!(of(DataType::UInt16).unwrap(), "INT64");
        assert_eq!(of(DataType::Decimal128(38, 9)).unwrap(), "NUMERIC");
        assert_eq!(of(DataType::Decimal128(38, 10)).unwrap(), "BIGNUMERIC");
        assert_eq!(of(list).unwrap(), "ARRAY<FLOAT64>");
        assert!(of(lists).is_err());
        assert!(of(DataType::Null).is_err());
    }

    #[test]
    fn runs_of_one_hour_have_partitions_of_their_own() {
        let place = Place::of("storage.artifacts", "memory://partitions").unwrap();
        let shelf = Shelf { place: &place };
        // 2026-01-31T23:59:59Z
        let started = Moment(1_769_903_999_000);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let partition = |run| shelf.partition("model_metrics", run, started);
            assert_eq!(partition("a").await.unwrap(), "2026013123");
            assert_eq!(partition("b").await.unwrap(), "2026020100");
            assert_eq!(partition("a").await.unwrap(), "2026013123");
        });
    }
}
