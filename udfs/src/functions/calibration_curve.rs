//! `calibration_curve` and the aggregate behind it.

use super::feature_rows::unnested;
use super::gather::numbers::{GatherNumbers, OverNumbers};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::calibration::{Bin, Strategy, calibration, expected_error};
use crate::value::{Column, Type, Value};

const NAME: &str = "calibration_curve";
const AGGREGATE: &str = "lagrange_calibration_curve";
const STRATEGIES: &[&str] = &["uniform", "quantile"];

/// See the signature.
pub struct CalibrationCurve;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "a row per prediction"),
        Argument::required(
            "actual",
            Kind::ColumnName,
            "what happened: 0 or 1, or a boolean",
        ),
        Argument::required(
            "probability",
            Kind::ColumnName,
            "the predicted probability of 1, from 0 to 1",
        ),
        Argument::optional("bins", Kind::Integer, "10", "bins at most, 1 to 10000"),
        Argument::optional(
            "strategy",
            Kind::Text,
            "'uniform'",
            "uniform: bins of equal width from 0 to 1; quantile: of equal frequency",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row in which either is NULL or NaN is counted in `rows_skipped`. Infinity is an error. A relation without rows \
            gives none.",
    docs: "Whether what was given a probability of 30 % happens in 30 % of cases.\n\n\
           Returns a row per bin that has rows, ascending: `bin` (BIGINT, from 1), `lower`, `upper` (its edges; a probability \
           on an edge is in the bin below it), `rows` (BIGINT), `predicted` (the mean probability), `observed` (the share of \
           1), `observed_low`, `observed_high` (Wilson's 95 % interval of that share, as if rows were independent), \
           `expected_calibration_error` (the mean of |observed - predicted| over rows, the same in every row), `rows_used`, \
           `rows_skipped` (BIGINT) and `status` (VARCHAR). scikit-learn's calibration_curve, whose quantiles are linearly \
           interpolated too. Without a complete row there is one row without a bin whose status says so. Keeps 16 bytes per \
           row.",
    example: "SELECT bin, rows, round(predicted, 6) AS predicted, round(observed, 6) AS observed FROM calibration_curve(\
              '(SELECT i % 3 = 0 AS up, (i % 10) / 10.0 AS p FROM range(60) r(i))', 'up', 'p', 5) ORDER BY bin",
};

impl Table for CalibrationCurve {
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
        let bins = call.integer("bins", 1)?;
        if bins > MOST_BINS {
            let fix = format!("pass an integer of at most {MOST_BINS}");
            return Err(Error::argument(NAME, "bins", bins, fix));
        }
        let strategy = call.choice("strategy", STRATEGIES)?;
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        Ok(unnested(
            &fields,
            &format!(
                "{AGGREGATE}({}, {}, {{'bins': {bins}, 'strategy': '{strategy}'}})",
                column("probability")?,
                column("actual")?
            ),
            &format!("{} AS lagrange_rows", call.relation()?),
        ))
    }
}

const MOST_BINS: i64 = 10_000;

const FIELDS: &[(&str, Type)] = &[
    ("bin", Type::Integer),
    ("lower", Type::Double),
    ("upper", Type::Double),
    ("rows", Type::Integer),
    ("predicted", Type::Double),
    ("observed", Type::Double),
    ("observed_low", Type::Double),
    ("observed_high", Type::Double),
    ("expected_calibration_error", Type::Double),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("status", Type::Text),
];

/// See the signature.
pub static CURVE: GatherNumbers<Curve> = GatherNumbers(Curve);

/// What is made of the rows.
pub struct Curve;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required(
            "probability",
            Kind::Number,
            "the predicted probability of 1",
        ),
        Argument::required("actual", Kind::Number, "what happened: 0 or 1"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "bins",
            accepts: Accepts::Integer(1, MOST_BINS),
            default: "10",
            docs: "bins at most",
        },
        OptionKey {
            name: "strategy",
            accepts: Accepts::Choice(STRATEGIES),
            default: "\"uniform\"",
            docs: "how probabilities are cut",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See calibration_curve. No row: NULL.",
    docs: "The rows of calibration_curve.\n\nKeeps 16 bytes per row.",
    example: "SELECT unnest(lagrange_calibration_curve(i / 10.0, i % 2, {'bins': 2})) AS row FROM range(10) r(i)",
};

impl OverNumbers for Curve {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value> {
        let [all, outcomes] = columns else {
            return Err(Error::internal(NAME, "two numbers were expected"));
        };
        let mut probability = Vec::with_capacity(all.len());
        let mut ones = Vec::with_capacity(all.len());
        for (&p, &actual) in all.iter().zip(outcomes) {
            if p.is_nan() || actual.is_nan() {
                continue;
            }
            if !(0.0..=1.0).contains(&p) {
                let fix = "pass a probability, from 0 to 1";
                return Err(Error::argument(NAME, "probability", p, fix));
            }
            if actual != 0.0 && actual != 1.0 {
                let fix = "pass 0 or 1, such as CAST(target > 0 AS INTEGER)";
                return Err(Error::argument(NAME, "actual", actual, fix));
            }
            probability.push(p);
            ones.push(actual == 1.0);
        }
        let strategy = match options.text("strategy") {
            "quantile" => Strategy::Quantile,
            _ => Strategy::Uniform,
        };
        let bins = calibration(
            &probability,
            &ones,
            options.integer("bins") as usize,
            strategy,
        );
        let status = match ones.first() {
            None => "no complete row",
            Some(first) if ones.iter().all(|one| one == first) => "ok, one class only",
            Some(_) => "ok",
        };
        let used = ones.len();
        Ok(table(&bins, used, all.len() - used, status))
    }
}

/// A row per bin; one without a bin if there is none.
fn table(bins: &[Bin], used: usize, skipped: usize, status: &str) -> Value {
    let found: Vec<Option<&Bin>> = match bins {
        [] => vec![None],
        bins => bins.iter().map(Some).collect(),
    };
    let double =
        |of: fn(&Bin) -> f64| Column::Double(found.iter().map(|bin| bin.map(of)).collect());
    let whole = |count: usize| Column::Integer(vec![Some(count as i64); found.len()]);
    let number = |bin: &Option<&Bin>| bin.map(|bin| bin.number as i64 + 1);
    let rows = |bin: &Option<&Bin>| Some(bin.map_or(0, |bin| bin.rows as i64));
    Value::Rows(vec![
        Column::Integer(found.iter().map(number).collect()),
        double(|bin| bin.lower),
        double(|bin| bin.upper),
        Column::Integer(found.iter().map(rows).collect()),
        double(|bin| bin.predicted),
        double(|bin| bin.observed),
        double(|bin| bin.interval().0),
        double(|bin| bin.interval().1),
        Column::Double(vec![expected_error(bins); found.len()]),
        whole(used),
        whole(skipped),
        Column::Text(vec![Some(status.to_owned()); found.len()]),
    ])
}
