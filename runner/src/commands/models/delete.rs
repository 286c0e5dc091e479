//! `lagrange models delete`: removes a version.

use serde_json::json;

use super::{Answer, from_to};
use crate::cli::models::DeleteArgs;
use crate::error::Result;
use crate::registry::Registry;

/// Runs the verb.
pub async fn delete(registry: &Registry, args: &DeleteArgs) -> Result<Answer> {
    let (name, version) = (&args.name, args.version);
    let changes = registry.delete(name, version, args.force).await?;
    let mut text = format!("version {version} of {name} deleted; its number is not used again");
    for change in &changes {
        let to = from_to(change.replaces, change.version);
        text.push_str(&format!("\n{} of {name}: {to}", change.alias));
    }
    let aliases: Vec<_> = changes
        .iter()
        .map(|change| json!({ "alias": change.alias, "version": change.version }))
        .collect();
    let json = json!({ "name": name, "version": version, "deleted": true, "aliases": aliases });
    let mut answer = Answer::new(text, json);
    for change in &changes {
        answer = answer.aliased(name, &change.alias, change.version);
    }
    Ok(answer)
}
