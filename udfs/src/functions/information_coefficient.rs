//! `information_coefficient`.

use rayon::prelude::*;

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, Target, quote_name, quote_text};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::{
    Coefficients, GroupedTarget, LEAST_PAIRS, SeriesSummary, Summary, coefficients, summary,
};
use crate::statistics::rank_persistence::{Persistence, rank_persistence};
use crate::value::{Column, Type, Value};

const NAME: &str = "information_coefficient";

/// See the signature.
pub struct InformationCoefficient;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "target",
            Kind::ColumnNames,
            "what the features are to tell, such as the forward return; several horizons give the decay over them",
        ),
        FEATURES,
        EXCLUDE,
        ORDER_BY,
        PARTITION_BY,
        Argument::optional(
            "by",
            Kind::Text,
            "'date'",
            "date: a coefficient per time, across entities; entity: one per entity, over time",
        ),
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "rows that the target looks ahead, at least 1; the t-statistics by date take horizon - 1 lags",
        ),
        Argument::optional(
            "lags",
            Kind::Integers,
            "0",
            "the feature is taken so many rows earlier within the entity, at least 0: the decay of the signal",
        ),
        Argument::optional(
            "quantile",
            Kind::Double,
            "0.2",
            "the share of names in the top group whose turnover is reported, from 0.001 to 0.999",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "Pairwise-complete: a pair in which the feature or the target is NULL or NaN is left out, but its row still \
            counts as a row for the lags. Infinity is an error. A statistic that is not defined is NULL and `status` \
            says why. A relation without rows gives none.",
    docs: "What a feature tells about the future, date by date or entity by entity.\n\n\
           In each group (a date, or an entity) the feature is correlated with the target over the pairs in which both \
           are present; a group with fewer than 3 pairs, or in which either is constant, has no coefficient. The \
           features are the columns chosen by `features` and `exclude`; targets and keys are never among them. Returns \
           one row per target, feature and lag:\n\
           - `target`, `feature` (VARCHAR), `lag` (BIGINT, rows of the entity);\n\
           - `groups`, `groups_skipped` (BIGINT): groups with and without a coefficient, together all groups of the \
           relation; `n` (BIGINT): pairs in all groups;\n\
           - `ic`, `ic_std`, `icir` (DOUBLE): mean, standard deviation (n - 1) and their ratio, not annualised, of \
           Pearson's coefficients over groups; `rank_ic`, `rank_ic_std`, `rank_icir`: of Spearman's (ties share their \
           average rank);\n\
           - `ic_t`, `ic_p`, `rank_ic_t`, `rank_ic_p` (DOUBLE): mean by its standard error, and its two-sided p-value by \
           the normal distribution. The standard error is Newey and West's (Econometrica 55, 1987) with the Bartlett \
           kernel and without a small-sample correction, as statsmodels' OLS on a constant with cov_type 'HAC' and \
           use_correction False: targets of `horizon` rows overlap, so their coefficients are a moving average of \
           order horizon - 1. Dates without a coefficient are passed over, not counted as a gap;\n\
           - `newey_west_lags` (BIGINT): the lags taken, horizon - 1 but less than `groups`. By entity always 0: \
           entities have no order, and the t-statistics take them as independent, which flatters those that \
           move together;\n\
           - `hit_share` (DOUBLE, 0 to 1): share of groups whose coefficient has the sign of `ic`;\n\
           - `turnover` (DOUBLE, 0 to 1), by date only: share of the top group that was not in it one row earlier, mean \
           over dates. The top group of a date are the names whose feature lies above the linearly interpolated \
           quantile 1 - `quantile` of the date, as pandas.qcut cuts (alphalens quantile_turnover); names equal to it \
           are out, so ties make the group smaller. A name that had no row or no value before is new. Dates without \
           a top group, or without any name that has a value now and one row earlier, do not count;\n\
           - `rank_autocorrelation` (DOUBLE), by date only: Spearman's correlation of the feature now and one row \
           earlier over the names that have both, at least 3, mean over dates;\n\
           - `status` (VARCHAR): ok, or why something is NULL.\n\n\
           A lagged feature is treated in all of this as if it were a column. Two rows of one entity with the same \
           `order_by`, and a NULL in it, are errors, as is a target named in `features`. Keeps 8 bytes per value, for \
           each target. Sources: Grinold and Kahn, Active Portfolio Management, 2nd ed., chapter 6; Qian, Hua and \
           Sorensen, Quantitative Equity Portfolio Management, chapter 4 (ICIR).",
    example: "SELECT feature, groups, round(rank_ic, 6) AS rank_ic, round(turnover, 6) AS turnover, status \
              FROM information_coefficient(\
              '(SELECT i % 5 AS symbol, (i - i % 5) / 5 AS ts, (i * 7) % 11 AS a, (i * 3) % 13 AS b, \
              (i * 7) % 11 + (i * 5) % 17 AS y FROM range(200) r(i))', \
              'y', NULL, NULL, 'ts', 'symbol') ORDER BY feature",
};

