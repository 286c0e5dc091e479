//! `lagrange models promote`: says which version serves.

use serde_json::json;

use super::{Answer, from_to};
use crate::cli::models::{ExpectedVersion, PromoteArgs};
use crate::error::Result;
use crate::registry::names::{Selector, check_name};
use crate::registry::{Expected, Registry};

/// Runs the verb.
pub async fn promote(registry: &Registry, args: &PromoteArgs) -> Result<Answer> {
    let (name, alias) = (&args.name, &args.to);
    check_name(name)?;
    let version = match Selector::parse(&args.version)? {
        Selector::Version(version) => version,
        Selector::Alias(alias) => registry.aliased(name, &alias).await?,
    };
    let expected = match args.expect {
        Some(ExpectedVersion(version)) => Expected::Version(version),
        None => Expected::Any,
    };
    let change = registry
        .promote(name, version, alias, expected, args.force)
        .await?;
    let replaces = change.as_ref().and_then(|change| change.replaces);
    let json = json!({
        "name": name,
        "alias": alias,
        "version": version,
        "replaces": replaces,
        "changed": change.is_some(),
    });
    let text = match change {
        Some(_) => format!("{alias} of {name}: {}", from_to(replaces, Some(version))),
        None => format!("{alias} of {name}: version {version}, as before"),
    };
    Ok(Answer::new(text, json).aliased(name, alias, Some(version)))
}
