//! DuckDB, embedded, in memory.

use duckdb::types::{TimeUnit, Value};
use lagrange_udfs::duckdb::Session;

use crate::{Engine, EngineError, Table, print};

/// A DuckDB database in memory.
pub struct DuckDbEngine {
    session: Session,
}

impl DuckDbEngine {
    /// With that many threads.
    pub fn new(threads: usize) -> Self {
        let threads = threads.to_string();
        let session =
            Session::open(None, &[("threads", &threads)]).expect("DuckDB opens in memory");
        Self { session }
    }
}

impl Engine for DuckDbEngine {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn query(&mut self, sql: &str) -> Result<Table, EngineError> {
        let failed = |error: duckdb::Error| EngineError(error.to_string());
        let mut statement = self.session.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut table = Table {
            names: Vec::new(),
            rows: Vec::new(),
        };
        while let Some(row) = rows.next().map_err(failed)? {
            let columns = row.as_ref().column_count();
            let values = (0..columns).map(|i| row.get::<_, Value>(i).map(|value| text(&value)));
            table
                .rows
                .push(values.collect::<Result<_, _>>().map_err(failed)?);
        }
        if let Some(statement) = rows.as_ref() {
            table.names = statement.column_names();
        }
        Ok(table)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::TinyInt(value) => value.to_string(),
        Value::SmallInt(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::BigInt(value) => value.to_string(),
        Value::HugeInt(value) => value.to_string(),
        Value::UTinyInt(value) => value.to_string(),
        Value::USmallInt(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::UBigInt(value) => value.to_string(),
        Value::Float(value) => print::double(f64::from(*value)),
        Value::Double(value) => print::double(*value),
        Value::Decimal(value) => print::double(value.to_string().parse().unwrap_or(f64::NAN)),
        Value::Text(value) | Value::Enum(value) => value.clone(),
        Value::Blob(value) => print::bytes(value),
        Value::Date32(days) => date(*days),
        Value::Timestamp(unit, value) => timestamp(*unit, *value),
        Value::List(values) | Value::Array(values) => print::list(values.iter().map(text)),
        Value::Struct(fields) => print::fields(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), text(value))),
        ),
        other => format!("{other:?}"),
    }
}

fn date(days: i32) -> String {
    use datafusion::arrow::array::Date32Array;
    use datafusion::arrow::util::display::array_value_to_string;
    array_value_to_string(&Date32Array::from(vec![days]), 0).unwrap_or_default()
}

fn timestamp(unit: TimeUnit, value: i64) -> String {
    use datafusion::arrow::array::TimestampMicrosecondArray;
    use datafusion::arrow::util::display::array_value_to_string;
    let micros = unit.to_micros(value);
    array_value_to_string(&TimestampMicrosecondArray::from(vec![micros]), 0).unwrap_or_default()
}
