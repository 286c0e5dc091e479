//! Deleting a version. Its tombstone comes first: from then on nobody uses it, and its
//! number is never given again.

use bytes::Bytes;
use futures::TryStreamExt;
use serde_json::json;

use super::aliases::AliasEntry;
use super::manifest::{Manifest, now, to_bytes};
use super::place::Claim;
use super::versions::{CLAIM, CONTENTS, State, TOMBSTONE, file, path};
use super::{Registry, token};
use crate::error::{Error, Result};

impl Registry {
    /// Deletes a version. With `force` also one that an alias stands for, which then
    /// returns to the version before; without, that is an error. Returns the changes of
    /// aliases.
    ///
    /// # Errors
    /// A version that is not there or that is in use.
    pub async fn delete(&self, name: &str, version: u64, force: bool) -> Result<Vec<AliasEntry>> {
        let listing = self.known(name).await?;
        match listing.versions.get(&version) {
            Some(State::Ready) => {}
            // Whatever an interrupted deletion has left.
            Some(State::Deleted) => {
                self.clear(name, version, None).await?;
                return Ok(Vec::new());
            }
            Some(State::Unfinished) if force => {
                self.bury(name, version, None).await?;
                return Ok(Vec::new());
            }
            Some(State::Unfinished) => {
                let message = format!("version {version} of {name} is not finished");
                return Err(Error::failed(message).hint(
                    "if nobody is publishing it any more, --force removes what there is of it",
                ));
            }
            // Says which there are.
            None => return self.manifest(name, version).await.map(|_| Vec::new()),
        }
        let manifest = self.manifest(name, version).await?;
        let heads = self.heads(name).await?;
        let using: Vec<_> = heads
            .iter()
            .filter(|head| head.version == version)
            .collect();
        if !using.is_empty() && !force {
            let aliases: Vec<&str> = using.iter().map(|head| head.entry.alias.as_str()).collect();
            let message = format!(
                "version {version} of {name} is the {}",
                aliases.join(" and the ")
            );
            return Err(Error::failed(message).hint(
                "promote another version first, or pass --force: the alias then returns to the \
                 version before",
            ));
        }
        let mut changes = Vec::new();
        for head in using {
            changes.push(self.withdraw(name, head).await?);
        }
        self.put_tombstone(name, version, Some(&manifest)).await?;
        // A promotion may have come between the look and the tombstone.
        if !force && self.is_last_of_an_alias(name, version).await? {
            self.place.remove(&file(name, version, TOMBSTONE)).await?;
            let message = format!(
                "version {version} of {name} is being promoted at the same time; it was not deleted"
            );
            return Err(Error::failed(message).hint("lagrange models show says what it is now"));
        }
        self.clear(name, version, Some(&manifest)).await?;
        Ok(changes)
    }

    async fn is_last_of_an_alias(&self, name: &str, version: u64) -> Result<bool> {
        for alias in self.list(name).await?.aliases {
            let last = self.last(name, &alias).await?;
            if last.and_then(|entry| entry.version) == Some(version) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the tombstone of a version and removes its files.
    pub(super) async fn bury(
        &self,
        name: &str,
        version: u64,
        manifest: Option<&Manifest>,
    ) -> Result<()> {
        self.put_tombstone(name, version, manifest).await?;
        self.clear(name, version, manifest).await
    }

    async fn put_tombstone(
        &self,
        name: &str,
        version: u64,
        manifest: Option<&Manifest>,
    ) -> Result<()> {
        let at = file(name, version, TOMBSTONE);
        let tombstone = json!({
            "name": name,
            "version": version,
            "deleted": now(),
            "created": manifest.map(|manifest| &manifest.created),
            "content": manifest.map(|manifest| &manifest.content),
            "files": manifest.map(|manifest| &manifest.files),
            "token": token(),
        });
        let bytes = to_bytes(&tombstone).map_err(|error| Error::internal(error.to_string()))?;
        match self.place.claim(&at, Bytes::from(bytes)).await? {
            // Somebody else deletes it, too.
            Claim::Won | Claim::Lost => self.place.settle(&at),
        }
    }

    /// Removes what a deleted version has but its claim and its tombstone.
    async fn clear(&self, name: &str, version: u64, manifest: Option<&Manifest>) -> Result<()> {
        let folder = path(&[name, &version.to_string()]);
        let store = self.place.reading()?;
        let objects: Vec<_> = store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| self.place.error("list", &folder, &error))?;
        for object in objects {
            let kept = [CLAIM, TOMBSTONE];
            if !object
                .location
                .filename()
                .is_some_and(|file| kept.contains(&file))
            {
                self.place.remove(&object.location).await?;
            }
        }
        if let Some(manifest) = manifest {
            let marker = path(&[name, CONTENTS, &manifest.content, &version.to_string()]);
            self.place.remove(&marker).await?;
        }
        Ok(())
    }
}
