//! A server that answers as Google's services do: tokens, BigQuery's tables and jobs,
//! Vertex AI's jobs and their logs. It refuses whatever the real ones would, and what
//! Google's own libraries would not send, remembers every such mistake, and fails when
//! it is told to. Its buckets are [`Gcs`].

pub mod bigquery;
pub mod vertex;
mod vertex_models;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::gcs::{self, Gcs};
use crate::project::{Project, Run};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not done; this status.
    Status(u16),
    /// It is not done, and the connection ends.
    Dropped,
    /// It is done, and the connection ends before the answer.
    AnswerLost,
    /// It is done, and half of the answer comes.
    Cut,
    /// It is done, and the answer comes byte by byte.
    Slow,
    /// The token is no longer accepted, nor are those before.
    Expired,
}

/// What tokens are for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The server.
pub struct FakeGoogle {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    pub gcs: Arc<Gcs>,
}

#[derive(Default)]
pub struct State {
    /// Requests so far, those for tokens left out.
    requests: usize,
    faults: BTreeMap<usize, Fault>,
    tokens: usize,
    mistakes: Vec<String>,
    pub bigquery: bigquery::BigQuery,
    pub vertex: vertex::Vertex,
}

/// A request, as it was read.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: Json,
    /// The body as it came.
    pub text: String,
}

/// A status and a document.
pub type Reply = (u16, Json);

/// What Google answers where something is wrong.
pub fn refusal(code: u16, status: &str, message: &str) -> Reply {
    let error = json!({ "code": code, "message": message, "status": status });
    (code, json!({ "error": error }))
}

impl FakeGoogle {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let gcs = Arc::new(Gcs::start());
        let (shared, buckets) = (Arc::clone(&state), Arc::clone(&gcs));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, buckets) = (Arc::clone(&shared), Arc::clone(&buckets));
                std::thread::spawn(move || serve(stream, &shared, &buckets));
            }
        });
        Self {
            address,
            state,
            gcs,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The request of this number, from the next on, fails so.
    pub fn fail(&self, number: usize, fault: Fault) {
        let mut state = self.state();
        let number = state.requests + number;
        state.faults.insert(number, fault);
    }

    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// Faults that have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    /// What no client should have sent.
    pub fn mistakes(&self) -> Vec<String> {
        self.state().mistakes.clone()
    }

    /// A project with an environment `dev` of this server.
    pub fn project(&self) -> Project {
        let project = Project::new();
        project.file("config/dev.yaml", DEV);
        project.file("key.json", &self.gcs.service_account());
        project.file("user.json", &self.user());
        project
    }

    /// The key file of a person whose tokens come from here.
    fn user(&self) -> String {
        json!({
            "type": "authorized_user",
            "client_id": "client",
            "client_secret": "secret",
            "refresh_token": "refresh",
            "quota_project_id": "quota",
            "token_uri": format!("http://{}/token", self.address),
        })
        .to_string()
    }

    /// The key file of a job of a CI service, for which that service vouches.
    pub fn federated(&self, proof: &str) -> String {
        json!({
            "type": "external_account",
            "audience": "pool",
            "subject_token_type": "jwt",
            "quota_project_id": "quota",
            "token_url": format!("http://{}/sts", self.address),
            "service_account_impersonation_url": format!("http://{}/impersonate", self.address),
            "credential_source": {
                "file": proof,
                "format": { "type": "json", "subject_token_field_name": "value" },
            },
        })
        .to_string()
    }

    /// What tells a process that the clouds are here.
    pub fn variables(&self, project: &Project) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        let path = |name: &str| project.path(name).display().to_string();
        [
            ("GOOGLE_SERVICE_ACCOUNT", path("key.json")),
            ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
            ("GOOGLE_APPLICATION_CREDENTIALS", path("user.json")),
            ("LAGRANGE_BIGQUERY_ENDPOINT", url.clone()),
            ("LAGRANGE_VERTEX_ENDPOINT", url.clone()),
            ("LAGRANGE_LOGGING_ENDPOINT", url),
            ("XDG_CACHE_HOME", path("cache")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Runs the binary against this server.
    pub fn lagrange(&self, project: &Project, arguments: &[&str]) -> Run {
        let variables = self.variables(project);
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        project.lagrange(arguments, &variables)
    }
}

/// An environment whose tables are in BigQuery.
const DEV: &str = "\
environment: development
mlflow:
  tracking_uri: http://127.0.0.1:9
  experiment_name: test
storage:
  model_registry: gs://trading/models
  artifacts: gs://trading/artifacts
database:
  type: bigquery
  project: development
  dataset: ml_training
vertex:
  region: europe-west4
  image: europe-docker.pkg.dev/development/ml/lagrange:1.0
training:
  resources:
    max_workers: 2
    memory_limit: 2G
";

impl State {
    /// A proof for a token, as Google's security token service takes it.
    fn exchange(&mut self, request: &Request) -> Reply {
        let form: HashMap<&str, &str> = request
            .text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let wanted = [
            (
                "grant_type",
                "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
            ),
            ("audience", "pool"),
            (
                "requested_token_type",
                "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
            ),
            // Only to act as the account.
            ("scope", "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fiam"),
            ("subject_token_type", "jwt"),
            ("subject_token", "proof"),
        ];
        for (name, value) in wanted {
            if form.get(name) != Some(&value) {
                let said = json!({ "error": "invalid_grant", "error_description": format!("{name} is {:?}", form.get(name)) });
                return (400, said);
            }
        }
        let given = json!({
            "access_token": "exchanged",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "expires_in": 3600,
            "token_type": "Bearer",
        });
        (200, given)
    }

    /// A token of the account that a token of the exchange may act as.
    fn impersonate(&mut self, request: &Request) -> Result<Reply, String> {
        let proof = request.headers.get("authorization");
        if proof.map(String::as_str) != Some("Bearer exchanged") {
            let said = "not a token of the exchange";
            return Ok(refusal(401, "UNAUTHENTICATED", said));
        }
        only(&request.body, &["scope", "lifetime"], "the account")?;
        must(request.body["scope"] == json!([SCOPE]), "scope")?;
        must(request.body["lifetime"] == "3600s", "lifetime")?;
        let token = self.token();
        let given = json!({ "accessToken": token, "expireTime": "2030-01-01T00:00:00Z" });
        Ok((200, given))
    }

    /// A person's token.
    fn refresh(&mut self, request: &Request) -> Result<Reply, String> {
        must(request.method == "POST", "a token is asked for with POST")?;
        let known = ["grant_type", "client_id", "client_secret", "refresh_token"];
        only(&request.body, &known, "what a token is asked with")?;
        let values = ["refresh_token", "client", "secret", "refresh"];
        for (name, value) in known.into_iter().zip(values) {
            must(request.body[name] == value, name)?;
        }
        let token = self.token();
        let given = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 });
        Ok((200, given))
    }

    /// The only one that is accepted from now on.
    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("token-{}", self.tokens)
    }

    /// A mistake is remembered, and refused.
    fn judged(&mut self, request: &Request, reply: Result<Reply, String>) -> Reply {
        reply.unwrap_or_else(|mistake| {
            let message = format!("{} {}: {mistake}", request.method, request.path);
            self.mistakes.push(message.clone());
            refusal(400, "INVALID_ARGUMENT", &message)
        })
    }

    fn answer(&mut self, request: &Request, gcs: &Gcs) -> Reply {
        if request.path == "/sts" {
            return self.exchange(request);
        }
        if request.path == "/impersonate" {
            let reply = self.impersonate(request);
            return self.judged(request, reply);
        }
        if request.path == "/token" {
            let reply = self.refresh(request);
            return self.judged(request, reply);
        }
        let login = request.headers.get("authorization");
        if login != Some(&format!("Bearer token-{}", self.tokens)) {
            return refusal(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
            );
        }
        let reply =
            by_a_library(request).and_then(|()| match request.path.starts_with("/bigquery/v2/") {
                true => self.bigquery.answer(request, gcs),
                false => self.vertex.answer(request),
            });
        self.judged(request, reply)
    }
}

