//! `cross_validate`.

use super::super::entity_order::{ORDER_BY, PARTITION_BY};
use super::super::feature_rows::{EXCLUDE, FEATURES};
use super::super::label_spans::{HORIZON, LABEL_END};
use super::gathered::{OverGathered, OverRows};
use super::job::Job;
use super::judged::{METRIC_FIELDS, counts, metric_columns, texts};
use super::request::Request;
use super::{
    ALGORITHM, EMBARGO, FOLDS, METRIC, NULLS, OPTIONS, ROW_ARGUMENTS, ROW_OPTIONS, SCHEME, TARGET,
    TBL, TESTED, TrainingSql, WEIGHT, folds_docs,
};
use crate::call::Call;
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::Result;
use crate::models::validation::judge;
use crate::models::validation::scores::{METRICS, Metric};
use crate::time::row_folds::RowFold;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct CrossValidate;

/// See the signature.
pub static CROSS_VALIDATE: OverGathered<Folds> = OverGathered(Folds);

/// See the signature.
pub struct Folds;

const NAME: &str = "cross_validate";

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
        METRIC,
        SCHEME,
        FOLDS,
        TESTED,
        HORIZON,
        LABEL_END,
        EMBARGO,
        WEIGHT,
        Argument::optional(
            "models",
            Kind::Flag,
            "false",
            "whether the model of each fold is returned",
        ),
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: NULLS,
    docs: concat!(
        "Fits a model per fold and judges it on rows that it has not seen.\n\n",
        folds_docs!(),
        "\n\nReturns one row per fold: `fold` (BIGINT); `train_rows`, `test_rows`, `purged_rows`, `embargoed_rows`, \
         `rows_skipped` (BIGINT; the last is the same in each); `train_from`, `train_to`, `test_from`, `test_to`, the \
         first and last times of the rows that train and that are tested; `metric` (VARCHAR), `in_sample`, \
         `out_of_sample` (DOUBLE): that metric on the fold's training and test rows, whose gap shows overfitting; every \
         other metric on the test rows under its own name (rmse, mae, r2, ic, rank_ic, hit_rate, log_loss, auc, pr_auc, \
         brier, accuracy, f1, mcc; NULL where it does not fit the task or is undefined), as the aggregates of these names \
         define them over all rows of the fold, of two classes the upper one being what is looked for; `model` (BLOB, \
         NULL unless `models`) and `status` (VARCHAR), what is remarkable about its fit. Keeps 8 bytes per value, twice \
         while a fold trains.",
    ),
    example: "SELECT fold, train_rows, purged_rows, test_rows, round(out_of_sample, 6) AS rmse FROM cross_validate(\
              '(SELECT i AS t, i % 7 AS a, i % 3 AS b, 2 * (i % 7) + (i % 3) + (i % 5) AS y FROM range(200) r(i))', \
              'y', ['a', 'b'], 't', NULL, 'ols', NULL, NULL, 'walk_forward', 3, 2, 1) ORDER BY fold",
};

impl Table for CrossValidate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let mut request = Request::of(call)?;
        request.models = call.flag("models")?;
        let sql = TrainingSql::of(call, AGGREGATE.name, &request)?;
        Ok(sql.timed(FIELDS))
    }
}

const FIELDS: &[(&str, Type)] = &{
    let [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = METRIC_FIELDS;
    [
        ("fold", Type::Integer),
        ("train_rows", Type::Integer),
        ("test_rows", Type::Integer),
        ("purged_rows", Type::Integer),
        ("embargoed_rows", Type::Integer),
        ("rows_skipped", Type::Integer),
        ("train_from", Type::Integer),
        ("train_to", Type::Integer),
        ("test_from", Type::Integer),
        ("test_to", Type::Integer),
        ("metric", Type::Text),
        ("in_sample", Type::Double),
        ("out_of_sample", Type::Double),
        m0,
        m1,
        m2,
        m3,
        m4,
        m5,
        m6,
        m7,
        m8,
        m9,
        m10,
        m11,
        m12,
        ("model", Type::Blob),
        ("status", Type::Text),
    ]
};

static AGGREGATE: Signature = Signature {
    name: "lagrange_cross_validate",
    aliases: &[],
    category: Category::Internal,
    arguments: ROW_ARGUMENTS,
    options: ROW_OPTIONS,
    returns: Type::Rows(FIELDS),
    nulls: NULLS,
    docs: "The rows of cross_validate, times as positions.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_cross_validate(2 * (i % 7), i + 1, i + 2, i, CAST(NULL AS DOUBLE), i, {'a': i % 7}, \
              {'request': '{\"model\": {\"algorithm\": \"ridge\"}, \"scheme\": \"walk_forward\", \
              \"folds\": 2, \"tested\": 1, \"embargo\": 0, \"models\": false, \"test_share\": 0}'})) AS row \
              FROM range(100) r(i)",
};

impl OverRows for Folds {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, job: &Job) -> Result<Value> {
        let folds = job.folds()?;
        let Job {
            request,
            recipe,
            complete,
            ..
        } = job;
        let rows = &complete.rows;
        let judged = judge(rows, &folds, recipe, complete.skipped)?;
        let metric = match judged.first() {
            Some(judged) => Metric::judging(NAME, request.metric(), judged.model.classes())?,
            None => 0,
        };
        let bound = |of: fn(&RowFold) -> &Vec<u32>, most: bool| {
            let bounds = folds.iter().map(|fold| {
                let times = of(fold)
                    .iter()
                    .map(|&row| i64::from(rows.start[row as usize]));
                if most { times.max() } else { times.min() }
            });
            Column::Integer(bounds.collect())
        };
        let count = |of: fn(&RowFold) -> u64| counts(folds.iter().map(of));
        let models = judged.iter().map(|judged| match request.models {
            true => judged.model.write().map(Some),
            false => Ok(None),
        });
        let mut columns = vec![
            counts(1..=folds.len() as u64),
            count(|fold| fold.train.len() as u64),
            count(|fold| fold.test.len() as u64),
            count(|fold| fold.purged),
            count(|fold| fold.embargoed),
            counts(folds.iter().map(|_| complete.skipped)),
            bound(|fold| &fold.train, false),
            bound(|fold| &fold.train, true),
            bound(|fold| &fold.test, false),
            bound(|fold| &fold.test, true),
            texts(folds.iter().map(|_| METRICS[metric].name)),
            Column::Double(
                judged
                    .iter()
                    .map(|judged| judged.in_sample[metric])
                    .collect(),
            ),
            Column::Double(
                judged
                    .iter()
                    .map(|judged| judged.out_of_sample[metric])
                    .collect(),
            ),
        ];
        columns.extend(metric_columns(
            judged.iter().map(|judged| &judged.out_of_sample),
        ));
        columns.push(Column::Blob(models.collect::<Result<_>>()?));
        columns.push(texts(
            judged
                .iter()
                .map(|judged| judged.model.header().status.as_str()),
        ));
        Ok(Value::Rows(columns))
    }
}
