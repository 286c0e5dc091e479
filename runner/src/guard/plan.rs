//! What a replay recomputes: the tables in which features stand, and the tables
//! that the script starts from.

use std::collections::BTreeSet;

use super::analysis::Analysis;
use super::lineage::{Grain, Id, Relation, Time};
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
    /// The features, or what they are computed from at the same row.
    pub columns: Vec<String>,
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
}

impl Analysis<'_> {
    /// The plan of a replay.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan {
            times: self.time_names.iter().cloned().collect(),
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
            let columns: Vec<String> = relation
                .columns
                .iter()
                .filter(|column| {
                    let value = &column.value;
                    reached(value.id)
                        || value
                            .fields
                            .iter()
                            .flat_map(|fields| fields.iter())
                            .any(|(_, field)| reached(field.id))
                })
                .map(|column| column.name.to_string())
                .filter(|column| *column != time)
                .collect();
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
