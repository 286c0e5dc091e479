//! The replay: features are recomputed on data that ends at T, for many T, and
//! every row up to T must have exactly the value that it has on all data.
//!
//! It runs on DuckDB, in memory, and only reads the database of the settings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lagrange_udfs::call::{quote_name, quote_text};
use serde_json::{Value as Json, json};
use sqlparser::ast::{Statement, TableFactor, TableObject};
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::engines::Engine;
use crate::engines::duckdb::DuckDb;
use crate::error::{Error, Result};
use crate::guard::names;
use crate::guard::plan::{Plan, Planned};
use crate::parameters::Step;
use crate::script::{Action, ScriptDialect};
use crate::settings::{Database, Settings};

/// The schema of the computation on all data.
const ALL: &str = "lagrange_all";
/// The schema of the computation on data that ends.
const CUT: &str = "lagrange_cut";
/// How many characters of a value are shown.
const LONGEST: usize = 60;
/// Of the ends that are drawn.
const SEED: u64 = 42;

/// A column whose values change when later data is taken away.
#[derive(Debug)]
struct Difference {
    table: String,
    column: String,
    /// The row, as `time, entity`.
    row: String,
    with: String,
    without: String,
    /// How many times it looks ahead, at least.
    ahead: i64,
    /// Share of the rows up to the end that differ, the largest.
    share: f64,
    /// The end at which this was seen.
    cut: String,
}

/// What a replay has shown.
#[derive(Debug, Default)]
pub struct Replayed {
    tables: Vec<Planned>,
    cuts: usize,
    rows: u64,
    differences: Vec<Difference>,
    notices: Vec<String>,
}

impl Replayed {
    /// Whether something differs.
    pub fn fails(&self) -> bool {
        !self.differences.is_empty()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for d in &self.differences {
            let _ = writeln!(
                text,
                "replay: {}.{} sees the future: at {} it is {} on all data and {} on data that ends at {}; \
                 it looks at least {} steps of time ahead, and {:.1} % of the rows differ",
                d.table,
                d.column,
                d.row,
                d.with,
                d.without,
                d.cut,
                d.ahead,
                100.0 * d.share
            );
        }
        for notice in &self.notices {
            let _ = writeln!(text, "replay: {notice}");
        }
        let columns: usize = self.tables.iter().map(|table| table.columns.len()).sum();
        let tables: Vec<&str> = self.tables.iter().map(|t| t.table.as_str()).collect();
        let _ = match (self.tables.is_empty(), self.differences.is_empty()) {
            (true, _) => writeln!(
                text,
                "replay: nothing to recompute: no feature stands in a table of the script"
            ),
            (_, true) => writeln!(
                text,
                "replay: {columns} columns of {} are the same on data that ends at {} times ({} values compared)",
                tables.join(", "),
                self.cuts,
                self.rows
            ),
            _ => writeln!(
                text,
                "replay: {} of {columns} columns differ",
                self.differences.len()
            ),
        };
        text
    }

    /// For `--output json`.
    pub fn json(&self) -> Json {
        let differences: Vec<Json> = self
            .differences
            .iter()
            .map(|d| {
                json!({
                    "table": d.table, "column": d.column, "row": d.row, "on_all_data": d.with,
                    "on_data_that_ends": d.without, "end": d.cut, "ahead": d.ahead, "share": d.share,
                })
            })
            .collect();
        json!({
            "tables": self.tables.iter().map(|t| json!({"table": t.table, "columns": t.columns})).collect::<Vec<_>>(),
            "cuts": self.cuts,
            "values": self.rows,
            "differences": differences,
            "notices": self.notices,
        })
    }
}

