//! Replays of scripts whose reach is known, and of the corpus of the static check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::said::Ahead;
use super::scratch::execute;
use super::{Draw, Extent, Replayed, replay};
use crate::cli::{EngineName, SettingsArgs};
use crate::commands::catalogue::{lineage, report};
use crate::engines::Choice;
use crate::error::Result;
use crate::guard::names;
use crate::parameters::{Step, bind_known};
use crate::script;
use crate::settings::Settings;

fn steps(text: &str) -> Result<Vec<Step>> {
    let script = script::parse("script.sql", text.to_owned())?;
    bind_known(vec![script], &BTreeMap::new(), &BTreeMap::new())
}

fn settings() -> Settings {
    Settings::resolve(&SettingsArgs {
        env: None,
        config: None,
        database: None,
    })
    .unwrap()
}

fn replayed(text: &str, choice: &Choice, cuts: usize) -> Result<Replayed> {
    let steps = steps(text)?;
    let report = report(&steps);
    let extent = Extent { cuts, sample: None };
    replay(&steps, &report, choice, &settings(), extent)
}

fn choice(engine: EngineName, folder: &Path) -> Choice {
    let name = match engine {
        EngineName::DuckDb => "ml.duckdb",
        EngineName::DataFusion => "ml",
    };
    Choice {
        engine,
        scheduler: None,
        database: folder.join(name),
        sources: Vec::new(),
    }
}

/// A pipeline of a few steps, its last table, and how many rows ahead its feature
/// looks; `None` for the end of the data.
fn pipeline(draw: &mut Draw) -> (String, String, Option<i64>) {
    const WINDOW: &str = "PARTITION BY symbol ORDER BY ts";
    let mut text = String::from(
        "CREATE TABLE step0 AS
         SELECT CAST(s.i AS VARCHAR) AS symbol, g.i AS ts,
                abs(sin(g.i * 12.9898e0 + s.i * 78.233e0)) * 100e0 + 1e0 AS x,
                cos(g.i * 3.7e0 + s.i) AS y
         FROM range(40) g(i) CROSS JOIN range(3) s(i);\n",
    );
    let mut reach = Some(0_i64);
    let depth = 1 + draw.below(3);
    for step in 1..=depth {
        let k = 1 + draw.below(4) as i64;
        let more = 1 + draw.below(4) as i64;
        let (expr, by) = match draw.below(10) {
            0 | 1 => (format!("lag(x, {k}) OVER ({WINDOW})"), Some(-k)),
            2 => (format!("lead(x, {k}) OVER ({WINDOW})"), Some(k)),
            3 => (
                format!("lag(x, {k}) OVER (PARTITION BY symbol ORDER BY ts DESC)"),
                Some(k),
            ),
            4 => (
                format!("avg(x) OVER ({WINDOW} ROWS BETWEEN {more} PRECEDING AND {k} FOLLOWING)"),
                Some(k),
            ),
            5 => (
                format!(
                    "avg(x) OVER ({WINDOW} ROWS BETWEEN {} PRECEDING AND {k} PRECEDING)",
                    k + more
                ),
                Some(-k),
            ),
            6 => (format!("sum(x) OVER ({WINDOW})"), Some(0)),
            7 => ("x - avg(x) OVER (PARTITION BY ts)".to_owned(), Some(0)),
            8 => ("x / max(x) OVER (PARTITION BY symbol)".to_owned(), None),
            _ => ("x * 2e0 + 1e0".to_owned(), Some(0)),
        };
        let before = step - 1;
        text.push_str(&format!(
            "CREATE TABLE step{step} AS SELECT symbol, ts, y, {expr} AS x FROM step{before};\n"
        ));
        reach = reach.zip(by).map(|(reach, by)| match by {
            // The later row must be there, even if its value comes from before.
            1.. => reach.max(0) + by,
            _ => reach + by,
        });
    }
    text.push_str(&format!("SELECT fit(y, {{'x': x}}) FROM step{depth};\n"));
    (text, format!("step{depth}"), reach)
}

