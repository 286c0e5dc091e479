//! The columns of a table as BigQuery types them, which Parquet alone does not tell:
//! DATETIME and TIMESTAMP, JSON and STRING look alike there. And the types that the
//! engines read them as.
//!
//! | BigQuery | in Parquet | DataFusion | DuckDB |
//! |---|---|---|---|
//! | INT64, BOOL, STRING, BYTES, DATE | the same | the same | the same |
//! | FLOAT64 | DOUBLE or FLOAT | DOUBLE | DOUBLE |
//! | NUMERIC | DECIMAL(38,9) | DECIMAL(38,9) | DECIMAL(38,9) |
//! | BIGNUMERIC | DECIMAL(76,38) | DECIMAL(76,38) | refused: it would be read wrong |
//! | DATETIME | microseconds | TIMESTAMP | TIMESTAMP |
//! | TIMESTAMP | microseconds, said to be local | TIMESTAMP in UTC | TIMESTAMP in UTC |
//! | TIME | microseconds | TIME | TIME |
//! | ARRAY, STRUCT | the same | LIST, STRUCT | LIST, STRUCT |
//! | JSON, GEOGRAPHY, INTERVAL, RANGE | text, by the query of the export | VARCHAR | VARCHAR |

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use google_cloud_bigquery_v2::model::{TableFieldSchema, TableSchema};
use serde::{Deserialize, Serialize};

/// The key of Arrow's metadata that holds the type in BigQuery.
pub const TYPE_KEY: &str = "bigquery.type";

/// A column, or a field of a STRUCT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// As BigQuery has it.
    pub name: String,
    /// `INT64`, `TIMESTAMP`, `STRUCT` and so on.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it is an ARRAY of this type.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// Whether it is never NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether the export has it as text, whatever it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_text: bool,
    /// Of a STRUCT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Column>,
}

/// A type of BigQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "BigQuery's own names")]
pub enum Kind {
    Int64,
    Float64,
    Numeric,
    BigNumeric,
    Bool,
    String,
    Bytes,
    Date,
    DateTime,
    Timestamp,
    Time,
    Struct,
    Json,
    Geography,
    Interval,
    Range,
}

impl Kind {
    /// From the name that the service uses, old or new.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "INT64" | "INTEGER" => Self::Int64,
            "FLOAT64" | "FLOAT" => Self::Float64,
            "NUMERIC" => Self::Numeric,
            "BIGNUMERIC" => Self::BigNumeric,
            "BOOL" | "BOOLEAN" => Self::Bool,
            "STRING" => Self::String,
            "BYTES" => Self::Bytes,
            "DATE" => Self::Date,
            "DATETIME" => Self::DateTime,
            "TIMESTAMP" => Self::Timestamp,
            "TIME" => Self::Time,
            "STRUCT" | "RECORD" => Self::Struct,
            "JSON" => Self::Json,
            "GEOGRAPHY" => Self::Geography,
            "INTERVAL" => Self::Interval,
            "RANGE" => Self::Range,
            _ => return None,
        })
    }

    /// As SQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int64 => "INT64",
            Self::Float64 => "FLOAT64",
            Self::Numeric => "NUMERIC",
            Self::BigNumeric => "BIGNUMERIC",
            Self::Bool => "BOOL",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Date => "DATE",
            Self::DateTime => "DATETIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Time => "TIME",
            Self::Struct => "STRUCT",
            Self::Json => "JSON",
            Self::Geography => "GEOGRAPHY",
            Self::Interval => "INTERVAL",
            Self::Range => "RANGE",
        }
    }

    /// Whether it only travels as text.
    pub fn is_text_only(self) -> bool {
        matches!(
            self,
            Self::Json | Self::Geography | Self::Interval | Self::Range
        )
    }
}

