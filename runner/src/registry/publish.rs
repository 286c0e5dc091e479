//! Publishing: a number is claimed, the files are written, and the manifest comes
//! last. Several models are published together: no manifest is written before the
//! files of all of them are there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value as Json, json};

use super::draft::{Draft, Prepared};
use super::manifest::{CARD, JSON, MANIFEST, MODEL, Manifest, ONNX, entry, now, to_bytes};
use super::place::Claim;
use super::versions::{AT_ONCE, CLAIM, CONTENTS, file, path};
use super::{Registry, card, token};
use crate::error::{Error, Result};

/// The largest model, in bytes, that is also kept as JSON.
const LARGEST_AS_JSON: usize = 64 << 20;

/// A model that was published: plain values, for those who record runs.
#[derive(Debug, Clone)]
pub struct Published {
    /// All that is known of it.
    pub manifest: Manifest,
    /// Whether it was not there before.
    pub new: bool,
    /// Where its files are.
    pub path: String,
    /// The model.
    pub model: Bytes,
    /// The same as ONNX, where it can be exported.
    #[allow(dead_code, reason = "for those who record runs")]
    pub onnx: Option<Bytes>,
}

/// A model that was published, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The table that it came from.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Where its files are: a folder, or an address.
    pub path: PathBuf,
    /// Whether it was not there before.
    pub new: bool,
    /// The alias that the run has given it.
    pub alias: Option<&'static str>,
}

impl Saved {
    /// Without what takes room.
    pub fn of(published: &Published) -> Self {
        let manifest = &published.manifest;
        Self {
            table: manifest.lineage.table.clone().unwrap_or_default(),
            name: manifest.name.clone(),
            version: manifest.version,
            path: PathBuf::from(&published.path),
            new: published.new,
            alias: None,
        }
    }

    /// For the summary of a run.
    pub fn line(&self) -> String {
        let Self { name, path, .. } = self;
        let version = format!("version {}", self.version);
        let known = if self.new { "" } else { "  (unchanged)" };
        let alias = self.alias.map(|alias| format!("  {alias}"));
        let alias = alias.unwrap_or_default();
        let path = path.display();
        format!("model  {name:<40} {version:>18}  {path}{alias}{known}")
    }

    /// For `--output json`.
    pub fn to_json(&self) -> Json {
        json!({
            "table": self.table,
            "name": self.name,
            "version": self.version,
            "path": self.path.display().to_string(),
            "new": self.new,
            "alias": self.alias,
        })
    }
}

/// A model whose files are written.
enum Staged {
    /// It was there before.
    There(Published),
    /// Its manifest is missing.
    New(Published),
}

