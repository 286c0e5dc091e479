//! `feature_stability`, and the aggregate that `drift` shares with it.

use rayon::prelude::*;

use super::drift;
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, Literal, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::ascending::Sorter;
use crate::statistics::drift::{Baseline, Distance, Moments};
use crate::statistics::pair_moments::PairMoments;
use crate::value::{Column, Type, Value};

const NAME: &str = "feature_stability";
/// The aggregate.
pub(super) const AGGREGATE: &str = "lagrange_feature_stability";

/// `bins`.
pub(super) const BINS: Argument = Argument::optional(
    "bins",
    Kind::Integer,
    "10",
    "bins of equal frequency in the baseline, 2 to 1000",
);
/// `psi_warn`.
pub(super) const PSI_WARN: Argument = Argument::optional(
    "psi_warn",
    Kind::Double,
    "0.1",
    "the PSI from which the status is `warn`",
);
/// `psi_drift`.
pub(super) const PSI_DRIFT: Argument = Argument::optional(
    "psi_drift",
    Kind::Double,
    "0.25",
    "the PSI from which the status is `drift`",
);

/// See the signature.
pub struct FeatureStability;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "order_by",
            Kind::ColumnName,
            "NULL",
            "the time; must be passed; rows without one are left out",
        ),
        Argument::optional(
            "period",
            Kind::Text,
            "'month'",
            "day, week, month, quarter or year of `order_by`; or a number of distinct times",
        ),
        Argument::optional(
            "baseline_periods",
            Kind::Integer,
            "1",
            "the first so many periods are the baseline",
        ),
        Argument::optional(
            "baseline_end",
            Kind::Time,
            "NULL",
            "the last time of the baseline, instead of `baseline_periods`",
        ),
        Argument::optional(
            "target",
            Kind::ColumnName,
            "NULL",
            "for the information coefficient of each period",
        ),
        BINS,
        Argument::optional(
            "thresholds",
            Kind::Text,
            "'fixed'",
            "fixed: psi_warn and psi_drift; reference: the mean PSI of the baseline's own periods, at least 3, plus 3 \
             standard deviations is `drift`",
        ),
        PSI_WARN,
        PSI_DRIFT,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing: a rate of their own, and no part of the distances. Infinity is an error.",
    docs: "Whether features still behave as they did: every period against a baseline before it.\n\n\
           The baseline is the first period (or the first `baseline_periods`, or all up to `baseline_end`); periods are \
           numbered from 1 in the order of time, and those with rows after the baseline are reported. Returns one row per \
           feature and period: `feature`, `period` (BIGINT), `period_start`, `period_end` (its first and last time), `n` \
           (values), `missing_rate`, `psi`, `ks`, `ks_p_value`, `js` (Jensen-Shannon divergence in bits), `wasserstein` (in \
           units of the feature), `wasserstein_scaled` (by the baseline's standard deviation), `mean`, `std`, `mean_shift` \
           (in standard deviations of the baseline), `std_ratio`, `ic` and `ic_baseline` (Pearson's correlation with \
           `target` in the period and in the baseline; NULL without a target), `bin_edges` (VARCHAR, a JSON list of the \
           inner edges), `status` and `reason`.\n\n\
           Bins are of equal frequency in the baseline (quantiles by linear interpolation, equal edges merged, open at both \
           ends; a value on an edge is below it, as pandas.qcut cuts), an empty one counts as a share of 1e-4. `status`: ok, \
           warn, drift, or `no data` where the period or the baseline has no value. A feature that is constant in the \
           baseline has one bin, and a PSI of 0 whatever comes: it is `drift` as soon as another value appears. KS as \
           SciPy's ks_2samp. Keeps 8 bytes per value. Siddiqi, Credit Risk Scorecards (2006), chapter 6.",
    example: "SELECT feature, period, round(psi, 6) AS psi, status FROM feature_stability(\
              '(SELECT i AS ts, (i * 7) % 11 AS a, (i * 7) % 11 + (i - i % 40) / 40 AS b FROM range(120) r(i))', \
              NULL, NULL, 'ts', '40') ORDER BY feature, period",
};

