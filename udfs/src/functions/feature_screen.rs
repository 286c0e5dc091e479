//! `feature_screen`.

mod columns;
mod verdicts;

use super::entity_order::{EntityOrder, PARTITION_BY};
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::value::{Type, Value};

const NAME: &str = "feature_screen";
const AGGREGATE: &str = "lagrange_feature_screen";

/// See the signature.
pub struct FeatureScreen;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required("target", Kind::ColumnName, "what the features are to tell"),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "order_by",
            Kind::ColumnNames,
            "NULL",
            "the time, unique within an entity; needed for a coefficient per date and for `train_end`",
        ),
        PARTITION_BY,
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "rows that the target looks ahead; rows whose label ends after `train_end` are left out",
        ),
        Argument::optional(
            "train_end",
            Kind::Time,
            "NULL",
            "the last time that training may know: everything is computed from rows whose label ends by then; NULL: all rows",
        ),
        Argument::optional(
            "max_missing",
            Kind::Double,
            "0.35",
            "the share of missing values above which a feature is not selected",
        ),
        Argument::optional(
            "max_correlation",
            Kind::Double,
            "0.8",
            "|r| above which features are of one cluster",
        ),
        Argument::optional(
            "level",
            Kind::Double,
            "0.05",
            "the q-value above which a feature is not selected",
        ),
        Argument::optional(
            "fdr",
            Kind::Text,
            "'by'",
            "how p-values become q-values: by (Benjamini-Yekutieli), bh (Benjamini-Hochberg)",
        ),
        Argument::optional(
            "bins",
            Kind::Integer,
            "10",
            "equal-frequency bins of the mutual information, 2 to 255",
        ),
        Argument::optional(
            "outlier_deviations",
            Kind::Double,
            "4.0",
            "standard deviations from the mean beyond which a value counts as an outlier",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing: counted, and left out pairwise. Infinity is an error. A row without a target counts \
            in `n`, `missing_share` and the like, not where the target is needed. A statistic that is not defined is NULL.",
    docs: "One row per feature: what it holds, what it tells, what it repeats, and whether to use it.\n\n\
           The features are the columns chosen by `features` and `exclude`. Returns, in this order:\n\
           - `feature` (VARCHAR); `base_feature` (VARCHAR) and `lag` (BIGINT), read from the name: `x_lag3` is x, 3; without \
           a suffix the feature itself and 0; `is_pattern` (BOOLEAN): a `base_w` column. Patterns are what targets are \
           made of: they are reported, never selected, and in no cluster;\n\
           - `n` (BIGINT) values, `missing_share`, `distinct_values` (BIGINT), `variance` (n - 1), `zero_share` and \
           `outlier_share` of the values;\n\
           - `ic`, `rank_ic`: Pearson's and Spearman's correlation with the target; with `order_by` and `partition_by` the \
           mean over dates, across entities, and `icir` the mean of the rank coefficients by their standard deviation \
           (see information_coefficient); otherwise over all rows, without an `icir`;\n\
           - `mutual_information` (nats): of equal-frequency bins, plug-in;\n\
           - `test`, `p_value`, `q_value`: see relevance_tests. Rows count as independent, which overlapping labels are not: \
           read them as an order, not as odds;\n\
           - `vif`: the variance inflation factor among the features that are no patterns and vary, from \
           pairwise-complete correlations; NULL where features are collinear;\n\
           - `cluster` (BIGINT, from 1), `representative` (VARCHAR): features by falling |rank_ic| gather those whose |r| \
           with them is above `max_correlation` (see correlation_clusters);\n\
           - `selected` (BOOLEAN), `reason` (VARCHAR): the first rule that a feature fails: a pattern, no values, too much \
           missing, constant, irrelevant (q above `level`), or a repetition of its representative; otherwise `selected`.\n\n\
           Keeps 8 bytes per value. Two rows of an entity at one time are an error, as is a NULL in `order_by`.",
    example: "SELECT feature, selected, reason FROM feature_screen(\
              '(SELECT i AS ts, (i * 7) % 11 AS a, (i * 7) % 11 + 0.001 * (i % 2) AS a_lag1, (i * 3) % 13 AS b, 1 AS c, \
              2 * ((i * 7) % 11) + (i * 5) % 17 AS y FROM range(200) r(i))', \
              'y', NULL, NULL, 'ts') ORDER BY feature",
};

