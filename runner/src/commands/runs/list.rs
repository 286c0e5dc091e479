//! `lagrange runs list`.

use serde_json::{Value as Json, json};

use super::{duration, table};
use crate::cli::RunsListArgs;
use crate::error::{Result, Status};
use crate::printer::Printer;
use crate::runs::{Run, RunFolder, Store};
use crate::settings::Settings;
use crate::tracking::mlflow;

/// Runs the command.
pub fn list(args: &RunsListArgs, printer: &Printer) -> Result<Status> {
    let settings = Settings::resolve(&args.settings)?;
    let store = Store::open(&settings);
    let mut runs = Vec::new();
    let ids = store.ids();
    for id in &ids {
        if runs.len() == args.limit {
            break;
        }
        let folder = store.folder(id);
        match folder.read() {
            Ok(run) => {
                let wanted = args.status.as_deref();
                if wanted.is_none_or(|status| run.status.name().eq_ignore_ascii_case(status)) {
                    runs.push((folder, run));
                }
            }
            Err(error) => printer.notice(&error.to_string()),
        }
    }
    if !printer.is_text() {
        let list: Vec<Json> = runs
            .iter()
            .map(|(folder, run)| to_json(folder, run))
            .collect();
        printer.result(&format!("{:#}", Json::from(list)));
        return Ok(Status::Success);
    }
    if runs.is_empty() {
        let none = if ids.is_empty() {
            "there are no runs"
        } else {
            "no run fits"
        };
        printer.result(&format!("{none} in {}", store.path().display()));
        return Ok(Status::Success);
    }
    let head = [
        "RUN",
        "STATUS",
        "STARTED (UTC)",
        "TOOK",
        "STEPS",
        "MODELS",
        "TRACKED",
        "NAME",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (folder, run) in &runs {
        rows.push(vec![
            run.id.clone(),
            run.status.name().to_lowercase(),
            run.started_at.plain(),
            run.seconds().map(duration).unwrap_or_default(),
            run.steps.len().to_string(),
            run.models.len().to_string(),
            if mlflow::is_whole(folder) {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
            run.name.clone(),
        ]);
    }
    printer.result(&table(&rows, &[3, 4, 5]));
    Ok(Status::Success)
}

fn to_json(folder: &RunFolder, run: &Run) -> Json {
    json!({
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": run.seconds(),
        "steps": run.steps.len(),
        "models": run.models.len(),
        "tracked": mlflow::is_whole(folder),
        "path": folder.path().display().to_string(),
    })
}