impl Table for FeatureStability {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let time = call
            .column("order_by")?
            .ok_or_else(|| Error::argument(NAME, "order_by", "NULL", "pass the time column"))?;
        let target = call.column("target")?;
        let thresholds = call.choice("thresholds", &["fixed", "reference"])?;
        let mut others = vec![time.clone(), KEY.to_owned(), PERIOD.to_owned()];
        others.extend(target.clone());
        let rows = FeatureRows::of(call, &others)?;
        let relation = call.relation()?;
        let time = quote_name(&time);
        let period = period(call)?;
        let baseline = match call.time("baseline_end")? {
            Some(end) => format!("{KEY} <= {end}"),
            None => format!("{PERIOD} <= {}", call.integer("baseline_periods", 1)?),
        };
        let baseline = format!("CASE WHEN {baseline} THEN 1 ELSE 0 END");
        let target = target.map_or("CAST(NULL AS DOUBLE)".to_owned(), |name| quote_name(&name));
        let beside = [
            (PERIOD, PERIOD),
            (baseline.as_str(), "lagrange_baseline"),
            (target.as_str(), "lagrange_target"),
        ];
        // Windows over rows of hundreds of columns would sort them all; these run
        // over the times alone.
        let keyed = format!("lagrange_keys JOIN {relation} AS lagrange_all ON {KEY} = {time}");
        let from = format!("({}) AS lagrange_rows", rows.rows_of(&keyed, &beside, ""));
        let aggregate = format!(
            "{AGGREGATE}(lagrange_period, lagrange_baseline, lagrange_target, {}, {})",
            rows.features,
            options(call, rows.non_numeric, thresholds, NAME)?
        );
        // The last two are for `drift`.
        let shown = &FIELDS[..FIELDS.len() - 2];
        let fields: Vec<&str> = shown.iter().map(|(name, _)| *name).collect();
        let (before, after) = fields.split_at(2);
        let column = |name: &&str| format!("lagrange_measured.{name}");
        let list = |names: &[&str]| names.iter().map(column).collect::<Vec<_>>().join(", ");
        Ok(format!(
            "WITH lagrange_keys AS (SELECT {KEY}, {period} AS {PERIOD} FROM \
             (SELECT DISTINCT {time} AS {KEY} FROM {relation} WHERE {time} IS NOT NULL)), \
             lagrange_periods AS (SELECT {PERIOD}, min({KEY}) AS period_start, max({KEY}) AS period_end \
             FROM lagrange_keys WHERE {baseline} = 0 GROUP BY {PERIOD}) \
             SELECT {}, period_start, period_end, {} FROM ({}) AS lagrange_measured \
             JOIN lagrange_periods ON lagrange_measured.period = {PERIOD}",
            list(before),
            list(after),
            unnested(&fields, &aggregate, &from),
        ))
    }
}

/// A time of the rows.
const KEY: &str = "lagrange_key";
const PERIOD: &str = "lagrange_period";

/// The number of a time's period, from 1.
fn period(call: &Call<'_>) -> Result<String> {
    let by_number = |count: f64| {
        format!(
            "CAST(floor((dense_rank() OVER (ORDER BY {KEY}) - 1) / CAST({count:?} AS DOUBLE)) AS BIGINT) + 1"
        )
    };
    let number = match call.literal("period") {
        Literal::Integer(count) => Some(*count as f64),
        Literal::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(count) if count >= 1.0 && count.fract() == 0.0 => Ok(by_number(count)),
        Some(_) => Err(Error::argument(
            NAME,
            "period",
            call.literal("period"),
            "pass a whole number of distinct times, at least 1",
        )),
        None => {
            let unit = call.choice("period", &["day", "week", "month", "quarter", "year"])?;
            Ok(format!(
                "dense_rank() OVER (ORDER BY date_trunc('{unit}', {KEY}))"
            ))
        }
    }
}

/// The options of the aggregate as a SQL literal.
pub(super) fn options(
    call: &Call<'_>,
    non_numeric: &str,
    thresholds: &str,
    caller: &str,
) -> Result<String> {
    let bins = call.integer("bins", 2)?;
    if bins > 1000 {
        return Err(Error::argument(caller, "bins", bins, "pass 2 to 1000"));
    }
    let (warn, drift) = (
        call.double("psi_warn", 0.0, 1e9)?,
        call.double("psi_drift", 0.0, 1e9)?,
    );
    Ok(format!(
        "{{'non_numeric': '{non_numeric}', 'bins': {bins}, 'thresholds': '{thresholds}', 'psi_warn': {warn:?}, \
         'psi_drift': {drift:?}, 'caller': '{caller}'}}"
    ))
}

/// What the aggregate returns, in order.
pub(super) const FIELDS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("period", Type::Integer),
    ("n", Type::Integer),
    ("missing_rate", Type::Double),
    ("psi", Type::Double),
    ("ks", Type::Double),
    ("ks_p_value", Type::Double),
    ("js", Type::Double),
    ("wasserstein", Type::Double),
    ("wasserstein_scaled", Type::Double),
    ("mean", Type::Double),
    ("std", Type::Double),
    ("mean_shift", Type::Double),
    ("std_ratio", Type::Double),
    ("ic", Type::Double),
    ("ic_baseline", Type::Double),
    ("bin_edges", Type::Text),
    ("status", Type::Text),
    ("reason", Type::Text),
    ("n_baseline", Type::Integer),
    ("missing_baseline", Type::Double),
];

/// See the signature.
pub static STABILITY: Gather<Stability> = Gather(Stability);

