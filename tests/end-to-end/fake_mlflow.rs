//! A server that answers as MLflow's does, remembers what it was told, and fails
//! when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not done; this status, and perhaps a wait in seconds.
    Status(u16, Option<u32>),
    /// It is not done, and the connection ends.
    Dropped,
    /// It is done, and the connection ends before the answer.
    AnswerLost,
}

/// The server.
pub struct FakeMlflow {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: usize,
    /// What happens to the request of this number, from 0.
    faults: BTreeMap<usize, Fault>,
    /// From this request on, all are dropped.
    away_from: Option<usize>,
    ids: usize,
    experiments: Vec<String>,
    runs: BTreeMap<String, RunState>,
    models: BTreeMap<String, ModelState>,
    registered: BTreeSet<String>,
    versions: Vec<Json>,
    aliases: BTreeMap<(String, String), String>,
    artifacts: BTreeMap<String, Vec<u8>>,
    logins: BTreeSet<String>,
    /// Everything that was said, to look for what must not be.
    said: String,
}

#[derive(Default)]
struct RunState {
    tags: BTreeMap<String, String>,
    params: BTreeMap<String, String>,
    metrics: BTreeSet<String>,
    datasets: BTreeSet<String>,
    outputs: BTreeSet<String>,
    status: String,
}

struct ModelState {
    name: String,
    tags: BTreeMap<String, String>,
    ready: bool,
    metrics: BTreeSet<String>,
}

type Reply = (u16, Json);

impl FakeMlflow {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, state }
    }

    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The request of this number, from the next on, fails so.
    pub fn fail(&self, number: usize, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        let number = state.requests + number;
        state.faults.insert(number, fault);
    }

    /// So many more requests are answered, then none.
    pub fn leave_after(&self, more: usize) {
        let mut state = self.state.lock().unwrap();
        state.away_from = Some(state.requests + more);
    }

    pub fn come_back(&self) {
        let mut state = self.state.lock().unwrap();
        state.away_from = None;
        state.faults.clear();
    }

    pub fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    pub fn logins(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().logins.clone()
    }

    pub fn said(&self) -> String {
        self.state.lock().unwrap().said.clone()
    }

    /// All that it has, under names that do not depend on the order of the calls.
    pub fn holds(&self) -> Json {
        let state = self.state.lock().unwrap();
        let name = |id: &str| {
            let run = state
                .runs
                .get(id)
                .and_then(|run| run.tags.get("lagrange.run_id"));
            let model = state
                .models
                .get(id)
                .and_then(|model| model.tags.get("lagrange.model"));
            run.or(model).cloned().unwrap_or_default()
        };
        let runs: Vec<Json> = state
            .runs
            .iter()
            .map(|(id, run)| {
                let mut tags = run.tags.clone();
                if let Some(parent) = tags.get_mut("mlflow.parentRunId") {
                    *parent = name(parent);
                }
                let outputs: Vec<String> = run.outputs.iter().map(|id| name(id)).collect();
                json!({
                    "run": name(id), "tags": tags, "params": run.params, "metrics": run.metrics,
                    "datasets": run.datasets, "outputs": outputs, "status": run.status,
                })
            })
            .collect();
        let models: Vec<Json> = state
            .models
            .iter()
            .map(|(id, model)| {
                json!({
                    "model": name(id), "name": model.name, "ready": model.ready,
                    "metrics": model.metrics,
                })
            })
            .collect();
        let versions: Vec<Json> = state
            .versions
            .iter()
            .map(|version| {
                let model = version["model_id"].as_str().unwrap_or_default();
                json!({ "name": version["name"], "version": version["version"], "model": name(model) })
            })
            .collect();
        let mut files: Vec<String> = state
            .artifacts
            .iter()
            .map(|(path, bytes)| {
                let (id, path) = path.split_once('/').unwrap_or((path, ""));
                // These name the ids of the server.
                let size = if path.ends_with("MLmodel") {
                    0
                } else {
                    bytes.len()
                };
                format!("{} {path} {size}", name(id))
            })
            .collect();
        files.sort();
        let aliases: Vec<Json> = state
            .aliases
            .iter()
            .map(|((name, alias), version)| json!([name, alias, version]))
            .collect();
        let sorted = |mut list: Vec<Json>| {
            list.sort_by_key(Json::to_string);
            list
        };
        json!({
            "experiments": state.experiments, "runs": sorted(runs), "models": sorted(models),
            "versions": sorted(versions), "aliases": aliases, "files": files,
        })
    }
}

fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
    let Some((head, body)) = request(&stream) else {
        return;
    };
    let (fault, reply) = {
        let mut state = shared.lock().unwrap();
        let number = state.requests;
        state.requests += 1;
        let away = state.away_from.is_some_and(|from| number >= from);
        let fault = if away {
            Some(Fault::Dropped)
        } else {
            state.faults.get(&number).copied()
        };
        let done = matches!(fault, None | Some(Fault::AnswerLost));
        let reply = done.then(|| state.answer(&head, &body));
        (fault, reply)
    };
    let (status, json, more) = match (fault, reply) {
        (None, Some((status, json))) => (status, json, String::new()),
        (Some(Fault::Status(status, wait)), _) => {
            let wait = wait.map_or_else(String::new, |wait| format!("Retry-After: {wait}\r\n"));
            (status, json!({"message": "later"}), wait)
        }
        _ => return,
    };
    let text = json.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(text.as_bytes());
}

/// The lines of the head, and the body; `None` of a connection without a request.
fn request(stream: &TcpStream) -> Option<(Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

impl State {
    fn answer(&mut self, head: &[String], body: &[u8]) -> Reply {
        let line = head[0].clone();
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        for line in head {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                self.logins.insert(value.trim().to_owned());
            }
        }
        self.said
            .push_str(&format!("{line}\n{}\n", String::from_utf8_lossy(body)));
        if let Some(file) = path.strip_prefix("/api/2.0/mlflow-artifacts/artifacts/") {
            self.artifacts.insert(file.to_owned(), body.to_vec());
            return (200, json!({}));
        }
        let json: Json = serde_json::from_slice(body).unwrap_or_default();
        let path = path.strip_prefix("/api/2.0/mlflow/").unwrap_or_default();
        let value = |name: &str| {
            let found = query.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| unquoted(value))
            });
            found.unwrap_or_default()
        };
        match (method, path) {
            ("GET", "experiments/get-by-name") => {
                let name = value("experiment_name");
                match self.experiments.iter().position(|known| *known == name) {
                    Some(id) => (
                        200,
                        json!({"experiment": {"experiment_id": id.to_string()}}),
                    ),
                    None => refused(404, "RESOURCE_DOES_NOT_EXIST"),
                }
            }
            ("POST", "experiments/create") => {
                let name = json["name"].as_str().unwrap().to_owned();
                if self.experiments.contains(&name) {
                    return refused(400, "RESOURCE_ALREADY_EXISTS");
                }
                self.experiments.push(name);
                let id = self.experiments.len() - 1;
                (200, json!({"experiment_id": id.to_string()}))
            }
            ("POST", "runs/search") => {
                let (key, wanted) = filter(&json);
                let found: Vec<Json> = self
                    .runs
                    .iter()
                    .filter(|(_, run)| run.tags.get(&key) == Some(&wanted))
                    .map(|(id, run)| run_json(id, run))
                    .collect();
                (200, json!({"runs": found}))
            }
            ("GET", "runs/get") => {
                let run = self.runs.get(&value("run_id")).unwrap();
                let outputs: Vec<Json> = run
                    .outputs
                    .iter()
                    .map(|id| json!({ "model_id": id }))
                    .collect();
                (200, json!({"run": {"outputs": {"model_outputs": outputs}}}))
            }
            ("POST", "runs/create") => {
                let id = self.id("r");
                let mut run = RunState {
                    status: "RUNNING".to_owned(),
                    ..RunState::default()
                };
                add_tags(&mut run.tags, &json["tags"]);
                let answer = run_json(&id, &run);
                self.runs.insert(id, run);
                (200, json!({ "run": answer }))
            }
            ("POST", "runs/log-batch") => self.log_batch(&json),
            ("POST", "runs/log-inputs") => {
                let run = self.runs.get_mut(json["run_id"].as_str().unwrap()).unwrap();
                for input in json["datasets"].as_array().unwrap() {
                    let dataset = &input["dataset"];
                    assert!(dataset["digest"].as_str().unwrap().len() <= 36);
                    let _: Json =
                        serde_json::from_str(dataset["schema"].as_str().unwrap()).unwrap();
                    run.datasets.insert(input.to_string());
                }
                (200, json!({}))
            }
            ("POST", "runs/outputs") => {
                let run = self.runs.get_mut(json["run_id"].as_str().unwrap()).unwrap();
                let id = json["models"][0]["model_id"].as_str().unwrap();
                if run.outputs.insert(id.to_owned()) {
                    (200, json!({}))
                } else {
                    refused(400, "BAD_REQUEST")
                }
            }
            ("POST", "runs/update") => {
                let run = self.runs.get_mut(json["run_id"].as_str().unwrap()).unwrap();
                run.status = json["status"].as_str().unwrap().to_owned();
                (200, json!({}))
            }
            ("POST", "logged-models/search") => {
                let (key, wanted) = filter(&json);
                let found: Vec<Json> = self
                    .models
                    .iter()
                    .filter(|(_, model)| model.tags.get(&key) == Some(&wanted))
                    .map(|(id, _)| model_json(id))
                    .collect();
                (200, json!({"models": found}))
            }
            ("POST", "logged-models") => {
                let id = self.id("m-");
                let mut model = ModelState {
                    name: json["name"].as_str().unwrap().to_owned(),
                    tags: BTreeMap::new(),
                    ready: false,
                    metrics: BTreeSet::new(),
                };
                add_tags(&mut model.tags, &json["tags"]);
                self.models.insert(id.clone(), model);
                (200, json!({"model": model_json(&id)}))
            }
            ("PATCH", path) => {
                let id = path.strip_prefix("logged-models/").unwrap();
                self.models.get_mut(id).unwrap().ready = true;
                (200, json!({"model": model_json(id)}))
            }
            ("POST", "registered-models/create") => {
                let new = self
                    .registered
                    .insert(json["name"].as_str().unwrap().to_owned());
                if new {
                    (200, json!({}))
                } else {
                    refused(400, "RESOURCE_ALREADY_EXISTS")
                }
            }
            ("GET", "model-versions/search") => {
                let wanted = value("filter");
                let run = wanted.split('\'').nth(1).unwrap_or_default();
                let found = self.versions.iter().filter(|version| {
                    let tagged = |tag: &Json| {
                        let tag = |part: &str| tag[part].as_str().unwrap().to_owned();
                        wanted.ends_with(&format!("'{}'", tag("value")))
                            && wanted.contains(&format!("tags.`{}`", tag("key")))
                    };
                    let tags = version["tags"].as_array();
                    version["run_id"] == run || tags.into_iter().flatten().any(tagged)
                });
                (
                    200,
                    json!({"model_versions": found.cloned().collect::<Vec<_>>()}),
                )
            }
            ("POST", "model-versions/create") => {
                let known = self
                    .versions
                    .iter()
                    .filter(|version| version["name"] == json["name"]);
                let version = known.count() + 1;
                let version = json!({
                    "name": json["name"], "version": version.to_string(), "run_id": json["run_id"],
                    "model_id": json["model_id"], "source": json["source"], "tags": json["tags"],
                });
                self.versions.push(version.clone());
                (200, json!({ "model_version": version }))
            }
            ("GET", "registered-models/alias") => {
                match self.aliases.get(&(value("name"), value("alias"))) {
                    Some(version) => (200, json!({"model_version": {"version": version}})),
                    None => refused(400, "INVALID_PARAMETER_VALUE"),
                }
            }
            ("POST", "registered-models/alias") => {
                let text = |name: &str| json[name].as_str().unwrap().to_owned();
                self.aliases
                    .insert((text("name"), text("alias")), text("version"));
                (200, json!({}))
            }
            ("DELETE", "registered-models/alias") => {
                let text = |name: &str| json[name].as_str().unwrap().to_owned();
                match self.aliases.remove(&(text("name"), text("alias"))) {
                    Some(_) => (200, json!({})),
                    None => refused(404, "RESOURCE_DOES_NOT_EXIST"),
                }
            }
            _ => refused(404, "ENDPOINT_NOT_FOUND"),
        }
    }

    fn log_batch(&mut self, json: &Json) -> Reply {
        let list = |name: &str| json[name].as_array().cloned().unwrap_or_default();
        let (metrics, params, tags) = (list("metrics"), list("params"), list("tags"));
        let all = metrics.len() + params.len() + tags.len();
        if metrics.len() > 1000 || params.len() > 100 || tags.len() > 100 || all > 1000 {
            return refused(400, "INVALID_PARAMETER_VALUE");
        }
        let run = self.runs.get_mut(json["run_id"].as_str().unwrap()).unwrap();
        for param in &params {
            let (key, value) = pair(param);
            if run.params.get(&key).is_some_and(|known| *known != value) {
                return refused(400, "INVALID_PARAMETER_VALUE");
            }
            run.params.insert(key, value);
        }
        add_tags(&mut run.tags, &json["tags"]);
        for metric in metrics {
            let value = &metric["value"];
            assert!(
                value.is_number()
                    || ["NaN", "Infinity", "-Infinity"].contains(&value.as_str().unwrap())
            );
            let text = format!(
                "{} {value} {} {}",
                metric["key"], metric["timestamp"], metric["step"]
            );
            if let Some(model) = metric["model_id"].as_str() {
                let model = self.models.get_mut(model).unwrap();
                model.metrics.insert(text.clone());
            }
            run.metrics.insert(text);
        }
        (200, json!({}))
    }

    fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}{:04}", self.ids)
    }
}

