//! `lagrange run`: executes scripts step by step on one engine. `lagrange test` does
//! the same with their gates alone.
//!
//! - [`work`]: the thread that has the engine, and the one that can stop it.
//! - [`steps`]: the loop; [`gates`], [`evidence`]: what must hold, and why it does not.
//! - [`select`], [`memory`]: which steps run, and which need not; [`sources`]: what they
//!   read from BigQuery.
//! - [`publish`], [`track`]: what the registry and the tracking server hear of it;
//!   [`settle`]: what becomes of the models at the end; [`upload`]: what others read.
//! - [`results`], [`reports`], [`parameters`], [`clock`]: what a run did.

mod clock;
mod evidence;
pub(super) mod gates;
mod memory;
pub(super) mod parameters;
mod publish;
mod reports;
mod results;
mod select;
mod settle;
mod sources;
mod steps;
mod track;
mod upload;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::results::{ResultFiles, Results};
pub use self::select::SelectArgs;
use self::steps::lock;
use self::upload::Upload;
use self::work::{Mode, Order};
use super::answer::threads;
use super::{catalogue, check, plan};
use crate::cli::{CheckMode, EngineArg, RunArgs, TestArgs};
use crate::cloud::bigquery::sources::{Source, SourceArgs};
use crate::cloud::vertex::bundle::Bundle;
use crate::cluster;
use crate::cluster::replicas::Beside;
use crate::engines::Choice;
use crate::error::{Error, Result, Status};
use crate::files::sha256;
use crate::flow::{self, Flow};
use crate::parameters::{self as script_parameters, Parameter, Step};
use crate::printer::Printer;
use crate::registry::Registry;
use crate::script::{self, Script};
use crate::settings::Settings;
use crate::tracking::Beginning;

/// Where results are written, as the command line says it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ResultArgs {
    /// Results as JSON [default: run_results.json beside the database].
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,

    /// Results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Append a summary in Markdown [default: $GITHUB_STEP_SUMMARY, where it is set].
    #[arg(long, value_name = "FILE")]
    pub github_summary: Option<PathBuf>,
}

/// Runs `lagrange run`.
pub fn run(args: &RunArgs) -> Status {
    let printer = Arc::new(Printer::with(args.output, &args.verbosity));
    if let Some(address) = &args.bundle
        && let Err(error) = unpacked(address)
    {
        printer.error(&error);
        return error.status();
    }
    if args.dry_run {
        return plan::plan(&plan::from_run(args));
    }
    let results = Arc::new(Mutex::new(Results::new("run")));
    let mut beside = None;
    let outcome = run_scripts(args, &printer, &results, &mut beside);
    end(&printer, &results, &args.results, beside, outcome)
}

/// Runs `lagrange test`.
pub fn test(args: &TestArgs) -> Status {
    let printer = Arc::new(Printer::with(args.output, &args.verbosity));
    let results = Arc::new(Mutex::new(Results::new("test")));
    let outcome = test_scripts(args, &printer, &results);
    // The results of the run that made the tables stay.
    end(&printer, &results, &args.results, None, outcome)
}

/// Puts the files of a bundle into the working directory.
fn unpacked(address: &str) -> Result<()> {
    let runtime = threads()?;
    runtime.block_on(Bundle::unpack(address, Path::new(".")))
}

/// Says what has happened, and writes it down. `beside`: where results go that are
/// not asked for.
fn end(
    printer: &Printer,
    results: &Mutex<Results>,
    args: &ResultArgs,
    beside: Option<PathBuf>,
    outcome: Result<()>,
) -> Status {
    printer.stop();
    let mut results = lock(results);
    results.bury();
    let mut error = outcome.err();
    let status = |error: &Option<Box<Error>>| {
        error
            .as_ref()
            .map_or(Status::Success, |error| error.status())
    };
    let summary = args.github_summary.clone().or_else(|| {
        let file = std::env::var_os("GITHUB_STEP_SUMMARY")?;
        (!file.is_empty()).then(|| PathBuf::from(file))
    });
    let files = ResultFiles {
        json: args.results.as_deref(),
        junit: args.junit.as_deref(),
        summary: summary.as_deref(),
    };
    if let Err(failed) = results.write(&files, status(&error), error.as_deref()) {
        match &error {
            // The first error is the one to report.
            Some(_) => printer.warning(&failed),
            None => error = Some(failed),
        }
    }
    if let (None, Some(path)) = (&args.results, &beside) {
        let file = ResultFiles {
            json: Some(path),
            ..ResultFiles::default()
        };
        if let Err(failed) = results.write(&file, status(&error), error.as_deref()) {
            printer.warning(&failed);
        }
    }
    if printer.is_text() {
        if error.is_none() {
            results.summarise(printer);
        }
    } else {
        let json = results.to_json(status(&error), error.as_deref(), true);
        printer.result(&format!("{json:#}"));
    }
    if let Some(error) = &error {
        printer.error(error);
    }
    if !results.steps.is_empty() {
        let verb = match status(&error) {
            Status::Success => "done",
            Status::Interrupted => "interrupted",
            _ => "failed",
        };
        printer.progress(&results.total(verb));
    }
    status(&error)
}

