//! The clients of Google's services: all of one login and one patience.

use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::client_builder::{
    ClientBuilder, Error as BuilderError, Result as BuilderResult,
};
use google_cloud_gax::error::Error as GaxError;
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_gax::retry_throttler::CircuitBreaker;

use super::failure::{Failure, chain, credentials};
use super::login::Login;
use super::patience::{ATTEMPTS, Patience, Policy};
use crate::error::{Error, Result};

/// Who calls, and how patiently.
#[derive(Debug, Clone)]
pub struct Google {
    login: Login,
    /// How patient the clients are.
    pub patience: Patience,
}

impl Google {
    /// Nothing is called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn new(patience: Patience) -> Result<Self> {
        let login = Login::find()?;
        login.check()?;
        Ok(Self { login, patience })
    }

    /// The client of a service that is at an address, to be built.
    pub fn client<F>(
        &self,
        builder: ClientBuilder<F, Credentials>,
        address: &str,
    ) -> ClientBuilder<F, Credentials> {
        builder
            .with_endpoint(address)
            .with_credentials(self.login.clone())
            .with_attempt_timeout(self.patience.attempt)
            .with_retry_policy(
                self.policy()
                    .with_attempt_limit(ATTEMPTS)
                    .with_time_limit(self.patience.call),
            )
            .with_backoff_policy(self.patience.waits())
            // One command calls seldom: no try is left out to spare the service.
            .with_retry_throttler(CircuitBreaker::clamp(1, 0, 0))
            .with_polling_backoff_policy(self.patience.looks())
    }

    /// What is tried again.
    pub fn policy(&self) -> Policy {
        Policy(self.login.clone())
    }

    /// What a call gives. Its tries end by themselves, but not the wait for a token.
    ///
    /// # Errors
    /// The service refuses, or does not answer.
    pub async fn call<T>(
        &self,
        call: impl Future<Output = std::result::Result<T, GaxError>>,
    ) -> std::result::Result<T, Failure> {
        // The last try may begin just before the end.
        let limit = self.patience.call + self.patience.attempt;
        match tokio::time::timeout(limit, call).await {
            Ok(outcome) => outcome.map_err(|error| self.failure(error)),
            Err(_) => Err(Failure::late()),
        }
    }

    /// Why a call has no result.
    pub fn failure(&self, error: GaxError) -> Failure {
        // A machine that has an account has it always.
        let stranger = self.login.is_of_the_machine() && credentials(&error).is_some();
        let failure = Failure::from(error);
        match stranger {
            true => failure.of_a_stranger(),
            false => failure,
        }
    }
}

/// A client that was built.
///
/// # Errors
/// An address that is none, credentials of another universe.
pub fn built<T>(client: BuilderResult<T>) -> Result<T> {
    client.map_err(|error: BuilderError| {
        Error::usage("cannot call the services of Google Cloud").detail(chain(&error))
    })
}

/// The address of a service: its own, or that of a variable.
pub fn endpoint(variable: &str, own: &str) -> String {
    std::env::var(variable)
        .ok()
        .map(|address| address.trim_end_matches('/').to_owned())
        .filter(|address| !address.is_empty())
        .unwrap_or_else(|| own.to_owned())
}
