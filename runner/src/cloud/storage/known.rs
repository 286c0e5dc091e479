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
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

use super::objects::Object;

/// Objects of another store.
#[derive(Debug)]
pub struct Known {
    inner: Arc<dyn ObjectStore>,
    objects: Vec<ObjectMeta>,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects of {}", self.objects.len(), self.inner)
    }
}

impl Known {
    /// These objects of a store.
    pub fn new(inner: Arc<dyn ObjectStore>, objects: &[Object]) -> Self {
        let objects = objects.iter().map(|object| ObjectMeta {
            location: object.path.clone(),
            // Nobody asks.
            last_modified: Default::default(),
            size: object.size,
            e_tag: object.etag.clone(),
            version: None,
        });
        Self {
            inner,
            objects: objects.collect(),
        }
    }

    fn below(&self, prefix: Option<&Path>) -> Vec<ObjectMeta> {
        let objects = self.objects.iter();
        let wanted =
            objects.filter(|object| prefix.is_none_or(|p| object.location.prefix_matches(p)));
        wanted.cloned().collect()
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
            .objects
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
