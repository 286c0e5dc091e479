//! `train_model`.

use super::super::entity_order::{ORDER_BY, PARTITION_BY};
use super::super::feature_rows::{EXCLUDE, FEATURES};
use super::super::label_spans::{HORIZON, LABEL_END};
use super::gathered::{OverGathered, OverRows};
use super::job::Job;
use super::judged::texts;
use super::request::Request;
use super::rows::Complete;
use super::tune_model::{
    self, BATCH, FACTOR, METHOD, PRUNE, SECONDS, SPACE, TRIALS, WORKERS, trials,
};
use super::{
    ALGORITHM, EMBARGO, FOLDS, METRIC, NULLS, OPTIONS, ROW_ARGUMENTS, ROW_OPTIONS, SCHEME, SEED,
    TARGET, TBL, TESTED, TrainingSql, WEIGHT, folds_docs,
};
use crate::call::{Call, Literal};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::models::tuning::{Trial, ranks};
use crate::models::validation::scores::{METRICS, Metric, Scores};
use crate::models::validation::{
    Column as Features, Judged, Recipe, Rows, TrainingRows, judge, mean_and_deviation,
};
use crate::models::{Body, Model};
use crate::statistics::ascending::Sorter;
use crate::statistics::drift::Baseline;
use crate::time::row_folds::{Cut, RowFold};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct TrainModel;

/// See the signature.
pub static TRAIN_MODEL: OverGathered<Recipes> = OverGathered(Recipes);

/// See the signature.
pub struct Recipes;

const NAME: &str = "train_model";

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
        OPTIONS,
        SPACE,
        METHOD,
        TRIALS,
        METRIC,
        Argument::optional(
            "test_share",
            Kind::Double,
            "0.2",
            "the share of the distinct times, the last, that is kept from everything and tests the model in the end, from 0 \
             to 1; 0: nothing is kept",
        ),
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
        "The whole recipe in one call: folds, a search if there is a space, the model, and its report.\n\n\
         The last `test_share` of the times is put aside, and rows whose labels reach into it are purged. On the rest, \
         options are searched as tune_model does, if `space` is passed; the chosen ones are judged on the folds as \
         cross_validate does; and the model is fitted to all of the rest. The rows put aside are looked at once, by that \
         model.\n\n",
        folds_docs!(),
        "\n\nReturns one row: `model` (BLOB); `algorithm`, `parameters` (VARCHAR), the latter JSON text of every option; \
         `metric` (VARCHAR) that chose and judged; `cv_mean`, `cv_std` (DOUBLE; n - 1) of it over the folds; `in_sample`, on \
         the rows that trained the model, and `out_of_sample`, on those put aside (DOUBLE, NULL without them); \
         `train_rows`, `test_rows`, `purged_rows`, `rows_skipped` (BIGINT); `train_from`, `train_to`, `test_from`, \
         `test_to`, times; `metrics`, a list of STRUCT(metric VARCHAR, cv_mean, cv_std, in_sample, out_of_sample DOUBLE), one \
         of each metric that fits; `importance`, a list of STRUCT(feature VARCHAR, importance DOUBLE, share DOUBLE): the gain \
         of trees, standardised coefficients of linear models, empty of others (see feature_importance); `stability`, a list \
         of STRUCT(feature VARCHAR, psi, ks DOUBLE, status VARCHAR), how far the rows put aside have moved from those that \
         trained, thresholds 0.1 (warn) and 0.25 (drift) as of feature_stability; `trials`, a list with the columns of \
         tune_model, empty without a search; `status` (VARCHAR), what is remarkable about the fit. Keeps 8 bytes per value, \
         and again as many per fold.",
    ),
    example: "SELECT algorithm, round(cv_mean, 6) AS cv_rmse, round(out_of_sample, 6) AS rmse, train_rows, test_rows \
              FROM train_model('(SELECT i AS t, i % 7 AS a, i % 3 AS b, 2 * (i % 7) + (i % 3) + (i % 5) AS y \
              FROM range(200) r(i))', 'y', ['a', 'b'], 't', NULL, 'ols', NULL, NULL, 'tpe', NULL, 'rmse', 0.2, \
              'walk_forward', 3, 2, 1)",
};

impl Table for TrainModel {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let mut request = Request::of(call)?;
        if *call.literal("space") != Literal::Null {
            request = request.searching(call)?;
        }
        request.test_share = call.double("test_share", 0.0, 1.0)?;
        let sql = TrainingSql::of(call, AGGREGATE.name, &request)?;
        Ok(sql.timed(FIELDS))
    }
}

const METRIC_ROWS: &[(&str, Type)] = &[
    ("metric", Type::Text),
    ("cv_mean", Type::Double),
    ("cv_std", Type::Double),
    ("in_sample", Type::Double),
    ("out_of_sample", Type::Double),
];

const IMPORTANCE_ROWS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("importance", Type::Double),
    ("share", Type::Double),
];

const STABILITY_ROWS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("psi", Type::Double),
    ("ks", Type::Double),
    ("status", Type::Text),
];

