//! What models are made from: the relations of statements that fit, and the files
//! that scripts read.

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::ControlFlow;

use lagrange_udfs::call::quote_name;
use sha2::{Digest, Sha256};
use sqlparser::ast::{Expr, Value, visit_expressions, visit_relations};

use crate::engines::{Engine, inputs};
use crate::files::sha256;
use crate::parameters::Step;
use crate::runs::record::Dataset;
use crate::runs::results::{Kind, Values, plain};
use crate::script::parse_query;

/// Functions that train.
const FITTING: [&str; 5] = [
    "fit",
    "fit_report",
    "train_model",
    "tune_model",
    "cross_validate",
];
/// How many columns a fingerprint looks at.
const MOST_COLUMNS: usize = 200;
/// How many bytes of files are read for their digest; of more, only the sizes count.
const MOST_BYTES: u64 = 256 << 20;
/// The server takes digests of up to 36 characters.
const DIGEST: usize = 32;

/// The datasets of a step that are not known yet.
pub async fn datasets(step: &Step, known: &[Dataset], engine: &mut dyn Engine) -> Vec<Dataset> {
    let mut found = Vec::new();
    let is_new = |found: &[Dataset], name: &str| {
        !known
            .iter()
            .chain(found)
            .any(|dataset| dataset.name == name)
    };
    for path in inputs::paths(&step.statement).unwrap_or_default() {
        let dataset = file(&path).await;
        found.extend(dataset.filter(|dataset| is_new(&found, &dataset.name)));
    }
    for relation in relations(step) {
        if is_new(&found, &relation)
            && let Some(dataset) = table(&relation, engine).await
        {
            found.push(dataset);
        }
    }
    found
}

/// The relations that a statement names, if it fits.
pub(super) fn relations(step: &Step) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut fits = false;
    let mut texts = Vec::new();
    let _: ControlFlow<()> = visit_relations(&step.statement, |name| {
        let name = super::tables::bare(name);
        fits |= FITTING.contains(&name.to_lowercase().as_str());
        names.insert(name);
        ControlFlow::Continue(())
    });
    let _: ControlFlow<()> = visit_expressions(&step.statement, |expr| {
        match expr {
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                fits |= FITTING.contains(&name.as_str());
            }
            Expr::Value(value) => {
                if let Value::SingleQuotedString(text) = &value.value {
                    texts.push(text.clone());
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    if !fits {
        return BTreeSet::new();
    }
    // A table function takes its relation as text: a name, or a query.
    for text in texts {
        match text.trim().strip_prefix('(') {
            Some(query) => {
                if let Ok(query) = parse_query(query.trim_end_matches(')')) {
                    let _: ControlFlow<()> = visit_relations(&query, |name| {
                        names.insert(super::tables::bare(name));
                        ControlFlow::Continue(())
                    });
                }
            }
            None => {
                let plain = |c: char| c.is_alphanumeric() || c == '_';
                if !text.is_empty() && text.chars().all(plain) {
                    names.insert(text);
                }
            }
        }
    }
    if let Some(target) = &step.description.target {
        names.remove(&super::tables::bare(target));
    }
    names
}

/// A table of the database; `None` if there is no such one (it is a CTE or a
/// function), or if it is itself a result.
async fn table(name: &str, engine: &mut dyn Engine) -> Option<Dataset> {
    let relation = quote_name(name);
    let sql = format!("SELECT * FROM {relation} LIMIT 0");
    let columns = engine.rows(&sql).await.ok()?.columns;
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() || Kind::of(&names).is_some() || names.contains(&"model") {
        return None;
    }
    // How many values there are of each column, and the least and the greatest: one
    // pass, and the same in any order of the rows.
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
    let rows = seen.first().and_then(|count| count.as_u64());
    let mut text = String::new();
    for (column, values) in &columns {
        text.push_str(&format!("{column} {values:?}\n"));
    }
    for value in &seen {
        text.push_str(&plain(value));
        text.push('\n');
    }
    Some(Dataset {
        name: name.to_owned(),
        digest: sha256(text.as_bytes())[..DIGEST].to_owned(),
        source: name.to_owned(),
        source_type: "table".to_owned(),
        context: "training".to_owned(),
        columns: columns
            .into_iter()
            .map(|(name, values)| (name, kind(values).to_owned()))
            .collect(),
        rows,
    })
}

/// The name of a type, as MLflow has it.
fn kind(values: Values) -> &'static str {
    match values {
        Values::Doubles => "double",
        Values::Integers => "long",
        Values::Booleans => "boolean",
        Values::Texts | Values::Others => "string",
        Values::Nested => "nested",
    }
}

/// The files behind `read_table('path')`.
async fn file(path: &str) -> Option<Dataset> {
    let input = inputs::Input::find(path).await.ok()?;
    let sizes: Vec<u64> = input
        .files
        .iter()
        .map(|file| std::fs::metadata(file).map_or(0, |about| about.len()))
        .collect();
    let whole = sizes.iter().sum::<u64>() <= MOST_BYTES;
    let mut hash = Sha256::new();
    for (file, size) in input.files.iter().zip(&sizes) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        hash.update(format!("{name} {size}\n"));
        if whole {
            let mut reader = std::fs::File::open(file).ok()?;
            let mut buffer = vec![0; 1 << 16];
            loop {
                let count = reader.read(&mut buffer).ok()?;
                if count == 0 {
                    break;
                }
                hash.update(buffer.get(..count)?);
            }
        }
    }
    let digest: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let fields = input.schema.fields().iter();
    Some(Dataset {
        name: path.rsplit('/').find(|part| !part.is_empty())?.to_owned(),
        digest: digest[..DIGEST].to_owned(),
        source: crate::runs::secrets::without_users(path),
        source_type: "file".to_owned(),
        context: "input".to_owned(),
        columns: fields
            .zip(input.names())
            .map(|(field, name)| {
                let held = crate::engines::shown::datafusion_arrow::held(field.data_type());
                (name, kind(held).to_owned())
            })
            .collect(),
        rows: None,
    })
}
