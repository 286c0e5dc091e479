//! Aliases. Each change is an object of its own, `aliases/<alias>/<serial>.json`, that
//! is written only if it is not there: of two changes at once one has the serial, and
//! the other is told. The highest serial is what holds; the others are the history.
//! No store needs to do more than create an object or refuse.

use bytes::Bytes;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::manifest::{FORMAT, Gates, MANIFEST, now, to_bytes};
use super::names::{self, CHALLENGER, CHAMPION};
use super::place::Claim;
use super::versions::{ALIASES, TOMBSTONE, file, path};
use super::{Registry, token};
use crate::error::{Error, Result, did_you_mean};

/// Digits of a serial, so that names sort as numbers do.
const DIGITS: usize = 10;
/// How often a new challenger is announced while others are.
const ATTEMPTS: usize = 20;

/// A change of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasEntry {
    /// The version of this schema.
    pub format: u32,
    /// The alias.
    pub alias: String,
    /// Its number among the changes of the alias.
    pub serial: u64,
    /// The version that the alias stands for from now on; `None`: none.
    pub version: Option<u64>,
    /// The one that it stood for until now.
    pub replaces: Option<u64>,
    /// Where a rollback leads: the serial of an earlier change; 0: nowhere.
    pub back: u64,
    /// `promote`, `rollback` or `delete`.
    pub action: String,
    /// When, UTC.
    pub created: String,
    /// Tells who has written it.
    pub token: String,
}

/// What an alias stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The version.
    pub version: u64,
    /// The change that says so.
    pub entry: AliasEntry,
}

/// Which version a promotion replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whichever it is.
    Any,
    /// This one; `None`: none.
    Version(Option<u64>),
}

