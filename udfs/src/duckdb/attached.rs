//! Every function in a database that somebody else has opened, for all of its
//! connections: what the loadable extension does when it is loaded.
//!
//! Scalars and aggregates live in the system catalogue of the instance. The
//! macros of the table functions cannot (DuckDB refuses them there), and in the
//! user's database they would be written to the file, so they get a database in
//! memory of their own, which is attached under [`NAMES`] and gone with the
//! process. A macro there sees the tables, temporary tables and CTEs of its
//! caller.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use libduckdb_sys as ffi;

use crate::call::{quote_name, quote_text};
use crate::error::{Error, Result};

use super::register;
use super::table::{self, Place};

/// What the database of the macros is called; the second if the first is in
/// use, as it is for somebody who opens `lagrange.duckdb`.
const NAMES: [&str; 2] = ["lagrange", "lagrange_functions"];

/// Registers every function of the list in the database of `connection`, and
/// creates the macros of the table functions where all connections find them;
/// returns the name under which they do.
///
/// Works in a database that was opened read-only. Doing it again changes
/// nothing.
///
/// # Errors
/// DuckDB refuses a function or a macro.
///
/// # Safety
/// `connection` is open, and nobody else uses it meanwhile.
pub unsafe fn install(connection: ffi::duckdb_connection) -> Result<&'static str> {
    // SAFETY: as promised by the caller.
    unsafe {
        register(connection)?;
        let name = attach(connection)?;
        let macros = table::macros(crate::functions::all(), Place::Attached(name));
        run(connection, &macros)?;
        Ok(name)
    }
}

/// Attaches the database of the macros, or finds it attached.
///
/// # Safety
/// As [`install`].
unsafe fn attach(connection: ffi::duckdb_connection) -> Result<&'static str> {
    for name in NAMES {
        // READ_WRITE: an instance that was opened read-only attaches nothing
        // in memory otherwise.
        let sql = format!(
            "ATTACH IF NOT EXISTS ':memory:' AS {} (READ_WRITE)",
            quote_name(name)
        );
        // A database of that name which is a file, or another file's, is the
        // user's.
        let ours = format!(
            "SELECT CASE WHEN count(*) = 0 THEN error('') END FROM duckdb_databases()
             WHERE database_name = {} AND path IS NULL AND NOT readonly",
            quote_text(name)
        );
        // SAFETY: as promised by the caller.
        unsafe {
            if run(connection, &sql).is_ok() && run(connection, &ours).is_ok() {
                return Ok(name);
            }
        }
    }
    Err(Error::data(
        "lagrange",
        format!(
            "databases named {} are attached already; detach one of them and load the extension \
             again",
            NAMES.join(" and ")
        ),
    ))
}

/// Runs statements and forgets their results.
///
/// # Safety
/// As [`install`].
unsafe fn run(connection: ffi::duckdb_connection, sql: &str) -> Result<()> {
    let text =
        CString::new(sql).map_err(|_| Error::internal("lagrange", "a statement contains a NUL"))?;
    let mut result = MaybeUninit::<ffi::duckdb_result>::zeroed();
    // SAFETY: the connection is open, the text lives, and DuckDB fills in the
    // result whether it succeeds or not; its message lives until it is destroyed.
    unsafe {
        let state = ffi::duckdb_query(connection, text.as_ptr(), result.as_mut_ptr());
        let outcome = if state == ffi::DuckDBSuccess {
            Ok(())
        } else {
            let message = ffi::duckdb_result_error(result.as_mut_ptr());
            let message = if message.is_null() {
                "DuckDB gives no reason".into()
            } else {
                CStr::from_ptr(message).to_string_lossy()
            };
            Err(Error::data("duckdb", message.into_owned()))
        };
        ffi::duckdb_destroy_result(result.as_mut_ptr());
        outcome
    }
}
