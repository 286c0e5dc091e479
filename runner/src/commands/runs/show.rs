//! `lagrange runs show`.

use super::{duration, short, table};
use crate::cli::RunsShowArgs;
use crate::error::{Error, Result, Status};
use crate::printer::{Printer, rows};
use crate::runs::{Run, Store};
use crate::settings::Settings;
use crate::tracking::mlflow;

/// How many metrics are shown; all are in `--output json`.
const MOST_METRICS: usize = 60;
/// How wide a value is shown.
const WIDTH: usize = 60;

/// Runs the command.
pub fn show(args: &RunsShowArgs, printer: &Printer) -> Result<Status> {
    let settings = Settings::resolve(&args.settings)?;
    let (folder, run) = Store::open(&settings).find(&args.run)?;
    if !printer.is_text() {
        let json = serde_json::to_string_pretty(&run)
            .map_err(|error| Error::internal(format!("the run as JSON: {error}")))?;
        printer.result(&json);
        return Ok(Status::Success);
    }
    let mut text = head(&run);
    let tracked = if mlflow::is_whole(&folder) {
        "yes"
    } else {
        "no; lagrange runs sync uploads it"
    };
    text.push_str(&format!("tracked     {tracked}\n"));
    text.push_str(&format!("folder      {}\n", folder.path().display()));
    text.push_str(&parts(&run));
    printer.result(&text);
    Ok(Status::Success)
}

fn head(run: &Run) -> String {
    let mut lines = vec![
        ("run", run.id.clone()),
        ("name", run.name.clone()),
        ("status", run.status.name().to_lowercase()),
        ("started", format!("{} UTC", run.started_at.plain())),
    ];
    let took = run.seconds().map(duration);
    lines.extend(took.map(|took| ("took", took)));
    let version = run.engine.version.as_deref().unwrap_or_default();
    let engine = format!("{} {version} on {}", run.engine.name, run.engine.database);
    lines.push(("engine", engine));
    lines.push(("environment", run.environment.clone()));
    if let Some(git) = &run.git {
        let dirty = if git.dirty {
            ", and files that differ"
        } else {
            ""
        };
        lines.push(("commit", format!("{}{dirty}", git.commit)));
    }
    if let Some(guard) = &run.guard {
        lines.push(("check", format!("{}: {}", guard.mode, guard.verdict)));
    }
    if let Some(message) = run
        .error
        .as_ref()
        .and_then(|error| error["message"].as_str())
    {
        lines.push(("error", message.to_owned()));
    }
    lines
        .iter()
        .map(|(name, value)| format!("{name:<12}{value}\n"))
        .collect()
}

/// A value as far as a line has room.
fn shortened(value: &str) -> String {
    if value.chars().count() <= WIDTH {
        return value.to_owned();
    }
    let mut cut: String = value.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}

fn parts(run: &Run) -> String {
    let mut text = String::new();
    let mut part = |name: &str, rows: Vec<Vec<String>>, right: &[usize]| {
        if !rows.is_empty() {
            text.push_str(&format!("\n{name}\n"));
            for line in table(&rows, right).lines() {
                text.push_str(&format!("  {line}\n"));
            }
        }
    };
    let parameters = run.parameters.iter().map(|parameter| {
        vec![
            parameter.name.clone(),
            shortened(&parameter.value),
            parameter.origin.clone(),
        ]
    });
    part("parameters", parameters.collect(), &[]);
    let steps = run.steps.iter().map(|step| {
        vec![
            step.index.to_string(),
            format!(
                "{} {}",
                step.kind,
                step.target.as_deref().unwrap_or_default()
            ),
            step.rows.map(rows).unwrap_or_default(),
            step.seconds.map(duration).unwrap_or_default(),
            step.status.clone(),
        ]
    });
    part("steps", steps.collect(), &[0, 2, 3]);
    let metrics = run.metrics.iter().take(MOST_METRICS).map(|metric| {
        let step = if metric.step == 0 {
            String::new()
        } else {
            format!("step {}", metric.step)
        };
        vec![metric.key.clone(), short(metric.value), step]
    });
    let mut metrics: Vec<Vec<String>> = metrics.collect();
    let more = run.metrics.len().saturating_sub(MOST_METRICS);
    if more > 0 {
        metrics.push(vec![format!("... and {more} more: --output json")]);
    }
    part("metrics", metrics, &[1]);
    let models = run.models.iter().map(|model| {
        let algorithm = crate::runs::results::plain(&model.header["algorithm"]);
        let digest = model.sha256.get(..12).unwrap_or_default().to_owned();
        vec![model.name.clone(), algorithm, digest]
    });
    part("models", models.collect(), &[]);
    let tables = run.tables.iter().map(|table| {
        let cut = if table.truncated { ", cut off" } else { "" };
        let count = rows(table.rows as u64);
        vec![
            table.name.clone(),
            table.kind.name(),
            format!("{count}{cut}"),
        ]
    });
    part("result tables", tables.collect(), &[]);
    let datasets = run.datasets.iter().map(|dataset| {
        let count = dataset.rows.map(rows).unwrap_or_default();
        vec![
            dataset.name.clone(),
            dataset.context.clone(),
            count,
            dataset.digest.clone(),
        ]
    });
    part("datasets", datasets.collect(), &[2]);
    text
}
