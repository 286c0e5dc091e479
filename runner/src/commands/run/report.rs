//! What a run did, for people and for JSON.

use serde_json::{Value as Json, json};

use crate::error::Status;
use crate::parameters::Step;
use crate::printer::{Printer, rows};
use crate::registry::Saved;
use crate::script::Action;

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub steps: Vec<StepReport>,
    pub models: Vec<Saved>,
    pub interrupted: bool,
}

/// What a step did.
#[derive(Debug)]
pub(super) struct StepReport {
    pub index: usize,
    pub file: String,
    pub line: u64,
    pub kind: String,
    pub target: Option<String>,
    pub is_table: bool,
    pub rows: Option<u64>,
    pub seconds: Option<f64>,
    pub status: &'static str,
    pub result: Option<Json>,
}

impl StepReport {
    pub fn of(i: usize, step: &Step, status: &'static str) -> Self {
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
    /// For `--output json`.
    pub fn to_json(&self, status: Status, error: Option<Json>) -> Json {
        let models: Vec<Json> = self.models.iter().map(Saved::to_json).collect();
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
    pub fn summarise(&self, printer: &Printer) {
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
            printer.result(&model.line());
        }
    }
}
