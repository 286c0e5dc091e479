//! The registry on every store.

mod faults;
#[path = "../../../../tests/end-to-end/gcs.rs"]
mod gcs;
mod lifecycle;
mod stores;
mod writers;