/// Which steps are selected, in their order.
///
/// # Errors
/// A name that no step makes.
pub(super) fn select(args: &SelectArgs, flows: &[Flow]) -> Result<Vec<bool>> {
    select::select(args, flows)
}

/// Finds the tables that come from exports.
///
/// # Errors
/// See [`sources::found`].
pub(super) fn find_sources(
    choice: &Choice,
    settings: &Settings,
    flows: &[Flow],
    selected: &[bool],
    args: &SourceArgs,
) -> Result<Vec<Arc<Source>>> {
    sources::found(choice, settings, flows, selected, args, &|_| {})
}

/// Scripts, read and bound.
pub(super) struct Bound {
    pub settings: Settings,
    pub steps: Vec<Step>,
    pub parameters: Vec<Parameter>,
    /// The file and the SHA-256 of each script.
    pub scripts: Vec<(String, String)>,
    /// The same for the record of a run.
    pub beginning: Beginning<'static>,
}

/// Reads scripts and puts their parameters in place.
///
/// # Errors
/// See [`script::read`] and [`script_parameters::bind`].
pub(super) fn bind(
    files: &[String],
    set: &[(String, String)],
    settings: Settings,
) -> Result<Bound> {
    let scripts = files
        .iter()
        .map(|file| script::read(file))
        .collect::<Result<Vec<Script>>>()?;
    let digests = scripts
        .iter()
        .map(|script| {
            let sha256 = sha256(script.source.text.as_bytes());
            (script.source.file.clone(), sha256)
        })
        .collect();
    let set: BTreeMap<String, String> = set.iter().cloned().collect();
    let beginning = Beginning::of(&scripts, &set, &settings);
    let (steps, parameters) = script_parameters::bind(scripts, &set, &settings.parameters)?;
    gates::check(&steps)?;
    Ok(Bound {
        settings,
        steps,
        parameters,
        scripts: digests,
        beginning,
    })
}

impl Bound {
    /// Notes for the results what is known before anything runs.
    fn note(&self, results: &Mutex<Results>) {
        let about = &mut lock(results).about;
        about.scripts.clone_from(&self.scripts);
        about.parameters = self
            .parameters
            .iter()
            .map(|parameter| parameters::to_json(parameter, &self.settings))
            .collect();
        about.environment = self
            .settings
            .values
            .get("environment")
            .map(|(name, _)| name.plain());
    }
}

fn note_choice(choice: &Choice, results: &Mutex<Results>) {
    let about = &mut lock(results).about;
    about.engine = Some(choice.engine_name());
    about.database = Some(choice.database.display().to_string());
}

/// The processes beside this one on the first of so many machines of a job. Rows are cut
/// into as many parts as there are cores.
fn machines(replicas: u16, settings: &mut Settings) -> Result<Beside> {
    cluster::check()?;
    let beside = Beside::start(settings.max_workers, settings.memory_limit)?;
    settings.max_workers *= usize::from(replicas);
    Ok(beside)
}

