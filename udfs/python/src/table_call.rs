//! Calls of table functions.

use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::ipc::convert::try_schema_from_ipc_buffer;
use datafusion::logical_expr::Expr;
use datafusion_proto::bytes::Serializeable;
use lagrange_udfs::Error;
use lagrange_udfs::datafusion::{self as adapter, table_function};
use lagrange_udfs::definition::Table;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::constants::literal;

/// A call on its way to SQL: `relation` says what to look up, `sql` takes its schema.
#[pyclass(frozen, module = "lagrange_datafusion._native")]
pub struct TableCall(adapter::TableCall);

#[pymethods]
impl TableCall {
    /// A call with values of Python.
    #[new]
    fn new(
        name: &str,
        positional: &Bound<'_, PyTuple>,
        named: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let positional = positional
            .iter()
            .map(|value| literal(&value))
            .collect::<PyResult<_>>()?;
        let named = named
            .iter()
            .map(|(name, value)| Ok((name.extract()?, literal(&value)?)))
            .collect::<PyResult<_>>()?;
        Ok(Self(adapter::TableCall::new(
            find(name)?,
            positional,
            named,
        )))
    }

    /// A call as a planner hands it over: expressions of DataFusion, each as bytes.
    #[staticmethod]
    fn from_expressions(name: &str, arguments: Vec<Vec<u8>>) -> PyResult<Self> {
        let function = find(name)?;
        let arguments: Vec<Expr> = arguments
            .iter()
            .enumerate()
            .map(|(i, bytes)| {
                // A constant has bytes that can be read; a function of the session has not.
                Expr::from_bytes(bytes).map_err(|_| {
                    PyValueError::new_err(format!(
                        "{name}: argument {} is an expression; pass a constant",
                        i + 1
                    ))
                })
            })
            .collect::<PyResult<_>>()?;
        adapter::TableCall::from_expressions(function, &arguments)
            .map(Self)
            .map_err(raised)
    }

    /// What the call reads, as it stands after FROM; None if it reads nothing.
    fn relation(&self) -> PyResult<Option<String>> {
        self.0.relation().map_err(raised)
    }

    /// The SQL that the call stands for; `schema` is that of the relation, in the
    /// format of Arrow IPC.
    fn sql(&self, schema: Option<&[u8]>) -> PyResult<String> {
        let schema: Option<Schema> = schema
            .map(try_schema_from_ipc_buffer)
            .transpose()
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.0.sql(schema.as_ref()).map_err(raised)
    }

    /// What to say if the relation cannot be planned.
    fn unseen(&self, relation: &str, why: &str) -> String {
        self.0.unseen(relation, why).to_string()
    }
}

/// An error in the place of a table: it is raised when DataFusion asks for the table.
#[pyclass(frozen, module = "lagrange_datafusion._native")]
pub struct Failure(Py<PyAny>);

#[pymethods]
impl Failure {
    #[new]
    fn new(error: Py<PyAny>) -> Self {
        Self(error)
    }

    fn __datafusion_table_provider__(
        &self,
        py: Python<'_>,
        _session: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        Err(PyErr::from_value(self.0.bind(py).clone()))
    }
}

fn find(name: &str) -> PyResult<&'static dyn Table> {
    table_function(name)
        .ok_or_else(|| PyValueError::new_err(format!("there is no table function '{name}'")))
}

fn raised(error: Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}
