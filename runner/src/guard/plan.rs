//! What a replay recomputes: the tables in which features stand, and the tables
//! that the script starts from.

use std::collections::BTreeSet;

use super::analysis::Analysis;
use super::graph::{Edge, Extent};
use super::lineage::{Grain, Id, Relation, Time, Value};
use super::names;

/// A table that the script makes and features stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub table: String,
    /// Its time.
    pub time: String,
    /// Its entities.
    pub entities: Vec<String>,
    /// The features, or what they are computed from at the same row: a column, and
    /// the field of a struct.
    pub columns: Vec<(String, Option<String>)>,
}

/// What to recompute.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order of their names.
    pub tables: Vec<Planned>,
    /// Tables that the script makes of nothing or of files, and their times.
    pub roots: Vec<(String, String)>,
    /// Columns that say when a row of an outside table is.
    pub times: BTreeSet<String>,
    /// Columns that are entities, besides those that are known by their name.
    pub entities: BTreeSet<String>,
    /// Columns that hold a statistic of the training rows, as `table.column`: it is known
    /// at their end, and no other data that ends earlier gives the same.
    pub trained: Vec<String>,
    /// How many rows ahead a target looks: so many rows have none at the end of the
    /// data.
    pub ahead: i64,
}

impl Analysis<'_> {
    /// The plan of a replay.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan {
            times: self.time_names.iter().cloned().collect(),
            entities: self.entity_names.iter().cloned().collect(),
            ahead: self.fits.iter().map(|fit| fit.ahead).max().unwrap_or(0),
            ..Plan::default()
        };
        let mut tables: Vec<(&String, &Relation)> = self
            .tables
            .iter()
            .map(|(name, relation)| (name, relation.as_ref()))
            .collect();
        tables.sort_by_key(|(name, _)| name.as_str());
        for (name, relation) in tables {
            let Some(time) = self.time_column(relation) else {
                continue;
            };
            if self.roots.contains(name) {
                plan.roots.push((name.clone(), time));
                continue;
            }
            let reached = |id: Id| id != 0 && self.reached.contains(&id);
            let mut seen: BTreeSet<Id> = BTreeSet::new();
            let mut columns: Vec<(String, Option<String>)> = Vec::new();
            for column in relation.columns.iter().filter(|c| c.value.fields.is_none()) {
                let is_key = *column.name == *time || self.is_entity(&column.name);
                if !reached(column.value.id) || is_key || !seen.insert(column.value.id) {
                    continue;
                }
                if self.is_trained(&column.value) {
                    plan.trained.push(format!("{name}.{}", column.name));
                } else {
                    columns.push((column.name.to_string(), None));
                }
            }
            for column in &relation.columns {
                for (field, value) in column.value.fields.iter().flat_map(|fields| fields.iter()) {
                    if !reached(value.id) || value.fields.is_some() || !seen.insert(value.id) {
                        continue;
                    }
                    if self.is_trained(value) {
                        plan.trained.push(format!("{name}.{}.{field}", column.name));
                    } else {
                        columns.push((column.name.to_string(), Some(field.clone())));
                    }
                }
            }
            if relation.grain == Grain::Row && !columns.is_empty() {
                let entities = relation
                    .columns
                    .iter()
                    .map(|column| column.name.to_string())
                    .filter(|column| self.is_entity(column))
                    .collect();
                plan.tables.push(Planned {
                    table: name.clone(),
                    time,
                    entities,
                    columns,
                });
            }
        }
        plan
    }

    /// Whether a value holds a statistic of the training rows and nothing of the future:
    /// that of other rows would have left a mark.
    fn is_trained(&self, value: &Value) -> bool {
        let whole = |edges: &[Edge]| edges.iter().any(|e| e.extent == Extent::ALL && !e.own);
        let mut found = whole(&value.edges);
        self.graph.walk(&value.edges, false, &mut |_, node| {
            found |= whole(&node.edges);
            true
        });
        found && value.marks.is_empty()
    }

    /// The column that says when a row is.
    fn time_column(&self, relation: &Relation) -> Option<String> {
        let is_own = |time: Time| time == Time::At(0);
        relation
            .columns
            .iter()
            .find(|column| {
                is_own(column.value.time)
                    && column.value.marks.is_empty()
                    && names::is_time(&column.name)
            })
            .or_else(|| {
                relation
                    .columns
                    .iter()
                    .find(|column| is_own(column.value.time) && column.value.marks.is_empty())
            })
            .map(|column| column.name.to_string())
    }
}
