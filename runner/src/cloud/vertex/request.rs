//! A job, exactly as it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Result};
use crate::settings::Settings;

/// How long a job may take, if nobody says.
const TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// The longest label.
const LABEL: usize = 63;

/// The label of what was submitted by us.
pub const TOOL: (&str, &str) = ("tool", "lagrange");
/// The label that tells submissions apart.
pub const SUBMISSION: &str = "lagrange-submission";

/// What is submitted.
pub struct Submission {
    /// The name for people.
    pub name: String,
    /// What tells it from all others.
    pub id: String,
    /// The container.
    pub image: String,
    /// Of each machine.
    pub machine_type: String,
    /// How many.
    pub replicas: u16,
    /// What the container is told.
    pub arguments: Vec<String>,
    /// Variables of the container.
    pub variables: BTreeMap<String, String>,
    /// Labels beside our own.
    pub labels: BTreeMap<String, String>,
    /// Whether machines may be taken away.
    pub spot: bool,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it may wait for machines; `None`: as long as Vertex AI waits.
    pub max_wait: Option<Duration>,
    /// The account that it runs as; empty: Vertex AI's own.
    pub service_account: String,
    /// The network that it is in; empty: none.
    pub network: String,
    /// Where Vertex AI lets it write.
    pub output: String,
}

impl Submission {
    /// The request.
    pub fn job(&self) -> Json {
        let mut pools = vec![self.pool(1, &self.arguments)];
        if self.replicas > 1 {
            let helpers = ["cluster", "executor"].map(str::to_owned);
            pools.push(self.pool(self.replicas - 1, &helpers));
        }
        let mut scheduling = json!({
            "timeout": seconds(self.timeout),
            "strategy": if self.spot { "SPOT" } else { "STANDARD" },
            // What was taken away begins again.
            "restartJobOnWorkerRestart": self.spot,
        });
        if let Some(wait) = self.max_wait {
            scheduling["maxWaitDuration"] = json!(seconds(wait));
        }
        let mut spec = json!({ "workerPoolSpecs": pools, "scheduling": scheduling });
        for (key, text) in [
            ("serviceAccount", &self.service_account),
            ("network", &self.network),
        ] {
            if !text.is_empty() {
                spec[key] = json!(text);
            }
        }
        spec["baseOutputDirectory"] = json!({ "outputUriPrefix": self.output });
        let mut labels = Map::new();
        for (key, value) in &self.labels {
            labels.insert(label(key), json!(label(value)));
        }
        for (key, value) in [TOOL, (SUBMISSION, self.id.as_str())] {
            labels.insert(key.to_owned(), json!(value));
        }
        json!({ "displayName": self.name, "jobSpec": spec, "labels": labels })
    }

    fn pool(&self, count: u16, arguments: &[String]) -> Json {
        let variables = self.variables.iter();
        let variables: Vec<Json> = variables
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        json!({
            "machineSpec": { "machineType": self.machine_type },
            "replicaCount": count.to_string(),
            "containerSpec": {
                "imageUri": self.image,
                "args": arguments,
                "env": variables,
            },
        })
    }
}

/// A length of time as Google writes it.
fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

/// A text as a label may be: small letters, digits, dashes and underscores.
pub fn label(text: &str) -> String {
    text.chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' => c,
            _ => '_',
        })
        .take(LABEL)
        .collect()
}

/// How long a job may take, from the command line or the settings.
///
/// # Errors
/// A setting that is no length of time.
pub fn timeout(settings: &Settings, given: Option<Duration>) -> Result<Duration> {
    match given {
        Some(time) => Ok(time),
        None => Ok(length(settings, "vertex.timeout")?.unwrap_or(TIMEOUT)),
    }
}

/// A setting that is a length of time.
///
/// # Errors
/// One that is none.
pub fn length(settings: &Settings, key: &str) -> Result<Option<Duration>> {
    let Some(text) = settings.optional(key) else {
        return Ok(None);
    };
    crate::commands::parse_duration(&text)
        .map(Some)
        .map_err(|what| Error::usage(format!("'{key}' is '{text}': {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_google_takes() {
        assert_eq!(label("sql/Train.sql"), "sql_train_sql");
        assert_eq!(label(&"x".repeat(80)).len(), 63);
    }
}
