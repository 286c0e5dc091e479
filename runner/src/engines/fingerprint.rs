//! What a relation looked like when something was made from it: its columns, how many
//! rows it has, and a digest that tells most changes.

use std::path::PathBuf;

use lagrange_udfs::call::quote_name;
use sha2::{Digest, Sha256};

use super::{Engine, inputs};
use crate::files::{hash_file, hex, sha256};
use crate::runs::results::{Values, plain};

/// How many columns a fingerprint looks at.
const MOST_COLUMNS: usize = 200;
/// How many bytes of files are read for their digest; of more, only the sizes count.
const MOST_BYTES: u64 = 256 << 20;
/// MLflow takes digests of up to 36 characters.
const DIGEST: usize = 32;

/// What a relation looks like.
#[derive(Debug, Clone)]
pub struct Fingerprint {
    /// The names of its columns and what they hold.
    pub columns: Vec<(String, Values)>,
    /// How many rows it has.
    pub rows: Option<u64>,
    /// Of the columns, and of how many values each has, the least and the greatest:
    /// one pass, and the same in any order of the rows.
    pub digest: String,
}

/// Fingerprints of one step: what it reads is looked at once.
#[derive(Debug, Default)]
pub struct Fingerprints {
    known: Vec<(String, Option<Fingerprint>)>,
}

impl Fingerprints {
    /// That of a relation; `None` if there is no such one: it is a CTE, or a function.
    pub async fn of(&mut self, engine: &mut dyn Engine, relation: &str) -> Option<Fingerprint> {
        if let Some((_, known)) = self.known.iter().find(|(name, _)| name == relation) {
            return known.clone();
        }
        let found = look(engine, relation).await;
        self.known.push((relation.to_owned(), found.clone()));
        found
    }

    /// The digest of a relation, or of the files that `read_table` finds at a path.
    pub async fn digest(&mut self, engine: &mut dyn Engine, name: &str) -> Option<String> {
        match self.of(engine, name).await {
            Some(found) => Some(found.digest),
            None if name.contains(['.', '/']) => files_digest(&inputs::files(name).ok()?),
            None => None,
        }
    }
}

/// A digest of files: of their names and sizes and, unless they are large, of their
/// bytes.
pub fn files_digest(files: &[PathBuf]) -> Option<String> {
    let sizes: Vec<u64> = files
        .iter()
        .map(|file| std::fs::metadata(file).map_or(0, |about| about.len()))
        .collect();
    let whole = sizes.iter().sum::<u64>() <= MOST_BYTES;
    let mut hash = Sha256::new();
    for (file, size) in files.iter().zip(&sizes) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        hash.update(format!("{name} {size}\n"));
        if whole {
            hash_file(file, &mut hash).ok()?;
        }
    }
    Some(hex(&hash.finalize())[..DIGEST].to_owned())
}

async fn look(engine: &mut dyn Engine, name: &str) -> Option<Fingerprint> {
    let relation = quote_name(name);
    let sql = format!("SELECT * FROM {relation} LIMIT 0");
    let columns = engine.rows(&sql).await.ok()?.columns;
    if columns.is_empty() {
        return None;
    }
    let mut terms = vec!["count(*) AS lagrange_rows".to_owned()];
    let plain_columns = columns
        .iter()
        .filter(|(_, values)| *values != Values::Nested);
    for (i, (column, _)) in plain_columns.take(MOST_COLUMNS).enumerate() {
        let column = quote_name(column);
        terms.push(format!(
            "count({column}) AS n{i}, min({column}) AS l{i}, max({column}) AS g{i}"
        ));
    }
    let sql = format!("SELECT {} FROM {relation}", terms.join(", "));
    let seen = engine.rows(&sql).await.ok()?.rows.into_iter().next()?;
    let rows = seen.first().and_then(serde_json::Value::as_u64);
    let mut text = String::new();
    for (column, values) in &columns {
        text.push_str(&format!("{column} {values:?}\n"));
    }
    for value in &seen {
        text.push_str(&plain(value));
        text.push('\n');
    }
    Some(Fingerprint {
        columns,
        rows,
        digest: sha256(text.as_bytes())[..DIGEST].to_owned(),
    })
}
