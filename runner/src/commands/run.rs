//! `lagrange run`: executes scripts step by step on one engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::check;
use crate::cli::{CheckMode, RunArgs};
use crate::engines::{Choice, Engine, Outcome};
use crate::error::{Error, Result, Status};
use crate::parameters::{self, Step};
use crate::printer::{Printer, rows};
use crate::registry::Published;
use crate::registry::steps::Publisher;
use crate::script::{self, Action};
use crate::settings::Settings;
use crate::tracking::{self, Tracker};
use crate::trials::TrialFiles;

/// Runs the command.
pub fn run(args: &RunArgs) -> Status {
    let printer = Printer::new(args.output);
    let mut report = Report::default();
    let outcome = run_scripts(args, &printer, &mut report);
    printer.stop();
    let status = match &outcome {
        Ok(()) => Status::Success,
        Err(_) if report.interrupted => Status::Interrupted,
        Err(error) => error.status(),
    };
    if printer.is_text() {
        if outcome.is_ok() && !args.dry_run {
            report.summarise(&printer);
        }
    } else {
        let error = outcome.as_ref().err().map(|error| error.to_json());
        printer.result(&format!("{:#}", report.to_json(status, error)));
    }
    if let Err(error) = &outcome {
        printer.error(error);
    }
    status
}

fn run_scripts(args: &RunArgs, printer: &Printer, report: &mut Report) -> Result<()> {
    let settings = Settings::resolve(&args.settings)?;
    let scripts = args
        .scripts
        .iter()
        .map(|file| script::read(file))
        .collect::<Result<Vec<_>>>()?;
    let set: BTreeMap<String, String> = args.set.iter().cloned().collect();
    let steps = parameters::bind(scripts, &set, &settings.parameters)?;
    if args.check != CheckMode::Off {
        check::gate(&steps, printer)?;
    }
    if args.dry_run {
        list(&steps, printer, report);
        return Ok(());
    }
    let choice = Choice::resolve(args.engine, &settings)?;
    if args.check == CheckMode::Replay {
        check::replay_gate(&steps, &choice, &settings, printer)?;
    }
    let publisher = Publisher::new(&settings, &choice, args.check, &steps)?;
    let connection = tracking::connect(&settings);
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start threads: {error}")))?;
    printer.progress(&format!("{choice}, {} workers", settings.max_workers));
    let trials = TrialFiles::keep(choice.beside("trials"), printer.ticker());
    runtime.block_on(async {
        let engine = choice.open(&settings).await?;
        let mut run = Run {
            engine,
            publisher,
            tracker: connection.tracker,
            trials,
            printer,
            report,
        };
        run.steps(&steps).await
    })
}

/// `--dry-run`: what would be done.
fn list(steps: &[Step], printer: &Printer, report: &mut Report) {
    for (i, step) in steps.iter().enumerate() {
        report.steps.push(StepReport::of(i, step, "planned"));
        if printer.is_text() {
            printer.result(&format!(
                "[{}/{}] {}:{}  {}",
                i + 1,
                steps.len(),
                step.source.file,
                step.start.line,
                step.description
            ));
        }
    }
}

/// A run under way.
struct Run<'a> {
    engine: Box<dyn Engine>,
    publisher: Publisher<'a>,
    tracker: Box<dyn Tracker>,
    trials: Arc<TrialFiles>,
    printer: &'a Printer,
    report: &'a mut Report,
}