impl Registry {
    /// The changes of an alias, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasEntry>> {
        let mut entries = Vec::new();
        for serial in self.serials(name, alias).await? {
            entries.extend(self.entry(name, alias, serial).await?);
        }
        Ok(entries)
    }

    /// The serials of an alias, ascending.
    async fn serials(&self, name: &str, alias: &str) -> Result<Vec<u64>> {
        names::check_name(name)?;
        names::check_alias(alias)?;
        let folder = path(&[name, ALIASES, alias]);
        let store = self.place.reading()?;
        let objects: Vec<_> = store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| self.place.error("list", &folder, &error))?;
        let mut serials: Vec<u64> = objects
            .iter()
            .filter_map(|object| {
                object
                    .location
                    .filename()?
                    .strip_suffix(".json")?
                    .parse()
                    .ok()
            })
            .collect();
        serials.sort_unstable();
        Ok(serials)
    }

    async fn entry(&self, name: &str, alias: &str, serial: u64) -> Result<Option<AliasEntry>> {
        let at = entry_path(name, alias, serial);
        let Some(bytes) = self.place.get(&at).await? else {
            return Ok(None);
        };
        let entry = serde_json::from_slice(&bytes)
            .map_err(|error| self.damaged(&at, &error.to_string()))?;
        Ok(Some(entry))
    }

    /// The last change of an alias, whatever has become of its version.
    pub(super) async fn last(&self, name: &str, alias: &str) -> Result<Option<AliasEntry>> {
        match self.serials(name, alias).await?.pop() {
            Some(serial) => self.entry(name, alias, serial).await,
            None => Ok(None),
        }
    }

    /// Whether a version can be used.
    pub(super) async fn is_ready(&self, name: &str, version: u64) -> Result<bool> {
        Ok(!self.place.has(&file(name, version, TOMBSTONE)).await?
            && self.place.has(&file(name, version, MANIFEST)).await?)
    }

    /// What an alias stands for. A change to a version that has gone since counts as
    /// if it had not been made, so that an alias never leads nowhere.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn head(&self, name: &str, alias: &str) -> Result<Option<Head>> {
        let mut next = self.last(name, alias).await?;
        while let Some(entry) = next {
            let Some(version) = entry.version else {
                return Ok(None);
            };
            if self.is_ready(name, version).await? {
                return Ok(Some(Head { version, entry }));
            }
            next = self.before(name, &entry).await?;
        }
        Ok(None)
    }

    /// The change that a rollback from `entry` leads to, ready or not.
    async fn before(&self, name: &str, entry: &AliasEntry) -> Result<Option<AliasEntry>> {
        match entry.back {
            0 => Ok(None),
            // Only ever backwards, whatever a file says.
            back if back >= entry.serial => Ok(None),
            back => self.entry(name, &entry.alias, back).await,
        }
    }

    /// The change to another version that a rollback from `entry` leads to.
    async fn way_back(&self, name: &str, entry: &AliasEntry) -> Result<Option<AliasEntry>> {
        let mut next = self.before(name, entry).await?;
        while let Some(earlier) = next {
            if let Some(version) = earlier.version
                && Some(version) != entry.version
                && self.is_ready(name, version).await?
            {
                return Ok(Some(earlier));
            }
            next = self.before(name, &earlier).await?;
        }
        Ok(None)
    }

    /// The version of an alias, which must be there.
    ///
    /// # Errors
    /// An unknown name or alias, with the nearest.
    pub async fn aliased(&self, name: &str, alias: &str) -> Result<u64> {
        if let Some(head) = self.head(name, alias).await? {
            return Ok(head.version);
        }
        let listing = self.known(name).await?;
        let known: Vec<&str> = listing.aliases.iter().map(String::as_str).collect();
        let newest = listing.ready().next_back().unwrap_or(1);
        let promote = format!(
            "lagrange models promote {name} {newest} --to {alias} makes version {newest} the {alias}"
        );
        let near = did_you_mean(alias, &known).filter(|_| !listing.aliases.contains(alias));
        Err(Error::failed(format!("{name} has no {alias}")).hint(near.unwrap_or(promote)))
    }

    /// Makes a version the one that an alias stands for. Returns the change, or `None`
    /// if the alias stood for it already.
    ///
    /// # Errors
    /// A version that is not there or whose gates have failed, an alias that does not
    /// stand for what was expected, or that somebody else changes at the same time.
    pub async fn promote(
        &self,
        name: &str,
        version: u64,
        alias: &str,
        expected: Expected,
        force: bool,
    ) -> Result<Option<AliasEntry>> {
        names::check_alias(alias)?;
        let manifest = self.manifest(name, version).await?;
        let last = self.last(name, alias).await?;
        let current = self.head(name, alias).await?.map(|head| head.version);
        if let Expected::Version(expected) = expected
            && expected != current
        {
            let message = format!(
                "the {alias} of {name} is {}, not {}; nothing was changed",
                shown(current),
                shown(expected)
            );
            return Err(Error::failed(message).hint("look at it, and promote again"));
        }
        let doubt = match manifest.gates {
            Gates::Failed => Some("the gates of the run that made it have failed"),
            Gates::Pending => Some("the run that made it has not come to its gates"),
            Gates::None | Gates::Passed => None,
        };
        if let (Some(doubt), false) = (doubt, force) {
            let message = format!("version {version} of {name} is not promoted: {doubt}");
            return Err(Error::failed(message).hint("--force promotes it all the same"));
        }
        if current == Some(version) {
            return Ok(None);
        }
        let entry = next_entry(alias, last.as_ref(), Some(version), current, "promote");
        self.change(name, entry.clone()).await?;
        // Somebody may have deleted it in between; the alias then stands for what it
        // stood for before.
        if !self.is_ready(name, version).await? {
            let message = format!("version {version} of {name} was deleted at the same time");
            return Err(Error::failed(message).hint(format!("the {alias} is {}", shown(current))));
        }
        Ok(Some(entry))
    }

    /// Gives a version that a run has made its alias: the first of a name serves, and
    /// later ones challenge it, since to promote one is a decision of its own. Returns
    /// the alias.
    ///
    /// # Errors
    /// As [`Registry::promote`].
    pub async fn enrol(&self, name: &str, version: u64) -> Result<&'static str> {
        match self.head(name, CHAMPION).await? {
            Some(head) if head.version == version => return Ok(CHAMPION),
            Some(_) => {}
            None => {
                let none = Expected::Version(None);
                let promoted = self.promote(name, version, CHAMPION, none, false).await;
                match promoted {
                    Ok(_) => return Ok(CHAMPION),
                    // Another run was faster.
                    Err(_) if self.head(name, CHAMPION).await?.is_some() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut attempt = 1;
        loop {
            let promoted = self.promote(name, version, CHALLENGER, Expected::Any, false);
            match promoted.await {
                Ok(_) => return Ok(CHALLENGER),
                // Runs that end at once take turns.
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns an alias to the version that it had before.
    ///
    /// # Errors
    /// An alias that has had no other version, or that somebody else changes at the
    /// same time.
    pub async fn rollback(&self, name: &str, alias: &str) -> Result<AliasEntry> {
        let last = self.last(name, alias).await?;
        let Some(head) = self.head(name, alias).await? else {
            // Says what there is.
            self.aliased(name, alias).await?;
            return Err(Error::failed(format!("{name} has no {alias}")));
        };
        let Some(earlier) = self.way_back(name, &head.entry).await? else {
            let message = format!(
                "the {alias} of {name} is version {} and was no other before",
                head.version
            );
            return Err(Error::failed(message).hint(format!(
                "lagrange models promote {name} VERSION --to {alias}"
            )));
        };
        let mut entry = next_entry(
            alias,
            last.as_ref(),
            earlier.version,
            Some(head.version),
            "rollback",
        );
        // Once more goes further back, and not to and fro.
        entry.back = earlier.back;
        self.change(name, entry.clone()).await?;
        Ok(entry)
    }

    /// Returns an alias from a version that is about to go: to the one before, or to
    /// none. Returns the change.
    pub(super) async fn withdraw(&self, name: &str, head: &Head) -> Result<AliasEntry> {
        let alias = &head.entry.alias;
        let last = self.last(name, alias).await?;
        let earlier = self.way_back(name, &head.entry).await?;
        let mut entry = next_entry(
            alias,
            last.as_ref(),
            earlier.as_ref().and_then(|earlier| earlier.version),
            Some(head.version),
            "delete",
        );
        entry.back = earlier.map_or(0, |earlier| earlier.back);
        self.change(name, entry.clone()).await?;
        Ok(entry)
    }

    /// What the aliases of a name stand for, by alias.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn heads(&self, name: &str) -> Result<Vec<Head>> {
        let mut heads = Vec::new();
        for alias in self.list(name).await?.aliases {
            if names::check_alias(&alias).is_ok() {
                heads.extend(self.head(name, &alias).await?);
            }
        }
        Ok(heads)
    }

    /// Writes a change, unless somebody else has made one since it was thought of.
    async fn change(&self, name: &str, entry: AliasEntry) -> Result<()> {
        let at = entry_path(name, &entry.alias, entry.serial);
        let bytes = to_bytes(&entry).map_err(|error| Error::internal(error.to_string()))?;
        match self.place.claim(&at, Bytes::from(bytes)).await? {
            Claim::Won => self.place.settle(&at),
            Claim::Lost => {
                let alias = &entry.alias;
                let now = self.head(name, alias).await?.map(|head| head.version);
                let message = format!(
                    "somebody else has changed the {alias} of {name} at the same time, to {}; \
                     nothing was changed here",
                    shown(now)
                );
                Err(Error::failed(message).hint("look at it, and do it again"))
            }
        }
    }
}

fn entry_path(name: &str, alias: &str, serial: u64) -> object_store::path::Path {
    path(&[name, ALIASES, alias, &format!("{serial:0DIGITS$}.json")])
}

fn next_entry(
    alias: &str,
    last: Option<&AliasEntry>,
    version: Option<u64>,
    replaces: Option<u64>,
    action: &str,
) -> AliasEntry {
    let serial = last.map_or(0, |last| last.serial);
    AliasEntry {
        format: FORMAT,
        alias: alias.to_owned(),
        serial: serial + 1,
        version,
        replaces,
        back: serial,
        action: action.to_owned(),
        created: now(),
        token: token(),
    }
}

fn shown(version: Option<u64>) -> String {
    version.map_or_else(
        || "no version".to_owned(),
        |version| format!("version {version}"),
    )
}
