//! `cross_validate`, `out_of_fold`, `tune_model` and `train_model`: what they
//! share. Each is a table function here and an aggregate that sees all rows.

pub mod cross_validate;
mod gathered;
mod job;
mod judged;
pub mod out_of_fold;
mod request;
mod rows;
pub mod train_model;
pub mod tune_model;

use super::feature_rows::FeatureRows;
use super::gather::NON_NUMERIC;
use super::label_spans::LabelSpans;
use crate::call::{Call, quote_name, quote_text};
use crate::definition::{Accepts, Argument, Kind, OptionKey};
use crate::error::{Error, Result};
use crate::value::Type;

use self::request::Request;

const TBL: Argument = Argument::required("tbl", Kind::Relation, "the rows, in any order");
const TARGET: Argument = Argument::required("target", Kind::ColumnName, "what the models predict");
const ALGORITHM: Argument = Argument::optional(
    "algorithm",
    Kind::Text,
    "'ridge'",
    "as of fit, such as ols, ridge, gbdt, random_forest",
);
const OPTIONS: Argument = Argument::optional(
    "options",
    Kind::Options,
    "NULL",
    "of the algorithm, as of fit: {'alpha': 10.0} or {'trees': 200, 'max_leaves': 15}",
);
const METRIC: Argument = Argument::optional(
    "metric",
    Kind::Text,
    "NULL",
    "rmse, mae, r2, ic, rank_ic, hit_rate of numbers; log_loss, accuracy of classes, of two also auc, pr_auc, brier, f1, \
     mcc; NULL: rmse or log_loss",
);
const SCHEME: Argument = Argument::optional(
    "scheme",
    Kind::Text,
    "'walk_forward'",
    "walk_forward: each fold trains on what lies before it; purged_kfold: on what lies before and after it; cpcv: each \
     choice of `tested` of `folds` segments is tested on a model of the others",
);
const FOLDS: Argument = Argument::optional(
    "folds",
    Kind::Integer,
    "5",
    "how many segments of time are tested, at least 1 (purged_kfold: 2); of cpcv how many there are, at least 2",
);
const TESTED: Argument = Argument::optional(
    "tested",
    Kind::Integer,
    "2",
    "of cpcv: how many segments a fold tests, at least 1",
);
const EMBARGO: Argument = Argument::optional(
    "embargo",
    Kind::Integer,
    "0",
    "distinct times after a test segment and its labels that do not train either, at least 0",
);
const WEIGHT: Argument = Argument::optional(
    "weight",
    Kind::ColumnName,
    "NULL",
    "how much a row counts in training, from 0 up; NULL counts as 1",
);
const SEED: Argument = Argument::optional(
    "seed",
    Kind::Integer,
    "42",
    "of what is drawn at random, at least 0",
);

/// What the docs of all four say of folds.
macro_rules! folds_docs {
    () => {
        "Time is cut at distinct times, so rows of one time stay together whatever their entity, and no training label \
         overlaps a label that is tested (López de Prado, Advances in Financial Machine Learning, 2018, section 7.4). \
         Where labels end is said by `horizon`, `label_end`, or the columns `target_time` and `target_end` that \
         shift_target and prepare_training_data write; without any of them it is an error. So is a fold without training \
         or test rows.\n\nA text column that `features` names is a feature where the algorithm takes categories (gbdt, \
         random_forest, extra_trees); models record from when to when the rows that trained them are, and algorithms that \
         need times (objective lambdarank, folds of lasso) are given those of `order_by`, which are dates, timestamps or \
         numbers."
    };
}
use folds_docs;

/// What they say of missing values.
const NULLS: &str = "Rows whose target or label end is NULL or NaN are left out of all folds and counted as skipped, as \
    are rows in which a feature is missing, unless the algorithm takes that (gbdt, random_forest, extra_trees), and rows \
    of weight 0. Infinity is an error that names the feature.";

/// The arguments of their aggregates.
const ROW_ARGUMENTS: &[Argument] = &[
    Argument::required("target", Kind::Number, "what the models predict"),
    Argument::required(
        "start",
        Kind::Number,
        "the position of the row's time among the distinct times, from 1",
    ),
    Argument::required(
        "stop",
        Kind::Number,
        "how many distinct times are not after the end of its label; 0: not known",
    ),
    Argument::required("position", Kind::Number, "the row's place, unique"),
    Argument::required("weight", Kind::Number, "how much it counts; NULL: 1"),
    Argument::required("time", Kind::Moment, "when it is"),
    Argument::required("features", Kind::Features, "what they predict it from"),
    Argument::optional("options", Kind::Options, "NULL", "see the options"),
];

