//! `lagrange_importance`: what `feature_importance` computes.

use super::fit::checked_options;
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::models::importance::{Entry, Method, Metric, Report, Request, Sample, learner, measure};
use crate::models::preparation;
use crate::options::Options;
use crate::time::folds::{Fold, Scheme, folds};
use crate::value::{Column, Type, Value};

/// See the signature.
pub static IMPORTANCE: Gather<Importance> = Gather(Importance);

/// See the signature.
pub struct Importance;

/// The columns of `feature_importance`.
pub const FIELDS: &[(&str, Type)] = &[
    ("method", Type::Text),
    ("feature", Type::Text),
    ("cluster", Type::Integer),
    ("members", Type::Integer),
    ("importance", Type::Double),
    ("std", Type::Double),
    ("standard_error", Type::Double),
    ("share", Type::Double),
    ("rank", Type::Integer),
    ("folds", Type::Integer),
    ("train_rows", Type::Integer),
    ("test_rows", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("status", Type::Text),
];

static SIGNATURE: Signature = Signature {
    name: "lagrange_importance",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "what the models predict"),
        Argument::required("start", Kind::Number, "the number of the row's time"),
        Argument::required(
            "end",
            Kind::Number,
            "the number of the time at which its target is known",
        ),
        Argument::required(
            "position",
            Kind::Number,
            "the row's place, unique: the order in which rows are permuted",
        ),
        Argument::required("features", Kind::Features, "what they predict it from"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "methods",
            accepts: Accepts::Text,
            default: "\"permutation,coefficient\"",
            docs: "names of methods, with commas between them",
        },
        OptionKey {
            name: "scheme",
            accepts: Accepts::Choice(&["walk_forward", "purged_kfold"]),
            default: "\"walk_forward\"",
            docs: "how rows are cut into folds",
        },
        OptionKey {
            name: "folds",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "5",
            docs: "test segments",
        },
        OptionKey {
            name: "embargo",
            accepts: Accepts::Integer(0, i64::MAX),
            default: "0",
            docs: "times after a test segment that do not train",
        },
        OptionKey {
            name: "model",
            accepts: Accepts::Text,
            default: "\"{\\\"algorithm\\\": \\\"ridge\\\"}\"",
            docs: "JSON text of the options of fit",
        },
        OptionKey {
            name: "metric",
            accepts: Accepts::Choice(&["mse", "ic"]),
            default: "\"mse\"",
            docs: "what predictions are scored by",
        },
        OptionKey {
            name: "repeats",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "5",
            docs: "permutations per fold and feature",
        },
        OptionKey {
            name: "block",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "1",
            docs: "rows that stay together in a permutation",
        },
        OptionKey {
            name: "clusters",
            accepts: Accepts::Flag,
            default: "false",
            docs: "whether correlated features are measured together",
        },
        OptionKey {
            name: "max_correlation",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.8",
            docs: "above which they are",
        },
        OptionKey {
            name: "seed",
            accepts: Accepts::Integer(0, i64::MAX),
            default: "42",
            docs: "of the permutations",
        },
        NON_NUMERIC,
    ],
    returns: Type::Rows(FIELDS),
    nulls: "A row in which anything is NULL or NaN is left out and counted. No row: NULL.",
    docs: "The rows of feature_importance.\n\n\
           Keeps 8 bytes per value; see feature_importance for the columns.",
    example: "SELECT unnest(lagrange_importance(2 * (i % 7) + i % 3, i, i + 1, i, {'a': i % 7})) AS row \
              FROM range(100) r(i)",
};

impl OverFeatures for Importance {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn caller(&self) -> &'static str {
        "feature_importance"
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let [target, start, end, position] = gathered.numbers else {
            return Err(Error::internal(self.caller(), "four numbers were expected"));
        };
        let request = request(self.caller(), options)?;
        let model = serde_json::from_str(options.text("model"))
            .map_err(|error| Error::internal(self.caller(), error.to_string()))?;
        let (algorithm, model) = checked_options(&model)?;
        let imputes = preparation::Choice::of(&model).imputes();
        let takes_missing =
            (algorithm.takes_missing() || imputes) && request.max_correlation.is_none();
        let learner = learner(algorithm, model);
        if let Some(method) = request.methods.iter().find(|method| !learner.has(**method)) {
            let method = format!("'{}'", method.name());
            let fix = format!("'{}' has none", learner.name());
            return Err(Error::argument(self.caller(), "method", method, fix));
        }
        let labelled = |row: &usize| !(target[*row].is_nan() || end[*row].is_nan());
        let rows: Vec<usize> = (0..gathered.rows).filter(labelled).collect();
        // A feature without a value says nothing, and must not cost every row.
        let present = |column: &[f64]| rows.iter().any(|&row| !column[row].is_nan());
        let kept: Vec<usize> = (0..gathered.names.len())
            .filter(|&feature| present(&gathered.columns[feature]))
            .collect();
        let complete = |row: &usize| {
            takes_missing
                || kept
                    .iter()
                    .all(|&feature| !gathered.columns[feature][*row].is_nan())
        };
        let mut rows: Vec<u32> = rows
            .into_iter()
            .filter(complete)
            .map(|row| row as u32)
            .collect();
        rows.sort_unstable_by(|&a, &b| position[a as usize].total_cmp(&position[b as usize]));
        let sample = Sample {
            names: kept.iter().map(|&i| gathered.names[i].as_str()).collect(),
            columns: kept
                .iter()
                .map(|&i| gathered.columns[i].as_slice())
                .collect(),
            target,
        };
        let folds = match kept.is_empty() {
            true => Vec::new(),
            false => folds_of(&rows, start, end, options),
        };
        let report = measure(learner.as_ref(), &sample, &folds, &request)?;
        Ok(table(gathered, &kept, rows.len(), &report))
    }
}

