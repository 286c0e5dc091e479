//! Where `predict_model` finds models by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Model;
use crate::error::{Error, Result};

/// Finds models by name.
pub trait ModelSource: Send + Sync {
    /// The version that a reference (`name`, `name@champion`, `name@3`) stands for
    /// now, as `name@3`. It never changes what it is.
    ///
    /// # Errors
    /// Says why there is none, and what to do.
    fn resolve(&self, reference: &str) -> std::result::Result<String, String>;

    /// The bytes of a version that [`ModelSource::resolve`] has named.
    ///
    /// # Errors
    /// Says why they cannot be had, and what to do.
    fn read(&self, version: &str) -> std::result::Result<Vec<u8>, String>;
}

/// A source, and what it was asked before.
struct Asked {
    source: Arc<dyn ModelSource>,
    /// Held while the source is asked: all threads of a query want the same.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    versions: HashMap<String, String>,
    models: HashMap<String, Arc<Model>>,
}

static SOURCE: RwLock<Option<Arc<Asked>>> = RwLock::new(None);

/// From now on models are found in `source`; `None`: nowhere. What was found before
/// is forgotten; until the next call a reference stands for what it stood for when it
/// was first asked, so that all rows of a query, and all queries of a run, see the
/// same model.
pub fn read_models_from(source: Option<Arc<dyn ModelSource>>) {
    let asked = source.map(|source| {
        Arc::new(Asked {
            source,
            known: Mutex::default(),
        })
    });
    // A poisoned lock holds a whole value: there is only one assignment.
    *SOURCE.write().unwrap_or_else(PoisonError::into_inner) = asked;
}

/// The model of a reference.
pub(crate) fn find(function: &str, reference: &str) -> Result<Arc<Model>> {
    let asked = SOURCE
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(asked) = asked else {
        return Err(Error::data(
            function,
            format!(
                "there is no registry to find '{reference}' in; run the script with lagrange run, or pass a model to \
                 predict"
            ),
        ));
    };
    let failed = |message: String| Error::data(function, message);
    // Entries are whole even if somebody panicked between two of them.
    let mut known = asked.known.lock().unwrap_or_else(PoisonError::into_inner);
    let version = match known.versions.get(reference) {
        Some(version) => version.clone(),
        None => {
            let version = asked.source.resolve(reference).map_err(failed)?;
            known.versions.insert(reference.to_owned(), version.clone());
            version
        }
    };
    if let Some(model) = known.models.get(&version) {
        return Ok(Arc::clone(model));
    }
    let bytes = asked.source.read(&version).map_err(failed)?;
    let model = Arc::new(Model::read(&bytes)?);
    known.models.insert(version, Arc::clone(&model));
    Ok(model)
}
