//! Arrow scalars as constants, and constants as JSON.

use arrow::array::{Array, ArrayRef, StructArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use serde_json::{Number, Value as Json};

use crate::call::Literal;
use crate::datafusion::types::{is_number, sql_name};

/// The constant of an Arrow scalar.
///
/// # Errors
/// A sentence about a type that has no constant, such as a date.
pub fn literal(value: &ScalarValue) -> Result<Literal, String> {
    let unsupported = || format!("a value of type {}", sql_name(&value.data_type()));
    if value.is_null() {
        return Ok(Literal::Null);
    }
    if let Some(Some(text)) = value.try_as_str() {
        return Ok(Literal::Text(text.to_owned()));
    }
    match value {
        ScalarValue::Boolean(Some(flag)) => Ok(Literal::Boolean(*flag)),
        ScalarValue::Dictionary(_, inner) | ScalarValue::RunEndEncoded(_, _, inner) => {
            literal(inner)
        }
        ScalarValue::List(array) => list(&array.value(0)),
        ScalarValue::LargeList(array) => list(&array.value(0)),
        ScalarValue::FixedSizeList(array) => list(&array.value(0)),
        ScalarValue::ListView(array) => list(&array.value(0)),
        ScalarValue::LargeListView(array) => list(&array.value(0)),
        ScalarValue::Struct(array) => fields(array),
        number if number.data_type().is_integer() => integer(number).ok_or_else(unsupported),
        number if is_number(&number.data_type()) => double(number).ok_or_else(unsupported),
        _ => Err(unsupported()),
    }
}

/// The constant in a row of an array.
///
/// # Errors
/// As [`literal`].
pub fn literal_at(array: &dyn Array, row: usize) -> Result<Literal, String> {
    let value = ScalarValue::try_from_array(array, row).map_err(|error| error.strip_backtrace())?;
    literal(&value)
}

fn list(values: &ArrayRef) -> Result<Literal, String> {
    (0..values.len())
        .map(|row| literal_at(values, row))
        .collect::<Result<_, _>>()
        .map(Literal::List)
}

fn fields(array: &StructArray) -> Result<Literal, String> {
    array
        .fields()
        .iter()
        .zip(array.columns())
        .map(|(field, column)| Ok((field.name().clone(), literal_at(column, 0)?)))
        .collect::<Result<_, String>>()
        .map(Literal::Struct)
}

/// Integers beyond 64 bits with a sign become doubles.
fn integer(value: &ScalarValue) -> Option<Literal> {
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(Some(value))) => Some(Literal::Integer(value)),
        _ => double(value),
    }
}

fn double(value: &ScalarValue) -> Option<Literal> {
    match value.cast_to(&DataType::Float64) {
        Ok(ScalarValue::Float64(Some(value))) => Some(Literal::Double(value)),
        _ => None,
    }
}

/// The constant as JSON. NaN and infinity, which JSON has not, become text, so
/// that a check of an option reports them instead of taking the default.
pub fn json(value: Literal) -> Json {
    match value {
        Literal::Null => Json::Null,
        Literal::Boolean(value) => Json::Bool(value),
        Literal::Integer(value) => Json::from(value),
        Literal::Double(value) => match Number::from_f64(value) {
            Some(number) => Json::Number(number),
            None => Json::String(value.to_string()),
        },
        Literal::Text(value) => Json::String(value),
        Literal::List(values) => Json::Array(values.into_iter().map(json).collect()),
        Literal::Struct(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, json(value)))
                .collect(),
        ),
    }
}
