//! `select_model`.

use super::backtest_signals::{COST, DEMEAN, POSITION, SCALE, rule_options};
use super::dates::{DATE, ENTITY, Uniqueness, dated_by, numbered};
use super::entity_order::{EntityOrder, PARTITION_BY};
use super::feature_rows::unnested;
use super::lagrange_select_model::{AGGREGATE, FIELDS};
use crate::call::{Call, Literal, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// The name, for the messages of the kernel too.
pub const NAME: &str = "select_model";

/// What candidates are compared by.
pub const METRICS: &[&str] = &[
    "rmse",
    "mae",
    "log_loss",
    "brier",
    "accuracy",
    "hit_rate",
    "ic",
    "rank_ic",
    "net_return",
];

/// How differences are tested.
pub const TESTS: &[&str] = &["diebold_mariano", "stationary_bootstrap", "block_bootstrap"];

/// See the signature.
pub struct SelectModel;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required(
            "tbl",
            Kind::Relation,
            "out-of-sample predictions: a row per candidate, time and entity",
        ),
        Argument::required("candidate", Kind::ColumnName, "which candidate predicted"),
        Argument::required("actual", Kind::ColumnName, "what happened"),
        Argument::required(
            "predicted",
            Kind::ColumnName,
            "what was predicted: a number, a class, or the probability of 1, as the metric takes it",
        ),
        Argument::optional(
            "champion",
            Kind::Text,
            "NULL",
            "the candidate in use, which stays unless another is better beyond doubt; NULL: there is none, and the best is taken",
        ),
        Argument::optional(
            "order_by",
            Kind::ColumnName,
            "NULL",
            "the time; must be passed",
        ),
        PARTITION_BY,
        Argument::optional(
            "metric",
            Kind::Text,
            "'rmse'",
            "rmse, mae; log_loss, brier (of probabilities); accuracy; hit_rate; ic, rank_ic (per time, across entities); \
             net_return (of positions, see backtest_signals)",
        ),
        Argument::optional(
            "forward_return",
            Kind::ColumnName,
            "NULL",
            "the return that follows the row's time, for `sharpe`, `dsr` and the metric net_return; NULL: none of them",
        ),
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "times that what is predicted looks ahead, at least 1: tests take horizon - 1 lags, positions are taken every so \
             many times",
        ),
        Argument::optional(
            "test",
            Kind::Text,
            "'diebold_mariano'",
            "diebold_mariano; stationary_bootstrap; block_bootstrap",
        ),
        Argument::optional(
            "level",
            Kind::Double,
            "0.05",
            "the adjusted p-value up to which a challenger replaces the champion",
        ),
        Argument::optional(
            "trials",
            Kind::Integer,
            "NULL",
            "how many models were tried to arrive at these, all of the tuning counted, at least as many as candidates; \
             NULL: the candidates",
        ),
        Argument::optional(
            "trials_deviation",
            Kind::Double,
            "NULL",
            "the standard deviation of the Sharpe ratios of all trials, per period; NULL: that of the candidates",
        ),
        Argument::optional(
            "blocks",
            Kind::Integer,
            "16",
            "parts of time for `pbo`, an even number from 2 to 20",
        ),
        Argument::optional(
            "max_pbo",
            Kind::Double,
            "0.5",
            "above this `pbo` no challenger replaces the champion; 1: it does not matter",
        ),
        Argument::optional(
            "min_dsr",
            Kind::Double,
            "0.0",
            "a challenger whose `dsr` is below this does not replace the champion; 0: it does not matter",
        ),
        COST,
        POSITION,
        DEMEAN,
        SCALE,
        Argument::optional(
            "block",
            Kind::Integer,
            "NULL",
            "bootstraps: times per block, or their mean; NULL: n^(1/3) rounded up, at least the horizon",
        ),
        Argument::optional(
            "draws",
            Kind::Integer,
            "2000",
            "bootstraps: samples, 100 to 1000000",
        ),
        Argument::optional(
            "seed",
            Kind::Integer,
            "42",
            "bootstraps: of the random numbers",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A time and entity for which a candidate has no row or no prediction (NULL or NaN) is left out of all candidates; one \
            whose actual value is missing is not scored, but takes positions, which do not know that yet. Both are counted in \
            `rows_skipped`. Infinity is an error. A relation without rows gives none.",
    docs: "Whether a challenger is better than the champion, or only was luckier: the winner and why.\n\n\
           All candidates are compared on the same rows: those that every one of them predicted. Per time the rows' scores are \
           averaged across entities (that keeps what entities share from counting twice), and the differences of these series \
           are tested. Returns one row per candidate:\n\
           - `candidate` (as it was), `is_champion` (BOOLEAN; without a champion the best by the metric stands in), `metric`;\n\
           - `value`: the mean over times of the metric of a time (rmse: the root of the mean squared error), and `difference`: \
           how much better than the champion's, in the metric's unit, positive being better;\n\
           - `statistic`, `p_value` (two-sided) of the mean difference in scores (squared errors for rmse), and `p_adjusted`, by \
           Holm's correction for all challengers. diebold_mariano: Newey and West's variance with horizon - 1 lags and the \
           small-sample correction of Harvey, Leybourne and Newbold (1997), against Student's t. stationary_bootstrap (Politis and \
           Romano 1994) and block_bootstrap (Künsch 1989) resample times in blocks, the same for both candidates. NULL where the \
           difference does not vary;\n\
           - `sharpe`, `dsr`: of the net returns of positions taken from the predictions, per period (see backtest_signals), and its \
           deflation by `trials` (see dsr); NULL without `forward_return`;\n\
           - `pbo`: the probability of backtest overfitting among the candidates, the same in every row: how often the best on \
           half of time is no better than the median on the other half, over all choices of `blocks` / 2 of `blocks` parts (Bailey, \
           Borwein, López de Prado and Zhu 2017), by the mean score, or the Sharpe ratio for net_return. NULL of one candidate or of \
           fewer than 2 · `blocks` times. Pass all that were tried: the losers are what it measures with;\n\
           - `periods` (BIGINT) times compared, `rows_used`, `rows_skipped` (BIGINT, times and entities that are scored, and that are not), `winner` (BOOLEAN) and `reason` (VARCHAR).\n\n\
           Predictions of several combinatorial paths (cpcv) are compared as they are with the path among `partition_by`: a time's \
           score is then the mean over its paths. A challenger wins if it is better, `p_adjusted` is at most `level`, `pbo` at most \
           `max_pbo` and `dsr` at least `min_dsr`; of several the best. Actual values that differ between candidates, and two rows of one \
           candidate and entity at one time are errors. Keeps 56 bytes per row. The predictions must be out of sample: what \
           trained a model flatters it, and no test sees that.",
    example: "SELECT candidate, round(value, 6) AS value, round(p_value, 6) AS p, winner FROM select_model(\
              '(SELECT m AS model, i AS ts, (i * 7) % 11 AS y, (i * 7) % 11 + m * ((i * 5) % 3 - 1) AS p \
              FROM range(60) r(i) CROSS JOIN range(1, 3) c(m))', 'model', 'y', 'p', '2', 'ts') ORDER BY candidate",
};

