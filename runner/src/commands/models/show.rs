//! `lagrange models show`: a version, and the history of the aliases.

use serde_json::json;

use super::{Answer, aligned};
use crate::cli::models::ShowArgs;
use crate::error::{Error, Result};
use crate::printer::thousands;
use crate::registry::manifest::CARD;
use crate::registry::names::Reference;
use crate::registry::{AliasEntry, Manifest, Registry, number, window};

/// How many changes of an alias are shown to people.
const CHANGES: usize = 5;

/// Runs the verb.
pub async fn show(registry: &Registry, args: &ShowArgs) -> Result<Answer> {
    let manifest = registry.find_any(&Reference::parse(&args.model)?).await?;
    if args.card {
        let card = registry.file(&manifest, CARD).await?;
        let card = String::from_utf8_lossy(&card).into_owned();
        let json = json!({ "name": manifest.name, "version": manifest.version, "card": card });
        return Ok(Answer::new(card, json));
    }
    let name = &manifest.name;
    let heads = registry.heads(name).await?;
    let aliases: Vec<&str> = heads
        .iter()
        .filter(|head| head.version == manifest.version)
        .map(|head| head.entry.alias.as_str())
        .collect();
    let mut changes: Vec<AliasEntry> = Vec::new();
    for alias in registry.list(name).await?.aliases {
        changes.extend(registry.history(name, &alias).await?);
    }
    // Times are written so that they sort as texts do.
    changes.sort_by(|a, b| a.created.cmp(&b.created));
    let mut json =
        serde_json::to_value(&manifest).map_err(|error| Error::internal(error.to_string()))?;
    json["aliases"] = json!(aliases);
    json["history"] = json!(changes);
    Ok(Answer::new(text(&manifest, &aliases, &changes), json))
}

fn text(manifest: &Manifest, aliases: &[&str], changes: &[AliasEntry]) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    line(
        "model",
        format!("{} version {}", manifest.name, manifest.version),
    );
    if !aliases.is_empty() {
        line("aliases", aliases.join(", "));
    }
    line("algorithm", manifest.algorithm.clone());
    if !manifest.target.is_empty() {
        line("target", manifest.target.clone());
    }
    if let Some(horizon) = manifest.horizon {
        line("horizon", format!("{horizon} rows ahead"));
    }
    line(
        "features",
        format!(
            "{}: {}",
            manifest.features.len(),
            manifest.features.join(", ")
        ),
    );
    line(
        "rows",
        format!(
            "{} used, {} left out",
            thousands(manifest.rows_used),
            thousands(manifest.rows_skipped)
        ),
    );
    if let Some(window) = window(manifest) {
        line("window", window);
    }
    for (name, value) in &manifest.key {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        line("for", format!("{name} = {value}"));
    }
    for metric in &manifest.metrics {
        let parts = [
            ("in sample", metric.in_sample),
            ("folds", metric.cv_mean),
            ("out of sample", metric.out_of_sample),
        ];
        let parts = parts
            .iter()
            .filter_map(|(what, value)| value.map(|value| format!("{} {what}", number(value))));
        line(
            "metric",
            format!(
                "{}: {}",
                metric.metric,
                parts.collect::<Vec<_>>().join(", ")
            ),
        );
    }
    for feature in manifest
        .stability
        .iter()
        .filter(|feature| feature.status != "ok")
    {
        line(
            "stability",
            format!("{}: {}", feature.feature, feature.status),
        );
    }
    line("lookahead", manifest.guard.text.clone());
    line("gates", manifest.gates.name().to_owned());
    if let Some(script) = &manifest.lineage.script {
        let at = manifest.lineage.line.map(|line| format!(":{line}"));
        line("script", format!("{script}{}", at.unwrap_or_default()));
    }
    let inputs: Vec<&str> = manifest
        .lineage
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    if !inputs.is_empty() {
        line("reads", inputs.join(", "));
    }
    if let Some(engine) = &manifest.engine {
        line(
            "engine",
            format!(
                "{} {}",
                engine.name,
                engine.version.as_deref().unwrap_or("")
            ),
        );
    }
    if let Some(run) = &manifest.run_id {
        line("run", run.clone());
    }
    line("published", manifest.created.clone());
    for (file, entry) in &manifest.files {
        line("file", format!("{file}, {} bytes", thousands(entry.size)));
    }
    let earlier = changes.len().saturating_sub(CHANGES);
    for change in &changes[earlier..] {
        let to = super::from_to(change.replaces, change.version);
        let AliasEntry {
            created,
            alias,
            action,
            ..
        } = change;
        line("history", format!("{created} {action} {alias}: {to}"));
    }
    aligned(&lines)
}
