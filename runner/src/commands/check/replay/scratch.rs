//! The tables that a replay recomputes, on either engine.

use std::collections::{BTreeMap, BTreeSet};

use lagrange_udfs::call::{quote_name, quote_text};
use sqlparser::ast::{Statement, TableFactor, TableObject};
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Draw, SEED};
use crate::engines::{Choice, Comparison, Engine, ORIGIN};
use crate::error::{Error, Result};
use crate::guard::plan::Plan;
use crate::guard::{Report, names};
use crate::parameters::{Step, bind_known};
use crate::script::{Action, ScriptDialect, parse};
use crate::settings::Settings;

/// A table that the script starts from.
struct Source {
    name: String,
    /// What it is called in the scratch database.
    origin: String,
    time: Option<String>,
    entity: Option<String>,
}

/// A database that ends with the replay, and the statements that fill it.
pub(super) struct Scratch<'a> {
    engine: Box<dyn Engine>,
    steps: Vec<&'a Step>,
    sources: Vec<Source>,
    /// Entities that are kept, as a list of texts in SQL; all if `None`.
    entities: Option<String>,
    /// What the last computation has made, and whether it is a view.
    made: Vec<(String, bool)>,
}

impl<'a> Scratch<'a> {
    /// Opens it, and makes the tables that the script makes of nothing or of files.
    pub async fn open(
        steps: &'a [Step],
        report: &Report,
        choice: &Choice,
        settings: &Settings,
        notices: &mut Vec<String>,
    ) -> Result<Self> {
        let plan = &report.plan;
        let steps = needed(steps, plan);
        let made: BTreeSet<String> = steps.iter().filter_map(|step| target(step)).collect();
        let outside: Vec<String> = report
            .outside
            .iter()
            .filter(|name| !name.contains('('))
            .filter_map(|name| name.rsplit('.').next())
            .map(|name| name.trim_matches('"').to_lowercase())
            .filter(|name| !made.contains(name))
            .collect();
        // Only those that the statements read.
        let read: BTreeSet<String> = steps.iter().flat_map(|step| words(&step.text)).collect();
        let outside: Vec<String> = outside
            .into_iter()
            .filter(|name| read.contains(name))
            .collect();
        let mut scratch = Self {
            engine: choice.scratch(settings, &outside).await?,
            steps: Vec::new(),
            sources: Vec::new(),
            entities: None,
            made: Vec::new(),
        };
        for name in outside {
            let origin = format!("{ORIGIN}{name}");
            let columns = scratch.engine.columns(&origin).await?;
            if columns.is_empty() {
                // A table of the system, or a name that is none.
                continue;
            }
            let time = columns.iter().map(|(name, _)| name).find(|column| {
                names::is_time(column) || plan.times.contains(&column.to_lowercase())
            });
            match time {
                Some(time) => notices.push(format!("the time of '{name}' is taken to be '{time}'")),
                None => notices.push(format!(
                    "'{name}' has no time column that is known by its name, and stays whole; name it: \
                     -- lagrange: time COLUMN"
                )),
            }
            scratch.sources.push(Source {
                time: time.cloned(),
                entity: entity(&columns, plan),
                name,
                origin,
            });
        }
        let root = |step: &Step| {
            target(step).and_then(|table| plan.roots.iter().find(|(root, _)| *root == table))
        };
        for step in steps {
            if root(step).is_some() {
                scratch.engine.execute(step).await?;
            } else {
                scratch.steps.push(step);
            }
        }
        for (name, time) in &plan.roots {
            let columns = scratch.engine.columns(name).await?;
            if columns.is_empty() {
                continue;
            }
            let origin = format!("{ORIGIN}{name}");
            let (from, to) = (quote_name(name), quote_name(&origin));
            scratch
                .run(&format!("CREATE TABLE {to} AS SELECT * FROM {from}"))
                .await?;
            scratch.run(&format!("DROP TABLE {from}")).await?;
            scratch.sources.push(Source {
                time: Some(time.clone()),
                entity: entity(&columns, plan),
                name: name.clone(),
                origin,
            });
        }
        Ok(scratch)
    }

