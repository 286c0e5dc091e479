//! Metrics that rank: `rank_ic`, `auc`, `pr_auc`. They keep the pairs, 16 bytes
//! per row.

use serde::{Deserialize, Serialize};

use super::{BINARY, is_one, of_arguments, pairs, signature};
use crate::definition::{Aggregate, Argument, Kind, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
use crate::statistics::binary_ranking::{average_precision, roc_area};
use crate::statistics::pair_moments::PairMoments;
use crate::statistics::ranks::average_ranks;
use crate::value::Value;

/// A metric of all pairs.
pub struct Ranking {
    signature: &'static Signature,
    finish: fn(&Signature, &Pairs) -> Result<Option<f64>>,
}

/// The pairs seen so far.
#[derive(Default, Serialize, Deserialize)]
pub struct Pairs {
    actual: Vec<f64>,
    predicted: Vec<f64>,
}

const SCORED: &[Argument] = &[
    BINARY[0],
    Argument::required(
        "score",
        Kind::Number,
        "grows with the chance of 1: a probability or any other score",
    ),
];

/// See the signature.
pub static RANK_IC: Ranking = Ranking {
    signature: &signature(
        "rank_ic",
        "Rank information coefficient.\n\nSpearman's correlation of prediction and outcome: Pearson's of the ranks, ties sharing \
         their average rank. Keeps 16 bytes per row. NULL where either is constant.",
        "SELECT rank_ic(a, p) AS rank_ic FROM (SELECT 1.0 AS a, 1.5 AS p UNION ALL SELECT 3.0, 3.0 UNION ALL SELECT 2.0, 4.0) t",
    ),
    finish: |_, pairs| {
        let actual = average_ranks(&pairs.actual);
        let predicted = average_ranks(&pairs.predicted);
        Ok(PairMoments::of(&actual, &predicted).correlation())
    },
};

/// See the signature.
pub static AUC: Ranking = Ranking {
    signature: &of_arguments(
        "auc",
        SCORED,
        "Area under the receiver operating characteristic.\n\nThe chance that a row of 1 scores above a row of 0, ties \
         counting half: 1 is perfect, 0.5 what a coin says, 0 perfectly wrong (Hanley and McNeil 1982). NULL without both \
         kinds of rows. Keeps 16 bytes per row.",
        "SELECT auc(a, p) AS auc FROM (SELECT 1 AS a, 0.5 AS p UNION ALL SELECT 0, 0.25 UNION ALL SELECT 0, 0.75) t",
    ),
    finish: |signature, pairs| Ok(roc_area(&pairs.ones(signature)?, &pairs.predicted)),
};

/// See the signature.
pub static PR_AUC: Ranking = Ranking {
    signature: &of_arguments(
        "pr_auc",
        SCORED,
        "Average precision: the area under the precision-recall curve.\n\nThe sum over falling thresholds of the gain in \
         recall times the precision there, without interpolation, as scikit-learn's average_precision_score: 1 is perfect, \
         the share of 1 what a coin says. NULL without a row of 1. Keeps 16 bytes per row.",
        "SELECT pr_auc(a, p) AS pr_auc FROM (SELECT 1 AS a, 0.5 AS p UNION ALL SELECT 0, 0.25 UNION ALL SELECT 0, 0.75) t",
    ),
    finish: |signature, pairs| Ok(average_precision(&pairs.ones(signature)?, &pairs.predicted)),
};

impl Pairs {
    fn ones(&self, signature: &Signature) -> Result<Vec<bool>> {
        let actual = self.actual.iter();
        actual.map(|&actual| is_one(signature, actual)).collect()
    }
}

impl Aggregate for Ranking {
    type State = Pairs;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> Pairs {
        Pairs::default()
    }

    fn update(&self, state: &mut Pairs, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let (actual, predicted) = pairs(self.signature, inputs, rows)?;
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
        Ok((self.finish)(self.signature, state)?.into())
    }

    fn size(&self, state: &Pairs) -> usize {
        (state.actual.capacity() + state.predicted.capacity()) * size_of::<f64>()
    }
}