/// Recomputes the features of a plan at `cuts` ends.
///
/// # Errors
/// What the engine says: a table that is not there, a statement that fails.
pub fn replay(
    steps: &[Step],
    plan: &Plan,
    outside: &[String],
    settings: &Settings,
    cuts: usize,
) -> Result<Replayed> {
    let mut replayed = Replayed {
        tables: plan.tables.clone(),
        ..Replayed::default()
    };
    if plan.tables.is_empty() {
        return Ok(replayed);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
    runtime.block_on(async {
        let mut replay = Replay {
            engine: DuckDb::in_memory(settings)?,
            steps: needed(steps, plan),
            plan,
            outside: Vec::new(),
        };
        replay.attach(outside, settings, &mut replayed.notices)?;
        replay.compute(ALL, None).await?;
        for end in replay.ends(cuts)? {
            replay.compute(CUT, Some(&end)).await?;
            for planned in &plan.tables {
                replay.compare(planned, &end, &mut replayed)?;
            }
            replayed.cuts += 1;
        }
        Ok(replayed)
    })
}

struct Replay<'a> {
    engine: DuckDb,
    steps: Vec<&'a Step>,
    plan: &'a Plan,
    /// Tables of the user's database, each with its time if it has one.
    outside: Vec<(String, Option<String>)>,
}

