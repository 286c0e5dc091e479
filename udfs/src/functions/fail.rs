//! `lagrange_fail`: how generated SQL reports bad data.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::value::{Column, Type};

/// See the signature.
pub struct Fail;

static SIGNATURE: Signature = Signature {
    name: "lagrange_fail",
    aliases: &[],
    category: Category::Internal,
    arguments: &[Argument::required(
        "message",
        Kind::Text,
        "the error's text, beginning with the function it is about",
    )],
    options: &[],
    returns: Type::Boolean,
    nulls: "NULL where the message is NULL.",
    docs: "Fails the query with a message.\n\n\
           Takes a CASE that gives a text for bad rows and NULL for good ones.",
    example: "SELECT lagrange_fail(CASE WHEN 1 = 2 THEN 'arithmetic: 1 is 2' END) IS NULL AS fine",
};

impl Scalar for Fail {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        match inputs.bytes(0)?.iter().flatten().next() {
            Some(message) => {
                let text = String::from_utf8_lossy(message);
                let (function, rest) = text.split_once(": ").unwrap_or((SIGNATURE.name, &text));
                Err(Error::data(function, rest))
            }
            None => Ok(Column::Boolean(vec![None; inputs.rows])),
        }
    }
}
