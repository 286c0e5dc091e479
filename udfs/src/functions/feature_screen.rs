//! `feature_screen`.

mod columns;
mod verdicts;

use super::entity_order::{EntityOrder, PARTITION_BY};
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::sample::{Limit, Panel};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::groups::Groups;
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
            "rows that the target looks ahead: the p-values of panels take horizon - 1 lags, and rows whose label ends after \
             `train_end` are left out",
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
        Argument::optional(
            "sample_rows",
            Kind::Integer,
            "1000000",
            "rows that are kept at most: of more, all but `n` and `missing_share` come from a sample of this many, the same \
             every time; raise it where memory allows",
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
           - `test`, `p_value`, `q_value`: with `order_by` and `partition_by` `rank_ic_newey_west`, of the mean rank \
           coefficient over dates, whose standard error is Newey and West's with horizon - 1 lags: it allows for labels \
           that overlap and for entities that move together (the `rank_ic_p` of information_coefficient). Otherwise as \
           relevance_tests chooses, and rows count as independent, which overlapping labels are not: read those as an \
           order, not as odds;\n\
           - `vif`: the variance inflation factor among the features that are no patterns and vary, from \
           pairwise-complete correlations; NULL where features are collinear;\n\
           - `cluster` (BIGINT, from 1), `representative` (VARCHAR): features by falling |rank_ic| gather those whose |r| \
           with them is above `max_correlation` (see correlation_clusters);\n\
           - `selected` (BOOLEAN), `reason` (VARCHAR): the first rule that a feature fails: a pattern, no values, too much \
           missing, constant, irrelevant (q above `level`), or a repetition of its representative; otherwise `selected`;\n\
           - `rows_used` (BIGINT): the rows that all this comes from; fewer than there are where these are more than \
           `sample_rows`. Then `n` and `missing_share` count all rows, and the rest is of a sample: with `order_by` and \
           `partition_by` of whole dates (the last one in part), chosen by a fixed hash of the date, which are as far apart in Newey and West's error \
           as they were, otherwise of rows, chosen by a fixed hash of all their values. The order of the rows, the engine's threads and the seed of no \
           generator matter.\n\n\
           Keeps 8 bytes per value: of a panel of little more than `sample_rows` rows, 200 features of any number of rows \
           take 2 GB; otherwise of at most 1.25 `sample_rows` rows on each thread. Two rows of an entity at one time are an error, as is a NULL in `order_by`.",
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
        let sample_rows = call.integer("sample_rows", 1000)?;
        let mut others = vec![target.clone()];
        for keys in ["order_by", "partition_by"] {
            others.extend(call.columns(keys)?.unwrap_or_default());
        }
        // What the keys' relation has.
        others.extend(["lagrange_key_*", DATE, ENTITY, SHARE].map(str::to_owned));
        let rows = FeatureRows::of(call, &others)?;
        let order = call
            .columns("order_by")?
            .map(|_| EntityOrder::of(call))
            .transpose()?;
        let by_date = order
            .as_ref()
            .is_some_and(|order| !order.partition.is_empty());
        let target = quote_name(&target);
        let features = match &order {
            Some(order) => {
                let keyed = keyed(call, order, horizon, train_end.as_deref(), sample_rows)?;
                let beside = [
                    (target.as_str(), "lagrange_target"),
                    (DATE, DATE),
                    (ENTITY, ENTITY),
                    (SHARE, SHARE),
                ];
                rows.rows_of(&keyed, &beside, "")
            }
            None if train_end.is_some() => {
                return Err(Error::argument(
                    NAME,
                    "order_by",
                    "NULL",
                    "pass the time column that train_end is compared with",
                ));
            }
            None => {
                let beside = [
                    (target.as_str(), "lagrange_target"),
                    ("1", DATE),
                    ("1", ENTITY),
                    ("1", SHARE),
                ];
                rows.rows(&beside, "")
            }
        };
        let aggregate = format!(
            "{AGGREGATE}(lagrange_target, {DATE}, {ENTITY}, {SHARE}, {}, {{'non_numeric': '{}', 'by_date': {by_date}, 'horizon': {horizon}, \
             'max_missing': {max_missing:?}, 'max_correlation': {max_correlation:?}, 'level': {level:?}, 'fdr': '{fdr}', \
             'bins': {bins}, 'outlier_deviations': {outlier_deviations:?}, \
             'sample_rows': {sample_rows}}})",
            rows.features, rows.non_numeric,
        );
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let from = format!("({features}) AS lagrange_rows");
        Ok(unnested(&fields, &aggregate, &from))
    }
}

