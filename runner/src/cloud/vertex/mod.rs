//! Vertex AI: a script that runs on a machine of the cloud, in a container that runs
//! `lagrange run`.
//!
//! - [`bundle`]: the scripts and the settings, as one object named by its checksum.
//! - [`machine`]: which machine fits `training.resources`.
//! - [`request`]: the job, exactly as it is sent; [`service`]: the calls.
//! - [`log`]: what the job prints; [`models`]: its Model Registry.

pub mod bundle;
pub mod log;
pub mod machine;
pub mod models;
pub mod request;
pub mod service;
