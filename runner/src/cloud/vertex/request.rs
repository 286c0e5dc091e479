//! A job, exactly as it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use google_cloud_aiplatform_v1::model::scheduling::Strategy;
use google_cloud_aiplatform_v1::model::{
    ContainerSpec, CustomJob, CustomJobSpec, EnvVar, GcsDestination, MachineSpec, NfsMount,
    Scheduling, WorkerPoolSpec,
};
use serde::Serialize;
use serde_json::Value as Json;

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
    /// What the containers of all but the first are told.
    pub executor: Vec<String>,
    /// A folder that all see.
    pub share: Option<Share>,
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
    /// The job that is asked for.
    pub fn job(&self) -> CustomJob {
        let mut pools = vec![self.pool(1, &self.arguments)];
        if self.replicas > 1 {
            pools.push(self.pool(self.replicas - 1, &self.executor));
        }
        let mut scheduling = Scheduling::new()
            .set_strategy(if self.spot {
                Strategy::Spot
            } else {
                Strategy::Standard
            })
            // What was taken away begins again.
            .set_restart_job_on_worker_restart(self.spot);
        // No length of time that can be written is too long.
        scheduling.timeout = self.timeout.try_into().ok();
        scheduling.max_wait_duration = self.max_wait.and_then(|wait| wait.try_into().ok());
        let output = GcsDestination::new().set_output_uri_prefix(&self.output);
        let spec = CustomJobSpec::new()
            .set_worker_pool_specs(pools)
            .set_scheduling(scheduling)
            .set_service_account(&self.service_account)
            .set_network(&self.network)
            .set_base_output_directory(output);
        let labels = self.labels.iter();
        let labels = labels.map(|(key, value)| (label(key), label(value)));
        let own = [TOOL, (SUBMISSION, self.id.as_str())];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        CustomJob::new()
            .set_display_name(&self.name)
            .set_job_spec(spec)
            .set_labels(labels.chain(own))
    }

    fn pool(&self, count: u16, arguments: &[String]) -> WorkerPoolSpec {
        let variables = self.variables.iter();
        let variables =
            variables.map(|(name, value)| EnvVar::new().set_name(name).set_value(value));
        let container = ContainerSpec::new()
            .set_image_uri(&self.image)
            .set_args(arguments)
            .set_env(variables);
        let mount = |share: &Share| {
            NfsMount::new()
                .set_server(&share.server)
                .set_path(&share.path)
                .set_mount_point(Share::NAME)
        };
        WorkerPoolSpec::new()
            .set_machine_spec(MachineSpec::new().set_machine_type(&self.machine_type))
            .set_replica_count(count)
            .set_container_spec(container)
            .set_nfs_mounts(self.share.iter().map(mount))
    }
}

/// A folder of an NFS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Name or number of the server.
    pub server: String,
    /// What it exports.
    pub path: String,
}

impl Share {
    const NAME: &str = "lagrange";
    /// Where Vertex AI mounts it.
    pub const FOLDER: &str = "/mnt/nfs/lagrange";

    /// From `SERVER:/PATH`.
    pub fn of(text: &str) -> Option<Self> {
        let (server, path) = text.split_once(':')?;
        let good = !server.is_empty() && path.starts_with('/') && !path.contains(':');
        good.then(|| Self {
            server: server.to_owned(),
            path: path.to_owned(),
        })
    }
}

/// A request as it is sent, with its labels in one order.
///
/// # Errors
/// What cannot be written as JSON.
pub fn shown(request: &impl Serialize) -> Result<Json> {
    let mut json = serde_json::to_value(request)
        .map_err(|error| Error::internal(format!("a request cannot be shown: {error}")))?;
    json.sort_all_objects();
    Ok(json)
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
