//! `backtest_signals` and the aggregate behind it.

use super::dates::{DATE, ENTITY, TIME, Uniqueness, dated, times};
use super::feature_rows::unnested;
use super::gather::numbers::{GatherNumbers, OverNumbers};
use crate::call::{Call, Literal, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::backtest::{Panel, Period, Position, Rules, backtest};
use crate::value::{Column, Type, Value};

const NAME: &str = "backtest_signals";
const AGGREGATE: &str = "lagrange_backtest_signals";

/// The names of positions.
pub const POSITIONS: &[&str] = &["sign", "rank", "proportional"];

/// `position`.
pub const POSITION: Argument = Argument::optional(
    "position",
    Kind::Text,
    "'sign'",
    "sign: an equal share of the capital per name, long or short; rank: by rank among the names of the date, as much long \
     as short; proportional: in proportion to the prediction, all capital invested, or as `scale` says",
);

/// `demean`.
pub const DEMEAN: Argument = Argument::optional(
    "demean",
    Kind::Flag,
    "false",
    "whether the date's mean prediction is taken off first: what is predicted above the mean is bought",
);

/// `scale`.
pub const SCALE: Argument = Argument::optional(
    "scale",
    Kind::Double,
    "NULL",
    "proportional only: a prediction of 1 / scale or more takes the whole of a name's equal share of the capital; NULL: \
     all capital is invested whatever the size of the predictions",
);

/// `cost`.
pub const COST: Argument = Argument::optional(
    "cost",
    Kind::Double,
    "0.0",
    "what trading costs, as a share of what is bought or sold: 0.001 is ten basis points, 0 to 1",
);

/// The keys behind these arguments and the horizon.
pub const RULE_KEYS: [OptionKey; 5] = [
    OptionKey {
        name: "position",
        accepts: Accepts::Choice(POSITIONS),
        default: "\"sign\"",
        docs: "how predictions become positions",
    },
    OptionKey {
        name: "demean",
        accepts: Accepts::Flag,
        default: "false",
        docs: "whether the date's mean prediction is taken off",
    },
    OptionKey {
        name: "scale",
        accepts: Accepts::Number(0.0, 1e18),
        default: "null",
        docs: "of proportional positions",
    },
    OptionKey {
        name: "cost",
        accepts: Accepts::Number(0.0, 1.0),
        default: "0",
        docs: "share of what is traded",
    },
    OptionKey {
        name: "horizon",
        accepts: Accepts::Integer(1, u32::MAX as i64),
        default: "1",
        docs: "times that the return looks ahead",
    },
];

/// The values of [`RULE_KEYS`] as the inside of a struct in SQL.
pub fn rule_options(call: &Call<'_>) -> Result<String> {
    let position = call.choice("position", POSITIONS)?;
    let scale = match call.literal("scale") {
        Literal::Null => "NULL".to_owned(),
        _ if position != "proportional" => {
            let fix =
                "it is of proportional positions: leave it out, or pass position => 'proportional'";
            return Err(Error::argument(
                call.function(),
                "scale",
                call.literal("scale"),
                fix,
            ));
        }
        _ => format!("{:?}", call.double("scale", f64::MIN_POSITIVE, 1e18)?),
    };
    let horizon = call.integer("horizon", 1)?;
    if horizon > i64::from(u32::MAX) {
        let fix = format!("pass an integer of at most {}", u32::MAX);
        return Err(Error::argument(call.function(), "horizon", horizon, fix));
    }
    Ok(format!(
        "'position': '{position}', 'demean': {}, 'scale': {scale}, 'cost': {:?}, 'horizon': {horizon}",
        call.flag("demean")?,
        call.double("cost", 0.0, 1.0)?,
    ))
}

/// What [`rule_options`] says.
pub fn rules_of(options: &Options) -> Rules {
    let scale = options.number_or("scale", f64::NAN);
    Rules {
        position: match options.text("position") {
            "rank" => Position::Rank,
            "proportional" if scale.is_nan() => Position::Proportional,
            "proportional" => Position::Scaled(scale),
            _ => Position::Sign,
        },
        demean: options.flag("demean"),
        cost: options.number("cost"),
        horizon: options.integer("horizon") as usize,
    }
}

/// See the signature.
pub struct BacktestSignals;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "a row per prediction, in any order"),
        Argument::required(
            "prediction",
            Kind::ColumnName,
            "what was predicted at the row's time, and known then",
        ),
        Argument::required(
            "forward_return",
            Kind::ColumnName,
            "the simple return that follows the row's time, as a share and at least -1, such as the target that \
             shift_target adds",
        ),
        Argument::optional(
            "order_by",
            Kind::ColumnName,
            "NULL",
            "the time, unique within an entity; must be passed",
        ),
        Argument::optional(
            "partition_by",
            Kind::ColumnNames,
            "NULL",
            "the entity, such as the symbol; NULL: one entity",
        ),
        COST,
        POSITION,
        DEMEAN,
        SCALE,
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "times that the return looks ahead: positions are taken every so many times, so that no return is counted twice; must be passed where returns span several times",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row whose prediction is NULL or NaN has no position. A position whose return is missing earns 0, and the status \
            counts it: leaving it out would use what is only known later. A time at which no return is known is not traded. \
            Infinity is an error. A relation without rows gives none.",
    docs: "What positions taken from predictions would have earned, period by period.\n\n\
           An honest vectorised evaluation, not a simulation of a market. The position of a row comes from the predictions of \
           its time alone and earns the return of that row, which follows that time: nothing is earned before it is known. With \
           n predictions at a time, `sign` takes sign(prediction) / n; `rank` takes ranks (ties averaged) less their mean, and \
           `proportional` the predictions, both divided by the sum of absolute values (alphalens' factor_weights, there with \
           `demean`); with `scale` proportional takes prediction · scale, cut at ±1, by n. Absolute positions add up to 1 at \
           most. Returns a row per period: `time`, `rows_used` (rows with a prediction and a return), `rows_skipped` (BIGINT), \
           `long`, `short` (sums of positive and negative positions), `turnover` (sum of |position - position one period \
           earlier| over names, 2 for a complete turn from long to short), `gross_return` (sum of position · return), `cost` \
           (`cost` · turnover), `net_return`, `equity` (product of 1 + net_return, 1 at first), `drawdown` (equity by its \
           highest so far, less 1) and `status` (VARCHAR).\n\n\
           What it leaves out: positions are reset to their weights each period and trades to undo drift are not charged, nor \
           is closing the last position; fills at the prices of the returns, borrowing, financing, market impact, taxes and \
           dividends unless they are in the returns; cash earns nothing. Capital that falls to 0 stays there. Ratios of the whole: \
           sharpe(net_return), max_drawdown(net_return, time) and the like. Two rows of one entity at one time and a return below \
           -1 are errors. Keeps 32 bytes per row.",
    example: "SELECT \"time\", round(turnover, 6) AS turnover, round(net_return, 6) AS net_return, round(equity, 6) AS equity \
              FROM backtest_signals('(SELECT i % 2 AS symbol, (i - i % 2) / 2 AS ts, (i * 7) % 5 - 2 AS p, \
              0.01 * ((i * 5) % 7 - 3) AS r FROM range(12) r(i))', 'p', 'r', 'ts', 'symbol', 0.001) ORDER BY \"time\"",
};

