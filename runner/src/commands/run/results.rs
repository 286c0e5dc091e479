//! What a run did, as `run_results.json` and the other forms tell it.
//! docs/run-results.md describes the document.

use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value as Json, json};

use super::clock::rfc3339;
use super::gates::{Gate, Gates};
use super::reports;
use crate::error::{Error, Result, Status};
use crate::files::write_aside;
use crate::flow::Flow;
use crate::parameters::Step;
use crate::printer::{Printer, duration, rows};
use crate::registry::Saved;
use crate::script::Action;

/// The version of the document; it grows when a field changes its meaning or goes.
const SCHEMA_VERSION: u64 = 1;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was done.
    Done,
    /// It was done before, and nothing has changed since.
    Kept,
    /// The engine or a gate says no.
    Failed,
    /// It was cancelled and rolled back.
    Killed,
    /// Something before it failed.
    Skipped,
    /// `--select` or `--exclude` leave it out.
    Deselected,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Kept => "kept",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Skipped => "skipped",
            Self::Deselected => "deselected",
        }
    }
}

/// What a step did.
#[derive(Debug)]
pub(super) struct StepResult {
    pub index: usize,
    pub file: String,
    pub line: u64,
    pub kind: String,
    pub description: String,
    pub target: Option<String>,
    pub is_table: bool,
    pub flow: Flow,
    pub state: State,
    pub rows: Option<u64>,
    pub seconds: Option<f64>,
    pub hash: Option<String>,
    pub gates: Vec<Gate>,
    /// Why it failed or was skipped.
    pub message: Option<String>,
    /// The first rows of a query.
    pub result: Option<Json>,
}

impl StepResult {
    pub fn new(i: usize, step: &Step, flow: &Flow, state: State) -> Self {
        Self {
            index: i + 1,
            file: step.source.file.clone(),
            line: step.start.line,
            kind: step.description.kind.clone(),
            description: step.description.to_string(),
            target: step.description.target_name(),
            is_table: step.description.action == Action::CreateTable { temporary: false },
            flow: flow.clone(),
            state,
            rows: None,
            seconds: None,
            hash: None,
            gates: Vec::new(),
            message: None,
            result: None,
        }
    }

    fn to_json(&self, with_rows: bool) -> Json {
        let gates: Vec<Json> = self.gates.iter().map(Gate::to_json).collect();
        let mut json = json!({
            "index": self.index,
            "file": self.file,
            "line": self.line,
            "kind": self.kind,
            "target": self.target,
            "reads": self.flow.reads,
            "writes": self.flow.writes,
            "files": self.flow.files,
            "rows": self.rows,
            "seconds": self.seconds,
            "status": self.state.name(),
            "message": self.message,
            "hash": self.hash,
            "gates": gates,
        });
        if let (true, Some(result)) = (with_rows, &self.result) {
            json["result"] = result.clone();
        }
        json
    }
}

/// What is known of a run before its first step.
#[derive(Debug, Default)]
pub(super) struct About {
    pub command: &'static str,
    pub environment: Option<String>,
    pub engine: Option<&'static str>,
    pub database: Option<String>,
    /// The file and the SHA-256 of each script.
    pub scripts: Vec<(String, String)>,
    pub parameters: Vec<Json>,
}

/// What a run did.
#[derive(Debug)]
pub(super) struct Results {
    pub about: About,
    started: SystemTime,
    pub steps: Vec<StepResult>,
    pub models: Vec<Saved>,
    /// The step that runs: its result, should the process have to end before it.
    pub running: Option<StepResult>,
}

impl Results {
    pub fn new(command: &'static str) -> Self {
        Self {
            about: About {
                command,
                ..About::default()
            },
            started: SystemTime::now(),
            steps: Vec::new(),
            models: Vec::new(),
            running: None,
        }
    }

    /// A step that never ended was killed.
    pub fn bury(&mut self) {
        if let Some(mut step) = self.running.take() {
            step.state = State::Killed;
            self.steps.push(step);
        }
    }

    /// How the gates ended.
    pub fn gates(&self) -> Gates {
        let asked = self.steps.iter().flat_map(|step| &step.gates);
        let (mut any, mut stopped) = (false, false);
        for gate in asked {
            any = true;
            stopped |= gate.stops();
        }
        // A gate that could not be asked has not passed.
        let unasked = |step: &StepResult| {
            step.kind == "assert" && matches!(step.state, State::Failed | State::Killed)
        };
        match (any, stopped || self.steps.iter().any(unasked)) {
            (_, true) => Gates::Failed,
            (true, false) => Gates::Passed,
            (false, false) => Gates::None,
        }
    }

    pub fn count(&self, state: State) -> usize {
        self.steps.iter().filter(|step| step.state == state).count()
    }

