//! `lagrange models verify`: whether everything is as it was published.

use serde_json::json;

use super::Answer;
use crate::cli::models::VerifyArgs;
use crate::error::{Error, Result};
use crate::printer::thousands;
use crate::registry::names::{Reference, Selector};
use crate::registry::{Registry, Verdict, fault_error};

/// Runs the verb.
pub async fn verify(registry: &Registry, args: &VerifyArgs) -> Result<Answer> {
    let mut verdicts = Vec::new();
    match &args.model {
        Some(model) => {
            let reference = Reference::parse(model)?;
            let only = match &reference.selector {
                None => None,
                Some(Selector::Version(version)) => Some(*version),
                Some(Selector::Alias(_)) => Some(registry.resolve(&reference).await?),
            };
            verdicts.extend(registry.verify(&reference.name, only).await?);
        }
        None => {
            for name in registry.names().await? {
                verdicts.extend(registry.verify(&name, None).await?);
            }
        }
    }
    let sum = |of: fn(&Verdict) -> u64| verdicts.iter().map(of).sum::<u64>();
    let whole = verdicts
        .iter()
        .filter(|v| v.faults.is_empty() && v.note.is_none())
        .count();
    let mut lines: Vec<String> = verdicts.iter().flat_map(lines).collect();
    lines.push(format!(
        "{whole} of {} versions are as published ({} files, {} bytes read)",
        verdicts
            .iter()
            .filter(|v| v.version.is_some() && v.note.is_none())
            .count(),
        thousands(sum(|v| v.files as u64)),
        thousands(sum(|v| v.bytes)),
    ));
    let json = json!({
        "versions": verdicts
            .iter()
            .map(|v| {
                json!({
                    "name": v.name,
                    "version": v.version,
                    "files": v.files,
                    "bytes": v.bytes,
                    "faults": v.faults,
                    "note": v.note,
                })
            })
            .collect::<Vec<_>>(),
    });
    let error: Option<Box<Error>> = fault_error(&verdicts);
    Ok(Answer::new(lines.join("\n"), json).but(error))
}

/// What is to be said of a version: nothing if all is well.
fn lines(verdict: &Verdict) -> Vec<String> {
    let version = verdict
        .version
        .map(|version| format!("@{version}"))
        .unwrap_or_default();
    let said = verdict.faults.iter().chain(&verdict.note);
    said.map(|text| format!("{}{version}: {text}", verdict.name))
        .collect()
}