impl Table for SelectModel {
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
        let candidate = column("candidate")?;
        let (actual, predicted) = (column("actual")?, column("predicted")?);
        let metric = metric(call)?;
        let earned = match call.column("forward_return")? {
            Some(earned) => quote_name(&earned),
            None if metric == "net_return" => {
                let fix = "pass the column of the returns that follow, which net_return is made of";
                return Err(Error::argument(NAME, "forward_return", "NULL", fix));
            }
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        let options = options(call, metric)?;
        let rows = rows(call, &candidate, &actual, &predicted, &earned)?;
        let results = unnested(
            FIELDS
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .as_slice(),
            &format!(
                "{AGGREGATE}({DATE}, {ENTITY}, lagrange_candidate, lagrange_champion, lagrange_actual, \
                 lagrange_predicted, lagrange_return, {{{options}}})"
            ),
            "lagrange_rows",
        );
        let fields: Vec<&str> = FIELDS[1..].iter().map(|(name, _)| *name).collect();
        Ok(format!(
            "WITH lagrange_rows AS ({rows}), lagrange_results AS ({results}) \
             SELECT lagrange_name AS candidate, {} FROM lagrange_results JOIN ({}) AS lagrange_names \
             ON lagrange_results.\"number\" = lagrange_names.lagrange_candidate",
            fields.join(", "),
            numbered(call, &candidate, "lagrange_name", "lagrange_candidate")?
        ))
    }
}

