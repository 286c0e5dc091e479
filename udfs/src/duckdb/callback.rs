//! The container around every call from DuckDB: neither a panic nor an error
//! text that C cannot hold may cross over.

use std::any::Any;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Runs the body of a callback of `function`; the error is the text for DuckDB.
///
/// DuckDB gives a query up at the first error, so whatever a panic left half
/// done is only ever destroyed, which makes the body safe to unwind.
pub(super) fn contain(
    function: &str,
    body: impl FnOnce() -> Result<()>,
) -> std::result::Result<(), CString> {
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(panic) => Error::internal(function, format!("panic: {}", message(panic.as_ref()))),
    };
    Err(c_text(&error.to_string()))
}

/// The text for C, which ends at the first NUL.
fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