impl Replay<'_> {
    /// Opens the user's database beside the one in memory.
    fn attach(
        &mut self,
        outside: &[String],
        settings: &Settings,
        notices: &mut Vec<String>,
    ) -> Result<()> {
        let tables: Vec<&String> = outside.iter().filter(|name| !name.contains('(')).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let path = match (&settings.database_path, &settings.database) {
            (Some(path), _) | (None, Database::DuckDb { path }) => path.clone(),
            (None, Database::BigQuery { .. }) => {
                return Err(Error::usage("a replay reads a DuckDB file")
                    .hint("pass --database FILE, or leave the replay out"));
            }
        };
        if !path.is_file() {
            let message = format!(
                "a replay needs the table '{}', and there is no database {}",
                tables[0],
                path.display()
            );
            return Err(Error::usage(message).hint("pass the script that makes it, too"));
        }
        let path = quote_text(&path.display().to_string());
        self.engine
            .run(&format!("ATTACH {path} AS lagrange_origin (READ_ONLY)"))?;
        for table in tables {
            let columns = self.engine.texts(&format!(
                "SELECT column_name, data_type FROM duckdb_columns() \
                 WHERE database_name = 'lagrange_origin' AND lower(table_name) = {} ORDER BY column_index",
                quote_text(&table.to_lowercase())
            ))?;
            if columns.is_empty() {
                // Made by a statement that is not needed, or a system table.
                continue;
            }
            let time = columns.iter().find_map(|row| {
                let name = row.first()?.clone()?;
                let known = names::is_time(&name) || self.plan.times.contains(&name.to_lowercase());
                known.then_some(name)
            });
            match &time {
                Some(time) => notices.push(format!("the time of '{table}' is taken to be '{time}'")),
                None => notices.push(format!(
                    "'{table}' has no time column that is known by its name, and stays whole; name it: \
                     -- lagrange: time COLUMN"
                )),
            }
            self.outside.push((table.clone(), time));
        }
        Ok(())
    }

    /// Runs the statements in a schema of their own, on data up to `end`.
    async fn compute(&mut self, schema: &str, end: Option<&str>) -> Result<()> {
        self.engine.run(&format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; USE memory.{schema}"
        ))?;
        let until = |time: &str| match end {
            Some(end) => format!(" WHERE {} <= {}", quote_name(time), typed(end)),
            None => String::new(),
        };
        for (table, time) in &self.outside {
            let condition = time.as_deref().map(until).unwrap_or_default();
            let name = quote_name(table);
            self.engine.run(&format!(
                "CREATE VIEW {name} AS SELECT * FROM lagrange_origin.{name}{condition}"
            ))?;
        }
        for step in self.steps.clone() {
            let root = target(step)
                .and_then(|table| self.plan.roots.iter().find(|(root, _)| *root == table));
            match (root, end) {
                (Some((root, time)), Some(_)) => {
                    let name = quote_name(root);
                    self.engine.run(&format!(
                        "CREATE TABLE {name} AS SELECT * FROM memory.{ALL}.{name}{}",
                        until(time)
                    ))?;
                }
                _ => {
                    self.engine.execute(step).await?;
                }
            }
        }
        Ok(())
    }

    /// Times at which the data ends: even ones, drawn ones, and the first of some
    /// entities.
    fn ends(&self, count: usize) -> Result<Vec<String>> {
        let mut ends = BTreeSet::new();
        let mut all: Vec<(usize, String)> = Vec::new();
        for planned in &self.plan.tables {
            let table = quote_name(&planned.table);
            let time = quote_name(&planned.time);
            let times: Vec<String> = self
                .engine
                .texts(&format!(
                    "SELECT CAST(t AS VARCHAR) FROM (SELECT DISTINCT {time} AS t FROM memory.{ALL}.{table} \
                     WHERE {time} IS NOT NULL) ORDER BY t"
                ))?
                .into_iter()
                .filter_map(|row| row.into_iter().next().flatten())
                .collect();
            if times.len() < 2 {
                continue;
            }
            let mut add = |i: usize| {
                let i = i.min(times.len() - 2);
                if ends.insert(times[i].clone()) {
                    all.push((i, times[i].clone()));
                }
            };
            let share = count.div_ceil(self.plan.tables.len()).max(1);
            let even = share.div_ceil(2);
            for k in 1..=even {
                add(k * times.len() / (even + 1));
            }
            let mut state = SEED;
            for _ in even..share {
                // splitmix64
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                add(((z ^ (z >> 31)) % times.len() as u64) as usize);
            }
            if let Some(entity) = planned.entities.first() {
                let entity = quote_name(entity);
                let starts = self.engine.texts(&format!(
                    "SELECT DISTINCT CAST(min({time}) AS VARCHAR) AS t FROM memory.{ALL}.{table} \
                     GROUP BY {entity} ORDER BY t LIMIT 2"
                ))?;
                for start in starts
                    .into_iter()
                    .filter_map(|row| row.into_iter().next().flatten())
                {
                    if let Some(i) = times.iter().position(|time| *time == start) {
                        add(i);
                    }
                }
            }
        }
        Ok(all.into_iter().map(|(_, end)| end).collect())
    }

    /// Compares the rows of a table up to `end`.
    fn compare(&self, planned: &Planned, end: &str, replayed: &mut Replayed) -> Result<()> {
        let table = quote_name(&planned.table);
        let time = quote_name(&planned.time);
        let keys: Vec<String> = planned
            .entities
            .iter()
            .chain([&planned.time])
            .map(|name| quote_name(name))
            .collect();
        let keys = keys.join(", ");
        let rows = |schema: &str, columns: &str| {
            format!(
                "SELECT {keys}, {columns} FROM memory.{schema}.{table} WHERE {time} <= {}",
                typed(end)
            )
        };
        let count = |sql: &str| -> Result<u64> {
            let rows = self
                .engine
                .texts(&format!("SELECT CAST(count(*) AS VARCHAR) FROM ({sql})"))?;
            let text = rows
                .into_iter()
                .next()
                .and_then(|row| row.into_iter().next().flatten());
            Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
        };
        let except =
            |columns: &str| format!("{} EXCEPT ALL {}", rows(ALL, columns), rows(CUT, columns));
        let columns: Vec<String> = planned
            .columns
            .iter()
            .map(|name| quote_name(name))
            .collect();
        let total = count(&rows(ALL, &columns.join(", ")))?;
        replayed.rows += total * columns.len() as u64;
        if count(&except(&columns.join(", ")))? == 0 {
            return Ok(());
        }
        for (name, column) in planned.columns.iter().zip(&columns) {
            let differing = count(&except(column))?;
            if differing == 0 {
                continue;
            }
            let share = differing as f64 / total.max(1) as f64;
            let first = self.engine.texts(&format!(
                "SELECT concat_ws(', ', {keys}), CAST({column} AS VARCHAR), CAST({time} AS VARCHAR) \
                 FROM ({}) ORDER BY {time}, {keys} LIMIT 1",
                except(column)
            ))?;
            let Some([Some(row), with, Some(at)]) = first
                .first()
                .and_then(|row| <&[Option<String>; 3]>::try_from(row.as_slice()).ok())
            else {
                continue;
            };
            let same_row = format!("concat_ws(', ', {keys}) = {}", quote_text(row));
            let without = self.engine.texts(&format!(
                "SELECT CAST({column} AS VARCHAR) FROM memory.{CUT}.{table} WHERE {same_row} LIMIT 1"
            ))?;
            let without = without
                .into_iter()
                .next()
                .map(|row| row.into_iter().next().flatten());
            let between = count(&format!(
                "SELECT DISTINCT {time} FROM memory.{ALL}.{table} WHERE {time} > {} AND {time} <= {}",
                typed(at),
                typed(end)
            ))?;
            let ahead = between as i64 + 1;
            let shown = |value: Option<String>| match value {
                // A struct of many features is long.
                Some(text) if text.chars().count() > LONGEST => {
                    let start: String = text.chars().take(LONGEST).collect();
                    format!("{start}...")
                }
                Some(text) => text,
                None => "NULL".to_owned(),
            };
            let known = replayed
                .differences
                .iter_mut()
                .find(|d| d.table == planned.table && d.column == *name);
            match known {
                Some(known) => {
                    known.share = known.share.max(share);
                    known.ahead = known.ahead.max(ahead);
                }
                None => replayed.differences.push(Difference {
                    table: planned.table.clone(),
                    column: name.clone(),
                    row: row.clone(),
                    with: shown(with.clone()),
                    without: without.map_or_else(|| "no row".to_owned(), shown),
                    ahead,
                    share,
                    cut: end.to_owned(),
                }),
            }
        }
        Ok(())
    }
}

