//! All runs: `<storage.artifacts>/runs`, or `.lagrange/runs` where artifacts are
//! not in a local folder.

use std::path::{Path, PathBuf};

use super::folder::{RECORD, RunFolder, new_id};
use super::moment::Moment;
use super::record::Run;
use crate::error::{Error, Result, did_you_mean};
use crate::settings::Settings;

/// Where runs are kept if artifacts are not in a local folder.
const ELSEWHERE: &str = ".lagrange";
/// How often a new id is looked for.
const ATTEMPTS: u32 = 20;

/// The folder of runs.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The one of the settings. Nothing is created yet.
    pub fn open(settings: &Settings) -> Self {
        let given = settings
            .values
            .get("storage.artifacts")
            .map_or_else(String::new, |(given, _)| given.plain());
        let local = given.strip_prefix("file://").unwrap_or(&given);
        let folder = if local.is_empty() || local.contains("://") {
            ELSEWHERE
        } else {
            local
        };
        Self {
            root: PathBuf::from(folder).join("runs"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// A new folder in it.
    ///
    /// # Errors
    /// A place that cannot be written.
    pub fn create(&self, now: Moment) -> Result<(String, RunFolder)> {
        let failed = |error| {
            Error::io(
                format!("cannot create a folder in {}", self.root.display()),
                &error,
            )
        };
        std::fs::create_dir_all(&self.root).map_err(failed)?;
        for attempt in 0..ATTEMPTS {
            let id = new_id(now, attempt);
            match std::fs::create_dir(self.root.join(&id)) {
                Ok(()) => {
                    let folder = RunFolder::at(self.root.join(&id));
                    return Ok((id, folder));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Error::internal("no new name for a run was found"))
    }

    /// The ids of all runs, the latest first.
    pub fn ids(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten();
        let mut ids: Vec<String> = entries
            .filter(|entry| entry.path().join(RECORD).is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }

    /// A run by its id, a part of it that tells it apart, or `latest`.
    ///
    /// # Errors
    /// No such run, or several.
    pub fn find(&self, name: &str) -> Result<(RunFolder, Run)> {
        let ids = self.ids();
        let latest = |ids: &[String]| ids.first().cloned();
        let found: Vec<String> = if name == "latest" {
            latest(&ids).into_iter().collect()
        } else if ids.iter().any(|id| id == name) {
            vec![name.to_owned()]
        } else {
            let fits = |id: &&String| id.starts_with(name) || id.ends_with(name);
            ids.iter().filter(fits).cloned().collect()
        };
        match found.as_slice() {
            [id] => {
                let folder = self.folder(id);
                let run = folder.read()?;
                Ok((folder, run))
            }
            [] if ids.is_empty() => {
                let message = format!("there are no runs in {}", self.root.display());
                Err(Error::usage(message).hint("lagrange run SCRIPT makes one"))
            }
            [] => {
                let known: Vec<&str> = ids.iter().map(String::as_str).collect();
                let hint = did_you_mean(name, &known)
                    .unwrap_or_else(|| "lagrange runs list shows them".to_owned());
                let message = format!("there is no run '{name}' in {}", self.root.display());
                Err(Error::usage(message).hint(hint))
            }
            several => {
                let message = format!("'{name}' fits {} runs", several.len());
                Err(Error::usage(message).hint(format!("it may be {}", several.join(", "))))
            }
        }
    }

    /// The folder of a run.
    pub fn folder(&self, id: &str) -> RunFolder {
        RunFolder::at(self.root.join(id))
    }
}
