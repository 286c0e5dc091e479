//! `lagrange run`: executes scripts step by step on one engine.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::check;
use crate::cli::{CheckMode, RunArgs};
use crate::engines::{Choice, Engine, Outcome};
use crate::error::{Error, Result, Status};
use crate::parameters::{self, Step};
use crate::printer::{Printer, rows};
use crate::registry::{self, Registry, Saved};
use crate::runs::RunStatus;
use crate::script::{self, Action};
use crate::settings::Settings;
use crate::tracking::{self, Beginning, Published, StepEnd, Tracking};
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
    let beginning = Beginning::of(&scripts, &set, &settings);
    let steps = parameters::bind(scripts, &set, &settings.parameters)?;
    let checked = match args.check {
        CheckMode::Off => None,
        CheckMode::Static | CheckMode::Replay => Some(check::gate(&steps, printer)?),
    };
    if args.dry_run {
        list(&steps, printer, report);
        return Ok(());
    }
    let choice = Choice::resolve(args.engine, &settings)?;
    if args.check == CheckMode::Replay {
        check::replay_gate(&steps, &choice, &settings, printer)?;
    }
    let registry = Registry::open(&settings.model_registry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start threads: {error}")))?;
    printer.progress(&format!("{choice}, {} workers", settings.max_workers));
    let trials = TrialFiles::keep(choice.beside("trials"), printer.ticker());
    let beginning = beginning.checked(args.check.name(), checked.as_ref());
    runtime.block_on(async {
        let required = args.require_tracking;
        let mut tracking = Tracking::start(beginning, &settings, &choice, required).await?;
        tracking.tell(printer);
        let outcome = match choice.open(&settings).await {
            Ok(engine) => {
                let mut run = Run {
                    engine,
                    registry,
                    tracking: &mut tracking,
                    trials,
                    printer,
                    report: &mut *report,
                };
                run.steps(&steps).await
            }
            Err(error) => Err(error),
        };
        let status = match &outcome {
            Ok(()) => RunStatus::Finished,
            Err(_) if report.interrupted => RunStatus::Killed,
            Err(_) => RunStatus::Failed,
        };
        let error = outcome.as_ref().err().map(|error| &**error);
        tracking.finish(status, error).await;
        tracking.tell(printer);
        outcome
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
    registry: Registry,
    tracking: &'a mut Tracking,
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
                Ok((outcome, saved, models)) => {
                    report.rows = outcome.rows;
                    self.show(&label, &outcome, seconds);
                    report.result = outcome.shown.map(|shown| shown.to_json());
                    let end = StepEnd {
                        index: i + 1,
                        step,
                        done: true,
                        rows: outcome.rows,
                        seconds,
                        models,
                    };
                    self.tracking.step(end, self.engine.as_mut()).await;
                    self.tracking.tell(self.printer);
                    self.report.steps.push(report);
                    self.report.models.extend(saved);
                }
                Err(error) => {
                    report.status = "failed";
                    self.report.steps.push(report);
                    let end = StepEnd {
                        index: i + 1,
                        step,
                        done: false,
                        rows: None,
                        seconds,
                        models: Vec::new(),
                    };
                    self.tracking.step(end, self.engine.as_mut()).await;
                    self.tracking.tell(self.printer);
                    return Err(failure(error, step, i, steps.len()));
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(Outcome, Vec<Saved>, Vec<Published>)> {
        let outcome = self.engine.execute(step).await?;
        let (saved, models) = match step.description.action {
            Action::CreateTable { temporary: false } => self.save_models(step).await?,
            _ => Default::default(),
        };
        Ok((outcome, saved, models))
    }

    /// Saves the models of the table that a step has made.
    async fn save_models(&mut self, step: &Step) -> Result<(Vec<Saved>, Vec<Published>)> {
        let Some(target) = &step.description.target else {
            return Ok(Default::default());
        };
        let table = target
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map_or_else(|| target.to_string(), |name| name.value.clone());
        let mut seen = HashSet::new();
        let mut saved = Vec::new();
        let mut models = Vec::new();
        let registry = &self.registry;
        let mut sink = |bytes: &[u8], key| {
            if !seen.insert(Sha256::digest(bytes)) {
                return Ok(());
            }
            let model = lagrange_udfs::models::Model::read(bytes)?;
            models.push(Published::of(&table, &key, bytes));
            let description = registry::Description {
                table: &table,
                script: &step.source.file,
                header: model.header_json(),
                key,
            };
            saved.push(registry.save(bytes, description)?);
            Ok(())
        };
        self.engine.models(target, &mut sink).await?;
        tracking::name_apart(&mut models);
        Ok((saved, models))
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
                    "path": saved.path.display().to_string(),
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
            let known = if model.new { "" } else { "  (unchanged)" };
            printer.result(&format!("model  {}{known}", model.path.display()));
        }
    }
}
