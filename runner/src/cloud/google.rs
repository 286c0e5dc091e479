//! What all services of Google share: who we are, how patient we are, and what an
//! error means to a person.

use std::sync::Once;
use std::time::Duration;

use google_cloud_auth::credentials::{Builder, CacheableResource, Credentials};
use google_cloud_gax::error::Error as CallError;
use google_cloud_gax::exponential_backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use google_cloud_gax::retry_policy::RetryPolicy;
use google_cloud_gax::retry_result::RetryResult;
use google_cloud_gax::retry_state::RetryState;
use google_cloud_gax::retry_throttler::RetryThrottler;
use reqwest::header::HeaderMap;

use crate::error::{Error, Result};

/// What we ask to be allowed.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How often a call is tried in all.
const ATTEMPTS: u32 = 6;
/// The longest part of a message that is repeated.
const LONGEST: usize = 600;

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
    /// The waits between tries, each drawn at random up to a bound that doubles.
    pub fn backoff(&self) -> ExponentialBackoff {
        ExponentialBackoffBuilder::new()
            .with_initial_delay(self.first_wait)
            .with_maximum_delay(self.longest_wait)
            .clamp()
    }

    /// What is tried again.
    pub fn retries(&self) -> Retries {
        Retries { limit: self.call }
    }

    /// The wait before the look of this number, from 0.
    pub fn look(&self, number: u32) -> Duration {
        let factor = 1.5_f64.powi(i32::try_from(number.min(40)).unwrap_or(40));
        self.first_look.mul_f64(factor).min(self.longest_look)
    }
}

/// Tries again what may go better the next time. Google's own rule leaves out
/// 429 and 500, which BigQuery answers with when it is busy.
#[derive(Debug, Clone)]
pub struct Retries {
    limit: Duration,
}

impl RetryPolicy for Retries {
    fn on_error(&self, state: &RetryState, error: CallError) -> RetryResult {
        let harmless = state.idempotent || error.is_transient_and_before_rpc();
        if !harmless || !is_passing(&error) {
            return RetryResult::Permanent(error);
        }
        if state.attempt_count >= ATTEMPTS || state.start.elapsed() >= self.limit {
            return RetryResult::Exhausted(error);
        }
        RetryResult::Continue(error)
    }

    fn remaining_time(&self, state: &RetryState) -> Option<Duration> {
        Some(self.limit.saturating_sub(state.start.elapsed()))
    }
}

/// Google's clients hold retries back by chance when many calls fail. That is for
/// servers that make thousands of them; a command makes one after the other.
#[derive(Debug)]
pub struct NotHeldBack;

impl RetryThrottler for NotHeldBack {
    fn throttle_retry_attempt(&self) -> bool {
        false
    }

    fn on_retry_failure(&mut self, _: &RetryResult) {}

    fn on_success(&mut self) {}
}

/// Whether the same call may succeed later.
pub fn is_passing(error: &CallError) -> bool {
    let lost = error.is_io() || error.is_timeout() || error.is_connect() || error.is_transport();
    let turned_away = error
        .http_status_code()
        .is_some_and(|code| matches!(code, 408 | 429 | 500 | 502 | 503 | 504));
    // Half an answer is no document.
    lost || turned_away || error.is_deserialization() || error.is_transient_and_before_rpc()
}

/// Who we are: the key file of GOOGLE_APPLICATION_CREDENTIALS (a service account, a
/// workload identity, a person), what `gcloud auth application-default login` left, or
/// the account of the machine.
///
/// # Errors
/// Credentials that cannot be read.
pub fn credentials() -> Result<Credentials> {
    use_ring();
    Builder::default()
        .with_scopes([SCOPE])
        .build()
        .map_err(|error| {
            Error::usage("cannot read the credentials of Google Cloud")
                .detail(chain(&error))
                .hint(LOG_IN)
        })
}

/// The headers that say who we are, for services without a client of Google's here.
///
/// # Errors
/// No token can be had.
pub async fn headers(credentials: &Credentials) -> Result<HeaderMap> {
    let headers = credentials.headers(http_extensions()).await;
    match headers {
        Ok(CacheableResource::New { data, .. }) => Ok(data),
        // Nothing was said to be known.
        Ok(CacheableResource::NotModified) => Err(Error::internal("no headers of credentials")),
        Err(error) => Err(Error::usage("cannot log in to Google Cloud")
            .detail(chain(&error))
            .hint(LOG_IN)),
    }
}

fn http_extensions<T: Default>() -> T {
    T::default()
}

/// Google's clients leave it to the process which cryptography TLS uses: what the
/// other clients in this binary use.
fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody may have chosen before.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What to do where we are not known.
pub const LOG_IN: &str = "run gcloud auth application-default login, or set \
    GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account";

/// The address of a service, where a variable gives another than its own.
pub fn endpoint(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .map(|address| address.trim_end_matches('/').to_owned())
        .filter(|address| !address.is_empty())
}

/// What a service says, for people.
pub fn failure(doing: &str, error: &CallError) -> Box<Error> {
    let message = said(error);
    let failed = |what: &str| Error::failed(format!("cannot {doing}: {what}")).detail(&message);
    if error.is_authentication() {
        return Error::usage(format!(
            "cannot {doing}: nobody is logged in to Google Cloud"
        ))
        .detail(message)
        .hint(LOG_IN);
    }
    match error.http_status_code() {
        Some(401) => failed("the login is not accepted (401)").hint(LOG_IN),
        Some(403) => failed("it is not allowed (403)").hint(
            "docs/cloud.md lists the roles that the account needs; lagrange doctor shows what it \
             reaches",
        ),
        Some(404) => failed("it is not there (404)"),
        Some(code @ (429 | 500 | 502 | 503 | 504)) => {
            failed(&format!("the service is busy or broken ({code})")).hint(
                "it was tried several times; run the same command again later: what is done \
                 already is not done twice",
            )
        }
        Some(code) => failed(&format!("it is refused ({code})")),
        None if error.is_timeout() => failed("no answer in time").hint(AGAIN),
        None => failed("the service cannot be reached").hint(AGAIN),
    }
}

const AGAIN: &str = "look at the network and run the same command again: what is done already is \
    not done twice";

/// The message of a service, without its wrapping.
pub fn said(error: &CallError) -> String {
    let text = match (error.status(), error.http_payload()) {
        (Some(status), _) if !status.message.is_empty() => status.message.clone(),
        (None, Some(payload)) if error.http_status_code().is_some() => {
            String::from_utf8_lossy(payload).trim().to_owned()
        }
        _ => chain(error),
    };
    shortened(&text)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
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
}
