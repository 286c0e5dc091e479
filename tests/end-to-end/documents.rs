//! The SQL of the book in `docs` runs as printed, on both engines, with the same results.
//!
//! The blocks of a page are one script. A block of `sql,fragment` is no statement;
//! `sql,duckdb` is for a client that has loaded the extension, which
//! tests/python/extension runs. Pages of functions are run by tests/suites/reference.rs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::project::{ENGINES, Project};

/// What is wrong and what is right, as expressions: the guard's own tests run them.
const EXPRESSIONS: &str = "rules.md";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks that begin with a line of exactly "```sql".
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "```sql" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        } else if line.starts_with("```") {
            // Another language, to its end.
            let _ = lines.by_ref().find(|line| *line == "```");
        }
    }
    blocks
}

/// The result of each query.
fn results(page: &str, text: &str, script: &str, engine: &str) -> Vec<Json> {
    let project = Project::with_script(script);
    let mut arguments = vec!["run"];
    let demo = text.contains("demo_data.sql");
    if demo {
        for name in ["demo_data.sql", "features.sql"] {
            let sql = fs::read_to_string(root().join("sql").join(name)).unwrap();
            project.file(name, &sql);
        }
        arguments.push("demo_data.sql");
    }
    arguments.extend(["script.sql", "--engine", engine, "--output", "json"]);
    if demo {
        arguments.extend(["--set", "symbols=10", "--set", "bars=500"]);
    }
    // A page that looks at tables rather than training in earnest says so.
    if text.contains("`--check off`") {
        arguments.extend(["--check", "off"]);
    }
    let run = project.lagrange(&arguments, &[]);
    assert_eq!(
        run.code,
        Some(0),
        "docs/{page} on {engine}:\n{}",
        run.stderr
    );
    let json = run.json();
    let steps = json["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["result"]["rows"].clone())
        .filter(|rows| !rows.is_null())
        .collect()
}

fn pages(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != EXPRESSIONS)
        .collect();
    names.sort();
    names
}

#[test]
fn every_block_of_sql_runs_on_both_engines_alike() {
    let docs = root().join("docs");
    let mut ran = 0;
    for page in pages(&docs) {
        let text = fs::read_to_string(docs.join(&page)).unwrap();
        let blocks = blocks(&text);
        if blocks.is_empty() {
            continue;
        }
        let script = blocks.join("\n");
        let [duckdb, datafusion] = ENGINES.map(|engine| results(&page, &text, &script, engine));
        assert_eq!(duckdb, datafusion, "docs/{page}");
        assert!(!duckdb.is_empty(), "docs/{page} returns nothing");
        ran += blocks.len();
    }
    assert!(ran > 20, "only {ran} blocks");
}

#[test]
fn blocks_are_found() {
    let text = "a\n```sql\nSELECT 1;\n```\n```sql,fragment\nx\n```\n```text\n```sql\nno\n```\n```sql\nSELECT 2;\n```\n";
    assert_eq!(blocks(text), ["SELECT 1;", "SELECT 2;"]);
}
