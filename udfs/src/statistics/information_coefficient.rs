//! Information coefficients: correlations of a feature with a target in groups
//! of rows, such as the dates of a panel, and what is made of their series.
//!
//! What depends on the target only is computed once and shared by all features.

pub mod sorted;

use crate::statistics::group_ranks::Ranker;
use crate::statistics::groups::Groups;
use crate::statistics::lanes;
use crate::statistics::newey_west::{newey_west_mean, newey_west_mean_at};
use crate::statistics::normal::normal_two_sided;

/// Pairs that a group must have for a coefficient.
pub const LEAST_PAIRS: usize = 3;

/// A target in groups: the rows in which it is present, with its deviations and
/// ranks per group. 28 bytes per row.
#[derive(Debug, Clone, Default)]
pub struct GroupedTarget {
    rows: Vec<u32>,
    groups: Vec<TargetGroup>,
    values: Vec<f64>,
    deviations: Vec<f64>,
    ranks: Vec<f64>,
}

#[derive(Debug, Clone)]
struct TargetGroup {
    end: usize,
    /// Sums of squared deviations of values and ranks; 0 for a constant.
    squares: f64,
    rank_squares: f64,
}

impl GroupedTarget {
    /// Of a column with NaN where the target is missing.
    pub fn of(target: &[f64], groups: &Groups) -> Self {
        let mut grouped = Self::default();
        let mut ranker = Ranker::default();
        for group in groups.iter() {
            let start = grouped.rows.len();
            let present = |row: &&u32| !target[**row as usize].is_nan();
            grouped.rows.extend(group.iter().filter(present));
            let rows = &grouped.rows[start..];
            grouped
                .values
                .extend(rows.iter().map(|&row| target[row as usize]));
            let values = &grouped.values[start..];
            let squares = centre(values, &mut grouped.deviations);
            let rank_squares = ranker.rank(values, &mut grouped.ranks);
            grouped.groups.push(TargetGroup {
                end: grouped.rows.len(),
                squares,
                rank_squares,
            });
        }
        grouped
    }

    /// Whether the target is missing in every row.
    pub fn is_missing(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The coefficients of a feature, and why groups have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coefficients {
    /// Pearson's, of the groups that have one, in the order of the groups.
    pub ic: Vec<f64>,
    /// Spearman's, of the same groups.
    pub rank_ic: Vec<f64>,
    /// The numbers of these groups.
    pub groups: Vec<u32>,
    /// Pairs of all groups, with a coefficient or not.
    pub pairs: u64,
    /// Groups with fewer than [`LEAST_PAIRS`] pairs.
    pub too_few: usize,
    /// Groups with enough pairs in which the feature is constant.
    pub constant_feature: usize,
    /// Groups with enough pairs in which the target is constant.
    pub constant_target: usize,
    /// Groups with enough pairs in which either is constant.
    pub constant: usize,
}

impl Coefficients {
    /// Groups without a coefficient.
    pub fn skipped(&self) -> usize {
        self.too_few + self.constant
    }
}

/// The coefficients of a feature, a column with NaN where it is missing, on the
/// pairs of each group in which both are present. A group with fewer than
/// [`LEAST_PAIRS`] pairs or with a constant side has none.
pub fn coefficients(feature: &[f64], target: &GroupedTarget) -> Coefficients {
    let mut found = Coefficients::default();
    let mut ranker = Ranker::default();
    let mut values: Vec<f64> = Vec::new();
    let (mut deviations, mut ranks) = (Vec::new(), Vec::new());
    let mut other = Vec::new();
    let (mut other_deviations, mut other_ranks) = (Vec::new(), Vec::new());
    let mut start = 0;
    for (number, group) in (0..).zip(&target.groups) {
        let range = start..group.end;
        start = group.end;
        values.clear();
        values.extend(
            target.rows[range.clone()]
                .iter()
                .map(|&row| feature[row as usize]),
        );
        let complete = !values.iter().any(|value| value.is_nan());
        if !complete {
            other.clear();
            let known = target.values[range.clone()].iter().zip(&values);
            other.extend(known.filter(|(_, value)| !value.is_nan()).map(|(y, _)| *y));
            values.retain(|value| !value.is_nan());
        }
        found.pairs += values.len() as u64;
        if values.len() < LEAST_PAIRS {
            found.too_few += 1;
            continue;
        }
        let (squares, rank_squares, y, y_ranks) = if complete {
            (
                group.squares,
                group.rank_squares,
                &target.deviations[range.clone()],
                &target.ranks[range],
            )
        } else {
            other_deviations.clear();
            other_ranks.clear();
            let squares = centre(&other, &mut other_deviations);
            let rank_squares = ranker.rank(&other, &mut other_ranks);
            (
                squares,
                rank_squares,
                other_deviations.as_slice(),
                other_ranks.as_slice(),
            )
        };
        deviations.clear();
        let own_squares = centre(&values, &mut deviations);
        let constant = [own_squares == 0.0, squares == 0.0];
        found.constant_feature += usize::from(constant[0]);
        found.constant_target += usize::from(constant[1]);
        if constant[0] || constant[1] {
            found.constant += 1;
            continue;
        }
        ranks.clear();
        let own_rank_squares = ranker.rank(&values, &mut ranks);
        found.ic.push(cosine(&deviations, own_squares, y, squares));
        let rank_ic = cosine(&ranks, own_rank_squares, y_ranks, rank_squares);
        found.rank_ic.push(rank_ic);
        found.groups.push(number);
    }
    found
}

/// What a series of coefficients says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SeriesSummary {
    /// The mean over groups.
    pub mean: Option<f64>,
    /// The standard deviation over groups (n - 1); `None` for one group.
    pub deviation: Option<f64>,
    /// Mean by deviation; `None` where the coefficients do not vary.
    pub ratio: Option<f64>,
    /// Mean by its standard error of Newey and West.
    pub t: Option<f64>,
    /// P(|Z| >= |t|) of the normal distribution.
    pub p: Option<f64>,
}

/// The coefficients of a feature in one line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Groups with a coefficient.
    pub groups: usize,
    /// Of Pearson's coefficients.
    pub ic: SeriesSummary,
    /// Of Spearman's coefficients.
    pub rank_ic: SeriesSummary,
    /// Lags of the standard errors: those asked for, at most groups - 1.
    pub newey_west_lags: usize,
    /// The share of groups whose `ic` has the sign of the mean `ic`; `None` if
    /// that is zero.
    pub hit_share: Option<f64>,
}

