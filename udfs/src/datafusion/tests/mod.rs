//! The adapter, by functions made for it: each shows what it was given.

mod aggregates;
mod functions;
mod scalars;
mod tables;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::register;

/// A session with the functions of the tests.
fn session(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_config(config);
    for function in functions::ALL {
        register(&context, function).expect("registered");
    }
    context
}

fn context() -> SessionContext {
    session(SessionConfig::new().with_target_partitions(2))
}

/// A table `name` whose batches hold the given columns.
fn add_table(context: &SessionContext, name: &str, batches: Vec<Vec<(&str, ArrayRef)>>) {
    let batches: Vec<RecordBatch> = batches
        .into_iter()
        .map(|columns| {
            RecordBatch::try_from_iter_with_nullable(
                columns.into_iter().map(|(name, array)| (name, array, true)),
            )
        })
        .collect::<Result<_, _>>()
        .expect("batches");
    let schema = batches[0].schema();
    let table = MemTable::try_new(schema, vec![batches]).expect("table");
    context
        .register_table(name, Arc::new(table))
        .expect("registered");
}

async fn batches(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let frame = context
        .sql(sql)
        .await
        .map_err(|error| error.strip_backtrace())?;
    frame
        .collect()
        .await
        .map_err(|error| error.strip_backtrace())
}

/// The rows of the result, cells parted by a bar.
async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = batches(context, sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let table = pretty_format_batches(&batches)
        .expect("printed")
        .to_string();
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            cells.collect::<Vec<_>>().join("|")
        })
        .collect()
}

/// The error that planning or running the query ends with.
async fn error(context: &SessionContext, sql: &str) -> String {
    match batches(context, sql).await {
        Ok(batches) => panic!("{sql} returned {batches:?}"),
        Err(error) => error,
    }
}
