//! Where objects are kept, the registry's and those of runs: a folder, a bucket, or the memory of this process. Nothing is
//! opened before it is used, so a bucket that cannot be reached fails only those who
//! need it.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    RetryConfig, WriteMultipart,
};

use crate::cloud::login;
use crate::error::{Error, Result};

/// A store of objects.
pub type Store = Arc<dyn ObjectStore>;

/// Files larger than this are uploaded in parts.
const IN_PARTS: usize = 32 << 20;
/// How large a part is.
const PART: usize = 8 << 20;
/// How long a request that fails is repeated.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often.
const RETRIES: usize = 6;

/// What `memory://` stands for, for as long as the process lives.
static MEMORY: LazyLock<Arc<InMemory>> = LazyLock::new(|| Arc::new(InMemory::new()));

/// Where objects are kept.
#[derive(Debug)]
pub struct Place {
    /// The setting that says so.
    setting: &'static str,
    /// As the settings have it, without a slash at the end.
    location: String,
    kind: Kind,
    store: OnceLock<Store>,
}

#[derive(Debug)]
enum Kind {
    Folder(PathBuf),
    Memory,
    Google,
    Amazon,
    Azure,
    /// Given by a test.
    #[cfg(test)]
    Given,
}

/// What came of writing an object that must not be there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is ours.
    Won,
    /// It was there.
    Lost,
}

impl Place {
    /// The place of the registry.
    ///
    /// # Errors
    /// An address of a kind that is not known.
    pub fn parse(location: &str) -> Result<Self> {
        Self::of("storage.model_registry", location)
    }

    /// The place that a setting names. Nothing is opened or created.
    ///
    /// # Errors
    /// An address of a kind that is not known.
    pub fn of(setting: &'static str, location: &str) -> Result<Self> {
        let (scheme, rest) = location.split_once("://").unwrap_or(("file", location));
        let rest = rest.trim_end_matches('/');
        let kind = match scheme {
            "file" if rest.is_empty() => {
                return Err(Error::usage(format!("{setting} is not a folder"))
                    .hint("set it to one, such as ./models"));
            }
            "file" => Kind::Folder(PathBuf::from(rest)),
            "memory" => Kind::Memory,
            "gs" => Kind::Google,
            "s3" | "s3a" => Kind::Amazon,
            "az" | "azure" | "abfs" | "abfss" => Kind::Azure,
            _ => {
                let message = format!("{setting} {location}: unknown store '{scheme}'");
                return Err(Error::usage(message)
                    .hint("use a folder, gs://, s3://, az:// or, for tests, memory://"));
            }
        };
        let bucket = rest.split('/').next().unwrap_or_default();
        if matches!(kind, Kind::Google | Kind::Amazon | Kind::Azure) && bucket.is_empty() {
            let message = format!("{setting} {location} names no bucket");
            return Err(Error::usage(message).hint(format!("write {scheme}://bucket/folder")));
        }
        let location = match &kind {
            Kind::Folder(_) => rest.to_owned(),
            _ => format!("{scheme}://{rest}"),
        };
        Ok(Self {
            setting,
            location,
            kind,
            store: OnceLock::new(),
        })
    }

    /// A store that a test has made.
    #[cfg(test)]
    pub fn given(store: Store) -> Self {
        let place = Self {
            setting: "storage.model_registry",
            location: "given".to_owned(),
            kind: Kind::Given,
            store: OnceLock::new(),
        };
        // It is new: nobody has set it.
        let _ = place.store.set(store);
        place
    }

    /// As the settings have it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// An object as a person would look for it.
    pub fn shown(&self, path: &Path) -> String {
        format!("{}/{path}", self.location)
    }

