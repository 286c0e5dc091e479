//! Metrics of predictions: `rmse`, `mae`, `r2`, `ic`, `rank_ic`, `hit_rate`.

use serde::{Deserialize, Serialize};

use crate::definition::{Aggregate, Argument, Category, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::statistics::pair_moments::PairMoments;
use crate::statistics::ranks::average_ranks;
use crate::value::{Type, Value};

const ARGUMENTS: &[Argument] = &[
    Argument::required("actual", Kind::Number, "what happened"),
    Argument::required(
        "predicted",
        Kind::Number,
        "what was predicted, in the same unit",
    ),
];

const NULLS: &str =
    "A pair in which either is NULL or NaN is left out. Infinity is an error. NULL without a pair.";

const fn signature(name: &'static str, docs: &'static str, example: &'static str) -> Signature {
    Signature {
        name,
        aliases: &[],
        category: Category::Evaluation,
        arguments: ARGUMENTS,
        options: &[],
        returns: Type::Double,
        nulls: NULLS,
        docs,
        example,
    }
}

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
        let (actual, predicted) = pairs(self.signature.name, inputs, rows)?;
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

/// `rank_ic` keeps the pairs: 16 bytes per row.
pub struct RankIc;

/// See the signature.
pub static RANK_IC: RankIc = RankIc;

static RANK_IC_SIGNATURE: Signature = signature(
    "rank_ic",
    "Rank information coefficient.\n\nSpearman's correlation of prediction and outcome: Pearson's of the ranks, ties sharing \
     their average rank. Keeps 16 bytes per row. NULL where either is constant.",
    "SELECT rank_ic(a, p) AS rank_ic FROM (SELECT 1.0 AS a, 1.5 AS p UNION ALL SELECT 3.0, 3.0 UNION ALL SELECT 2.0, 4.0) t",
);

/// The pairs seen so far.
#[derive(Default, Serialize, Deserialize)]
pub struct Pairs {
    actual: Vec<f64>,
    predicted: Vec<f64>,
}

impl Aggregate for RankIc {
    type State = Pairs;

    fn signature(&self) -> &'static Signature {
        &RANK_IC_SIGNATURE
    }

    fn start(&self) -> Pairs {
        Pairs::default()
    }

    fn update(&self, state: &mut Pairs, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let (actual, predicted) = pairs(RANK_IC_SIGNATURE.name, inputs, rows)?;
        state.actual.extend(actual);
        state.predicted.extend(predicted);
        Ok(())
    }

    fn merge(&self, into: &mut Pairs, from: &Pairs) -> Result<()> {
        into.actual.extend_from_slice(&from.actual);
        into.predicted.extend_from_slice(&from.predicted);
        Ok(())
    }

    fn finish(&self, state: &Pairs) -> Result<Value> {
        let actual = average_ranks(&state.actual);
        let predicted = average_ranks(&state.predicted);
        Ok(PairMoments::of(&actual, &predicted).correlation().into())
    }

    fn size(&self, state: &Pairs) -> usize {
        (state.actual.capacity() + state.predicted.capacity()) * size_of::<f64>()
    }
}

/// The complete pairs of these rows.
fn pairs(function: &str, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut columns = (
        Vec::with_capacity(rows.len()),
        Vec::with_capacity(rows.len()),
    );
    let (actual, predicted) = (inputs.numbers(0)?, inputs.numbers(1)?);
    for row in rows.iter() {
        let (Some(a), Some(p)) = (actual.get(row), predicted.get(row)) else {
            continue;
        };
        for (value, argument) in [(a, ARGUMENTS[0].name), (p, ARGUMENTS[1].name)] {
            if value.is_infinite() {
                return Err(Error::argument(
                    function,
                    argument,
                    value,
                    "filter or replace infinite values (NULL is missing)",
                ));
            }
        }
        columns.0.push(a);
        columns.1.push(p);
    }
    Ok(columns)
}
