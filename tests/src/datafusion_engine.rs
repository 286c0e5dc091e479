//! DataFusion, in memory.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

use crate::{Engine, EngineError, Table, print};

/// A DataFusion session.
pub struct DataFusionEngine {
    runtime: Runtime,
    context: SessionContext,
}

impl DataFusionEngine {
    /// With that many partitions and at most that many rows a batch.
    pub fn new(partitions: usize, batch_size: usize) -> Self {
        let config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(batch_size);
        let context = SessionContext::new_with_config(config);
        lagrange_udfs::datafusion::register_all(&context).expect("the functions register");
        let runtime = Runtime::new().expect("a runtime starts");
        Self { runtime, context }
    }
}

impl Engine for DataFusionEngine {
    fn name(&self) -> &'static str {
        "datafusion"
    }

    fn query(&mut self, sql: &str) -> Result<Table, EngineError> {
        let (names, batches) = self
            .runtime
            .block_on(async {
                let frame = self.context.sql(sql).await?;
                let names = frame
                    .schema()
                    .fields()
                    .iter()
                    .map(|f| f.name().clone())
                    .collect();
                datafusion::error::Result::Ok((names, frame.collect().await?))
            })
            .map_err(|error: DataFusionError| EngineError(error.to_string()))?;
        let rows = batches.iter().flat_map(rows).collect();
        Ok(Table { names, rows })
    }
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    (0..batch.num_rows())
        .map(|row| {
            batch
                .columns()
                .iter()
                .map(|column| text(column.as_ref(), row))
                .collect()
        })
        .collect()
}

fn text(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) || array.data_type().is_null() {
        return "NULL".to_owned();
    }
    match array.data_type() {
        DataType::Float64
        | DataType::Float32
        | DataType::Float16
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => match cast(array, &DataType::Float64) {
            Ok(doubles) => print::double(doubles.as_primitive::<Float64Type>().value(row)),
            Err(error) => error.to_string(),
        },
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            print::list((0..values.len()).map(|i| text(values.as_ref(), i)))
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            print::fields(
                fields.iter().enumerate().map(|(i, field)| {
                    (field.name().clone(), text(columns.column(i).as_ref(), row))
                }),
            )
        }
        DataType::Binary => print::bytes(array.as_binary::<i32>().value(row)),
        DataType::BinaryView => print::bytes(array.as_binary_view().value(row)),
        _ => array_value_to_string(array, row).unwrap_or_else(|error| error.to_string()),
    }
}
