//! Records what `lagrange run` does: in a folder of its own (see [`crate::runs`]),
//! and from there on the tracking server of the settings. The folder comes first:
//! what the server does not get, `lagrange runs sync` uploads later.
//!
//! - [`beginning`]: what is known before anything runs.
//! - [`tables`]: result tables, read through the engine; [`datasets`]: what models
//!   are made from; [`models`]: the models.
//! - [`mlflow`]: the client of the server.

pub mod beginning;
mod datasets;
pub mod mlflow;
mod models;
mod tables;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;

pub use self::beginning::Beginning;
pub use self::models::Published;
use crate::engines::fingerprint::Fingerprints;
use crate::engines::{Choice, Engine};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::parameters::Step;
use crate::printer::Printer;
use crate::registry::Saved;
use crate::report;
use crate::runs::folder::Held;
use crate::runs::moment::Moment;
use crate::runs::record;
use crate::runs::{Run, RunFolder, RunStatus, Store};
use crate::script::Action;
use crate::secrets::Secrets;
use crate::settings::Settings;

/// How long a run must have lasted for a server that was lost on the way to be asked
/// again at its end.
const WORTH_ANOTHER_LOOK: f64 = 5.0;

/// Brings a server to the state of a record.
#[async_trait(?Send)]
pub trait Tracker {
    /// Uploads what the server does not have yet.
    async fn bring(&mut self, folder: &RunFolder, run: &Run) -> Outcome;

    /// Where a person sees the run.
    fn page(&self) -> Option<String>;
}

/// How an upload ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Why it stopped: the server is away, or does not let us in.
    pub lost: Option<String>,
    /// What the server refused.
    pub refused: Vec<String>,
}

/// What there is to be said to the user.
enum Said {
    Notice(String),
    Progress(String),
}

/// A step that has ended.
pub struct StepEnd<'a> {
    /// From 1.
    pub index: usize,
    /// The statement.
    pub step: &'a Step,
    /// Whether it was done.
    pub done: bool,
    /// Rows written or returned.
    pub rows: Option<u64>,
    /// How long it took.
    pub seconds: f64,
    /// The models that its table holds.
    pub models: Vec<Published>,
    /// What it reads and writes.
    pub flow: &'a Flow,
    /// What it reads, as it looks.
    pub fingerprints: Fingerprints,
}

/// Records a run.
pub struct Tracking {
    said: Vec<Said>,
    run: Run,
    /// `None` if it cannot be written.
    folder: Option<RunFolder>,
    _held: Option<Held>,
    secrets: Secrets,
    tracker: Option<Box<dyn Tracker + Send>>,
    away: Option<String>,
    /// The tables of the models that each table and view was made from.
    ancestry: BTreeMap<String, BTreeSet<String>>,
}

impl Tracking {
    /// Begins the record.
    ///
    /// # Errors
    /// A record that cannot be written, where `require` is set.
    pub fn begin(
        beginning: Beginning<'_>,
        settings: &Settings,
        choice: &Choice,
        require: bool,
    ) -> Result<Self> {
        let mut secrets = Secrets::of_environment();
        let mut said = Vec::new();
        let now = Moment::now();
        let (id, folder) = match Store::open(settings).create(now) {
            Ok((id, folder)) => (id, Some(folder)),
            Err(error) if require => return Err(error),
            Err(error) => {
                said.push(Said::Notice(format!("this run is not recorded: {error}")));
                (String::new(), None)
            }
        };
        let held = folder.as_ref().and_then(RunFolder::hold_as_running);
        let (run, files) = beginning.record(id, now, settings, choice, &mut secrets);
        let mut tracking = Self {
            said,
            run,
            folder,
            _held: held,
            secrets,
            tracker: None,
            away: None,
            ancestry: BTreeMap::new(),
        };
        for (path, bytes) in files {
            tracking.put(&path, &bytes);
        }
        tracking.save();
        Ok(tracking)
    }

    /// What the run is called; none if it is not recorded.
    pub fn id(&self) -> Option<&str> {
        (!self.run.id.is_empty()).then_some(self.run.id.as_str())
    }

