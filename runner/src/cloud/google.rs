//! What all services of Google share: how patient we are, and what an error means to a
//! person.
//!
//! The calls are few and their documents small, so they are made with the client of
//! HTTP that the runner has anyway: Google's own libraries ask for other features of
//! tokio and bytes, and with them for another build of DataFusion.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use super::login::{LOG_IN, Login};
use crate::error::{Error, Result};
use crate::retries::{is_passing, jittered};

/// How often a call is tried in all.
const ATTEMPTS: u32 = 6;
/// The longest part of a message that is repeated.
const LONGEST: usize = 600;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
const AGAIN: &str = "look at the network and run the same command again: what is done already is \
    not done twice";

/// How patient we are with a service.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Before the second try; each wait may be twice as long as the one before.
    pub first_wait: Duration,
    /// The longest wait between tries.
    pub longest_wait: Duration,
    /// How long one try may take.
    pub attempt: Duration,
    /// How long all tries of a call may take.
    pub call: Duration,
    /// Before a job is looked at for the first time; each wait is half as long again.
    pub first_look: Duration,
    /// The longest wait between two looks.
    pub longest_look: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(20),
            attempt: Duration::from_secs(60),
            call: Duration::from_secs(180),
            first_look: Duration::from_millis(300),
            longest_look: Duration::from_secs(10),
        }
    }
}

impl Patience {
    /// The wait before the look of this number, from 0.
    pub fn look(&self, number: u32) -> Duration {
        let factor = 1.5_f64.powi(i32::try_from(number.min(40)).unwrap_or(40));
        self.first_look.mul_f64(factor).min(self.longest_look)
    }

    /// The wait before the retry of this number, from 0: longer each time.
    fn wait(&self, number: u32) -> Duration {
        let longest = self.first_wait * 2_u32.saturating_pow(number.min(16));
        jittered(longest.min(self.longest_wait))
    }
}

/// Why a call has no result.
#[derive(Debug)]
pub struct Failure {
    /// What the service answered; `None`: nothing, or not all.
    pub status: Option<StatusCode>,
    message: String,
    /// Whether the same call may succeed later.
    pub is_passing: bool,
    /// Whether nobody is logged in.
    stranger: bool,
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            status: None,
            message: String::new(),
            is_passing: true,
            stranger: false,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a call gives.
pub type Answer = std::result::Result<Json, Failure>;

impl Failure {
    /// Whether the service answered so.
    pub fn is(&self, code: u16) -> bool {
        self.status.is_some_and(|status| status.as_u16() == code)
    }

    /// Nothing came, or not all.
    pub(super) fn lost(error: &reqwest::Error) -> Self {
        Self {
            message: chain(error),
            ..Self::default()
        }
    }

    /// The service says no.
    pub(super) fn refused(status: StatusCode, said: &str) -> Self {
        Self {
            status: Some(status),
            message: shortened(said),
            is_passing: is_passing(status.as_u16()),
            stranger: false,
        }
    }

    /// Nobody is logged in.
    pub(super) fn stranger(said: String) -> Self {
        Self {
            message: shortened(&said),
            is_passing: false,
            stranger: true,
            ..Self::default()
        }
    }

    /// What it means for people.
    pub fn error(&self, doing: &str) -> Box<Error> {
        let failed = |what: &str| {
            Error::failed(format!("cannot {doing}: {what}")).detail(self.message.clone())
        };
        if self.stranger {
            return failed("nobody is logged in to Google Cloud").hint(LOG_IN);
        }
        match self.status.map(|status| status.as_u16()) {
            Some(401) => failed("the login is not accepted (401)").hint(LOG_IN),
            Some(403) => failed("it is not allowed (403)").hint(
                "docs/cloud.md lists the roles that the account needs; lagrange doctor shows what \
                 it reaches",
            ),
            Some(404) => failed("it is not there (404)"),
            Some(code) if self.is_passing => {
                failed(&format!("the service is busy or broken ({code})")).hint(
                    "it was tried several times; run the same command again later: what is done \
                     already is not done twice",
                )
            }
            Some(code) => failed(&format!("it is refused ({code})")),
            None => failed("the service cannot be reached, or does not answer in time").hint(AGAIN),
        }
    }
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// GET or POST.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// What follows the question mark; empty values are left out.
    pub query: Vec<(&'a str, String)>,
    /// A document.
    pub body: Option<&'a Json>,
    /// Whether it may be made twice without harm.
    pub repeatable: bool,
}

impl<'a> Call<'a> {
    /// Asks for something.
    pub fn get(url: String) -> Self {
        Self {
            method: Method::GET,
            url,
            query: Vec::new(),
            body: None,
            repeatable: true,
        }
    }

