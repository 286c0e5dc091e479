//! Calls of the server: time limits, and retries of what may go better the next
//! time, as MLflow's own clients are told to (`MLFLOW_HTTP_REQUEST_TIMEOUT`,
//! `_MAX_RETRIES`, `_BACKOFF_FACTOR`, `MLFLOW_TRACKING_INSECURE_TLS`,
//! `MLFLOW_TRACKING_SERVER_CERT_PATH`, `MLFLOW_TRACKING_CLIENT_CERT_PATH`).

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Certificate, Identity, Method, RequestBuilder, StatusCode};
use serde_json::Value as Json;

use super::address::{Address, Login};
use crate::retries::{is_passing, jittered};
use crate::secrets::{MASK, masked};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take, in seconds, if nobody says.
const ANSWER: f64 = 60.0;
/// How often a call is tried again, if nobody says.
const RETRIES: u32 = 4;
/// Seconds before the first retry; each waits twice as long as the one before.
const BACKOFF: f64 = 0.5;
/// The longest wait of our own, and the longest that a server may ask for.
const LONGEST: f64 = 10.0;
const LONGEST_ASKED: f64 = 60.0;

/// Why a call has no result.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The server is away, or is not itself: later it may do it.
    Lost(String),
    /// It does not let us in.
    Denied(String),
    /// It does not want this.
    Refused {
        /// Its word for it, such as `RESOURCE_ALREADY_EXISTS`.
        code: String,
        /// Its message.
        message: String,
    },
}

/// What a call gives.
pub type Answer<T> = Result<T, Failure>;

impl Failure {
    /// Whether the server's word for it is this one.
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == word)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(message) | Self::Denied(message) => write!(f, "{message}"),
            Self::Refused { code, message } if code.is_empty() => write!(f, "{message}"),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
        }
    }
}

/// The server, as it is called.
pub struct Client {
    http: reqwest::Client,
    address: Address,
    retries: u32,
    backoff: f64,
}

/// What goes with a call.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// A document.
    Json(Json),
    /// A file.
    Bytes(Bytes),
}

/// How one try ended.
enum Tried {
    Answered(Json),
    Final(Failure),
    /// Worth another try, after the wait that the server asks for.
    Again {
        failure: Failure,
        wait: Option<f64>,
    },
}

impl Client {
    /// A client that has not called yet.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn new(address: Address) -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name: &str| variable(name)?.parse::<f64>().ok().filter(|n| *n >= 0.0);
        let answer = number("MLFLOW_HTTP_REQUEST_TIMEOUT").unwrap_or(ANSWER);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("lagrange/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs_f64(answer.clamp(0.1, 86_400.0)));
        let insecure = variable("MLFLOW_TRACKING_INSECURE_TLS");
        if insecure.is_some_and(|value| ["true", "1"].contains(&value.to_lowercase().as_str())) {
            builder = builder.danger_accept_invalid_certs(true);
        }
        let read = |name: &str| {
            variable(name)
                .map(|path| {
                    std::fs::read(&path)
                        .map_err(|error| format!("{name}: cannot read {path}: {error}"))
                })
                .transpose()
        };
        let name = "MLFLOW_TRACKING_SERVER_CERT_PATH";
        if let Some(pem) = read(name)? {
            let certificates = Certificate::from_pem_bundle(&pem)
                .map_err(|error| format!("{name}: no certificates: {error}"))?;
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let name = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
        if let Some(pem) = read(name)? {
            let identity = Identity::from_pem(&pem)
                .map_err(|error| format!("{name}: no certificate with its key: {error}"))?;
            builder = builder.identity(identity);
        }
        let http = builder
            .build()
            .map_err(|error| format!("no client of the tracking server: {error}"))?;
        Ok(Self {
            http,
            address,
            retries: number("MLFLOW_HTTP_REQUEST_MAX_RETRIES").map_or(RETRIES, |n| n as u32),
            backoff: number("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR").unwrap_or(BACKOFF),
        })
    }

    /// Where it is, without a user.
    pub fn base(&self) -> &str {
        &self.address.base
    }

    /// Asks. Tried again as long as it may help.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer<Json> {
        self.repeat(Method::GET, path, query, Body::None).await
    }

    /// Says something that may be said twice without harm.
    pub async fn say(&self, method: Method, path: &str, body: Body) -> Answer<Json> {
        self.repeat(method, path, &[], body).await
    }

    /// [`Client::say`] to MLflow's own interface.
    pub async fn post(&self, path: &str, body: Json) -> Answer<Json> {
        self.say(Method::POST, &api(path), Body::Json(body)).await
    }

