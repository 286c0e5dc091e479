//! Metrics of the moments of pairs: `rmse`, `mae`, `r2`, `ic`, `hit_rate`.

use super::{pairs, signature};
use crate::definition::{Aggregate, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
use crate::statistics::pair_moments::PairMoments;
use crate::value::Value;

/// A metric of moments, in constant space.
pub struct Metric {
    signature: &'static Signature,
    finish: fn(&PairMoments) -> Option<f64>,
}

/// See the signature.
pub static RMSE: Metric = Metric {
    signature: &signature(
        "rmse",
        "Root mean squared error.\n\nIn units of the target: √(Σ(actual - predicted)² / n).",
        "SELECT rmse(a, p) AS rmse FROM (SELECT 1.0 AS a, 2.0 AS p UNION ALL SELECT 3.0, 3.0) t",
    ),
    finish: |m| Some((m.squared_error / m.n).sqrt()),
};

/// See the signature.
pub static MAE: Metric = Metric {
    signature: &signature(
        "mae",
        "Mean absolute error.\n\nIn units of the target: Σ|actual - predicted| / n.",
        "SELECT mae(a, p) AS mae FROM (SELECT 1.0 AS a, 2.0 AS p UNION ALL SELECT 3.0, 3.0) t",
    ),
    finish: |m| Some(m.absolute_error / m.n),
};

/// See the signature.
pub static R2: Metric = Metric {
    signature: &signature(
        "r2",
        "Coefficient of determination.\n\n1 - Σ(actual - predicted)² / Σ(actual - mean)²: 1 is perfect, 0 as good as the \
         mean of these rows, negative worse. NULL where the actual values are constant.",
        "SELECT r2(a, p) AS r2 FROM (SELECT 1.0 AS a, 1.5 AS p UNION ALL SELECT 3.0, 3.0) t",
    ),
    finish: |m| (m.squares[0] > 0.0).then(|| 1.0 - m.squared_error / m.squares[0]),
};

/// See the signature.
pub static IC: Metric = Metric {
    signature: &signature(
        "ic",
        "Information coefficient.\n\nPearson's correlation of prediction and outcome, from -1 to 1 (Grinold and Kahn, Active \
         Portfolio Management, 2nd ed., chapter 6). NULL where either is constant.",
        "SELECT ic(a, p) AS ic FROM (SELECT 1.0 AS a, 1.5 AS p UNION ALL SELECT 3.0, 3.0 UNION ALL SELECT 2.0, 2.5) t",
    ),
    finish: PairMoments::correlation,
};

/// See the signature.
pub static HIT_RATE: Metric = Metric {
    signature: &signature(
        "hit_rate",
        "Share of predictions with the right sign.\n\nFrom 0 to 1, among the pairs in which neither is zero: a zero is no \
         direction. NULL without such a pair.",
        "SELECT hit_rate(a, p) AS hit_rate FROM (SELECT 0.1 AS a, 0.2 AS p UNION ALL SELECT -0.1, 0.1) t",
    ),
    finish: |m| (m.signed > 0.0).then(|| m.hits / m.signed),
};

impl Aggregate for Metric {
    type State = PairMoments;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> PairMoments {
        PairMoments::default()
    }

    fn update(&self, state: &mut PairMoments, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let (actual, predicted) = pairs(self.signature, inputs, rows)?;
        state.merge(&PairMoments::of(&actual, &predicted));
        Ok(())
    }

    fn merge(&self, into: &mut PairMoments, from: &PairMoments) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn finish(&self, state: &PairMoments) -> Result<Value> {
        if state.n == 0.0 {
            return Ok(Value::Null);
        }
        Ok((self.finish)(state).into())
    }

    fn size(&self, _: &PairMoments) -> usize {
        0
    }
}
