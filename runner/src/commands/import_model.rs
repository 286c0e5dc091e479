//! `lagrange import-model`: a model of another library as a file of ours.

use lagrange_udfs::models::import::import;

use crate::cli::ImportModelArgs;
use crate::error::{Error, Result, Status};
use crate::printer::{Output, Printer};

/// Runs the command.
pub fn import_model(args: &ImportModelArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match convert(args) {
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

fn convert(args: &ImportModelArgs) -> Result<String> {
    let (from, to) = (args.from.display(), args.to.display());
    let text = std::fs::read_to_string(&args.from)
        .map_err(|error| Error::usage(format!("cannot read {from}: {error}")))?;
    let failed = |error: lagrange_udfs::Error| Error::failed(format!("{from}: {error}"));
    let model = import("import-model", &text, args.format.as_deref()).map_err(failed)?;
    let bytes = model.write().map_err(failed)?;
    std::fs::write(&args.to, bytes)
        .map_err(|error| Error::io(format!("cannot write {to}"), &error))?;
    Ok(format!(
        "{to}: {} with {} features",
        model.header().algorithm,
        model.header().features.len()
    ))
}