    /// Makes something that must not be made twice: before each try `look` says
    /// whether it is there already, since an answer may have been lost.
    pub async fn make<T>(
        &self,
        path: &str,
        body: Json,
        look: impl AsyncFn() -> Answer<Option<T>>,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Answer<T> {
        let mut attempt = 0;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            match self
                .once(&Method::POST, &api(path), &[], &Body::Json(body.clone()))
                .await
            {
                Tried::Answered(json) => {
                    return read(&json).ok_or_else(|| self.odd(path, &json));
                }
                Tried::Final(failure) => return Err(failure),
                Tried::Again { failure, .. } if attempt >= self.retries => return Err(failure),
                Tried::Again { wait, .. } => self.wait(attempt, wait).await,
            }
            attempt += 1;
        }
    }

    async fn repeat(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body,
    ) -> Answer<Json> {
        let mut attempt = 0;
        loop {
            match self.once(&method, path, query, &body).await {
                Tried::Answered(json) => return Ok(json),
                Tried::Final(failure) => return Err(failure),
                Tried::Again { failure, .. } if attempt >= self.retries => return Err(failure),
                Tried::Again { wait, .. } => self.wait(attempt, wait).await,
            }
            attempt += 1;
        }
    }

    /// Waits longer each time, unless the server says how long.
    async fn wait(&self, attempt: u32, asked: Option<f64>) {
        let own = (self.backoff * f64::from(2_u32.saturating_pow(attempt))).min(LONGEST);
        let wait = match asked {
            Some(asked) => Duration::from_secs_f64(asked.min(LONGEST_ASKED)),
            None => jittered(Duration::from_secs_f64(own)),
        };
        tokio::time::sleep(wait).await;
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: &Body,
    ) -> Tried {
        let url = format!("{}{path}", self.address.base);
        let request = self.http.request(method.clone(), &url).query(query);
        let request = match body {
            Body::None => request,
            Body::Json(json) => request.json(json),
            Body::Bytes(bytes) => request
                .header("Content-Type", "application/octet-stream")
                .body(bytes.clone()),
        };
        let response = match self.login(request).send().await {
            Ok(response) => response,
            Err(error) => return self.broken(&error),
        };
        let status = response.status();
        let wait = response
            .headers()
            .get("Retry-After")
            .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
            .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return self.broken(&error),
        };
        if status.is_success() {
            if text.trim().is_empty() {
                return Tried::Answered(Json::Null);
            }
            return match serde_json::from_str(&text) {
                Ok(json) => Tried::Answered(json),
                Err(_) => Tried::Final(self.odd(path, &Json::from(shortened(&text)))),
            };
        }
        self.turned_away(status, &text, wait)
    }

    fn login(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.address.login {
            Some(Login::Basic(name, password)) => request.basic_auth(name, Some(password)),
            Some(Login::Bearer(token)) => request.bearer_auth(token),
            None => request,
        }
    }

    /// No answer, or only a part of it.
    fn broken(&self, error: &reqwest::Error) -> Tried {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = cause.to_string();
            source = cause.source();
        }
        let what = if error.is_timeout() {
            "does not answer in time"
        } else if error.is_connect() {
            "cannot be reached"
        } else {
            "was lost"
        };
        let message = format!("tracking server {} {what}: {text}", self.base());
        Tried::Again {
            failure: Failure::Lost(self.clean(&message)),
            wait: None,
        }
    }

    fn turned_away(&self, status: StatusCode, text: &str, wait: Option<f64>) -> Tried {
        let json: Json = serde_json::from_str(text).unwrap_or_default();
        let said = json["message"].as_str().unwrap_or(text);
        let said = self.clean(&shortened(said));
        let code = json["error_code"].as_str().unwrap_or_default().to_owned();
        let base = self.base();
        match status.as_u16() {
            401 | 403 => {
                let fix = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN";
                Tried::Final(Failure::Denied(format!(
                    "tracking server {base} does not let us in ({status}: {said}); {fix}"
                )))
            }
            passing if is_passing(passing) => Tried::Again {
                failure: Failure::Lost(format!("tracking server {base} answers {status}: {said}")),
                wait,
            },
            _ => {
                let message = if said.is_empty() {
                    status.to_string()
                } else {
                    said
                };
                Tried::Final(Failure::Refused { code, message })
            }
        }
    }

    /// An answer that is none of MLflow's.
    pub fn odd(&self, path: &str, answer: &Json) -> Failure {
        let answer = shortened(&self.clean(&answer.to_string()));
        Failure::Lost(format!(
            "{} does not answer as an MLflow server does ({path}: {answer})",
            self.base()
        ))
    }

    /// What a server says may repeat what it was told.
    fn clean(&self, text: &str) -> String {
        let text = masked(text).into_owned();
        match &self.address.login {
            Some(Login::Basic(_, secret) | Login::Bearer(secret)) if !secret.is_empty() => {
                text.replace(secret.as_str(), MASK)
            }
            _ => text,
        }
    }
}

/// The path of a call of MLflow's interface.
pub fn api(path: &str) -> String {
    format!("/api/2.0/mlflow/{path}")
}

/// The first line, or as much of it as a message bears.
fn shortened(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let cut: String = line.chars().take(300).collect();
    if cut.len() < line.len() {
        return cut + "…";
    }
    cut
}