/// The summary of coefficients whose groups follow each other in time;
/// `newey_west_lags` is horizon - 1 for a target that looks `horizon` groups
/// ahead, which makes the series a moving average of that order.
pub fn summary(coefficients: &Coefficients, newey_west_lags: usize) -> Summary {
    let lags = newey_west_lags.min(coefficients.ic.len().saturating_sub(1));
    summary_by(coefficients, lags, |series| newey_west_mean(series, lags))
}

/// The same where groups were left out: `times` are those of all groups, in the
/// unit of the lags.
pub fn summary_at(coefficients: &Coefficients, times: &[u64], lags: usize) -> Summary {
    let times: Vec<u64> = coefficients
        .groups
        .iter()
        .map(|&group| times[group as usize])
        .collect();
    summary_by(coefficients, lags, |series| {
        newey_west_mean_at(series, &times, lags)
    })
}

fn summary_by(
    coefficients: &Coefficients,
    newey_west_lags: usize,
    mean_and_error: impl Fn(&[f64]) -> (f64, f64),
) -> Summary {
    let groups = coefficients.ic.len();
    let ic = summary_of(&coefficients.ic, &mean_and_error);
    let hits = |mean: f64| {
        let same = coefficients.ic.iter().filter(|ic| **ic * mean > 0.0);
        (mean != 0.0).then(|| same.count() as f64 / groups as f64)
    };
    Summary {
        groups,
        hit_share: ic.mean.and_then(hits),
        ic,
        rank_ic: summary_of(&coefficients.rank_ic, &mean_and_error),
        newey_west_lags,
    }
}

/// The summary of a feature's coefficients by date. Sort the rows into dates
/// once (`Groups`), prepare the target once, then call this for each feature.
pub fn by_date(feature: &[f64], target: &GroupedTarget, horizon: usize) -> Summary {
    summary(&coefficients(feature, target), horizon.saturating_sub(1))
}

/// The summary of a series in the order of time, such as of returns by date.
pub fn series_summary(series: &[f64], lags: usize) -> SeriesSummary {
    summary_of(series, |series| newey_west_mean(series, lags))
}

fn summary_of(series: &[f64], mean_and_error: impl Fn(&[f64]) -> (f64, f64)) -> SeriesSummary {
    if series.is_empty() {
        return SeriesSummary::default();
    }
    let n = series.len() as f64;
    let (mean, error) = mean_and_error(series);
    let mut summary = SeriesSummary {
        mean: Some(mean),
        ..SeriesSummary::default()
    };
    if series.len() > 1 {
        let squares: f64 = series.iter().map(|x| (x - mean).powi(2)).sum();
        // A spread that is only rounding of the coefficients is none.
        let deviation = (squares / (n - 1.0)).sqrt();
        let varies = deviation > 16.0 * f64::EPSILON;
        summary.deviation = Some(if varies { deviation } else { 0.0 });
        summary.ratio = varies.then(|| mean / deviation);
        summary.t = (varies && error > 0.0).then(|| mean / error);
        summary.p = summary.t.map(normal_two_sided);
    }
    summary
}