impl Table for InformationCoefficient {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let targets = call.columns("target")?.ok_or_else(|| {
            Error::argument(call.function(), "target", "NULL", "pass column names")
        })?;
        let order = EntityOrder::of(call)?;
        let by = call.choice("by", &["date", "entity"])?;
        let horizon = call.integer("horizon", 1)?;
        let lags = call.integers("lags", 0)?;
        let quantile = call.double("quantile", 0.001, 0.999)?;
        refuse_targets(call, &targets)?;

        let mut others = targets.clone();
        for keys in ["order_by", "partition_by"] {
            others.extend(call.columns(keys)?.unwrap_or_default());
        }
        let rows = FeatureRows::of(call, &others)?;
        let date = format!("dense_rank() OVER (ORDER BY {})", order.order.join(", "));
        let entity = match order.partition.as_slice() {
            [] => "1".to_owned(),
            partition => format!("dense_rank() OVER (ORDER BY {})", partition.join(", ")),
        };
        let columns: Vec<(String, String)> = targets
            .iter()
            .enumerate()
            .map(|(i, target)| (quote_name(target), format!("lagrange_target_{i}")))
            .chain([
                (date, "lagrange_date".to_owned()),
                (entity, "lagrange_entity".to_owned()),
            ])
            .collect();
        let beside: Vec<(&str, &str)> = columns
            .iter()
            .map(|(sql, name)| (sql.as_str(), name.as_str()))
            .collect();
        let lags: Vec<String> = lags.iter().map(i64::to_string).collect();
        let lags = lags.join(",");
        let results: Vec<String> = targets
            .iter()
            .enumerate()
            .map(|(i, target)| {
                let rows = unnested(
                    FIELDS,
                    &format!(
                        "{AGGREGATE}(lagrange_target_{i}, lagrange_date, lagrange_entity, {}, \
                         {{'non_numeric': '{}', 'by': '{by}', 'horizon': {horizon}, 'lags': '{lags}', \
                         'quantile': {quantile:?}}})",
                        rows.features, rows.non_numeric,
                    ),
                    "lagrange_rows",
                );
                format!(
                    "SELECT {} AS target, * FROM ({rows}) AS lagrange_results_{i}",
                    quote_text(target)
                )
            })
            .collect();
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&beside, &format!("QUALIFY {}", order.check(call))),
            results.join(" UNION ALL "),
        ))
    }
}

/// A target that is named among the features would tell itself.
fn refuse_targets(call: &Call<'_>, targets: &[String]) -> Result<()> {
    let features = call.patterns("features")?.unwrap_or_default();
    let is_target = |name: &str| {
        targets.iter().any(|target| match call.target() {
            Target::DuckDb => target.eq_ignore_ascii_case(name),
            Target::DataFusion(_) => target == name,
        })
    };
    match features.iter().find(|name| is_target(name)) {
        Some(name) => Err(Error::argument(
            call.function(),
            "features",
            quote_text(name),
            "it is a target; leave it out",
        )),
        None => Ok(()),
    }
}

const AGGREGATE: &str = "lagrange_information_coefficient";

/// What the aggregate returns, in order.
const FIELDS: &[&str] = &[
    "feature",
    "lag",
    "groups",
    "groups_skipped",
    "n",
    "ic",
    "ic_std",
    "icir",
    "rank_ic",
    "rank_ic_std",
    "rank_icir",
    "ic_t",
    "ic_p",
    "rank_ic_t",
    "rank_ic_p",
    "newey_west_lags",
    "hit_share",
    "turnover",
    "rank_autocorrelation",
    "status",
];