const FIELDS: &[(&str, Type)] = &[
    ("model", Type::Blob),
    ("algorithm", Type::Text),
    ("parameters", Type::Text),
    ("metric", Type::Text),
    ("cv_mean", Type::Double),
    ("cv_std", Type::Double),
    ("in_sample", Type::Double),
    ("out_of_sample", Type::Double),
    ("train_rows", Type::Integer),
    ("test_rows", Type::Integer),
    ("purged_rows", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("train_from", Type::Integer),
    ("train_to", Type::Integer),
    ("test_from", Type::Integer),
    ("test_to", Type::Integer),
    ("metrics", Type::Rows(METRIC_ROWS)),
    ("importance", Type::Rows(IMPORTANCE_ROWS)),
    ("stability", Type::Rows(STABILITY_ROWS)),
    ("trials", Type::Rows(tune_model::FIELDS)),
    ("status", Type::Text),
];

static AGGREGATE: Signature = Signature {
    name: "lagrange_train_model",
    aliases: &[],
    category: Category::Internal,
    arguments: ROW_ARGUMENTS,
    options: ROW_OPTIONS,
    returns: Type::Rows(FIELDS),
    nulls: NULLS,
    docs: "The row of train_model, times as positions.\n\nKeeps 8 bytes per value, and again as many per fold.",
    example: "SELECT unnest(lagrange_train_model(2 * (i % 7), i + 1, i + 2, i, CAST(NULL AS DOUBLE), i, {'a': i % 7}, \
              {'request': '{\"model\": {\"algorithm\": \"ridge\"}, \"scheme\": \"walk_forward\", \
              \"folds\": 2, \"tested\": 1, \"embargo\": 0, \"models\": false, \"test_share\": 0.2}'}))['cv_mean'] AS cv_mean \
              FROM range(100) r(i)",
};

impl OverRows for Recipes {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, job: &Job) -> Result<Value> {
        Trained::of(job)?.value(&job.complete)
    }
}

/// A model and what is known of it.
struct Trained {
    model: Model,
    recipe: Recipe,
    /// The place of the metric among all.
    metric: usize,
    kept: RowFold,
    judged: Vec<Judged>,
    in_sample: Scores,
    /// None where nothing was put aside.
    out_of_sample: Option<Scores>,
    trials: Vec<Trial>,
}

impl Trained {
    fn of(job: &Job) -> Result<Self> {
        let Job {
            request, complete, ..
        } = job;
        let rows = &complete.rows;
        let kept = put_aside(request, rows).map_err(|message| Error::data(NAME, message))?;
        // Folds of the rows that are not put aside, by their numbers among all.
        let of = |positions: &[u32]| -> Vec<u32> {
            kept.train
                .iter()
                .map(|&row| positions[row as usize])
                .collect()
        };
        let mut folds = job.folds_of(&of(&rows.start), &of(&rows.stop))?;
        for fold in &mut folds {
            for row in fold.train.iter_mut().chain(&mut fold.test) {
                *row = kept.train[*row as usize];
            }
        }
        let mut recipe = job.recipe.clone();
        let mut found = Vec::new();
        if let Some(search) = &request.search {
            found = trials(NAME, job, search, &folds)?;
            if let (Some(best), _) = ranks(&found) {
                recipe = request.recipe(&found[best].parameters)?;
            }
        }
        let judged = judge(rows, &folds, &recipe, complete.skipped)?;
        let model =
            TrainingRows::new(rows, &kept.train, &recipe)?.fit(&recipe, complete.skipped)?;
        let metric = Metric::judging(NAME, request.metric(), model.classes())?;
        Ok(Self {
            in_sample: rows.scores(&model, &kept.train),
            out_of_sample: (!kept.test.is_empty()).then(|| rows.scores(&model, &kept.test)),
            model,
            recipe,
            metric,
            kept,
            judged,
            trials: found,
        })
    }

    /// The mean of a metric over the folds, and its deviation.
    fn over_folds(&self, metric: usize) -> (Option<f64>, Option<f64>) {
        let scores = self
            .judged
            .iter()
            .filter_map(|judged| judged.out_of_sample[metric]);
        mean_and_deviation(&scores.collect::<Vec<f64>>())
    }

