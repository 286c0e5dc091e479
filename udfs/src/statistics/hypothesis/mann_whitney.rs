//! The Mann-Whitney U test.

use super::for_each_value;
use crate::statistics::normal::normal_two_sided;

/// The exact distribution is used if a sample has at most this many values.
const SMALL: usize = 8;
/// And if the statistic has at most this many values: 16 MB of counts.
const MOST_COUNTS: usize = 4_000_000;

/// U of the first of two ascending samples, which are not empty, and the
/// two-sided p-value. U / (n1·n2) is the probability that a value of the first
/// exceeds one of the second, ties counting half: the area under the ROC curve.
///
/// p is exact if a sample has at most 8 values and nothing is tied, otherwise
/// the normal approximation with the correction for ties and for continuity
/// (Mann and Whitney, Annals of Mathematical Statistics 18, 1947; as
/// scipy.stats.mannwhitneyu). NaN if all values are the same.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> (f64, f64) {
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    // Twice U of the first, which is a whole number.
    let mut doubled: u128 = 0;
    let mut ties = 0.0;
    let mut smaller = 0;
    for_each_value(first, second, |in_first, in_second| {
        doubled += in_first as u128 * (2 * smaller + in_second) as u128;
        smaller += in_second;
        let tied = (in_first + in_second) as f64;
        ties += tied * tied * tied - tied;
    });
    let u = doubled as f64 / 2.0;
    let small = first.len().min(second.len()) <= SMALL;
    if small && ties == 0.0 && first.len() * second.len() <= MOST_COUNTS {
        let least = (u as usize).min(first.len() * second.len() - u as usize);
        return (u, exact(least, first.len(), second.len()));
    }
    let n = n1 + n2;
    let deviation = (n1 * n2 / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)))).sqrt();
    if deviation == 0.0 || deviation.is_nan() {
        return (u, f64::NAN);
    }
    let z = ((u - n1 * n2 / 2.0).abs() - 0.5) / deviation;
    // Within half a unit of the middle the correction passes it.
    (u, if z <= 0.0 { 1.0 } else { normal_two_sided(z) })
}

/// 2 P(U <= u), at most 1, for `u` up to the middle.
fn exact(u: usize, n1: usize, n2: usize) -> f64 {
    let (few, many) = (n1.min(n2), n1.max(n2));
    // The number of samples of each U are the coefficients of the Gaussian
    // binomial Π (1 - q^(many + i)) / (1 - q^i), i = 1..few, all of whose partial
    // products have coefficients that are not negative.
    let mut counts = vec![0.0; u + 1];
    counts[0] = 1.0;
    let mut total = 1.0;
    for i in 1..=few {
        for at in (many + i..=u).rev() {
            counts[at] -= counts[at - many - i];
        }
        for at in i..=u {
            counts[at] += counts[at - i];
        }
        total *= (many + i) as f64 / i as f64;
    }
    (2.0 * counts.iter().sum::<f64>() / total).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::mann_whitney;
    use crate::statistics::hypothesis::samples::{ascending, rows};

    fn check(first: Vec<f64>, second: Vec<f64>, u: f64, p: f64) {
        let (first, second) = (ascending(first), ascending(second));
        let (actual_u, actual) = mann_whitney(&first, &second);
        assert_eq!(actual_u, u);
        assert!((actual / p - 1.0).abs() < 1e-11, "{actual} against {p}");
        // From the other side.
        let (mirrored_u, mirrored) = mann_whitney(&second, &first);
        assert_eq!(mirrored_u, (first.len() * second.len()) as f64 - u);
        assert!((mirrored / p - 1.0).abs() < 1e-11);
    }

    /// scipy.stats.mannwhitneyu, SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_scipy() {
        let count = |from: i32, to: i32| (from..to).map(f64::from).collect::<Vec<_>>();
        check(
            vec![1.5, 3.0, 7.0],
            vec![2.0, 4.0, 5.0, 6.0],
            5.0,
            0.857_142_857_142_857_1,
        );
        check(count(1, 4), count(4, 14), 0.0, 0.006_993_006_993_006_993);
        check(vec![500.5], count(0, 1000), 501.0, 0.999_000_999_000_999);
        let eight = rows(8, 401, 1009).iter().map(|x| x + 0.5).collect();
        check(
            eight,
            rows(300, 7919, 1009),
            1235.0,
            0.891_687_570_492_551_4,
        );
        check(
            vec![1.0, 2.0, 2.0],
            vec![2.0, 3.0, 4.0, 4.0],
            1.0,
            0.095_483_232_097_547_3,
        );
        check(
            rows(200, 7919, 10_007),
            rows(300, 104_729, 9973),
            34_070.5,
            0.010_125_193_627_351_91,
        );
        check(
            rows(500, 31, 17),
            rows(700, 57, 19),
            339_500.0,
            7.150_483_961_362_973e-219,
        );
        check(vec![1.0, 2.0, 2.0, 3.0], vec![1.0, 2.0, 2.0, 3.0], 8.0, 1.0);
    }

    #[test]
    fn one_value_everywhere_is_no_test() {
        assert!(mann_whitney(&[1.0, 1.0], &[1.0; 20]).1.is_nan());
    }
}
