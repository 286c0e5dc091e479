//! What is not on this machine. `docs/cloud.md` says what is tested here and what only
//! the real services can show.
//!
//! - [`google`]: who we are there, what is tried again, and what an error means.
//! - [`storage`]: objects of a bucket or a folder, and a cache of them on the disk.
//! - [`bigquery`]: exports of tables, and results back into a data set.
//! - [`vertex`]: scripts that run on machines of Vertex AI.

pub mod bigquery;
pub mod google;
pub mod storage;
pub mod vertex;
