//! `quantile_returns` and the aggregate behind it.

use super::dates::{DATE, TIME, Uniqueness, dated, times};
use super::feature_rows::unnested;
use super::gather::numbers::{GatherNumbers, OverNumbers};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::information_coefficient::{SeriesSummary, series_summary};
use crate::statistics::quantile_returns::{Cell, Cut, cut_dates, monotonicity};
use crate::value::{Column, Type, Value};

const NAME: &str = "quantile_returns";
const AGGREGATE: &str = "lagrange_quantile_returns";
const MOST_BUCKETS: i64 = 1000;

/// See the signature.
pub struct QuantileReturns;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "a row per prediction, in any order"),
        Argument::required(
            "prediction",
            Kind::ColumnName,
            "what was predicted: any number that ranks the names of a date",
        ),
        Argument::required(
            "forward_return",
            Kind::ColumnName,
            "the return that follows the date, as a share: 0.01 is one percent",
        ),
        Argument::optional(
            "order_by",
            Kind::ColumnName,
            "NULL",
            "the time; must be passed",
        ),
        Argument::optional(
            "partition_by",
            Kind::ColumnNames,
            "NULL",
            "the entity, such as the symbol, of which a time has one row; NULL: that is not checked",
        ),
        Argument::optional(
            "buckets",
            Kind::Integer,
            "5",
            "buckets of a date, 2 to 1000",
        ),
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "times that the return looks ahead, at least 1; the t-statistics take horizon - 1 lags",
        ),
        Argument::optional(
            "demean",
            Kind::Flag,
            "false",
            "whether the date's mean return is taken off, as alphalens does; spreads are the same",
        ),
        Argument::optional(
            "output",
            Kind::Text,
            "'buckets'",
            "buckets: a row per bucket, over all dates; dates: a row per date and bucket",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row whose prediction is NULL or NaN is in no bucket; one whose return is missing is in its bucket, but not in \
            its mean. Both are counted in `rows_skipped`. Infinity is an error. A relation without rows gives none.",
    docs: "What follows high and low predictions: mean returns by buckets of the prediction.\n\n\
           On each date the predictions are cut at their quantiles into `buckets` of equal frequency (linear interpolation, a \
           value on an edge is below it: pandas.qcut), from all predictions of the date, whether or not their return is known \
           later. A date with fewer predictions than buckets is left out; equal predictions share a bucket, which may leave \
           others empty on that date. Returns a row per bucket, 1 being the lowest predictions:\n\
           - `bucket` (BIGINT); `dates` (BIGINT) on which it has a mean; `rows_used` (BIGINT) rows with a return;\n\
           - `mean_prediction`, `mean_return` (means over dates of the means of the date), `std_return` (over dates, n - 1);\n\
           - `t`, `p`: mean_return by its standard error (Newey and West 1987, horizon - 1 lags, as overlapping returns \
           need), and its two-sided p-value by the normal distribution;\n\
           - `spread`: mean over dates of the top bucket's return less the bottom's, on dates that have both; `spread_t`, \
           `spread_p` likewise; `monotonicity`: Spearman's correlation of bucket and `mean_return`, 1 where each bucket earns \
           more than the one below. These four are the same in every row;\n\
           - `dates_skipped`, `rows_skipped` (BIGINT, rows without a prediction or a return or on a date left out), `status` \
           (VARCHAR).\n\n\
           With `output => 'dates'`: `time`, `bucket`, `rows_used`, `mean_prediction`, `mean_return` (NULL of an empty \
           bucket) and `spread` (of the date). Before costs; positions of a bucket are of equal weight. alphalens' \
           mean_return_by_quantile, which drops rows without a return before it cuts. Two rows of one entity at one time \
           and a NULL time are errors. Keeps 24 bytes per row.",
    example: "SELECT bucket, dates, round(mean_return, 6) AS mean_return, round(spread, 6) AS spread FROM quantile_returns(\
              '(SELECT i % 9 AS symbol, (i - i % 9) / 9 AS ts, (i * 7) % 11 AS p, 0.01 * ((i * 7) % 11 + (i * 5) % 17) AS r \
              FROM range(180) r(i))', 'p', 'r', 'ts', 'symbol', 3) ORDER BY bucket",
};

