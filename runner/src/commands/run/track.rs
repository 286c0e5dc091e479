//! The record of a run, and the tracking server, hear of it: the one place where a
//! run begins and ends to be recorded.

use crate::cli::RunArgs;
use crate::commands::answer::threads;
use crate::engines::Choice;
use crate::error::{Error, Result};
use crate::printer::Printer;
use crate::runs::RunStatus;
use crate::settings::Settings;
use crate::tracking::{Beginning, Tracking};

/// Begins the record.
///
/// # Errors
/// A record that is required and cannot be written.
pub(super) fn begin(
    beginning: Beginning<'_>,
    settings: &Settings,
    choice: &Choice,
    args: &RunArgs,
    printer: &Printer,
) -> Result<Tracking> {
    let mut tracking = Tracking::begin(beginning, settings, choice, args.require_tracking)?;
    tracking.tell(printer);
    Ok(tracking)
}

/// Tells the server that there is a run.
///
/// # Errors
/// A server that is required and cannot be reached.
pub(super) async fn connect(
    tracking: &mut Tracking,
    settings: &Settings,
    required: bool,
    printer: &Printer,
) -> Result<()> {
    let outcome = tracking.connect(settings, required).await;
    tracking.tell(printer);
    outcome
}

/// Records a run that the lookahead check refuses: nothing of it is executed.
///
/// # Errors
/// The refusal.
pub(super) fn refuse(
    tracking: &mut Tracking,
    settings: &Settings,
    refusal: Box<Error>,
    printer: &Printer,
) -> Result<()> {
    let runtime = threads()?;
    let outcome = Err(refusal);
    runtime.block_on(async {
        // That the server is away matters less than the refusal.
        let _ = connect(tracking, settings, false, printer).await;
        end(tracking, &outcome, false, printer).await;
    });
    outcome
}

/// Ends the record, and uploads what the server does not have.
pub(super) async fn end(
    tracking: &mut Tracking,
    outcome: &Result<()>,
    interrupted: bool,
    printer: &Printer,
) {
    let status = match outcome {
        Ok(()) => RunStatus::Finished,
        Err(_) if interrupted => RunStatus::Killed,
        Err(_) => RunStatus::Failed,
    };
    let error = outcome.as_ref().err().map(|error| &**error);
    tracking.finish(status, error).await;
    tracking.tell(printer);
}
