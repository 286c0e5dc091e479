//! `lagrange lineage`: what the columns of a script are made of.

use std::collections::BTreeMap;

use super::catalogue;
use crate::cli::{LineageArgs, LineageOutput};
use crate::error::{Error, Result, Status, did_you_mean};
use crate::parameters;
use crate::printer::{Output, Printer};
use crate::script;
use crate::settings::Settings;

/// Runs the command.
pub fn lineage(args: &LineageArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match answer(args) {
        Ok(text) => {
            printer.result(text.trim_end());
            Status::Success
        }
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn answer(args: &LineageArgs) -> Result<String> {
    let settings = Settings::resolve(&args.settings)?;
    let scripts = args
        .scripts
        .iter()
        .map(|file| script::read(file))
        .collect::<Result<Vec<_>>>()?;
    let set: BTreeMap<String, String> = args.set.iter().cloned().collect();
    let steps = parameters::bind_known(scripts, &set, &settings.parameters)?;
    let ancestry = catalogue::lineage(&steps);
    let chosen = match &args.column {
        Some(name) => Some(ancestry.find(name).map_err(|names| unknown(name, &names))?),
        None => None,
    };
    let chosen = chosen.as_deref();
    Ok(match args.output {
        LineageOutput::Text => ancestry.text(chosen),
        LineageOutput::Json => format!("{:#}", ancestry.json(chosen)),
        LineageOutput::Dot => ancestry.dot(chosen),
        LineageOutput::Mermaid => ancestry.mermaid(chosen),
    })
}

fn unknown(name: &str, names: &[String]) -> Box<Error> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = did_you_mean(name, &names).unwrap_or_else(|| {
        "write column or table.column; lagrange lineage without --column lists them".to_owned()
    });
    Error::usage(format!("the script has no column '{name}'")).hint(hint)
}
