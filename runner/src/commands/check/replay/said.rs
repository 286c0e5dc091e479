//! What a replay has shown, for people and for JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::guard::plan::Planned;

/// How long a warm-up is, if it ends, and the columns that have it.
type Columns<'a> = (Option<usize>, Vec<&'a str>);

/// How many characters of a value are shown.
const LONGEST: usize = 60;
/// How many columns of one warm-up are named.
const MOST_COLUMNS: usize = 8;

/// How far a value looks ahead, in times of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    Exactly(usize),
    AtLeast(usize),
    /// To the end of the data.
    End,
    Unknown,
}

impl std::fmt::Display for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps = |count: usize| format!("{count} step{}", if count == 1 { "" } else { "s" });
        match self {
            Self::Exactly(count) => write!(f, "it looks {} of time ahead", steps(*count)),
            Self::AtLeast(count) => write!(f, "it looks at least {} of time ahead", steps(*count)),
            Self::End => write!(f, "it looks ahead to the end of the data"),
            Self::Unknown => write!(f, "later data decides whether it is there"),
        }
    }
}

/// A column whose values change when later data is taken away.
#[derive(Debug)]
pub struct Difference {
    pub table: String,
    pub column: String,
    /// The row, as `time, entity`.
    pub row: String,
    pub with: String,
    pub without: String,
    pub ahead: Ahead,
    /// Share of the rows compared that differ.
    pub share: f64,
    /// The end at which this was seen.
    pub end: String,
}

/// A column whose values change when earlier data is taken away.
#[derive(Debug)]
pub struct Warmup {
    pub table: String,
    pub column: String,
    /// For how many times after the new beginning; `None`: to the end of the data.
    pub steps: Option<usize>,
}

/// What a replay has shown.
#[derive(Debug, Default)]
pub struct Replayed {
    /// What was recomputed.
    pub tables: Vec<Planned>,
    /// At how many ends.
    pub cuts: usize,
    /// How many values were compared at them.
    pub values: u64,
    /// How often the features were computed, in whole or in part, after the first time.
    pub computed: usize,
    pub differences: Vec<Difference>,
    /// Table and column of values that are others at every run.
    pub changing: Vec<(String, String)>,
    pub warmups: Vec<Warmup>,
    pub notices: Vec<String>,
}

impl Replayed {
    /// Whether something differs. A warm-up is no failure.
    pub fn fails(&self) -> bool {
        !self.differences.is_empty() || !self.changing.is_empty()
    }

    /// What fails, a sentence each.
    fn failures(&self) -> Vec<String> {
        let differences = self.differences.iter().map(|d| {
            format!(
                "replay: {}.{} sees the future: at {} it is {} on all data and {} on data that ends at {}; \
                 {}, and {:.1} % of the rows differ",
                d.table,
                d.column,
                d.row,
                d.with,
                d.without,
                d.end,
                d.ahead,
                100.0 * d.share
            )
        });
        let changing = self.changing.iter().map(|(table, column)| {
            format!("replay: {table}.{column} is another value at every run")
        });
        differences.chain(changing).collect()
    }

    /// Adds what fails to a SARIF document; the data has no place in the script.
    pub fn add_to_sarif(&self, sarif: &mut Json) {
        if let Some(results) = sarif["runs"][0]["results"].as_array_mut() {
            results.extend(self.failures().into_iter().map(|failure| {
                json!({"ruleId": "replay", "level": "error", "message": {"text": failure}})
            }));
        }
    }

