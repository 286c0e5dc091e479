//! Mutual information of two columns, in nats: Kraskov's estimator by nearest
//! neighbours, equal-frequency bins, and classes. No estimate depends on the
//! order of the rows.

use rayon::prelude::*;

use super::neighbours::Neighbours;
use super::random::Random;

/// More classes than this are a continuous column, and a table of all pairs of
/// them would not fit.
pub const MOST_CLASSES: usize = 1000;

/// A column has more than [`MOST_CLASSES`] distinct values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooManyClasses {
    /// The first column, and how many.
    First(usize),
    /// The second column, and how many.
    Second(usize),
}

/// By how much tied values are told apart, in standard deviations.
const NOISE: f64 = 1e-10;

/// By Kraskov, Stögbauer and Grassberger's first estimator (Physical Review E 69,
/// 066138, 2004, equation 8) with the `k`-th nearest neighbour, each column
/// divided by its standard deviation; never below 0. `None` with `k` rows or
/// fewer; 0 if a column is constant.
///
/// With n_x(i) and n_y(i) the rows strictly closer to row i than its k-th
/// neighbour in x alone and in y alone:
/// ψ(k) + ψ(n) - mean of ψ(n_x + 1) + ψ(n_y + 1).
///
/// The formula is for columns without ties. Counting ties one way or the other
/// is no way out: on independent columns rounded to 0.05 standard deviations
/// every such rule finds some 0.3 nats. So ties are broken as in the paper and in
/// scikit-learn, by noise of 1e-10 standard deviations, which is the same every
/// time: a fixed sequence over the rows in the order of their values.
pub fn ksg(x: &[f64], y: &[f64], k: usize) -> Option<f64> {
    let n = x.len();
    if k == 0 || n <= k {
        return None;
    }
    // Sorted first, so that nothing depends on the order of the rows; adding 0
    // makes -0 equal to 0.
    let mut points: Vec<[f64; 2]> = x.iter().zip(y).map(|(x, y)| [x + 0.0, y + 0.0]).collect();
    points.par_sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    for (i, name) in ["x", "y"].into_iter().enumerate() {
        let (mean, deviation) = mean_and_deviation(&ascending(&points, i));
        if deviation == 0.0 {
            return Some(0.0);
        }
        let mut random = Random::stream(42, name, 0);
        for point in &mut points {
            let share = (random.bits() >> 11) as f64 / (1_u64 << 53) as f64;
            point[i] = (point[i] - mean) / deviation + NOISE * (share - 0.5);
        }
    }
    let columns = [ascending(&points, 0), ascending(&points, 1)];
    let neighbours = Neighbours::of(points);
    let arguments: Vec<[usize; 2]> = neighbours
        .points()
        .par_chunks(1024)
        .flat_map_iter(|chunk| {
            let mut nearest = Vec::new();
            let counts = |point: &[f64; 2]| {
                let radius = neighbours.distance(*point, k, &mut nearest);
                [0, 1].map(|i| closer(&columns[i], point[i], radius))
            };
            chunk.iter().map(counts).collect::<Vec<_>>()
        })
        .collect();
    // How often ψ of each number counts: the sum does not depend on the order.
    let mut times = vec![0_u64; n + 1];
    for count in arguments.into_iter().flatten() {
        times[count] += 1;
    }
    let counted = times.iter().enumerate().filter(|(_, times)| **times != 0);
    let sum: f64 = counted
        .map(|(number, times)| *times as f64 * digamma(number))
        .sum();
    Some((digamma(k) + digamma(n) - sum / n as f64).max(0.0))
}

fn ascending(points: &[[f64; 2]], i: usize) -> Vec<f64> {
    let mut values: Vec<f64> = points.iter().map(|point| point[i]).collect();
    values.par_sort_unstable_by(f64::total_cmp);
    values
}

/// The mean and the standard deviation (of the population) of an ascending
/// column; the latter is 0 if it is constant.
fn mean_and_deviation(ascending: &[f64]) -> (f64, f64) {
    let (Some(first), Some(last)) = (ascending.first(), ascending.last()) else {
        return (0.0, 0.0);
    };
    if first == last {
        return (*first, 0.0);
    }
    let n = ascending.len() as f64;
    let mean = first + ascending.iter().map(|value| value - first).sum::<f64>() / n;
    let squares: f64 = ascending.iter().map(|value| (value - mean).powi(2)).sum();
    // Values so close or so far that their squares vanish or overflow still have
    // an order.
    match (squares / n).sqrt() {
        spread if spread > 0.0 && spread.is_finite() => (mean, spread),
        _ => (mean, last - first),
    }
}

/// How many values of an ascending column are closer to `value`, which is one of
/// them, than `radius`.
fn closer(ascending: &[f64], value: f64, radius: f64) -> usize {
    let begin = ascending.partition_point(|other| value - other >= radius);
    let end = ascending.partition_point(|other| other - value < radius);
    // Itself at least, should even the noise coincide.
    end.saturating_sub(begin).max(1)
}

