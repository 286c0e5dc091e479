//! A run of the record as a run of MLflow. Each call is noted in the journal; what
//! was noted is not called again, and what must not be made twice is looked for
//! first. So an upload can stop anywhere and go on later.

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Answer, Body, Client, Failure};
use super::journal::Journal;
use super::names;
use crate::files::sha256;
use crate::runs::folder::RECORD;
use crate::runs::moment::Moment;
use crate::runs::record::{Dataset, Metric};
use crate::runs::{Run, RunFolder, RunStatus};
use crate::tracking::{Outcome, Tracker};

/// The tag by which a run is found again.
pub const RUN_TAG: &str = "lagrange.run_id";

/// Uploads runs to one server.
pub struct Uploader {
    client: Client,
    page: Option<String>,
}

impl Uploader {
    /// With a client of the server.
    pub fn new(client: Client) -> Self {
        Self { client, page: None }
    }

    /// Whether the server has all of a run that has ended.
    pub fn has_all(&self, folder: &RunFolder) -> bool {
        Journal::open(folder, self.client.base()).has("whole")
    }
}

#[async_trait(?Send)]
impl Tracker for Uploader {
    async fn bring(&mut self, folder: &RunFolder, run: &Run) -> Outcome {
        let Some(_held) = folder.hold_as_uploading() else {
            return Outcome {
                lost: Some("another process uploads this run".to_owned()),
                refused: Vec::new(),
            };
        };
        let mut upload = Upload {
            client: &self.client,
            folder,
            run,
            journal: Journal::open(folder, self.client.base()),
            refused: Vec::new(),
        };
        let answer = upload.all().await;
        if let Some(remote) = upload.remote() {
            let base = self.client.base();
            let Remote {
                run_id,
                experiment_id,
                ..
            } = remote;
            self.page = Some(format!(
                "{base}/#/experiments/{experiment_id}/runs/{run_id}"
            ));
        }
        let mut refused = upload.refused;
        let lost = match answer {
            Ok(()) => None,
            Err(failure @ Failure::Refused { .. }) => {
                refused.push(format!("the run: {failure}"));
                None
            }
            Err(failure) => Some(failure.to_string()),
        };
        Outcome { lost, refused }
    }

    fn page(&self) -> Option<String> {
        self.page.clone()
    }
}

/// A run on the server.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Its id there.
    pub run_id: String,
    /// The experiment's.
    pub experiment_id: String,
    /// Where its files go.
    pub artifact_uri: String,
}

/// An upload under way.
pub struct Upload<'a> {
    pub client: &'a Client,
    pub folder: &'a RunFolder,
    pub run: &'a Run,
    pub journal: Journal,
    /// What the server did not want.
    pub refused: Vec<String>,
}