#[test]
fn a_replay_says_the_truth_about_random_pipelines() {
    let folder = tempfile::tempdir().unwrap();
    let mut draw = Draw(7);
    let (mut looking, mut clean) = (0, 0);
    for i in 0..60 {
        let (text, table, reach) = pipeline(&mut draw);
        let looks = reach.is_none_or(|reach| reach > 0);
        let found = report(&steps(&text).unwrap()).fails();
        assert_eq!(found, looks, "the static check, {reach:?}:\n{text}");
        let engine = match i % 4 {
            0 => EngineName::DataFusion,
            _ => EngineName::DuckDb,
        };
        let replayed = replayed(&text, &choice(engine, folder.path()), 8).unwrap();
        assert_eq!(
            replayed.fails(),
            looks,
            "{reach:?}:\n{text}\n{}",
            replayed.text()
        );
        if looks {
            looking += 1;
        } else {
            clean += 1;
        }
        if let Some(reach) = reach.filter(|_| looks) {
            let ahead = replayed
                .differences
                .iter()
                .find(|d| d.table == table && d.column == "x")
                .map(|d| d.ahead);
            assert_eq!(
                ahead,
                Some(Ahead::Exactly(reach as usize)),
                "{text}\n{}",
                replayed.text()
            );
        }
    }
    println!("{looking} pipelines that look ahead and {clean} that do not, all told apart");
    assert!(looking >= 15 && clean >= 15, "{looking} and {clean}");
}

/// Fills the tables that a script reads and does not make.
async fn fill(steps: &[Step], choice: &Choice) -> Result<()> {
    let lineage = lineage(steps).json(None);
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for column in lineage["columns"].as_array().unwrap() {
        let (table, name) = (&column["relation"], &column["name"]);
        if column["origin"] == "outside" && !table.as_str().unwrap().contains('(') {
            let columns = tables
                .entry(table.as_str().unwrap().to_lowercase())
                .or_default();
            columns.insert(name.as_str().unwrap().to_lowercase());
        }
    }
    for table in &report(steps).outside {
        if !table.contains('(') {
            tables.entry(table.to_lowercase()).or_default();
        }
    }
    let mut engine = choice.open(&settings()).await?;
    for (number, (table, mut columns)) in tables.into_iter().enumerate() {
        for usual in [
            "symbol", "ts", "open", "high", "low", "close", "volume", "a", "b", "y",
        ] {
            columns.insert(usual.to_owned());
        }
        let list: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let value = if names::is_entity(name) {
                    "CAST(s.i AS VARCHAR)".to_owned()
                } else if names::is_split(name) {
                    "CASE WHEN g.i < 30 THEN 'train' ELSE 'test' END".to_owned()
                } else if names::is_time(name) || names::is_date(name) {
                    "DATE '2020-01-01' + CAST(g.i AS INTEGER)".to_owned()
                } else {
                    let (a, b) = (12.9898 + i as f64, 78.233 + number as f64);
                    format!("abs(sin(g.i * {a:e} + s.i * {b:e})) * 100e0 + 1e0")
                };
                format!("{value} AS \"{name}\"")
            })
            .collect();
        let sql = format!(
            "CREATE OR REPLACE TABLE \"{table}\" AS SELECT {} FROM range(45) g(i) CROSS JOIN range(3) s(i)",
            list.join(", ")
        );
        execute(engine.as_mut(), &sql).await?;
    }
    Ok(())
}

#[test]
fn what_a_replay_finds_the_static_check_finds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lookahead");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut run, mut refused, mut nothing, mut both) = (0, 0, 0, 0);
    let mut missed = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "sql"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for case in text.split("-- case: ").skip(1) {
            let (name, body) = case.split_once('\n').unwrap();
            let Ok(steps) = steps(body) else { continue };
            let clean = report(&steps).open().next().is_none();
            let folder = tempfile::tempdir().unwrap();
            let choice = choice(EngineName::DuckDb, folder.path());
            if runtime.block_on(fill(&steps, &choice)).is_err() {
                refused += 1;
                continue;
            }
            match replayed(body, &choice, 4) {
                Err(error) => {
                    refused += 1;
                    println!("'{name}' does not run: {}", error.render("error"));
                }
                Ok(replayed) if replayed.tables.is_empty() => nothing += 1,
                Ok(replayed) => {
                    run += 1;
                    both += usize::from(replayed.fails() && !clean);
                    if replayed.fails() && clean {
                        missed.push(format!("'{name}':\n{body}\n{}", replayed.text()));
                    }
                }
            }
        }
    }
    println!(
        "{run} scripts replayed, {both} of them found by both; {nothing} have no feature in a table, \
         {refused} do not run on made-up tables"
    );
    assert!(
        missed.is_empty(),
        "found by the replay only:\n{}",
        missed.join("\n")
    );
    assert!(run >= 60 && both >= 30, "{run}, {both}");
}
