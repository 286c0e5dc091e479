//! Minimum redundancy, maximum relevance: Peng, Long and Ding, "Feature
//! selection based on mutual information: criteria of max-dependency,
//! max-relevance, and min-redundancy", IEEE PAMI 27 (2005); with correlations:
//! Ding and Peng, "Minimum redundancy feature selection from microarray gene
//! expression data", J. Bioinformatics and Computational Biology 3 (2005).

use rayon::prelude::*;

use super::bins::{equal_frequency, mutual_information};
use super::relations::{absorbed_by, cross_moments};
use super::{Refusal, Sample, Verdict};
use crate::statistics::cross_moments::CrossMoments;

/// How relevance and redundancy make one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Relevance less mean redundancy.
    Difference,
    /// Relevance over mean redundancy, which counts as [`LEAST_REDUNDANCY`] at
    /// least.
    Quotient,
}

/// Below this a smaller redundancy makes no better quotient.
pub const LEAST_REDUNDANCY: f64 = 1e-3;

impl Criterion {
    fn name(self) -> &'static str {
        match self {
            Self::Difference => "mid",
            Self::Quotient => "miq",
        }
    }

    fn score(self, relevance: f64, redundancy: f64) -> f64 {
        match self {
            Self::Difference => relevance - redundancy,
            Self::Quotient => relevance / redundancy.max(LEAST_REDUNDANCY),
        }
    }
}

/// How much two columns share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// |r|, pairwise-complete.
    Correlation,
    /// Of so many equal-frequency bins, in nats, pairwise-complete.
    MutualInformation(u8),
}

/// The `k` candidates that are chosen one by one, each with the best score
/// given those before it; the first by its relevance.
pub fn select(
    sample: &Sample<'_>,
    k: usize,
    criterion: Criterion,
    measure: Measure,
) -> Result<Vec<Verdict>, Refusal> {
    let count = sample.columns.len();
    let rows = |i: usize| sample.present(i);
    if let Some(status) = sample.hopeless() {
        let none = |i| Verdict::without(criterion.name(), rows(i), status);
        return Ok((0..count).map(none).collect());
    }
    let shared = Shared::of(sample, measure)?;
    let relevance: Vec<Option<f64>> = (0..count)
        .into_par_iter()
        .map(|i| match sample.is_constant(i) {
            true => None,
            false => shared.strength(i, count),
        })
        .collect();
    let mut verdicts: Vec<Verdict> = (0..count)
        .into_par_iter()
        .map(|i| {
            let status = match rows(i) {
                0 => "no value",
                _ if sample.is_constant(i) => "constant",
                _ if relevance[i].is_none() => "constant target",
                _ => "beyond k",
            };
            Verdict::without(criterion.name(), rows(i), status)
        })
        .collect();
    let mut left: Vec<(usize, f64)> = relevance
        .iter()
        .enumerate()
        .filter_map(|(i, relevance)| relevance.map(|relevance| (i, relevance)))
        .collect();
    // What each candidate shares with those selected: the sum, and each.
    let mut sums = vec![0.0; count];
    let mut strengths: Vec<Vec<f64>> = Vec::new();
    let mut selected: Vec<usize> = Vec::new();
    let score = |i: usize, relevance: f64, sums: &[f64], selected: usize| match selected {
        0 => relevance,
        n => criterion.score(relevance, sums[i] / n as f64),
    };
    while selected.len() < k && !left.is_empty() {
        let mut best = 0;
        let scores: Vec<f64> = left
            .iter()
            .map(|&(i, relevance)| score(i, relevance, &sums, selected.len()))
            .collect();
        for place in 1..left.len() {
            if scores[place] > scores[best] {
                best = place;
            }
        }
        let (chosen, _) = left.remove(best);
        selected.push(chosen);
        verdicts[chosen].step = Some(selected.len());
        verdicts[chosen].score = Some(scores[best]);
        verdicts[chosen].status = "ok".to_owned();
        // Candidates that never occur together are not known to share anything.
        let with_chosen: Vec<f64> = (0..count)
            .into_par_iter()
            .map(|i| match relevance[i] {
                Some(_) if i != chosen => shared.strength(i, chosen).unwrap_or(0.0),
                _ => 0.0,
            })
            .collect();
        for (sum, strength) in sums.iter_mut().zip(&with_chosen) {
            *sum += strength;
        }
        strengths.push(with_chosen);
    }
    for (i, relevance) in left {
        verdicts[i].score = Some(score(i, relevance, &sums, selected.len()));
        let place = absorbed_by(0..selected.len(), |place| strengths[place][i], relevance);
        verdicts[i].redundant_with = place.map(|place| selected[place]);
    }
    Ok(verdicts)
}

/// What pairs of columns share; the target follows the candidates.
enum Shared {
    Moments(CrossMoments),
    Bins(Vec<Vec<u8>>, u8),
}

impl Shared {
    fn of(sample: &Sample<'_>, measure: Measure) -> Result<Self, Refusal> {
        let columns: Vec<&[f64]> = (sample.columns.iter().copied())
            .chain([sample.target])
            .collect();
        Ok(match measure {
            Measure::Correlation => Self::Moments(cross_moments(&columns, &sample.rows)?),
            Measure::MutualInformation(bins) => {
                let binned = columns
                    .par_iter()
                    .map(|column| {
                        let values = sample.rows.iter().map(|&row| column[row as usize]);
                        equal_frequency(values, bins)
                    })
                    .collect();
                Self::Bins(binned, bins)
            }
        })
    }

    fn strength(&self, i: usize, j: usize) -> Option<f64> {
        match self {
            Self::Moments(moments) => moments.pair(i, j).correlation().map(f64::abs),
            Self::Bins(columns, bins) => mutual_information(&columns[i], &columns[j], *bins),
        }
    }
}
