//! `lagrange plan`: what a run would do. Nothing is run and nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::catalogue;
use super::run::parameters::described;
use super::run::{self, Bound, gates};
use crate::cli::{CheckMode, PlanArgs, RunArgs};
use crate::cloud::bigquery::sources::{Policy, Source, SourceArgs};
use crate::engines::gathers::gathering;
use crate::engines::{Choice, inputs};
use crate::error::{Error, Result, Status};
use crate::flow::{self, Flow};
use crate::guard::Report;
use crate::guard::rules::Severity;
use crate::parameters::Step;
use crate::printer::{Printer, amount, rows, thousands};
use crate::secrets;
use crate::settings::Settings;

/// The version of the JSON document.
const SCHEMA_VERSION: u64 = 1;

/// `lagrange run --dry-run` as a plan.
pub fn from_run(args: &RunArgs) -> PlanArgs {
    PlanArgs {
        scripts: args.scripts.clone(),
        settings: args.settings.clone(),
        resources: args.resources.clone(),
        selection: args.selection.clone(),
        set: args.set.clone(),
        engine: args.engine.clone(),
        sources: args.sources.clone(),
        check: args.check,
        output: args.output,
    }
}

/// Runs the command.
pub fn plan(args: &PlanArgs) -> Status {
    let printer = Printer::new(args.output);
    match Plan::new(args) {
        Ok(plan) => {
            if printer.is_text() {
                printer.result(&plan.text());
            } else {
                printer.result(&format!("{:#}", plan.to_json()));
            }
            match plan.refusals() {
                0 => Status::Success,
                _ => {
                    printer.error(&plan.refused());
                    Status::Failed
                }
            }
        }
        Err(error) => {
            if !printer.is_text() {
                printer.result(&format!("{:#}", json!({ "error": error.to_json() })));
            }
            printer.error(&error);
            error.status()
        }
    }
}

struct Plan {
    bound: Bound,
    flows: Vec<Flow>,
    selected: Vec<bool>,
    /// `None`: where the tables are is wrong or not known; `Err` says why.
    choice: Result<Choice>,
    /// Rows of the tables that are there.
    estimates: BTreeMap<String, u64>,
    /// Why they are not known.
    unknown: Option<String>,
    report: Option<Report>,
}

impl Plan {
    fn new(args: &PlanArgs) -> Result<Self> {
        let settings = Settings::resolve(&args.settings)?.with_resources(&args.resources)?;
        let bound = run::bind(&args.scripts, &args.set, settings)?;
        let flows = flow::of(&bound.steps);
        let selected = run::select(&args.selection, &flows)?;
        let mut choice = Choice::resolve(args.engine.as_ref(), &bound.settings);
        let mut not_found = None;
        if let Ok(choice) = &mut choice {
            // A plan exports nothing.
            let sources = SourceArgs {
                export: Policy::Never,
                ..args.sources.clone()
            };
            match run::find_sources(choice, &bound.settings, &flows, &selected, &sources) {
                Ok(sources) => choice.sources = sources,
                Err(error) => not_found = Some(first_line(&error)),
            }
        }
        let estimates = match &choice {
            Ok(choice) => choice.row_estimates(),
            Err(_) => Ok(BTreeMap::new()),
        };
        let (estimates, unknown) = match estimates {
            Ok(estimates) => (estimates, not_found),
            Err(error) => (BTreeMap::new(), Some(first_line(&error))),
        };
        let report = (args.check != CheckMode::Off).then(|| catalogue::report(&bound.steps));
        Ok(Self {
            bound,
            flows,
            selected,
            choice,
            estimates,
            unknown,
            report,
        })
    }

    /// Findings because of which a run does not begin.
    fn refusals(&self) -> usize {
        let report = self.report.as_ref();
        report.map_or(0, |report| report.count(Severity::Error))
    }

