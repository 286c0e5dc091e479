//! `lagrange runs`: what earlier runs did.

mod compare;
mod list;
mod show;
mod sync;

use crate::cli::{RunsArgs, RunsCommand};
use crate::error::{Result, Status};
use crate::printer::Printer;

/// Runs the command.
pub fn runs(args: &RunsArgs) -> Status {
    let (printer, outcome) = match &args.command {
        RunsCommand::List(args) => told(args.output, |printer| list::list(args, printer)),
        RunsCommand::Show(args) => told(args.output, |printer| show::show(args, printer)),
        RunsCommand::Compare(args) => told(args.output, |printer| compare::compare(args, printer)),
        RunsCommand::Sync(args) => told(args.output, |printer| sync::sync(args, printer)),
    };
    match outcome {
        Ok(status) => status,
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn told(
    output: crate::printer::Output,
    command: impl FnOnce(&Printer) -> Result<Status>,
) -> (Printer, Result<Status>) {
    let printer = Printer::new(output);
    let outcome = command(&printer);
    (printer, outcome)
}

/// `1.2 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Rows of text under each other; the columns of `right` to the right.
fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|i| {
            let cells = rows.iter().filter_map(|row| row.get(i));
            cells.map(|cell| width(cell)).max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(i, cell)| {
                let space = " ".repeat(widths[i] - width(cell));
                if right.contains(&i) {
                    space + cell
                } else {
                    cell.clone() + &space
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A number with about seven digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        crate::runs::record::not_finite(value).to_owned()
    } else if value.fract() == 0.0 && size < 1e15 {
        format!("{value}")
    } else if (1e-3..1e9).contains(&size) {
        format!("{value:.6}")
    } else {
        format!("{value:.6e}")
    }
}
