//! The tables that a run reads from BigQuery: found, and where it is asked for made,
//! before anything runs.

use std::sync::Arc;

use super::Bound;
use crate::cloud::bigquery::sources::{self, Source, SourceArgs};
use crate::commands::answer::threads;
use crate::engines::Choice;
use crate::error::Result;
use crate::flow::Flow;
use crate::printer::{Printer, amount, rows};
use crate::settings::{Database, Settings};

/// Adds them to where the tables of a run are.
pub(super) fn add(
    choice: &mut Choice,
    bound: &Bound,
    flows: &[Flow],
    selected: &[bool],
    args: &SourceArgs,
    printer: &Printer,
) -> Result<()> {
    let say = |text: &str| printer.progress(text);
    choice.sources = found(choice, &bound.settings, flows, selected, args, &say)?;
    for source in &choice.sources {
        let manifest = &source.manifest;
        printer.progress(&format!(
            "{} is the export {} of {}: {}, {}",
            source.name,
            manifest.snapshot,
            manifest.table,
            rows(manifest.rows),
            amount(manifest.size())
        ));
    }
    Ok(())
}

/// Finds them.
///
/// # Errors
/// See [`sources::resolve`].
pub(super) fn found(
    choice: &Choice,
    settings: &Settings,
    flows: &[Flow],
    selected: &[bool],
    args: &SourceArgs,
    say: &dyn Fn(&str),
) -> Result<Vec<Arc<Source>>> {
    // A folder that is given with --database has the tables itself.
    let given = settings.database_path.is_some();
    if given || !matches!(settings.database, Database::BigQuery { .. }) {
        return Ok(Vec::new());
    }
    let there = choice.row_estimates()?;
    let unknown = sources::unknown(flows, selected, &there)?;
    let runtime = threads()?;
    let found = runtime.block_on(sources::resolve(settings, &unknown, args, say))?;
    Ok(found.into_iter().map(Arc::new).collect())
}
