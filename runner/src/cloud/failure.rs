//! What an error of a service means to a person.

use google_cloud_gax::error::{CredentialsError, Error as GaxError};

use super::login::LOG_IN;
use crate::error::Error;
use crate::retries;

/// The longest part of a message that is repeated.
const LONGEST: usize = 600;
const AGAIN: &str = "look at the network and run the same command again: what is done already is \
    not done twice";

/// Why a call has no result.
#[derive(Debug)]
pub struct Failure {
    /// What the service answered; `None`: nothing, or not all.
    status: Option<u16>,
    message: String,
    /// Whether the same call may succeed later.
    pub is_passing: bool,
    /// Whether nobody is logged in.
    stranger: bool,
}

impl From<GaxError> for Failure {
    fn from(error: GaxError) -> Self {
        let error = cause(&error);
        let credentials = credentials(error);
        let said = error.status().map(|status| status.message.clone());
        let sent = error.http_payload();
        let sent = sent.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let said = said.or(sent).filter(|message| !message.is_empty());
        let message = match credentials {
            Some(credentials) => chain(reason(credentials)),
            None => said.unwrap_or_else(|| chain(error)),
        };
        Self {
            status: error.http_status_code(),
            message: shortened(&message),
            is_passing: Self::is_passing(error),
            stranger: credentials.is_some_and(|error| !error.is_transient()),
        }
    }
}

impl Failure {
    /// Whether the same call may succeed later: it was turned away, or no answer came,
    /// or half of one.
    pub(super) fn is_passing(error: &GaxError) -> bool {
        match (error.http_status_code(), credentials(error)) {
            (Some(code), _) => retries::is_passing(code),
            (None, Some(credentials)) => credentials.is_transient(),
            // A status without a code is that of an operation that has ended.
            (None, None) => error.status().is_none() && !error.is_serialization(),
        }
    }

    /// Nothing came in time.
    pub(super) fn late() -> Self {
        Self {
            status: None,
            message: "no answer in time".to_owned(),
            is_passing: true,
            stranger: false,
        }
    }

    /// The same of a machine that has no account.
    pub(super) fn of_a_stranger(self) -> Self {
        Self {
            stranger: true,
            ..self
        }
    }

    /// Whether the service answered so.
    pub fn is(&self, code: u16) -> bool {
        self.status == Some(code)
    }

    /// What it means for people.
    pub fn error(&self, doing: &str) -> Box<Error> {
        let failed = |what: &str| {
            Error::failed(format!("cannot {doing}: {what}")).detail(self.message.clone())
        };
        if self.stranger {
            return failed("nobody is logged in to Google Cloud").hint(LOG_IN);
        }
        match self.status {
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

/// Why there is no token, if that is why.
pub(super) fn credentials(error: &GaxError) -> Option<&CredentialsError> {
    std::error::Error::source(error)?.downcast_ref()
}

/// The first reason why there is no token: the library wraps it twice.
fn reason(error: &CredentialsError) -> &(dyn std::error::Error + 'static) {
    let mut reason: &(dyn std::error::Error + 'static) = error;
    let mut source = reason.source();
    while let Some(cause) = source {
        if cause.is::<CredentialsError>() {
            reason = cause;
        }
        source = cause.source();
    }
    reason
}

/// The last error of a call whose time is over.
fn cause(error: &GaxError) -> &GaxError {
    let source = std::error::Error::source(error).filter(|_| error.is_exhausted());
    match source.and_then(|source| source.downcast_ref()) {
        Some(inner) => cause(inner),
        None => error,
    }
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
    text
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    cut + "…"
}
