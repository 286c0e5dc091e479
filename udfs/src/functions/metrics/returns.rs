//! Ratios of returns: `sharpe`, `sortino`, `psr`, `dsr`, `min_track_record`.

use serde::{Deserialize, Serialize};

use super::finite;
use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::statistics::return_moments::ReturnMoments;
use crate::statistics::sharpe::{Sharpe, expected_best};
use crate::value::{Type, Value};

/// A ratio of moments, in constant space.
pub struct Ratio {
    signature: &'static Signature,
    finish: fn(&ReturnMoments, &Options) -> Option<f64>,
}

/// The moments, and the options as JSON text.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    moments: ReturnMoments,
    options: Option<String>,
    /// Below which a return is a shortfall.
    target: f64,
}

/// `returns`, then the options.
pub(super) const RETURNS: Argument = Argument::required(
    "returns",
    Kind::Number,
    "the return of a period, as a share: 0.01 is one percent",
);

pub(super) const OPTIONS: Argument =
    Argument::optional("options", Kind::Options, "NULL", "see the options");

pub(super) const PERIODS_PER_YEAR: OptionKey = OptionKey {
    name: "periods_per_year",
    accepts: Accepts::Number(1e-6, 1e9),
    default: "1",
    docs: "1: per period, as the returns are; 252: annualised from trading days",
};

const RISK_FREE: OptionKey = OptionKey {
    name: "risk_free",
    accepts: Accepts::Number(-1.0, 1.0),
    default: "0",
    docs: "the return of a period without risk, which is taken off",
};

const BENCHMARK: OptionKey = OptionKey {
    name: "benchmark",
    accepts: Accepts::Number(-1e6, 1e6),
    default: "0",
    docs: "the Sharpe ratio to exceed, per period: divide an annualised one by the root of the periods per year",
};

const NULLS: &str = "A return that is NULL or NaN is left out. Infinity is an error.";

const fn signature(
    name: &'static str,
    options: &'static [OptionKey],
    docs: &'static str,
    example: &'static str,
) -> Signature {
    Signature {
        name,
        aliases: &[],
        category: Category::Evaluation,
        arguments: &[RETURNS, OPTIONS],
        options,
        returns: Type::Double,
        nulls: NULLS,
        docs,
        example,
    }
}

/// See the signature.
pub static SHARPE: Ratio = Ratio {
    signature: &signature(
        "sharpe",
        &[PERIODS_PER_YEAR, RISK_FREE],
        "Sharpe ratio of a series of returns.\n\nThe mean of returns less `risk_free`, by their standard deviation (n - 1), \
         times √periods_per_year: per period unless that is given (Sharpe 1994). Annualising so takes the returns for \
         independent. NULL of fewer than two returns and where they are constant. empyrical's sharpe_ratio is this with 252.",
        "SELECT sharpe(r) AS per_period, sharpe(r, {'periods_per_year': 4}) AS per_year \
         FROM (SELECT 0.03 AS r UNION ALL SELECT 0.01 UNION ALL SELECT 0.05) t",
    ),
    finish: |moments, options| {
        let years = options.number("periods_per_year").sqrt();
        let mean = moments.mean - options.number("risk_free");
        let deviation = moments.deviation().filter(|deviation| *deviation > 0.0)?;
        Some(mean / deviation * years)
    },
};

/// See the signature.
pub static SORTINO: Ratio = Ratio {
    signature: &signature(
        "sortino",
        &[
            PERIODS_PER_YEAR,
            OptionKey {
                name: "target",
                accepts: Accepts::Number(-1.0, 1.0),
                default: "0",
                docs: "the return of a period below which it disappoints",
            },
        ],
        "Sortino ratio of a series of returns.\n\nThe mean of returns less `target`, by the root of the mean of squared \
         shortfalls below it (over all periods, n), times √periods_per_year: per period unless that is given (Sortino and \
         Price 1994). NULL without a shortfall. empyrical's sortino_ratio is this with 252.",
        "SELECT round(sortino(r), 6) AS sortino FROM (SELECT 0.03 AS r UNION ALL SELECT -0.01 UNION ALL SELECT 0.05) t",
    ),
    finish: |moments, options| {
        let years = options.number("periods_per_year").sqrt();
        let mean = moments.mean - options.number("target");
        let downside = (moments.shortfall / moments.n).sqrt();
        (downside > 0.0).then(|| mean / downside * years)
    },
};

/// See the signature.
pub static PSR: Ratio = Ratio {
    signature: &signature(
        "psr",
        &[BENCHMARK],
        "Probabilistic Sharpe ratio: the probability that the true ratio exceeds a benchmark.\n\nFrom 0 to 1: Φ((SR - \
         benchmark) √(n - 1) / √(1 - skewness · SR + (kurtosis - 1)/4 · SR²)), with SR per period (standard deviation n - 1) \
         and the sample's skewness and kurtosis, so that fat tails and short records prove less (Bailey and López de Prado, \
         Journal of Risk 15, 2012). A ratio of 1.14 against 1 over 250 normal returns gives 0.957. NULL where sharpe is.",
        "SELECT round(psr(r), 6) AS psr FROM (SELECT 0.03 AS r UNION ALL SELECT -0.01 UNION ALL SELECT 0.05) t",
    ),
    finish: |moments, options| sharpe(moments)?.probability_above(options.number("benchmark")),
};