impl Registry {
    /// Publishes models: all of them or, if that fails, none.
    ///
    /// # Errors
    /// Bytes that are no model, a store that cannot be written.
    pub async fn publish(&self, drafts: Vec<Draft>) -> Result<Vec<Published>> {
        let prepared: Vec<Prepared> = drafts
            .into_iter()
            .map(Draft::prepare)
            .collect::<Result<_>>()?;
        let staged: Vec<Result<Staged>> = futures::stream::iter(prepared)
            .map(|prepared| self.stage(prepared))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut begun = Vec::new();
        let mut failed = None;
        for staged in staged {
            match staged {
                Ok(staged) => begun.push(staged),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if failed.is_none() {
            failed = self.finish(&begun).await.err();
        }
        if let Some(error) = failed {
            for staged in &begun {
                if let Staged::New(published) = staged {
                    self.abandon(&published.manifest).await;
                }
            }
            return Err(error);
        }
        let published = begun.into_iter().map(|staged| match staged {
            Staged::There(published) | Staged::New(published) => published,
        });
        Ok(published.collect())
    }

    /// Writes the manifests.
    async fn finish(&self, staged: &[Staged]) -> Result<()> {
        let mut writes = Vec::new();
        for staged in staged {
            if let Staged::New(published) = staged {
                writes.push(self.write_manifest(&published.manifest));
            }
        }
        futures::stream::iter(writes)
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let at = file(&manifest.name, manifest.version, MANIFEST);
        let bytes = to_bytes(manifest).map_err(|error| Error::internal(error.to_string()))?;
        match self.place.claim(&at, bytes.into()).await? {
            Claim::Won => self.place.settle(&at),
            Claim::Lost => {
                let what = "its number was claimed by us and used by somebody else";
                Err(self.damaged(&at, what))
            }
        }
    }

    /// Writes all but the manifest.
    async fn stage(&self, prepared: Prepared) -> Result<Staged> {
        let name = prepared.manifest.name.clone();
        if let Some(manifest) = self.published_before(&prepared.manifest).await? {
            return Ok(Staged::There(Published {
                path: self
                    .place
                    .shown(&path(&[&name, &manifest.version.to_string()])),
                manifest,
                new: false,
                model: prepared.bytes,
                onnx: prepared.onnx.ok(),
            }));
        }
        let mut manifest = prepared.manifest;
        manifest.version = self.claim_number(&name).await?;
        let json = prepared.model.to_json();
        let json = json.filter(|_| prepared.bytes.len() <= LARGEST_AS_JSON);
        let json = match json {
            Some(json) => serde_json::to_vec(&json),
            None => serde_json::to_vec(&json!({ "header": prepared.model.header_json() })),
        };
        let mut json = json.map_err(|error| Error::internal(error.to_string()))?;
        json.push(b'\n');
        let mut files: BTreeMap<&str, Bytes> = BTreeMap::new();
        files.insert(MODEL, prepared.bytes.clone());
        files.insert(JSON, Bytes::from(json));
        if let Ok(onnx) = &prepared.onnx {
            files.insert(ONNX, onnx.clone());
        }
        let card = card::text(&manifest, &prepared.model, prepared.onnx.as_ref().err());
        files.insert(CARD, Bytes::from(card));
        for (file, bytes) in &files {
            manifest.files.insert((*file).to_owned(), entry(bytes));
        }
        let written = self.write_files(&manifest, files).await;
        if let Err(error) = written {
            self.abandon(&manifest).await;
            return Err(error);
        }
        Ok(Staged::New(Published {
            path: self
                .place
                .shown(&path(&[&name, &manifest.version.to_string()])),
            manifest,
            new: true,
            model: prepared.bytes,
            onnx: prepared.onnx.ok(),
        }))
    }

    async fn write_files(&self, manifest: &Manifest, files: BTreeMap<&str, Bytes>) -> Result<()> {
        let (name, version) = (&manifest.name, manifest.version);
        let marker = path(&[name, CONTENTS, &manifest.content, &version.to_string()]);
        let mut all: Vec<_> = files
            .into_iter()
            .map(|(which, bytes)| (file(name, version, which), bytes))
            .collect();
        all.push((marker, Bytes::from_static(b"\n")));
        let writes = all
            .into_iter()
            .map(|(at, bytes)| async move { self.place.put(&at, bytes).await });
        futures::future::try_join_all(writes).await?;
        self.place.settle(&file(name, version, MODEL))
    }

    /// The version that holds the same model under the same key, if there is one.
    async fn published_before(&self, manifest: &Manifest) -> Result<Option<Manifest>> {
        let folder = path(&[&manifest.name, CONTENTS, &manifest.content]);
        let store = self.place.reading()?;
        let objects: Vec<_> = store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| self.place.error("list", &folder, &error))?;
        let mut versions: Vec<u64> = objects
            .iter()
            .filter_map(|object| object.location.filename()?.parse().ok())
            .collect();
        versions.sort_unstable();
        for version in versions {
            if self.is_ready(&manifest.name, version).await? {
                let found = self.manifest(&manifest.name, version).await?;
                if found.content == manifest.content {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Takes the next number of a name.
    async fn claim_number(&self, name: &str) -> Result<u64> {
        let folder = path(&[name]);
        let listed = self
            .place
            .reading()?
            .list_with_delimiter(Some(&folder))
            .await;
        let listed = listed.map_err(|error| self.place.error("list", &folder, &error))?;
        let taken = listed.common_prefixes.iter();
        let taken = taken.filter_map(|prefix| prefix.filename()?.parse::<u64>().ok());
        let mut number = taken.max().unwrap_or(0) + 1;
        loop {
            let claim = json!({ "created": now(), "token": token() });
            let bytes = Bytes::from(format!("{claim}\n"));
            match self.place.claim(&file(name, number, CLAIM), bytes).await? {
                Claim::Won => return Ok(number),
                // Another publisher has it; somebody always gets on.
                Claim::Lost => number += 1,
            }
        }
    }

    /// Gives up a version that was begun: its number is not used again, and nobody
    /// sees it. If the store refuses that, too, it stays unfinished, which nobody sees
    /// either.
    async fn abandon(&self, manifest: &Manifest) {
        let _ = self
            .bury(&manifest.name, manifest.version, Some(manifest))
            .await;
    }
}
