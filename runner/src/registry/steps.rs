//! Publishes the models of the tables that a run makes.
//!
//! A model is called as its table is; one of several in a table, `<table>.<value>`,
//! after the columns by which the statement groups or, where it does not, the first
//! column that tells its models apart. A table with models in two columns has
//! `<table>.<column>` in place of `<table>`.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::draft::Draft;
use super::manifest::{EngineVersion, Lineage};
use super::{Published, Registry};
use crate::engines::fingerprint::Fingerprints;
use crate::engines::{Engine, Key};
use crate::error::Result;
use crate::files::sha256;
use crate::parameters::Step;

mod measures;
mod naming;
mod reads;

use naming::Found;

impl Registry {
    /// Publishes the models of the table that a step has made: all or none.
    ///
    /// # Errors
    /// A table that cannot be read, a registry that cannot be written.
    pub async fn publish_table(
        &self,
        engine: &mut dyn Engine,
        step: &Step,
        fingerprints: &mut Fingerprints,
    ) -> Result<Vec<Published>> {
        let Some(target) = &step.description.target else {
            return Ok(Vec::new());
        };
        let table = target
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map_or_else(|| target.to_string(), |name| name.value.clone());
        let grouped = naming::group_columns(&step.statement);
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut sink = |column: &str, bytes: &[u8], row: Key| {
            let key = Json::Object(naming::values_of(&row, &grouped)).to_string();
            // A table may repeat a model in every row.
            if seen.insert((sha256(bytes), column.to_owned(), key)) {
                found.push(Found {
                    column: column.to_owned(),
                    model: Bytes::copy_from_slice(bytes),
                    row,
                });
            }
            Ok(())
        };
        engine.models(target, &mut sink).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let measures = match found.as_slice() {
            [one] => measures::of(engine, &table, target, &one.row).await?,
            _ => measures::Measures::default(),
        };
        let made_by = made_by(engine).await;
        let mut inputs = reads::inputs(&step.statement);
        for input in &mut inputs {
            input.digest = fingerprints.digest(engine, &input.name).await;
        }
        let lineage = Lineage {
            table: Some(table.clone()),
            script: Some(step.source.file.clone()),
            script_sha256: Some(sha256(step.source.text.as_bytes())),
            line: Some(step.start.line),
            inputs,
        };
        let horizon = reads::horizon(&step.statement);
        let named = naming::name_all(&table, found, &grouped);
        let drafts = named.into_iter().map(|named| Draft {
            name: named.name,
            model: named.model,
            key: named.key,
            row: named.row,
            metrics: measures.metrics.clone(),
            stability: measures.stability.clone(),
            horizon,
            engine: made_by.clone(),
            lineage: lineage.clone(),
            origin: self.origin.clone(),
        });
        self.publish(drafts.collect()).await
    }
}

/// The engine, by what it says of itself.
async fn made_by(engine: &mut dyn Engine) -> Option<EngineVersion> {
    let rows = engine.texts("SELECT version() AS version").await;
    let text = rows
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .flatten()
        .next()?;
    let name = match text.contains("DataFusion") {
        true => "DataFusion",
        false => "DuckDB",
    };
    Some(EngineVersion {
        name: name.to_owned(),
        version: version_in(&text),
    })
}

/// The version within `v2.0.0` or `Apache DataFusion 55.2.0, x86_64 on linux`.
fn version_in(text: &str) -> Option<String> {
    let words = text.split([' ', ',']);
    let words = words.map(|word| word.trim_start_matches('v'));
    let mut versions =
        words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().map(str::to_owned)
}

/// A JSON value as a name shows it.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns of a row but some.
fn without(row: &Map<String, Json>, names: &Map<String, Json>) -> Map<String, Json> {
    let others = row.iter().filter(|(name, _)| !names.contains_key(*name));
    others
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A statement as scripts are read.
#[cfg(test)]
fn statement(sql: &str) -> sqlparser::ast::Statement {
    let dialect = crate::script::ScriptDialect;
    let mut statements = sqlparser::parser::Parser::parse_sql(&dialect, sql).unwrap();
    statements.remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_engines_say() {
        assert_eq!(version_in("v2.0.0").as_deref(), Some("2.0.0"));
        let text = "Apache DataFusion 55.2.0, x86_64 on linux";
        assert_eq!(version_in(text).as_deref(), Some("55.2.0"));
        assert_eq!(version_in("unknown"), None);
    }
}
