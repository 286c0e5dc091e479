//! Values of Python as constant arguments.

use lagrange_udfs::call::Literal;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// The constant that a value of Python stands for; numbers of NumPy are numbers.
///
/// # Errors
/// `TypeError` for a value of any other type.
pub fn literal(value: &Bound<'_, PyAny>) -> PyResult<Literal> {
    if value.is_none() {
        return Ok(Literal::Null);
    }
    if let Ok(flag) = value.extract() {
        return Ok(Literal::Boolean(flag));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Literal::Text(text.extract()?));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return value
            .try_iter()?
            .map(|value| literal(&value?))
            .collect::<PyResult<_>>()
            .map(Literal::List);
    }
    if let Ok(fields) = value.cast::<PyDict>() {
        let field = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok((name.extract()?, literal(&value)?))
        };
        return fields
            .iter()
            .map(field)
            .collect::<PyResult<_>>()
            .map(Literal::Struct);
    }
    if value.is_instance_of::<PyInt>() || value.hasattr("__index__")? {
        return Ok(Literal::Integer(value.extract()?));
    }
    if value.is_instance_of::<PyFloat>() || value.hasattr("__float__")? {
        return Ok(Literal::Double(value.extract()?));
    }
    let kind = value.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "{kind} is no constant; pass text, a number, a bool, None, a list or a dict"
    )))
}
