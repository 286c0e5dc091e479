//! The Mann-Whitney U test.

use super::for_each_value;
use super::normal_tail::two_sided_normal;

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
    if !(deviation > 0.0) {
        return (u, f64::NAN);
    }
    let z = ((u - n1 * n2 / 2.0).abs() - 0.5) / deviation;
    // Within half a unit of the middle the correction passes it.
    (u, if z <= 0.0 { 1.0 } else { two_sided_normal(z) })
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
