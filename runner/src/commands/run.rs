//! `lagrange run`: executes scripts step by step on one engine.
//!
//! - [`steps`]: the loop.
//! - [`publish`], [`track`]: what the registry and the tracking server hear of it.
//! - [`report`]: what a run did.

mod publish;
mod report;
mod steps;
mod track;

use std::collections::BTreeMap;

use self::report::{Report, StepReport};
use self::steps::Run;
use super::check;
use crate::cli::{CheckMode, RunArgs};
use crate::engines::Choice;
use crate::error::{Error, Result, Status};
use crate::parameters::{self, Step};
use crate::printer::Printer;
use crate::registry::Registry;
use crate::script;
use crate::settings::Settings;
use crate::tracking::Beginning;
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
    let mut registry = Registry::open(&settings.model_registry)?;
    if args.check != CheckMode::Off {
        registry.origin.guard = publish::guard(&steps);
    }
    let beginning = beginning.checked(args.check.name(), checked.as_ref());
    let mut tracking = track::begin(beginning, &settings, &choice, args, printer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start threads: {error}")))?;
    printer.progress(&format!("{choice}, {} workers", settings.max_workers));
    let trials = TrialFiles::keep(choice.beside("trials"), printer.ticker());
    runtime.block_on(async {
        track::connect(&mut tracking, &settings, args, printer).await?;
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
        track::end(&mut tracking, &outcome, report.interrupted, printer).await;
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
