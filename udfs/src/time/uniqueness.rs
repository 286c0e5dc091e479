//! How much of a label is its own, where labels overlap (López de Prado,
//! Advances in Financial Machine Learning, 2018, chapter 4).

use super::labels::UNKNOWN;
use crate::statistics::sum::Sum;

/// The labels of one entity in bars: the entity's distinct times, in order.
#[derive(Debug, Clone, Default)]
pub struct Bars {
    /// How many bars there are.
    pub count: usize,
    /// The first and the last bar of each label, from 0, ascending.
    pub labels: Vec<(u32, u32)>,
    /// The row that each label is of, as it was passed.
    pub rows: Vec<u32>,
}

impl Bars {
    /// From the rows of an entity as positions of any scale: a row is a bar at
    /// its start, and covers every bar up to its end, [`UNKNOWN`] if it has no
    /// label.
    pub fn of(rows: &[(u32, u32)]) -> Self {
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_unstable_by_key(|&row| (rows[row as usize], row));
        let mut bars: Vec<u32> = order.iter().map(|&row| rows[row as usize].0).collect();
        bars.dedup();
        // Starts ascend, so their bars are found by walking.
        let mut bar = 0;
        let mut found = Self {
            count: bars.len(),
            ..Self::default()
        };
        for row in order {
            let (start, end) = rows[row as usize];
            while bars[bar] < start {
                bar += 1;
            }
            if end != UNKNOWN {
                let last = bars.partition_point(|&time| time <= end).max(bar + 1) - 1;
                found.labels.push((bar as u32, last as u32));
                found.rows.push(row);
            }
        }
        found
    }

    /// How many labels cover each bar.
    pub fn concurrency(&self) -> Vec<u32> {
        let mut change = vec![0_i64; self.count + 1];
        for &(first, last) in &self.labels {
            change[first as usize] += 1;
            change[last as usize + 1] -= 1;
        }
        let running = change[..self.count].iter().scan(0, |covering, change| {
            *covering += change;
            Some(*covering as u32)
        });
        running.collect()
    }

    /// Each label's average uniqueness (section 4.4): the mean over its bars of
    /// one by the number of labels that cover the bar, from 0 to 1.
    pub fn uniqueness(&self) -> Vec<f64> {
        let shares = self.concurrency();
        let shares = shares.iter().map(|&covering| match covering {
            0 => 0.0,
            _ => 1.0 / f64::from(covering),
        });
        let sums = RunningSum::of(shares);
        let mean = |&(first, last): &(u32, u32)| {
            sums.between(first as usize, last as usize + 1) / f64::from(last - first + 1)
        };
        self.labels.iter().map(mean).collect()
    }
}

/// Weights that decay linearly over the accumulated uniqueness (section 4.7):
/// the newest label weighs 1, the oldest would weigh `last`. A negative `last`
/// gives no weight to the oldest -`last` of the whole.
pub fn time_decay(uniqueness: &[f64], last: f64) -> Vec<f64> {
    let sums = RunningSum::of(uniqueness.iter().copied());
    let whole = sums.between(0, uniqueness.len());
    let slope = match last {
        last if last >= 0.0 => (1.0 - last) / whole,
        last => 1.0 / ((last + 1.0) * whole),
    };
    let weight = |i: usize| {
        let newer = sums.between(i + 1, uniqueness.len());
        (1.0 - slope * newer).max(0.0)
    };
    (0..uniqueness.len()).map(weight).collect()
}

/// Sums of any range of a series: of all before each place.
struct RunningSum(Vec<Sum>);

impl RunningSum {
    fn of(series: impl ExactSizeIterator<Item = f64>) -> Self {
        let mut sums = Vec::with_capacity(series.len() + 1);
        let mut sum = Sum::default();
        sums.push(sum);
        for value in series {
            sum.add(value);
            sums.push(sum);
        }
        Self(sums)
    }

    fn between(&self, from: usize, to: usize) -> f64 {
        self.0[to].since(self.0[from])
    }
}

#[cfg(test)]
mod tests {
    use super::{Bars, time_decay};
    use crate::time::labels::UNKNOWN;

    /// The example of section 4.5.4: labels over bars 0 to 2, 2 to 3 and 4 to 5.
    pub const EXAMPLE: [(u32, u32); 6] = [
        (1, 3),
        (2, UNKNOWN),
        (3, 4),
        (4, UNKNOWN),
        (5, 6),
        (6, UNKNOWN),
    ];

    #[test]
    fn the_example_of_the_book() {
        let bars = Bars::of(&EXAMPLE);
        assert_eq!(bars.concurrency(), [1, 1, 2, 1, 1, 1]);
        assert_eq!(bars.rows, [0, 2, 4]);
        assert_eq!(bars.uniqueness(), [2.5 / 3.0, 0.75, 1.0]);
    }

    #[test]
    fn bars_are_the_entitys_own_times_in_any_order() {
        // The bars are at 3, 10 and 11; the label of 3 ends between them.
        let bars = Bars::of(&[(11, 11), (3, 10), (10, 40)]);
        assert_eq!(bars.labels, [(0, 1), (1, 2), (2, 2)]);
        assert_eq!(bars.rows, [1, 2, 0]);
        assert_eq!(bars.uniqueness(), [0.75, 0.5, 0.5]);
    }

    /// Sums by hand; the ranges of a long series do not lose digits.
    #[test]
    fn a_label_far_from_the_start_is_as_exact_as_the_first() {
        let rows: Vec<(u32, u32)> = (1..=300_000).map(|start| (start, start + 2)).collect();
        let found = Bars::of(&rows).uniqueness();
        assert!(
            found[2..299_995]
                .iter()
                .all(|&u| (u - 1.0 / 3.0).abs() < 1e-16)
        );
        assert!((found[0] - (1.0 + 0.5 + 1.0 / 3.0) / 3.0).abs() < 1e-16);
    }

    /// Snippet 4.11 by hand: the cumulated uniqueness is 0.8333,
    /// 1.5833, 2.5833.
    #[test]
    fn decay_runs_over_the_accumulated_uniqueness() {
        let u = [2.5 / 3.0, 0.75, 1.0];
        let whole = u[0] + u[1] + u[2];
        let close = |found: Vec<f64>, expected: [f64; 3]| {
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-15, "{found:?} {expected:?}");
            }
        };
        close(time_decay(&u, 1.0), [1.0, 1.0, 1.0]);
        let half = |sum: f64| 0.5 + 0.5 * sum / whole;
        close(time_decay(&u, 0.5), [half(u[0]), half(u[0] + u[1]), 1.0]);
        close(
            time_decay(&u, 0.0),
            [u[0] / whole, (u[0] + u[1]) / whole, 1.0],
        );
        // The oldest half weighs nothing.
        close(time_decay(&u, -0.5), [0.0, 1.0 - 2.0 * u[2] / whole, 1.0]);
    }
}
