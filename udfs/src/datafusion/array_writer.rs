//! Kernel results as Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};

use crate::datafusion::types;
use crate::error::{Error, Result};
use crate::value::{Column, Type, Value};

/// The array of a column.
///
/// # Errors
/// A kernel that returns other than its signature says.
pub fn column_array(function: &str, kind: Type, column: Column) -> Result<ArrayRef> {
    Ok(match (kind, column) {
        (Type::Double, Column::Double(values)) => Arc::new(Float64Array::from(values)),
        (Type::Integer, Column::Integer(values)) => Arc::new(Int64Array::from(values)),
        (Type::Boolean, Column::Boolean(values)) => Arc::new(BooleanArray::from(values)),
        (Type::Text, Column::Text(values)) => Arc::new(StringArray::from(values)),
        (Type::Blob, Column::Blob(values)) => Arc::new(BinaryArray::from_iter(values)),
        (kind, Column::Nested(values)) => return values_array(function, kind, values),
        (kind, _) => return Err(mismatch(function, kind)),
    })
}

/// The array of a value per row.
///
/// # Errors
/// A kernel that returns other than its signature says.
pub fn values_array(function: &str, kind: Type, values: Vec<Value>) -> Result<ArrayRef> {
    match kind {
        Type::Struct(fields) => structs(function, kind, fields, values),
        Type::Rows(fields) => lists(function, kind, fields, values),
        plain => {
            let mut column = empty(plain);
            for value in values {
                push(&mut column, value).map_err(|()| mismatch(function, kind))?;
            }
            column_array(function, plain, column)
        }
    }
}

fn mismatch(function: &str, kind: Type) -> Error {
    Error::internal(
        function,
        format!("its result does not have the declared type {kind}"),
    )
}

fn structs(
    function: &str,
    kind: Type,
    fields: &[(&str, Type)],
    rows: Vec<Value>,
) -> Result<ArrayRef> {
    let nulls: NullBuffer = rows.iter().map(|row| *row != Value::Null).collect();
    let mut children: Vec<Vec<Value>> = fields
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        match row {
            Value::Null => children
                .iter_mut()
                .for_each(|child| child.push(Value::Null)),
            Value::Struct(values) if values.len() == fields.len() => {
                for (child, value) in children.iter_mut().zip(values) {
                    child.push(value);
                }
            }
            _ => return Err(mismatch(function, kind)),
        }
    }
    let children = children
        .into_iter()
        .zip(fields)
        .map(|(child, (_, kind))| values_array(function, *kind, child))
        .collect::<Result<_>>()?;
    let array = StructArray::try_new(types::fields(fields), children, Some(nulls))
        .map_err(|error| Error::internal(function, error.to_string()))?;
    Ok(Arc::new(array))
}

fn lists(
    function: &str,
    kind: Type,
    fields: &[(&str, Type)],
    rows: Vec<Value>,
) -> Result<ArrayRef> {
    let internal = |error: arrow::error::ArrowError| Error::internal(function, error.to_string());
    let nulls: NullBuffer = rows.iter().map(|row| *row != Value::Null).collect();
    let mut lengths = Vec::with_capacity(rows.len());
    let mut columns: Vec<Column> = fields.iter().map(|(_, kind)| empty(*kind)).collect();
    for row in rows {
        let parts = match row {
            Value::Null => {
                lengths.push(0);
                continue;
            }
            Value::Rows(parts) if parts.len() == fields.len() => parts,
            _ => return Err(mismatch(function, kind)),
        };
        let length = parts.first().map_or(0, Column::len);
        lengths.push(length);
        for (column, part) in columns.iter_mut().zip(parts) {
            if part.len() != length {
                return Err(mismatch(function, kind));
            }
            append(column, part).map_err(|()| mismatch(function, kind))?;
        }
    }
    let children = columns
        .into_iter()
        .zip(fields)
        .map(|(column, (_, kind))| column_array(function, *kind, column))
        .collect::<Result<_>>()?;
    let items = StructArray::try_new(types::fields(fields), children, None).map_err(internal)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let array = ListArray::try_new(types::item(fields), offsets, Arc::new(items), Some(nulls))
        .map_err(internal)?;
    Ok(Arc::new(array))
}

fn empty(kind: Type) -> Column {
    match kind {
        Type::Double => Column::Double(Vec::new()),
        Type::Integer => Column::Integer(Vec::new()),
        Type::Boolean => Column::Boolean(Vec::new()),
        Type::Text => Column::Text(Vec::new()),
        Type::Blob => Column::Blob(Vec::new()),
        Type::Struct(_) | Type::Rows(_) => Column::Nested(Vec::new()),
    }
}

fn push(column: &mut Column, value: Value) -> std::result::Result<(), ()> {
    match (column, value) {
        (Column::Double(values), Value::Double(value)) => values.push(Some(value)),
        (Column::Double(values), Value::Null) => values.push(None),
        (Column::Integer(values), Value::Integer(value)) => values.push(Some(value)),
        (Column::Integer(values), Value::Null) => values.push(None),
        (Column::Boolean(values), Value::Boolean(value)) => values.push(Some(value)),
        (Column::Boolean(values), Value::Null) => values.push(None),
        (Column::Text(values), Value::Text(value)) => values.push(Some(value)),
        (Column::Text(values), Value::Null) => values.push(None),
        (Column::Blob(values), Value::Blob(value)) => values.push(Some(value)),
        (Column::Blob(values), Value::Null) => values.push(None),
        (Column::Nested(values), value) => values.push(value),
        _ => return Err(()),
    }
    Ok(())
}

fn append(column: &mut Column, part: Column) -> std::result::Result<(), ()> {
    match (column, part) {
        (Column::Double(values), Column::Double(part)) => values.extend(part),
        (Column::Integer(values), Column::Integer(part)) => values.extend(part),
        (Column::Boolean(values), Column::Boolean(part)) => values.extend(part),
        (Column::Text(values), Column::Text(part)) => values.extend(part),
        (Column::Blob(values), Column::Blob(part)) => values.extend(part),
        (Column::Nested(values), Column::Nested(part)) => values.extend(part),
        _ => return Err(()),
    }
    Ok(())
}
