//! The list of functions in DuckDB, through its C API: the only room with
//! `unsafe`.
//!
//! - `Session` (feature `duckdb-session`): a database with every function;
//!   [`install`]: the same in a database that somebody else opened, which is
//!   what the loadable extension does.
//! - `scalar`, `aggregate`, `table`: one generic implementation for each kind
//!   of function. Scalars and aggregates are native; a table function is a
//!   macro over `query(lagrange_sql(...))`, so DuckDB plans the SQL that the
//!   function produces in the transaction of its caller.
//! - `callback`: the container around every call from DuckDB.
//! - `logical_type`, `vector`, `numbers`, `scratch`, `literal`, `reader`,
//!   `writer`, `groups`: DuckDB's types and vectors as kernels know them, and
//!   back.
#![allow(unsafe_code)]

mod aggregate;
mod attached;
mod callback;
mod groups;
mod literal;
mod logical_type;
mod numbers;
mod reader;
mod scalar;
mod scratch;
#[cfg(feature = "duckdb-session")]
mod session;
mod table;
#[cfg(all(test, feature = "duckdb-session"))]
mod tests;
mod turns;
mod vector;
mod writer;

use std::ffi::CString;

use libduckdb_sys as ffi;

use crate::definition::{Argument, Function, Kind};
use crate::error::{Error, Result};

use self::logical_type::{LogicalType, id};

pub use self::attached::install;
#[cfg(feature = "duckdb-session")]
pub use self::session::Session;

/// Registers the scalars and aggregates of the list, and the function behind
/// the table functions, in the database of `connection`.
///
/// Every connection of that database sees them. The macros of the table
/// functions belong to one connection and are not created here.
///
/// # Errors
/// DuckDB refuses a function.
///
/// # Safety
/// `connection` is open.
pub unsafe fn register(connection: ffi::duckdb_connection) -> Result<()> {
    // SAFETY: as promised by the caller.
    unsafe { register_list(connection, crate::functions::all()) }
}

/// [`register`] for any list.
///
/// # Safety
/// `connection` is open.
unsafe fn register_list(
    connection: ffi::duckdb_connection,
    functions: &'static [Function],
) -> Result<()> {
    for function in functions {
        let signature = function.signature();
        for name in std::iter::once(&signature.name).chain(signature.aliases) {
            // SAFETY: the connection is open.
            unsafe {
                match function {
                    Function::Scalar(_) => scalar::register(connection, name, function)?,
                    Function::Aggregate(_) => aggregate::register(connection, name, function)?,
                    Function::Table(_) => {}
                }
            }
        }
    }
    // SAFETY: the connection is open.
    unsafe { table::register(connection, functions) }
}

/// The type by which DuckDB chooses the overload of an argument.
///
/// Numbers are ANY rather than DOUBLE: DuckDB does not cast booleans to
/// doubles by itself, and would cast text literals, which we want refused.
fn parameter_type(function: &str, argument: &Argument) -> Result<LogicalType> {
    match argument.kind {
        Kind::Number | Kind::Moment | Kind::Features | Kind::Options => {
            Ok(LogicalType::new(id::ANY))
        }
        Kind::Text => Ok(LogicalType::new(id::VARCHAR)),
        Kind::Blob => Ok(LogicalType::new(id::BLOB)),
        _ => Err(Error::internal(
            function,
            format!(
                "argument '{}' is of a kind for table functions only",
                argument.name
            ),
        )),
    }
}

/// The name of a function as C wants it.
fn c_name(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::internal(name, "the name contains a NUL"))
}

/// What a refused registration says; DuckDB keeps the reason to itself.
fn registered(name: &str, state: ffi::duckdb_state) -> Result<()> {
    if state == ffi::DuckDBSuccess {
        Ok(())
    } else {
        Err(Error::internal(name, "DuckDB refused to register it"))
    }
}
