//! How fast a feature reshuffles the names of a cross-section: turnover of its
//! top group and autocorrelation of its ranks, as alphalens reports them.

use crate::statistics::group_ranks::Ranker;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::{LEAST_PAIRS, cosine};

/// Means over the dates that have them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Persistence {
    /// The share of the top group that is new in it.
    pub turnover: Option<f64>,
    /// Spearman's correlation of the feature now and one row earlier.
    pub rank_autocorrelation: Option<f64>,
}

/// Of a feature, a column with NaN where it is missing, in the groups of a
/// date; `previous` is each row's row before it of the same entity
/// (`Groups::earlier` of the entities), which lies on an earlier date.
///
/// The top group of a date are the values above the one that has
/// floor((1 - quantile)(n - 1)) of the n values before it in ascending order:
/// those above the linearly interpolated quantile, which pandas.qcut puts in the
/// last bin. Values equal to that one are all out, so ties make the group
/// smaller, never larger, than asked for. The turnover of a date is the share of
/// its top group that was not in the top group one row earlier, be it that it
/// had another value, a missing one or no row. It counts where the group is not
/// empty and some name has a value both now and one row earlier.
///
/// The autocorrelation of a date is taken over the names with both values; it
/// counts where there are three that are not constant at either time.
pub fn rank_persistence(
    feature: &[f64],
    dates: &Groups,
    previous: &[Option<u32>],
    quantile: f64,
) -> Persistence {
    let mut ranker = Ranker::default();
    let mut top = vec![false; feature.len()];
    let (mut turnovers, mut correlations) = (Mean::default(), Mean::default());
    let (mut values, mut ranks) = (Vec::new(), Vec::new());
    let (mut now, mut before) = (Vec::new(), Vec::new());
    let mut before_ranks = Vec::new();
    for rows in dates.iter() {
        let value = |row: u32| feature[row as usize];
        let earlier = |row: u32| {
            let value = previous[row as usize].map(value);
            value.filter(|value| !value.is_nan())
        };
        values.clear();
        now.clear();
        before.clear();
        for &row in rows {
            if value(row).is_nan() {
                continue;
            }
            values.push(value(row));
            if let Some(earlier) = earlier(row) {
                now.push(value(row));
                before.push(earlier);
            }
        }
        if values.is_empty() {
            continue;
        }
        ranks.clear();
        let mut squares = ranker.rank(&values, &mut ranks);
        let below = place_of_quantile(values.len(), quantile);
        let edge = ranker.place(below).map_or(f64::NAN, |place| values[place]);
        let (mut members, mut new) = (0, 0);
        for &row in rows {
            if value(row) > edge {
                top[row as usize] = true;
                members += 1;
                let was = previous[row as usize].is_some_and(|row| top[row as usize]);
                new += usize::from(!was);
            }
        }
        if members > 0 && !now.is_empty() {
            turnovers.add(new as f64 / members as f64);
        }
        if now.len() < LEAST_PAIRS {
            continue;
        }
        if now.len() < values.len() {
            ranks.clear();
            squares = ranker.rank(&now, &mut ranks);
        }
        before_ranks.clear();
        let before_squares = ranker.rank(&before, &mut before_ranks);
        if squares > 0.0 && before_squares > 0.0 {
            correlations.add(cosine(&ranks, squares, &before_ranks, before_squares));
        }
    }
    Persistence {
        turnover: turnovers.value(),
        rank_autocorrelation: correlations.value(),
    }
}

/// How many of `n` values, at least one, lie before the edge of the top group.
fn place_of_quantile(n: usize, quantile: f64) -> usize {
    let exact = (1.0 - quantile) * (n - 1) as f64;
    // 0.7 times 10 must not fall below 7.
    let whole = exact.round();
    if (exact - whole).abs() < 1e-12 * n as f64 {
        whole as usize
    } else {
        exact.floor() as usize
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::{place_of_quantile, rank_persistence};
    use crate::statistics::groups::Groups;

    const NAN: f64 = f64::NAN;

    /// Four names on three dates, row = 4 * date + name.
    fn persistence(feature: &[f64], quantile: f64) -> (Option<f64>, Option<f64>) {
        let dates: Vec<f64> = (0..feature.len()).map(|row| (row / 4) as f64).collect();
        let names: Vec<f64> = (0..feature.len()).map(|row| (row % 4) as f64).collect();
        let previous = Groups::of(&names, &dates).earlier(1, feature.len());
        let found = rank_persistence(feature, &Groups::of(&dates, &names), &previous, quantile);
        (found.turnover, found.rank_autocorrelation)
    }

    #[test]
    fn the_top_group_is_compared_with_one_row_earlier() {
        // Top halves: names 2 and 3; then 3 and 0, of which 0 is new; then 0 and 3.
        let feature = [1.0, 2.0, 3.0, 4.0, 3.5, 2.0, 3.0, 4.0, 4.0, 2.0, 2.5, 3.0];
        let (turnover, correlation) = persistence(&feature, 0.5);
        assert_eq!(turnover, Some(0.25));
        // Spearman: 0.4, then 0.8 (scipy.stats.spearmanr, SciPy 1.17.1).
        assert!((correlation.unwrap() - 0.6).abs() < 1e-15);
    }

    #[test]
    fn a_name_without_an_earlier_value_is_new_and_the_first_date_does_not_count() {
        let feature = [1.0, 2.0, 3.0, NAN, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(persistence(&feature, 0.25), (Some(1.0), Some(1.0)));
        assert_eq!(persistence(&feature[..4], 0.25), (None, None));
    }

    #[test]
    fn ties_make_the_group_smaller() {
        // Everything equal on the second date: no top group, no ranks.
        let feature = [1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 7.0, 7.0];
        assert_eq!(persistence(&feature, 0.5), (None, None));
        // Three share the top: none lies above the edge.
        let feature = [1.0, 2.0, 3.0, 4.0, 1.0, 7.0, 7.0, 7.0];
        assert_eq!(persistence(&feature, 0.5).0, None);
    }

    /// numpy.quantile's place, (1 - quantile)(n - 1), without its rounding.
    #[test]
    fn places_of_quantiles() {
        let places = [(1, 0.2), (5, 0.2), (6, 0.2), (11, 0.3), (1001, 0.1)];
        let found = places.map(|(n, quantile)| place_of_quantile(n, quantile));
        assert_eq!(found, [0, 3, 4, 7, 900]);
    }
}
