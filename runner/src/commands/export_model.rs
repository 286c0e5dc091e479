//! `lagrange export-model`: a file of a model in a form that others read.

use std::path::Path;

use lagrange_udfs::models::{Model, onnx};

use crate::cli::ExportModelArgs;
use crate::error::{Error, Result, Status};
use crate::printer::{Output, Printer};

/// Runs the command.
pub fn export_model(args: &ExportModelArgs) -> Status {
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

fn convert(args: &ExportModelArgs) -> Result<String> {
    let from = args.model.display();
    let bytes = std::fs::read(&args.model)
        .map_err(|error| Error::usage(format!("cannot read {from}: {error}")))?;
    let failed = |error: lagrange_udfs::Error| Error::failed(format!("{from}: {error}"));
    let model = Model::read(&bytes).map_err(failed)?;
    let mut written = Vec::new();
    if let Some(path) = &args.onnx {
        write(path, &onnx::export("export-model", &model).map_err(failed)?)?;
        written.push(path.display().to_string());
    }
    if let Some(path) = &args.json {
        let algorithm = &model.header().algorithm;
        let json = model.to_json().ok_or_else(|| {
            Error::failed(format!(
                "{from}: a model of {algorithm} cannot be written as JSON"
            ))
        })?;
        let text = serde_json::to_vec_pretty(&json);
        let mut text = text.map_err(|error| Error::internal(error.to_string()))?;
        text.push(b'\n');
        write(path, &text)?;
        written.push(path.display().to_string());
    }
    Ok(format!("{} written", written.join(", ")))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes)
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), &error))
}
