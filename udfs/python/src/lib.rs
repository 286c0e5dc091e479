//! The native half of the Python package `lagrange_datafusion`.
//!
//! Scalars and aggregates cross to the DataFusion of the Python program as the
//! structures of `datafusion-ffi`, in capsules that it asks for by name. A table
//! function is SQL, which only the session itself can plan: here a call becomes
//! text, and `__init__.py` has it planned.

mod constants;
mod functions;
mod table_call;

use pyo3::prelude::*;

/// The functions of Lagrange, as `lagrange_datafusion` registers them.
#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::functions::{Aggregate, Scalar, aggregates, scalars, tables};
    #[pymodule_export]
    use super::table_call::{Failure, TableCall};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DATAFUSION_MAJOR", datafusion_ffi::version())
    }
}