/// Their options.
const ROW_OPTIONS: &[OptionKey] = &[
    OptionKey {
        name: "request",
        accepts: Accepts::Text,
        default: "\"{}\"",
        docs: "JSON text of the call",
    },
    NON_NUMERIC,
];

/// The SQL of a call.
struct TrainingSql {
    /// Common table expressions: `lagrange_times` has the time of each position,
    /// `lagrange_rows` the rows.
    with: String,
    /// The call of the aggregate over `lagrange_ordered AS lagrange_rows`.
    aggregate: String,
    /// The time column, quoted.
    time: String,
}

impl TrainingSql {
    fn of(call: &Call<'_>, aggregate: &str, request: &Request) -> Result<Self> {
        let target = call.column("target")?.unwrap_or_default();
        if let Some(features) = call.patterns("features")?
            && features.contains(&target)
        {
            let fix = "it is the target; leave it out";
            let given = quote_text(&target);
            return Err(Error::argument(call.function(), "features", given, fix));
        }
        let weight = call.column("weight")?;
        let mut others = vec![target.clone()];
        for argument in ["order_by", "partition_by", "label_end"] {
            others.extend(call.columns(argument)?.unwrap_or_default());
        }
        others.extend(weight.clone());
        let features = FeatureRows::of_model(call, &others)?;
        let spans = LabelSpans::of(call, true)?.unique();
        let entities: Vec<String> = (1..=spans.order.partition.len())
            .map(|i| format!("lagrange_entity_{i}"))
            .collect();
        let weight = weight.map_or("CAST(NULL AS DOUBLE)".to_owned(), |name| quote_name(&name));
        let mut kept: Vec<String> = features.columns().map(str::to_owned).into_iter().collect();
        kept.push(format!("{} AS lagrange_target", quote_name(&target)));
        kept.push(format!("{weight} AS lagrange_weight"));
        let partition = spans.order.partition.iter().zip(&entities);
        kept.extend(partition.map(|(column, name)| format!("{column} AS {name}")));
        let positions = spans.positions(call, &kept, None, "NULL");
        // A row's number is its place in time, then by entity.
        let place: Vec<&str> = std::iter::once("lagrange_start")
            .chain(entities.iter().map(String::as_str))
            .collect();
        let request = serde_json::to_string(request)
            .map_err(|error| Error::internal(call.function(), error.to_string()))?;
        Ok(Self {
            with: format!(
                "WITH {positions}, lagrange_ordered AS (\
                 SELECT *, row_number() OVER (ORDER BY {}) AS lagrange_position FROM lagrange_positions)",
                place.join(", ")
            ),
            aggregate: format!(
                "{aggregate}(lagrange_target, lagrange_start, lagrange_stop, lagrange_position, lagrange_weight, lagrange_time, {}, \
                 {{'request': {}, 'non_numeric': '{}'}})",
                features.features,
                quote_text(&request),
                features.non_numeric,
            ),
            time: spans.order.order[0].clone(),
        })
    }

    /// A query of the aggregate's rows, as its fields are called.
    fn unnested(&self, fields: &[(&str, Type)]) -> String {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        super::feature_rows::unnested(&names, &self.aggregate, "lagrange_ordered AS lagrange_rows")
    }

    /// The whole query, the [`BOUNDS`] among the fields being times.
    fn timed(&self, fields: &[(&str, Type)]) -> String {
        let items: Vec<String> = fields
            .iter()
            .map(|(name, _)| match BOUNDS.contains(name) {
                true => format!("lagrange_{name}.lagrange_time AS {name}"),
                false => format!("lagrange_found.{name}"),
            })
            .collect();
        let joins = BOUNDS.map(|name| {
            format!(
                " LEFT JOIN lagrange_times AS lagrange_{name} \
                 ON lagrange_found.{name} = lagrange_{name}.lagrange_position"
            )
        });
        format!(
            "{}, lagrange_found AS ({}) SELECT {} FROM lagrange_found{}",
            self.with,
            self.unnested(fields),
            items.join(", "),
            joins.concat(),
        )
    }
}

/// Fields that are positions in an aggregate and times in a table.
const BOUNDS: [&str; 4] = ["train_from", "train_to", "test_from", "test_to"];