    fn refused(&self) -> Box<Error> {
        Error::failed("the script sees the future; a run would not begin").hint(
            "lagrange check shows each place; waive one with a comment \
             -- lagrange: allow(CODE) reason, or pass --check off",
        )
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let depends = flow::dependencies(&self.flows);
        let count = self.bound.steps.len();
        // Writing to a String cannot fail.
        for (i, (step, flow)) in self.bound.steps.iter().zip(&self.flows).enumerate() {
            let _ = writeln!(
                text,
                "[{}/{count}] {}:{}  {}{}",
                i + 1,
                step.source.file,
                step.start.line,
                step.description,
                if self.selected[i] {
                    ""
                } else {
                    "  (not selected)"
                }
            );
            let sources: Vec<String> = depends[i].iter().map(|i| (i + 1).to_string()).collect();
            for (word, list) in [
                ("after", sources),
                ("reads", self.reads(i, flow)),
                ("writes", self.writes(step, flow)),
                ("gates", gate_texts(step)),
                ("gathers", self.gathers(step)),
            ] {
                if !list.is_empty() {
                    let _ = writeln!(text, "      {word:<7} {}", list.join(", "));
                }
            }
        }
        text.push('\n');
        match &self.choice {
            Ok(choice) => {
                let workers = self.bound.settings.max_workers;
                let _ = writeln!(text, "engine     {choice}, {workers} workers");
            }
            Err(error) => {
                let _ = writeln!(text, "engine     {}", first_line(error));
            }
        }
        if let Some(unknown) = &self.unknown {
            let _ = writeln!(text, "           rows are not known: {unknown}");
        }
        for source in self.sources() {
            let manifest = &source.manifest;
            let _ = writeln!(
                text,
                "export     {} of {}: {}, {} files, {}",
                manifest.snapshot,
                manifest.table,
                rows(manifest.rows),
                manifest.shards.len(),
                amount(manifest.size())
            );
        }
        for parameter in &self.bound.parameters {
            let (value, origin) = described(parameter, &self.bound.settings);
            let value = secrets::shown(&parameter.name, &value);
            let assigned = format!("{} = {value}", parameter.name);
            let _ = writeln!(text, "parameter  {assigned:<40} {origin}");
        }
        if let Some(report) = &self.report {
            for finding in report.open() {
                let _ = writeln!(text, "lookahead  {}", report.line(finding));
            }
            let _ = writeln!(text, "lookahead  {}", report.verdict());
        }
        secrets::masked(&text).into_owned()
    }

    fn sources(&self) -> &[Arc<Source>] {
        self.choice.as_ref().map_or(&[], |choice| &choice.sources)
    }

    /// What a step reads, with the rows that are known.
    fn reads(&self, i: usize, flow: &Flow) -> Vec<String> {
        let made = |table: &String| {
            let earlier = self.flows[..i].iter().zip(&self.selected);
            let mut earlier = earlier.filter(|(_, selected)| **selected);
            earlier.any(|(flow, _)| flow.writes.contains(table))
        };
        let tables = flow.reads.iter().map(|table| {
            let export = self.sources().iter().find(|source| source.name == *table);
            match self.estimates.get(table) {
                Some(count) if export.is_some() => format!("{table} (export, {})", rows(*count)),
                // What is there now is not what will be read.
                _ if made(table) => table.clone(),
                Some(count) => format!("{table} (about {})", rows(*count)),
                None if self.choice.is_ok() && self.unknown.is_none() => {
                    format!("{table} (not there)")
                }
                None => table.clone(),
            }
        });
        let files = flow.files.iter().map(|path| {
            let found = Files::of(path);
            match self.flows[..i]
                .iter()
                .any(|flow| flow.exports.contains(path))
            {
                true => path.clone(),
                false => format!("{path} ({})", found.text()),
            }
        });
        tables.chain(files).collect()
    }

