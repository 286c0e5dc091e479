//! The models of a table go to the registry: the one place where a run publishes.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::engines::Engine;
use crate::error::Result;
use crate::parameters::Step;
use crate::registry::{self, Registry, Saved};
use crate::tracking::{self, Published};

/// Saves the models of the table that a step has made.
///
/// # Errors
/// A model that cannot be read, or a registry that cannot be written.
pub(super) async fn models(
    engine: &mut dyn Engine,
    registry: &Registry,
    step: &Step,
) -> Result<(Vec<Saved>, Vec<Published>)> {
    let Some(target) = &step.description.target else {
        return Ok(Default::default());
    };
    let table = target
        .0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| target.to_string(), |name| name.value.clone());
    let mut seen = HashSet::new();
    let mut saved = Vec::new();
    let mut models = Vec::new();
    let mut sink = |bytes: &[u8], key| {
        if !seen.insert(Sha256::digest(bytes)) {
            return Ok(());
        }
        let model = lagrange_udfs::models::Model::read(bytes)?;
        models.push(Published::of(&table, &key, bytes));
        let description = registry::Description {
            table: &table,
            script: &step.source.file,
            header: model.header_json(),
            key,
        };
        saved.push(registry.save(bytes, description)?);
        Ok(())
    };
    engine.models(target, &mut sink).await?;
    tracking::name_apart(&mut models);
    Ok((saved, models))
}