impl Table for QuantileReturns {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let column = |name: &str| {
            let column = call.column(name)?;
            let column =
                column.ok_or_else(|| Error::argument(NAME, name, "NULL", "pass a column name"))?;
            Ok(quote_name(&column))
        };
        let (prediction, earned) = (column("prediction")?, column("forward_return")?);
        let buckets = call.integer("buckets", 2)?;
        if buckets > MOST_BUCKETS {
            let fix = format!("pass an integer of at most {MOST_BUCKETS}");
            return Err(Error::argument(NAME, "buckets", buckets, fix));
        }
        let horizon = call.integer("horizon", 1)?;
        let demean = call.flag("demean")?;
        let output = call.choice("output", &["buckets", "dates"])?;
        let items = format!("{prediction} AS lagrange_prediction, {earned} AS lagrange_return");
        let rows = dated(call, &items, Uniqueness::CrossSection)?;
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let results = unnested(
            &fields,
            &format!(
                "{AGGREGATE}({DATE}, lagrange_prediction, lagrange_return, {{'buckets': {buckets}, \
                 'horizon': {horizon}, 'demean': {demean}, 'output': '{output}'}})"
            ),
            "lagrange_rows",
        );
        Ok(match output {
            "dates" => format!(
                "WITH lagrange_rows AS ({rows}), lagrange_results AS ({results}) \
                 SELECT {TIME} AS \"time\", bucket, rows_used, mean_prediction, mean_return, spread \
                 FROM lagrange_results JOIN ({}) AS lagrange_times ON lagrange_results.\"date\" = lagrange_times.{DATE}",
                times(call)?
            ),
            _ => format!(
                "WITH lagrange_rows AS ({rows}), lagrange_results AS ({results}) SELECT {} FROM lagrange_results",
                fields[1..].join(", ")
            ),
        })
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("date", Type::Integer),
    ("bucket", Type::Integer),
    ("dates", Type::Integer),
    ("rows_used", Type::Integer),
    ("mean_prediction", Type::Double),
    ("mean_return", Type::Double),
    ("std_return", Type::Double),
    ("t", Type::Double),
    ("p", Type::Double),
    ("spread", Type::Double),
    ("spread_t", Type::Double),
    ("spread_p", Type::Double),
    ("monotonicity", Type::Double),
    ("dates_skipped", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("status", Type::Text),
];

/// See the signature.
pub static RETURNS: GatherNumbers<Returns> = GatherNumbers(Returns);

/// What is made of the rows.
pub struct Returns;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("date", Kind::Number, "a number that grows with time"),
        Argument::required("prediction", Kind::Number, "what was predicted"),
        Argument::required("forward_return", Kind::Number, "the return that follows"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "buckets",
            accepts: Accepts::Integer(2, MOST_BUCKETS),
            default: "5",
            docs: "buckets of a date",
        },
        OptionKey {
            name: "horizon",
            accepts: Accepts::Integer(1, i64::MAX),
            default: "1",
            docs: "times that the return looks ahead",
        },
        OptionKey {
            name: "demean",
            accepts: Accepts::Flag,
            default: "false",
            docs: "whether the date's mean return is taken off",
        },
        OptionKey {
            name: "output",
            accepts: Accepts::Choice(&["buckets", "dates"]),
            default: "\"buckets\"",
            docs: "what a row is of",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See quantile_returns. No row: NULL.",
    docs: "The rows of quantile_returns.\n\n`date` is of rows of dates only, and only they lack the summary. Keeps 24 bytes per \
           row.",
    example: "SELECT unnest(lagrange_quantile_returns((i - i % 6) / 6, i % 6, i % 4, {'buckets': 2})) AS row FROM range(24) r(i)",
};

impl OverNumbers for Returns {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> usize {
        1
    }

    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value> {
        let [dates, prediction, earned] = columns else {
            return Err(Error::internal(NAME, "three numbers were expected"));
        };
        let buckets = options.integer("buckets") as usize;
        let demean = options.flag("demean");
        let (cuts, skipped) = cut_dates(dates, prediction, earned, buckets, demean);
        Ok(match options.text("output") {
            "dates" => of_dates(&cuts, buckets),
            _ => {
                let lags = options.integer("horizon") as usize - 1;
                of_buckets(&cuts, buckets, lags, skipped, dates.len())
            }
        })
    }
}

/// A row per date and bucket.
fn of_dates(cuts: &[Cut], buckets: usize) -> Value {
    let rows = cuts.len() * buckets;
    let cells = || cuts.iter().flat_map(|cut| cut.cells.iter());
    let of_date = |of: fn(&Cut) -> Option<f64>| {
        let each = cuts.iter().flat_map(|cut| vec![of(cut); buckets]);
        each.collect::<Vec<_>>()
    };
    let double =
        |of: fn(&Cell) -> f64| Column::Double(cells().map(|cell| cell.as_ref().map(of)).collect());
    let dates = of_date(|cut| Some(cut.date));
    let count = |cell: &Option<Cell>| Some(cell.map_or(0, |cell| cell.rows as i64));
    let none = || Column::Double(vec![None; rows]);
    Value::Rows(vec![
        Column::Integer(dates.iter().map(|date| date.map(|d| d as i64)).collect()),
        Column::Integer((0..rows).map(|i| Some((i % buckets) as i64 + 1)).collect()),
        Column::Integer(vec![None; rows]),
        Column::Integer(cells().map(count).collect()),
        double(|cell| cell.prediction),
        double(|cell| cell.earned),
        none(),
        none(),
        none(),
        Column::Double(of_date(Cut::spread)),
        none(),
        none(),
        none(),
        Column::Integer(vec![None; rows]),
        Column::Integer(vec![None; rows]),
        Column::Text(vec![None; rows]),
    ])
}

/// A row per bucket, over all dates.
fn of_buckets(cuts: &[Cut], buckets: usize, lags: usize, skipped: usize, rows: usize) -> Value {
    let series = |bucket: usize, of: fn(&Cell) -> f64| -> Vec<f64> {
        let cells = cuts.iter().filter_map(|cut| cut.cells[bucket].as_ref());
        cells.map(of).collect()
    };
    let summed = |series: &[f64]| series_summary(series, lags.min(series.len().saturating_sub(1)));
    let returns: Vec<SeriesSummary> = (0..buckets)
        .map(|bucket| summed(&series(bucket, |cell| cell.earned)))
        .collect();
    let predictions: Vec<Option<f64>> = (0..buckets)
        .map(|bucket| summed(&series(bucket, |cell| cell.prediction)).mean)
        .collect();
    let counts: Vec<(i64, i64)> = (0..buckets)
        .map(|bucket| {
            let cells = cuts.iter().filter_map(|cut| cut.cells[bucket]);
            cells.fold((0, 0), |(dates, rows), cell| {
                (dates + 1, rows + cell.rows as i64)
            })
        })
        .collect();
    let spreads: Vec<f64> = cuts.iter().filter_map(Cut::spread).collect();
    let spread = summed(&spreads);
    let means: Vec<Option<f64>> = returns.iter().map(|summary| summary.mean).collect();
    let used: i64 = counts.iter().map(|(_, rows)| rows).sum();
    let status = if cuts.is_empty() {
        "no date has as many predictions as there are buckets"
    } else if spreads.is_empty() {
        "no date has a return in both the top and the bottom bucket"
    } else {
        "ok"
    };
    let same = |value: Option<f64>| Column::Double(vec![value; buckets]);
    let whole = |count: i64| Column::Integer(vec![Some(count); buckets]);
    let double =
        |of: fn(&SeriesSummary) -> Option<f64>| Column::Double(returns.iter().map(of).collect());
    Value::Rows(vec![
        Column::Integer(vec![None; buckets]),
        Column::Integer((1..=buckets as i64).map(Some).collect()),
        Column::Integer(counts.iter().map(|&(dates, _)| Some(dates)).collect()),
        Column::Integer(counts.iter().map(|&(_, rows)| Some(rows)).collect()),
        Column::Double(predictions),
        Column::Double(means.clone()),
        double(|summary| summary.deviation),
        double(|summary| summary.t),
        double(|summary| summary.p),
        same(spread.mean),
        same(spread.t),
        same(spread.p),
        same(monotonicity(&means)),
        whole(skipped as i64),
        whole(rows as i64 - used),
        Column::Text(vec![Some(status.to_owned()); buckets]),
    ])
}