    /// To read from; a folder that is not there is empty.
    ///
    /// # Errors
    /// Settings or credentials that are missing.
    pub fn reading(&self) -> Result<Store> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        if let Kind::Folder(folder) = &self.kind
            && !folder.exists()
        {
            return Ok(Arc::new(InMemory::new()));
        }
        self.open()
    }

    /// To write to; a folder that is not there is created.
    ///
    /// # Errors
    /// Settings or credentials that are missing, a folder that cannot be made.
    pub fn writing(&self) -> Result<Store> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        if let Kind::Folder(folder) = &self.kind {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::io(
                    format!(
                        "cannot create {}, which is {}",
                        folder.display(),
                        self.setting
                    ),
                    &error,
                )
            })?;
        }
        self.open()
    }

    fn open(&self) -> Result<Store> {
        let failed = |error: StoreError| {
            Error::usage(format!(
                "cannot open {}, which is {}",
                self.location, self.setting
            ))
            .detail(error.to_string())
            .hint(self.credentials())
        };
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: PATIENCE,
        };
        let prefix = || {
            let rest = self.location.split_once("://").map_or("", |(_, rest)| rest);
            let folder = rest.split_once('/').map_or("", |(_, folder)| folder);
            Path::parse(folder).map_err(|error| failed(StoreError::InvalidPath { source: error }))
        };
        let address = self.location.replacen("azure://", "az://", 1);
        let store: Store = match &self.kind {
            Kind::Folder(folder) => {
                Arc::new(LocalFileSystem::new_with_prefix(folder).map_err(failed)?)
            }
            Kind::Memory => {
                let rest = self.location.split_once("://").map_or("", |(_, rest)| rest);
                let prefix = Path::from(rest);
                Arc::new(PrefixStore::new(MEMORY.clone(), prefix))
            }
            Kind::Google => {
                let builder = GoogleCloudStorageBuilder::from_env().with_url(address);
                let builder = match login::for_buckets()? {
                    Some(login) => builder.with_credentials(login),
                    None => builder,
                };
                let store = builder.with_retry(retry).build().map_err(failed)?;
                Arc::new(PrefixStore::new(store, prefix()?))
            }
            Kind::Amazon => {
                let builder = AmazonS3Builder::from_env().with_url(address);
                let store = builder.with_retry(retry).build().map_err(failed)?;
                Arc::new(PrefixStore::new(store, prefix()?))
            }
            Kind::Azure => {
                let builder = MicrosoftAzureBuilder::from_env().with_url(address);
                let store = builder.with_retry(retry).build().map_err(failed)?;
                Arc::new(PrefixStore::new(store, prefix()?))
            }
            #[cfg(test)]
            Kind::Given => return Err(Error::internal("a test's store is not there")),
        };
        Ok(self.store.get_or_init(|| store).clone())
    }

    /// What to do where a store refuses us.
    pub fn credentials(&self) -> String {
        match self.kind {
            Kind::Google => {
                "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run gcloud auth \
                 application-default login; and look at the bucket's name"
            }
            Kind::Amazon => {
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; and look at the \
                 bucket's name"
            }
            Kind::Azure => {
                "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY; and look at the \
                 container's name"
            }
            _ => return format!("look at {}: lagrange config shows it", self.setting),
        }
        .to_owned()
    }

    /// Whether it is a bucket of Google's, the only kind that BigQuery writes to and
    /// Vertex AI reads from.
    pub fn is_google(&self) -> bool {
        matches!(self.kind, Kind::Google)
    }

    /// What a store says, for people.
    pub fn error(&self, doing: &str, path: &Path, error: &StoreError) -> Box<Error> {
        let failed =
            Error::failed(format!("cannot {doing} {}", self.shown(path))).detail(error.to_string());
        match error {
            StoreError::PermissionDenied { .. }
            | StoreError::Unauthenticated { .. }
            | StoreError::NotFound { .. } => failed.hint(self.credentials()),
            StoreError::NotImplemented { .. } | StoreError::NotSupported { .. } => {
                failed.hint("the store must be able to create an object only if it is not there")
            }
            _ => failed,
        }
    }

    /// The bytes of an object; `None` if it is not there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn get(&self, path: &Path) -> Result<Option<Bytes>> {
        let store = self.reading()?;
        let read = async { store.get(path).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error("read", path, &error)),
        }
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn has(&self, path: &Path) -> Result<bool> {
        match self.reading()?.head(path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.error("read", path, &error)),
        }
    }

    /// Writes an object, over one that is there.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn put(&self, path: &Path, bytes: Bytes) -> Result<()> {
        let store = self.writing()?;
        let write = async {
            if bytes.len() > IN_PARTS {
                let upload = store.put_multipart(path).await?;
                let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
                parts.put(bytes);
                parts.finish().await?;
            } else {
                store.put(path, PutPayload::from_bytes(bytes)).await?;
            }
            Ok::<(), StoreError>(())
        };
        write
            .await
            .map_err(|error: StoreError| self.error("write", path, &error))
    }

    /// Writes an object unless one is there. `bytes` differ from what anybody else
    /// would write: where an answer was lost, they tell whose object it is.
    ///
    /// # Errors
    /// The store cannot be written, or does not know how to write only if nothing is
    /// there.
    pub async fn claim(&self, path: &Path, bytes: Bytes) -> Result<Claim> {
        let store = self.writing()?;
        let payload = PutPayload::from_bytes(bytes.clone());
        let Err(error) = store.put_opts(path, payload, PutMode::Create.into()).await else {
            return Ok(Claim::Won);
        };
        match self.get(path).await? {
            Some(found) if found == bytes => Ok(Claim::Won),
            Some(_) => Ok(Claim::Lost),
            None => Err(self.error("write", path, &error)),
        }
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn remove(&self, path: &Path) -> Result<()> {
        match self.writing()?.delete(path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("remove", path, &error)),
        }
    }

    /// Makes sure that a file of a folder is on the disk; other stores answer when it
    /// is.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn settle(&self, path: &Path) -> Result<()> {
        let Kind::Folder(folder) = &self.kind else {
            return Ok(());
        };
        let mut file = folder.clone();
        file.extend(path.parts().map(|part| part.as_ref().to_owned()));
        let settle = || {
            File::open(&file)?.sync_all()?;
            // The entry of the file, too; Windows has no such thing.
            #[cfg(unix)]
            if let Some(parent) = file.parent() {
                File::open(parent)?.sync_all()?;
            }
            Ok(())
        };
        settle().map_err(|error| Error::io(format!("cannot write {}", file.display()), &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        for good in [
            "./models",
            "models/",
            "file:///var/models",
            "memory://",
            "memory://a/b",
            "gs://bucket",
            "gs://bucket/a/b/",
            "s3://bucket/a",
            "az://container/a",
        ] {
            assert!(Place::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "file://",
            "ftp://host/a",
            "gs://",
            "gs:///a",
            "s3://",
            "http://host/a",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_created_by_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models");
        let place = Place::parse(path.to_str().unwrap()).unwrap();
        place.reading().unwrap();
        assert!(!path.exists());
        place.writing().unwrap();
        assert!(path.is_dir());
    }
}
