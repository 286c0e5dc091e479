//! `evaluate_model` and the aggregate behind it.

use super::dates::{DATE, Uniqueness, dated};
use super::feature_correlation::struct_of;
use super::feature_rows::unnested;
use super::gather::numbers::{GatherNumbers, OverNumbers};
use crate::call::{Call, Literal, Target, quote_name, relation_sql};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::evaluation::{
    LOSSES, Measured, OF_DATES, Task, binary, multiclass, regression,
};
use crate::value::{Column, Type, Value};

/// The name, for the messages of the kernels too.
pub const NAME: &str = "evaluate_model";
const AGGREGATE: &str = "lagrange_evaluate";

/// Every metric that there is.
const METRICS: &[&str] = &[
    "rmse",
    "mae",
    "r2",
    "hit_rate",
    "ic",
    "rank_ic",
    "icir",
    "rank_icir",
    "log_loss",
    "auc",
    "pr_auc",
    "brier",
    "accuracy",
    "f1",
    "mcc",
];

/// See the signature.
pub struct EvaluateModel;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required(
            "tbl",
            Kind::Relation,
            "rows that the model has not seen, with its features as columns; others are ignored",
        ),
        Argument::required(
            "model",
            Kind::Relation,
            "a relation of one row whose column `model` is the model",
        ),
        Argument::required(
            "actual",
            Kind::ColumnName,
            "what happened, in the unit of the model's target",
        ),
        Argument::optional(
            "metrics",
            Kind::Texts,
            "NULL",
            "the metrics, by name; NULL: all that fit the model",
        ),
        Argument::optional(
            "order_by",
            Kind::ColumnName,
            "NULL",
            "the time: `ic` and `rank_ic` become means over times, across rows; NULL: over all rows at once",
        ),
        Argument::optional(
            "partition_by",
            Kind::ColumnNames,
            "NULL",
            "with order_by: the entity, such as the symbol, of which a time has one row; NULL: that is not checked",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row whose actual value is NULL or NaN, or that the model cannot predict because a feature is missing that it \
            cannot do without, is counted in `rows_skipped`. Infinity is an error. A relation without rows gives no rows.",
    docs: "How good a model is on rows that it has not seen: one row per metric.\n\n\
           Returns `task` (VARCHAR: regression, binary or multiclass, as the model was fitted), `metric` (VARCHAR), `value` \
           (DOUBLE), `higher_is_better` (BOOLEAN), `rows_used`, `rows_skipped` (BIGINT) and `status` (VARCHAR: ok, or why \
           there is no value). The metrics are those of the aggregates of the same names:\n\
           - regression: rmse, mae, r2, hit_rate, ic, rank_ic; with `order_by` also icir and rank_icir, the mean over times \
           by the standard deviation (n - 1), not annualised. A time with fewer than 3 rows, or a constant side, has no \
           coefficient (see information_coefficient);\n\
           - binary: log_loss, auc, pr_auc, brier, of the probability of the larger class; accuracy, f1 (of the larger class) \
           and mcc, of the more probable class. Without probabilities (svc) the first four are NULL;\n\
           - multiclass: log_loss, accuracy, f1 (mean of that of each class, scikit-learn's macro) and mcc.\n\n\
           An unknown metric is an error, as is one that does not fit the model, and an actual class that the model does not \
           know. Rows that trained the model flatter it: pass those after its training, purged by the horizon. Keeps 40 bytes per \
           row.",
    example: "SELECT metric, round(value, 6) AS value, rows_used, status FROM evaluate_model(\
              '(SELECT i AS x, 2.0 * i + i % 3 AS y FROM range(20, 30) r(i))', \
              '(SELECT fit(2.0 * i + i % 3, {''x'': i}) AS model FROM range(20) r(i))', 'y') ORDER BY metric",
};

impl Table for EvaluateModel {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let model = call.text("model")?.and_then(relation_sql);
        let model = model.ok_or_else(|| {
            let fix = "pass the name of a table, view or CTE with a column model, or a query in parentheses";
            Error::argument(NAME, "model", call.literal("model"), fix)
        })?;
        let actual = call
            .column("actual")?
            .ok_or_else(|| Error::argument(NAME, "actual", "NULL", "pass a column name"))?;
        let metrics = call.choices("metrics", METRICS)?.unwrap_or_default();
        let by_date = *call.literal("order_by") != Literal::Null;
        if let (false, Some(metric)) = (by_date, metrics.iter().find(|m| OF_DATES.contains(m))) {
            let fix = format!("{metric} is a ratio over times: pass order_by, or leave it out");
            return Err(Error::argument(NAME, "metrics", metric, fix));
        }
        if !by_date && *call.literal("partition_by") != Literal::Null {
            return Err(Error::argument(
                NAME,
                "order_by",
                "NULL",
                "pass the time column, of which an entity has one row",
            ));
        }
        let features = match call.target() {
            // A row is a struct.
            Target::DuckDb => "lagrange_rows".to_owned(),
            Target::DataFusion(columns) => {
                let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
                struct_of(&names)
            }
        };
        let (rows, date) = if by_date {
            (dated(call, "*", Uniqueness::CrossSection)?, DATE)
        } else {
            let all = format!("SELECT * FROM {}", call.relation()?);
            (all, "CAST(NULL AS DOUBLE)")
        };
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        // The model is a scalar subquery: what is joined, DataFusion copies to every row.
        Ok(unnested(
            &fields,
            &format!(
                "{AGGREGATE}(lagrange_date, lagrange_assessed['actual'], lagrange_assessed['predicted'], \
                 lagrange_assessed['probability'], lagrange_assessed['classes'], \
                 {{'metrics': '{}', 'by_date': {by_date}}})",
                metrics.join(",")
            ),
            &format!(
                "(SELECT {date} AS lagrange_date, lagrange_assess((SELECT model FROM {model}), {features}, {}) \
                 AS lagrange_assessed FROM ({rows}) AS lagrange_rows) AS lagrange_all",
                quote_name(&actual)
            ),
        ))
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("task", Type::Text),
    ("metric", Type::Text),
    ("value", Type::Double),
    ("higher_is_better", Type::Boolean),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("status", Type::Text),
];

