//! The model card: what a person should know of a version, as Markdown.

use std::fmt::Write as _;

use lagrange_udfs::models::{Model, Window};
use serde_json::{Map, Value as Json};

use super::manifest::{Manifest, Metric, Stability, moment};
use crate::printer::thousands;

/// How many features the card lists; `model.json` has all.
const LISTED: usize = 50;
/// How many features the example in SQL spells out.
const IN_EXAMPLES: usize = 8;

/// The card of a version. `no_onnx` says why there is no ONNX file.
pub fn text(manifest: &Manifest, model: &Model, no_onnx: Option<&String>) -> String {
    let mut card = String::new();
    let Manifest { name, version, .. } = manifest;
    // Writing to a String cannot fail.
    let _ = writeln!(card, "# {name}, version {version}\n");
    summary(&mut card, manifest);
    data(&mut card, manifest);
    metrics(&mut card, &manifest.metrics);
    features(&mut card, manifest, model);
    stability(&mut card, &manifest.stability);
    options(&mut card, manifest);
    use_it(&mut card, manifest, model, no_onnx);
    card
}

fn table(card: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.collect();
        format!("| {} |", cells.join(" | "))
    };
    let _ = writeln!(
        card,
        "{}",
        line(&mut head.iter().map(|cell| (*cell).to_owned()))
    );
    let _ = writeln!(card, "{}", line(&mut head.iter().map(|_| "---".to_owned())));
    for row in rows {
        let _ = writeln!(card, "{}", line(&mut row.iter().map(|cell| escaped(cell))));
    }
    card.push('\n');
}

/// A text within a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{text}{fence}")
}

fn summary(card: &mut String, manifest: &Manifest) {
    let mut rows = vec![
        vec!["Algorithm".to_owned(), code(&manifest.algorithm)],
        vec!["Target".to_owned(), target(manifest)],
        vec!["Features".to_owned(), manifest.features.len().to_string()],
        vec!["Published".to_owned(), manifest.created.clone()],
        vec!["Lagrange".to_owned(), manifest.library.clone()],
    ];
    if let Some(engine) = &manifest.engine {
        let version = engine.version.as_deref().unwrap_or_default();
        rows.push(vec![
            "Engine".to_owned(),
            format!("{} {version}", engine.name),
        ]);
    }
    if !manifest.key.is_empty() {
        rows.push(vec!["For".to_owned(), pairs(&manifest.key)]);
    }
    if let Some(run) = &manifest.run_id {
        rows.push(vec!["Run".to_owned(), code(run)]);
    }
    rows.push(vec!["Gates".to_owned(), manifest.gates.name().to_owned()]);
    rows.push(vec![
        "Lookahead check".to_owned(),
        manifest.guard.text.clone(),
    ]);
    table(card, &["", ""], &rows);
}

fn target(manifest: &Manifest) -> String {
    let target = match manifest.target.as_str() {
        "" => "not named".to_owned(),
        target => code(target),
    };
    match manifest.horizon {
        Some(1) => format!("{target}, 1 row ahead"),
        Some(horizon) => format!("{target}, {horizon} rows ahead"),
        None => target,
    }
}

fn pairs(values: &Map<String, Json>) -> String {
    let pair = |(name, value): (&String, &Json)| match value {
        Json::String(text) => format!("{name} = {text}"),
        other => format!("{name} = {other}"),
    };
    values.iter().map(pair).collect::<Vec<_>>().join(", ")
}

fn data(card: &mut String, manifest: &Manifest) {
    card.push_str("## Data\n\n");
    let lineage = &manifest.lineage;
    let mut rows = vec![vec![
        "Rows".to_owned(),
        format!(
            "{} used, {} left out",
            thousands(manifest.rows_used),
            thousands(manifest.rows_skipped)
        ),
    ]];
    let window = window(manifest).unwrap_or_else(|| "not recorded".to_owned());
    rows.push(vec!["Window".to_owned(), window]);
    if let Some(table) = &lineage.table {
        rows.push(vec!["Table".to_owned(), code(table)]);
    }
    if let Some(script) = &lineage.script {
        let line = lineage.line.map(|line| format!(", line {line}"));
        let place = format!("{}{}", code(script), line.unwrap_or_default());
        rows.push(vec!["Script".to_owned(), place]);
    }
    if let Some(digest) = &lineage.script_sha256 {
        rows.push(vec!["SHA-256 of the script".to_owned(), code(digest)]);
    }
    for input in &lineage.inputs {
        let digest = input
            .digest
            .as_ref()
            .map(|digest| format!(", digest {}", code(digest)));
        let text = format!("{}{}", code(&input.name), digest.unwrap_or_default());
        rows.push(vec!["Reads".to_owned(), text]);
    }
    table(card, &["", ""], &rows);
}

/// From when to when the rows are that trained a model, for people: as the model says
/// or, where it does not, the row of `train_model`.
pub fn window(manifest: &Manifest) -> Option<String> {
    if let Some(window) = &manifest.window {
        return Some(shown_window(window));
    }
    let time = |name: &str| match manifest.row.get(name)? {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Some(format!("{} to {}", time("train_from")?, time("train_to")?))
}

fn shown_window(window: &Window) -> String {
    let at = |value: f64| match window.calendar {
        true => moment(value.floor() as i64),
        false => value.to_string(),
    };
    format!("{} to {}", at(window.from), at(window.to))
}

/// A number with the digits that matter.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&size) {
        let text = format!("{value:.6}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{value:.5e}")
}

fn optional(value: Option<f64>) -> String {
    value.map(number).unwrap_or_default()
}

