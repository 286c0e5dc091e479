//! What a registry holds.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use super::Registry;
use super::manifest::{FORMAT, Gates, MANIFEST, Manifest};
use super::names::{self, CHAMPION, Reference, Selector};
use crate::error::{Error, Result, did_you_mean};
use crate::files::sha256;

/// The claim of a version's number.
pub(super) const CLAIM: &str = "claim.json";
/// The end of a version; its number is never used again.
pub(super) const TOMBSTONE: &str = "deleted.json";
/// What the gates of the run said after the version was published.
pub(super) const GATES: &str = "gates.json";
/// The folder of aliases.
pub(super) const ALIASES: &str = "aliases";
/// The folder that leads from a model's content to its version.
pub(super) const CONTENTS: &str = "contents";
/// Requests that are under way at once.
pub const AT_ONCE: usize = 16;

/// What is there under a name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The versions by number.
    pub versions: BTreeMap<u64, State>,
    /// The aliases that were ever set.
    pub aliases: BTreeSet<String>,
}

/// How a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Ready,
    /// It is being published, or was never finished.
    Unfinished,
    /// It is gone.
    Deleted,
}

impl Listing {
    /// The versions that can be used.
    pub fn ready(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let ready = |(version, state): (&u64, &State)| (*state == State::Ready).then_some(*version);
        self.versions.iter().filter_map(ready)
    }
}

/// The path of an object.
pub(super) fn path(parts: &[&str]) -> Path {
    parts.iter().copied().collect()
}

/// The path of a version's file.
pub(super) fn file(name: &str, version: u64, file: &str) -> Path {
    path(&[name, &version.to_string(), file])
}

