//! The parts of the page that a run has something for.

use serde_json::Value as Json;

use super::Results;
use super::figure::{Figure, Section};
use super::html::{Grid, escape, folded};
use super::svg::number;
use crate::runs::record::{self, Parameter};
use crate::runs::results::{Kind, plain};
use crate::runs::{Run, RunFolder};

/// A part of the page.
pub struct Part {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is in it.
    pub body: String,
}

/// All of them, in order.
pub fn sections(
    folder: &RunFolder,
    run: &Run,
    results: &Results<'_>,
    figures: &[Figure],
) -> Vec<Part> {
    let drawn = |section: Section| {
        let drawings = figures
            .iter()
            .enumerate()
            .filter(|(_, figure)| figure.section == section);
        drawings
            .map(|(i, figure)| figure.html(&format!("figure-{}", i + 1)))
            .collect::<String>()
    };
    let parts = [
        ("check", "Lookahead check", check(run)),
        ("metrics", "Metrics", metrics(results)),
        ("selection", "Selection", grids(results, Kind::Selection)),
        ("folds", "Metrics by fold", drawn(Section::Folds)),
        ("importance", "Importance", drawn(Section::Importance)),
        ("correlation", "Correlation", drawn(Section::Correlation)),
        ("stability", "Stability", drawn(Section::Stability)),
        ("calibration", "Calibration", drawn(Section::Calibration)),
        ("backtest", "Signal test", drawn(Section::Backtest)),
        ("trials", "Trials", drawn(Section::Trials)),
        ("models", "Models", models(run)),
        ("data", "Data", datasets(run)),
        ("steps", "Steps", steps(run)),
        ("settings", "Parameters and settings", settings(run)),
        ("scripts", "Scripts", scripts(folder, run)),
    ];
    parts
        .into_iter()
        .filter(|(.., body)| !body.is_empty())
        .map(|(id, title, body)| Part { id, title, body })
        .collect()
}

fn check(run: &Run) -> String {
    let Some(guard) = &run.guard else {
        return "<p>The scripts were run unchecked.</p>".to_owned();
    };
    let mut text = format!(
        "<p>{} ({} check)</p>",
        escape(&guard.verdict),
        escape(&guard.mode)
    );
    let findings: Vec<Vec<String>> = guard.report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|finding| {
            let waived = plain(&finding["waived"]);
            let place = format!("{}:{}", plain(&finding["file"]), plain(&finding["line"]));
            vec![
                plain(&finding["rule"]),
                plain(&finding["severity"]),
                place,
                plain(&finding["message"]),
                waived,
            ]
        })
        .collect();
    if !findings.is_empty() {
        let head = ["rule", "severity", "place", "finding", "waived because"];
        text.push_str(&Grid::new("Findings of the check", &head, findings, &[]).html());
    }
    text
}

fn metrics(results: &Results<'_>) -> String {
    let kinds = [
        Kind::Summary,
        Kind::Evaluation,
        Kind::Training,
        Kind::TrainingMetrics,
    ];
    kinds.into_iter().map(|kind| grids(results, kind)).collect()
}

fn grids(results: &Results<'_>, kind: Kind) -> String {
    results
        .of(kind)
        .map(|(table, rows)| {
            let grid = Grid::of(&table.name, rows, &[]).html();
            format!("<h3>{}</h3>{grid}", escape(&table.name))
        })
        .collect()
}

fn models(run: &Run) -> String {
    let rows: Vec<Vec<String>> = run
        .models
        .iter()
        .map(|model| {
            let header = &model.header;
            let features = header["features"].as_array().map_or(0, Vec::len);
            vec![
                model.name.clone(),
                plain(&header["algorithm"]),
                plain(&header["target"]),
                features.to_string(),
                plain(&header["rows_used"]),
                window(&header["window"]),
                plain(&header["status"]),
                if model.onnx.is_some() { "yes" } else { "no" }.to_owned(),
                model.sha256.get(..12).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = [
        "model",
        "algorithm",
        "target",
        "features",
        "rows",
        "trained on",
        "status",
        "ONNX",
        "sha256",
    ];
    let mut text = Grid::new("Models", &head, rows, &[3, 4]).html();
    for model in &run.models {
        let features = model.header["features"].as_array().into_iter().flatten();
        let names: Vec<String> = features.map(plain).collect();
        let parameters = format!("{:#}", model.header["parameters"]);
        let inside = format!(
            "<p>Features: {}</p><pre tabindex=\"0\">{}</pre>",
            escape(&names.join(", ")),
            escape(&parameters)
        );
        text.push_str(&folded(
            &format!("Features and options of {}", model.name),
            &inside,
        ));
    }
    text
}

/// From when to when rows trained.
fn window(json: &Json) -> String {
    let end = |name: &str| {
        let value = json[name].as_f64()?;
        if json["calendar"] == true {
            let moment = crate::runs::moment::Moment((value * 1000.0) as i64).plain();
            return Some(moment.trim_end_matches(" 00:00:00").to_owned());
        }
        Some(number(value))
    };
    match (end("from"), end("to")) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        _ => String::new(),
    }
}

fn datasets(run: &Run) -> String {
    let rows: Vec<Vec<String>> = run
        .datasets
        .iter()
        .map(|dataset| {
            vec![
                dataset.name.clone(),
                dataset.context.clone(),
                dataset.source.clone(),
                dataset
                    .rows
                    .map(crate::printer::thousands)
                    .unwrap_or_default(),
                dataset.columns.len().to_string(),
                dataset.digest.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["name", "use", "source", "rows", "columns", "digest"];
    Grid::new("Data that models were made from", &head, rows, &[3, 4]).html()
}

fn steps(run: &Run) -> String {
    let rows: Vec<Vec<String>> = run
        .steps
        .iter()
        .map(|step: &record::Step| {
            vec![
                step.index.to_string(),
                format!(
                    "{} {}",
                    step.kind,
                    step.target.as_deref().unwrap_or_default()
                ),
                format!("{}:{}", step.file, step.line),
                step.rows.map(crate::printer::thousands).unwrap_or_default(),
                step.seconds
                    .map(|seconds| format!("{seconds:.2}"))
                    .unwrap_or_default(),
                step.status.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["step", "what", "where", "rows", "seconds", "status"];
    Grid::new("Steps of the run", &head, rows, &[0, 3, 4]).html()
}

fn settings(run: &Run) -> String {
    let grid = |caption: &str, list: &[Parameter]| {
        let rows: Vec<Vec<String>> = list
            .iter()
            .map(|p| vec![p.name.clone(), p.value.clone(), p.origin.clone()])
            .collect();
        if rows.is_empty() {
            return String::new();
        }
        Grid::new(caption, &["name", "value", "from"], rows, &[]).html()
    };
    let mut text = grid("Parameters of the scripts", &run.parameters);
    text.push_str(&folded("Settings", &grid("Settings", &run.settings)));
    text
}

fn scripts(folder: &RunFolder, run: &Run) -> String {
    run.scripts
        .iter()
        .filter_map(|script| {
            let text = std::fs::read_to_string(folder.file(&script.artifact)).ok()?;
            let digest = script.sha256.get(..12).unwrap_or_default();
            let summary = format!("{} ({digest})", script.file);
            Some(folded(
                &summary,
                &format!("<pre tabindex=\"0\">{}</pre>", escape(&text)),
            ))
        })
        .collect()
}
