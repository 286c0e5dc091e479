//! Features that say the same are measured together: shuffling one of them
//! costs a model little, because the others stand in for it (López de Prado,
//! Machine Learning for Asset Managers, 2020, section 6.5).

use super::linear::triangle;
use super::{Sample, Unit};

/// A column whose spread is this small against its size is constant.
const CONSTANT_TOLERANCE: f64 = 1e-14;

/// The features in clusters, ordered by their first feature. Greedy: the feature
/// with the largest |correlation| with the target that is in no cluster begins
/// one and takes every free feature whose |correlation| with it is above
/// `limit`; clusters are numbered in that order. Ties go to the earlier feature.
pub(super) fn of(sample: &Sample<'_>, rows: &[u32], limit: f64) -> Vec<Unit> {
    // The columns of R, without the mean's part, have the products of the
    // centred columns of [X y].
    let factor = triangle(sample, rows).factor();
    let count = sample.columns.len();
    let directions: Vec<Option<Vec<f64>>> = (1..count + 2)
        .map(|j| {
            let column: Vec<f64> = (1..=j).map(|i| factor[(i, j)]).collect();
            let length = column.iter().copied().fold(0.0, f64::hypot);
            let constant = length <= CONSTANT_TOLERANCE * length.hypot(factor[(0, j)]);
            (!constant).then(|| column.iter().map(|x| x / length).collect())
        })
        .collect();
    // The shorter of two columns ends where its zeros begin.
    let correlation = |i: usize, j: usize| match (&directions[i], &directions[j]) {
        (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs(),
        _ => 0.0,
    };
    let mut anchors: Vec<usize> = (0..count).collect();
    let relevance: Vec<f64> = anchors.iter().map(|&i| correlation(i, count)).collect();
    anchors.sort_by(|&a, &b| relevance[b].total_cmp(&relevance[a]));
    let mut taken = vec![false; count];
    let mut units = Vec::new();
    for anchor in anchors {
        if taken[anchor] {
            continue;
        }
        let joins = |i: &usize| !taken[*i] && (*i == anchor || correlation(*i, anchor) > limit);
        let features: Vec<usize> = (0..count).filter(joins).collect();
        for &feature in &features {
            taken[feature] = true;
        }
        units.push(Unit {
            features,
            cluster: Some(units.len() + 1),
        });
    }
    units.sort_by_key(|unit| unit.features[0]);
    units
}
