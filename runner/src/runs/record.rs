//! What `run.json` says of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::moment::Moment;
use super::results::Kind;

/// The version of the form of `run.json`. Newer ones are not read.
pub const SCHEMA: u32 = 1;

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`]
    pub schema: u32,
    /// Its name in the folder of runs; sorts by time.
    pub id: String,
    /// For people: the names of the scripts.
    pub name: String,
    /// How far it is.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// The setting `environment`.
    pub environment: String,
    /// The setting `mlflow.experiment_name`.
    pub experiment: String,
    /// The version of Lagrange.
    pub lagrange: String,
    /// What ran the statements.
    pub engine: Engine,
    /// Where it ran.
    pub host: Host,
    /// The state of the scripts' repository, if they are in one.
    pub git: Option<Git>,
    /// The scripts, and the files that they include.
    pub scripts: Vec<Script>,
    /// The scripts' parameters.
    pub parameters: Vec<Parameter>,
    /// The settings.
    pub settings: Vec<Parameter>,
    /// What the lookahead check says of the scripts.
    pub guard: Option<Guard>,
    /// What was done, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What was measured, in order.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Result tables.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Models.
    #[serde(default)]
    pub models: Vec<Model>,
    /// What models were made from.
    #[serde(default)]
    pub datasets: Vec<Dataset>,
    /// Why it failed, as `--output json` says it.
    #[serde(default)]
    pub error: Option<Json>,
    /// Every file of the record.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
}

/// How far a run is, in MLflow's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Under way.
    Running,
    /// Everything was done.
    Finished,
    /// A statement, a check or a gate failed.
    Failed,
    /// Interrupted, or its process is gone.
    Killed,
}

impl RunStatus {
    /// As in `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

/// What ran the statements.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Engine {
    /// `duckdb` or `datafusion`.
    pub name: String,
    /// What it says of itself.
    pub version: Option<String>,
    /// The file or folder of its tables.
    pub database: String,
}

/// Where a run took place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    /// `linux`
    pub system: String,
    /// `x86_64`
    pub architecture: String,
    /// How many threads it runs at once.
    pub processors: usize,
    /// Who.
    pub user: Option<String>,
}

/// The state of a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Git {
    /// What is checked out.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

/// A file of SQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// As the user named it.
    pub file: String,
    /// Of its bytes.
    pub sha256: String,
    /// Whether another file includes it.
    pub included: bool,
    /// The copy in the record.
    pub artifact: String,
}

/// A parameter or a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
    /// Who gave it.
    pub origin: String,
}

/// What the lookahead check says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Guard {
    /// `static`, `replay`
    pub mode: String,
    /// In a sentence.
    pub verdict: String,
    /// As `lagrange check --output json` says it.
    pub report: Json,
}

/// A statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// From 1.
    pub index: usize,
    /// The file that it stands in.
    pub file: String,
    /// Its first line.
    pub line: u64,
    /// `create table`, `query`, ...
    pub kind: String,
    /// The table or view.
    pub target: Option<String>,
    /// Written, or returned.
    pub rows: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// `done` or `failed`
    pub status: String,
    /// When it ended.
    pub ended_at: Moment,
}

/// Something that was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metric {
    /// The table, what tells its rows apart, and the metric, joined by `/`.
    pub key: String,
    /// May be infinite or no number.
    #[serde(with = "any_number")]
    pub value: f64,
    /// The fold, or 0.
    pub step: i64,
    /// When it was read.
    pub at: Moment,
    /// The table.
    pub table: String,
    /// What tells its rows apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// A result of one of our table functions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// Its name in the database; of a list in a row, with the column's.
    pub name: String,
    /// What it tells.
    pub kind: Kind,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// How many rows are in the files.
    pub rows: usize,
    /// Whether the database has more.
    pub truncated: bool,
    /// The file that keeps types.
    pub parquet: String,
    /// The same as text.
    pub csv: String,
    /// The tables of the models that it tells of: those that it was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

/// A model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// Its name in the registry.
    pub name: String,
    /// Its version there, if it has one.
    pub version: Option<String>,
    /// The alias that the run has given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The table that holds it.
    pub table: String,
    /// The other columns of its row.
    pub key: Json,
    /// Of its bytes.
    pub sha256: String,
    /// What it says of itself.
    pub header: Json,
    /// Its bytes in the record.
    pub file: String,
    /// As ONNX, if it can be written so.
    pub onnx: Option<String>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_onnx: Option<String>,
    /// A few rows that it takes, as MLflow writes an input example.
    pub example: Option<String>,
}

/// A relation or a file that models were made from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dataset {
    /// The table or the file.
    pub name: String,
    /// Of what is in it.
    pub digest: String,
    /// Where it is.
    pub source: String,
    /// `table`, `file`
    pub source_type: String,
    /// `training`, `input`
    pub context: String,
    /// Its columns and their types.
    pub columns: Vec<(String, String)>,
    /// How many rows it has.
    pub rows: Option<u64>,
}

/// A file of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// From the folder of the run.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: String,
}

impl Run {
    /// Seconds from the beginning to the end, if it has ended.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.started_at.seconds_to(self.ended_at?))
    }

    /// One hash of all scripts.
    pub fn scripts_sha256(&self) -> String {
        let all: Vec<String> = self
            .scripts
            .iter()
            .map(|script| format!("{} {}\n", script.sha256, script.file))
            .collect();
        crate::files::sha256(all.concat().as_bytes())
    }
}

/// Numbers that JSON has, and the text `NaN`, `Infinity`, `-Infinity`.
mod any_number {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            return serializer.serialize_f64(*value);
        }
        serializer.serialize_str(super::not_finite(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        super::number(&value)
            .ok_or_else(|| serde::de::Error::custom(format!("{value} is no number")))
    }
}

/// The name of a number that JSON does not have.
pub fn not_finite(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

/// A number, also one that JSON does not have, however an engine spells it.
pub fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "nan" => Some(f64::NAN),
            "inf" | "infinity" => Some(f64::INFINITY),
            "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}
