//! The registry on every store.

mod faults;
#[allow(
    clippy::duplicate_mod,
    reason = "the tests of storage serve a bucket, too"
)]
#[path = "../../../../tests/end-to-end/gcs.rs"]
mod gcs;
mod lifecycle;
mod stores;
mod writers;
