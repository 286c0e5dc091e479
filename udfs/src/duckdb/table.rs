//! Table functions: a macro each, over one scalar function that returns SQL.
//!
//! `query(...)` evaluates its argument while the statement is bound and plans
//! the text in its place, so tables, views and CTEs of the caller are visible,
//! and filters push into it.

use std::ffi::c_void;

use libduckdb_sys as ffi;

use crate::call::{Call, Literal, Target, quote_name, quote_text};
use crate::definition::{Function, Signature};
use crate::error::{Error, Result};
use crate::value::{Column, Type};

use super::callback::contain;
use super::literal;
use super::logical_type::{LogicalType, id};
use super::registered;
use super::vector::Vector;
use super::writer::Writer;

/// The scalar function behind the macros: the name of a table function and its
/// arguments to SQL text.
const NAME: &str = "lagrange_sql";

/// Where macros are created.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// In one connection, which calls them by their names alone.
    #[cfg(feature = "duckdb-session")]
    Temporary,
    /// In an attached database, for every connection.
    Attached(&'a str),
}

/// The statements that create the macros of the list.
pub(super) fn macros(functions: &[Function], place: Place<'_>) -> String {
    functions
        .iter()
        .filter(|function| matches!(function, Function::Table(_)))
        .map(Function::signature)
        .flat_map(|signature| {
            std::iter::once(&signature.name)
                .chain(signature.aliases)
                .map(move |name| macro_sql(name, signature, place))
        })
        .collect()
}

fn macro_sql(name: &str, signature: &Signature, place: Place<'_>) -> String {
    let parameters: Vec<String> = signature
        .arguments
        .iter()
        .map(|argument| {
            let name = quote_name(argument.name);
            match argument.default {
                Some(default) => format!("{name} := {default}"),
                None => name,
            }
        })
        .collect();
    let arguments: String = signature
        .arguments
        .iter()
        .map(|argument| format!(", {}", quote_name(argument.name)))
        .collect();
    let name = quote_name(name);
    let create = match place {
        #[cfg(feature = "duckdb-session")]
        Place::Temporary => format!("TEMP MACRO {name}"),
        Place::Attached(database) => format!("MACRO {}.main.{name}", quote_name(database)),
    };
    format!(
        "CREATE OR REPLACE {create}({}) AS TABLE FROM query({NAME}({}{arguments}));\n",
        parameters.join(", "),
        quote_text(signature.name),
    )
}

/// Registers the function behind the macros.
///
/// # Safety
/// `connection` is open.
pub(super) unsafe fn register(
    connection: ffi::duckdb_connection,
    functions: &'static [Function],
) -> Result<()> {
    let varchar = LogicalType::new(id::VARCHAR);
    let any = LogicalType::new(id::ANY);
    // SAFETY: the connection is open; what is created here is destroyed here,
    // after DuckDB has copied it. DuckDB frees the extra info with `forget`.
    let state = unsafe {
        let mut function = ffi::duckdb_create_scalar_function();
        ffi::duckdb_scalar_function_set_name(function, c"lagrange_sql".as_ptr());
        ffi::duckdb_scalar_function_add_parameter(function, varchar.raw());
        ffi::duckdb_scalar_function_set_varargs(function, any.raw());
        ffi::duckdb_scalar_function_set_return_type(function, varchar.raw());
        ffi::duckdb_scalar_function_set_special_handling(function);
        ffi::duckdb_scalar_function_set_extra_info(
            function,
            Box::into_raw(Box::new(functions)).cast(),
            Some(forget),
        );
        ffi::duckdb_scalar_function_set_function(function, Some(call));
        let state = ffi::duckdb_register_scalar_function(connection, function);
        ffi::duckdb_destroy_scalar_function(&mut function);
        state
    };
    registered(NAME, state)
}

/// What the extra info points to.
type List = &'static [Function];

unsafe extern "C" fn forget(list: *mut c_void) {
    // SAFETY: the box of `register`, freed once.
    drop(unsafe { Box::<List>::from_raw(list.cast()) });
}

unsafe extern "C" fn call(
    info: ffi::duckdb_function_info,
    chunk: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) {
    // SAFETY: `register` has set the extra info to the list.
    let list: List = unsafe { *ffi::duckdb_scalar_function_get_extra_info(info).cast::<List>() };
    // SAFETY: DuckDB passes flat arguments and room for the results.
    let outcome = contain(NAME, || unsafe { evaluate(list, chunk, output) });
    if let Err(message) = outcome {
        // SAFETY: DuckDB copies the text.
        unsafe { ffi::duckdb_scalar_function_set_error(info, message.as_ptr()) };
    }
}

/// # Safety
/// `chunk` holds flat arguments, `output` has room for a text per row.
unsafe fn evaluate(
    list: List,
    chunk: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) -> Result<()> {
    // SAFETY: the chunk lives.
    let (rows, columns) = unsafe {
        (
            ffi::duckdb_data_chunk_get_size(chunk) as usize,
            ffi::duckdb_data_chunk_get_column_count(chunk) as usize,
        )
    };
    // SAFETY: these are the columns of the chunk, flat and alive.
    let columns: Vec<Vector<'_>> = (0..columns)
        .map(|i| unsafe { Vector::column(chunk, i) })
        .collect();
    let texts = (0..rows)
        .map(|row| sql(list, &columns, row).map(Some))
        .collect::<Result<_>>()?;
    // SAFETY: as promised by the caller.
    unsafe { Writer::new(NAME, &Type::Text, output, 0) }.column(&Column::Text(texts))
}

/// The SQL for the call in one row: a name, then the arguments.
fn sql(list: List, columns: &[Vector<'_>], row: usize) -> Result<String> {
    let name = match columns.first().map(|column| literal::read(*column, row)) {
        Some(Ok(Literal::Text(name))) => name,
        _ => return Err(Error::data(NAME, "pass the name of a table function")),
    };
    let table = list
        .iter()
        .find_map(|function| match function {
            Function::Table(table) if table.signature().name == name => Some(*table),
            _ => None,
        })
        .ok_or_else(|| Error::data(NAME, format!("there is no table function '{name}'")))?;
    let signature = table.signature();
    let arguments = columns[1..]
        .iter()
        .enumerate()
        .map(|(i, column)| {
            literal::read(*column, row).map_err(|kind| {
                Error::argument(
                    signature.name,
                    signature
                        .arguments
                        .get(i)
                        .map_or("argument", |argument| argument.name),
                    format!("of type {kind}"),
                    "pass text, numbers, booleans and lists of them",
                )
            })
        })
        .collect::<Result<_>>()?;
    table.sql(&Call::resolve(
        signature,
        arguments,
        Vec::new(),
        Target::DuckDb,
    )?)
}