impl Run<'_> {
    async fn steps(&mut self, steps: &[Step]) -> Result<()> {
        for (i, step) in steps.iter().enumerate() {
            let label = format!("[{}/{}] {}", i + 1, steps.len(), step.description);
            self.printer.start(&label);
            let start = Instant::now();
            let outcome = self.step(step).await;
            self.trials.step_ended();
            self.report.interrupted = self.trials.was_interrupted();
            let seconds = start.elapsed().as_secs_f64();
            self.printer.stop();
            let mut report = StepReport::of(i, step, "done");
            report.seconds = Some(seconds);
            match outcome {
                Ok((outcome, saved)) => {
                    report.rows = outcome.rows;
                    self.show(&label, &outcome, seconds);
                    report.result = outcome.shown.map(|shown| shown.to_json());
                    self.tracker
                        .step(&step.description.to_string(), outcome.rows, seconds);
                    self.report.steps.push(report);
                    self.report.models.extend(saved.iter().map(Saved::of));
                }
                Err(error) => {
                    report.status = "failed";
                    self.report.steps.push(report);
                    return Err(failure(error, step, i, steps.len()));
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(Outcome, Vec<Published>)> {
        let outcome = self.engine.execute(step).await?;
        let saved = match step.description.action {
            Action::CreateTable { temporary: false } => {
                self.publisher.step(step, self.engine.as_mut()).await?
            }
            _ => Vec::new(),
        };
        Ok((outcome, saved))
    }

    fn show(&self, label: &str, outcome: &Outcome, seconds: f64) {
        let count = outcome.rows.map(rows).unwrap_or_default();
        self.printer
            .progress(&format!("{label:<50} {count:>18} {seconds:>9.2} s"));
        if let (Some(shown), true) = (&outcome.shown, self.printer.is_text()) {
            self.printer.result(&format!("{shown}\n"));
        }
    }
}

/// Says which step failed, where it stands and how it reads.
fn failure(error: Box<Error>, step: &Step, i: usize, count: usize) -> Box<Error> {
    let headline = format!("step {}/{count} ({}) failed", i + 1, step.description);
    error
        .headline(headline)
        .at(step.source.place(step.start))
        .excerpt(step.source.lines(step.start, &step.text))
}

/// What a run did.
#[derive(Debug, Default)]
struct Report {
    steps: Vec<StepReport>,
    models: Vec<Saved>,
    interrupted: bool,
}

/// A model that was published.
#[derive(Debug)]
struct Saved {
    table: Option<String>,
    name: String,
    version: u64,
    path: String,
    new: bool,
}

impl Saved {
    fn of(published: &Published) -> Self {
        Self {
            table: published.manifest.lineage.table.clone(),
            name: published.manifest.name.clone(),
            version: published.manifest.version,
            path: published.path.clone(),
            new: published.new,
        }
    }
}

/// What a step did.
#[derive(Debug)]
struct StepReport {
    index: usize,
    file: String,
    line: u64,
    kind: String,
    target: Option<String>,
    is_table: bool,
    rows: Option<u64>,
    seconds: Option<f64>,
    status: &'static str,
    result: Option<Json>,
}

impl StepReport {
    fn of(i: usize, step: &Step, status: &'static str) -> Self {
        Self {
            index: i + 1,
            file: step.source.file.clone(),
            line: step.start.line,
            kind: step.description.kind.clone(),
            target: step.description.target_name(),
            is_table: step.description.action == Action::CreateTable { temporary: false },
            rows: None,
            seconds: None,
            status,
            result: None,
        }
    }

    fn to_json(&self) -> Json {
        let mut json = json!({
            "index": self.index,
            "file": self.file,
            "line": self.line,
            "kind": self.kind,
            "target": self.target,
            "rows": self.rows,
            "seconds": self.seconds,
            "status": self.status,
        });
        if let Some(result) = &self.result {
            json["result"] = result.clone();
        }
        json
    }
}

impl Report {
    fn to_json(&self, status: Status, error: Option<Json>) -> Json {
        let models: Vec<Json> = self
            .models
            .iter()
            .map(|saved| {
                json!({
                    "table": saved.table,
                    "name": saved.name,
                    "version": saved.version,
                    "path": saved.path,
                    "new": saved.new,
                })
            })
            .collect();
        let steps: Vec<Json> = self.steps.iter().map(StepReport::to_json).collect();
        let status = match status {
            Status::Success => "success",
            Status::Failed => "failed",
            Status::Usage => "usage error",
            Status::Internal => "internal error",
            Status::Interrupted => "interrupted",
        };
        let mut json = json!({ "steps": steps, "models": models, "status": status });
        if let Some(error) = error {
            json["error"] = error;
        }
        json
    }

    /// The tables written and the models saved.
    fn summarise(&self, printer: &Printer) {
        // A table that was replaced counts as it is now.
        let mut tables: Vec<(&str, Option<u64>)> = Vec::new();
        for step in self.steps.iter().filter(|step| step.is_table) {
            let name = step.target.as_deref().unwrap_or_default();
            tables.retain(|(other, _)| *other != name);
            tables.push((name, step.rows));
        }
        for (name, count) in tables {
            let count = count.map(rows).unwrap_or_default();
            printer.result(&format!("table  {name:<40} {count:>18}"));
        }
        for model in &self.models {
            let Saved {
                name,
                version,
                path,
                ..
            } = model;
            let known = if model.new { "" } else { "  (unchanged)" };
            let version = format!("version {version}");
            printer.result(&format!("model  {name:<40} {version:>18}  {path}{known}"));
        }
    }
}
