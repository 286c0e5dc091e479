//! What models are made from: the relations of statements that fit, and the files
//! that scripts read.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Value, visit_expressions, visit_relations};

use crate::engines::fingerprint::{Fingerprints, files_digest};
use crate::engines::{Engine, inputs};
use crate::parameters::Step;
use crate::runs::record::Dataset;
use crate::runs::results::{Kind, Values};
use crate::script::parse_query;

/// Functions that train.
const FITTING: [&str; 5] = [
    "fit",
    "fit_report",
    "train_model",
    "tune_model",
    "cross_validate",
];

/// The datasets of a step that are not known yet.
pub async fn datasets(
    step: &Step,
    known: &[Dataset],
    fingerprints: &mut Fingerprints,
    engine: &mut dyn Engine,
) -> Vec<Dataset> {
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
            && let Some(dataset) = table(&relation, fingerprints, engine).await
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
async fn table(
    name: &str,
    fingerprints: &mut Fingerprints,
    engine: &mut dyn Engine,
) -> Option<Dataset> {
    let found = fingerprints.of(engine, name).await?;
    let names: Vec<&str> = found
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    if Kind::of(&names).is_some() || names.contains(&"model") {
        return None;
    }
    Some(Dataset {
        name: name.to_owned(),
        digest: found.digest,
        source: name.to_owned(),
        source_type: "table".to_owned(),
        context: "training".to_owned(),
        columns: found
            .columns
            .into_iter()
            .map(|(name, values)| (name, kind(values).to_owned()))
            .collect(),
        rows: found.rows,
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
    let digest = files_digest(&input.files)?;
    let fields = input.schema.fields().iter();
    Some(Dataset {
        name: path.rsplit('/').find(|part| !part.is_empty())?.to_owned(),
        digest,
        source: crate::secrets::masked(path).into_owned(),
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