/// What is made of the rows.
pub struct Stability;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("period", Kind::Number, "the number of the period"),
        Argument::required(
            "baseline",
            Kind::Number,
            "1 for rows of the baseline, else 0",
        ),
        Argument::required("target", Kind::Number, "the target"),
        Argument::required("features", Kind::Features, "the features"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        NON_NUMERIC,
        OptionKey {
            name: "bins",
            accepts: Accepts::Integer(2, 1000),
            default: "10",
            docs: "bins of equal frequency",
        },
        OptionKey {
            name: "thresholds",
            accepts: Accepts::Choice(&["fixed", "reference"]),
            default: "\"fixed\"",
            docs: "what the PSI is compared with",
        },
        OptionKey {
            name: "psi_warn",
            accepts: Accepts::Number(0.0, 1e9),
            default: "0.1",
            docs: "where `warn` begins",
        },
        OptionKey {
            name: "psi_drift",
            accepts: Accepts::Number(0.0, 1e9),
            default: "0.25",
            docs: "where `drift` begins",
        },
        OptionKey {
            name: "caller",
            accepts: Accepts::Text,
            default: "\"feature_stability\"",
            docs: "the function that errors name",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See feature_stability. No row: NULL.",
    docs: "The rows of feature_stability and drift.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_feature_stability(i / 40, i < 40, i, {'a': a})) AS row FROM \
              (SELECT i, (i * 7) % 11 AS a FROM range(80) r(i)) t",
};

impl OverFeatures for Stability {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn caller_of(&self, options: &Options) -> &'static str {
        match options.text("caller") {
            drift::NAME => drift::NAME,
            _ => NAME,
        }
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let [period, baseline, target] = gathered.numbers else {
            return Err(Error::internal(NAME, "three numbers were expected"));
        };
        let rows = 0..gathered.rows as u32;
        let is_base = |row: u32| baseline[row as usize] == 1.0;
        let base = Part {
            number: 0,
            rows: rows.clone().filter(|&row| is_base(row)).collect(),
        };
        if base.rows.is_empty() {
            return Err(Error::data(
                options.text("caller"),
                "the baseline has no row; pass a later baseline_end, or more rows",
            ));
        }
        let by_period = |rows: Vec<u32>| parts(period, rows);
        let periods = by_period(rows.filter(|&row| !is_base(row)).collect());
        let chunks = match options.text("thresholds") {
            "reference" => by_period(base.rows.clone()),
            _ => Vec::new(),
        };
        if options.text("thresholds") == "reference" && chunks.len() < 3 {
            return Err(Error::argument(
                options.text("caller"),
                "thresholds",
                "'reference'",
                format!(
                    "the baseline has {} period(s) and needs 3; widen it, or pass 'fixed'",
                    chunks.len()
                ),
            ));
        }
        let lines: Vec<Vec<Line>> = gathered
            .columns
            .par_iter()
            .map_init(Sorter::default, |sorter, column| {
                let known = Known {
                    column,
                    target,
                    base: &base,
                };
                known.lines(&periods, &chunks, options, sorter)
            })
            .collect();
        Ok(to_rows(gathered.names, &lines))
    }
}

/// The rows of a period.
struct Part {
    number: i64,
    rows: Vec<u32>,
}

fn parts(period: &[f64], rows: Vec<u32>) -> Vec<Part> {
    let mut numbers: Vec<i64> = rows
        .iter()
        .map(|&row| period[row as usize] as i64)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut parts: Vec<Part> = numbers
        .iter()
        .map(|&number| Part {
            number,
            rows: Vec::new(),
        })
        .collect();
    for row in rows {
        if let Ok(place) = numbers.binary_search(&(period[row as usize] as i64)) {
            parts[place].rows.push(row);
        }
    }
    parts
}

struct Known<'a> {
    column: &'a [f64],
    target: &'a [f64],
    base: &'a Part,
}

/// One feature in one period.
#[derive(Default)]
struct Line {
    period: i64,
    rows: usize,
    moments: Moments,
    distance: Option<Distance>,
    scaled: Option<f64>,
    mean_shift: Option<f64>,
    std_ratio: Option<f64>,
    ic: Option<f64>,
    ic_baseline: Option<f64>,
    edges: String,
    status: &'static str,
    reason: String,
    n_baseline: usize,
    rows_baseline: usize,
}

