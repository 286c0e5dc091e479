//! The arguments of a call as kernels see them.

use libduckdb_sys as ffi;
use serde_json::Value as Json;

use crate::definition::{Argument, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Feature, Features, Input, Inputs, OptionsColumn};

use super::literal;
use super::logical_type::{LogicalType, id};
use super::numbers::{moments, numbers};
use super::scratch::Scratch;
use super::vector::Vector;

/// The columns of a chunk, one per argument that was passed.
///
/// # Errors
/// A column of a type that its argument does not accept.
///
/// # Safety
/// `chunk` holds the arguments of a call of the function, flat, and lives
/// unchanged for `'a`.
pub(super) unsafe fn inputs<'a>(
    signature: &'static Signature,
    chunk: ffi::duckdb_data_chunk,
    scratch: &'a Scratch,
) -> Result<Inputs<'a>> {
    // SAFETY: the chunk lives.
    let (rows, columns) = unsafe {
        (
            ffi::duckdb_data_chunk_get_size(chunk) as usize,
            ffi::duckdb_data_chunk_get_column_count(chunk) as usize,
        )
    };
    let columns = signature.arguments[..columns.min(signature.arguments.len())]
        .iter()
        .enumerate()
        .map(|(i, argument)| {
            // SAFETY: the chunk has a column `i`, flat and alive.
            let vector = unsafe { Vector::column(chunk, i) };
            input(signature.name, argument, vector, scratch)
        })
        .collect::<Result<_>>()?;
    Ok(Inputs { rows, columns })
}

fn input<'a>(
    function: &'static str,
    argument: &'static Argument,
    vector: Vector<'a>,
    scratch: &'a Scratch,
) -> Result<Input<'a>> {
    let kind = vector.logical_type();
    let refused = |fix: &str| Err(Error::argument(function, argument.name, kind.name(), fix));
    match (argument.kind, kind.id()) {
        (Kind::Number, _) => match numbers(vector, &kind, None, scratch) {
            Some(numbers) => Ok(Input::Numbers(numbers)),
            None => refused("pass a number, or cast it to DOUBLE"),
        },
        (Kind::Moment, _) => match moments(vector, &kind, scratch) {
            Some(moments) => Ok(Input::Moments(moments)),
            None => refused("pass a date, a timestamp or a number"),
        },
        (Kind::Features, id::STRUCT) if unnamed(&kind) => {
            refused("pass a struct with names such as {'a': a, 'b': b}")
        }
        (Kind::Features, id::STRUCT) => Ok(Input::Features(features(vector, &kind, scratch))),
        (Kind::Features, _) => refused("pass a struct such as {'a': a, 'b': b}"),
        (Kind::Text, id::VARCHAR) | (Kind::Blob, id::BLOB) => Ok(Input::Bytes(
            (0..vector.rows())
                // SAFETY: the type is VARCHAR or BLOB, and the row is not NULL.
                .map(|row| vector.is_valid(row).then(|| unsafe { vector.bytes(row) }))
                .collect(),
        )),
        (Kind::Options, id::STRUCT | id::VARCHAR | id::SQLNULL) => {
            Ok(Input::Options(Box::new(Options {
                function,
                argument: argument.name,
                vector,
            })))
        }
        (Kind::Options, _) => refused("pass a struct such as {'key': value}, or JSON text"),
        _ => Err(Error::internal(
            function,
            format!("argument '{}' is {}", argument.name, kind.name()),
        )),
    }
}

/// Whether the type is that of `row(a, b)`.
fn unnamed(kind: &LogicalType) -> bool {
    kind.fields() > 0 && kind.field_name(0).is_empty()
}

fn features<'a>(vector: Vector<'a>, kind: &LogicalType, scratch: &'a Scratch) -> Features<'a> {
    let validity = vector.validity();
    let fields = (0..kind.fields())
        .map(|i| {
            let field = kind.field_type(i);
            // SAFETY: the vector is a STRUCT with a field `i`.
            let values = unsafe { vector.field(i) };
            Feature {
                name: kind.field_name(i).into(),
                type_name: field.name().into(),
                numbers: numbers(values, &field, validity, scratch),
                texts: (field.id() == id::VARCHAR).then(|| texts(values, validity)),
            }
        })
        .collect();
    Features { fields }
}

/// The texts of a VARCHAR vector, NULL also where `above`, the validity of the
/// struct around it, says so.
fn texts<'a>(vector: Vector<'a>, above: Option<&'a [u64]>) -> Vec<Option<&'a str>> {
    let present = |row: usize| above.is_none_or(|words| words[row / 64] >> (row % 64) & 1 == 1);
    (0..vector.rows())
        .map(|row| {
            if !present(row) || !vector.is_valid(row) {
                return None;
            }
            // SAFETY: the type is VARCHAR, and the row is not NULL.
            std::str::from_utf8(unsafe { vector.bytes(row) }).ok()
        })
        .collect()
}

/// The options argument, read when a kernel asks.
struct Options<'a> {
    function: &'static str,
    argument: &'static str,
    vector: Vector<'a>,
}

impl OptionsColumn for Options<'_> {
    fn read(&self, row: usize) -> Result<Json> {
        let literal = literal::read(self.vector, row).map_err(|kind| {
            Error::argument(
                self.function,
                self.argument,
                format!("a struct with a value of type {kind}"),
                "pass numbers, text, booleans and lists of them",
            )
        })?;
        match Json::from(literal) {
            Json::String(text) => serde_json::from_str(&text).map_err(|error| {
                Error::argument(
                    self.function,
                    self.argument,
                    format!("'{text}', which is not JSON ({error})"),
                    "pass JSON text of an object, or a struct such as {'key': value}",
                )
            }),
            json => Ok(json),
        }
    }
}
