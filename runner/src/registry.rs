//! The folder of models: `<registry>/<table>/<hash>.model`, and next to each a
//! JSON file that says what it is. A model is named by its content, so the same
//! model is stored once. (Threads decide the order of additions: a refit may
//! differ in the last bits, and is then another model.)

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// How many hexadecimal digits of the hash name a model.
const NAME_DIGITS: usize = 16;

/// A folder of models.
#[derive(Debug)]
pub struct Registry {
    root: PathBuf,
}

/// A model in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The table that it came from.
    pub table: String,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was not there before.
    pub new: bool,
}

/// What is known of a model next to its bytes.
#[derive(Debug)]
pub struct Description<'a> {
    /// The table that holds it.
    pub table: &'a str,
    /// The script that made the table.
    pub script: &'a str,
    /// The header of the model.
    pub header: Json,
    /// The other columns of its row, such as the symbol.
    pub key: Map<String, Json>,
}

impl Registry {
    /// The registry of the settings. Nothing is created yet.
    ///
    /// # Errors
    /// A place that is not a local folder.
    pub fn open(location: &str) -> Result<Self> {
        let root = location.strip_prefix("file://").unwrap_or(location);
        if root.contains("://") {
            let message = format!("storage.model_registry {location} is not a local folder");
            return Err(Error::usage(message).hint(
                "models are uploaded by a later version; for now set \
                 LAGRANGE_STORAGE__MODEL_REGISTRY=./models",
            ));
        }
        Ok(Self {
            root: PathBuf::from(root),
        })
    }

    /// Saves a model unless it is there already.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, model: &[u8], description: Description<'_>) -> Result<Saved> {
        let hash: String = Sha256::digest(model)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = self.root.join(folder_name(description.table));
        let path = folder.join(format!("{}.model", &hash[..NAME_DIGITS]));
        let new = !is_same(&path, model);
        let about = path.with_extension("json");
        if new || !about.exists() {
            let io =
                |error| Error::io(format!("cannot save a model to {}", path.display()), &error);
            let text = format!(
                "{:#}\n",
                json!({
                    "table": description.table,
                    "script": description.script,
                    "sha256": hash,
                    "key": description.key,
                    "model": description.header,
                })
            );
            std::fs::create_dir_all(&folder).map_err(io)?;
            // The model comes last: where it is, all of it is.
            write_aside(&folder, &about, text.as_bytes()).map_err(io)?;
            write_aside(&folder, &path, model).map_err(io)?;
        }
        Ok(Saved {
            table: description.table.to_owned(),
            path,
            new,
        })
    }
}

fn is_same(path: &Path, model: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|found| found == model)
}

/// A table's name as that of a folder.
fn folder_name(table: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "_-".contains(c) {
            c
        } else {
            '_'
        }
    };
    table.chars().map(plain).collect()
}

/// Writes a file that appears whole or not at all.
fn write_aside(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Others may read models; the process's mask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_saved_once() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
        let save = |bytes: &[u8]| {
            let description = Description {
                table: "my model",
                script: "train.sql",
                header: json!({"algorithm": "ols"}),
                key: Map::new(),
            };
            registry.save(bytes, description).unwrap()
        };
        let first = save(b"one");
        assert!(first.new && first.path.ends_with("my_model/7692c3ad3540bb80.model"));
        assert!(!save(b"one").new);
        assert_ne!(save(b"two").path, first.path);
        let files = std::fs::read_dir(folder.path().join("my_model")).unwrap();
        assert_eq!(files.count(), 4);
    }

    #[test]
    fn remote_registries_are_refused() {
        assert!(Registry::open("gs://bucket/models").is_err());
    }
}
