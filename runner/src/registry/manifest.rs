//! What is known of a version: `manifest.json`, written after all its other files.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::arrow::temporal_conversions::timestamp_s_to_datetime;
use lagrange_udfs::models::Window;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::files::sha256;

/// The version of the manifest's schema that is written.
pub const FORMAT: u32 = 1;
/// The model as bytes.
pub const MODEL: &str = "model.bin";
/// The model as ONNX, where it can be exported.
pub const ONNX: &str = "model.onnx";
/// The model as JSON.
pub const JSON: &str = "model.json";
/// The model card.
pub const CARD: &str = "card.md";
/// What this module describes.
pub const MANIFEST: &str = "manifest.json";

/// All that is recorded of a version; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// The number of this version.
    pub version: u64,
    /// `ready`: a version that is not has no manifest.
    pub status: String,
    /// When it was published, UTC.
    pub created: String,
    /// The algorithm, as `fit` takes it.
    pub algorithm: String,
    /// The name of the target.
    pub target: String,
    /// The features in the order of the model.
    pub features: Vec<String>,
    /// Every option of the fit.
    pub parameters: Json,
    /// Rows that trained it.
    pub rows_used: u64,
    /// Rows that were left out.
    pub rows_skipped: u64,
    /// From when to when the rows are.
    #[serde(default)]
    pub window: Option<Window>,
    /// How many rows ahead the target is, where the script says so.
    #[serde(default)]
    pub horizon: Option<u64>,
    /// The columns that tell this model from others of its table: name and value.
    #[serde(default)]
    pub key: Map<String, Json>,
    /// Other plain columns of the model's row.
    #[serde(default)]
    pub row: Map<String, Json>,
    /// What the model is worth.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// How far features have moved from the rows that trained.
    #[serde(default)]
    pub stability: Vec<Stability>,
    /// What made it.
    #[serde(default)]
    pub engine: Option<EngineVersion>,
    /// The version of Lagrange that fitted it.
    pub library: String,
    /// What it was made from.
    #[serde(default)]
    pub lineage: Lineage,
    /// What the lookahead check said of the scripts.
    #[serde(default)]
    pub guard: Guard,
    /// What the gates of its run said.
    #[serde(default)]
    pub gates: Gates,
    /// The run that made it.
    #[serde(default)]
    pub run_id: Option<String>,
    /// The same for the same model under the same key, however often it is made.
    pub content: String,
    /// Its other files.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What a model is worth by one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The measure.
    pub metric: String,
    /// On the rows that trained it.
    #[serde(default)]
    pub in_sample: Option<f64>,
    /// The mean over the folds.
    #[serde(default)]
    pub cv_mean: Option<f64>,
    /// Their standard deviation.
    #[serde(default)]
    pub cv_std: Option<f64>,
    /// On rows that were put aside.
    #[serde(default)]
    pub out_of_sample: Option<f64>,
}

/// How far a feature has moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The feature.
    pub feature: String,
    /// Population stability index.
    #[serde(default)]
    pub psi: Option<f64>,
    /// Kolmogorov-Smirnov distance.
    #[serde(default)]
    pub ks: Option<f64>,
    /// `ok`, `warn` or `drift`.
    pub status: String,
}

/// An engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineVersion {
    /// `DuckDB` or `DataFusion`.
    pub name: String,
    /// As the engine gives it.
    #[serde(default)]
    pub version: Option<String>,
}

/// What a model was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The table that holds it.
    #[serde(default)]
    pub table: Option<String>,
    /// The script, or the file that was imported.
    #[serde(default)]
    pub script: Option<String>,
    /// SHA-256 of it.
    #[serde(default)]
    pub script_sha256: Option<String>,
    /// The line of the statement.
    #[serde(default)]
    pub line: Option<u64>,
    /// The relations that the statement reads.
    #[serde(default)]
    pub inputs: Vec<Input>,
}

/// A relation that a statement reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// A digest of its rows, where it is known.
    #[serde(default)]
    pub digest: Option<String>,
}

/// What the lookahead check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// `clean`, `waived`, `warned` or `unchecked`.
    pub verdict: String,
    /// In a sentence.
    pub text: String,
}

impl Guard {
    /// Whether the scripts were checked.
    pub fn is_checked(&self) -> bool {
        self.verdict != Self::default().verdict
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            verdict: "unchecked".to_owned(),
            text: "the script was not checked".to_owned(),
        }
    }
}

/// What the gates of a run said of its models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gates {
    /// The run has none.
    #[default]
    None,
    /// The run had not come to its gates yet.
    Pending,
    /// All have held.
    Passed,
    /// One has not.
    Failed,
}

impl Gates {
    /// As the manifest writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// A document as its file holds it.
pub fn to_bytes(document: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The entry of a file.
pub fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry {
        size: bytes.len() as u64,
        sha256: sha256(bytes),
    }
}

/// The time, UTC, to the second.
pub fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    moment(since.map_or(0, |since| since.as_secs() as i64))
}

/// Seconds since 1970 as a time.
pub fn moment(seconds: i64) -> String {
    match timestamp_s_to_datetime(seconds) {
        Some(time) => format!("{}Z", time.to_string().replacen(' ', "T", 1)),
        None => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(1_767_323_045), "2026-01-02T03:04:05Z");
        assert_eq!(now().len(), "2026-01-02T03:04:05Z".len());
    }

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-2, "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
    }
}
