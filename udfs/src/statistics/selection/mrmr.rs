//! Minimum redundancy, maximum relevance: Peng, Long and Ding, "Feature
//! selection based on mutual information: criteria of max-dependency,
//! max-relevance, and min-redundancy", IEEE PAMI 27 (2005); with correlations:
//! Ding and Peng, "Minimum redundancy feature selection from microarray gene
//! expression data", J. Bioinformatics and Computational Biology 3 (2005).

use rayon::prelude::*;

use super::bins::{equal_frequency, mutual_information};
use super::relations::{absorbed_by, cross_moments_of};
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

/// Scores that differ by less, relatively if they are large, are equal: the
/// first column wins.
const ROUNDING: f64 = 1e-12;

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
            let rounding = ROUNDING * scores[best].abs().max(1.0);
            if scores[place] - scores[best] > rounding {
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
            Measure::Correlation => Self::Moments(cross_moments_of(&columns, &sample.rows)?),
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

/// Values of tests/python/select_features_reference.py (NumPy 2.4.6,
/// scikit-learn 1.9.1).
#[cfg(test)]
mod tests {
    use super::{Criterion, Measure, select};
    use crate::statistics::selection::testing::{Table, close};

    fn check(table: &Table, k: usize, how: (Criterion, Measure), order: &str, scores: &[f64]) {
        let verdicts = select(&table.sample(), k, how.0, how.1).unwrap();
        assert_eq!(table.order(&verdicts), order);
        close(&table.scores(&verdicts), scores);
    }

    #[test]
    fn searches_as_written_out_with_numpy() {
        let table = Table::reference(300, 1.0);
        check(
            &table,
            4,
            (Criterion::Difference, Measure::Correlation),
            "d c a b | e f",
            &[
                0.800_599_487_058_617_7,
                0.172_344_360_383_336_78,
                0.277_930_605_373_777_06,
                0.238_627_418_233_853_97,
                -0.055_351_857_053_747_42,
                -0.263_525_797_695_213_45,
            ],
        );
        check(
            &table,
            4,
            (Criterion::Quotient, Measure::Correlation),
            "d c b a | e f",
            &[
                0.800_599_487_058_617_7,
                38.988_473_851_206_38,
                2.203_371_213_861_469,
                2.350_367_240_256_033_6,
                0.374_966_786_721_334_43,
                0.265_119_827_959_932_6,
            ],
        );
    }

    #[test]
    fn pairs_are_complete_by_themselves() {
        let table = Table::reference(300, 1.0).with_gaps();
        check(
            &table,
            6,
            (Criterion::Difference, Measure::Correlation),
            "d c a b e f | ",
            &[
                0.800_599_487_058_617_7,
                0.172_344_360_383_336_78,
                0.251_451_248_727_432_74,
                0.204_594_082_809_095_88,
                -0.059_311_032_142_249_69,
                -0.187_415_343_797_763_7,
            ],
        );
        check(
            &table,
            4,
            (Criterion::Difference, Measure::MutualInformation(10)),
            "d c b a | e f",
            &[
                0.632_873_583_601_039_6,
                0.100_275_882_440_798_05,
                0.084_989_621_153_970_68,
                0.105_218_797_084_503_88,
                -0.154_470_532_869_853_68,
                -0.138_621_236_946_575_97,
            ],
        );
    }

    #[test]
    fn what_a_feature_repeats_is_named() {
        let table = Table::reference(300, 1.0);
        let found = select(
            &table.sample(),
            2,
            Criterion::Difference,
            Measure::Correlation,
        )
        .unwrap();
        let redundant: Vec<Option<usize>> = found.iter().map(|v| v.redundant_with).collect();
        // a follows d, and f follows c, more than the target.
        assert_eq!(redundant[0], Some(3));
        assert_eq!(redundant[5], Some(2));
        assert_eq!(redundant[3], None);
    }

    #[test]
    fn nothing_to_choose_has_a_status() {
        let mut table = Table::reference(300, 1.0);
        table.add("flat", vec![0.1; 300]);
        table.add("gone", vec![f64::NAN; 300]);
        let how = (Criterion::Difference, Measure::MutualInformation(10));
        let found = select(&table.sample(), 20, how.0, how.1).unwrap();
        assert_eq!((&*found[6].status, found[6].step), ("constant", None));
        assert_eq!((&*found[7].status, found[7].rows), ("no value", 0));
        assert_eq!(found.iter().filter(|v| v.step.is_some()).count(), 6);
        table.target = vec![0.3; 300];
        let found = select(&table.sample(), 20, how.0, Measure::Correlation).unwrap();
        assert!(found.iter().all(|v| v.status == "constant target"));
        let mut sample = table.sample();
        sample.rows.clear();
        let found = select(&sample, 20, how.0, Measure::Correlation).unwrap();
        assert!(found.iter().all(|v| v.status == "no rows"));
    }
}