/// ψ(n) for a whole number of at least 1.
fn digamma(n: usize) -> f64 {
    /// Euler's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    if n < 20 {
        return (1..n).map(|i| 1.0 / i as f64).sum::<f64>() - GAMMA;
    }
    // DLMF 5.11.2; what is left out is below 1e-16.
    let x = n as f64;
    let y = 1.0 / (x * x);
    x.ln()
        - 0.5 / x
        - y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * (1.0 / 240.0 - y / 132.0))))
}

/// From the joint frequencies of equal-frequency bins of each column, see
/// [`Classes::of_bins`]; `None` without rows. The estimate of independent columns
/// is about (bins - 1)² / 2n, not 0.
pub fn binned(x: &[f64], y: &[f64], bins: usize) -> Option<f64> {
    Classes::of_bins(x, bins).information(&Classes::of_bins(y, bins))
}

/// From the joint frequencies of the distinct values; `None` without rows.
///
/// # Errors
/// A column with too many of them.
pub fn discrete(x: &[f64], y: &[f64]) -> Result<Option<f64>, TooManyClasses> {
    let x = Classes::of_values(x).map_err(TooManyClasses::First)?;
    let y = Classes::of_values(y).map_err(TooManyClasses::Second)?;
    Ok(x.information(&y))
}

/// A column as class numbers, so that a target is classed once for many features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    codes: Vec<u32>,
    count: usize,
}

impl Classes {
    /// Equal-frequency bins: the inner edges are the column's quantiles i/`bins`
    /// (interpolated linearly, Hyndman and Fan's type 7), each distinct one once,
    /// and a value's bin is the number of edges below it. Ties are never split,
    /// so a column with few distinct values has fewer bins.
    pub fn of_bins(values: &[f64], bins: usize) -> Self {
        let mut ascending = values.to_vec();
        ascending.sort_unstable_by(f64::total_cmp);
        let mut edges: Vec<f64> = Vec::with_capacity(bins);
        for i in 1..bins {
            let Some(steps) = ascending.len().checked_sub(1).map(|last| last * i) else {
                break;
            };
            // In whole numbers: where a quantile is a value, it is exactly that.
            let (below, part) = (ascending[steps / bins], steps % bins);
            let edge = match part {
                0 => below,
                _ => {
                    let share = part as f64 / bins as f64;
                    below * (1.0 - share) + ascending[steps / bins + 1] * share
                }
            };
            if edges.last().is_none_or(|last| *last < edge) {
                edges.push(edge);
            }
        }
        let code = |value: &f64| edges.partition_point(|edge| edge < value) as u32;
        Self {
            codes: values.iter().map(code).collect(),
            count: edges.len() + 1,
        }
    }

    /// Every distinct value a class.
    ///
    /// # Errors
    /// The number of distinct values, where there are more than [`MOST_CLASSES`].
    pub fn of_values(values: &[f64]) -> Result<Self, usize> {
        let mut distinct = values.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        // 0 and -0 are one value.
        distinct.dedup_by(|a, b| a == b);
        if distinct.len() > MOST_CLASSES {
            return Err(distinct.len());
        }
        let code = |value: &f64| distinct.partition_point(|other| other < value) as u32;
        Ok(Self {
            codes: values.iter().map(code).collect(),
            count: distinct.len(),
        })
    }

    /// [`of_counts`] of the pairs of classes; `None` without rows. `other` has as
    /// many rows.
    pub fn information(&self, other: &Self) -> Option<f64> {
        let mut joint = vec![0_u32; self.count * other.count];
        for (a, b) in self.codes.iter().zip(&other.codes) {
            joint[*a as usize * other.count + *b as usize] += 1;
        }
        of_counts(&joint, other.count)
    }
}

/// The information in joint frequencies, rows of `columns` one after the other:
/// Σ p(a, b) ln(p(a, b) / (p(a) p(b))) in nats, never below 0; `None` without a
/// count.
pub fn of_counts(joint: &[u32], columns: usize) -> Option<f64> {
    let by_row = || joint.chunks(columns.max(1));
    let sum = |row: &[u32]| row.iter().copied().map(u64::from).sum::<u64>();
    let rows: Vec<u64> = by_row().map(sum).collect();
    let mut of_columns = vec![0_u64; columns];
    for row in by_row() {
        for (column, count) in of_columns.iter_mut().zip(row) {
            *column += u64::from(*count);
        }
    }
    let n = rows.iter().sum::<u64>() as f64;
    if n == 0.0 {
        return None;
    }
    let mut sum = 0.0;
    for (row, in_row) in by_row().zip(&rows) {
        for (count, in_column) in row.iter().zip(&of_columns) {
            if *count > 0 {
                let count = f64::from(*count);
                let expected = *in_row as f64 * (*in_column as f64 / n);
                sum += count * (count / expected).ln();
            }
        }
    }
    // What is left of exact independence is rounding.
    let information = sum / n;
    Some(if information < f64::EPSILON {
        0.0
    } else {
        information
    })
}

#[cfg(test)]
mod tests {
    use super::{TooManyClasses, binned, digamma, discrete, ksg};