impl Upload<'_> {
    async fn all(&mut self) -> Answer<()> {
        if self.journal.has("whole") {
            return Ok(());
        }
        let run = self.run;
        let remote = self.begin().await?;
        self.parameters(&remote).await?;
        self.tags(&remote).await?;
        let metrics = self.step_metrics();
        self.metrics(&remote, &metrics).await?;
        self.metrics(&remote, &run.metrics).await?;
        for dataset in &run.datasets {
            self.dataset(&remote, dataset).await?;
        }
        self.artifacts(&remote).await?;
        self.models(&remote).await?;
        if run.status == RunStatus::Running {
            return Ok(());
        }
        self.trials(&remote).await?;
        self.end(&remote).await?;
        if self.refused.is_empty() {
            self.journal.note("whole", Json::Null);
        }
        Ok(())
    }

    /// The result of a call, or a refusal that the rest can do without.
    pub fn unless_refused<T>(&mut self, what: &str, answer: Answer<T>) -> Answer<Option<T>> {
        match answer {
            Ok(result) => Ok(Some(result)),
            Err(failure @ Failure::Refused { .. }) => {
                self.refused.push(format!("{what}: {failure}"));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    fn remote(&self) -> Option<Remote> {
        read_run(self.journal.result("run")?)
    }

    /// The run on the server, which is made if it is not there.
    async fn begin(&mut self) -> Answer<Remote> {
        if let Some(remote) = self.remote() {
            return Ok(remote);
        }
        let experiment = self.experiment().await?;
        let run = self.run;
        let body = json!({
            "experiment_id": experiment,
            "run_name": run.name,
            "start_time": run.started_at.0,
            // From the first moment: it is found by this one.
            "tags": self.all_tags(),
        });
        let look = async || {
            let filter = format!("tags.`{RUN_TAG}` = '{}'", run.id);
            let query = json!({"experiment_ids": [experiment], "filter": filter, "max_results": 1});
            let found = self.client.post("runs/search", query).await?;
            Ok(read_run(&found["runs"][0]))
        };
        let read = |json: &Json| read_run(&json["run"]);
        let remote = self.client.make("runs/create", body, look, read).await?;
        let noted = json!({"info": {
            "run_id": remote.run_id,
            "experiment_id": remote.experiment_id,
            "artifact_uri": remote.artifact_uri,
        }});
        self.journal.note("run", noted);
        Ok(remote)
    }

    async fn experiment(&self) -> Answer<String> {
        let name = self.run.experiment.as_str();
        let read = |json: &Json| json["experiment_id"].as_str().map(str::to_owned);
        let look = async || {
            let query = [("experiment_name", name)];
            let path = super::client::api("experiments/get-by-name");
            match self.client.get(&path, &query).await {
                Ok(json) if json["experiment"]["lifecycle_stage"] == "deleted" => {
                    Err(Failure::Denied(format!(
                        "experiment '{name}' is deleted on the tracking server; restore it, or set mlflow.experiment_name"
                    )))
                }
                Ok(json) => Ok(read(&json["experiment"])),
                Err(failure) if failure.is("RESOURCE_DOES_NOT_EXIST") => Ok(None),
                Err(failure) => Err(failure),
            }
        };
        let body = json!({ "name": name });
        match self
            .client
            .make("experiments/create", body, &look, read)
            .await
        {
            // Somebody else was faster.
            Err(failure) if failure.is("RESOURCE_ALREADY_EXISTS") => look()
                .await?
                .ok_or_else(|| Failure::Lost(format!("experiment '{name}' comes and goes"))),
            answer => answer,
        }
    }

    async fn parameters(&mut self, remote: &Remote) -> Answer<()> {
        let run = self.run;
        let all: Vec<Json> = run
            .parameters
            .iter()
            .map(|parameter| names::parameter(&parameter.name, &parameter.value))
            .collect();
        for (i, batch) in all.chunks(names::OTHERS_AT_ONCE).enumerate() {
            let call = format!("parameters/{i}");
            self.batch(remote, &call, "params", batch, Json::Null)
                .await?;
        }
        Ok(())
    }

    async fn tags(&mut self, remote: &Remote) -> Answer<()> {
        let all = self.all_tags();
        let call = format!("tags/{}", digest(&Json::from(all.clone())));
        self.batch(remote, &call, "tags", &all, Json::Null).await
    }

    fn all_tags(&self) -> Vec<Json> {
        let run = self.run;
        let scripts: Vec<&str> = run
            .scripts
            .iter()
            .filter(|script| !script.included)
            .map(|script| script.file.as_str())
            .collect();
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        let mut tags = vec![
            (RUN_TAG, run.id.clone()),
            ("lagrange.version", run.lagrange.clone()),
            ("lagrange.engine", run.engine.name.clone()),
            ("lagrange.environment", run.environment.clone()),
            ("lagrange.script_sha256", run.scripts_sha256()),
            ("mlflow.source.name", scripts.join(" ")),
            (
                "mlflow.source.type",
                if in_ci { "JOB" } else { "LOCAL" }.to_owned(),
            ),
        ];
        let user = run.host.user.clone();
        tags.extend(user.map(|user| ("mlflow.user", user)));
        let version = run.engine.version.clone();
        tags.extend(version.map(|version| ("lagrange.engine_version", version)));
        if let Some(git) = &run.git {
            tags.push(("mlflow.source.git.commit", git.commit.clone()));
            tags.push(("lagrange.git_dirty", git.dirty.to_string()));
        }
        if let Some(guard) = &run.guard {
            tags.push((
                "lagrange.check",
                format!("{}: {}", guard.mode, guard.verdict),
            ));
        }
        tags.iter()
            .map(|(name, value)| names::tag(name, value))
            .collect()
    }

    /// Rows and seconds of the steps.
    fn step_metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for step in &self.run.steps {
            let rows = step.rows.map(|rows| ("step_rows", rows as f64));
            let seconds = step.seconds.map(|seconds| ("step_seconds", seconds));
            for (key, value) in rows.into_iter().chain(seconds) {
                metrics.push(Metric {
                    key: key.to_owned(),
                    value,
                    step: i64::try_from(step.index).unwrap_or(i64::MAX),
                    at: step.ended_at,
                    table: String::new(),
                    labels: Vec::new(),
                });
            }
        }
        metrics
    }

    async fn metrics(&mut self, remote: &Remote, metrics: &[Metric]) -> Answer<()> {
        let all = metrics.iter().map(|metric| names::metric(metric, None));
        self.fresh_metrics(remote, all.collect()).await
    }

    /// Metrics that the server does not have, as many at once as it takes.
    pub async fn fresh_metrics(&mut self, remote: &Remote, all: Vec<Json>) -> Answer<()> {
        let known: HashSet<String> = self
            .journal
            .beginning("metrics/")
            .flat_map(|hashes| hashes.as_array().into_iter().flatten())
            .filter_map(|hash| hash.as_str().map(str::to_owned))
            .collect();
        let fresh: Vec<Json> = all
            .into_iter()
            .filter(|metric| !known.contains(&digest(metric)))
            .collect();
        for batch in fresh.chunks(names::METRICS_AT_ONCE) {
            let hashes: Vec<String> = batch.iter().map(digest).collect();
            let hashes = Json::from(hashes);
            let call = format!("metrics/{}", digest(&hashes));
            self.batch(remote, &call, "metrics", batch, hashes).await?;
        }
        Ok(())
    }

    /// One call of log-batch. The server takes the same values twice as once.
    async fn batch(
        &mut self,
        remote: &Remote,
        call: &str,
        what: &str,
        values: &[Json],
        result: Json,
    ) -> Answer<()> {
        if values.is_empty() || self.journal.has(call) {
            return Ok(());
        }
        let body = json!({ "run_id": remote.run_id, what: values });
        let answer = self.client.post("runs/log-batch", body).await;
        if self.unless_refused(what, answer)?.is_some() {
            self.journal.note(call, result);
        }
        Ok(())
    }

    async fn dataset(&mut self, remote: &Remote, dataset: &Dataset) -> Answer<()> {
        let call = format!("dataset/{}/{}", dataset.name, dataset.digest);
        if self.journal.has(&call) {
            return Ok(());
        }
        let columns: Vec<Json> = dataset
            .columns
            .iter()
            // A struct of features has no type of MLflow's that would be short.
            .map(|(name, kind)| {
                let kind = if kind == "nested" { "string" } else { kind };
                json!({ "name": name, "type": kind, "required": false })
            })
            .collect();
        let source = match dataset.source_type.as_str() {
            "table" => json!({ "database": self.run.engine.database, "table": dataset.source }),
            _ => json!({ "uri": dataset.source }),
        };
        let mut described = json!({
            "name": names::cut(&dataset.name, 500),
            "digest": dataset.digest,
            "source_type": if dataset.source_type == "table" { "lagrange" } else { "local" },
            "source": source.to_string(),
            "schema": json!({ "mlflow_colspec": columns }).to_string(),
        });
        if let Some(rows) = dataset.rows {
            described["profile"] = Json::from(json!({ "num_rows": rows }).to_string());
        }
        let tags = [json!({ "key": "mlflow.data.context", "value": dataset.context })];
        let body = json!({
            "run_id": remote.run_id,
            "datasets": [{ "tags": tags, "dataset": described }],
        });
        let answer = self.client.post("runs/log-inputs", body).await;
        let what = format!("the dataset {}", dataset.name);
        if self.unless_refused(&what, answer)?.is_some() {
            self.journal.note(&call, Json::Null);
        }
        Ok(())
    }

    /// The files of the record, but for those of models, which go with the models.
    async fn artifacts(&mut self, remote: &Remote) -> Answer<()> {
        let run = self.run;
        for artifact in &run.artifacts {
            if artifact.path.starts_with("models/") {
                continue;
            }
            let call = format!("artifact/{}/{}", artifact.path, artifact.sha256);
            let uri = &remote.artifact_uri;
            if !self.journal.has(&call) && !self.put(uri, &artifact.path, &call).await? {
                // One refusal says it of all.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Uploads a file of the record; whether the server took it.
    async fn put(&mut self, uri: &str, path: &str, call: &str) -> Answer<bool> {
        let file = self.folder.file(path);
        let Ok(bytes) = std::fs::read(&file) else {
            self.refused
                .push(format!("{}: it cannot be read any more", file.display()));
            return Ok(false);
        };
        self.put_bytes(uri, path, Bytes::from(bytes), call).await
    }

    /// Uploads a file; whether the server took it.
    pub async fn put_bytes(
        &mut self,
        uri: &str,
        path: &str,
        bytes: Bytes,
        call: &str,
    ) -> Answer<bool> {
        if self.journal.has(call) {
            return Ok(true);
        }
        let Some(root) = proxied(uri) else {
            self.refused.push(format!(
                "files: it keeps them at {}, where only MLflow's own clients write; start it with --serve-artifacts",
                crate::secrets::masked(uri)
            ));
            return Ok(false);
        };
        let url = format!(
            "/api/2.0/mlflow-artifacts/artifacts/{}",
            names::path(&format!("{root}/{path}"))
        );
        let answer = self.client.say(Method::PUT, &url, Body::Bytes(bytes)).await;
        let taken = self.unless_refused(path, answer)?.is_some();
        if taken {
            self.journal.note(call, Json::Null);
        }
        Ok(taken)
    }

    /// The record itself, and how the run ended.
    async fn end(&mut self, remote: &Remote) -> Answer<()> {
        let run = self.run;
        if proxied(&remote.artifact_uri).is_some()
            && let Ok(bytes) = std::fs::read(self.folder.file(RECORD))
        {
            let call = format!("artifact/{RECORD}/{}", sha256(&bytes));
            let uri = remote.artifact_uri.clone();
            self.put_bytes(&uri, RECORD, Bytes::from(bytes), &call)
                .await?;
        }
        let status = run.status.name();
        let call = format!("ended/{status}");
        if !self.journal.has(&call) {
            let end = run.ended_at.unwrap_or_else(Moment::now);
            let body = json!({ "run_id": remote.run_id, "status": status, "end_time": end.0 });
            let answer = self.client.post("runs/update", body).await;
            if self.unless_refused("the end of the run", answer)?.is_some() {
                self.journal.note(&call, Json::Null);
            }
        }
        Ok(())
    }
}

/// A run in an answer.
pub fn read_run(json: &Json) -> Option<Remote> {
    let info = |name: &str| json["info"][name].as_str().map(str::to_owned);
    Some(Remote {
        run_id: info("run_id")?,
        experiment_id: info("experiment_id")?,
        artifact_uri: info("artifact_uri").unwrap_or_default(),
    })
}

/// The path behind the server's own address for files; `None` if they go elsewhere.
fn proxied(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("mlflow-artifacts:")?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    Some(path.trim_matches('/'))
}

fn digest(json: &Json) -> String {
    sha256(json.to_string().as_bytes())[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_through_the_server_or_not_at_all() {
        assert_eq!(
            proxied("mlflow-artifacts:/1/ab/artifacts"),
            Some("1/ab/artifacts")
        );
        assert_eq!(proxied("mlflow-artifacts://host:5000/1/ab"), Some("1/ab"));
        assert_eq!(proxied("s3://bucket/1"), None);
    }
}
