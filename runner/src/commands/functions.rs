//! `lagrange functions`: the catalogue, and the README's table of it.

use std::path::Path;

use lagrange_udfs::{catalogue, functions as list};
use serde_json::{Value as Json, json};

use crate::cli::{FunctionsArgs, FunctionsOutput};
use crate::error::{Error, Result, Status, did_you_mean};
use crate::printer::{Output, Printer};

const BEGIN: &str = "<!-- functions:begin -->";
const END: &str = "<!-- functions:end -->";

/// Runs the command.
pub fn functions(args: &FunctionsArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match answer(args) {
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

fn answer(args: &FunctionsArgs) -> Result<String> {
    if let Some(path) = &args.write_readme {
        return write_readme(path);
    }
    if let Some(path) = &args.check_readme {
        return check_readme(path);
    }
    let name = args.name.as_deref();
    match args.output {
        FunctionsOutput::Text => text(name),
        FunctionsOutput::Markdown if name.is_none() => Ok(catalogue::markdown_table()),
        FunctionsOutput::Markdown => Err(Error::usage("--output markdown shows the whole list")),
        FunctionsOutput::Json => {
            // For its error when there is no such function.
            text(name)?;
            Ok(format!("{:#}", to_json(name)))
        }
    }
}

fn text(name: Option<&str>) -> Result<String> {
    if let Some(name) = name.filter(|name| list::find(name).is_none()) {
        let known: Vec<&str> = list::all().iter().map(|f| f.signature().name).collect();
        let hint = did_you_mean(name, &known)
            .unwrap_or_else(|| "lagrange functions lists them".to_owned());
        return Err(Error::usage(format!("there is no function '{name}'")).hint(hint));
    }
    catalogue::text(name).map_err(|error| Error::usage(error.to_string()))
}

fn to_json(name: Option<&str>) -> Json {
    let wanted = name.and_then(list::find);
    let chosen = match &wanted {
        Some(function) => std::slice::from_ref(function),
        None => list::all(),
    };
    chosen
        .iter()
        .map(|function| {
            let signature = function.signature();
            let arguments: Vec<Json> = signature
                .arguments
                .iter()
                .map(|argument| {
                    json!({
                        "name": argument.name,
                        "kind": argument.kind.name(),
                        "default": argument.default,
                        "docs": argument.docs,
                    })
                })
                .collect();
            let options: Vec<Json> = signature
                .options
                .iter()
                .map(|key| json!({ "name": key.name, "default": key.default, "docs": key.docs }))
                .collect();
            json!({
                "name": signature.name,
                "aliases": signature.aliases,
                "kind": function.kind(),
                "category": signature.category.title(),
                "arguments": arguments,
                "options": options,
                "nulls": signature.nulls,
                "docs": signature.docs,
                "example": signature.example,
            })
        })
        .collect()
}

/// The README, and where the text between the markers starts and ends.
fn read_readme(path: &Path) -> Result<(String, std::ops::Range<usize>)> {
    let file = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read {file}: {error}")))?;
    let begin = text.find(BEGIN).map(|at| at + BEGIN.len());
    let end = text.find(END);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => Ok((text, begin..end)),
        _ => Err(Error::usage(format!(
            "{file} needs the lines {BEGIN} and {END}, in this order"
        ))),
    }
}

/// The text between the markers, as it should be.
fn readme_table() -> String {
    format!("\n{}\n", catalogue::markdown_table().trim())
}

fn check_readme(path: &Path) -> Result<String> {
    let (text, table) = read_readme(path)?;
    let file = path.display();
    if text[table] == readme_table() {
        return Ok(format!("the function table of {file} is current"));
    }
    let hint = format!("run: cargo run --release -- functions --write-readme {file}");
    Err(Error::failed(format!("the function table of {file} is stale")).hint(hint))
}

fn write_readme(path: &Path) -> Result<String> {
    let (mut text, table) = read_readme(path)?;
    text.replace_range(table, &readme_table());
    let file = path.display();
    std::fs::write(path, text)
        .map_err(|error| Error::io(format!("cannot write {file}"), &error))?;
    Ok(format!("the function table of {file} is written"))
}