fn metrics(card: &mut String, metrics: &[Metric]) {
    card.push_str("## What it is worth\n\n");
    if metrics.is_empty() {
        card.push_str("Nothing was measured when it was published.\n\n");
        return;
    }
    let rows: Vec<Vec<String>> = metrics
        .iter()
        .map(|metric| {
            vec![
                code(&metric.metric),
                optional(metric.in_sample),
                optional(metric.cv_mean),
                optional(metric.cv_std),
                optional(metric.out_of_sample),
            ]
        })
        .collect();
    table(
        card,
        &[
            "Metric",
            "In sample",
            "Folds, mean",
            "Folds, deviation",
            "Out of sample",
        ],
        &rows,
    );
    if metrics
        .iter()
        .all(|metric| metric.out_of_sample.is_none() && metric.cv_mean.is_none())
    {
        card.push_str(
            "Only rows that trained the model were measured: this says little of other rows.\n\n",
        );
    }
}

fn features(card: &mut String, manifest: &Manifest, model: &Model) {
    card.push_str("## Features\n\n");
    let names = &manifest.features;
    let kinds = model.body().feature_types(names.len());
    let (title, mut order) = importance(model, names.len());
    let total: f64 = order
        .iter()
        .filter_map(|(_, value)| *value)
        .map(f64::abs)
        .sum();
    // Trees and coefficients: the largest first, those without a number as they are.
    order.sort_by(|a, b| {
        let size = |value: &Option<f64>| value.map_or(-1.0, f64::abs);
        size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(&b.0))
    });
    let listed = order.iter().take(LISTED);
    let rows: Vec<Vec<String>> = listed
        .filter_map(|(i, value)| {
            let mut row = vec![code(names.get(*i)?), kinds.get(*i)?.to_string()];
            if title.is_some() {
                let share = value
                    .filter(|_| total > 0.0)
                    .map(|value| value.abs() / total);
                row.push(optional(*value));
                row.push(share.map_or_else(String::new, |share| format!("{:.1} %", share * 100.0)));
            }
            Some(row)
        })
        .collect();
    match title {
        Some(title) => table(card, &["Feature", "Type", title, "Share"], &rows),
        None => table(card, &["Feature", "Type"], &rows),
    }
    if names.len() > LISTED {
        let more = names.len() - LISTED;
        let _ = writeln!(card, "And {more} more: see `model.json`.\n");
    }
}

/// What a model says of its features' importance: what it is, and a number for each.
pub fn importance(
    model: &Model,
    features: usize,
) -> (Option<&'static str>, Vec<(usize, Option<f64>)>) {
    if let Some(linear) = model.body().linear() {
        let values = linear.coefficients.iter();
        let values = values.map(|coefficient| Some(coefficient.standardized));
        return (
            Some("Standardised coefficient"),
            values.enumerate().collect(),
        );
    }
    if let Some(trees) = model.body().trees() {
        let gains = trees.gains(features).into_iter().map(Some);
        return (Some("Gain"), gains.enumerate().collect());
    }
    (None, (0..features).map(|i| (i, None)).collect())
}

fn stability(card: &mut String, stability: &[Stability]) {
    if stability.is_empty() {
        return;
    }
    card.push_str("## Stability\n\nFrom the rows that trained to those put aside.\n\n");
    let rows: Vec<Vec<String>> = stability
        .iter()
        .take(LISTED)
        .map(|row| {
            vec![
                code(&row.feature),
                optional(row.psi),
                optional(row.ks),
                row.status.clone(),
            ]
        })
        .collect();
    table(card, &["Feature", "PSI", "KS", "Status"], &rows);
}

fn options(card: &mut String, manifest: &Manifest) {
    let Some(parameters) = manifest
        .parameters
        .as_object()
        .filter(|map| !map.is_empty())
    else {
        return;
    };
    card.push_str("## Options\n\n");
    let rows: Vec<Vec<String>> = parameters
        .iter()
        .map(|(name, value)| vec![code(name), code(&value.to_string())])
        .collect();
    table(card, &["Option", "Value"], &rows);
}

fn use_it(card: &mut String, manifest: &Manifest, model: &Model, no_onnx: Option<&String>) {
    let Manifest {
        name,
        version,
        features,
        ..
    } = manifest;
    card.push_str("## Use it in SQL\n\n```sql\n");
    let fields: Vec<String> = features
        .iter()
        .take(IN_EXAMPLES)
        .map(|feature| {
            let column = match is_plain(feature) {
                true => feature.clone(),
                false => format!("\"{}\"", feature.replace('"', "\"\"")),
            };
            format!("'{}': {column}", feature.replace('\'', "''"))
        })
        .collect();
    let more = if features.len() > IN_EXAMPLES {
        ", ..."
    } else {
        ""
    };
    let _ = writeln!(
        card,
        "SELECT predict_model('{name}@{version}', {{{}{more}}}) FROM my_table;\n```\n",
        fields.join(", ")
    );
    card.push_str("## Use it in Python\n\n");
    if let Some(reason) = no_onnx {
        let _ = writeln!(card, "There is no ONNX file: {reason}.");
        return;
    }
    card.push_str("```python\nimport numpy as np\nimport onnxruntime\n\n");
    card.push_str("session = onnxruntime.InferenceSession(\"model.onnx\")\ninputs = {\n");
    let kinds = model.body().feature_types(features.len());
    for (feature, kind) in features.iter().zip(&kinds).take(LISTED) {
        let value = match *kind {
            "text" => "[\"a\"], dtype=object",
            _ => "[0.0]",
        };
        // JSON text is a Python literal.
        let _ = writeln!(
            card,
            "    {}: np.array({value}),",
            Json::from(feature.as_str())
        );
    }
    if features.len() > LISTED {
        let _ = writeln!(card, "    # ... and the other {}", features.len() - LISTED);
    }
    card.push_str("}\n(prediction,) = session.run([\"prediction\"], inputs)\n```\n");
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