/// See the signature.
pub static DSR: Ratio = Ratio {
    signature: &signature(
        "dsr",
        &[
            OptionKey {
                name: "trials",
                accepts: Accepts::Integer(1, i64::MAX),
                default: "1",
                docs: "how many strategies were tried, this one included: the rows of the table of trials",
            },
            OptionKey {
                name: "trials_deviation",
                accepts: Accepts::Number(0.0, 1e6),
                default: "0",
                docs: "the standard deviation of their Sharpe ratios, per period; needed of two or more trials",
            },
        ],
        "Deflated Sharpe ratio: psr against the best ratio to be expected of so many trials by luck.\n\nThe benchmark is \
         trials_deviation · ((1 - γ) Φ⁻¹(1 - 1/trials) + γ Φ⁻¹(1 - 1/(trials · e))), γ = 0.5772 (Bailey and López de Prado, \
         Journal of Portfolio Management 40, 2014). From 0 to 1; of one trial it is psr against 0. Inputs are per period. \
         NULL where sharpe is.",
        "SELECT round(dsr(r, {'trials': 20, 'trials_deviation': 0.2}), 6) AS dsr \
         FROM (SELECT 0.03 AS r UNION ALL SELECT -0.01 UNION ALL SELECT 0.05) t",
    ),
    finish: |moments, options| {
        let trials = options.integer("trials") as f64;
        let best = expected_best(trials, options.number("trials_deviation"));
        sharpe(moments)?.probability_above(best)
    },
};

/// See the signature.
pub static MIN_TRACK_RECORD: Ratio = Ratio {
    signature: &signature(
        "min_track_record",
        &[
            BENCHMARK,
            OptionKey {
                name: "confidence",
                accepts: Accepts::Number(0.5, 0.999_999),
                default: "0.95",
                docs: "the probability to reach",
            },
        ],
        "Minimum track record: periods until a Sharpe ratio is proven to exceed a benchmark.\n\nHow many periods psr needs \
         to reach `confidence` if ratio, skewness and kurtosis stay as they are (Bailey and López de Prado, Journal of Risk 15, \
         2012). A ratio of 1.14 against 1 with normal returns takes 228.73. NULL where sharpe is, and where it does not exceed \
         the benchmark: no record would do.",
        "SELECT round(min_track_record(r), 6) AS periods FROM (SELECT 0.03 AS r UNION ALL SELECT -0.01 UNION ALL SELECT 0.05) t",
    ),
    finish: |moments, options| {
        let confidence = options.number("confidence");
        sharpe(moments)?.minimum_track_record(options.number("benchmark"), confidence)
    },
};

fn sharpe(moments: &ReturnMoments) -> Option<Sharpe> {
    let deviation = moments.deviation().filter(|deviation| *deviation > 0.0)?;
    let (skewness, kurtosis) = moments.shape()?;
    Some(Sharpe {
        ratio: moments.mean / deviation,
        n: moments.n,
        skewness,
        kurtosis,
    })
}

impl Aggregate for Ratio {
    type State = State;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        if let (None, Some(first)) = (&state.options, rows.first()) {
            let options = Options::parse(self.signature, &inputs.options(1, first)?)?;
            if self
                .signature
                .options
                .iter()
                .any(|key| key.name == "target")
            {
                state.target = options.number("target");
            }
            refuse_trials(self.signature, &options)?;
            state.options = Some(options.to_json().to_string());
        }
        let returns = inputs.numbers(0)?;
        let mut values = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            values.extend(finite(self.signature, 0, returns, row)?);
        }
        state
            .moments
            .merge(&ReturnMoments::of(&values, state.target));
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
            into.target = from.target;
        }
        into.moments.merge(&from.moments);
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(options) = state.options.as_ref().filter(|_| state.moments.n > 0.0) else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(self.signature.name, error.to_string()))?;
        let options = Options::parse(self.signature, &given)?;
        Ok((self.finish)(&state.moments, &options).into())
    }

    fn size(&self, _: &State) -> usize {
        0
    }
}

/// Many trials that are said not to differ would deflate nothing.
fn refuse_trials(signature: &Signature, options: &Options) -> Result<()> {
    let has = signature.options.iter().any(|key| key.name == "trials");
    if has && options.integer("trials") > 1 && options.number("trials_deviation") == 0.0 {
        return Err(Error::argument(
            signature.name,
            "trials_deviation",
            "0",
            "pass the standard deviation of the trials' Sharpe ratios: stddev_samp(sharpe) over the table of trials",
        ));
    }
    Ok(())
}