/// Appends the deviations of `values` from their mean, scaled if their squares
/// would overflow or vanish, and returns the sum of their squares; 0 if the
/// values are constant up to rounding of the mean.
fn centre(values: &[f64], deviations: &mut Vec<f64>) -> f64 {
    let start = deviations.len();
    let Some(&origin) = values.first() else {
        return 0.0;
    };
    let n = values.len() as f64;
    // Deviations from the first value are exact zeros in a constant column.
    let mean = origin + lanes::sum(values, |x| x - origin) / n;
    deviations.extend(values.iter().map(|x| x - mean));
    let deviations = &mut deviations[start..];
    let mut squares = lanes::sum(deviations, |d| d * d);
    let mut scale = 1.0;
    if !squares.is_normal() {
        scale = deviations.iter().fold(0.0, |most, d| d.abs().max(most));
        if scale == 0.0 || !scale.is_finite() {
            return 0.0;
        }
        deviations.iter_mut().for_each(|d| *d /= scale);
        squares = lanes::sum(deviations, |d| d * d);
    }
    let varies = (squares / n).sqrt() * scale > 16.0 * f64::EPSILON * mean.abs();
    if varies { squares } else { 0.0 }
}

/// The correlation of two columns of deviations with these sums of squares,
/// which are not 0.
pub(super) fn cosine(a: &[f64], a_squares: f64, b: &[f64], b_squares: f64) -> f64 {
    let product = lanes::product(a, b);
    let squares = a_squares * b_squares;
    // One root is exact where both are equal, as for ranks in the same order.
    let length = if squares.is_normal() {
        squares.sqrt()
    } else {
        a_squares.sqrt() * b_squares.sqrt()
    };
    (product / length).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{GroupedTarget, by_date, centre, coefficients};
    use crate::statistics::groups::Groups;

    const NAN: f64 = f64::NAN;

    #[test]
    fn groups_without_a_coefficient_are_counted_by_cause() {
        // Groups: complete; two pairs; constant feature; constant target; both.
        let group: Vec<f64> = (0..15).map(|row| f64::from(row / 3)).collect();
        let feature = [
            1.0, 2.0, 4.0, 1.0, NAN, 3.0, 5.0, 5.0, 5.0, 1.0, 2.0, 3.0, 0.1, 0.1, 0.1,
        ];
        let target = [
            3.0, 5.0, 6.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 7.0, 7.0, 7.0, 2.0, 2.0, 2.0,
        ];
        let position: Vec<f64> = (0..15).map(f64::from).collect();
        let groups = Groups::of(&group, &position);
        let target = GroupedTarget::of(&target, &groups);
        let found = coefficients(&feature, &target);
        // scipy.stats.pearsonr, SciPy 1.17.1.
        assert!((found.ic[0] - 0.928_571_428_571_428_5).abs() < 1e-15);
        assert_eq!(found.rank_ic, [1.0]);
        assert_eq!(found.pairs, 14);
        assert_eq!((found.too_few, found.constant, found.skipped()), (1, 3, 4));
        assert_eq!((found.constant_feature, found.constant_target), (2, 2));

        let summary = by_date(&feature, &target, 5);
        assert_eq!((summary.groups, summary.newey_west_lags), (1, 0));
        assert_eq!((summary.ic.deviation, summary.ic.t), (None, None));
        assert_eq!(summary.hit_share, Some(1.0));
        let nothing = by_date(&[NAN; 15], &target, 1);
        assert_eq!(
            (nothing.groups, nothing.ic.mean, nothing.hit_share),
            (0, None, None)
        );
    }

    #[test]
    fn squares_neither_overflow_nor_vanish_nor_show_rounding() {
        let mut deviations = Vec::new();
        assert!((centre(&[1e200, 2e200, 3e200], &mut deviations) - 2.0).abs() < 1e-15);
        assert!((centre(&[1e-200, 2e-200, 3e-200], &mut deviations) - 2.0).abs() < 1e-15);
        assert_eq!(centre(&[1e15, 1e15 + 0.125, 1e15], &mut deviations), 0.0);
        assert_eq!(centre(&[0.1; 7], &mut deviations), 0.0);
        assert_eq!(centre(&[], &mut deviations), 0.0);
    }
}
