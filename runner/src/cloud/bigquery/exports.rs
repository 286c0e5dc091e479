//! Where exports are, and which there are:
//! `<storage.artifacts>/exports/<dataset>/<table>/<snapshot>/`.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use super::manifest::{self, Manifest};
use super::names::TableName;
use crate::cloud::storage::objects;
use crate::error::{Error, Result};
use crate::registry::Place;
use crate::settings::Settings;

/// Manifests that are read at once.
const AT_ONCE: usize = 8;

/// All exports of an environment.
#[derive(Debug)]
pub struct Exports {
    /// Where runs leave their files.
    pub place: Place,
}

impl Exports {
    /// Those of the settings. Nothing is opened.
    ///
    /// # Errors
    /// An address of a kind that is not known.
    pub fn of(settings: &Settings) -> Result<Self> {
        let place = Place::of("storage.artifacts", &settings.artifacts)?;
        Ok(Self { place })
    }

    /// The folder of an export. Tables of another project than the environment's have
    /// their project in it.
    pub fn folder(table: &TableName, home: &str, snapshot: &str) -> Path {
        Self::table(table, home).join(snapshot)
    }

    fn table(table: &TableName, home: &str) -> Path {
        let dataset = match table.project == home {
            true => table.dataset.clone(),
            false => format!("{}.{}", table.project.replace(':', "."), table.dataset),
        };
        Path::from("exports")
            .join(dataset)
            .join(table.table.as_str())
    }

    /// The manifest of an export; `None` if the export is not there or not complete.
    ///
    /// # Errors
    /// The store cannot be read, a manifest that is none.
    pub async fn manifest(&self, folder: &Path) -> Result<Option<Manifest>> {
        let path = folder.clone().join(manifest::FILE);
        let Some(bytes) = self.place.get(&path).await? else {
            return Ok(None);
        };
        let shown = self.place.shown(&path);
        let wrong = |what: String| {
            Error::failed(format!("{shown} is not the manifest of an export"))
                .detail(what)
                .hint("a newer lagrange may have written it; or export again, with another --snapshot")
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        match manifest.version {
            manifest::VERSION => Ok(Some(manifest)),
            version => Err(wrong(format!("its version is {version}"))),
        }
    }

    /// Every complete export of a table, the newest first.
    ///
    /// # Errors
    /// The store cannot be read, a manifest that is none.
    pub async fn list(&self, table: &TableName, home: &str) -> Result<Vec<(Path, Manifest)>> {
        let folder = Self::table(table, home);
        let snapshots = objects::folders(&self.place, &folder).await?;
        let folders = snapshots
            .iter()
            .map(|snapshot| folder.clone().join(snapshot.as_str()));
        let mut found: Vec<(Path, Manifest)> = futures::stream::iter(folders)
            .map(|folder| async move {
                let manifest = self.manifest(&folder).await?;
                Ok::<_, Box<Error>>(manifest.map(|manifest| (folder, manifest)))
            })
            .buffered(AT_ONCE)
            .try_filter_map(|found| async move { Ok(found) })
            .try_collect()
            .await?;
        found.sort_by(|(a_path, a), (b_path, b)| {
            (b.created, b_path.as_ref()).cmp(&(a.created, a_path.as_ref()))
        });
        Ok(found)
    }

    /// Writes a manifest, which makes an export complete. One that is there stays.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn complete(&self, folder: &Path, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::internal(format!("a manifest: {error}")))?;
        let path = folder.clone().join(manifest::FILE);
        // Whoever was first has described the same files.
        self.place.claim(&path, Bytes::from(text)).await?;
        self.place.settle(&path)
    }
}