    fn value(&self, complete: &Complete) -> Result<Value> {
        let rows = &complete.rows;
        let (mean, deviation) = self.over_folds(self.metric);
        let header = self.model.header();
        let text = |text: String| Column::Text(vec![Some(text)]);
        let double = |value: Option<f64>| Column::Double(vec![value]);
        let count = |count: u64| Column::Integer(vec![Some(count as i64)]);
        let nested = |value: Value| Column::Nested(vec![value]);
        let bound = |of: &[u32], most: bool| {
            let times = of.iter().map(|&row| i64::from(rows.start[row as usize]));
            Column::Integer(vec![if most { times.max() } else { times.min() }])
        };
        let (train, test) = (&self.kept.train, &self.kept.test);
        let used = (train.len() + test.len()) as u64;
        let trials = tune_model::columns(&self.trials, used, complete.skipped);
        let parameters = self.recipe.options.some_to_json(&self.recipe.recorded);
        Ok(Value::Rows(vec![
            Column::Blob(vec![Some(self.model.write()?)]),
            text(header.algorithm.clone()),
            text(parameters.to_string()),
            text(METRICS[self.metric].name.to_owned()),
            double(mean),
            double(deviation),
            double(self.in_sample[self.metric]),
            double(self.out_of_sample.and_then(|scores| scores[self.metric])),
            count(train.len() as u64),
            count(test.len() as u64),
            count(self.kept.purged),
            count(complete.skipped),
            bound(train, false),
            bound(train, true),
            bound(test, false),
            bound(test, true),
            nested(self.metrics()),
            nested(importance(&self.model)),
            nested(self.stability(rows)),
            nested(Value::Rows(trials)),
            text(header.status.clone()),
        ]))
    }

    /// A row per metric that says something.
    fn metrics(&self) -> Value {
        let known: Vec<usize> = (0..METRICS.len())
            .filter(|&i| self.in_sample[i].is_some() || self.over_folds(i).0.is_some())
            .collect();
        let of = |value: &dyn Fn(usize) -> Option<f64>| {
            Column::Double(known.iter().map(|&i| value(i)).collect())
        };
        Value::Rows(vec![
            texts(known.iter().map(|&i| METRICS[i].name)),
            of(&|i| self.over_folds(i).0),
            of(&|i| self.over_folds(i).1),
            of(&|i| self.in_sample[i]),
            of(&|i| self.out_of_sample.and_then(|scores| scores[i])),
        ])
    }

    /// How far each feature has moved since the training.
    fn stability(&self, rows: &Rows) -> Value {
        /// As of feature_stability.
        const BINS: usize = 10;
        const WARN: f64 = 0.1;
        const DRIFT: f64 = 0.25;
        if self.kept.test.is_empty() {
            return Value::Rows(vec![
                texts(std::iter::empty()),
                Column::Double(Vec::new()),
                Column::Double(Vec::new()),
                texts(std::iter::empty()),
            ]);
        }
        let mut sorter = Sorter::default();
        let mut sorted = |column: &[f64], of: &[u32]| {
            let chosen: Vec<f64> = of.iter().map(|&row| column[row as usize]).collect();
            sorter.sorted_values(&chosen)
        };
        let distances: Vec<Option<(f64, f64)>> = rows
            .columns
            .iter()
            .map(|column| {
                let Features::Numbers(column) = column else {
                    return None;
                };
                let baseline = Baseline::of(sorted(column, &self.kept.train), BINS);
                let distance = baseline.distance(&sorted(column, &self.kept.test))?;
                Some((distance.psi, distance.ks))
            })
            .collect();
        let status = |(column, distance): (&Features, &Option<(f64, f64)>)| match (column, distance) {
            (Features::Categories { .. }, _) => "not numeric",
            (_, None) => "no values",
            (_, Some((psi, _))) if *psi >= DRIFT => "drift",
            (_, Some((psi, _))) if *psi >= WARN => "warn",
            (_, Some(_)) => "ok",
        };
        Value::Rows(vec![
            texts(rows.names.iter().map(String::as_str)),
            Column::Double(
                distances
                    .iter()
                    .map(|distance| distance.map(|d| d.0))
                    .collect(),
            ),
            Column::Double(
                distances
                    .iter()
                    .map(|distance| distance.map(|d| d.1))
                    .collect(),
            ),
            texts(rows.columns.iter().zip(&distances).map(status)),
        ])
    }
}

/// The rows that train, and those that are put aside: none if the share is 0.
fn put_aside(request: &Request, rows: &Rows) -> std::result::Result<RowFold, String> {
    if request.test_share > 0.0 {
        let cut = Cut::Holdout {
            share: request.test_share,
        };
        let mut folds = cut.folds(&rows.start, &rows.stop, 0)?;
        return folds.pop().ok_or_else(|| "there is no row".to_owned());
    }
    Ok(RowFold {
        train: (0..rows.len() as u32).collect(),
        ..RowFold::default()
    })
}

/// What the model says of its features, the most important first.
fn importance(model: &Model) -> Value {
    let names = &model.header().features;
    let values = match model.body() {
        Body::Trees(trees) => trees.gains(names.len()),
        Body::Linear(linear) => {
            let coefficients = linear.coefficients.iter();
            coefficients
                .map(|coefficient| coefficient.standardized)
                .collect()
        }
        _ => Vec::new(),
    };
    let total: f64 = values.iter().map(|value| value.abs()).sum();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
    let of = |value: &dyn Fn(usize) -> Option<f64>| {
        Column::Double(
            order
                .iter()
                .map(|&i| value(i).filter(|v| v.is_finite()))
                .collect(),
        )
    };
    Value::Rows(vec![
        texts(order.iter().map(|&i| names[i].as_str())),
        of(&|i| Some(values[i])),
        of(&|i| (total > 0.0).then(|| values[i].abs() / total)),
    ])
}
