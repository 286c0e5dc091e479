//! Arrow arrays as kernel inputs.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use serde_json::Value as Json;

use crate::call::Literal;
use crate::datafusion::literal::literal_at;
use crate::datafusion::types::{is_number, sql_name};
use crate::definition::{Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Feature, Features, Input, Inputs, Moments, Numbers, OptionsColumn};

/// An argument of a batch.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// A value per row, or a single one if `constant`.
    pub array: &'a dyn Array,
    /// Whether the single value stands for every row.
    pub constant: bool,
}

/// Reads the arguments of a batch of `rows` rows, whose types have passed
/// [`crate::datafusion::types::check`].
///
/// # Errors
/// A conversion that Arrow refuses.
pub fn read<'a>(
    signature: &'static Signature,
    sources: impl Iterator<Item = Source<'a>>,
    rows: usize,
) -> Result<Inputs<'a>> {
    let columns = sources
        .zip(signature.arguments)
        .map(|(source, argument)| {
            let function = signature.name;
            let input = match argument.kind {
                Kind::Number => Input::Numbers(numbers(function, source, rows)?),
                Kind::Moment => Input::Moments(moments(function, source, rows)?),
                Kind::Features => Input::Features(features(function, source, rows)?),
                Kind::Text | Kind::Blob => Input::Bytes(bytes(function, source, rows)?),
                Kind::Options => Input::Options(Box::new(OptionsArray {
                    function,
                    argument: argument.name,
                    source,
                })),
                _ => return Err(unexpected(function, source.array)),
            };
            Ok(input)
        })
        .collect::<Result<_>>()?;
    Ok(Inputs { rows, columns })
}

/// The arguments of a batch, none of which is constant.
///
/// # Errors
/// As [`read`].
pub fn read_arrays<'a>(
    signature: &'static Signature,
    arrays: &'a [ArrayRef],
) -> Result<Inputs<'a>> {
    let rows = arrays.first().map_or(0, |array| array.len());
    let sources = arrays.iter().map(|array| Source {
        array: array.as_ref(),
        constant: false,
    });
    read(signature, sources, rows)
}

fn unexpected(function: &str, array: &dyn Array) -> Error {
    Error::internal(
        function,
        format!("an argument of type {} was not expected", array.data_type()),
    )
}

fn numbers<'a>(function: &str, source: Source<'a>, rows: usize) -> Result<Numbers<'a>> {
    to_numbers(function, source.array, None)?
        .map(|numbers| spread(numbers, source.constant, rows))
        .ok_or_else(|| unexpected(function, source.array))
}

/// Dates and timestamps as seconds since 1970, numbers as they are.
fn moments<'a>(function: &str, source: Source<'a>, rows: usize) -> Result<Moments<'a>> {
    let seconds: fn(&i64) -> f64 = match source.array.data_type() {
        DataType::Date32 => |days| *days as f64 * 86_400.0,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => |x| *x as f64 / 1e3,
        DataType::Timestamp(TimeUnit::Second, _) => |x| *x as f64,
        DataType::Timestamp(TimeUnit::Microsecond, _) => |x| *x as f64 / 1e6,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => |x| *x as f64 / 1e9,
        _ => {
            return Ok(Moments {
                numbers: numbers(function, source, rows)?,
                calendar: false,
            });
        }
    };
    // Arrow casts days to 64 bits by way of 32.
    let integers = match source.array.data_type() {
        DataType::Date32 => {
            cast(source.array, &DataType::Int32).and_then(|days| cast(&days, &DataType::Int64))
        }
        _ => cast(source.array, &DataType::Int64),
    };
    let integers = integers.map_err(|error| Error::internal(function, error.to_string()))?;
    let Some(integers) = integers.as_primitive_opt::<Int64Type>() else {
        return Err(unexpected(function, source.array));
    };
    let seconds: Vec<f64> = integers.values().iter().map(seconds).collect();
    let numbers = Numbers::new(seconds, valid(integers.nulls(), None));
    Ok(Moments {
        numbers: spread(numbers, source.constant, rows),
        calendar: true,
    })
}

/// A constant column is its one value, repeated.
fn spread(numbers: Numbers<'_>, constant: bool, rows: usize) -> Numbers<'_> {
    if !constant {
        return numbers;
    }
    let value = (!numbers.is_empty()).then(|| numbers.get(0)).flatten();
    Numbers::new(vec![value.unwrap_or(f64::NAN); rows], None)
}

/// The column as doubles, NULL also where `parent`, the struct around it, is.
/// `None` if its type is not numeric.
fn to_numbers<'a>(
    function: &str,
    array: &'a dyn Array,
    parent: Option<&NullBuffer>,
) -> Result<Option<Numbers<'a>>> {
    if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
        let values: &'a [f64] = doubles.values();
        return Ok(Some(Numbers::new(values, valid(array.nulls(), parent))));
    }
    if *array.data_type() == DataType::Null {
        return Ok(Some(Numbers::new(vec![f64::NAN; array.len()], None)));
    }
    if !is_number(array.data_type()) {
        return Ok(None);
    }
    let converted = cast(array, &DataType::Float64)
        .map_err(|error| Error::internal(function, error.to_string()))?;
    let Some(doubles) = converted.as_primitive_opt::<Float64Type>().cloned() else {
        return Err(unexpected(function, &converted));
    };
    drop(converted);
    let (_, values, nulls) = doubles.into_parts();
    let values: Vec<f64> = values.into();
    Ok(Some(Numbers::new(values, valid(nulls.as_ref(), parent))))
}