impl Table for BacktestSignals {
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
        let items = format!(
            "{} AS lagrange_prediction, {} AS lagrange_return",
            column("prediction")?,
            column("forward_return")?
        );
        let options = rule_options(call)?;
        let rows = dated(call, &items, Uniqueness::OneRowPerEntity)?;
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let results = unnested(
            &fields,
            &format!(
                "{AGGREGATE}({DATE}, {ENTITY}, lagrange_prediction, lagrange_return, {{{options}}})"
            ),
            "lagrange_rows",
        );
        Ok(format!(
            "WITH lagrange_rows AS ({rows}), lagrange_results AS ({results}) SELECT {TIME} AS \"time\", {} \
             FROM lagrange_results JOIN ({}) AS lagrange_times ON lagrange_results.\"date\" = lagrange_times.{DATE}",
            fields[1..].join(", "),
            times(call)?
        ))
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("date", Type::Integer),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("long", Type::Double),
    ("short", Type::Double),
    ("turnover", Type::Double),
    ("gross_return", Type::Double),
    ("cost", Type::Double),
    ("net_return", Type::Double),
    ("equity", Type::Double),
    ("drawdown", Type::Double),
    ("status", Type::Text),
];

/// See the signature.
pub static BACKTEST: GatherNumbers<Backtest> = GatherNumbers(Backtest);

/// What is made of the rows.
pub struct Backtest;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("date", Kind::Number, "a number that grows with time"),
        Argument::required("entity", Kind::Number, "a number per entity"),
        Argument::required("prediction", Kind::Number, "what was predicted"),
        Argument::required("forward_return", Kind::Number, "the return that follows"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &RULE_KEYS,
    returns: Type::Rows(FIELDS),
    nulls: "See backtest_signals. No row: NULL.",
    docs: "The rows of backtest_signals.\n\nNo two rows share date and entity. Keeps 32 bytes per row.",
    example: "SELECT unnest(lagrange_backtest_signals(i, 1, i % 3 - 1, 0.01 * (i % 2), {'cost': 0.001})) AS row FROM range(4) r(i)",
};

impl OverNumbers for Backtest {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> usize {
        2
    }

    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value> {
        let [dates, entities, prediction, earned] = columns else {
            return Err(Error::internal(NAME, "four numbers were expected"));
        };
        refuse_losses(NAME, "forward_return", earned)?;
        let panel = Panel {
            dates,
            entities,
            prediction,
            earned,
        };
        Ok(table(&backtest(&panel, &rules_of(options))))
    }
}

/// Nothing loses more than everything.
pub fn refuse_losses(function: &str, argument: &str, earned: &[f64]) -> Result<()> {
    match earned.iter().find(|earned| **earned < -1.0) {
        Some(loss) => Err(Error::argument(
            function,
            argument,
            loss,
            "pass simple returns as shares: nothing loses more than everything (-1)",
        )),
        None => Ok(()),
    }
}

fn table(periods: &[Period]) -> Value {
    let double = |of: fn(&Period) -> Option<f64>| Column::Double(periods.iter().map(of).collect());
    let integer = |of: fn(&Period) -> usize| {
        let values = periods.iter().map(|period| Some(of(period) as i64));
        Column::Integer(values.collect())
    };
    let status = |period: &Period| {
        Some(match period {
            _ if period.equity == 0.0 => "the capital is lost".to_owned(),
            Period { gross: None, .. } => "no return is known: nothing is traded".to_owned(),
            Period { unpriced: 0, .. } => "ok".to_owned(),
            Period { unpriced, .. } => format!("ok, {unpriced} positions without a return earn 0"),
        })
    };
    Value::Rows(vec![
        integer(|period| period.date as usize),
        integer(|period| period.rows),
        integer(|period| period.skipped),
        double(|period| Some(period.long)),
        double(|period| Some(period.short)),
        double(|period| Some(period.turnover)),
        double(|period| period.gross),
        double(|period| Some(period.cost)),
        double(Period::net),
        double(|period| Some(period.equity)),
        double(|period| Some(period.drawdown)),
        Column::Text(periods.iter().map(status).collect()),
    ])
}