    /// The document. `with_rows`: with the first rows of queries.
    pub fn to_json(&self, status: Status, error: Option<&Error>, with_rows: bool) -> Json {
        let models: Vec<Json> = self.models.iter().map(Saved::to_json).collect();
        let scripts: Vec<Json> = self
            .about
            .scripts
            .iter()
            .map(|(file, sha256)| json!({ "file": file, "sha256": sha256 }))
            .collect();
        let steps: Vec<Json> = self
            .steps
            .iter()
            .map(|step| step.to_json(with_rows))
            .collect();
        let (name, tracking) = match status {
            Status::Success => ("success", "FINISHED"),
            Status::Failed => ("failed", "FAILED"),
            Status::Usage => ("usage error", "FAILED"),
            Status::Internal => ("internal error", "FAILED"),
            Status::Interrupted => ("killed", "KILLED"),
        };
        let ended = SystemTime::now();
        let seconds = ended
            .duration_since(self.started)
            .unwrap_or_default()
            .as_secs_f64();
        json!({
            "schema_version": SCHEMA_VERSION,
            "run": self.id(),
            "lagrange": env!("CARGO_PKG_VERSION"),
            "command": self.about.command,
            "environment": self.about.environment,
            "engine": self.about.engine,
            "database": self.about.database,
            "started_at": rfc3339(self.started),
            "ended_at": rfc3339(ended),
            "seconds": seconds,
            "status": name,
            "tracking_status": tracking,
            "exit_code": status as u8,
            "gates": self.gates().name(),
            "scripts": scripts,
            "parameters": self.about.parameters,
            "steps": steps,
            "models": models,
            "error": error.map(Error::to_json),
        })
    }

    /// Tells runs apart.
    fn id(&self) -> String {
        let compact = rfc3339(self.started).replace(['-', ':', '.'], "");
        format!("{compact}-{}", std::process::id())
    }

    /// Writes the forms that are wanted.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(
        &self,
        files: &ResultFiles<'_>,
        status: Status,
        error: Option<&Error>,
    ) -> Result<()> {
        let document = self.to_json(status, error, false);
        if let Some(path) = files.json {
            save(path, format!("{document:#}\n").as_bytes())?;
        }
        if let Some(path) = files.junit {
            save(path, reports::junit(self, error).as_bytes())?;
        }
        if let Some(path) = files.summary {
            // GitHub gives one file to all commands of a step.
            append(path, &reports::markdown(self, status, error))?;
        }
        Ok(())
    }

    /// The tables written, the models saved, and the total.
    pub fn summarise(&self, printer: &Printer) {
        if printer.is_quiet() {
            return;
        }
        // A table that was replaced counts as it is now.
        let mut tables: Vec<(&str, Option<u64>)> = Vec::new();
        let made = |step: &&StepResult| step.is_table && step.state == State::Done;
        for step in self.steps.iter().filter(made) {
            let name = step.target.as_deref().unwrap_or_default();
            tables.retain(|(other, _)| *other != name);
            tables.push((name, step.rows));
        }
        for (name, count) in tables {
            let count = count.map(rows).unwrap_or_default();
            printer.result(&format!("table  {name:<40} {count:>18}"));
        }
        for model in &self.models {
            printer.result(&model.line());
        }
    }

    /// The last line of a run.
    pub fn total(&self, verb: &str) -> String {
        let seconds = self.started.elapsed().unwrap_or_default().as_secs_f64();
        let mut parts = Vec::new();
        for (state, word) in [
            (State::Done, "done"),
            (State::Kept, "unchanged"),
            (State::Failed, "failed"),
            (State::Killed, "killed"),
            (State::Skipped, "skipped"),
            (State::Deselected, "not selected"),
        ] {
            match self.count(state) {
                0 => {}
                count => parts.push(format!("{count} {word}")),
            }
        }
        let gates = self.steps.iter().flat_map(|step| &step.gates);
        let (held, all) = gates.fold((0, 0), |(held, all), gate| {
            (held + usize::from(gate.held), all + 1)
        });
        if all > 0 {
            parts.push(format!("{held} of {all} gates hold"));
        }
        let steps = if parts.is_empty() {
            "no steps".to_owned()
        } else {
            format!("steps: {}", parts.join(", "))
        };
        format!("{verb} in {}; {steps}", duration(seconds))
    }
}

/// Where results are written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ResultFiles<'a> {
    pub json: Option<&'a Path>,
    pub junit: Option<&'a Path>,
    pub summary: Option<&'a Path>,
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    write_aside(path, bytes)
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), &error))
}

fn append(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let write = || {
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| Error::io(format!("cannot write {}", path.display()), &error))
}
