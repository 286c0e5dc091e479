//! `tune_model`.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::super::entity_order::{ORDER_BY, PARTITION_BY};
use super::super::feature_rows::{EXCLUDE, FEATURES};
use super::super::label_spans::{HORIZON, LABEL_END};
use super::gathered::{OverGathered, OverRows};
use super::job::Job;
use super::judged::{counts, texts};
use super::request::{Request, Search};
use super::rows::Complete;
use super::{
    ALGORITHM, EMBARGO, FOLDS, METRIC, NULLS, OPTIONS, ROW_ARGUMENTS, ROW_OPTIONS, SCHEME, SEED,
    TARGET, TBL, TESTED, TrainingSql, WEIGHT, folds_docs,
};
use crate::call::{Call, Literal};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::models::tuning::{Outcome, Study, Trial, ranks};
use crate::models::validation::scores::METRICS;
use crate::models::validation::{Column as Features, Rows, mean_and_deviation};
use crate::time::row_folds::RowFold;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct TuneModel;

/// See the signature.
pub static TUNE_MODEL: OverGathered<Trials> = OverGathered(Trials);

/// See the signature.
pub struct Trials;

const NAME: &str = "tune_model";

/// The arguments of a search.
pub(super) const SPACE: Argument = Argument::optional(
    "space",
    Kind::Options,
    "NULL",
    "the options that are searched: a list names values, {'low': 0.01, 'high': 0.3, 'log': true} is a range (whole where \
     the option is), with 'step' one that a grid can walk",
);
pub(super) const METHOD: Argument = Argument::optional(
    "method",
    Kind::Text,
    "'tpe'",
    "tpe, random, grid, successive_halving or hyperband",
);
pub(super) const TRIALS: Argument = Argument::optional(
    "trials",
    Kind::Integer,
    "NULL",
    "how many, at least 1; NULL: 50, of a grid all",
);
pub(super) const PRUNE: Argument = Argument::optional(
    "prune",
    Kind::Flag,
    "true",
    "whether tpe, random and grid give up a trial whose mean so far is worse than the median of at least 5 earlier \
     trials after as many folds",
);
pub(super) const BATCH: Argument = Argument::optional(
    "batch",
    Kind::Integer,
    "8",
    "trials that run side by side and know of earlier batches only, at least 1",
);
pub(super) const FACTOR: Argument = Argument::optional(
    "factor",
    Kind::Integer,
    "3",
    "of halving: one trial in so many goes on, with so many times the training rows, at least 2",
);
pub(super) const SECONDS: Argument = Argument::optional(
    "seconds",
    Kind::Double,
    "NULL",
    "no trial starts after so many; results then depend on the machine",
);
pub(super) const WORKERS: Argument = Argument::optional(
    "workers",
    Kind::Integer,
    "NULL",
    "threads, at least 1; NULL: one per core; results do not depend on it",
);

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Training,
    arguments: &[
        TBL,
        TARGET,
        FEATURES,
        ORDER_BY,
        PARTITION_BY,
        ALGORITHM,
        SPACE,
        METHOD,
        TRIALS,
        OPTIONS,
        METRIC,
        SCHEME,
        FOLDS,
        TESTED,
        HORIZON,
        LABEL_END,
        EMBARGO,
        WEIGHT,
        PRUNE,
        BATCH,
        FACTOR,
        SECONDS,
        WORKERS,
        SEED,
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: NULLS,
    docs: concat!(
        "Searches the options of an algorithm, each trial scored on purged folds.\n\n",
        folds_docs!(),
        "\n\nMethods: `grid` takes every combination; `random` draws each option on its own; `tpe` draws 10 trials, then \
         values that are likely where good trials are dense (Bergstra, Bardenet, Bengio and Kégl, NIPS 2011); \
         `successive_halving` starts all trials with the latest part of each fold's training times and gives `factor` \
         times more to the better ones until they have all (Jamieson and Talwalkar, AISTATS 2016); `hyperband` does so \
         from several first parts (Li et al., JMLR 18, 2018). What a trial draws depends on `seed` and its number, what it \
         learns from on earlier batches only: the trials are the same whatever the number of threads. Rows are prepared, \
         and binned for trees, once per fold and shared by all trials.\n\n\
         Returns one row per trial: `trial` (BIGINT, from 1); `rank` (BIGINT, 1 is the best, NULL unless complete); \
         `status` (VARCHAR): complete, pruned or failed; `parameters` (VARCHAR), JSON text of the options that were \
         searched; `metric` (VARCHAR); `mean`, `std` (n - 1) over the folds it got to; `fold_scores`, a list of STRUCT(fold \
         BIGINT, score DOUBLE); `folds` (BIGINT), how many these are; `share` (DOUBLE), of the training times that it had; \
         `seconds` (DOUBLE), wall-clock time; `rows_used`, `rows_skipped` (BIGINT); `reason` (VARCHAR), why it was pruned or \
         failed. Where every trial fails, the first cause is the error. In the runner, Ctrl-C keeps the trials that have \
         ended, and the next run goes on from there.\n\n\
         The best of many trials looks better than it is: hand the number of trials to dsr or select_model. Keeps 8 bytes \
         per value, and again as many per fold.",
    ),
    example: "SELECT trial, \"rank\", parameters, round(mean, 6) AS mean FROM tune_model(\
              '(SELECT i AS t, i % 7 AS a, (i % 7) * (i % 7) + i % 2 AS y FROM range(120) r(i))', 'y', 'a', 't', NULL, \
              'gbdt', {'trees': [5, 20], 'max_leaves': [2, 4]}, 'grid', NULL, {'min_data_in_leaf': 2}, 'rmse', \
              'walk_forward', 2, 2, 1) ORDER BY trial",
};