const DATE: &str = "lagrange_date";
const ENTITY: &str = "lagrange_entity";
const SHARE: &str = "lagrange_share";

/// The rows, with numbers for their dates and entities and the share of the dates
/// that is looked at: w of D dates have as many rows as are kept, on average, and
/// w + 4 √w + 4 that come by chance have them nearly always. Windows over rows of
/// hundreds of columns would sort them all; so they run over the keys alone,
/// which the rows are then joined with.
fn keyed(
    call: &Call<'_>,
    order: &EntityOrder,
    horizon: i64,
    train_end: Option<&str>,
    sample_rows: i64,
) -> Result<String> {
    let relation = call.relation()?;
    let dense_rank = |columns: &[String]| match columns {
        [] => "1".to_owned(),
        columns => format!("dense_rank() OVER (ORDER BY {})", columns.join(", ")),
    };
    let mut condition = order.check(call);
    if let Some(end) = train_end {
        let [time] = order.order.as_slice() else {
            return Err(Error::argument(
                NAME,
                "order_by",
                call.literal("order_by"),
                "pass one time column with train_end",
            ));
        };
        let window = order.window();
        condition = format!("{condition} AND lead({time}, {horizon}) OVER ({window}) <= {end}");
    }
    let keys: Vec<&String> = order.order.iter().chain(&order.partition).collect();
    let listed = keys.iter().enumerate();
    let listed: Vec<String> = listed
        .map(|(i, key)| format!("{key} AS lagrange_key_{i}"))
        .collect();
    // One operator for all: DataFusion hashes by both kinds of equality or by one.
    let same = keys.iter().enumerate();
    let same: Vec<String> = same
        .map(|(i, key)| format!("(lagrange_key_{i} IS NOT DISTINCT FROM {key})"))
        .collect();
    Ok(format!(
        "(SELECT *, (lagrange_wanted + 4 * sqrt(lagrange_wanted) + 4) / lagrange_dates AS {SHARE} FROM \
         (SELECT *, CAST({sample_rows} AS DOUBLE) * max({DATE}) OVER () / count(*) OVER () AS lagrange_wanted, \
         max({DATE}) OVER () AS lagrange_dates FROM \
         (SELECT {}, {} AS {DATE}, {} AS {ENTITY} FROM {relation} QUALIFY {condition}) AS lagrange_ranked\
         ) AS lagrange_counted) AS lagrange_keys \
         JOIN {relation} AS lagrange_all ON {}",
        listed.join(", "),
        dense_rank(&order.order),
        dense_rank(&order.partition),
        same.join(" AND "),
    ))
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
    ("rows_used", Type::Integer),
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
        Argument::required(
            "share",
            Kind::Number,
            "one number for all rows: of the dates, chosen by a hash, those that are looked at",
        ),
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
            name: "horizon",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "1",
            docs: "rows that the target looks ahead",
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
        OptionKey {
            name: "sample_rows",
            accepts: Accepts::Integer(1000, i64::MAX),
            default: "1000000",
            docs: "rows that are kept at most",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See feature_screen. No row: NULL.",
    docs: "The rows of feature_screen.\n\nKeeps 8 bytes per value of at most 1.25 `sample_rows` rows.",
    example: "SELECT unnest(lagrange_feature_screen(y, i, 1, 1, {'a': a})) AS row FROM \
              (SELECT i, (i * 7) % 11 AS a, (i * 5) % 17 AS y FROM range(50) r(i)) t",
};

impl OverFeatures for Screen {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn limit(&self, options: &Options) -> Option<Limit> {
        Some(Limit {
            rows: usize::try_from(options.integer("sample_rows")).unwrap_or(usize::MAX),
            panel: options.flag("by_date").then_some(Panel {
                date: 1,
                entity: 2,
                share: 3,
            }),
        })
    }

    fn by_parts(&self) -> bool {
        true
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let [target, date, entity, _] = gathered.numbers else {
            return Err(Error::internal(NAME, "four numbers were expected"));
        };
        // An order that does not depend on how rows arrived.
        let groups = if options.flag("by_date") {
            Groups::of(date, entity)
        } else {
            Groups::of(&vec![0.0; gathered.rows], target)
        };
        let columns = columns::of(gathered, &groups, options)?;
        let verdicts = verdicts::of(gathered, &columns, groups.rows(), options)?;
        Ok(verdicts::to_rows(gathered, columns, verdicts))
    }
}
