//! `lagrange runs sync`: uploads what the tracking server does not have.

use serde_json::{Value as Json, json};

use crate::cli::RunsSyncArgs;
use crate::commands::answer::threads;
use crate::error::{Error, Result, Status};
use crate::printer::Printer;
use crate::registry::Registry;
use crate::runs::{Run, RunFolder, RunStatus, Store};
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::tracking::{Tracker, mlflow};

/// Runs the command.
pub fn sync(args: &RunsSyncArgs, printer: &Printer) -> Result<Status> {
    let settings = Settings::resolve(&args.settings)?;
    let store = Store::open(&settings);
    let named = !args.runs.is_empty();
    let mut runs: Vec<(RunFolder, Run)> = Vec::new();
    if named {
        for name in &args.runs {
            runs.push(store.find(name)?);
        }
    } else {
        // The earliest first: a model's versions then follow each other in time.
        for id in store.ids().iter().rev() {
            let folder = store.folder(id);
            match folder.read() {
                Ok(run) => runs.push((folder, run)),
                Err(error) => printer.notice(&error.to_string()),
            }
        }
    }
    let runtime = threads()?;
    runtime.block_on(upload(&settings, runs, named, printer))
}

async fn upload(
    settings: &Settings,
    runs: Vec<(RunFolder, Run)>,
    named: bool,
    printer: &Printer,
) -> Result<Status> {
    let secrets = Secrets::of_environment();
    let mut uploader = mlflow::connect(settings)
        .await
        .map_err(|reason| Error::failed(reason).hint("start it, or set mlflow.tracking_uri"))?;
    let registry = Registry::open(&settings.model_registry)?;
    let mut lines = Vec::new();
    let mut failed = false;
    for (folder, run) in &runs {
        let outcome = if run.status == RunStatus::Running {
            if !named {
                continue;
            }
            "it is still running".to_owned()
        } else if uploader.has_all(folder) {
            if !named {
                continue;
            }
            "the server has all of it".to_owned()
        } else {
            // What its process could not say any more.
            folder.save(run)?;
            let mut run = run.clone();
            as_promoted(&registry, &mut run).await;
            let outcome = uploader.bring(folder, &run).await;
            if let Some(reason) = outcome.lost {
                let reason = secrets.clean(&reason);
                return Err(Error::failed(format!("{}: {reason}", run.id))
                    .hint("what was uploaded is noted; lagrange runs sync goes on from there"));
            }
            failed |= !outcome.refused.is_empty();
            for reason in &outcome.refused {
                let reason = secrets.clean(reason);
                printer.notice(&format!("{}: the tracking server refused {reason}", run.id));
            }
            uploader.page().unwrap_or_default()
        };
        lines.push((run.id.clone(), outcome));
    }
    if printer.is_text() {
        for (id, outcome) in &lines {
            printer.result(&format!("{id}  {outcome}"));
        }
        if lines.is_empty() {
            printer.result("the server has all runs");
        }
    } else {
        let list: Vec<Json> = lines
            .iter()
            .map(|(id, outcome)| json!({ "id": id, "outcome": outcome }))
            .collect();
        printer.result(&format!("{:#}", Json::from(list)));
    }
    Ok(if failed {
        Status::Failed
    } else {
        Status::Success
    })
}

/// The aliases of a run's models as they are by now: somebody may have promoted another
/// version since it ended.
async fn as_promoted(registry: &Registry, run: &mut Run) {
    for model in &mut run.models {
        // A registry that does not answer leaves what the run said.
        let Ok(heads) = registry.heads(&model.name).await else {
            continue;
        };
        let version = model
            .version
            .as_ref()
            .and_then(|version| version.parse().ok());
        let own = heads.iter().find(|head| Some(head.version) == version);
        model.alias = own.map(|head| head.entry.alias.clone());
    }
}
