//! The tracking server hears of a run: the one place where a run begins to be recorded.

use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::tracking::{self, Tracker};

/// What records the run.
///
/// # Errors
/// A server that is required and cannot be reached.
pub(super) fn begin(
    settings: &Settings,
    args: &RunArgs,
    printer: &Printer,
) -> Result<Box<dyn Tracker>> {
    let connection = tracking::connect(settings);
    match connection.unreachable {
        Some(reason) if args.require_tracking => {
            return Err(Error::failed(reason).hint("start it, or leave out --require-tracking"));
        }
        Some(reason) => printer.notice(&format!("{reason}; this run is not tracked")),
        None => printer.notice(&format!(
            "tracking server {} answers, but this version does not record runs yet",
            settings.tracking_uri
        )),
    }
    Ok(connection.tracker)
}
