//! Metrics of predictions and of returns, a family per file.

pub mod classification;
pub mod drawdown;
pub mod errors;
pub mod losses;
pub mod ranking;
pub mod returns;

use crate::definition::{Argument, Category, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Numbers, Rows};
use crate::value::Type;

const ARGUMENTS: &[Argument] = &[
    Argument::required("actual", Kind::Number, "what happened"),
    Argument::required(
        "predicted",
        Kind::Number,
        "what was predicted, in the same unit",
    ),
];

/// Of a binary outcome.
const BINARY: &[Argument] = &[
    Argument::required(
        "actual",
        Kind::Number,
        "what happened: 0 or 1, or a boolean",
    ),
    Argument::required(
        "probability",
        Kind::Number,
        "the predicted probability of 1, from 0 to 1",
    ),
];

const NULLS: &str =
    "A pair in which either is NULL or NaN is left out. Infinity is an error. NULL without a pair.";

const fn signature(name: &'static str, docs: &'static str, example: &'static str) -> Signature {
    of_arguments(name, ARGUMENTS, docs, example)
}

const fn of_arguments(
    name: &'static str,
    arguments: &'static [Argument],
    docs: &'static str,
    example: &'static str,
) -> Signature {
    Signature {
        name,
        aliases: &[],
        category: Category::Evaluation,
        arguments,
        options: &[],
        returns: Type::Double,
        nulls: NULLS,
        docs,
        example,
    }
}

/// The complete pairs of these rows: the first two arguments.
fn pairs(
    signature: &Signature,
    inputs: &Inputs<'_>,
    rows: Rows<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut columns = (
        Vec::with_capacity(rows.len()),
        Vec::with_capacity(rows.len()),
    );
    let (first, second) = (inputs.numbers(0)?, inputs.numbers(1)?);
    for row in rows.iter() {
        let pair = (
            finite(signature, 0, first, row)?,
            finite(signature, 1, second, row)?,
        );
        if let (Some(a), Some(b)) = pair {
            columns.0.push(a);
            columns.1.push(b);
        }
    }
    Ok(columns)
}

/// The value of a row; infinity is an error.
fn finite(
    signature: &Signature,
    argument: usize,
    column: &Numbers<'_>,
    row: usize,
) -> Result<Option<f64>> {
    match column.get(row) {
        Some(value) if value.is_infinite() => Err(Error::argument(
            signature.name,
            signature.arguments[argument].name,
            value,
            "filter or replace infinite values (NULL is missing)",
        )),
        value => Ok(value),
    }
}

/// Whether a binary outcome is 1.
fn is_one(signature: &Signature, actual: f64) -> Result<bool> {
    match actual {
        0.0 => Ok(false),
        1.0 => Ok(true),
        other => Err(Error::argument(
            signature.name,
            signature.arguments[0].name,
            other,
            "pass 0 or 1, such as CAST(target > 0 AS INTEGER)",
        )),
    }
}

/// A value that must lie from 0 to 1.
fn probability(signature: &Signature, argument: usize, value: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        let name = signature.arguments[argument].name;
        let fix = "pass a probability, from 0 to 1";
        Err(Error::argument(signature.name, name, value, fix))
    }
}