    /// Tells the server that there is a run.
    ///
    /// # Errors
    /// A server that cannot be reached, where `require` is set.
    pub async fn connect(&mut self, settings: &Settings, require: bool) -> Result<()> {
        if self.folder.is_none() {
            self.away = Some("what is not recorded is not tracked".to_owned());
        } else {
            match mlflow::connect(settings).await {
                Ok(tracker) => {
                    self.tracker = Some(Box::new(tracker));
                    self.bring().await;
                }
                Err(reason) => self.away = Some(reason),
            }
        }
        let Some(reason) = &self.away else {
            return Ok(());
        };
        if require {
            let error = Error::failed(reason.clone());
            let error = error.hint("start it, or leave out --require-tracking");
            self.finish(RunStatus::Failed, Some(&*error)).await;
            return Err(error);
        }
        let text = self.kept(reason);
        self.notice(text);
        Ok(())
    }

    /// Uploads what is new; once the server is lost, the rest waits for the end.
    async fn bring(&mut self) -> Vec<String> {
        let (Some(tracker), Some(folder), None) = (&mut self.tracker, &self.folder, &self.away)
        else {
            return Vec::new();
        };
        let outcome = tracker.bring(folder, &self.run).await;
        self.away = outcome.lost;
        outcome.refused
    }

    /// Where the run is kept, and what to do about it.
    fn kept(&self, reason: &str) -> String {
        match &self.folder {
            Some(folder) => format!(
                "{reason}; the run is kept in {}, and lagrange runs sync uploads it",
                folder.path().display()
            ),
            None => reason.to_owned(),
        }
    }

    /// Records a step: its result table, its models, what they were made from.
    pub async fn step(&mut self, mut end: StepEnd<'_>, engine: &mut dyn Engine) {
        let ended_at = Moment::now();
        let description = &end.step.description;
        self.run.steps.push(record::Step {
            index: end.index,
            file: end.step.source.file.clone(),
            line: end.step.start.line,
            kind: description.kind.clone(),
            target: description.target_name(),
            rows: end.rows,
            seconds: Some(end.seconds),
            status: if end.done { "done" } else { "failed" }.to_owned(),
            ended_at,
        });
        if self.folder.is_none() {
            return;
        }
        if self.run.engine.version.is_none() {
            self.run.engine.version = version(engine).await;
        }
        if end.done {
            let found = self.read(&mut end, engine).await;
            if let Err(error) = found {
                let reason = self.secrets.clean(&error.to_string());
                self.notice(format!("a result is not recorded: {reason}"));
            }
        }
        self.save();
        self.bring().await;
    }

    async fn read(&mut self, end: &mut StepEnd<'_>, engine: &mut dyn Engine) -> Result<()> {
        let step = end.step;
        let described = &step.description;
        let models = self.descend(end);
        let known = &self.run.datasets;
        let fresh = datasets::datasets(step, known, &mut end.fingerprints, engine).await;
        self.run.datasets.extend(fresh);
        if let (Action::CreateTable { temporary: false }, Some(target)) =
            (&described.action, &described.target)
        {
            let at = Moment::now();
            for found in tables::read(target, engine).await? {
                let metrics =
                    crate::runs::measured::metrics(&found.name, found.kind, &found.rows, at);
                // A table that is made again counts as it is now.
                self.run.tables.retain(|table| table.name != found.name);
                self.run.metrics.retain(|metric| metric.table != found.name);
                self.run.metrics.extend(metrics);
                self.add_table(found, &models)?;
            }
        }
        for published in &end.models {
            let (model, files) = models::record(published, step, engine).await;
            for (path, bytes) in files {
                self.put(&path, &bytes);
            }
            self.run.models.retain(|known| known.name != model.name);
            self.run.models.push(model);
        }
        Ok(())
    }

    /// The tables of the models that a step's table was made from: its own, if it holds
    /// models.
    fn descend(&mut self, end: &StepEnd<'_>) -> Vec<String> {
        let own: BTreeSet<String> = end.models.iter().map(|m| m.table.clone()).collect();
        let from = match own.is_empty() {
            false => own,
            true => {
                let reads = end.flow.reads.iter();
                let parents = reads.filter_map(|table| self.ancestry.get(table));
                parents.flatten().cloned().collect()
            }
        };
        for table in &end.flow.writes {
            self.ancestry.insert(table.clone(), from.clone());
        }
        from.into_iter().collect()
    }