impl Column {
    /// A plain column.
    pub fn plain(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            repeated: false,
            required: false,
            as_text: false,
            fields: Vec::new(),
        }
    }

    /// From what the service says; the name of a type that is not known otherwise.
    ///
    /// # Errors
    /// A type that is not known.
    pub fn of(field: &TableFieldSchema) -> Result<Self, String> {
        let (name, kind) = (&field.name, &field.r#type);
        let kind = Kind::of(kind).ok_or_else(|| format!("column '{name}' is of type {kind}"))?;
        let fields: Result<Vec<Self>, String> = field.fields.iter().map(Self::of).collect();
        Ok(Self {
            name: name.clone(),
            kind,
            repeated: field.mode.eq_ignore_ascii_case("REPEATED"),
            required: field.mode.eq_ignore_ascii_case("REQUIRED"),
            as_text: false,
            fields: fields?,
        })
    }

    /// Whether it, or something in it, only travels as text.
    pub fn holds_text_only(&self) -> bool {
        self.kind.is_text_only() || self.fields.iter().any(Self::holds_text_only)
    }

    /// Whether it, or something in it, has more digits than DuckDB's decimals: it reads
    /// them from Parquet without an error, and wrong.
    pub fn is_too_wide(&self) -> bool {
        !self.as_text
            && (self.kind == Kind::BigNumeric || self.fields.iter().any(Self::is_too_wide))
    }

    /// For the service.
    pub fn to_field(&self) -> TableFieldSchema {
        let mode = match (self.repeated, self.required) {
            (true, _) => "REPEATED",
            (false, true) => "REQUIRED",
            (false, false) => "NULLABLE",
        };
        TableFieldSchema::new()
            .set_name(&self.name)
            .set_type(self.kind.name())
            .set_mode(mode)
            .set_fields(self.fields.iter().map(Self::to_field))
    }

    /// As SQL writes its type.
    pub fn sql_type(&self) -> String {
        let plain = match self.kind {
            Kind::Struct => {
                let fields = self.fields.iter();
                let fields: Vec<String> = fields
                    .map(|field| format!("{} {}", field.name, field.sql_type()))
                    .collect();
                format!("STRUCT<{}>", fields.join(", "))
            }
            kind => kind.name().to_owned(),
        };
        match self.repeated {
            true => format!("ARRAY<{plain}>"),
            false => plain,
        }
    }

    /// What DataFusion reads it as.
    pub fn arrow(&self) -> ArrowField {
        let plain = match self.kind {
            Kind::Int64 => DataType::Int64,
            Kind::Float64 => DataType::Float64,
            Kind::Numeric => DataType::Decimal128(38, 9),
            Kind::BigNumeric => DataType::Decimal256(76, 38),
            Kind::Bool => DataType::Boolean,
            Kind::Bytes => DataType::Binary,
            Kind::Date => DataType::Date32,
            Kind::DateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Time => DataType::Time64(TimeUnit::Microsecond),
            Kind::Struct => DataType::Struct(self.fields.iter().map(Self::arrow).collect()),
            Kind::String | Kind::Json | Kind::Geography | Kind::Interval | Kind::Range => {
                DataType::Utf8
            }
        };
        let kind = match self.repeated {
            _ if self.as_text => DataType::Utf8,
            true => DataType::List(Arc::new(ArrowField::new_list_field(plain, true))),
            false => plain,
        };
        let metadata = [(TYPE_KEY.to_owned(), self.sql_type())].into();
        ArrowField::new(&self.name, kind, true).with_metadata(metadata)
    }

    /// What DuckDB reads it as.
    pub fn duckdb(&self) -> String {
        if self.as_text {
            return "VARCHAR".to_owned();
        }
        let plain = match self.kind {
            Kind::Int64 => "BIGINT",
            Kind::Float64 | Kind::BigNumeric => "DOUBLE",
            Kind::Numeric => "DECIMAL(38,9)",
            Kind::Bool => "BOOLEAN",
            Kind::Bytes => "BLOB",
            Kind::Date => "DATE",
            Kind::DateTime => "TIMESTAMP",
            Kind::Timestamp => "TIMESTAMP WITH TIME ZONE",
            Kind::Time => "TIME",
            Kind::String | Kind::Json | Kind::Geography | Kind::Interval | Kind::Range => "VARCHAR",
            Kind::Struct => {
                let fields = self.fields.iter();
                let fields: Vec<String> = fields
                    .map(|field| {
                        let name = lagrange_udfs::call::quote_name(&field.name);
                        format!("{name} {}", field.duckdb())
                    })
                    .collect();
                return self.or_list(&format!("STRUCT({})", fields.join(", ")));
            }
        };
        self.or_list(plain)
    }

    fn or_list(&self, plain: &str) -> String {
        match self.repeated {
            true => format!("{plain}[]"),
            false => plain.to_owned(),
        }
    }

    /// Whether what a shard of Parquet has is what an export of this column writes.
    pub fn fits(&self, found: &DataType) -> bool {
        let text = matches!(
            found,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        );
        if self.as_text {
            return text;
        }
        let item = match (self.repeated, found) {
            (
                true,
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
            ) => item.data_type(),
            (true, _) => return false,
            (false, plain) => plain,
        };
        match (self.kind, item) {
            (Kind::Int64, DataType::Int64)
            | (Kind::Float64, DataType::Float64 | DataType::Float32)
            | (Kind::Bool, DataType::Boolean)
            | (Kind::Date, DataType::Date32)
            | (Kind::Time, DataType::Time64(TimeUnit::Microsecond)) => true,
            (Kind::Numeric, DataType::Decimal128(_, 9))
            | (Kind::BigNumeric, DataType::Decimal256(_, 38)) => true,
            (Kind::DateTime | Kind::Timestamp, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                true
            }
            (Kind::Bytes, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => true,
            (Kind::Struct, DataType::Struct(found)) => {
                self.fields.len() == found.len()
                    && self.fields.iter().all(|field| {
                        let found = found.iter().find(|found| *found.name() == field.name);
                        found.is_some_and(|found| field.fits(found.data_type()))
                    })
            }
            (Kind::String, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => true,
            _ => false,
        }
    }
}

/// All columns for DataFusion.
pub fn arrow(columns: &[Column]) -> SchemaRef {
    let fields: Vec<ArrowField> = columns.iter().map(Column::arrow).collect();
    Arc::new(Schema::new(fields))
}

/// All columns for the service.
pub fn to_schema(columns: &[Column]) -> TableSchema {
    TableSchema::new().set_fields(columns.iter().map(Column::to_field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetime_and_timestamp_are_told_apart() {
        let local = Column::plain("a", Kind::DateTime);
        let instant = Column::plain("b", Kind::Timestamp);
        assert_ne!(local.arrow().data_type(), instant.arrow().data_type());
        assert_ne!(local.duckdb(), instant.duckdb());
        // Both are written the same way.
        let written = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert!(local.fits(&written) && instant.fits(&written));
        assert!(!local.fits(&DataType::Int64));
    }

    #[test]
    fn nested_types_are_written_as_sql_does() {
        let column = Column {
            repeated: true,
            fields: vec![
                Column::plain("x", Kind::Int64),
                Column::plain("y", Kind::Json),
            ],
            ..Column::plain("s", Kind::Struct)
        };
        assert_eq!(column.sql_type(), "ARRAY<STRUCT<x INT64, y JSON>>");
        assert_eq!(column.duckdb(), r#"STRUCT("x" BIGINT, "y" VARCHAR)[]"#);
        assert!(column.holds_text_only());
        let json = serde_json::to_string(&column).unwrap();
        assert!(json.contains(r#""type":"STRUCT""#), "{json}");
        assert_eq!(serde_json::from_str::<Column>(&json).unwrap(), column);
    }
}
