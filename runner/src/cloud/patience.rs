//! How patient we are with the services of Google, as their clients ask for it.

use std::time::{Duration, Instant};

use google_cloud_gax::error::{CredentialsError, Error as GaxError};
use google_cloud_gax::exponential_backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use google_cloud_gax::polling_error_policy::PollingErrorPolicy;
use google_cloud_gax::polling_state::PollingState;
use google_cloud_gax::retry_policy::RetryPolicy;
use google_cloud_gax::retry_result::RetryResult;
use google_cloud_gax::retry_state::RetryState;

use super::failure::{Failure, credentials};
use super::login::Login;

/// How often a call is tried in all.
pub const ATTEMPTS: u32 = 6;

/// How patient we are with a service.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Before the second try, at most; each wait may be twice as long as the one before.
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

    /// The waits between tries.
    pub(super) fn waits(&self) -> ExponentialBackoff {
        ExponentialBackoffBuilder::new()
            .with_initial_delay(self.first_wait)
            .with_maximum_delay(self.longest_wait)
            .clamp()
    }

    /// The waits between looks, where a client looks by itself.
    pub(super) fn looks(&self) -> ExponentialBackoff {
        ExponentialBackoffBuilder::new()
            .with_initial_delay(self.first_look)
            .with_maximum_delay(self.longest_look)
            .with_scaling(1.5)
            .clamp()
    }
}

/// What is tried again: what is lost or turned away, if it may be said twice. A token
/// that is no longer accepted is replaced once in a call.
#[derive(Debug, Clone)]
pub struct Policy(pub(super) Login);

impl Policy {
    fn verdict(&self, repeatable: bool, start: Instant, error: GaxError) -> RetryResult {
        let again = if error.http_status_code() == Some(401) {
            // It was not done: it may be said again, whatever it is.
            self.0.renew(start)
        } else if credentials(&error).is_some_and(CredentialsError::is_transient) {
            // What is remembered is that there was no token.
            self.0.forget();
            true
        } else {
            repeatable && Failure::is_passing(&error)
        };
        match again {
            true => RetryResult::Continue(error),
            false => RetryResult::Permanent(error),
        }
    }
}

impl RetryPolicy for Policy {
    fn on_error(&self, state: &RetryState, error: GaxError) -> RetryResult {
        self.verdict(state.idempotent, state.start, error)
    }
}

impl PollingErrorPolicy for Policy {
    fn on_error(&self, state: &PollingState, error: GaxError) -> RetryResult {
        self.verdict(true, state.start, error)
    }
}

#[cfg(test)]
mod tests {
    use google_cloud_gax::backoff_policy::BackoffPolicy;
    use google_cloud_gax::polling_backoff_policy::PollingBackoffPolicy;

    use super::*;

    #[test]
    fn looks_are_further_and_further_apart() {
        let patience = Patience::default();
        assert_eq!(patience.look(0), Duration::from_millis(300));
        assert_eq!(patience.look(1), Duration::from_millis(450));
        assert_eq!(patience.look(u32::MAX), Duration::from_secs(10));
        // Those of a client count from one.
        for number in 0..20 {
            let state = PollingState::default().set_attempt_count(number + 1);
            let wait = patience.looks().wait_period(&state);
            assert!(wait.abs_diff(patience.look(number)) < Duration::from_millis(1));
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let waits = Patience::default().waits();
        for number in 1..40 {
            let most = Duration::from_millis(250) * 2_u32.pow((number - 1).min(10));
            let state = RetryState::new(true).set_attempt_count(number);
            let wait = waits.on_failure(&state);
            assert!(wait <= most.min(Duration::from_secs(20)), "{wait:?}");
        }
    }
}
