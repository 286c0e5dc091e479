//! The DataFusion adapter: one generic implementation each of scalar,
//! aggregate and table functions, and the conversions between Arrow arrays and
//! what kernels see.
//!
//! - [`types`]: which Arrow types an argument accepts, what a function returns.
//! - [`array_reader`]: arrays to kernel inputs; [`array_writer`]: the way back.
//! - [`literal`]: Arrow scalars to constants and JSON.
//! - [`one_phase`]: aggregates that keep their rows are not split into phases.
//! - [`windows`]: aggregates over short frames become window functions.
//! - [`scalar`], [`aggregate`] (with [`groups`] for GROUP BY and [`frame`] for
//!   sliding windows), [`table`] (with [`table_call`]): the functions.

mod aggregate;
mod array_reader;
mod array_writer;
mod frame;
mod groups;
mod literal;
mod one_phase;
mod scalar;
mod table;
mod table_call;
mod types;
mod windows;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

use crate::definition::{Function, Table};
use crate::error::{Error, Result};
use crate::functions;

pub use table::expand_call;
pub use table_call::TableCall;

/// Registers every function of the catalogue under its name and aliases, the rule that
/// aggregates in one phase where a state is the rows themselves, and the one that
/// computes short frames on all threads.
///
/// # Errors
/// A name that DataFusion, or the caller, uses for another function: it would
/// be hidden silently.
pub fn register_all(context: &SessionContext) -> Result<()> {
    register_portable(context)?;
    windows::register(context);
    Ok(())
}

/// [`register_all`] for a session whose plans other processes execute: they hold nothing
/// but functions of the catalogue.
///
/// # Errors
/// As [`register_all`].
pub fn register_portable(context: &SessionContext) -> Result<()> {
    functions::all()
        .iter()
        .try_for_each(|function| register(context, function))?;
    one_phase::register(context);
    Ok(())
}

/// Every scalar function, for a session that is not in this library: one behind
/// `datafusion-ffi`.
pub fn scalars() -> Vec<ScalarUDF> {
    let functions = functions::all().iter();
    functions
        .filter_map(|function| match *function {
            Function::Scalar(function) => Some(scalar::ScalarFunction::new(function).into()),
            _ => None,
        })
        .collect()
}

/// Every aggregate function, as [`scalars`].
pub fn aggregates() -> Vec<AggregateUDF> {
    let functions = functions::all().iter();
    functions
        .filter_map(|function| match *function {
            Function::Aggregate(function) => {
                Some(aggregate::AggregateFunction::new(function).into())
            }
            _ => None,
        })
        .collect()
}

/// The table function of this name or alias, in any case.
pub fn table_function(name: &str) -> Option<&'static dyn Table> {
    match functions::find(name)? {
        Function::Table(function) => Some(function),
        _ => None,
    }
}

fn register(context: &SessionContext, function: &Function) -> Result<()> {
    let signature = function.signature();
    for name in std::iter::once(&signature.name).chain(signature.aliases) {
        if is_taken(&context.state_ref().read(), name) {
            return Err(Error::data(
                signature.name,
                format!("the name '{name}' is already a function of this DataFusion session"),
            ));
        }
    }
    match *function {
        Function::Scalar(function) => {
            context.register_udf(ScalarUDF::from(scalar::ScalarFunction::new(function)));
        }
        Function::Aggregate(function) => {
            context.register_udaf(AggregateUDF::from(aggregate::AggregateFunction::new(
                function,
            )));
        }
        Function::Table(function) => {
            for name in std::iter::once(&signature.name).chain(signature.aliases) {
                context.register_udtf(name, Arc::new(table::TableFunction::new(function)));
            }
        }
    }
    Ok(())
}

/// Whether the session knows a function of this name that is not ours.
fn is_taken(state: &SessionState, name: &str) -> bool {
    let scalar = state.scalar_functions().get(name);
    let aggregate = state.aggregate_functions().get(name);
    let table = state.table_functions().get(name);
    scalar.is_some_and(|known| !known.inner().is::<scalar::ScalarFunction>())
        || aggregate.is_some_and(|known| !known.inner().is::<aggregate::AggregateFunction>())
        || table.is_some_and(|known| {
            let implementation: &dyn Any = known.function().as_ref();
            !implementation.is::<table::TableFunction>()
        })
        || state.window_functions().contains_key(name)
}

/// An error of a running query.
fn execution(error: Error) -> DataFusionError {
    DataFusionError::Execution(error.to_string())
}

/// An error of a query that is being planned.
fn planning(error: Error) -> DataFusionError {
    DataFusionError::Plan(error.to_string())
}

/// Calls a kernel. A panic becomes an error: a library must not take down the
/// task, let alone the process, that it runs in.
fn contain<T>(function: &str, kernel: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(kernel)).unwrap_or_else(|payload| {
        let text = match payload.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => payload
                .downcast_ref::<String>()
                .cloned()
                .unwrap_or_else(|| "no message".to_owned()),
        };
        Err(Error::internal(function, format!("it panicked: {text}")))
    })
}
