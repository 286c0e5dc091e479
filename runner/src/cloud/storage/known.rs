//! A store of objects that are known already: nothing is listed again, nothing can be
//! written, and an object that was replaced since is an error.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error as StoreError, GetOptions, GetResult, GetResultPayload,
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use tokio::sync::OnceCell;

use super::objects::Object;
use crate::cloud::bigquery::manifest::{FILE, Manifest};

/// Objects of another store.
#[derive(Debug)]
pub struct Known {
    inner: Arc<dyn ObjectStore>,
    objects: OnceCell<Vec<ObjectMeta>>,
    /// The digest of the manifest that names them, where they are not known yet.
    manifest: String,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "known objects of {}", self.inner)
    }
}

impl Known {
    /// These objects of a store.
    pub fn new(inner: Arc<dyn ObjectStore>, objects: &[Object]) -> Self {
        let objects = objects.iter().map(|object| {
            let path = object.path.clone();
            meta(path, object.size, object.etag.clone())
        });
        Self {
            inner,
            objects: OnceCell::new_with(Some(objects.collect())),
            manifest: String::new(),
        }
    }

    /// The files of the export with this manifest, which is read when the first of them
    /// is asked for: executors of a plan are told no more than the names of files.
    pub fn export(inner: Arc<dyn ObjectStore>, manifest: &str) -> Self {
        Self {
            inner,
            objects: OnceCell::new(),
            manifest: manifest.to_owned(),
        }
    }

    /// The objects, found beside one of them if need be.
    async fn objects(&self, location: &Path) -> Result<&[ObjectMeta]> {
        let find = async || {
            let mut folder: Vec<_> = location.parts().collect();
            folder.pop();
            let folder: Path = folder.into_iter().collect();
            let file = folder.clone().join(FILE);
            let bytes = self.inner.get(&file).await?.bytes().await?;
            let found = serde_json::from_slice::<Manifest>(&bytes).ok();
            let same = found.filter(|found| found.digest() == self.manifest);
            let manifest = same.ok_or_else(|| StoreError::Precondition {
                path: file.to_string(),
                source: "the export was replaced since the run began".into(),
            })?;
            let shards = manifest.shards.into_iter();
            let objects = shards.map(|shard| {
                let path = folder.clone().join(shard.name.as_str());
                meta(path, shard.size, shard.etag)
            });
            Ok(objects.collect())
        };
        self.objects.get_or_try_init(find).await.map(Vec::as_slice)
    }

    fn below(&self, prefix: Option<&Path>) -> Vec<ObjectMeta> {
        let objects = self.objects.get().into_iter().flatten();
        let wanted =
            objects.filter(|object| prefix.is_none_or(|p| object.location.prefix_matches(p)));
        wanted.cloned().collect()
    }
}

fn meta(location: Path, size: u64, e_tag: Option<String>) -> ObjectMeta {
    ObjectMeta {
        location,
        // Nobody asks.
        last_modified: Default::default(),
        size,
        e_tag,
        version: None,
    }
}

fn read_only<T>() -> Result<T> {
    Err(StoreError::NotSupported {
        source: "exports are only read".into(),
    })
}

#[async_trait]
impl ObjectStore for Known {
    async fn get_opts(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        let known = self
            .objects(location)
            .await?
            .iter()
            .find(|object| object.location == *location);
        let Some(meta) = known.cloned() else {
            return Err(StoreError::NotFound {
                path: location.to_string(),
                source: "not a part of the export".into(),
            });
        };
        if options.head {
            return Ok(GetResult {
                payload: GetResultPayload::Stream(futures::stream::empty().boxed()),
                range: 0..meta.size,
                meta,
                attributes: Attributes::default(),
            });
        }
        options.if_match = meta.e_tag.clone();
        let found = self.inner.get_opts(location, options).await?;
        // A store within another one names the object as the outer one does.
        Ok(GetResult { meta, ..found })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        futures::stream::iter(self.below(prefix).into_iter().map(Ok)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        Ok(ListResult {
            common_prefixes: Vec::new(),
            objects: self.below(prefix),
        })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only()
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        read_only()
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        futures::stream::once(async { read_only() }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only()
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    const SHARD: &str = "exports/a/part-0.parquet";

    fn manifest(etag: Option<String>) -> Manifest {
        let shard = serde_json::json!({ "name": "part-0.parquet", "size": 3, "etag": etag });
        serde_json::from_value(serde_json::json!({
            "version": 1, "project": "p", "dataset": "d", "table": "t", "snapshot": "s",
            "created": "2026-01-31T12:00:00.000Z", "format": "PARQUET", "compression": "ZSTD",
            "query": "", "job": "", "rows": 1, "schema": [], "shards": [shard],
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn an_export_is_what_its_manifest_says() {
        let store = Arc::new(InMemory::new());
        let shard = Path::from(SHARD);
        let put = store.put(&shard, "abc".into()).await.unwrap();
        let manifest = manifest(put.e_tag);
        let text = serde_json::to_vec(&manifest).unwrap();
        let file = Path::from("exports/a/manifest.json");
        store.put(&file, text.into()).await.unwrap();
        let known = Known::export(store.clone(), &manifest.digest());
        let bytes = known.get(&shard).await.unwrap().bytes().await.unwrap();
        assert_eq!(&bytes[..], b"abc");
        let other = Path::from("exports/a/part-1.parquet");
        let refused = known.get(&other).await.unwrap_err().to_string();
        assert!(refused.contains("not a part of the export"), "{refused}");
        // A file that was replaced since is not read.
        store.put(&shard, "abd".into()).await.unwrap();
        let refused = known.get(&shard).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Precondition { .. }),
            "{refused}"
        );
        // Nor is another export in the same place.
        let known = Known::export(store, "another");
        let refused = known.get(&shard).await.unwrap_err().to_string();
        assert!(refused.contains("was replaced since the run"), "{refused}");
    }
}