    /// Keeps only some entities, drawn among all.
    pub async fn sample(&mut self, count: usize, notices: &mut Vec<String>) -> Result<()> {
        let source = self.sources.iter().find_map(|source| {
            let entity = source.entity.as_ref()?;
            Some((source.origin.clone(), entity.clone()))
        });
        let Some((origin, entity)) = source else {
            notices.push("no entity is known by its name: all rows are taken".to_owned());
            return Ok(());
        };
        let sql = format!(
            "SELECT DISTINCT CAST({} AS VARCHAR) AS e FROM {} ORDER BY e",
            quote_name(&entity),
            quote_name(&origin)
        );
        let rows = self.texts(&sql).await?;
        let mut all: Vec<String> = rows.into_iter().flatten().flatten().collect();
        let count = count.clamp(1, all.len().max(1));
        let mut draw = Draw(SEED);
        for i in 0..count.min(all.len()) {
            let j = i + draw.below(all.len() - i);
            all.swap(i, j);
        }
        notices.push(format!("{count} of {} entities are taken", all.len()));
        all.truncate(count);
        all.sort();
        let list: Vec<String> = all.iter().map(|entity| quote_text(entity)).collect();
        self.entities = Some(list.join(", "));
        Ok(())
    }

    /// Runs the statements on the data from `start` up to `end`.
    pub async fn compute(&mut self, start: Option<&str>, end: Option<&str>) -> Result<()> {
        for (name, view) in std::mem::take(&mut self.made).into_iter().rev() {
            let kind = if view { "VIEW" } else { "TABLE" };
            self.run(&format!("DROP {kind} IF EXISTS {}", quote_name(&name)))
                .await?;
        }
        for source in &self.sources {
            let mut conditions = Vec::new();
            if let Some(time) = &source.time {
                let time = quote_name(time);
                conditions.extend(start.map(|start| format!("{time} >= {}", typed(start))));
                conditions.extend(end.map(|end| format!("{time} <= {}", typed(end))));
            }
            if let (Some(entity), Some(list)) = (&source.entity, &self.entities) {
                let entity = quote_name(entity);
                conditions.push(format!("CAST({entity} AS VARCHAR) IN ({list})"));
            }
            let condition = match conditions.is_empty() {
                true => String::new(),
                false => format!(" WHERE {}", conditions.join(" AND ")),
            };
            let sql = format!(
                "CREATE VIEW {} AS SELECT * FROM {}{condition}",
                quote_name(&source.name),
                quote_name(&source.origin)
            );
            execute(self.engine.as_mut(), &sql).await?;
            self.made.push((source.name.clone(), true));
        }
        for step in &self.steps {
            self.engine.execute(step).await?;
            let Some(table) = target(step) else { continue };
            let view = step.description.action == Action::CreateView;
            if !self.made.iter().any(|(known, _)| *known == table) {
                self.made.push((table, view));
            }
        }
        Ok(())
    }

    /// Runs a statement of the replay's own.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        execute(self.engine.as_mut(), sql).await
    }

    /// The rows of a query, as text.
    pub async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.engine.texts(sql).await
    }

    /// The columns of a relation.
    pub async fn columns(&mut self, relation: &str) -> Result<Vec<(String, Comparison)>> {
        self.engine.columns(relation).await
    }
}

pub(super) async fn execute(engine: &mut dyn Engine, sql: &str) -> Result<()> {
    let script = parse("replay", sql.to_owned())
        .map_err(|error| Error::internal(format!("generated SQL: {error}")).detail(sql))?;
    for step in bind_known(vec![script], &BTreeMap::new(), &BTreeMap::new())? {
        engine.execute(&step).await?;
    }
    Ok(())
}

fn entity(columns: &[(String, Comparison)], plan: &Plan) -> Option<String> {
    let known =
        |name: &&String| names::is_entity(name) || plan.entities.contains(&name.to_lowercase());
    columns.iter().map(|(name, _)| name).find(known).cloned()
}

/// A time as a literal whose type the column decides.
pub(super) fn typed(time: &str) -> String {
    match time.parse::<f64>() {
        Ok(_) => time.to_owned(),
        Err(_) => quote_text(time),
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
