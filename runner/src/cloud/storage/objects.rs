//! Lists of objects, and large objects read in parts: a connection that breaks costs
//! a part and not the whole, and no request outlasts its time limit.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ListResult, ObjectStore, ObjectStoreExt,
};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::hex;
use crate::registry::Place;

/// How large a part is.
const PART: u64 = 8 << 20;
/// Parts that are under way at once.
const AT_ONCE: usize = 4;

/// How often a list that breaks off is asked for again.
const RETRIES: u32 = 3;
/// How long before the first time.
const WAIT: Duration = Duration::from_millis(200);

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its last part.
    pub name: String,
    /// All of it.
    pub path: Path,
    /// In bytes.
    pub size: u64,
    /// What changes when it does.
    pub etag: Option<String>,
}

/// The objects of a folder, not of those in it, in order of name.
///
/// # Errors
/// The store cannot be read.
pub async fn list(place: &Place, folder: &Path) -> Result<Vec<Object>> {
    let listed = listed(place, folder).await?;
    let mut objects: Vec<Object> = listed
        .objects
        .into_iter()
        .map(|meta| Object {
            name: meta.location.filename().unwrap_or_default().to_owned(),
            path: meta.location,
            size: meta.size,
            etag: meta.e_tag,
        })
        .collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(objects)
}

/// Lists a folder. The store tries a request again that fails, but not one whose
/// answer breaks off.
async fn listed(place: &Place, folder: &Path) -> Result<ListResult> {
    let store = place.reading()?;
    let mut attempt = 0;
    loop {
        match store.list_with_delimiter(Some(folder)).await {
            Ok(listed) => return Ok(listed),
            Err(StoreError::Generic { .. }) if attempt < RETRIES => {
                tokio::time::sleep(WAIT * 2_u32.pow(attempt)).await;
                attempt += 1;
            }
            Err(error) => return Err(place.error("list", folder, &error)),
        }
    }
}

/// The folders of a folder, in order of name.
///
/// # Errors
/// The store cannot be read.
pub async fn folders(place: &Place, folder: &Path) -> Result<Vec<String>> {
    let listed = listed(place, folder).await?;
    let mut names: Vec<String> = listed
        .common_prefixes
        .iter()
        .filter_map(|prefix| prefix.filename().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Reads an object from its beginning to its end, and hands it over piece by piece.
///
/// # Errors
/// The store cannot be read, the object is shorter than it was, or has been replaced,
/// and what `each` says.
pub async fn read(
    place: &Place,
    object: &Object,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let store = place.reading()?;
    let starts = (0..object.size).step_by(PART as usize);
    let parts = starts.map(|from| {
        let store = store.clone();
        async move { part(store.as_ref(), object, from).await }
    });
    let mut parts = futures::stream::iter(parts).buffered(AT_ONCE);
    let told = |error: StoreError| match &error {
        StoreError::Precondition { .. } => {
            let shown = place.shown(&object.path);
            Error::failed(format!("{shown} was replaced while it was read"))
                .hint("run it again; exports are not written over by lagrange")
        }
        _ => place.error("read", &object.path, &error),
    };
    let mut count = 0;
    while let Some(bytes) = parts.try_next().await.map_err(told)? {
        count += bytes.len() as u64;
        each(&bytes)?;
    }
    if count != object.size {
        return Err(Error::failed(format!(
            "{} has {count} bytes and not {}",
            place.shown(&object.path),
            object.size
        )));
    }
    Ok(())
}

async fn part(
    store: &dyn ObjectStore,
    object: &Object,
    from: u64,
) -> std::result::Result<Bytes, StoreError> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(from..(from + PART).min(object.size))),
        if_match: object.etag.clone(),
        ..GetOptions::default()
    };
    store.get_opts(&object.path, options).await?.bytes().await
}

/// The SHA-256 of an object.
///
/// # Errors
/// As [`read`].
pub async fn digest(place: &Place, object: &Object) -> Result<String> {
    let mut hasher = Sha256::new();
    read(place, object, |bytes| {
        hasher.update(bytes);
        Ok(())
    })
    .await?;
    Ok(hex(&hasher.finalize()))
}

/// Removes objects.
///
/// # Errors
/// The store cannot be written.
pub async fn remove(place: &Place, objects: &[Object]) -> Result<()> {
    let store = place.writing()?;
    for object in objects {
        match store.delete(&object.path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(place.error("remove", &object.path, &error)),
        }
    }
    Ok(())
}
