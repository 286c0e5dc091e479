//! The folder of one run. Files are written aside and renamed, `run.json` after
//! the files that it names: whoever reads `run.json` finds all of them whole.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::moment::Moment;
use super::record::{Artifact, Run, RunStatus, SCHEMA};
use crate::error::{Error, Result};
use crate::files::{sha256, write_aside};

/// What the record is called.
pub const RECORD: &str = "run.json";
/// Held by the process that runs, so that others see whether it still does.
const RUNNING: &str = ".running";
/// Held by the process that uploads.
const UPLOADING: &str = ".uploading";

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

/// Held until it is dropped, or its process is gone.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl RunFolder {
    /// The folder at a path, whether it is there or not.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// Writes a file, and says what it is.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<Artifact> {
        let file = self.file(path);
        let failed = |error| Error::io(format!("cannot write {}", file.display()), &error);
        write_aside(&file, bytes).map_err(failed)?;
        Ok(Artifact {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        })
    }

    /// Writes the record: from now on its files count.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, run: &Run) -> Result<()> {
        let text = serde_json::to_string_pretty(run)
            .map_err(|error| Error::internal(format!("{RECORD} cannot be written: {error}")))?;
        self.put(RECORD, format!("{text}\n").as_bytes())?;
        Ok(())
    }

    /// Reads the record. A run whose process is gone was killed.
    ///
    /// # Errors
    /// A record that is not there, is damaged, or is of a later version.
    pub fn read(&self) -> Result<Run> {
        let mut run = self.read_as_written()?;
        if run.status == RunStatus::Running && self.hold(RUNNING).is_some() {
            // It may have ended between the two looks.
            run = self.read_as_written()?;
            if run.status == RunStatus::Running {
                run.status = RunStatus::Killed;
                run.ended_at = Some(
                    run.steps
                        .last()
                        .map_or(run.started_at, |step| step.ended_at),
                );
            }
        }
        Ok(run)
    }

    fn read_as_written(&self) -> Result<Run> {
        let file = self.file(RECORD);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| Error::failed(format!("cannot read {}: {error}", file.display())))?;
        let damaged = |error: serde_json::Error| {
            Error::failed(format!("{} is no record of a run: {error}", file.display()))
        };
        let json: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        if let Some(schema) = json["schema"].as_u64()
            && schema > u64::from(SCHEMA)
        {
            let message = format!(
                "{} has schema {schema}; this version of lagrange reads up to {SCHEMA}",
                file.display()
            );
            return Err(Error::failed(message).hint("update lagrange"));
        }
        serde_json::from_value(json).map_err(damaged)
    }

    /// Says that this process runs it.
    pub fn hold_as_running(&self) -> Option<Held> {
        self.hold(RUNNING)
    }

    /// Says that this process uploads it; `None` if another does.
    pub fn hold_as_uploading(&self) -> Option<Held> {
        self.hold(UPLOADING)
    }

    fn hold(&self, name: &str) -> Option<Held> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.file(name))
            .ok()?;
        file.try_lock().ok()?;
        Some(Held { _file: file })
    }
}

/// A new run's id: its moment, and six digits that tell runs of one second apart.
pub fn new_id(now: Moment, attempt: u32) -> String {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let unique = format!("{nanos} {} {attempt}", std::process::id());
    // Runs of one second are in their order as well.
    let digest = &sha256(unique.as_bytes())[..3];
    format!("{}-{:03}{digest}", now.compact(), now.millis())
}