fn metric(call: &Call<'_>) -> Result<&'static str> {
    match call.choices("metric", METRICS)?.as_deref() {
        Some([metric]) => Ok(metric),
        _ => Err(Error::argument(
            NAME,
            "metric",
            call.literal("metric"),
            format!("pass one of {}", METRICS.join(", ")),
        )),
    }
}

/// The inside of the options in SQL.
fn options(call: &Call<'_>, metric: &str) -> Result<String> {
    let test = call.choice("test", TESTS)?;
    let within = |name: &str, least: i64, most: i64| {
        let value = call.integer(name, least)?;
        if value <= most {
            return Ok(value);
        }
        let fix = format!("pass an integer from {least} to {most}");
        Err(Error::argument(NAME, name, value, fix))
    };
    let blocks = within("blocks", 2, 20)?;
    if blocks % 2 == 1 {
        let fix = "pass an even number: half of the blocks choose, half judge";
        return Err(Error::argument(NAME, "blocks", blocks, fix));
    }
    let given = |name: &str| *call.literal(name) != Literal::Null;
    let optional = |name: &str, value: Result<String>| {
        if given(name) {
            value
        } else {
            Ok("NULL".to_owned())
        }
    };
    let whole = |name: &str, most: i64| within(name, 1, most).map(|value| value.to_string());
    let champion = call.text("champion")?.unwrap_or_default();
    Ok(format!(
        "'metric': '{metric}', 'test': '{test}', 'champion': {}, 'level': {:?}, 'trials': {}, 'trials_deviation': {}, \
         'blocks': {blocks}, 'max_pbo': {:?}, 'min_dsr': {:?}, 'block': {}, 'draws': {}, 'seed': {}, 'has_returns': {}, {}",
        quote_text(champion),
        call.double("level", 0.0, 1.0)?,
        optional("trials", whole("trials", i64::MAX))?,
        optional(
            "trials_deviation",
            call.double("trials_deviation", 0.0, 1e6)
                .map(|x| format!("{x:?}"))
        )?,
        call.double("max_pbo", 0.0, 1.0)?,
        call.double("min_dsr", 0.0, 1.0)?,
        optional("block", whole("block", i64::from(u32::MAX)))?,
        within("draws", 100, 1_000_000)?,
        call.integer("seed", 0)?,
        given("forward_return"),
        rule_options(call)?,
    ))
}

/// The rows with their numbers. Two rows of a candidate, time and entity fail.
fn rows(
    call: &Call<'_>,
    candidate: &str,
    actual: &str,
    predicted: &str,
    earned: &str,
) -> Result<String> {
    let champion = match call.text("champion")? {
        Some(name) => format!(
            "CASE WHEN CAST({candidate} AS VARCHAR) = {} THEN 1 ELSE 0 END",
            quote_text(name)
        ),
        None => "0".to_owned(),
    };
    let mut order = EntityOrder::of(call)?;
    let items = format!(
        "CASE WHEN {candidate} IS NOT NULL THEN dense_rank() OVER (ORDER BY {candidate}) END AS lagrange_candidate, \
         {champion} AS lagrange_champion, {actual} AS lagrange_actual, {predicted} AS lagrange_predicted, \
         {earned} AS lagrange_return"
    );
    let entity = order.partition.clone();
    order.partition.insert(0, candidate.to_owned());
    dated_by(call, &items, Uniqueness::OneRowPerEntity, &order, &entity)
}