/// See the signature.
pub static EVALUATE: GatherNumbers<Evaluate> = GatherNumbers(Evaluate);

/// What is made of the rows.
pub struct Evaluate;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required(
            "date",
            Kind::Number,
            "a number that grows with time, or NULL",
        ),
        Argument::required("actual", Kind::Number, "what happened, see lagrange_assess"),
        Argument::required("predicted", Kind::Number, "what was predicted"),
        Argument::required("probability", Kind::Number, "what was given to it"),
        Argument::required("classes", Kind::Number, "how many classes the model knows"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "metrics",
            accepts: Accepts::Text,
            default: "\"\"",
            docs: "the metrics, with commas between; none: all that fit",
        },
        OptionKey {
            name: "by_date",
            accepts: Accepts::Flag,
            default: "false",
            docs: "whether coefficients are means over dates",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See evaluate_model. No row: NULL.",
    docs: "The rows of evaluate_model.\n\nKeeps 40 bytes per row.",
    example: "SELECT unnest(lagrange_evaluate(NULL, i, i + 1, NULL, 0)) AS row FROM range(5) r(i)",
};

impl OverNumbers for Evaluate {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value> {
        let [dates, actual, predicted, probability, classes] = columns else {
            return Err(Error::internal(NAME, "five numbers were expected"));
        };
        let Some(&count) = classes.first().filter(|count| !count.is_nan()) else {
            return Err(Error::argument(
                NAME,
                "model",
                "NULL",
                "pass a relation of one row whose column `model` is what fit returned",
            ));
        };
        let complete: Vec<usize> = (0..actual.len())
            .filter(|&row| !actual[row].is_nan() && !predicted[row].is_nan())
            .collect();
        let of = |column: &[f64]| -> Vec<f64> { complete.iter().map(|&row| column[row]).collect() };
        let (actual, predicted) = (of(actual), of(predicted));
        let by_date = options.flag("by_date");
        let task = Task::of(count as usize);
        let all = match task {
            Task::Regression => {
                let dates = by_date.then(|| of(dates));
                regression(&actual, &predicted, dates.as_deref())
            }
            Task::Binary => binary(&actual, &predicted, &of(probability)),
            Task::Multiclass => multiclass(&actual, &predicted, &of(probability)),
        };
        let chosen = chosen(task, all, options.text("metrics"), by_date)?;
        let rows = chosen.len();
        let whole = |count: usize| Column::Integer(vec![Some(count as i64); rows]);
        Ok(Value::Rows(vec![
            Column::Text(vec![Some(task.name().to_owned()); rows]),
            Column::Text(chosen.iter().map(|m| Some(m.metric.to_owned())).collect()),
            Column::Double(chosen.iter().map(|m| m.value).collect()),
            Column::Boolean(
                chosen
                    .iter()
                    .map(|m| Some(!LOSSES.contains(&m.metric)))
                    .collect(),
            ),
            whole(complete.len()),
            whole(columns[0].len() - complete.len()),
            Column::Text(chosen.into_iter().map(|m| Some(m.status)).collect()),
        ]))
    }
}

/// The metrics that were asked for, in that order.
fn chosen(task: Task, all: Vec<Measured>, wanted: &str, by_date: bool) -> Result<Vec<Measured>> {
    let of_dates = |metric: &str| OF_DATES.contains(&metric);
    if wanted.is_empty() {
        let fitting = all.into_iter().filter(|m| by_date || !of_dates(m.metric));
        return Ok(fitting.collect());
    }
    let find = |name: &str| {
        let found = all.iter().find(|measured| measured.metric == name);
        found.cloned().ok_or_else(|| {
            let what = match task {
                Task::Regression => "predicts numbers",
                Task::Binary => "tells two classes apart",
                Task::Multiclass => "tells several classes apart",
            };
            let fix = format!("the model {what}, which {} fit", task.metrics().join(", "));
            Error::argument(NAME, "metrics", format!("'{name}'"), fix)
        })
    };
    wanted.split(',').map(find).collect()
}
