//! Scalar functions: one implementation for all of the list.

use libduckdb_sys as ffi;

use crate::definition::{Function, Scalar};
use crate::error::{Error, Result};

use super::callback::contain;
use super::logical_type::LogicalType;
use super::reader;
use super::scratch::Scratch;
use super::writer::Writer;
use super::{c_name, parameter_type, registered};

/// Registers `function` as `name`, an overload for each number of arguments.
///
/// # Safety
/// `connection` is open.
pub(super) unsafe fn register(
    connection: ffi::duckdb_connection,
    name: &str,
    function: &'static Function,
) -> Result<()> {
    let signature = function.signature();
    let c_name = c_name(name)?;
    let parameters = signature
        .arguments
        .iter()
        .map(|argument| parameter_type(name, argument))
        .collect::<Result<Vec<_>>>()?;
    let returns = LogicalType::returned(&signature.returns);
    // SAFETY: the connection is open; what is created here is destroyed here,
    // after DuckDB has copied it. The extra info is a static.
    let state = unsafe {
        let mut set = ffi::duckdb_create_scalar_function_set(c_name.as_ptr());
        for arity in signature.required()..=parameters.len() {
            let mut overload = ffi::duckdb_create_scalar_function();
            ffi::duckdb_scalar_function_set_name(overload, c_name.as_ptr());
            for parameter in &parameters[..arity] {
                ffi::duckdb_scalar_function_add_parameter(overload, parameter.raw());
            }
            ffi::duckdb_scalar_function_set_return_type(overload, returns.raw());
            ffi::duckdb_scalar_function_set_special_handling(overload);
            ffi::duckdb_scalar_function_set_extra_info(
                overload,
                std::ptr::from_ref(function).cast_mut().cast(),
                None,
            );
            ffi::duckdb_scalar_function_set_function(overload, Some(call));
            ffi::duckdb_add_scalar_function_to_set(set, overload);
            ffi::duckdb_destroy_scalar_function(&mut overload);
        }
        let state = ffi::duckdb_register_scalar_function_set(connection, set);
        ffi::duckdb_destroy_scalar_function_set(&mut set);
        state
    };
    registered(name, state)
}

unsafe extern "C" fn call(
    info: ffi::duckdb_function_info,
    chunk: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) {
    // SAFETY: `register` has set the extra info to a function of the list.
    let function = unsafe { &*ffi::duckdb_scalar_function_get_extra_info(info).cast::<Function>() };
    let outcome = contain(function.signature().name, || match function {
        // SAFETY: DuckDB passes flat arguments and room for the results.
        Function::Scalar(scalar) => unsafe { evaluate(*scalar, chunk, output) },
        other => Err(Error::internal(
            other.signature().name,
            "registered as a scalar",
        )),
    });
    if let Err(message) = outcome {
        // SAFETY: DuckDB copies the text.
        unsafe { ffi::duckdb_scalar_function_set_error(info, message.as_ptr()) };
    }
}

/// # Safety
/// `chunk` holds flat arguments of the function, `output` has room for a result
/// per row.
unsafe fn evaluate(
    scalar: &'static dyn Scalar,
    chunk: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) -> Result<()> {
    let signature = scalar.signature();
    let column = Scratch::with(|scratch| {
        // SAFETY: as promised by the caller.
        let inputs = unsafe { reader::inputs(signature, chunk, scratch)? };
        let column = scalar.call(&inputs)?;
        if column.len() == inputs.rows {
            Ok(column)
        } else {
            Err(Error::internal(
                signature.name,
                format!("{} results for {} rows", column.len(), inputs.rows),
            ))
        }
    })?;
    // SAFETY: as promised by the caller.
    unsafe { Writer::new(signature.name, &signature.returns, output, 0) }.column(&column)
}