    /// Workflow commands of GitHub.
    pub fn github(&self) -> String {
        let mut text = String::new();
        for failure in self.failures() {
            let failure = failure
                .replace('%', "%25")
                .replace('\r', "%0D")
                .replace('\n', "%0A");
            let _ = writeln!(text, "::error title=replay::{failure}");
        }
        text
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for failure in self.failures() {
            let _ = writeln!(text, "{failure}");
        }
        for (table, steps, columns) in self.grouped_warmups() {
            let more = columns.len().saturating_sub(MOST_COLUMNS);
            let mut names = columns[..columns.len() - more].join(", ");
            if more > 0 {
                let _ = write!(names, " and {more} more");
            }
            let _ = match steps {
                Some(steps) => writeln!(
                    text,
                    "replay: note: the first {steps} steps of time of {table} depend on how much history is \
                     before them: {names}"
                ),
                None => writeln!(
                    text,
                    "replay: note: every row of {table} depends on where the data begins: {names}"
                ),
            };
        }
        for notice in &self.notices {
            let _ = writeln!(text, "replay: {notice}");
        }
        let columns: usize = self.tables.iter().map(|table| table.columns.len()).sum();
        let tables: Vec<&str> = self.tables.iter().map(|t| t.table.as_str()).collect();
        let _ = if self.tables.is_empty() {
            writeln!(
                text,
                "replay: nothing to recompute: no feature stands in a table of the script"
            )
        } else if self.fails() {
            writeln!(
                text,
                "replay: {} of {columns} columns differ",
                self.differences.len() + self.changing.len()
            )
        } else {
            writeln!(
                text,
                "replay: {columns} columns of {} are the same on data that ends at {} times ({} values compared)",
                tables.join(", "),
                self.cuts,
                self.values
            )
        };
        text
    }

    /// Tables, lengths and the columns that have them, the longest last.
    fn grouped_warmups(&self) -> Vec<(&str, Option<usize>, Vec<&str>)> {
        let mut groups: BTreeMap<(&str, usize), Columns<'_>> = BTreeMap::new();
        for warmup in &self.warmups {
            let key = (warmup.table.as_str(), warmup.steps.unwrap_or(usize::MAX));
            let group = groups.entry(key).or_insert((warmup.steps, Vec::new()));
            group.1.push(&warmup.column);
        }
        groups
            .into_iter()
            .map(|((table, _), (steps, columns))| (table, steps, columns))
            .collect()
    }

    /// For `--output json`.
    pub fn json(&self) -> Json {
        let differences: Vec<Json> = self
            .differences
            .iter()
            .map(|d| {
                let (ahead, exact) = match d.ahead {
                    Ahead::Exactly(count) => (json!(count), true),
                    Ahead::AtLeast(count) => (json!(count), false),
                    Ahead::End => (json!("end"), true),
                    Ahead::Unknown => (Json::Null, false),
                };
                json!({
                    "table": d.table, "column": d.column, "row": d.row, "on_all_data": d.with,
                    "on_data_that_ends": d.without, "end": d.end, "ahead": ahead, "exactly": exact,
                    "share": d.share,
                })
            })
            .collect();
        let tables: Vec<Json> = self
            .tables
            .iter()
            .map(|table| {
                let columns = table.columns.iter().map(|(column, field)| match field {
                    Some(field) => format!("{column}.{field}"),
                    None => column.clone(),
                });
                json!({"table": table.table, "columns": columns.collect::<Vec<_>>()})
            })
            .collect();
        let changing: Vec<String> = self
            .changing
            .iter()
            .map(|(table, column)| format!("{table}.{column}"))
            .collect();
        let warmups: Vec<Json> = self
            .warmups
            .iter()
            .map(|w| {
                json!({
                    "severity": "note", "table": w.table, "column": w.column, "steps": w.steps,
                })
            })
            .collect();
        json!({
            "tables": tables,
            "cuts": self.cuts,
            "values": self.values,
            "differences": differences,
            "changing": changing,
            "warm_up": warmups,
            "notices": self.notices,
        })
    }
}

/// A value as it is shown.
pub fn shown(value: Option<String>) -> String {
    match value {
        Some(text) if text.chars().count() > LONGEST => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{start}...")
        }
        Some(text) => text,
        None => "NULL".to_owned(),
    }
}
