//! `lagrange models diff`: what differs between two versions.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::Answer;
use crate::cli::models::DiffArgs;
use crate::engines::shown::Shown;
use crate::error::{Error, Result};
use crate::registry::manifest::Metric;
use crate::registry::names::{Reference, Selector, check_name};
use crate::registry::{Manifest, Registry, number, window};

/// Runs the verb.
pub async fn diff(registry: &Registry, args: &DiffArgs) -> Result<Answer> {
    let [a, b] = references(&args.models)?;
    let a = registry.find_any(&a).await?;
    let b = registry.find_any(&b).await?;
    let differences = differences(&a, &b);
    let (left, right) = (title(&a, &b), title(&b, &a));
    let json = json!({
        "a": { "name": a.name, "version": a.version },
        "b": { "name": b.name, "version": b.version },
        "same_model": a.files.get("model.bin") == b.files.get("model.bin"),
        "differences": differences
            .iter()
            .map(|d| json!({ "what": d.what, "a": d.a, "b": d.b }))
            .collect::<Vec<_>>(),
    });
    if differences.is_empty() {
        return Ok(Answer::new(
            format!("{left} and {right} do not differ"),
            json,
        ));
    }
    let mut shown = Shown::new(vec!["".to_owned(), left, right]);
    let cell = |value: &Json| match value {
        Json::Null => Json::from("-"),
        Json::String(text) => Json::from(text.as_str()),
        Json::Number(value) if value.is_f64() => {
            Json::from(number(value.as_f64().unwrap_or_default()))
        }
        other => Json::from(other.to_string()),
    };
    shown.rows = differences
        .iter()
        .map(|d| vec![Json::from(d.what.as_str()), cell(&d.a), cell(&d.b)])
        .collect();
    shown.total = differences.len() as u64;
    let text = shown.to_string();
    let table = text
        .rsplit_once('\n')
        .map_or(text.as_str(), |(table, _)| table);
    Ok(Answer::new(table, json))
}

/// `A B`, or `NAME A B`.
fn references(models: &[String]) -> Result<[Reference; 2]> {
    match models {
        [name, a, b] => {
            check_name(name)?;
            let of = |selector: &str| {
                Ok::<_, Box<Error>>(Reference {
                    name: name.clone(),
                    selector: Some(Selector::parse(selector)?),
                })
            };
            Ok([of(a)?, of(b)?])
        }
        [a, b] => Ok([Reference::parse(a)?, Reference::parse(b)?]),
        _ => Err(Error::usage(
            "diff takes two models, or a name and two versions",
        )),
    }
}

fn title(of: &Manifest, other: &Manifest) -> String {
    match of.name == other.name {
        true => format!("version {}", of.version),
        false => format!("{}@{}", of.name, of.version),
    }
}

struct Difference {
    what: String,
    a: Json,
    b: Json,
}

fn differences(a: &Manifest, b: &Manifest) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut add = |what: &str, a: Json, b: Json| {
        if a != b {
            let what = what.to_owned();
            all.push(Difference { what, a, b });
        }
    };
    add("algorithm", json!(a.algorithm), json!(b.algorithm));
    add("target", json!(a.target), json!(b.target));
    add("horizon", json!(a.horizon), json!(b.horizon));
    for feature in only_in(&a.features, &b.features) {
        add(&format!("feature {feature}"), json!("yes"), Json::Null);
    }
    for feature in only_in(&b.features, &a.features) {
        add(&format!("feature {feature}"), Json::Null, json!("yes"));
    }
    let nothing = Map::new();
    let options = |manifest: &Manifest| manifest.parameters.as_object().unwrap_or(&nothing).clone();
    let (left, right) = (options(a), options(b));
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for name in names {
        let value = |of: &Map<String, Json>| of.get(name).cloned().unwrap_or_default();
        add(&format!("option {name}"), value(&left), value(&right));
    }
    add("window", json!(window(a)), json!(window(b)));
    add("rows used", json!(a.rows_used), json!(b.rows_used));
    add(
        "rows left out",
        json!(a.rows_skipped),
        json!(b.rows_skipped),
    );
    let names: BTreeSet<&String> = a
        .metrics
        .iter()
        .chain(&b.metrics)
        .map(|metric| &metric.metric)
        .collect();
    for name in names {
        let of = |manifest: &Manifest, value: fn(&Metric) -> Option<f64>| {
            let mut metrics = manifest.metrics.iter();
            json!(
                metrics
                    .find(|metric| metric.metric == *name)
                    .and_then(value)
            )
        };
        type Of = fn(&Metric) -> Option<f64>;
        let values: [(&str, Of); 3] = [
            ("in sample", |metric| metric.in_sample),
            ("folds", |metric| metric.cv_mean),
            ("out of sample", |metric| metric.out_of_sample),
        ];
        for (what, value) in values {
            add(&format!("{name}, {what}"), of(a, value), of(b, value));
        }
    }
    add("lookahead", json!(a.guard.verdict), json!(b.guard.verdict));
    add("gates", json!(a.gates.name()), json!(b.gates.name()));
    add("script", json!(a.lineage.script), json!(b.lineage.script));
    let digest = |of: &Manifest| {
        let digest = of.lineage.script_sha256.as_ref();
        json!(digest.map(|digest| digest.chars().take(12).collect::<String>()))
    };
    add("script's SHA-256", digest(a), digest(b));
    let engine = |of: &Manifest| {
        let engine = of.engine.as_ref();
        json!(engine.map(|engine| {
            format!(
                "{} {}",
                engine.name,
                engine.version.as_deref().unwrap_or_default()
            )
        }))
    };
    add("engine", engine(a), engine(b));
    add("Lagrange", json!(a.library), json!(b.library));
    all
}

fn only_in<'a>(these: &'a [String], those: &'a [String]) -> impl Iterator<Item = &'a String> {
    these.iter().filter(|name| !those.contains(name))
}
