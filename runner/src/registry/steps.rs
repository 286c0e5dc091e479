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
use super::manifest::{EngineVersion, Gates, Guard, Lineage, sha256};
use super::{Published, Registry};
use crate::cli::{CheckMode, EngineName};
use crate::commands::catalogue;
use crate::engines::{Choice, Engine, Key};
use crate::error::Result;
use crate::guard::rules::Severity;
use crate::parameters::Step;
use crate::settings::Settings;

mod measures;
mod naming;
mod reads;

use naming::Found;

/// Publishes the models of a run.
pub struct Publisher<'a> {
    registry: Registry,
    engine: EngineName,
    check: CheckMode,
    steps: &'a [Step],
    /// Asked when there is a model.
    made_by: Option<(EngineVersion, Guard)>,
    /// What the manifests say of the gates of the run.
    pub gates: Gates,
    /// The run.
    pub run_id: Option<String>,
}

impl<'a> Publisher<'a> {
    /// Nothing is opened yet.
    ///
    /// # Errors
    /// A registry of a kind that is not known.
    pub fn new(
        settings: &Settings,
        choice: &Choice,
        check: CheckMode,
        steps: &'a [Step],
    ) -> Result<Self> {
        Ok(Self {
            registry: Registry::open(&settings.model_registry)?,
            engine: choice.engine,
            check,
            steps,
            made_by: None,
            gates: Gates::None,
            run_id: None,
        })
    }

    /// Publishes the models of the table that a step has made: all or none.
    ///
    /// # Errors
    /// A table that cannot be read, a registry that cannot be written.
    pub async fn step(&mut self, step: &Step, engine: &mut dyn Engine) -> Result<Vec<Published>> {
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
            let key = naming::values_of(&row, &grouped);
            // A table may repeat a model in every row.
            if seen.insert((
                sha256(bytes),
                column.to_owned(),
                Json::Object(key).to_string(),
            )) {
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
        let (made_by, guard) = self.made_by(engine).await;
        let lineage = Lineage {
            table: Some(table.clone()),
            script: Some(step.source.file.clone()),
            script_sha256: Some(sha256(step.source.text.as_bytes())),
            line: Some(step.start.line),
            inputs: reads::inputs(&step.statement),
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
            engine: Some(made_by.clone()),
            lineage: lineage.clone(),
            guard: guard.clone(),
            gates: self.gates,
            run_id: self.run_id.clone(),
        });
        self.registry.publish(drafts.collect()).await
    }

    async fn made_by(&mut self, engine: &mut dyn Engine) -> (EngineVersion, Guard) {
        if let Some(known) = &self.made_by {
            return known.clone();
        }
        let name = match self.engine {
            EngineName::DuckDb => "DuckDB",
            EngineName::DataFusion => "DataFusion",
        };
        let rows = engine
            .texts("SELECT version() AS version")
            .await
            .unwrap_or_default();
        let text = rows.into_iter().flatten().flatten().next();
        let version = EngineVersion {
            name: name.to_owned(),
            version: text.as_deref().and_then(version_in),
        };
        let known = (version, guard(self.check, self.steps));
        self.made_by = Some(known.clone());
        known
    }
}

/// The version within `v2.0.0` or `Apache DataFusion 55.2.0, x86_64 on linux`.
fn version_in(text: &str) -> Option<String> {
    let words = text.split([' ', ',']);
    let words = words.map(|word| word.trim_start_matches('v'));
    let mut versions =
        words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().map(str::to_owned)
}

/// What the lookahead check says of the scripts of a run.
fn guard(check: CheckMode, steps: &[Step]) -> Guard {
    if check == CheckMode::Off {
        return Guard::default();
    }
    let report = catalogue::report(steps);
    let text = report.verdict();
    let verdict = if report.count(Severity::Error) + report.count(Severity::Warning) > 0 {
        "warned"
    } else if report
        .findings
        .iter()
        .any(|finding| finding.waived.is_some())
    {
        "waived"
    } else {
        "clean"
    };
    Guard {
        verdict: verdict.to_owned(),
        text,
    }
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