fn run_scripts(
    args: &RunArgs,
    printer: &Arc<Printer>,
    results: &Arc<Mutex<Results>>,
    beside: &mut Option<PathBuf>,
) -> Result<()> {
    let mut settings = Settings::resolve(&args.settings)?.with_resources(&args.resources)?;
    let machines = match args.replicas {
        Some(replicas) => Some(machines(replicas, &mut settings)?),
        None => None,
    };
    let engine = match &machines {
        Some(machines) => Some(&EngineArg::of_cluster(machines.scheduler())),
        None => args.engine.as_ref(),
    };
    let bound = bind(&args.scripts, &args.set, settings)?;
    bound.note(results);
    let flows = flow::of(&bound.steps);
    let selected = select::select(&args.selection, &flows)?;
    let report = (args.check != CheckMode::Off).then(|| catalogue::report(&bound.steps));
    let gate = |report| check::gate(report, printer);
    let checked = report.as_ref().map_or(Ok(()), gate);
    let mut choice = Choice::resolve(engine, &bound.settings)?;
    note_choice(&choice, results);
    if checked.is_ok() {
        // An export costs something, which a script that is refused is not worth.
        let sources = &args.sources;
        sources::add(&mut choice, &bound, &flows, &selected, sources, printer)?;
    }
    if choice.database != Path::new(":memory:") {
        *beside = Some(choice.beside("run_results.json"));
    }
    // What cannot be done at the end is said before anything runs.
    Upload::of(&bound.settings, None, args.publish)?;
    let mut registry = Registry::open(&bound.settings.model_registry)?;
    let checked = match (checked, &report) {
        (Ok(()), Some(report)) => {
            registry.origin.guard = publish::guard(report);
            match args.check {
                CheckMode::Replay => {
                    let (steps, settings) = (&bound.steps, &bound.settings);
                    check::replay_gate(steps, report, &choice, settings, printer)
                }
                CheckMode::Static | CheckMode::Off => Ok(()),
            }
        }
        (checked, _) => checked,
    };
    registry.origin.gates = settle::expected(&bound.steps);
    let beginning = bound.beginning.checked(args.check.name(), report.as_ref());
    let mut tracking = track::begin(beginning, &bound.settings, &choice, args, printer)?;
    if let Err(error) = checked {
        track::refuse(&mut tracking, &bound.settings, error, printer)?;
    }
    registry.origin.run_id = tracking.id().map(str::to_owned);
    let upload = Upload::of(&bound.settings, tracking.id(), args.publish)?;
    printer.progress(&format!("{choice}, {} workers", bound.settings.max_workers));
    let order = Order {
        scripts: args.scripts.clone(),
        choice,
        settings: bound.settings,
        steps: bound.steps,
        flows,
        selected,
        mode: Mode::Run {
            resume: args.resume,
            keep_going: args.keep_going && !args.fail_fast,
        },
        timeout: args.timeout,
        registry,
        tracking: Some((tracking, args.require_tracking)),
        upload,
    };
    work::work(order, printer, results)
}

fn test_scripts(
    args: &TestArgs,
    printer: &Arc<Printer>,
    results: &Arc<Mutex<Results>>,
) -> Result<()> {
    let settings = Settings::resolve(&args.settings)?.with_resources(&args.resources)?;
    let bound = bind(&args.scripts, &args.set, settings)?;
    bound.note(results);
    let flows = flow::of(&bound.steps);
    let mut selected = select::select(&args.selection, &flows)?;
    for (i, step) in bound.steps.iter().enumerate() {
        selected[i] = flows[i].session || selected[i] && gates::is_standing(step);
    }
    if !bound.steps.iter().any(gates::is_standing) {
        let message = format!("no gate in {}", args.scripts.join(", "));
        return Err(Error::usage(message).hint(
            "write ASSERT condition AS 'message'; or a comment -- expect: rows above a SELECT",
        ));
    }
    let mut choice = Choice::resolve(args.engine.as_ref(), &bound.settings)?;
    note_choice(&choice, results);
    sources::add(
        &mut choice,
        &bound,
        &flows,
        &selected,
        &args.sources,
        printer,
    )?;
    if !choice.database.exists() {
        let message = format!("there is no database {}", choice.database.display());
        let hint = format!("lagrange run {} makes it", args.scripts.join(" "));
        return Err(Error::usage(message).hint(hint));
    }
    let registry = Registry::open(&bound.settings.model_registry)?;
    let order = Order {
        scripts: args.scripts.clone(),
        choice,
        settings: bound.settings,
        steps: bound.steps,
        flows,
        selected,
        mode: Mode::Test,
        timeout: args.timeout,
        registry,
        tracking: None,
        upload: None,
    };
    work::work(order, printer, results)
}

/// `90`, `90s`, `15m`, `2h`
///
/// # Errors
/// Text that is no length of time.
pub fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 0.0,
    };
    match number.parse::<f64>() {
        Ok(number) if number * factor > 0.0 && number * factor < 1e9 => {
            Ok(Duration::from_secs_f64(number * factor))
        }
        _ => Err("write seconds, or an amount such as 90s, 15m or 2h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [("90", 90.0), ("1.5m", 90.0), ("2h", 7200.0), ("50ms", 0.05)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)));
        }
        for text in ["", "0", "-1", "5 days", "s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