/// A time as a literal whose type the column decides.
fn typed(end: &str) -> String {
    match end.parse::<f64>() {
        Ok(_) => end.to_owned(),
        Err(_) => quote_text(end),
    }
}

/// The table that a statement makes or fills, in lower case.
fn target(step: &Step) -> Option<String> {
    let name = match (&step.description.action, &step.statement) {
        (Action::CreateTable { .. } | Action::CreateView, _) => step.description.target.clone()?,
        (_, Statement::Insert(insert)) => match &insert.table {
            TableObject::TableName(name) => name.clone(),
            _ => return None,
        },
        (_, Statement::Update(update)) => match &update.table.relation {
            TableFactor::Table { name, .. } => name.clone(),
            _ => return None,
        },
        (_, Statement::CreateTable(create)) => create.name.clone(),
        _ => return None,
    };
    let last = name.0.last()?.as_ident()?;
    Some(last.value.to_lowercase())
}

/// The statements that the tables of a plan need, in order.
fn needed<'a>(steps: &'a [Step], plan: &Plan) -> Vec<&'a Step> {
    let mut wanted: BTreeSet<String> = plan.tables.iter().map(|t| t.table.clone()).collect();
    let mut kept = Vec::new();
    for step in steps.iter().rev() {
        let Some(table) = target(step) else { continue };
        if wanted.contains(&table) {
            wanted.extend(words(&step.text));
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

/// The names and texts of a statement, in lower case.
fn words(text: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&ScriptDialect, text)
        .tokenize()
        .unwrap_or_default();
    tokens
        .into_iter()
        .flat_map(|token| match token {
            Token::Word(word) => vec![word.value.to_lowercase()],
            // A query in parentheses, too.
            Token::SingleQuotedString(text) => text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .map(str::to_lowercase)
                .collect(),
            _ => Vec::new(),
        })
        .collect()
}