fn request(caller: &str, options: &Options) -> Result<Request> {
    let methods = options.text("methods").split(',').map(|name| {
        Method::named(name)
            .ok_or_else(|| Error::internal(caller, format!("there is no method '{name}'")))
    });
    Ok(Request {
        methods: methods.collect::<Result<_>>()?,
        metric: match options.text("metric") {
            "ic" => Metric::Ic,
            _ => Metric::Mse,
        },
        repeats: options.integer("repeats") as u64,
        block: options.integer("block") as usize,
        seed: options.integer("seed") as u64,
        max_correlation: options
            .flag("clusters")
            .then(|| options.number("max_correlation")),
    })
}

/// The folds of `rows`, which are numbers of rows, in that order.
fn folds_of(rows: &[u32], start: &[f64], end: &[f64], options: &Options) -> Vec<Fold> {
    let scheme = match options.text("scheme") {
        "purged_kfold" => Scheme::PurgedKFold,
        _ => Scheme::WalkForward,
    };
    let of =
        |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row as usize]).collect() };
    let (start, end) = (of(start), of(end));
    // More segments than rows are empty ones.
    let parts = (options.integer("folds") as usize).min(rows.len().max(1));
    let embargo = options.integer("embargo") as f64;
    let numbered = |places: &[u32]| places.iter().map(|&place| rows[place as usize]).collect();
    folds(&start, &end, scheme, parts, embargo)
        .iter()
        .map(|fold| Fold {
            train: numbered(&fold.train),
            test: numbered(&fold.test),
        })
        .collect()
}

/// A row per method and feature. `kept` names the features of the report; the
/// others have no value in any row.
fn table(gathered: &Gathered<'_>, kept: &[usize], complete: usize, report: &Report) -> Value {
    let methods = report.methods.iter().enumerate();
    let rows: Vec<(Method, &String, Option<&Entry>)> = methods
        .flat_map(|(place, method)| {
            let names = gathered.names.iter().enumerate();
            names.map(move |(feature, name)| {
                let known = kept.binary_search(&feature).ok();
                let entry = known.map(|known| &report.entries[place * kept.len() + known]);
                (*method, name, entry)
            })
        })
        .collect();
    let double = |value: fn(&Entry) -> Option<f64>| {
        Column::Double(rows.iter().map(|row| row.2.and_then(value)).collect())
    };
    let integer = |value: fn(&Entry) -> Option<usize>| {
        let values = rows.iter().map(|row| row.2.and_then(value));
        Column::Integer(values.map(|value| value.map(|x| x as i64)).collect())
    };
    let whole = |value: usize| Column::Integer(vec![Some(value as i64); rows.len()]);
    let folds = rows.iter().map(|row| row.2.map_or(0, |entry| entry.folds));
    let status = |entry: Option<&Entry>| match entry {
        _ if complete == 0 => "no complete rows",
        Some(entry) => entry.status,
        None => "no values",
    };
    Value::Rows(vec![
        text(rows.iter().map(|row| row.0.name()).collect()),
        text(rows.iter().map(|row| row.1.as_str()).collect()),
        integer(|entry| entry.cluster),
        integer(|entry| entry.members),
        double(|entry| entry.importance),
        double(|entry| entry.std),
        double(|entry| entry.standard_error),
        double(|entry| entry.share),
        integer(|entry| entry.rank),
        Column::Integer(folds.map(|folds| Some(folds as i64)).collect()),
        whole(report.train_rows),
        whole(report.test_rows),
        whole(gathered.rows - complete),
        text(rows.iter().map(|row| status(row.2)).collect()),
    ])
}

fn text(values: Vec<&str>) -> Column {
    Column::Text(
        values
            .into_iter()
            .map(|value| Some(value.to_owned()))
            .collect(),
    )
}

#[cfg(test)]
mod tests;