/// An error unless it is said as Google's own libraries say everything.
fn by_a_library(request: &Request) -> Result<(), String> {
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    must(
        header("x-goog-api-client").starts_with("gl-rust/"),
        "x-goog-api-client",
    )?;
    // Enums are numbers, for us and for the library.
    let form = request.query.get("$alt").map(String::as_str);
    must(form == Some("json;enum-encoding=int"), "$alt")?;
    must(
        header("x-goog-user-project") == "quota",
        "x-goog-user-project",
    )?;
    let typed = header("content-type") == "application/json";
    must(request.method == "GET" || typed, "Content-Type")
}

fn serve(stream: TcpStream, state: &Mutex<State>, gcs: &Gcs) {
    let _ = stream.set_nodelay(true);
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let (reply, fault) = {
            let mut state = state.lock().unwrap();
            let fault = match request.path.as_str() {
                "/token" | "/sts" | "/impersonate" => None,
                _ => {
                    let number = state.requests;
                    state.requests += 1;
                    state.faults.remove(&number)
                }
            };
            if fault == Some(Fault::Expired) {
                // Nobody has the next token yet.
                state.tokens += 1;
            }
            let reply = match fault {
                Some(Fault::Status(code)) => Some(refusal(code, "UNAVAILABLE", "a bad day")),
                Some(Fault::Dropped) => None,
                _ => Some(state.answer(&request, gcs)),
            };
            (reply, fault)
        };
        let Some((status, body)) = reply.filter(|_| fault != Some(Fault::AnswerLost)) else {
            let _ = writer.shutdown(std::net::Shutdown::Both);
            return;
        };
        let body = body.to_string();
        let mut answer = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        match fault {
            Some(Fault::Cut) => {
                answer.truncate(answer.len() - body.len() / 2);
                let _ = writer.write_all(&answer);
                let _ = writer.shutdown(std::net::Shutdown::Both);
                return;
            }
            Some(Fault::Slow) => {
                for chunk in answer.chunks(answer.len() / 20 + 1) {
                    std::thread::sleep(Duration::from_millis(20));
                    if writer.write_all(chunk).is_err() {
                        return;
                    }
                }
            }
            _ => {
                if writer.write_all(&answer).is_err() {
                    return;
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let request = gcs::read(reader)?;
    Some(Request {
        method: request.method,
        path: format!("/{}", request.path),
        query: request.query,
        headers: request.headers,
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
        text: String::from_utf8_lossy(&request.body).into_owned(),
    })
}

/// An error if a question has other words than these, beside those of every question.
pub fn asked(request: &Request, known: &[&str]) -> Result<(), String> {
    let mut names = request.query.keys().map(String::as_str);
    match names.find(|name| *name != "$alt" && !known.contains(name)) {
        Some(name) => Err(format!("a question has an unknown word '{name}'")),
        None => Ok(()),
    }
}

/// An error if an object has other keys than these.
pub fn only(object: &Json, known: &[&str], what: &str) -> Result<(), String> {
    let Some(map) = object.as_object() else {
        return Err(format!("{what} is not an object: {object}"));
    };
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("{what} has an unknown key '{key}'")),
        None => Ok(()),
    }
}

/// An error unless it holds.
pub fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}
