//! DataFusion's database: a folder with a folder of Parquet shards per table.
//! A table is written aside and put in place by renaming, so that it is there
//! whole or not at all, whatever happens to the process.
//!
//! ```text
//! ml/features/features-000000000000.parquet    written by the runner
//! ml/prices-000000000000.parquet               an export of BigQuery: table prices
//! ml/symbols.parquet                           table symbols
//! ml/.lagrange.lock                            held by the process that uses the folder
//! ml/.features.new/, ml/.features.old/         while features is being replaced
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const LOCK: &str = ".lagrange.lock";
const NEW: &str = ".new";
const OLD: &str = ".old";
const EXTENSION: &str = ".parquet";
/// Digits of the shard number in the names of BigQuery exports.
const SHARD_DIGITS: usize = 12;

/// A folder of tables, used by this process alone.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Unlocks when dropped.
    _lock: File,
}

impl Store {
    /// Opens a folder, which is created if it is not there, and finishes or
    /// undoes what an earlier process left half done.
    ///
    /// # Errors
    /// A folder that another process uses or that cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        let failed = |error: io::Error| {
            Error::usage(format!(
                "cannot open database folder {}: {error}",
                folder.display()
            ))
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LOCK);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message.
                let _ = lock.read_to_string(&mut holder);
                let message = format!(
                    "database folder {} is in use by process {}",
                    folder.display(),
                    holder.trim()
                );
                return Err(Error::usage(message)
                    .hint("wait until it ends, or pass another folder with --database"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        lock.set_len(0)
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        let store = Self {
            folder: folder.to_path_buf(),
            _lock: lock,
        };
        store.recover().map_err(failed)?;
        Ok(store)
    }

    /// Puts back tables whose replacement was interrupted between two renames,
    /// and removes what was being written.
    fn recover(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(name) = file_name(&path).and_then(|name| name.strip_prefix('.')) else {
                continue;
            };
            if let Some(table) = name.strip_suffix(OLD) {
                let table = self.folder.join(table);
                if table.exists() {
                    fs::remove_dir_all(&path)?;
                } else {
                    fs::rename(&path, table)?;
                }
            } else if name.ends_with(NEW) && path.is_dir() {
                fs::remove_dir_all(&path)?;
            }
        }
        Ok(())
    }

    /// The tables and their files.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn tables(&self) -> Result<BTreeMap<String, Vec<PathBuf>>> {
        tables_of(&self.folder)
    }

    /// Starts to write a table.
    ///
    /// # Errors
    /// A name that cannot be that of a folder, or a folder that cannot be written.
    pub fn write(&self, table: &str) -> Result<Writing> {
        if table.is_empty() || table.starts_with('.') || table.contains(['/', '\\', '\0']) {
            return Err(Error::failed(format!("a table cannot be called '{table}'")));
        }
        let aside = self.folder.join(format!(".{table}{NEW}"));
        let begin = || {
            if aside.exists() {
                fs::remove_dir_all(&aside)?;
            }
            fs::create_dir(&aside)
        };
        begin().map_err(|error| Error::io(format!("cannot write table {table}"), &error))?;
        Ok(Writing {
            table: table.to_owned(),
            folder: self.folder.clone(),
            aside,
        })
    }

    /// Removes a table.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn drop_table(&self, table: &str) -> Result<()> {
        let remove = || {
            let folder = self.folder.join(table);
            if folder.is_dir() {
                let old = self.folder.join(format!(".{table}{OLD}"));
                fs::rename(&folder, &old)?;
                // Without the loose files: they would come back.
                remove_loose(&self.folder, table)?;
                return fs::remove_dir_all(old);
            }
            remove_loose(&self.folder, table)
        };
        remove().map_err(|error| Error::io(format!("cannot drop table {table}"), &error))
    }
}

/// A table that is being written aside; dropped without [`Writing::commit`],
/// nothing has happened.
#[derive(Debug)]
pub struct Writing {
    table: String,
    folder: PathBuf,
    aside: PathBuf,
}

impl Writing {
    /// Where partition `i` is written.
    pub fn part(&self, i: usize) -> PathBuf {
        self.aside.join(format!("part-{i}"))
    }

    /// Where the partitions are written.
    pub fn aside(&self) -> &Path {
        &self.aside
    }

    /// Makes a file that another process has written there partition `i`.
    ///
    /// # Errors
    /// It is not there: that process writes to another disk.
    pub fn take(&self, file: &str, i: usize) -> Result<()> {
        fs::rename(self.aside.join(file), self.part(i)).map_err(|error| {
            Error::io(
                format!("cannot find {file}, which an executor has written"),
                &error,
            )
            .hint("the database must be in a folder that the runner and all executors share")
        })
    }

