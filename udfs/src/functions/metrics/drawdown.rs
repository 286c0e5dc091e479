//! Metrics of compounded returns, which need their order: `max_drawdown`,
//! `calmar`.

use serde::{Deserialize, Serialize};

use super::finite;
use super::returns::{OPTIONS, PERIODS_PER_YEAR, RETURNS};
use crate::definition::{Aggregate, Argument, Category, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::value::{Type, Value};

/// A metric of returns in order.
pub struct Compounded {
    signature: &'static Signature,
    finish: fn(&Path, &Options) -> Option<f64>,
}

/// The returns as (order, return), and the options as JSON text.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    returns: Vec<(f64, f64)>,
    options: Option<String>,
}

/// What the returns compound to.
struct Path {
    periods: f64,
    /// Wealth in the end, 1 at first.
    wealth: f64,
    /// The deepest fall from a peak, 0 or less.
    drawdown: f64,
}

const ORDER: Argument = Argument::required(
    "order",
    Kind::Moment,
    "the time of the return, each once: a date, a timestamp or a number",
);

const NULLS: &str = "A return that is NULL or NaN is left out; a NULL time and infinity are errors. NULL without a return.";

/// See the signature.
pub static MAX_DRAWDOWN: Compounded = Compounded {
    signature: &Signature {
        name: "max_drawdown",
        aliases: &[],
        category: Category::Evaluation,
        arguments: &[RETURNS, ORDER],
        options: &[],
        returns: Type::Double,
        nulls: NULLS,
        docs: "Deepest fall of compounded returns from a peak.\n\nThe least of wealth / highest wealth so far - 1, from -1 to 0 \
               (-0.2: a fifth was lost), where wealth starts at 1 and grows by 1 + return in the order of `order`, so that a \
               loss in the first period counts. empyrical's max_drawdown. Two returns of one time, and a return below -1, are \
               errors. Keeps 16 bytes per row.",
        example: "SELECT round(max_drawdown(r, t), 6) AS drawdown FROM (SELECT 1 AS t, 0.5 AS r UNION ALL SELECT 2, -0.2 \
                  UNION ALL SELECT 3, -0.1 UNION ALL SELECT 4, 0.3) x",
    },
    finish: |path, _| Some(path.drawdown),
};

/// See the signature.
pub static CALMAR: Compounded = Compounded {
    signature: &Signature {
        name: "calmar",
        aliases: &[],
        category: Category::Evaluation,
        arguments: &[RETURNS, ORDER, OPTIONS],
        options: &[PERIODS_PER_YEAR],
        returns: Type::Double,
        nulls: NULLS,
        docs: "Calmar ratio: compound growth by the deepest drawdown.\n\n(wealth^(periods_per_year / n) - 1) / |max_drawdown|: \
               growth per period unless periods_per_year is given (Young 1991). NULL without a drawdown. empyrical's \
               calmar_ratio is this with 252. Errors and memory as max_drawdown.",
        example: "SELECT round(calmar(r, t, {'periods_per_year': 4}), 6) AS calmar FROM (SELECT 1 AS t, 0.5 AS r UNION ALL \
                  SELECT 2, -0.2 UNION ALL SELECT 3, -0.1 UNION ALL SELECT 4, 0.3) x",
    },
    finish: |path, options| {
        let years = options.number("periods_per_year") / path.periods;
        let growth = path.wealth.powf(years) - 1.0;
        (path.drawdown < 0.0).then(|| growth / -path.drawdown)
    },
};

impl Aggregate for Compounded {
    type State = State;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        if let (None, Some(first)) = (&state.options, rows.first()) {
            let options = Options::parse(self.signature, &inputs.options(2, first)?)?;
            state.options = Some(options.to_json().to_string());
        }
        let name = self.signature.name;
        let (returns, order) = (inputs.numbers(0)?, &inputs.moments(1)?.numbers);
        for row in rows.iter() {
            let Some(earned) = finite(self.signature, 0, returns, row)? else {
                continue;
            };
            let Some(time) = finite(self.signature, 1, order, row)? else {
                let fix = "filter those rows out";
                return Err(Error::argument(name, "order", "NULL", fix));
            };
            if earned < -1.0 {
                let fix = "pass shares: no period loses more than everything (-1)";
                return Err(Error::argument(name, "returns", earned, fix));
            }
            state.returns.push((time, earned));
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
        }
        into.returns.extend_from_slice(&from.returns);
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(options) = state.options.as_ref().filter(|_| !state.returns.is_empty()) else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(self.signature.name, error.to_string()))?;
        let options = Options::parse(self.signature, &given)?;
        let mut returns = state.returns.clone();
        returns.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        if returns.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::data(
                self.signature.name,
                "two rows share an order value; aggregate returns to one per time first",
            ));
        }
        let (mut wealth, mut peak, mut drawdown) = (1.0_f64, 1.0_f64, 0.0_f64);
        for (_, earned) in &returns {
            wealth *= 1.0 + earned;
            peak = peak.max(wealth);
            drawdown = drawdown.min(wealth / peak - 1.0);
        }
        let path = Path {
            periods: returns.len() as f64,
            wealth,
            drawdown,
        };
        Ok((self.finish)(&path, &options).into())
    }

    fn size(&self, state: &State) -> usize {
        state.returns.capacity() * size_of::<(f64, f64)>()
    }
}
