//! What is not on this machine. `docs/cloud.md` says what is tested here and what only
//! the real services can show.
//!
//! - [`login`]: who we are there.
//! - [`google`]: the clients of its services; [`patience`]: what is tried again;
//!   [`failure`]: what an error means.
//! - [`storage`]: objects of a bucket or a folder, and a cache of them on the disk.
//! - [`bigquery`]: exports of tables, and results back into a data set.
//! - [`vertex`]: scripts that run on machines of Vertex AI.

pub mod bigquery;
pub mod failure;
pub mod google;
pub mod login;
pub mod patience;
pub mod storage;
pub mod vertex;
