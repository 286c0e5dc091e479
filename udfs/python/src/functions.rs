//! The catalogue, function by function.

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion_ffi::udaf::FFI_AggregateUDF;
use datafusion_ffi::udf::FFI_ScalarUDF;
use lagrange_udfs::datafusion as adapter;
use lagrange_udfs::functions;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// A scalar function.
#[pyclass(frozen, module = "lagrange_datafusion._native")]
pub struct Scalar(Arc<ScalarUDF>);

#[pymethods]
impl Scalar {
    /// Its name and its aliases.
    #[getter]
    fn names(&self) -> Vec<String> {
        names(self.0.name(), self.0.aliases())
    }

    /// What `datafusion.udf` asks for.
    fn __datafusion_scalar_udf__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let function = FFI_ScalarUDF::from(Arc::clone(&self.0));
        PyCapsule::new_with_value(py, function, c"datafusion_scalar_udf")
    }
}

/// An aggregate function.
#[pyclass(frozen, module = "lagrange_datafusion._native")]
pub struct Aggregate(Arc<AggregateUDF>);

#[pymethods]
impl Aggregate {
    /// Its name and its aliases.
    #[getter]
    fn names(&self) -> Vec<String> {
        names(self.0.name(), self.0.aliases())
    }

    /// What `datafusion.udaf` asks for.
    fn __datafusion_aggregate_udf__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let function = FFI_AggregateUDF::from(Arc::clone(&self.0));
        PyCapsule::new_with_value(py, function, c"datafusion_aggregate_udf")
    }
}

/// Every scalar function.
#[pyfunction]
pub fn scalars() -> Vec<Scalar> {
    let functions = adapter::scalars().into_iter();
    functions.map(|function| Scalar(function.into())).collect()
}

/// Every aggregate function.
#[pyfunction]
pub fn aggregates() -> Vec<Aggregate> {
    let functions = adapter::aggregates().into_iter();
    functions
        .map(|function| Aggregate(function.into()))
        .collect()
}

/// The names and aliases of every table function.
#[pyfunction]
pub fn tables() -> Vec<String> {
    functions::all()
        .iter()
        .filter(|function| matches!(function, lagrange_udfs::definition::Function::Table(_)))
        .flat_map(|function| {
            let signature = function.signature();
            std::iter::once(&signature.name).chain(signature.aliases)
        })
        .map(ToString::to_string)
        .collect()
}

fn names(name: &str, aliases: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned())
        .chain(aliases.iter().cloned())
        .collect()
}
