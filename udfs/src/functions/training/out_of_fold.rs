//! `out_of_fold`.

use super::super::entity_order::{ORDER_BY, PARTITION_BY};
use super::super::feature_rows::{EXCLUDE, FEATURES};
use super::super::label_spans::{HORIZON, LABEL_END};
use super::gathered::{OverGathered, OverRows};
use super::job::Job;
use super::request::Request;
use super::{
    ALGORITHM, EMBARGO, FOLDS, NULLS, OPTIONS, ROW_ARGUMENTS, ROW_OPTIONS, SCHEME, TARGET, TBL,
    TESTED, TrainingSql, WEIGHT, folds_docs,
};
use crate::call::{Call, quote_name};
use crate::definition::{Category, Signature, Table};
use crate::error::Result;
use crate::models::validation::TrainingRows;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct OutOfFold;

/// See the signature.
pub static OUT_OF_FOLD: OverGathered<Predicted> = OverGathered(Predicted);

/// See the signature.
pub struct Predicted;

const NAME: &str = "out_of_fold";

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &["cross_val_predict"],
    category: Category::Training,
    arguments: &[
        TBL,
        TARGET,
        FEATURES,
        ORDER_BY,
        PARTITION_BY,
        ALGORITHM,
        OPTIONS,
        SCHEME,
        FOLDS,
        TESTED,
        HORIZON,
        LABEL_END,
        EMBARGO,
        WEIGHT,
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: NULLS,
    docs: concat!(
        "Predictions of rows by models that have not seen them, fold by fold.\n\n",
        folds_docs!(),
        "\n\nReturns one row per fold and row that is tested in it: the columns of `partition_by` and `order_by`; `fold` \
         (BIGINT); `path` (BIGINT), the backtest path of cpcv that the row is part of there, 1 with other schemes: the \
         rows of one path are each predicted once; `actual` and `prediction` (DOUBLE), the target and what the fold's \
         model says of it; `probability` (DOUBLE), of two classes that of the upper one, else NULL. The folds are those of \
         cross_validate with the same arguments. Feed it to the metrics, quantile_returns or a model of models. Keeps 8 \
         bytes per value, twice while a fold trains.",
    ),
    example: "SELECT t, fold, actual, round(prediction, 6) AS prediction FROM out_of_fold(\
              '(SELECT i AS t, i % 5 AS a, 3 * (i % 5) + 1 AS y FROM range(12) r(i))', 'y', 'a', 't', NULL, 'ols', NULL, \
              'walk_forward', 2, 2, 1) ORDER BY t",
};

impl Table for OutOfFold {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let request = Request::of_fit(call)?;
        let sql = TrainingSql::of(call, AGGREGATE.name, &request)?;
        let partition = call.columns("partition_by")?.unwrap_or_default();
        let keys = partition
            .iter()
            .enumerate()
            .map(|(i, name)| format!("lagrange_entity_{} AS {}", i + 1, quote_name(name)));
        let time = format!("lagrange_time AS {}", sql.time);
        let keys: Vec<String> = keys.chain([time]).collect();
        Ok(format!(
            "{}, lagrange_found AS ({}) \
             SELECT {}, lagrange_found.fold, lagrange_found.path, CAST(lagrange_target AS DOUBLE) AS actual, \
             lagrange_found.prediction, lagrange_found.probability \
             FROM lagrange_found JOIN lagrange_ordered ON lagrange_found.place = lagrange_position",
            sql.with,
            sql.unnested(FIELDS),
            keys.join(", "),
        ))
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("place", Type::Integer),
    ("fold", Type::Integer),
    ("path", Type::Integer),
    ("prediction", Type::Double),
    ("probability", Type::Double),
];

static AGGREGATE: Signature = Signature {
    name: "lagrange_out_of_fold",
    aliases: &[],
    category: Category::Internal,
    arguments: ROW_ARGUMENTS,
    options: ROW_OPTIONS,
    returns: Type::Rows(FIELDS),
    nulls: NULLS,
    docs: "The rows of out_of_fold, by their places.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_out_of_fold(2 * (i % 7), i + 1, i + 2, i, CAST(NULL AS DOUBLE), i, {'a': i % 7}, \
              {'request': '{\"model\": {\"algorithm\": \"ridge\"}, \"scheme\": \"walk_forward\", \
              \"folds\": 2, \"tested\": 1, \"embargo\": 0, \"models\": false, \"test_share\": 0}'})) AS row \
              FROM range(9) r(i)",
};

impl OverRows for Predicted {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, job: &Job) -> Result<Value> {
        let folds = job.folds()?;
        let Job {
            recipe, complete, ..
        } = job;
        let rows = &complete.rows;
        let (mut places, mut numbers, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        let (mut predictions, mut probabilities) = (Vec::new(), Vec::new());
        for (i, fold) in folds.iter().enumerate() {
            let model =
                TrainingRows::new(rows, &fold.train, recipe)?.fit(recipe, complete.skipped)?;
            let found = rows.predict(&model, &fold.test);
            let classes = model.classes().len();
            for (place, &row) in fold.test.iter().enumerate() {
                places.push(Some(complete.positions[row as usize]));
                numbers.push(Some(i as i64 + 1));
                paths.push(Some(i64::from(fold.paths[place])));
                predictions.push(Some(found.values[place]));
                let probability = || found.score(place, classes);
                let has = classes == 2 && found.probabilities.is_some();
                probabilities.push(has.then(probability));
            }
        }
        Ok(Value::Rows(vec![
            Column::Integer(places),
            Column::Integer(numbers),
            Column::Integer(paths),
            Column::Double(predictions),
            Column::Double(probabilities),
        ]))
    }
}