/// See the signature.
pub static COEFFICIENTS: Gather<OverGroups> = Gather(OverGroups);

/// What is made of the rows of one target.
pub struct OverGroups;

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
            name: "by",
            accepts: Accepts::Choice(&["date", "entity"]),
            default: "\"date\"",
            docs: "what a group is",
        },
        OptionKey {
            name: "horizon",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "1",
            docs: "rows that the target looks ahead",
        },
        OptionKey {
            name: "lags",
            accepts: Accepts::Text,
            default: "\"0\"",
            docs: "rows that the features are taken earlier, with commas between",
        },
        OptionKey {
            name: "quantile",
            accepts: Accepts::Number(0.001, 0.999),
            default: "0.2",
            docs: "the share of names in the top group",
        },
    ],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("lag", Type::Integer),
        ("groups", Type::Integer),
        ("groups_skipped", Type::Integer),
        ("n", Type::Integer),
        ("ic", Type::Double),
        ("ic_std", Type::Double),
        ("icir", Type::Double),
        ("rank_ic", Type::Double),
        ("rank_ic_std", Type::Double),
        ("rank_icir", Type::Double),
        ("ic_t", Type::Double),
        ("ic_p", Type::Double),
        ("rank_ic_t", Type::Double),
        ("rank_ic_p", Type::Double),
        ("newey_west_lags", Type::Integer),
        ("hit_share", Type::Double),
        ("turnover", Type::Double),
        ("rank_autocorrelation", Type::Double),
        ("status", Type::Text),
    ]),
    nulls: "See information_coefficient. No row: NULL.",
    docs: "The rows of information_coefficient for one target.\n\n\
           No two rows share date and entity. Keeps 8 bytes per value; while it finishes 45 more per row, and on each \
           thread 10 per row and 64 per row of the largest group.",
    example: "SELECT unnest(lagrange_information_coefficient(y, ts, symbol, {'a': a})) AS row FROM \
              (SELECT i % 5 AS symbol, (i - i % 5) / 5 AS ts, (i * 7) % 11 AS a, (i * 5) % 17 AS y FROM range(50) r(i)) t",
};

impl OverFeatures for OverGroups {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let [target, date, entity] = gathered.numbers else {
            return Err(Error::internal(NAME, "three numbers were expected"));
        };
        let lags: Vec<usize> = options
            .text("lags")
            .split(',')
            .map(|lag| lag.trim().parse())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| {
                let fix = "pass numbers of rows with commas between";
                Error::argument(NAME, "lags", options.text("lags"), fix)
            })?;
        let entities = Groups::of(entity, date);
        let dates = match options.text("by") {
            "date" => Some(Groups::of(date, entity)),
            _ => None,
        };
        let panel = Panel {
            target: GroupedTarget::of(target, dates.as_ref().unwrap_or(&entities)),
            previous: match &dates {
                Some(_) => entities.earlier(1, gathered.rows),
                None => Vec::new(),
            },
            newey_west_lags: match &dates {
                Some(_) => usize::try_from(options.integer("horizon") - 1).unwrap_or(usize::MAX),
                None => 0,
            },
            quantile: options.number("quantile"),
            dates,
            entities,
        };
        let cases: Vec<(usize, usize)> = (0..gathered.columns.len())
            .flat_map(|feature| lags.iter().map(move |&lag| (feature, lag)))
            .collect();
        let lines: Vec<Line> = cases
            .par_iter()
            .map(|&(feature, lag)| panel.line(&gathered.columns[feature], lag))
            .collect();
        Ok(to_rows(gathered.names, &cases, &lines))
    }
}

/// What the features of one target share.
struct Panel {
    /// By date only.
    dates: Option<Groups>,
    entities: Groups,
    target: GroupedTarget,
    previous: Vec<Option<u32>>,
    newey_west_lags: usize,
    quantile: f64,
}

/// One line of the result.
struct Line {
    summary: Summary,
    skipped: usize,
    pairs: u64,
    persistence: Persistence,
    status: String,
}

