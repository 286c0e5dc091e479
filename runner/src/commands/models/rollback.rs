//! `lagrange models rollback`: returns an alias to the version that it had before.

use serde_json::json;

use super::{Answer, from_to};
use crate::cli::models::RollbackArgs;
use crate::error::Result;
use crate::registry::Registry;

/// Runs the verb.
pub async fn rollback(registry: &Registry, args: &RollbackArgs) -> Result<Answer> {
    let (name, alias) = (&args.name, &args.alias);
    let change = registry.rollback(name, alias).await?;
    let json = json!({
        "name": name,
        "alias": alias,
        "version": change.version,
        "replaces": change.replaces,
    });
    let text = format!(
        "{alias} of {name}: {}",
        from_to(change.replaces, change.version)
    );
    Ok(Answer::new(text, json).aliased(name, alias, change.version))
}