    /// What a cluster does on one machine.
    fn gathers(&self, step: &Step) -> Vec<String> {
        match &self.choice {
            Ok(choice) if choice.scheduler.is_some() => gathering(&step.statement)
                .into_iter()
                .map(|name| format!("the rows of {name} on one executor"))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn writes(&self, step: &Step, flow: &Flow) -> Vec<String> {
        let tables = flow.writes.iter().map(|table| {
            let known = self.estimates.get(table).copied();
            match known {
                Some(count) if step.description.kind.starts_with("create") => {
                    format!("{table} (has about {} now)", rows(count))
                }
                _ => table.clone(),
            }
        });
        tables.chain(flow.exports.iter().cloned()).collect()
    }

    fn to_json(&self) -> Json {
        let depends = flow::dependencies(&self.flows);
        let steps: Vec<Json> = self
            .bound
            .steps
            .iter()
            .zip(&self.flows)
            .enumerate()
            .map(|(i, (step, flow))| {
                let table =
                    |table: &String| json!({ "table": table, "rows": self.estimates.get(table) });
                let files: Vec<Json> = flow
                    .files
                    .iter()
                    .map(|path| Files::of(path).to_json(path))
                    .collect();
                let after: Vec<usize> = depends[i].iter().map(|i| i + 1).collect();
                json!({
                    "index": i + 1,
                    "file": step.source.file,
                    "line": step.start.line,
                    "kind": step.description.kind,
                    "target": step.description.target_name(),
                    "status": if self.selected[i] { "planned" } else { "deselected" },
                    "after": after,
                    "reads": flow.reads.iter().map(table).collect::<Vec<_>>(),
                    "files": files,
                    "writes": flow.writes.iter().map(table).collect::<Vec<_>>(),
                    "exports": flow.exports,
                    "gates": gate_texts(step),
                    "gathers": self.gathers(step),
                })
            })
            .collect();
        let parameters: Vec<Json> = self
            .bound
            .parameters
            .iter()
            .map(|parameter| run::parameters::to_json(parameter, &self.bound.settings))
            .collect();
        let choice = self.choice.as_ref().ok();
        json!({
            "schema_version": SCHEMA_VERSION,
            "engine": choice.map(|choice| choice.engine_name()),
            "database": choice.map(|choice| choice.database.display().to_string()),
            "steps": steps,
            "exports": self.sources().iter().map(|source| json!({
                "table": source.name,
                "of": source.manifest.table.to_string(),
                "snapshot": source.manifest.snapshot,
                "rows": source.manifest.rows,
                "files": source.manifest.shards.len(),
                "bytes": source.manifest.size(),
            })).collect::<Vec<_>>(),
            "parameters": parameters,
            "lookahead": self.report.as_ref().map(Report::json),
        })
    }
}

/// The first line of what an error says.
fn first_line(error: &Error) -> String {
    let text = error.render("");
    let text = text.trim_start_matches(": ");
    text.lines().next().unwrap_or_default().to_owned()
}

fn gate_texts(step: &Step) -> Vec<String> {
    if !gates::is_gate(step) {
        return Vec::new();
    }
    let tests = step.expectations.tests.iter();
    let tests = tests.map(|expectation| match &expectation.message {
        Some(message) => format!(
            "{} ({}: {message})",
            expectation.test,
            expectation.severity.name()
        ),
        None => format!("{} ({})", expectation.test, expectation.severity.name()),
    });
    let mut texts: Vec<String> = tests.collect();
    if texts.is_empty() {
        let severity = step.expectations.severity.unwrap_or_default();
        texts.push(severity.name().to_owned());
    }
    texts
}

/// The files of a path.
struct Files {
    files: Vec<PathBuf>,
    rows: Option<u64>,
    bytes: u64,
}

impl Files {
    fn of(path: &str) -> Self {
        let files = inputs::files(path).unwrap_or_default();
        let bytes = files
            .iter()
            .filter_map(|file| Some(std::fs::metadata(file).ok()?.len()))
            .sum();
        let rows = match files.is_empty() {
            true => None,
            false => inputs::parquet_rows(&files),
        };
        Self { files, rows, bytes }
    }

    fn text(&self) -> String {
        match (self.files.len(), self.rows) {
            (0, _) => "not there".to_owned(),
            (1, Some(count)) => rows(count),
            (files, Some(count)) => format!("{files} files, {}", rows(count)),
            (1, None) => size(self.bytes),
            (files, None) => format!("{files} files, {}", size(self.bytes)),
        }
    }

    fn to_json(&self, path: &str) -> Json {
        json!({
            "path": secrets::masked(path),
            "files": self.files.len(),
            "rows": self.rows,
            "bytes": self.bytes,
        })
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", thousands(bytes / 1_000_000)),
    }
}
