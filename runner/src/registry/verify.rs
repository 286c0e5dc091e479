//! Whether everything is as it was written.

use lagrange_udfs::models::Model;

use super::Registry;
use super::manifest::{MODEL, Manifest};
use super::versions::State;
use crate::error::{Error, Result};

/// What a version turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The model.
    pub name: String,
    /// The version; `None`: the aliases of the name.
    pub version: Option<u64>,
    /// Files that were read.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong; nothing if it is as it was written.
    pub faults: Vec<String>,
    /// What is worth knowing and no fault.
    pub note: Option<String>,
}

impl Registry {
    /// Reads every file of a name's versions, or of one, and compares it with its
    /// checksum.
    ///
    /// # Errors
    /// A name or a version that is not there, a store that cannot be read. A damaged
    /// file is no error but a verdict.
    pub async fn verify(&self, name: &str, only: Option<u64>) -> Result<Vec<Verdict>> {
        let listing = self.known(name).await?;
        if let Some(version) = only
            && listing.versions.get(&version) != Some(&State::Ready)
        {
            // Says what is the matter with it.
            self.manifest(name, version).await?;
        }
        let mut verdicts = Vec::new();
        for (version, state) in &listing.versions {
            if only.is_some_and(|only| only != *version) {
                continue;
            }
            match state {
                State::Ready => verdicts.push(self.verify_version(name, *version).await?),
                State::Unfinished => verdicts.push(Verdict {
                    note: Some(
                        "not finished, and seen by nobody: it is being published, or that was \
                         interrupted"
                            .to_owned(),
                    ),
                    ..verdict(name, Some(*version))
                }),
                State::Deleted => {}
            }
        }
        if only.is_none() {
            let mut aliases = verdict(name, None);
            for alias in &listing.aliases {
                if let Err(error) = self.history(name, alias).await {
                    aliases.faults.push(error.to_string());
                }
            }
            if !aliases.faults.is_empty() {
                verdicts.push(aliases);
            }
        }
        Ok(verdicts)
    }

    async fn verify_version(&self, name: &str, version: u64) -> Result<Verdict> {
        let mut verdict = verdict(name, Some(version));
        let manifest = match self.manifest(name, version).await {
            Ok(manifest) => manifest,
            Err(error) => {
                verdict.faults.push(error.to_string());
                return Ok(verdict);
            }
        };
        if manifest.name != name || manifest.version != version {
            verdict.faults.push(format!(
                "the manifest is that of version {} of {}",
                manifest.version, manifest.name
            ));
        }
        let own = |file: &str| !file.contains(['/', '\\']) && !file.contains("..");
        for which in manifest.files.keys() {
            if !own(which) {
                verdict
                    .faults
                    .push(format!("the manifest names a file '{which}'"));
                continue;
            }
            match self.file(&manifest, which).await {
                Ok(bytes) => {
                    verdict.files += 1;
                    verdict.bytes += bytes.len() as u64;
                    if which == MODEL {
                        verdict.faults.extend(model_fault(&manifest, &bytes));
                    }
                }
                Err(error) => verdict.faults.push(error.to_string()),
            }
        }
        if !manifest.files.contains_key(MODEL) {
            verdict.faults.push(format!("the manifest has no {MODEL}"));
        }
        Ok(verdict)
    }
}

fn verdict(name: &str, version: Option<u64>) -> Verdict {
    Verdict {
        name: name.to_owned(),
        version,
        files: 0,
        bytes: 0,
        faults: Vec::new(),
        note: None,
    }
}

/// What is wrong with a model, if anything.
fn model_fault(manifest: &Manifest, bytes: &[u8]) -> Option<String> {
    match Model::read(bytes) {
        Ok(model) if model.header().features == manifest.features => None,
        Ok(_) => Some("the manifest names other features than the model".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// The error for verdicts with faults, if any has one.
pub fn fault_error(verdicts: &[Verdict]) -> Option<Box<Error>> {
    let damaged = verdicts.iter().filter(|verdict| !verdict.faults.is_empty());
    let count = damaged.count();
    (count > 0).then(|| {
        let versions = if count == 1 {
            "version is"
        } else {
            "versions are"
        };
        Error::failed(format!("{count} {versions} not as published")).hint(
            "restore the files from a copy; or delete the version, and publish the model again",
        )
    })
}