    /// The aliases that the models have got.
    pub fn settled(&mut self, models: &[Saved]) {
        let aliases: HashMap<(&str, String), &str> = models
            .iter()
            .filter_map(|saved| {
                let version = saved.version.to_string();
                Some(((saved.name.as_str(), version), saved.alias?))
            })
            .collect();
        for model in &mut self.run.models {
            let version = model.version.clone().unwrap_or_default();
            let alias = aliases.get(&(model.name.as_str(), version));
            model.alias = alias.map(|alias| (*alias).to_owned());
        }
    }

    fn add_table(&mut self, found: tables::Found, models: &[String]) -> Result<()> {
        use crate::runs::written;
        let file = crate::runs::results::file_name(&found.name);
        let table = record::Table {
            columns: found
                .rows
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            rows: found.rows.rows.len(),
            truncated: found.truncated,
            parquet: format!("tables/{file}.parquet"),
            csv: format!("tables/{file}.csv"),
            name: found.name,
            kind: found.kind,
            models: models.to_vec(),
        };
        self.put(&table.parquet, &written::parquet(&found.rows)?);
        self.put(&table.csv, written::csv(&found.rows).as_bytes());
        self.run.tables.push(table);
        Ok(())
    }

    /// Ends the record, and uploads all of it.
    pub async fn finish(&mut self, status: RunStatus, error: Option<&Error>) {
        self.run.status = status;
        self.run.ended_at = Some(Moment::now());
        self.run.error = error.map(|error| self.secrets.clean_json(error.to_json()));
        self.save();
        self.draw();
        if self.folder.is_none() {
            return;
        }
        let lost_before = self.away.is_some();
        let worth = self.run.seconds().unwrap_or_default() > WORTH_ANOTHER_LOOK;
        if lost_before && self.tracker.is_some() && worth {
            self.away = None;
        }
        let refused = self.bring().await;
        for reason in &refused {
            let reason = self.secrets.clean(reason);
            self.notice(format!("the tracking server refused {reason}"));
        }
        match (&self.away, &self.tracker) {
            // That it never answered was said at the beginning.
            (Some(reason), Some(_)) => {
                let text = self.kept(reason);
                self.notice(text);
            }
            (None, Some(tracker)) => {
                if let Some(page) = tracker.page() {
                    self.said.push(Said::Progress(format!("tracked at {page}")));
                }
            }
            _ => {}
        }
    }

    /// The page about the run, and its drawings as files.
    fn draw(&mut self) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        // Of a run that stopped at once there is nothing to see.
        if self.run.steps.is_empty() {
            return;
        }
        let drawn = report::figures(&folder, &self.run)
            .and_then(|figures| Ok((figures, report::page(&folder, &self.run)?)));
        match drawn {
            Ok((figures, page)) => {
                for (i, figure) in figures.iter().enumerate() {
                    let name = figure.slug();
                    let path = format!("plots/{:02}-{name}.svg", i + 1);
                    self.put(&path, figure.file().as_bytes());
                }
                self.put("report.html", page.as_bytes());
                self.save();
            }
            Err(error) => self.notice(format!("there is no report: {error}")),
        }
    }

    /// Prints what there is to be said.
    pub fn tell(&mut self, printer: &Printer) {
        for said in self.said.drain(..) {
            match said {
                Said::Notice(text) => printer.notice(&text),
                Said::Progress(text) => printer.progress(&text),
            }
        }
    }

    fn notice(&mut self, text: String) {
        self.said.push(Said::Notice(text));
    }

    /// Writes a file of the record.
    fn put(&mut self, path: &str, bytes: &[u8]) {
        let Some(folder) = &self.folder else {
            return;
        };
        match folder.put(path, bytes) {
            Ok(artifact) => {
                self.run
                    .artifacts
                    .retain(|known| known.path != artifact.path);
                self.run.artifacts.push(artifact);
            }
            Err(error) => self.not_written(&error),
        }
    }

    fn save(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = folder.save(&self.run)
        {
            self.not_written(&error);
        }
    }

    /// The run goes on unrecorded.
    fn not_written(&mut self, error: &Error) {
        self.notice(format!("this run is not recorded any more: {error}"));
        self.folder = None;
    }
}

/// What the engine says of itself.
async fn version(engine: &mut dyn Engine) -> Option<String> {
    let rows = engine.texts("SELECT version() AS version").await.ok()?;
    rows.into_iter().next()?.into_iter().next()?
}
