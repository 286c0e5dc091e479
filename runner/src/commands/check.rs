//! `lagrange check`: whether a feature of a model sees the future. `lagrange run`
//! asks the same before it runs anything.

mod replay;

use std::collections::BTreeMap;

use super::catalogue::report;
use super::run;
use crate::cli::{CheckArgs, CheckOutput};
use crate::cloud::bigquery::sources::SourceArgs;
use crate::engines::{Choice, duckdb};
use crate::error::{Error, Result, Status, did_you_mean};
use crate::flow;
use crate::guard::Report;
use crate::guard::rules::{RULES, Rule, Severity, markdown};
use crate::parameters::{self, Step};
use crate::printer::{Output, Printer};
use crate::script;
use crate::settings::Settings;

/// How many ends of the data a replay tries, if nobody says.
const CUTS: usize = 20;

/// Runs the command.
pub fn check(args: &CheckArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match answer(args, &printer) {
        Ok(status) => status,
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn answer(args: &CheckArgs, printer: &Printer) -> Result<Status> {
    if args.rules {
        printer.result(markdown().trim_end());
        return Ok(Status::Success);
    }
    if let Some(text) = &args.explain {
        printer.result(&explained(text)?);
        return Ok(Status::Success);
    }
    let settings = Settings::resolve(&args.settings)?;
    let scripts = args
        .scripts
        .iter()
        .map(|file| read(file))
        .collect::<Result<Vec<_>>>()?;
    let set: BTreeMap<String, String> = args.set.iter().cloned().collect();
    let steps = parameters::bind_known(scripts, &set, &settings.parameters)?;
    let report = report(&steps);
    let replayed = match args.replay {
        true => {
            let mut choice = Choice::resolve(args.engine.as_ref(), &settings)?;
            let flows = flow::of(&steps);
            let all = vec![true; flows.len()];
            let newest = SourceArgs::default();
            choice.sources = run::find_sources(&choice, &settings, &flows, &all, &newest)?;
            let extent = replay::Extent {
                cuts: args.cuts,
                sample: args.sample,
            };
            Some(replay::replay(&steps, &report, &choice, &settings, extent)?)
        }
        false => None,
    };
    match args.output {
        CheckOutput::Text => {
            let mut text = report.text(printer.colours_results());
            if let Some(replayed) = &replayed {
                text.push_str(&replayed.text());
            }
            printer.result(&text);
        }
        CheckOutput::Json => {
            let mut json = report.json();
            if let Some(replayed) = &replayed {
                json["replay"] = replayed.json();
            }
            printer.result(&format!("{json:#}"));
        }
        CheckOutput::Sarif => {
            let mut sarif = report.sarif();
            if let Some(replayed) = &replayed {
                replayed.add_to_sarif(&mut sarif);
            }
            printer.result(&format!("{sarif:#}"));
        }
        CheckOutput::Github => {
            let mut text = report.github();
            if let Some(replayed) = &replayed {
                text.push_str(&replayed.github());
            }
            printer.result(&text);
        }
    }
    Ok(
        if report.fails() || replayed.is_some_and(|replayed| replayed.fails()) {
            Status::Failed
        } else {
            Status::Success
        },
    )
}

/// Reads a script. Of a statement that cannot be read, DuckDB is asked, too: what it
/// says of its own syntax is more to the point.
fn read(file: &str) -> Result<script::Script> {
    script::read(file).map_err(|error| match script::unreadable(file) {
        Some(statement) => match duckdb::parser_error(&statement) {
            Some(message) => error.detail(format!("DuckDB says: {message}")),
            None => error
                .detail("DuckDB reads this statement; the check does not, and cannot call the script clean")
                .hint("write it in SQL that both engines read"),
        },
        None => error,
    })
}

fn explained(text: &str) -> Result<String> {
    let rule = Rule::find(text).ok_or_else(|| {
        let known: Vec<&str> = RULES.iter().flat_map(|d| [d.code, d.name]).collect();
        let error = Error::usage(format!("there is no rule '{text}'"));
        match did_you_mean(text, &known) {
            Some(hint) => error.hint(hint),
            None => error.hint("lagrange check --rules lists them"),
        }
    })?;
    Ok(rule.definition().explain())
}

/// Refuses to run scripts in which a feature looks ahead; says what else is found.
///
/// # Errors
/// A finding of severity error that is not waived.
pub fn gate(report: &Report, printer: &Printer) -> Result<()> {
    for finding in report.open() {
        if finding.rule.definition().severity == Severity::Warning {
            printer.notice(&report.line(finding));
        }
    }
    let errors: Vec<String> = report
        .open()
        .filter(|finding| finding.rule.definition().severity == Severity::Error)
        .map(|finding| report.line(finding))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Error::failed("the script sees the future; nothing has run")
        .detail(errors.join("\n"))
        .hint(
            "lagrange check shows each place; waive one with a comment \
                 -- lagrange: allow(CODE) reason, or pass --check off",
        ))
}

/// Refuses to run scripts whose features change when later data is taken away.
///
/// # Errors
/// A feature that differs, or what the engine says.
pub fn replay_gate(
    steps: &[Step],
    report: &Report,
    choice: &Choice,
    settings: &Settings,
    printer: &Printer,
) -> Result<()> {
    let extent = replay::Extent {
        cuts: CUTS,
        sample: None,
    };
    let replayed = replay::replay(steps, report, choice, settings, extent)?;
    if replayed.fails() {
        return Err(Error::failed("the script sees the future; nothing has run")
            .detail(replayed.text())
            .hint("lagrange check --replay shows the same; --check static leaves the replay out"));
    }
    printer.notice(replayed.text().trim_end());
    Ok(())
}

#[cfg(test)]
mod tests;
