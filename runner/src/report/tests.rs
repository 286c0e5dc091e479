//! The page of a made-up run.

use serde_json::{Value as Json, json};

use super::*;
use crate::runs::results::Values;
use crate::runs::written::parquet;

/// A run with these tables, in a folder.
fn run(folder: &RunFolder, tables: &[(&str, Kind, Rows)]) -> Run {
    let listed: Vec<Json> = tables
        .iter()
        .map(|(name, kind, rows)| {
            let file = format!("tables/{name}.parquet");
            folder.put(&file, &parquet(rows).unwrap()).unwrap();
            let columns: Vec<&String> = rows.columns.iter().map(|(name, _)| name).collect();
            json!({
                "name": name, "kind": kind, "columns": columns, "rows": rows.rows.len(),
                "truncated": false, "parquet": file, "csv": "",
            })
        })
        .collect();
    folder
        .put("scripts/01.sql", b"SELECT '</pre><script>' < 1")
        .unwrap();
    serde_json::from_value(json!({
        "schema": 1, "id": "20260101-000000-abcdef", "name": "a <b> & \"c\"", "status": "FAILED",
        "started_at": "2026-01-01T00:00:00.000Z", "ended_at": "2026-01-01T00:01:00.000Z",
        "environment": "local", "experiment": "e", "lagrange": "0.1.0",
        "engine": {"name": "duckdb", "version": "v2", "database": "x"},
        "host": {"system": "linux", "architecture": "x86_64", "processors": 2, "user": null},
        "git": null, "parameters": [], "settings": [], "guard": null, "tables": listed,
        "scripts": [{"file": "a.sql", "sha256": "0".repeat(64), "included": false, "artifact": "scripts/01.sql"}],
        "error": {"message": "it <failed>", "detail": null, "hint": null},
    }))
    .unwrap()
}

fn rows(columns: &[(&str, Values)], rows: Json) -> Rows {
    Rows {
        columns: columns
            .iter()
            .map(|(name, values)| ((*name).to_owned(), *values))
            .collect(),
        rows: serde_json::from_value(rows).unwrap(),
    }
}

#[test]
fn a_run_without_results_has_a_page() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(place.path().to_owned());
    let page = page(&folder, &run(&folder, &[])).unwrap();
    assert!(
        page.contains("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>"),
        "{page}"
    );
    assert!(page.contains("it &lt;failed&gt;"));
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;"));
    assert!(!page.contains("<script") && !page.contains("<figure>"));
    assert!(!page.contains("id=\"folds\""));
}

#[test]
fn numbers_that_are_none_and_names_that_are_tags_do_no_harm() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(place.path().to_owned());
    let texts = |names: &[&'static str]| -> Vec<(&'static str, Values)> {
        names.iter().map(|name| (*name, Values::Texts)).collect()
    };
    let doubles = |names: &[&'static str]| -> Vec<(&'static str, Values)> {
        names.iter().map(|name| (*name, Values::Doubles)).collect()
    };
    let importance = [
        texts(&["method", "feature"]),
        doubles(&["importance", "standard_error", "rank"]),
    ]
    .concat();
    let trials = [
        texts(&["status", "parameters", "metric"]),
        doubles(&["trial", "rank", "mean", "std"]),
    ]
    .concat();
    let tables = [
        (
            "importance",
            Kind::Importance,
            rows(
                &importance,
                json!([
                    ["permutation", "<img src=x>", 0.5, 0.1, 1],
                    ["permutation", "b", -0.1, null, 2],
                    ["permutation", "c", "NaN", "NaN", null],
                    ["gain", "c", 0.0, null, 1],
                ]),
            ),
        ),
        (
            "trials",
            Kind::Trials,
            rows(
                &trials,
                json!([
                    ["complete", "{\"a\": 1}", "ic", 1, 2, 0.1, 0.0],
                    ["pruned", "{\"a\": 2}", "ic", 2, null, "inf", null],
                    ["complete", "{\"a\": 3}", "ic", 3, 1, 0.2, 0.0],
                ]),
            ),
        ),
        (
            "correlation",
            Kind::Correlation,
            rows(
                &[
                    texts(&["feature_x", "feature_y"]),
                    doubles(&["correlation"]),
                ]
                .concat(),
                json!([["a", "b", 0.9], ["a", "c", -0.2], ["b", "c", null]]),
            ),
        ),
    ];
    let run = run(&folder, &tables);
    let drawn = figures(&folder, &run).unwrap();
    let titles: Vec<&str> = drawn.iter().map(|figure| figure.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Gain importance (importance)",
            "Permutation importance (importance)",
            "Correlation of features (correlation)",
            "Trials of the search (trials)",
        ]
    );
    assert!(drawn[2].says.contains("1 groups that repeat") || drawn[2].says.contains("framed"));
    let page = page(&folder, &run).unwrap();
    assert!(!page.contains("<img") && page.contains("&lt;img src=x&gt;"));
    for word in ["NaN\"", "inf\"", "NaN ", "=\"NaN", "x=\"inf"] {
        let marks: String = drawn.iter().map(|figure| figure.drawing.as_str()).collect();
        assert!(!marks.contains(word), "{word}");
    }
    // Every drawing has a title, a description and its numbers.
    assert_eq!(page.matches("role=\"img\"").count(), 4);
    assert_eq!(page.matches("The same as a table").count(), 4);
    for i in 1..=4 {
        assert!(page.contains(&format!(
            "aria-labelledby=\"figure-{i}-title figure-{i}-says\""
        )));
        assert!(page.contains(&format!("<desc id=\"figure-{i}-says\">")));
    }
}