    /// Puts the table in place of the old one. `parts` are the partitions that
    /// were written, in order.
    ///
    /// # Errors
    /// A rename fails; the old table stays.
    pub fn commit(self, parts: &[usize]) -> Result<Vec<PathBuf>> {
        self.swap(parts)
            .map_err(|error| Error::io(format!("cannot write table {}", self.table), &error))
    }

    fn swap(&self, parts: &[usize]) -> io::Result<Vec<PathBuf>> {
        for (shard, part) in parts.iter().enumerate() {
            let name = format!("{}-{shard:0SHARD_DIGITS$}{EXTENSION}", self.table);
            fs::rename(self.part(*part), self.aside.join(name))?;
        }
        let place = self.folder.join(&self.table);
        let old = self.folder.join(format!(".{}{OLD}", self.table));
        let replaces = place.exists();
        if replaces {
            fs::rename(&place, &old)?;
        }
        if let Err(error) = fs::rename(&self.aside, &place) {
            if replaces {
                fs::rename(&old, &place)?;
            }
            return Err(error);
        }
        // From here on the new table is there. What is left over is hidden by
        // it, and removed at the latest when the folder is opened again.
        let _ = remove_loose(&self.folder, &self.table);
        if replaces {
            let _ = fs::remove_dir_all(&old);
        }
        shards(&place)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Nothing to do about a failure here: the next opening removes it.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

/// The tables of a folder and their files.
///
/// # Errors
/// The folder cannot be read.
pub fn tables_of(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let failed = |error| Error::io(format!("cannot read {}", folder.display()), &error);
    let mut loose: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut folders = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = file_name(&path).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if path.is_dir() {
            let files = shards(&path).map_err(failed)?;
            if !files.is_empty() {
                folders.insert(name.to_owned(), files);
            }
        } else if let Some(table) = table_of(name) {
            loose.entry(table.to_owned()).or_default().push(path);
        }
    }
    for files in loose.values_mut() {
        files.sort();
    }
    // A table that the runner has written hides files of that name.
    loose.extend(folders);
    Ok(loose)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// The Parquet files of a folder, in order.
fn shards(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let wanted = |name: &str| name.ends_with(EXTENSION) && !name.starts_with(['.', '_']);
        if file_name(&path).is_some_and(wanted) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The table that a loose file belongs to.
fn table_of(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(EXTENSION)?;
    let shard = stem.rsplit_once('-').filter(|(table, number)| {
        !table.is_empty()
            && number.len() == SHARD_DIGITS
            && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    Some(shard.map_or(stem, |(table, _)| table))
}

/// Removes the files of a table that lie in the database folder itself.
fn remove_loose(folder: &Path, table: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if file_name(&path).and_then(table_of) == Some(table) && path.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(store: &Store, table: &str, text: &str) -> Vec<PathBuf> {
        let writing = store.write(table).unwrap();
        fs::write(writing.part(3), text).unwrap();
        writing.commit(&[3]).unwrap()
    }

    #[test]
    fn a_table_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fs::write(folder.path().join("t-000000000000.parquet"), "export").unwrap();
        assert_eq!(store.tables().unwrap()["t"].len(), 1);
        let files = write(&store, "t", "one");
        assert_eq!(files, [folder.path().join("t/t-000000000000.parquet")]);
        drop(store.write("t").unwrap());
        assert_eq!(fs::read_to_string(&files[0]).unwrap(), "one");
        write(&store, "t", "two");
        assert_eq!(fs::read_to_string(&files[0]).unwrap(), "two");
        store.drop_table("t").unwrap();
        assert!(store.tables().unwrap().is_empty());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "only the lock: {left:?}");
    }

    #[test]
    fn an_interrupted_replacement_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        write(&Store::open(folder.path()).unwrap(), "t", "one");
        fs::rename(folder.path().join("t"), folder.path().join(".t.old")).unwrap();
        fs::create_dir(folder.path().join(".t.new")).unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.tables().unwrap()["t"].len(), 1);
        assert!(!folder.path().join(".t.new").exists());
    }

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let error = Store::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(store);
        assert!(Store::open(folder.path()).is_ok());
    }

    #[test]
    fn exports_are_grouped_by_table() {
        assert_eq!(table_of("features-000000000001.parquet"), Some("features"));
        assert_eq!(table_of("a-b.parquet"), Some("a-b"));
        assert_eq!(table_of("notes.txt"), None);
    }
}
