//! What a job runs: the scripts, the files that they include and the settings, as one
//! object that is named by its checksum. The container reads it with
//! `lagrange run --bundle`, which refuses one that has another.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use object_store::path::Path as StorePath;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{sha256, write_aside};
use crate::registry::Place;

/// The folder of bundles, within the artifacts.
const FOLDER: &str = "jobs";
/// The version of its form.
const VERSION: u64 = 1;
/// The end of its name.
const EXTENSION: &str = ".json";

/// Files by their path in the working directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bundle {
    version: u64,
    /// The texts.
    pub files: BTreeMap<String, String>,
}

impl Bundle {
    /// No files yet.
    pub fn new() -> Self {
        Self {
            version: VERSION,
            files: BTreeMap::new(),
        }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// A path that leads out of the working directory.
    pub fn add(&mut self, path: &str, text: &str) -> Result<()> {
        let path = inner(path).ok_or_else(|| {
            Error::usage(format!("{path} is not in the working directory"))
                .hint("a job has only what is in the working directory of lagrange submit")
        })?;
        self.files.insert(path, text.to_owned());
        Ok(())
    }

    /// Its bytes, which are the same for the same files.
    ///
    /// # Errors
    /// A defect.
    pub fn bytes(&self) -> Result<Bytes> {
        serde_json::to_vec_pretty(self)
            .map(Bytes::from)
            .map_err(|error| Error::internal(format!("a bundle: {error}")))
    }

    /// Where bytes of a bundle go.
    pub fn path(bytes: &[u8]) -> StorePath {
        StorePath::from(FOLDER).join(format!("{}{EXTENSION}", sha256(bytes)))
    }

    /// Reads a bundle, and puts its files into a folder.
    ///
    /// # Errors
    /// A bundle that cannot be read or is not the one that was named.
    pub async fn unpack(address: &str, folder: &Path) -> Result<()> {
        let (location, name) = address
            .trim_end_matches('/')
            .rsplit_once('/')
            .ok_or_else(|| {
                Error::usage(format!("--bundle {address}: not the address of a bundle"))
            })?;
        let place = Place::of("--bundle", location)?;
        let path = StorePath::from(name);
        let bytes = place.get(&path).await?.ok_or_else(|| {
            Error::usage(format!("there is no bundle {address}"))
                .hint("lagrange submit uploads it; was it removed?")
        })?;
        let wanted = name.trim_end_matches(EXTENSION);
        if sha256(&bytes) != wanted {
            let message = format!("the bundle {address} is not what was submitted");
            return Err(Error::failed(message)
                .detail("its checksum is not its name")
                .hint("submit again"));
        }
        let bundle: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Error::failed(format!("{address} is not a bundle")).detail(error.to_string())
        })?;
        if bundle.version != VERSION {
            let message = format!("the bundle {address} is of version {}", bundle.version);
            return Err(Error::usage(message)
                .hint("the image and lagrange submit must be of the same version"));
        }
        for (path, text) in &bundle.files {
            let inner =
                inner(path).ok_or_else(|| Error::failed(format!("{address} has a file {path}")))?;
            let file = folder.join(inner);
            write_aside(&file, text.as_bytes())
                .map_err(|error| Error::io(format!("cannot write {}", file.display()), &error))?;
        }
        Ok(())
    }
}

/// A path without dots; `None` if it leads out of the working directory.
fn inner(path: &str) -> Option<String> {
    let mut parts = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !parts.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let text = parts.to_str()?.replace('\\', "/");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_the_working_directory() {
        assert_eq!(inner("sql/./a/../b.sql").as_deref(), Some("sql/b.sql"));
        for wrong in ["../a.sql", "/etc/passwd", "a/../../b", ".", ""] {
            assert_eq!(inner(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bundle_comes_back_and_another_does_not() {
        let place = Place::of("storage.artifacts", "memory://bundles").unwrap();
        let mut bundle = Bundle::new();
        bundle.add("sql/train.sql", "SELECT 1").unwrap();
        let bytes = bundle.bytes().unwrap();
        let path = Bundle::path(&bytes);
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            place.put(&path, bytes).await.unwrap();
            let address = place.shown(&path);
            Bundle::unpack(&address, folder.path()).await.unwrap();
            place.put(&path, Bytes::from_static(b"{}")).await.unwrap();
            let error = Bundle::unpack(&address, folder.path()).await.unwrap_err();
            assert!(error.message().contains("not what was submitted"));
        });
        let text = std::fs::read_to_string(folder.path().join("sql/train.sql")).unwrap();
        assert_eq!(text, "SELECT 1");
    }
}
