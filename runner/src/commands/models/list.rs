//! `lagrange models list`: what there is.

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value as Json, json};

use super::Answer;
use crate::cli::models::ListArgs;
use crate::engines::shown::Shown;
use crate::error::{Error, Result};
use crate::registry::{Manifest, Registry};

/// Requests that are under way at once.
const AT_ONCE: usize = 8;

/// Runs the verb.
pub async fn list(registry: &Registry, args: &ListArgs) -> Result<Answer> {
    match &args.name {
        Some(name) => versions(registry, name).await,
        None => names(registry).await,
    }
}

/// Every model.
async fn names(registry: &Registry) -> Result<Answer> {
    let names = registry.names().await?;
    let rows: Vec<Json> = futures::stream::iter(&names)
        .map(|name| about(registry, name))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    if rows.is_empty() {
        let text = format!(
            "no models in {}: lagrange run publishes the models of the tables that it makes",
            registry.location()
        );
        return Ok(Answer::new(text, json!({ "models": [] })));
    }
    let columns = [
        "name",
        "versions",
        "newest",
        "aliases",
        "algorithm",
        "created",
    ];
    let text = table(&columns, &rows);
    Ok(Answer::new(text, json!({ "models": rows })))
}

async fn about(registry: &Registry, name: &str) -> Result<Json> {
    let listing = registry.list(name).await?;
    let newest = listing.ready().next_back();
    let manifest = match newest {
        Some(version) => Some(registry.manifest(name, version).await?),
        None => None,
    };
    let aliases = registry.heads(name).await?;
    let aliases = aliases
        .iter()
        .map(|head| (head.entry.alias.clone(), json!(head.version)));
    Ok(json!({
        "name": name,
        "versions": listing.ready().count(),
        "newest": newest,
        "aliases": aliases.collect::<serde_json::Map<_, _>>(),
        "algorithm": manifest.as_ref().map(|manifest| &manifest.algorithm),
        "created": manifest.as_ref().map(|manifest| &manifest.created),
    }))
}

/// Every version of a model.
async fn versions(registry: &Registry, name: &str) -> Result<Answer> {
    let listing = registry.known(name).await?;
    let heads = registry.heads(name).await?;
    let rows: Vec<Json> = futures::stream::iter(listing.ready().collect::<Vec<_>>())
        .map(|version| async move {
            let manifest = registry.manifest(name, version).await?;
            Ok::<_, Box<Error>>(manifest)
        })
        .buffered(AT_ONCE)
        .map_ok(|manifest| {
            let aliases = heads.iter().filter(|head| head.version == manifest.version);
            let aliases: Vec<&str> = aliases.map(|head| head.entry.alias.as_str()).collect();
            version_json(&manifest, &aliases)
        })
        .try_collect()
        .await?;
    let columns = [
        "version",
        "aliases",
        "algorithm",
        "features",
        "rows",
        "metric",
        "in_sample",
        "out_of_sample",
        "gates",
        "created",
        "script",
    ];
    let text = match rows.is_empty() {
        true => format!("every version of {name} was deleted"),
        false => table(&columns, &rows),
    };
    Ok(Answer::new(text, json!({ "name": name, "versions": rows })))
}

fn version_json(manifest: &Manifest, aliases: &[&str]) -> Json {
    let metric = manifest.metrics.first();
    json!({
        "version": manifest.version,
        "aliases": aliases,
        "algorithm": manifest.algorithm,
        "features": manifest.features.len(),
        "rows": manifest.rows_used,
        "metric": metric.map(|metric| &metric.metric),
        "in_sample": metric.and_then(|metric| metric.in_sample),
        "out_of_sample": metric.and_then(|metric| metric.out_of_sample),
        "gates": manifest.gates.name(),
        "created": manifest.created,
        "script": manifest.lineage.script,
    })
}

/// Some fields of objects as a table; fields that are nowhere set are left out.
fn table(columns: &[&str], rows: &[Json]) -> String {
    let used = |column: &&&str| {
        let empty = |value: &Json| match value {
            Json::Array(list) => list.is_empty(),
            Json::Object(map) => map.is_empty(),
            value => value.is_null(),
        };
        rows.iter().any(|row| !empty(&row[**column]))
    };
    let columns: Vec<&str> = columns.iter().filter(used).copied().collect();
    let mut shown = Shown::new(columns.iter().map(|column| (*column).to_owned()).collect());
    let row = |row: &Json| columns.iter().map(|column| cell(&row[*column])).collect();
    shown.rows = rows.iter().map(row).collect();
    shown.total = rows.len() as u64;
    let text = shown.to_string();
    // The line below that counts rows says nothing here.
    text.rsplit_once('\n')
        .map_or(text.clone(), |(table, _)| table.to_owned())
}

/// Lists and maps as people write them; nothing for NULL.
fn cell(value: &Json) -> Json {
    match value {
        Json::Null => Json::from(""),
        Json::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Json::as_str).collect();
            Json::from(texts.join(", "))
        }
        Json::Object(map) => {
            let texts: Vec<String> = map
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            Json::from(texts.join(", "))
        }
        other => other.clone(),
    }
}