impl Known<'_> {
    fn sorted(&self, part: &Part, sorter: &mut Sorter) -> Vec<f64> {
        let values = part.rows.iter().map(|&row| self.column[row as usize]);
        sorter.sorted_values(&values.collect::<Vec<f64>>())
    }

    fn ic(&self, part: &Part) -> Option<f64> {
        let pairs = part.rows.iter().map(|&row| row as usize);
        let pairs = pairs.map(|row| (self.column[row], self.target[row]));
        let (x, y): (Vec<f64>, Vec<f64>) =
            pairs.filter(|(x, y)| !x.is_nan() && !y.is_nan()).unzip();
        PairMoments::of(&x, &y).correlation()
    }

    fn lines(
        &self,
        periods: &[Part],
        chunks: &[Part],
        options: &Options,
        sorter: &mut Sorter,
    ) -> Vec<Line> {
        let base = Baseline::of(
            self.sorted(self.base, sorter),
            options.integer("bins") as usize,
        );
        let ic_baseline = self.ic(self.base);
        let psi_of = |part: &Part| base.psi(&self.sorted(part, sorter));
        let own: Vec<f64> = chunks.iter().filter_map(psi_of).collect();
        let (warn, drift) = match Moments::of(&own) {
            Moments {
                mean: Some(mean),
                deviation: Some(deviation),
                ..
            } => (f64::INFINITY, mean + 3.0 * deviation),
            _ => (options.number("psi_warn"), options.number("psi_drift")),
        };
        let edges: Vec<String> = base
            .edges()
            .iter()
            .map(|edge| format!("{edge:?}"))
            .collect();
        let edges = format!("[{}]", edges.join(", "));
        let own = *base.moments();
        let spread = own.deviation.filter(|deviation| *deviation > 0.0);
        let constant = own.deviation.is_none_or(|deviation| deviation == 0.0);
        periods
            .iter()
            .map(|part| {
                let sorted = self.sorted(part, sorter);
                let moments = Moments::of(&sorted);
                let distance = base.distance(&sorted);
                let scaled = |value: Option<f64>| value.zip(spread).map(|(value, by)| value / by);
                let shift = moments.mean.zip(own.mean).map(|(now, base)| now - base);
                let (status, reason) = match &distance {
                    None if own.n == 0 => ("no data", "the baseline has no value".to_owned()),
                    None => ("no data", "the period has no value".to_owned()),
                    Some(found) if constant && found.ks > 0.0 => (
                        "drift",
                        "constant in the baseline, and no longer".to_owned(),
                    ),
                    Some(found) if found.psi >= drift => {
                        ("drift", format!("PSI {:.3}, {drift:.3} or more", found.psi))
                    }
                    Some(found) if found.psi >= warn => {
                        ("warn", format!("PSI {:.3}, {warn:.3} or more", found.psi))
                    }
                    Some(_) => ("ok", String::new()),
                };
                Line {
                    period: part.number,
                    rows: part.rows.len(),
                    scaled: scaled(distance.map(|d| d.wasserstein)),
                    mean_shift: scaled(shift),
                    std_ratio: scaled(moments.deviation),
                    moments,
                    distance,
                    ic: self.ic(part),
                    ic_baseline,
                    edges: edges.clone(),
                    status,
                    reason,
                    n_baseline: own.n,
                    rows_baseline: self.base.rows.len(),
                }
            })
            .collect()
    }
}

fn to_rows(names: &[String], lines: &[Vec<Line>]) -> Value {
    let all = || lines.iter().flatten();
    let named = || names.iter().zip(lines);
    let double = |of: fn(&Line) -> Option<f64>| Column::Double(all().map(of).collect());
    let of_distance = |of: fn(&Distance) -> f64| {
        Column::Double(all().map(|line| line.distance.as_ref().map(of)).collect())
    };
    let integer = |of: fn(&Line) -> i64| Column::Integer(all().map(|l| Some(of(l))).collect());
    let missing = |n: usize, rows: usize| (rows > 0).then(|| 1.0 - n as f64 / rows as f64);
    let features = named().flat_map(|(name, lines)| lines.iter().map(move |_| Some(name.clone())));
    Value::Rows(vec![
        Column::Text(features.collect()),
        integer(|line| line.period),
        integer(|line| line.moments.n as i64),
        Column::Double(all().map(|l| missing(l.moments.n, l.rows)).collect()),
        of_distance(|distance| distance.psi),
        of_distance(|distance| distance.ks),
        of_distance(|distance| distance.ks_p_value),
        of_distance(|distance| distance.js),
        of_distance(|distance| distance.wasserstein),
        double(|line| line.scaled),
        double(|line| line.moments.mean),
        double(|line| line.moments.deviation),
        double(|line| line.mean_shift),
        double(|line| line.std_ratio),
        double(|line| line.ic),
        double(|line| line.ic_baseline),
        Column::Text(all().map(|line| Some(line.edges.clone())).collect()),
        Column::Text(all().map(|line| Some(line.status.to_owned())).collect()),
        Column::Text(all().map(|line| Some(line.reason.clone())).collect()),
        integer(|line| line.n_baseline as i64),
        Column::Double(
            all()
                .map(|l| missing(l.n_baseline, l.rows_baseline))
                .collect(),
        ),
    ])
}
