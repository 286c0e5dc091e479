//! A bucket for unit tests: the server of the end-to-end tests, and a client of it with
//! little patience.

use std::time::Duration;

use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

#[path = "../../tests/end-to-end/gcs.rs"]
mod gcs;

pub use gcs::{Fault, Gcs};

/// A client as the runner makes one, but for its patience.
pub fn client(server: &Gcs) -> GoogleCloudStorage {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(5),
            ..BackoffConfig::default()
        },
        max_retries: 10,
        retry_timeout: Duration::from_secs(30),
    };
    GoogleCloudStorageBuilder::new()
        .with_bucket_name("trading")
        .with_service_account_key(server.service_account())
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(retry)
        .build()
        .unwrap()
}
