//! The local record of each `lagrange run`: a folder
//! `<storage.artifacts>/runs/<run id>/` with `run.json` and the files that it
//! names. `docs/tracking.md` describes it.
//!
//! - [`record`]: what `run.json` says; [`moment`]: its times.
//! - [`folder`]: how it is written, so that it is never half-read; [`store`]: all of
//!   them.
//! - [`results`]: which tables are results of our table functions; [`measured`]:
//!   the metrics in them; [`written`]: their files.

pub mod folder;
pub mod measured;
pub mod moment;
pub mod record;
pub mod results;
pub mod store;
pub mod written;

pub use folder::RunFolder;
pub use record::{Run, RunStatus};
pub use store::Store;