impl Panel {
    fn line(&self, column: &[f64], lag: usize) -> Line {
        let lagged;
        let feature = if lag == 0 {
            column
        } else {
            lagged = self.entities.lagged(column, lag);
            &lagged
        };
        let found = coefficients(feature, &self.target);
        let persistence = self
            .dates
            .as_ref()
            .map(|dates| rank_persistence(feature, dates, &self.previous, self.quantile));
        let summary = summary(&found, self.newey_west_lags);
        let status = if found.pairs == 0 {
            self.without_pairs(column, feature, lag)
        } else {
            self.status(&found, &summary)
        };
        Line {
            summary,
            skipped: found.skipped(),
            pairs: found.pairs,
            persistence: persistence.unwrap_or_default(),
            status,
        }
    }

    fn without_pairs(&self, column: &[f64], feature: &[f64], lag: usize) -> String {
        let missing = |column: &[f64]| column.iter().all(|value| value.is_nan());
        if missing(column) {
            "the feature is missing in every row".to_owned()
        } else if missing(feature) {
            format!("the feature has no value {lag} rows earlier")
        } else if self.target.is_missing() {
            "the target is missing in every row".to_owned()
        } else {
            "no row has both the feature and the target".to_owned()
        }
    }

    fn status(&self, found: &Coefficients, summary: &Summary) -> String {
        let by_date = self.dates.is_some();
        let group = if by_date { "date" } else { "entity" };
        let other = if by_date { "; use by => 'entity'" } else { "" };
        let varies = |series: &SeriesSummary| series.ratio.is_some();
        let enough = summary.groups + found.constant;
        match summary.groups {
            0 if by_date && self.entities.len() < LEAST_PAIRS => {
                let count = ["no entity", "one entity", "two entities"][self.entities.len()];
                format!("{count}: no date has 3 pairs{other}")
            }
            0 if enough == 0 => format!("no {group} has 3 pairs{other}"),
            0 if found.constant_feature == enough => {
                format!("the feature is constant within every {group}{other}")
            }
            0 if found.constant_target == enough => {
                format!("the target is constant within every {group}{other}")
            }
            0 => format!("the feature or the target is constant within every {group}{other}"),
            1 => format!("only one {group} has a coefficient: no deviation and no t-statistic"),
            _ if !varies(&summary.ic) || !varies(&summary.rank_ic) => {
                format!(
                    "the coefficient is the same for every {group}: no ratio and no t-statistic"
                )
            }
            _ => "ok".to_owned(),
        }
    }
}

/// The lines as columns, in the order of the fields.
fn to_rows(names: &[String], cases: &[(usize, usize)], lines: &[Line]) -> Value {
    let double = |get: fn(&Line) -> Option<f64>| Column::Double(lines.iter().map(get).collect());
    let integer = |get: fn(&Line) -> u64| {
        Column::Integer(lines.iter().map(|line| Some(get(line) as i64)).collect())
    };
    let features = cases.iter().map(|&(i, _)| Some(names[i].clone()));
    let lags = cases.iter().map(|&(_, lag)| Some(lag as i64));
    Value::Rows(vec![
        Column::Text(features.collect()),
        Column::Integer(lags.collect()),
        integer(|line| line.summary.groups as u64),
        integer(|line| line.skipped as u64),
        integer(|line| line.pairs),
        double(|line| line.summary.ic.mean),
        double(|line| line.summary.ic.deviation),
        double(|line| line.summary.ic.ratio),
        double(|line| line.summary.rank_ic.mean),
        double(|line| line.summary.rank_ic.deviation),
        double(|line| line.summary.rank_ic.ratio),
        double(|line| line.summary.ic.t),
        double(|line| line.summary.ic.p),
        double(|line| line.summary.rank_ic.t),
        double(|line| line.summary.rank_ic.p),
        integer(|line| line.summary.newey_west_lags as u64),
        double(|line| line.summary.hit_share),
        double(|line| line.persistence.turnover),
        double(|line| line.persistence.rank_autocorrelation),
        Column::Text(lines.iter().map(|line| Some(line.status.clone())).collect()),
    ])
}

#[cfg(test)]
mod tests;
