//! Metrics that are means over pairs: `log_loss`, `brier`, `mape`,
//! `quantile_loss`.

use serde::{Deserialize, Serialize};

use super::{BINARY, NULLS, finite, is_one, of_arguments, probability, signature};
use crate::definition::{Aggregate, Argument, Category, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::statistics::sum::Sum;
use crate::value::{Type, Value};

/// The loss of a pair, with the third argument if there is one; `None`: the pair
/// does not count.
type OfPair = fn(&Signature, f64, f64, Option<f64>) -> Result<Option<f64>>;

/// A mean over pairs, in constant space.
pub struct Loss {
    signature: &'static Signature,
    of: OfPair,
}

/// The number of pairs and the sum of their losses.
#[derive(Default, Serialize, Deserialize)]
pub struct Losses {
    pairs: u64,
    sum: Sum,
}

/// See the signature.
pub static LOG_LOSS: Loss = Loss {
    signature: &of_arguments(
        "log_loss",
        BINARY,
        "Logarithmic loss of predicted probabilities.\n\nThe mean of -ln of the probability that was given to what \
         happened, in nats: 0 is perfect, ln 2 = 0.6931 what a coin says. Probabilities are kept 2^-52 away from 0 and 1, as \
         scikit-learn's log_loss does, so that one wrong certainty costs 36 and not infinity.",
        "SELECT log_loss(a, p) AS log_loss FROM (SELECT 1 AS a, 0.5 AS p UNION ALL SELECT 0, 0.5) t",
    ),
    of: |signature, actual, given, _| {
        let given = probability(signature, 1, given)?.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        let happened = is_one(signature, actual)?;
        Ok(Some(if happened {
            -given.ln()
        } else {
            -(-given).ln_1p()
        }))
    },
};

/// See the signature.
pub static BRIER: Loss = Loss {
    signature: &of_arguments(
        "brier",
        BINARY,
        "Brier score of predicted probabilities.\n\nThe mean of (probability - actual)², from 0 (perfect) to 1; 0.25 is \
         what a coin says (Brier 1950).",
        "SELECT brier(a, p) AS brier FROM (SELECT 1 AS a, 0.5 AS p UNION ALL SELECT 0, 0.25) t",
    ),
    of: |signature, actual, given, _| {
        is_one(signature, actual)?;
        let error = probability(signature, 1, given)? - actual;
        Ok(Some(error * error))
    },
};

/// See the signature.
pub static MAPE: Loss = Loss {
    signature: &signature(
        "mape",
        "Mean absolute percentage error, as a share.\n\nThe mean of |actual - predicted| / |actual|: 0.1 is ten percent. \
         Pairs whose actual value is 0 have no percentage and are left out; NULL where there are no others. For returns, \
         which lie around 0, it says little: take mae.",
        "SELECT mape(a, p) AS mape FROM (SELECT 2.0 AS a, 1.0 AS p UNION ALL SELECT 4.0, 5.0) t",
    ),
    of: |_, actual, predicted, _| {
        let share = (actual - predicted).abs() / actual.abs();
        Ok((actual != 0.0).then_some(share))
    },
};

/// See the signature.
pub static QUANTILE_LOSS: Loss = Loss {
    signature: &Signature {
        name: "quantile_loss",
        aliases: &["pinball_loss"],
        category: Category::Evaluation,
        arguments: &[
            Argument::required("actual", Kind::Number, "what happened"),
            Argument::required(
                "predicted",
                Kind::Number,
                "the predicted quantile, in the same unit",
            ),
            Argument::required("alpha", Kind::Number, "which quantile, from 0 to 1"),
        ],
        options: &[],
        returns: Type::Double,
        nulls: NULLS,
        docs: "Quantile (pinball) loss.\n\nIn units of the target: the mean of alpha · (actual - predicted) where the outcome \
               lies above the prediction, and (1 - alpha) · (predicted - actual) where it lies below (Koenker and Bassett \
               1978). The true quantile has the least; at 0.5 it is half the mean absolute error. Where alpha is NULL the \
               pair is left out.",
        example: "SELECT quantile_loss(a, p, 0.9) AS loss FROM (SELECT 1.0 AS a, 2.0 AS p UNION ALL SELECT 3.0, 2.0) t",
    },
    of: |signature, actual, predicted, alpha| {
        let Some(alpha) = alpha else {
            return Ok(None);
        };
        let alpha = probability(signature, 2, alpha)?;
        let error = actual - predicted;
        Ok(Some(if error > 0.0 {
            alpha * error
        } else {
            (alpha - 1.0) * error
        }))
    },
};

impl Aggregate for Loss {
    type State = Losses;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> Losses {
        Losses::default()
    }

    fn update(&self, state: &mut Losses, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let (first, second) = (inputs.numbers(0)?, inputs.numbers(1)?);
        let third = match self.signature.arguments.len() {
            3 => Some(inputs.numbers(2)?),
            _ => None,
        };
        for row in rows.iter() {
            let a = finite(self.signature, 0, first, row)?;
            let b = finite(self.signature, 1, second, row)?;
            let c = match third {
                Some(column) => finite(self.signature, 2, column, row)?,
                None => None,
            };
            let (Some(a), Some(b)) = (a, b) else {
                continue;
            };
            if let Some(loss) = (self.of)(self.signature, a, b, c)? {
                if !loss.is_finite() {
                    let message = format!("the loss of {a} and {b} overflows");
                    return Err(Error::data(self.signature.name, message));
                }
                state.pairs += 1;
                state.sum.add(loss);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Losses, from: &Losses) -> Result<()> {
        into.pairs += from.pairs;
        into.sum.merge(from.sum);
        Ok(())
    }

    fn finish(&self, state: &Losses) -> Result<Value> {
        let mean = (state.pairs > 0).then(|| state.sum.total() / state.pairs as f64);
        Ok(mean.into())
    }

    fn size(&self, _: &Losses) -> usize {
        0
    }
}