impl Table for TuneModel {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        if *call.literal("space") == Literal::Null {
            let fix = "pass what is searched, such as {'max_leaves': [15, 31, 63]}";
            return Err(Error::argument(NAME, "space", "NULL", fix));
        }
        let request = Request::of(call)?.searching(call)?;
        let sql = TrainingSql::of(call, AGGREGATE.name, &request)?;
        Ok(format!("{} {}", sql.with, sql.unnested(FIELDS)))
    }
}

const FOLD_SCORES: &[(&str, Type)] = &[("fold", Type::Integer), ("score", Type::Double)];

/// The columns of trials.
pub(super) const FIELDS: &[(&str, Type)] = &[
    ("trial", Type::Integer),
    ("rank", Type::Integer),
    ("status", Type::Text),
    ("parameters", Type::Text),
    ("metric", Type::Text),
    ("mean", Type::Double),
    ("std", Type::Double),
    ("fold_scores", Type::Rows(FOLD_SCORES)),
    ("folds", Type::Integer),
    ("share", Type::Double),
    ("seconds", Type::Double),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("reason", Type::Text),
];

static AGGREGATE: Signature = Signature {
    name: "lagrange_tune_model",
    aliases: &[],
    category: Category::Internal,
    arguments: ROW_ARGUMENTS,
    options: ROW_OPTIONS,
    returns: Type::Rows(FIELDS),
    nulls: NULLS,
    docs: "The rows of tune_model.\n\nKeeps 8 bytes per value, and again as many per fold.",
    example: "SELECT unnest(lagrange_tune_model(2 * (i % 7), i + 1, i + 2, i, CAST(NULL AS DOUBLE), i, {'a': i % 7}, \
              {'request': '{\"model\": {\"algorithm\": \"ridge\"}, \"scheme\": \"walk_forward\", \
              \"folds\": 2, \"tested\": 1, \"embargo\": 0, \"models\": false, \"test_share\": 0, \"search\": {\"space\": \
              {\"alpha\": [1, 10]}, \"method\": \"grid\", \"batch\": 8, \"prune\": true, \"factor\": 3, \"seed\": 42}}'}))['mean'] \
              AS mean FROM range(100) r(i)",
};