    /// Says something that may be said twice.
    pub fn post(url: String, body: &'a Json) -> Self {
        Self {
            method: Method::POST,
            url,
            query: Vec::new(),
            body: Some(body),
            repeatable: true,
        }
    }
}

/// A client of Google's services.
pub struct Google {
    http: reqwest::Client,
    /// How patient it is.
    pub patience: Patience,
    login: Login,
}

impl Google {
    /// A client that has not called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn new(patience: Patience) -> Result<Self> {
        let http = client(Some(patience.attempt))?;
        Ok(Self {
            login: Login::find(http.clone())?,
            http,
            patience,
        })
    }

    /// Calls. What is lost or turned away is tried again as long as it may help; a
    /// token that is no longer accepted is replaced once.
    ///
    /// # Errors
    /// The service refuses, or does not answer.
    pub async fn call(&self, call: &Call<'_>) -> Answer {
        let start = Instant::now();
        let (mut attempt, mut renewed) = (0, false);
        loop {
            let failure = match self.once(call).await {
                Ok(json) => return Ok(json),
                Err(failure) => failure,
            };
            if failure.is(401) && !renewed {
                renewed = true;
                self.login.forget();
                continue;
            }
            attempt += 1;
            let over = attempt >= ATTEMPTS || start.elapsed() >= self.patience.call;
            if !failure.is_passing || !call.repeatable || over {
                return Err(failure);
            }
            tokio::time::sleep(self.patience.wait(attempt - 1)).await;
        }
    }

    async fn once(&self, call: &Call<'_>) -> Answer {
        let token = self.login.bearer().await?;
        let query = call.query.iter().filter(|(_, value)| !value.is_empty());
        let mut request = self
            .http
            .request(call.method.clone(), &call.url)
            .query(&query.collect::<Vec<_>>());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(project) = &self.login.quota {
            request = request.header("x-goog-user-project", project);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| Failure::lost(&error))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(|error| Failure::lost(&error))?;
        let json = serde_json::from_str::<Json>(&text);
        if status.is_success() {
            return match json {
                Ok(json) => Ok(json),
                Err(_) if text.trim().is_empty() => Ok(Json::Null),
                // Half an answer is no document.
                Err(error) => Err(Failure {
                    message: format!("not a document: {error}"),
                    ..Failure::default()
                }),
            };
        }
        let json = json.unwrap_or_default();
        let said = json["error"]["message"].as_str().unwrap_or(&text);
        Err(Failure::refused(status, said))
    }
}

/// The address of a service: its own, or that of a variable.
pub fn endpoint(variable: &str, own: &str) -> String {
    std::env::var(variable)
        .ok()
        .map(|address| address.trim_end_matches('/').to_owned())
        .filter(|address| !address.is_empty())
        .unwrap_or_else(|| own.to_owned())
}

/// A client of HTTP; `None`: one that waits as long as it takes.
pub(super) fn client(timeout: Option<Duration>) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("lagrange/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT);
    let builder = match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    builder
        .build()
        .map_err(|error| Error::internal(format!("no client of HTTP: {error}")))
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    shortened(&text)
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_further_and_further_apart() {
        let patience = Patience::default();
        assert_eq!(patience.look(0), Duration::from_millis(300));
        assert_eq!(patience.look(1), Duration::from_millis(450));
        assert_eq!(patience.look(u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn waits_grow_and_end() {
        let patience = Patience::default();
        for number in 0..40 {
            let most = Duration::from_millis(250) * 2_u32.pow(number.min(10));
            let wait = patience.wait(number);
            assert!(
                wait <= most.min(Duration::from_secs(20)).mul_f64(1.5),
                "{wait:?}"
            );
            assert!(wait >= Duration::from_millis(125));
        }
    }
}