/// The validity as words. They are copied, because a slice of an array may
/// start at any bit; that is a word for every 64 values.
fn valid<'a>(nulls: Option<&NullBuffer>, parent: Option<&NullBuffer>) -> Option<Cow<'a, [u64]>> {
    let both = NullBuffer::union(nulls, parent)?;
    (both.null_count() > 0)
        .then(|| Cow::Owned(both.inner().bit_chunks().iter_padded().collect::<Vec<_>>()))
}

fn features<'a>(function: &str, source: Source<'a>, rows: usize) -> Result<Features<'a>> {
    if *source.array.data_type() == DataType::Null {
        return Ok(Features { fields: Vec::new() });
    }
    let Some(row) = source.array.as_struct_opt() else {
        return Err(unexpected(function, source.array));
    };
    let fields = row
        .fields()
        .iter()
        .zip(row.columns())
        .map(|(field, column)| {
            let numbers = to_numbers(function, column.as_ref(), row.nulls())?
                .map(|numbers| spread(numbers, source.constant, rows));
            Ok(Feature {
                name: Cow::Borrowed(field.name()),
                type_name: sql_name(field.data_type()),
                numbers,
                texts: texts(column.as_ref(), row.nulls()).map(|texts| {
                    if source.constant {
                        vec![texts.first().copied().flatten(); rows]
                    } else {
                        texts
                    }
                }),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Features { fields })
}

/// The texts of a column, NULL also where `parent`, the struct around it, is.
/// `None` if its type is not text.
fn texts<'a>(array: &'a dyn Array, parent: Option<&NullBuffer>) -> Option<Vec<Option<&'a str>>> {
    let mut texts: Vec<Option<&'a str>> = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values().as_ref(), None)?;
            let keys = dictionary.normalized_keys();
            let text = |(row, key): (usize, &usize)| {
                dictionary
                    .keys()
                    .is_valid(row)
                    .then(|| values.get(*key).copied().flatten())
                    .flatten()
            };
            keys.iter().enumerate().map(text).collect()
        }
        _ => return None,
    };
    if let Some(parent) = parent {
        for (row, text) in texts.iter_mut().enumerate() {
            if parent.is_null(row) {
                *text = None;
            }
        }
    }
    Some(texts)
}

fn bytes<'a>(function: &str, source: Source<'a>, rows: usize) -> Result<Vec<Option<&'a [u8]>>> {
    let array = source.array;
    let slices: Vec<Option<&'a [u8]>> = match array.data_type() {
        DataType::Utf8 => text(array.as_string::<i32>()),
        DataType::LargeUtf8 => text(array.as_string::<i64>()),
        DataType::Utf8View => text(array.as_string_view()),
        DataType::Binary => array.as_binary::<i32>().iter().collect(),
        DataType::LargeBinary => array.as_binary::<i64>().iter().collect(),
        DataType::BinaryView => array.as_binary_view().iter().collect(),
        _ => return Err(unexpected(function, array)),
    };
    if source.constant {
        return Ok(vec![slices.first().copied().flatten(); rows]);
    }
    Ok(slices)
}

fn text<'a>(rows: impl IntoIterator<Item = Option<&'a str>>) -> Vec<Option<&'a [u8]>> {
    rows.into_iter().map(|row| row.map(str::as_bytes)).collect()
}

/// Options as a struct or as JSON text.
struct OptionsArray<'a> {
    function: &'static str,
    argument: &'static str,
    source: Source<'a>,
}

impl OptionsColumn for OptionsArray<'_> {
    fn read(&self, row: usize) -> Result<Json> {
        let row = if self.source.constant { 0 } else { row };
        let wrong = |value: String, why: String| {
            let fix =
                format!("pass a struct such as {{'key': value}}, or JSON text of one ({why})");
            Error::argument(self.function, self.argument, value, fix)
        };
        let value = literal_at(self.source.array, row)
            .map_err(|found| wrong(sql_name(self.source.array.data_type()).into_owned(), found))?;
        match value {
            Literal::Text(text) => {
                serde_json::from_str(&text).map_err(|error| wrong(text, error.to_string()))
            }
            other => Ok(other.into()),
        }
    }
}
