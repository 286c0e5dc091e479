//! `lagrange report`: a page about a run.

use crate::cli::ReportArgs;
use crate::error::{Error, Result, Status};
use crate::files::write_aside;
use crate::printer::{Output, Printer};
use crate::report;
use crate::runs::Store;
use crate::settings::Settings;

/// Runs the command.
pub fn report(args: &ReportArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match write(args) {
        Ok(text) => {
            printer.result(&text);
            Status::Success
        }
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn write(args: &ReportArgs) -> Result<String> {
    let settings = Settings::resolve(&args.settings)?;
    let (folder, run) = Store::open(&settings).find(&args.run)?;
    let page = report::page(&folder, &run)?;
    let path = &args.html;
    let failed = |error| Error::io(format!("cannot write {}", path.display()), &error);
    write_aside(path, page.as_bytes()).map_err(failed)?;
    Ok(format!(
        "{} written: run {} ({})",
        path.display(),
        run.id,
        run.name
    ))
}
