//! Arrow scalars as constants.

use arrow::array::{Array, ArrayRef, StructArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

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
