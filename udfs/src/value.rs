//! What a kernel returns: types, single values and columns.

use std::fmt;

/// A return type. `Struct` and `Rows` list their fields in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Type {
    /// 64-bit floating point.
    Double,
    /// 64-bit signed integer.
    Integer,
    /// True or false.
    Boolean,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Blob,
    /// One STRUCT.
    Struct(&'static [(&'static str, Type)]),
    /// A LIST of STRUCT: a small table in one value.
    Rows(&'static [(&'static str, Type)]),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, fields: &[(&str, Type)]| {
            write!(f, "STRUCT(")?;
            for (i, (name, kind)) in fields.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                write!(f, "{comma}{name} {kind}")?;
            }
            write!(f, ")")
        };
        match self {
            Self::Double => write!(f, "DOUBLE"),
            Self::Integer => write!(f, "BIGINT"),
            Self::Boolean => write!(f, "BOOLEAN"),
            Self::Text => write!(f, "VARCHAR"),
            Self::Blob => write!(f, "BLOB"),
            Self::Struct(list) => fields(f, list),
            Self::Rows(list) => {
                fields(f, list)?;
                write!(f, "[]")
            }
        }
    }
}

/// One value: what an aggregate returns for a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL of any type.
    Null,
    /// Of `Type::Double`.
    Double(f64),
    /// Of `Type::Integer`.
    Integer(i64),
    /// Of `Type::Boolean`.
    Boolean(bool),
    /// Of `Type::Text`.
    Text(String),
    /// Of `Type::Blob`.
    Blob(Vec<u8>),
    /// Of `Type::Struct`: a value per field.
    Struct(Vec<Value>),
    /// Of `Type::Rows`: a column per field, all of one length.
    Rows(Vec<Column>),
}

impl From<Option<f64>> for Value {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Double)
    }
}

/// A value per row: what a scalar function returns for a batch, and the
/// columns of `Value::Rows`.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Of `Type::Double`.
    Double(Vec<Option<f64>>),
    /// Of `Type::Integer`.
    Integer(Vec<Option<i64>>),
    /// Of `Type::Boolean`.
    Boolean(Vec<Option<bool>>),
    /// Of `Type::Text`.
    Text(Vec<Option<String>>),
    /// Of `Type::Blob`.
    Blob(Vec<Option<Vec<u8>>>),
    /// Of `Type::Struct` or `Type::Rows`, one value per row.
    Nested(Vec<Value>),
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Double(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Blob(values) => values.len(),
            Self::Nested(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
