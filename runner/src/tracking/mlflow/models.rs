//! The models of a run: a logged model each, with its files, and a version of a
//! registered model.

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::aliases::VERSION_TAG;
use super::client::{Answer, Body, Failure, api};
use super::mlmodel;
use super::names;
use super::upload::{Remote, Upload};
use crate::runs::record::{Metric, Model};
use crate::runs::results::plain;

/// How many models of a run the server gets.
const MOST: usize = 100;
/// The tag by which a model is found again.
const MODEL_TAG: &str = "lagrange.model";

/// A logged model on the server.
#[derive(Debug, Clone)]
struct Logged {
    id: String,
    uri: String,
}

impl Upload<'_> {
    /// All of them.
    pub(super) async fn models(&mut self, remote: &Remote) -> Answer<()> {
        let run = self.run;
        for model in run.models.iter().take(MOST) {
            let call = format!("model/{}/{}", model.name, model.sha256);
            if !self.journal.has(&format!("{call}/whole")) {
                let before = self.refused.len();
                self.model(remote, model, &call).await?;
                if self.refused.len() == before {
                    self.journal.note(&format!("{call}/whole"), Json::Null);
                }
            }
            let aliased = self.alias(model, &call).await;
            self.unless_refused(&format!("an alias of {}", model.name), aliased)?;
        }
        Ok(())
    }

    async fn model(&mut self, remote: &Remote, model: &Model, call: &str) -> Answer<()> {
        let what = format!("the model {}", model.name);
        let logged = self.logged(remote, model, call).await;
        let Some(logged) = self.unless_refused(&what, logged)? else {
            return Ok(());
        };
        if !self.files(remote, model, &logged, call).await? {
            return Ok(());
        }
        self.ready(remote, &logged, call, &what).await?;
        let metrics = self.measured(model);
        let metrics = metrics
            .iter()
            .map(|metric| names::metric(metric, Some(&logged.id)));
        self.fresh_metrics(remote, metrics.collect()).await?;
        let registered = self.register(remote, model, &logged, call).await;
        self.unless_refused(&what, registered)?;
        Ok(())
    }

    /// The logged model, which is made if it is not there.
    async fn logged(&mut self, remote: &Remote, model: &Model, call: &str) -> Answer<Logged> {
        if let Some(logged) = self.journal.result(call).and_then(read_logged) {
            return Ok(logged);
        }
        // Without quotes, which a filter could not have.
        let name = names::logged_model(&model.name);
        let tag = format!("{}/{name}/{}", self.run.id, &model.sha256[..12]);
        let parameters: Vec<Json> = model.header["parameters"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| names::parameter(name, &plain(value)))
            .take(names::OTHERS_AT_ONCE)
            .collect();
        let algorithm = plain(&model.header["algorithm"]);
        let body = json!({
            "experiment_id": remote.experiment_id,
            "name": name,
            "model_type": algorithm,
            "source_run_id": remote.run_id,
            "params": parameters,
            "tags": [
                names::tag(MODEL_TAG, &tag),
                names::tag("lagrange.sha256", &model.sha256),
                names::tag("lagrange.table", &model.table),
            ],
        });
        let look = async || {
            let filter = format!("tags.`{MODEL_TAG}` = '{tag}'");
            let query = json!({
                "experiment_ids": [remote.experiment_id], "filter": filter, "max_results": 1,
            });
            let found = self.client.post("logged-models/search", query).await?;
            Ok(read_logged(&found["models"][0]))
        };
        let read = |json: &Json| read_logged(&json["model"]);
        let logged = self.client.make("logged-models", body, look, read).await?;
        let noted = json!({"info": {"model_id": logged.id, "artifact_uri": logged.uri}});
        self.journal.note(call, noted);
        Ok(logged)
    }

    /// Its files; whether the server has them all.
    async fn files(
        &mut self,
        remote: &Remote,
        model: &Model,
        logged: &Logged,
        call: &str,
    ) -> Answer<bool> {
        let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
        let kept = [
            ("model.bin", Some(&model.file)),
            ("model.onnx", model.onnx.as_ref()),
            (mlmodel::EXAMPLE, model.example.as_ref()),
        ];
        for (name, file) in kept {
            let Some(file) = file else {
                continue;
            };
            match std::fs::read(self.folder.file(file)) {
                Ok(bytes) => files.push((name, bytes)),
                Err(error) => {
                    self.refused
                        .push(format!("{file}: it cannot be read any more: {error}"));
                    return Ok(false);
                }
            }
        }
        let place = mlmodel::Place {
            run: self.run,
            run_id: &remote.run_id,
            model_id: &logged.id,
            uri: &logged.uri,
        };
        files.extend(mlmodel::files(model, &place));
        for (name, bytes) in files {
            let call = format!("{call}/{name}");
            if !self
                .put_bytes(&logged.uri, name, Bytes::from(bytes), &call)
                .await?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn ready(
        &mut self,
        remote: &Remote,
        logged: &Logged,
        call: &str,
        what: &str,
    ) -> Answer<()> {
        let call = format!("{call}/ready");
        if self.journal.has(&call) {
            return Ok(());
        }
        let body = json!({ "model_id": logged.id, "status": "LOGGED_MODEL_READY" });
        let path = api(&format!("logged-models/{}", logged.id));
        let said = self
            .client
            .say(Method::PATCH, &path, Body::Json(body))
            .await;
        if self.unless_refused(what, said)?.is_none() {
            return Ok(());
        }
        let body = json!({
            "run_id": remote.run_id,
            "models": [{ "model_id": logged.id, "step": 0 }],
        });
        // The server refuses to be told twice.
        let look = async || {
            let query = [("run_id", remote.run_id.as_str())];
            let found = self.client.get(&api("runs/get"), &query).await?;
            let outputs = found["run"]["outputs"]["model_outputs"].as_array();
            let known = outputs
                .into_iter()
                .flatten()
                .any(|model| model["model_id"] == logged.id);
            Ok(known.then_some(()))
        };
        let said = self
            .client
            .make("runs/outputs", body, look, |_| Some(()))
            .await;
        if self.unless_refused(what, said)?.is_some() {
            self.journal.note(&call, Json::Null);
        }
        Ok(())
    }

    /// The metrics that are of this model: what its fit says of itself, those of a
    /// table that holds it alone or was made from it alone, and those of rows that name
    /// it.
    fn measured(&self, model: &Model) -> Vec<Metric> {
        let run = self.run;
        let alone = run
            .models
            .iter()
            .filter(|other| other.table == model.table)
            .count()
            == 1;
        let named = plain(&model.key["name"]);
        let told_of = |name: &str| {
            let mut tables = run.tables.iter();
            let table = tables.find(|table| table.name == name);
            table.is_some_and(|table| table.models == [model.table.as_str()])
        };
        let of = |metric: &&Metric| {
            let parts = metric.table.strip_prefix(&model.table);
            let own = alone && parts.is_some_and(|rest| rest.is_empty() || rest == "_metrics");
            let told = alone && told_of(&metric.table);
            own || told
                || metric
                    .labels
                    .iter()
                    .any(|label| *label == model.name || *label == named)
        };
        let mut metrics: Vec<Metric> = run.metrics.iter().filter(of).cloned().collect();
        for (name, value) in model.header["metrics"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_f64() {
                metrics.push(Metric {
                    key: format!("{}/fit/{name}", model.name),
                    value,
                    step: 0,
                    at: run.started_at,
                    table: model.table.clone(),
                    labels: Vec::new(),
                });
            }
        }
        metrics
    }

    /// A version of the registered model.
    async fn register(
        &mut self,
        remote: &Remote,
        model: &Model,
        logged: &Logged,
        call: &str,
    ) -> Answer<()> {
        let name = names::registered_model(&model.name);
        let call = format!("{call}/version");
        if !self.journal.has(&call) {
            let version = self.version(remote, model, logged, &name).await?;
            self.journal.note(&call, Json::from(version));
        }
        Ok(())
    }

    /// The alias that the registry gives the version at the end of the run.
    async fn alias(&mut self, model: &Model, call: &str) -> Answer<()> {
        let call = format!("{call}/version");
        let (Some(alias), Some(version)) = (&model.alias, self.journal.result(&call)) else {
            return Ok(());
        };
        let noted = format!("{call}/{alias}");
        if !self.journal.has(&noted) {
            let name = names::registered_model(&model.name);
            let body = json!({ "name": name, "alias": alias, "version": plain(version) });
            self.client.post("registered-models/alias", body).await?;
            self.journal.note(&noted, Json::Null);
        }
        Ok(())
    }

    async fn version(
        &self,
        remote: &Remote,
        model: &Model,
        logged: &Logged,
        name: &str,
    ) -> Answer<String> {
        let body = json!({ "name": name });
        match self.client.post("registered-models/create", body).await {
            Ok(_) => {}
            Err(failure) if failure.is("RESOURCE_ALREADY_EXISTS") => {}
            Err(failure) => return Err(failure),
        }
        let source = format!("models:/{}", logged.id);
        let mut tags = vec![
            names::tag("lagrange.sha256", &model.sha256),
            names::tag(super::upload::RUN_TAG, &self.run.id),
        ];
        let version = model.version.as_deref();
        tags.extend(version.map(|version| names::tag(VERSION_TAG, version)));
        let body = json!({
            "name": name, "source": source, "run_id": remote.run_id, "model_id": logged.id,
            "tags": tags,
        });
        let look = async || {
            let filter = format!("run_id = '{}'", remote.run_id);
            let path = api("model-versions/search");
            let found = self.client.get(&path, &[("filter", &filter)]).await?;
            let versions = found["model_versions"].as_array().into_iter().flatten();
            let ours = |json: &&Json| {
                json["name"] == name
                    && (json["model_id"] == logged.id.as_str() || json["source"] == source.as_str())
            };
            Ok(versions
                .filter(ours)
                .map(|json| plain(&json["version"]))
                .next())
        };
        let read = |json: &Json| {
            let version = plain(&json["model_version"]["version"]);
            (!version.is_empty()).then_some(version)
        };
        self.client
            .make("model-versions/create", body, look, read)
            .await
    }
}

fn read_logged(json: &Json) -> Option<Logged> {
    let info = |name: &str| json["info"][name].as_str().map(str::to_owned);
    Some(Logged {
        id: info("model_id")?,
        uri: info("artifact_uri")?,
    })
}