impl Table for FeatureScreen {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let target = call
            .column("target")?
            .ok_or_else(|| Error::argument(NAME, "target", "NULL", "pass a column name"))?;
        let horizon = call.integer("horizon", 1)?;
        let train_end = call.time("train_end")?;
        let max_missing = call.double("max_missing", 0.0, 1.0)?;
        let max_correlation = call.double("max_correlation", 0.0, 1.0)?;
        let level = call.double("level", 0.0, 1.0)?;
        let fdr = call.choice("fdr", &["by", "bh"])?;
        let bins = call.integer("bins", 2)?;
        let outlier_deviations = call.double("outlier_deviations", 0.0, 1e9)?;
        let mut others = vec![target.clone()];
        for keys in ["order_by", "partition_by"] {
            others.extend(call.columns(keys)?.unwrap_or_default());
        }
        let rows = FeatureRows::of(call, &others)?;
        let order = call
            .columns("order_by")?
            .map(|_| EntityOrder::of(call))
            .transpose()?;
        let by_date = order
            .as_ref()
            .is_some_and(|order| !order.partition.is_empty());
        let (date, entity, tail) = match &order {
            Some(order) => {
                let time = order.order.join(", ");
                let entity = match order.partition.as_slice() {
                    [] => "1".to_owned(),
                    partition => format!("dense_rank() OVER (ORDER BY {})", partition.join(", ")),
                };
                let mut tail = format!("QUALIFY {}", order.check(call));
                if let Some(end) = &train_end {
                    let [time] = order.order.as_slice() else {
                        return Err(Error::argument(
                            NAME,
                            "order_by",
                            call.literal("order_by"),
                            "pass one time column with train_end",
                        ));
                    };
                    tail = format!(
                        "{tail} AND lead({time}, {horizon}) OVER ({}) <= {end}",
                        order.window()
                    );
                }
                (format!("dense_rank() OVER (ORDER BY {time})"), entity, tail)
            }
            None if train_end.is_some() => {
                return Err(Error::argument(
                    NAME,
                    "order_by",
                    "NULL",
                    "pass the time column that train_end is compared with",
                ));
            }
            None => ("1".to_owned(), "1".to_owned(), String::new()),
        };
        let target = quote_name(&target);
        let beside = [
            (target.as_str(), "lagrange_target"),
            (date.as_str(), "lagrange_date"),
            (entity.as_str(), "lagrange_entity"),
        ];
        let aggregate = format!(
            "{AGGREGATE}(lagrange_target, lagrange_date, lagrange_entity, {}, {{'non_numeric': '{}', 'by_date': {by_date}, \
             'max_missing': {max_missing:?}, 'max_correlation': {max_correlation:?}, 'level': {level:?}, 'fdr': '{fdr}', \
             'bins': {bins}, 'outlier_deviations': {outlier_deviations:?}}})",
            rows.features, rows.non_numeric,
        );
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&beside, &tail),
            unnested(&fields, &aggregate, "lagrange_rows")
        ))
    }
}

/// What the aggregate returns, in order.
const FIELDS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("base_feature", Type::Text),
    ("lag", Type::Integer),
    ("is_pattern", Type::Boolean),
    ("n", Type::Integer),
    ("missing_share", Type::Double),
    ("distinct_values", Type::Integer),
    ("variance", Type::Double),
    ("zero_share", Type::Double),
    ("outlier_share", Type::Double),
    ("ic", Type::Double),
    ("rank_ic", Type::Double),
    ("icir", Type::Double),
    ("mutual_information", Type::Double),
    ("test", Type::Text),
    ("p_value", Type::Double),
    ("q_value", Type::Double),
    ("vif", Type::Double),
    ("cluster", Type::Integer),
    ("representative", Type::Text),
    ("selected", Type::Boolean),
    ("reason", Type::Text),
];

/// See the signature.
pub static SCREEN: Gather<Screen> = Gather(Screen);

/// What is made of the rows.
pub struct Screen;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "the target"),
        Argument::required("date", Kind::Number, "a number that grows with time"),
        Argument::required("entity", Kind::Number, "a number per entity"),
        Argument::required("features", Kind::Features, "the features"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        NON_NUMERIC,
        OptionKey {
            name: "by_date",
            accepts: Accepts::Flag,
            default: "false",
            docs: "coefficients per date, or over all rows",
        },
        OptionKey {
            name: "max_missing",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.35",
            docs: "the share of missing values that is still selected",
        },
        OptionKey {
            name: "max_correlation",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.8",
            docs: "|r| above which features are of one cluster",
        },
        OptionKey {
            name: "level",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.05",
            docs: "the q-value that is still selected",
        },
        OptionKey {
            name: "fdr",
            accepts: Accepts::Choice(&["by", "bh"]),
            default: "\"by\"",
            docs: "how p-values become q-values",
        },
        OptionKey {
            name: "bins",
            accepts: Accepts::Integer(2, 255),
            default: "10",
            docs: "bins of the mutual information",
        },
        OptionKey {
            name: "outlier_deviations",
            accepts: Accepts::Number(0.0, 1e9),
            default: "4.0",
            docs: "where outliers begin",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See feature_screen. No row: NULL.",
    docs: "The rows of feature_screen.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_feature_screen(y, i, 1, {'a': a})) AS row FROM \
              (SELECT i, (i * 7) % 11 AS a, (i * 5) % 17 AS y FROM range(50) r(i)) t",
};

impl OverFeatures for Screen {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let columns = columns::of(gathered, options)?;
        let verdicts = verdicts::of(gathered, &columns, options)?;
        Ok(verdicts::to_rows(gathered.names, columns, verdicts))
    }
}