    fn rows(n: u64, multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..n).map(|k| (k * multiplier % modulus) as f64).collect()
    }

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!(
            (actual - expected).abs() < 1e-12,
            "{actual} against {expected}"
        );
    }

    fn waves() -> (Vec<f64>, Vec<f64>) {
        let wave = |k: i32| f64::from(k).sin();
        let x: Vec<f64> = (0..400).map(wave).collect();
        let y = (0..400).map(|k| wave(k).powi(2) + 0.1 * (f64::from(k) * 7.3).cos());
        (x, y.collect())
    }

    fn integers() -> (Vec<f64>, Vec<f64>) {
        let x = rows(400, 7, 101);
        let y = x
            .iter()
            .zip(rows(400, 13, 3))
            .map(|(x, y)| x % 10.0 + y)
            .collect();
        (x, y)
    }

    fn classes() -> (Vec<f64>, Vec<f64>) {
        let x = rows(400, 7, 5);
        let y = x
            .iter()
            .zip(rows(400, 11, 7))
            .map(|(x, y)| (x + y) % 3.0)
            .collect();
        (x, y)
    }

    /// All distances in NumPy 2.4.6, see tests/python/relevance_reference.py;
    /// without ties that is scikit-learn 1.9.1's mutual_info_regression. With
    /// ties each has its own noise, and the same on average.
    #[test]
    fn neighbours_agree_with_all_distances() {
        let (x, y) = waves();
        close(ksg(&x, &y, 1), 1.442_638_109_641_632_3);
        close(ksg(&x, &y, 3), 1.296_739_142_913_299_5);
        close(ksg(&x, &y, 10), 1.256_101_068_466_796_8);
        let (x, y) = integers();
        close(ksg(&x, &y, 1), 0.788_509_837_319_642_4);
        close(ksg(&x, &y, 3), 0.216_574_491_991_473_83);
        close(ksg(&x, &y, 10), 0.0);
        let x = rows(400, 7919, 10_007);
        let y: Vec<f64> = x
            .iter()
            .zip(rows(400, 31, 97))
            .map(|(x, y)| (x - 5000.0).powi(2) + y)
            .collect();
        close(ksg(&x, &y, 3), 3.088_489_484_176_125_5);
    }

    /// sklearn.metrics.mutual_info_score of the codes, scikit-learn 1.9.1.
    #[test]
    fn frequencies_agree_with_scikit_learn() {
        let (x, y) = waves();
        close(binned(&x, &y, 2), 5.000_083_336_714_756e-5);
        close(binned(&x, &y, 10), 1.115_591_042_930_509_6);
        let (x, y) = integers();
        close(binned(&x, &y, 10), 0.032_739_459_887_322_03);
        close(discrete(&x, &y).unwrap(), 1.396_646_139_304_111);
        let (x, y) = classes();
        close(binned(&x, &y, 10), 0.019_572_031_286_710_56);
        close(discrete(&x, &y).unwrap(), 0.019_572_031_286_710_56);
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        for (x, y) in [waves(), integers(), classes()] {
            let turned = |values: &[f64]| -> Vec<f64> {
                (0..values.len())
                    .map(|i| values[(i * 7 + 3) % values.len()])
                    .collect()
            };
            let (a, b) = (turned(&x), turned(&y));
            assert_eq!(ksg(&a, &b, 3), ksg(&x, &y, 3));
            assert_eq!(binned(&a, &b, 10), binned(&x, &y, 10));
        }
    }

    #[test]
    fn edge_cases() {
        let count: Vec<f64> = (0..1001).map(f64::from).collect();
        assert_eq!(discrete(&count, &count), Err(TooManyClasses::First(1001)));
        let ones = vec![1.0; 1001];
        assert_eq!(discrete(&ones, &count), Err(TooManyClasses::Second(1001)));
        assert_eq!(ksg(&count, &ones, 3), Some(0.0));
        assert_eq!(binned(&count, &ones, 10), Some(0.0));
        assert_eq!(discrete(&ones, &ones), Ok(Some(0.0)));
        assert_eq!(ksg(&count[..3], &count[..3], 3), None);
        assert!(ksg(&count[..4], &count[..4], 3).is_some());
        assert_eq!(binned(&[], &[], 10), None);
        assert_eq!(discrete(&[], &[]), Ok(None));
        // One row in two bins or classes each: ln 2; -0 is 0.
        close(binned(&[1.0, 2.0], &[5.0, 4.0], 10), 2.0_f64.ln());
        close(
            discrete(&[0.0, 2.0, -0.0], &[1.0, 4.0, 1.0]).unwrap(),
            3.0_f64.ln() - 2.0 / 3.0 * 2.0_f64.ln(),
        );
    }

    #[test]
    fn digamma_of_whole_numbers() {
        // scipy.special.digamma.
        for (n, expected) in [
            (1, -0.577_215_664_901_532_9),
            (10, 2.251_752_589_066_721),
            (20, 2.970_523_992_242_149),
            (1000, 6.907_255_195_648_812),
        ] {
            assert!((digamma(n) - expected).abs() < 1e-14, "{n}");
        }
    }
}
