//! Names of tables: `table`, `dataset.table` or `project.dataset.table`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::settings::{Database, Settings};

/// A table of BigQuery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableName {
    /// The project that it is in.
    pub project: String,
    /// The data set.
    pub dataset: String,
    /// The table.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.project, self.dataset, self.table)
    }
}

impl TableName {
    /// From what a person writes; what is left out comes from the settings.
    ///
    /// # Errors
    /// What cannot be the name of a table.
    pub fn parse(text: &str, project: &str, dataset: &str) -> Result<Self> {
        let plain = text.trim();
        let bare = plain
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix('`'));
        let parts: Vec<&str> = bare.unwrap_or(plain).split('.').collect();
        let (project, dataset, table) = match parts.as_slice() {
            [table] => (project, dataset, *table),
            [dataset, table] => (project, *dataset, *table),
            [project, dataset, table] => (*project, *dataset, *table),
            _ => return Err(wrong(text)),
        };
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let fits = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| word(c) || more.contains(c))
        };
        // Tables may also have dashes; a project may have a domain and its colon.
        if !fits(project, "-:") || !fits(dataset, "") || !fits(table, "-") {
            return Err(wrong(text));
        }
        Ok(Self {
            project: project.to_owned(),
            dataset: dataset.to_owned(),
            table: table.to_owned(),
        })
    }

    /// As SQL names it.
    pub fn quoted(&self) -> String {
        format!("`{self}`")
    }
}

fn wrong(text: &str) -> Box<Error> {
    Error::usage(format!("'{text}' is not the name of a table"))
        .hint("write table, dataset.table or project.dataset.table")
}

/// The project and the data set of the settings.
///
/// # Errors
/// An environment whose tables are not in BigQuery.
pub fn home(settings: &Settings) -> Result<(&str, &str)> {
    match &settings.database {
        Database::BigQuery { project, dataset } => Ok((project, dataset)),
        Database::DuckDb { .. } => Err(Error::usage(format!(
            "the tables of environment {} are not in BigQuery",
            settings.environment()
        ))
        .hint("pass an environment whose database.type is bigquery, such as --env dev")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_up_to_three_parts() {
        let shown = |text: &str| TableName::parse(text, "p", "d").map(|name| name.to_string());
        assert_eq!(shown("t").unwrap(), "p.d.t");
        assert_eq!(shown("e.t").unwrap(), "p.e.t");
        assert_eq!(shown("`my-project.e.t-1`").unwrap(), "my-project.e.t-1");
        for wrong in ["", ".", "a.b.c.d", "t; DROP", "t`", "d.\\t", "a..b", "t*"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }
}