impl Registry {
    /// The names that have a version, sorted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn names(&self) -> Result<Vec<String>> {
        let store = self.place.reading()?;
        let listed = store.list_with_delimiter(None).await;
        let listed = listed.map_err(|error| self.place.error("list", &Path::default(), &error))?;
        let names = listed.common_prefixes.iter();
        let mut names: Vec<String> = names
            .filter_map(|prefix| Some(prefix.filename()?.to_owned()))
            .filter(|name| names::check_name(name).is_ok())
            .collect();
        names.sort();
        let listings = futures::stream::iter(names)
            .map(|name| async move {
                let listing = self.list(&name).await?;
                Ok::<_, Box<Error>>((!listing.versions.is_empty()).then_some(name))
            })
            .buffered(AT_ONCE);
        let names: Vec<Option<String>> = listings.try_collect().await?;
        Ok(names.into_iter().flatten().collect())
    }

    /// What is there under a name; nothing if the name is not known.
    ///
    /// # Errors
    /// A name that cannot be one, a store that cannot be read.
    pub async fn list(&self, name: &str) -> Result<Listing> {
        names::check_name(name)?;
        let folder = path(&[name]);
        let store = self.place.reading()?;
        let objects: Vec<_> = store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| self.place.error("list", &folder, &error))?;
        let mut listing = Listing::default();
        for object in objects {
            let parts: Vec<String> = object
                .location
                .parts()
                .map(|part| part.as_ref().to_owned())
                .collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            match parts[..] {
                [_, ALIASES, alias, _] => {
                    listing.aliases.insert(alias.to_owned());
                }
                [_, version, file] => {
                    let Ok(version) = version.parse() else {
                        continue;
                    };
                    let state = listing.versions.entry(version).or_insert(State::Unfinished);
                    match file {
                        TOMBSTONE => *state = State::Deleted,
                        MANIFEST if *state == State::Unfinished => *state = State::Ready,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(listing)
    }

    /// Like [`Registry::list`], of a name that must be known.
    ///
    /// # Errors
    /// A name that nobody has published, with the nearest.
    pub async fn known(&self, name: &str) -> Result<Listing> {
        let listing = self.list(name).await?;
        if !listing.versions.is_empty() {
            return Ok(listing);
        }
        let names = self.names().await?;
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("there is no model '{name}' in {}", self.location());
        let hint = match did_you_mean(name, &known) {
            Some(hint) => hint,
            None if known.is_empty() => {
                "the registry is empty: lagrange run publishes the models of the tables it makes, \
                 lagrange models import one from a file"
                    .to_owned()
            }
            None => "lagrange models list shows what there is".to_owned(),
        };
        Err(Error::failed(message).hint(hint))
    }

    /// The manifest of a version.
    ///
    /// # Errors
    /// A version that is not there, is gone, or is of a later format.
    pub async fn manifest(&self, name: &str, version: u64) -> Result<Manifest> {
        names::check_name(name)?;
        if self.place.has(&file(name, version, TOMBSTONE)).await? {
            let message = format!("version {version} of {name} was deleted");
            return Err(Error::failed(message).hint_if(self.other_versions(name).await));
        }
        let at = file(name, version, MANIFEST);
        let Some(bytes) = self.place.get(&at).await? else {
            let message = format!("there is no version {version} of {name}");
            // Says so if the name is unknown, too.
            self.known(name).await?;
            return Err(Error::failed(message).hint_if(self.other_versions(name).await));
        };
        let mut manifest = self.read_manifest(&at, &bytes)?;
        if let Some(bytes) = self.place.get(&file(name, version, GATES)).await? {
            manifest.gates = serde_json::from_slice::<GatesEntry>(&bytes)
                .map(|entry| entry.gates)
                .map_err(|error| self.damaged(&file(name, version, GATES), &error.to_string()))?;
        }
        Ok(manifest)
    }

    fn read_manifest(&self, at: &Path, bytes: &[u8]) -> Result<Manifest> {
        #[derive(serde::Deserialize)]
        struct Format {
            format: u32,
        }
        let format: Format =
            serde_json::from_slice(bytes).map_err(|error| self.damaged(at, &error.to_string()))?;
        if format.format > FORMAT {
            return Err(Error::failed(format!(
                "{} has format {}, this version reads up to {FORMAT}",
                self.place.shown(at),
                format.format
            ))
            .hint("update Lagrange"));
        }
        serde_json::from_slice(bytes).map_err(|error| self.damaged(at, &error.to_string()))
    }

    /// The error for an object that does not hold what it must.
    pub(super) fn damaged(&self, at: &Path, what: &str) -> Box<Error> {
        Error::failed(format!("{} is damaged: {what}", self.place.shown(at)))
            .hint("lagrange models verify checks all; restore the file, or delete the version")
    }

    /// Names the versions that can be used.
    async fn other_versions(&self, name: &str) -> Option<String> {
        let listing = self.list(name).await.ok()?;
        let ready: Vec<String> = listing
            .ready()
            .rev()
            .take(5)
            .map(|v| v.to_string())
            .collect();
        let more = if listing.ready().count() > ready.len() {
            ", ..."
        } else {
            ""
        };
        (!ready.is_empty()).then(|| format!("there are versions {}{more}", ready.join(", ")))
    }

    /// A file of a version, as it was published.
    ///
    /// # Errors
    /// A file that the version does not have or that has changed since.
    pub async fn file(&self, manifest: &Manifest, which: &str) -> Result<Bytes> {
        let (name, version) = (&manifest.name, manifest.version);
        let Some(entry) = manifest.files.get(which) else {
            let message = format!("version {version} of {name} has no {which}");
            return Err(Error::failed(message));
        };
        let at = file(name, version, which);
        let Some(bytes) = self.place.get(&at).await? else {
            return Err(self.damaged(&at, "it is not there"));
        };
        if bytes.len() as u64 != entry.size {
            let what = format!("it has {} bytes, {} were written", bytes.len(), entry.size);
            return Err(self.damaged(&at, &what));
        }
        if sha256(&bytes) != entry.sha256 {
            return Err(self.damaged(&at, "its checksum is another"));
        }
        Ok(bytes)
    }

    /// The version that a reference stands for: that of the champion where it names
    /// none.
    ///
    /// # Errors
    /// An unknown name, version or alias, with the nearest.
    pub async fn resolve(&self, reference: &Reference) -> Result<u64> {
        let name = &reference.name;
        match &reference.selector {
            Some(Selector::Version(version)) => Ok(*version),
            Some(Selector::Alias(alias)) => self.aliased(name, alias).await,
            None => self.aliased(name, CHAMPION).await,
        }
    }

    /// The manifest that a reference stands for.
    ///
    /// # Errors
    /// As [`Registry::resolve`] and [`Registry::manifest`].
    pub async fn find(&self, reference: &Reference) -> Result<Manifest> {
        let version = self.resolve(reference).await?;
        self.manifest(&reference.name, version).await
    }

    /// Like [`Registry::find`], but a name alone is the champion or, where there is
    /// none, the newest version: for those who look, and not for those who serve.
    ///
    /// # Errors
    /// As [`Registry::find`].
    pub async fn find_any(&self, reference: &Reference) -> Result<Manifest> {
        if reference.selector.is_some() {
            return self.find(reference).await;
        }
        let listing = self.known(&reference.name).await?;
        let version = match self.head(&reference.name, CHAMPION).await? {
            Some(head) => Some(head.version),
            None => listing.ready().next_back(),
        };
        match version {
            Some(version) => self.manifest(&reference.name, version).await,
            None => Err(Error::failed(format!(
                "every version of {reference} was deleted"
            ))),
        }
    }

    /// Says what the gates of a run said of a version that it has published.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn record_gates(&self, name: &str, version: u64, gates: Gates) -> Result<()> {
        let at = file(name, version, GATES);
        let bytes = super::manifest::to_bytes(&GatesEntry { gates })
            .map_err(|error| Error::internal(error.to_string()))?;
        self.place.put(&at, bytes.into()).await
    }
}

/// What [`GATES`] holds.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct GatesEntry {
    gates: Gates,
}
