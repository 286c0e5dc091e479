//! Models for `predict_model`: the registry of the settings, asked when a query first
//! names a model of it.

use std::sync::Arc;

use lagrange_udfs::models::source::{ModelSource, read_models_from};

use super::Registry;
use super::manifest::MODEL;
use super::names::Reference;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// A registry as functions ask it: from any thread, without waiting for others.
struct RegistrySource {
    location: String,
}

/// From now on `predict_model` reads from the registry of the settings.
pub fn serve(settings: &Settings) {
    let location = settings.model_registry.clone();
    read_models_from(Some(Arc::new(RegistrySource { location })));
}

impl RegistrySource {
    /// Asks the registry on a thread of its own: the caller's may be one that tasks
    /// run on, which must not wait. The store is opened there, too, because its
    /// connections belong to the runtime that made them.
    fn ask<T: Send>(
        &self,
        question: impl AsyncFnOnce(Registry) -> Result<T> + Send,
    ) -> std::result::Result<T, String> {
        let ask = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Error::internal(format!("cannot start a runtime: {error}")))?;
            runtime.block_on(question(Registry::open(&self.location)?))
        };
        let answer = std::thread::scope(|scope| scope.spawn(ask).join());
        match answer {
            Ok(answer) => answer.map_err(|error| error.in_a_line()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl ModelSource for RegistrySource {
    fn resolve(&self, reference: &str) -> std::result::Result<String, String> {
        self.ask(async |registry| {
            let reference = Reference::parse(reference)?;
            let version = registry.resolve(&reference).await?;
            Ok(format!("{}@{version}", reference.name))
        })
    }

    fn read(&self, version: &str) -> std::result::Result<Vec<u8>, String> {
        self.ask(async |registry| {
            let manifest = registry.find(&Reference::parse(version)?).await?;
            Ok(registry.file(&manifest, MODEL).await?.to_vec())
        })
    }
}
