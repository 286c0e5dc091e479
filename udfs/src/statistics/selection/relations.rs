//! How candidates relate to each other and to the target.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::{Refusal, Sample};
use crate::input::{Numbers, Rows};
use crate::statistics::cross_moments::CrossMoments;
use crate::statistics::pair_moments::PairMoments;

/// Rows that are gathered before they are multiplied.
const BLOCK_ROWS: usize = 2048;
/// Moments that are held at once to use all threads, in values of a matrix.
const HELD: usize = 1 << 24;

/// Moments of all pairs of so many columns, pairwise-complete, whose values
/// `value` has by column and row. The rows are cut by their number alone, so any
/// number of threads gives the same digits.
pub fn cross_moments(
    columns: usize,
    rows: &[u32],
    value: impl Fn(usize, u32) -> f64 + Sync,
) -> Result<CrossMoments, Refusal> {
    let parts = (HELD / (columns * columns).max(1)).clamp(1, 8);
    let part_rows = rows.len().div_ceil(parts).max(BLOCK_ROWS);
    let parts: Vec<CrossMoments> = rows
        .par_chunks(part_rows)
        .map(|rows| {
            let mut moments = CrossMoments::new(columns);
            let mut gathered = vec![Vec::with_capacity(BLOCK_ROWS); columns];
            for block in rows.chunks(BLOCK_ROWS) {
                for (i, gathered) in gathered.iter_mut().enumerate() {
                    gathered.clear();
                    gathered.extend(block.iter().map(|&row| value(i, row)));
                }
                let numbers: Vec<Numbers<'_>> = gathered
                    .iter()
                    .map(|values| Numbers::new(values.as_slice(), None))
                    .collect();
                let numbers: Vec<&Numbers<'_>> = numbers.iter().collect();
                moments.update(&numbers, Rows::All(block.len()))?;
            }
            moments.flush()?;
            Ok(moments)
        })
        .collect::<Result<_, _>>()
        .map_err(refusal)?;
    merged(columns, &parts)
}

/// [`cross_moments`] of columns in one piece.
pub fn cross_moments_of(columns: &[&[f64]], rows: &[u32]) -> Result<CrossMoments, Refusal> {
    cross_moments(columns.len(), rows, |i, row| columns[i][row as usize])
}

/// The moments of the rows of all `parts`.
pub fn merged<'m>(
    columns: usize,
    parts: impl IntoIterator<Item = &'m CrossMoments>,
) -> Result<CrossMoments, Refusal> {
    let mut all = CrossMoments::new(columns);
    for part in parts {
        all.merge(part).map_err(refusal)?;
    }
    Ok(all)
}

fn refusal(infinite: crate::statistics::cross_moments::Infinite) -> Refusal {
    Refusal::Infinite(infinite.0)
}

/// |r| of each candidate with the target, in the rows in which it is present;
/// `None` where it, or the target there, is constant.
pub fn relevances(sample: &Sample<'_>) -> Vec<Option<f64>> {
    (0..sample.columns.len())
        .into_par_iter()
        .map(|feature| {
            let both = sample.values(feature).zip(&sample.rows);
            let (values, target): (Vec<f64>, Vec<f64>) = both
                .filter(|(value, _)| !value.is_nan())
                .map(|(value, &row)| (value, sample.target[row as usize]))
                .unzip();
            PairMoments::of(&values, &target)
                .correlation()
                .map(f64::abs)
        })
        .collect()
}

/// `features` by falling relevance, then by their order; those without one last.
pub fn by_relevance(features: &[usize], relevance: &[Option<f64>]) -> Vec<usize> {
    let mut order = features.to_vec();
    // Numbers that are not negative sort as their bits do.
    order.sort_by_key(|&i| (Reverse(relevance[i].map(f64::to_bits)), i));
    order
}

/// The one of `selected` with which a candidate shares most, if that is more
/// than `least`; `shared` is a strength per selected one.
pub fn absorbed_by(
    selected: impl IntoIterator<Item = usize>,
    shared: impl Fn(usize) -> f64,
    least: f64,
) -> Option<usize> {
    let mut most: Option<(f64, usize)> = None;
    for other in selected {
        let strength = shared(other);
        if strength > most.map_or(least, |most| most.0) {
            most = Some((strength, other));
        }
    }
    most.map(|most| most.1)
}