impl OverRows for Trials {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, job: &Job) -> Result<Value> {
        let search = job.request.search.as_ref();
        let search = search.ok_or_else(|| Error::internal(NAME, "there is no search"))?;
        let trials = trials(NAME, job, search, &job.folds()?)?;
        let Complete { rows, skipped, .. } = &job.complete;
        Ok(Value::Rows(columns(&trials, rows.len() as u64, *skipped)))
    }
}

/// The trials of a search over folds of the job's rows.
pub(super) fn trials(
    function: &'static str,
    job: &Job,
    search: &Search,
    folds: &[RowFold],
) -> Result<Vec<Trial>> {
    let (request, rows) = (&job.request, &job.complete.rows);
    let study = Study {
        function,
        key: &|| key(request, rows),
        rows,
        folds,
        base: &job.recipe,
        recipe: &|parameters| request.recipe(parameters),
        space: &request.space(function, search)?,
        metric: request.metric(),
    };
    study.run(&search.plan())
}

/// The same rows and the same call have the same name.
fn key(request: &Request, rows: &Rows) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&request.without_machine()).unwrap_or_default());
    let mut numbers: Vec<&[f64]> = vec![&rows.target];
    numbers.extend(rows.weights.as_deref());
    for column in &rows.columns {
        match column {
            Features::Numbers(column) => numbers.push(column),
            Features::Categories { codes, names } => {
                hash.update(names.join("\n"));
                codes.iter().for_each(|code| hash.update(code.to_le_bytes()));
            }
        }
    }
    for value in numbers.into_iter().flatten() {
        hash.update(value.to_bits().to_le_bytes());
    }
    for positions in [&rows.start, &rows.stop] {
        for position in positions {
            hash.update(position.to_le_bytes());
        }
    }
    hash.update(rows.names.join("\n"));
    let digest = hash.finalize();
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The columns of [`FIELDS`].
pub(super) fn columns(trials: &[Trial], used: u64, skipped: u64) -> Vec<Column> {
    let (_, ranks) = ranks(trials);
    let status = |trial: &Trial| match trial.outcome {
        Outcome::Complete => "complete",
        Outcome::Pruned(_) => "pruned",
        Outcome::Failed(_) => "failed",
    };
    let reason = |trial: &Trial| match &trial.outcome {
        Outcome::Complete => None,
        Outcome::Pruned(reason) | Outcome::Failed(reason) => Some(reason.clone()),
    };
    let scores = |trial: &Trial| {
        Value::Rows(vec![
            counts(1..=trial.scores.len() as u64),
            Column::Double(trial.scores.iter().copied().map(Some).collect()),
        ])
    };
    let spread: Vec<_> = trials
        .iter()
        .map(|trial| mean_and_deviation(&trial.scores))
        .collect();
    let parameters = trials
        .iter()
        .map(|trial| Some(Json::from(trial.parameters.clone()).to_string()));
    let of =
        |value: fn(&Trial) -> f64| Column::Double(trials.iter().map(|t| Some(value(t))).collect());
    vec![
        counts(trials.iter().map(|trial| trial.number)),
        Column::Integer(
            ranks
                .iter()
                .map(|rank| rank.map(|rank| rank as i64))
                .collect(),
        ),
        texts(trials.iter().map(status)),
        Column::Text(parameters.collect()),
        texts(trials.iter().map(|trial| METRICS[trial.metric].name)),
        Column::Double(spread.iter().map(|(mean, _)| *mean).collect()),
        Column::Double(spread.iter().map(|(_, deviation)| *deviation).collect()),
        Column::Nested(trials.iter().map(scores).collect()),
        counts(trials.iter().map(|trial| trial.scores.len() as u64)),
        of(|trial| trial.share),
        of(|trial| trial.seconds),
        counts(trials.iter().map(|_| used)),
        counts(trials.iter().map(|_| skipped)),
        Column::Text(trials.iter().map(reason).collect()),
    ]
}
