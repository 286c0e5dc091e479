//! Objects kept on the disk, since DuckDB reads files only. A set is what belongs
//! together, such as the shards of an export; sets that were not used for the longest
//! time go first when room is needed, and those that a process reads stay.
//!
//! ```text
//! <storage.cache>/<key>/features-000000000000.parquet    whole, or not there
//! <storage.cache>/<key>/.lock       held by readers; its time is that of the last use
//! <storage.cache>/<key>/.writing-*  being downloaded
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::objects::{self, Object};
use crate::error::{Error, Result};
use crate::files::hex;
use crate::printer::amount;
use crate::registry::Place;
use crate::settings::Settings;

const LOCK: &str = ".lock";
const WRITING: &str = ".writing-";
/// Objects that are downloaded at once.
const AT_ONCE: usize = 4;

/// A folder of sets.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
}

/// An object that is wanted, and the SHA-256 that it must have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The object.
    pub object: Object,
    /// In hexadecimal digits.
    pub sha256: Option<String>,
}

/// A set on the disk, which stays there as long as this lives.
#[derive(Debug)]
pub struct Held {
    /// In the order in which they were wanted.
    pub files: Vec<PathBuf>,
    /// Readers share it; it is let go when dropped.
    _lock: File,
}

impl Cache {
    /// The cache of the settings. Nothing is created.
    pub fn of(settings: &Settings) -> Self {
        Self::new(settings.cache(), settings.cache_limit)
    }

    /// A cache in a folder, of so many bytes.
    pub fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit }
    }

    /// The files of a set; what is missing is downloaded.
    ///
    /// # Errors
    /// A set that is larger than the cache, objects that cannot be read or are not
    /// what they should be, a disk that is full.
    pub async fn hold(&self, key: &str, place: &Place, wanted: &[Wanted]) -> Result<Held> {
        let folder = self.folder.join(key);
        let io = |error| Error::io(format!("cannot use the cache {}", folder.display()), &error);
        let total: u64 = wanted.iter().map(|wanted| wanted.object.size).sum();
        if total > self.limit {
            let message = format!(
                "{} does not fit the cache: it has {}, the cache {}",
                place.location(),
                amount(total),
                amount(self.limit)
            );
            return Err(Error::usage(message).hint(
                "raise storage.cache_limit, use --engine datafusion, which reads the bucket \
                 itself, or export less with --where",
            ));
        }
        let lock = take(&folder).map_err(io)?;
        let missing: Vec<&Wanted> = wanted
            .iter()
            .filter(|wanted| !is_there(&folder, &wanted.object))
            .collect();
        let needed: u64 = missing.iter().map(|wanted| wanted.object.size).sum();
        if needed > 0 {
            self.make_room(needed, key).map_err(io)?;
        }
        futures::stream::iter(missing)
            .map(|wanted| download(&folder, place, wanted))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        let files = wanted.iter().map(|wanted| folder.join(&wanted.object.name));
        Ok(Held {
            files: files.collect(),
            _lock: lock,
        })
    }

    /// Removes sets, the one that was not used for the longest time first, until there
    /// is room for so many bytes.
    fn make_room(&self, needed: u64, keep: &str) -> io::Result<()> {
        let mut sets = Vec::new();
        let mut used = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !path.is_dir() {
                continue;
            }
            let size = size_of(&path)?;
            used += size;
            if path.file_name().is_some_and(|name| name != keep) {
                let lock = fs::metadata(path.join(LOCK)).and_then(|lock| lock.modified());
                sets.push((lock.unwrap_or(SystemTime::UNIX_EPOCH), path, size));
            }
        }
        sets.sort();
        for (_, path, size) in sets {
            if used + needed <= self.limit {
                break;
            }
            if remove_unused(&path)? {
                used -= size.min(used);
            }
        }
        // Sets that others read may leave less room than the limit asks for; the disk
        // says whether there is enough.
        Ok(())
    }
}

/// Makes the folder of a set and locks it for reading; another process may remove it
/// in between.
fn take(folder: &Path) -> io::Result<File> {
    loop {
        fs::create_dir_all(folder)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK));
        let lock = match lock {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock?,
        };
        lock.lock_shared()?;
        if folder.join(LOCK).exists() {
            lock.set_modified(SystemTime::now())?;
            return Ok(lock);
        }
    }
}

fn is_there(folder: &Path, object: &Object) -> bool {
    fs::metadata(folder.join(&object.name)).is_ok_and(|file| file.len() == object.size)
}

/// Bytes of the files of a set, those of broken downloads included.
fn size_of(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size)
}

/// Removes a set unless a process uses it; whether it did.
fn remove_unused(folder: &Path) -> io::Result<bool> {
    let lock = File::options().write(true).open(folder.join(LOCK));
    let lock = match lock {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(lock) = &lock {
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

/// Downloads an object aside, compares it with its checksum, and puts it in place.
async fn download(folder: &Path, place: &Place, wanted: &Wanted) -> Result<()> {
    let object = &wanted.object;
    let path = folder.join(&object.name);
    let io = |error| Error::io(format!("cannot write {}", path.display()), &error);
    let mut file = tempfile::Builder::new()
        .prefix(WRITING)
        .tempfile_in(folder)
        .map_err(io)?;
    let mut hasher = Sha256::new();
    objects::read(place, object, |bytes| {
        hasher.update(bytes);
        file.write_all(bytes).map_err(io)
    })
    .await?;
    let found = hex(&hasher.finalize());
    if let Some(expected) = &wanted.sha256
        && *expected != found
    {
        let shown = place.shown(&object.path);
        return Err(Error::failed(format!(
            "{shown} is not what was exported: its checksum differs"
        ))
        .detail(format!("expected {expected}\nfound    {found}"))
        .hint("export the table again, with another --snapshot"));
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(&path).map_err(|error| io(error.error))?;
    Ok(())
}