fn refused(status: u16, code: &str) -> Reply {
    (status, json!({"error_code": code, "message": "no"}))
}

fn run_json(id: &str, run: &RunState) -> Json {
    let tags: Vec<Json> = run
        .tags
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    json!({
        "info": {
            "run_id": id, "experiment_id": "0",
            "artifact_uri": format!("mlflow-artifacts:/{id}/artifacts"),
        },
        "data": {"tags": tags},
    })
}

fn model_json(id: &str) -> Json {
    json!({"info": {"model_id": id, "artifact_uri": format!("mlflow-artifacts:/{id}/artifacts")}})
}

/// tags.`key` = 'value'
fn filter(json: &Json) -> (String, String) {
    let text = json["filter"].as_str().unwrap();
    let key = text.split('`').nth(1).unwrap().to_owned();
    (key, text.split('\'').nth(1).unwrap().to_owned())
}

fn pair(json: &Json) -> (String, String) {
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("key"), text("value"))
}

fn add_tags(tags: &mut BTreeMap<String, String>, json: &Json) {
    for tag in json.as_array().into_iter().flatten() {
        let (key, value) = pair(tag);
        tags.insert(key, value);
    }
}

/// A value of a query, of the characters that filters have.
fn unquoted(value: &str) -> String {
    let quoted = [("+", " "), ("%27", "'"), ("%3D", "="), ("%60", "`")];
    let unquote = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    quoted.iter().fold(value.to_owned(), unquote)
}
