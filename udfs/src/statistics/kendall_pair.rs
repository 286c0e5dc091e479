//! Kendall's tau-b of one pair of columns.

use super::distributions::log_gamma;
use super::hypothesis::two_sided_normal;

/// Rank correlation and its two-sided p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kendall {
    /// Tau-b, from -1 to 1.
    pub tau: f64,
    /// Against the hypothesis of independence.
    pub p_value: f64,
}

/// Up to this many untied pairs the p-value is exact.
const EXACT: usize = 33;

/// Tau-b of two columns of one length without NaN, in O(n log n) (Knight,
/// Journal of the American Statistical Association 61, 1966). `None` if either
/// is constant or there are fewer than two rows.
///
/// The p-value is exact without ties for up to 33 rows, or where at most one
/// pair of rows is discordant or concordant; otherwise by the normal
/// approximation whose variance accounts for ties (Kendall, Rank Correlation
/// Methods, 4th ed., chapter 4), as scipy.stats.kendalltau.
pub fn kendall_tau_b(x: &[f64], y: &[f64]) -> Option<Kendall> {
    let n = x.len();
    // Adding 0 makes -0 equal to 0 for the total order as well.
    let mut rows: Vec<(f64, f64)> = x.iter().zip(y).map(|(x, y)| (x + 0.0, y + 0.0)).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let tied_x = Ties::of(rows.iter().map(|row| row.0));
    let both = Ties::of(rows.iter().copied());
    let mut y: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let discordant = sort_and_count(&mut y);
    let tied_y = Ties::of(y.iter().copied());
    let pairs = n as i128 * (n as i128 - 1) / 2;
    if n < 2 || tied_x.pairs == pairs || tied_y.pairs == pairs {
        return None;
    }
    let difference = pairs - tied_x.pairs - tied_y.pairs + both.pairs - 2 * discordant;
    let root = ((pairs - tied_x.pairs) as f64).sqrt() * ((pairs - tied_y.pairs) as f64).sqrt();
    let tau = (difference as f64 / root).clamp(-1.0, 1.0);
    let untied = tied_x.pairs == 0 && tied_y.pairs == 0;
    let fewer = discordant.min(pairs - discordant);
    let p_value = if untied && (n <= EXACT || fewer <= 1) {
        exact(n, fewer as usize)
    } else {
        let size = n as f64;
        let ordered = size * (size - 1.0);
        let variance = (ordered * (2.0 * size + 5.0) - tied_x.variance - tied_y.variance) / 18.0
            + 2.0 * tied_x.pairs as f64 * tied_y.pairs as f64 / ordered
            + tied_x.triples * tied_y.triples / (9.0 * ordered * (size - 2.0));
        two_sided_normal(difference as f64 / variance.sqrt())
    };
    Some(Kendall { tau, p_value })
}

/// What is tied in an ascending column.
#[derive(Default)]
struct Ties {
    /// Σ t(t-1)/2.
    pairs: i128,
    /// Σ t(t-1)(t-2).
    triples: f64,
    /// Σ t(t-1)(2t+5).
    variance: f64,
}

impl Ties {
    fn of<T: PartialEq>(values: impl Iterator<Item = T>) -> Self {
        let mut ties = Self::default();
        let mut run: Option<(T, i128)> = None;
        for value in values {
            match &mut run {
                Some((same, count)) if *same == value => *count += 1,
                _ => {
                    if let Some((_, count)) = run.replace((value, 1)) {
                        ties.add(count);
                    }
                }
            }
        }
        if let Some((_, count)) = run {
            ties.add(count);
        }
        ties
    }

    fn add(&mut self, count: i128) {
        let ordered = count * (count - 1);
        self.pairs += ordered / 2;
        self.triples += (ordered * (count - 2)) as f64;
        self.variance += (ordered * (2 * count + 5)) as f64;
    }
}

/// Sorts and returns how many pairs stood in descending order.
fn sort_and_count(values: &mut Vec<f64>) -> i128 {
    /// Runs that are sorted by insertion.
    const RUN: usize = 16;
    let mut inversions: i128 = 0;
    for run in values.chunks_mut(RUN) {
        for i in 1..run.len() {
            let value = run[i];
            let mut at = i;
            while at > 0 && run[at - 1] > value {
                run[at] = run[at - 1];
                at -= 1;
            }
            run[at] = value;
            inversions += (i - at) as i128;
        }
    }
    let n = values.len();
    let mut merged = values.clone();
    let mut width = RUN;
    while width < n {
        for start in (0..n).step_by(2 * width) {
            let middle = (start + width).min(n);
            let end = (start + 2 * width).min(n);
            let (mut left, mut right) = (start, middle);
            for out in &mut merged[start..end] {
                if right < end && (left == middle || values[left] > values[right]) {
                    *out = values[right];
                    inversions += (middle - left) as i128;
                    right += 1;
                } else {
                    *out = values[left];
                    left += 1;
                }
            }
        }
        std::mem::swap(values, &mut merged);
        width *= 2;
    }
    inversions
}

/// The two-sided p-value for `n` untied rows of which `fewer` pairs are
/// discordant, or concordant, whichever are fewer.
fn exact(n: usize, fewer: usize) -> f64 {
    if 4 * fewer == n * (n - 1) {
        return 1.0;
    }
    if n > EXACT {
        // 1 of n! permutations has no inversion, and n - 1 have one.
        let size = n as f64;
        return match fewer {
            0 => 2.0 * (-log_gamma(size + 1.0)).exp(),
            _ => 2.0 * (-log_gamma(size)).exp(),
        };
    }
    // Shares of the permutations of 1, 2, ... elements by inversions: a further
    // element adds 0 to j - 1 of them.
    let mut shares = vec![0.0; fewer + 1];
    shares[0] = 1.0;
    for j in 2..=n {
        let before = shares.clone();
        for (at, share) in shares.iter_mut().enumerate() {
            let from = (at + 1).saturating_sub(j);
            *share = before[from..=at].iter().sum::<f64>() / j as f64;
        }
    }
    (2.0 * shares.iter().sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::kendall_tau_b;

    fn rows(n: u64, multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..n).map(|k| (k * multiplier % modulus) as f64).collect()
    }

    fn check(x: &[f64], y: &[f64], tau: f64, p_value: f64) {
        let actual = kendall_tau_b(x, y).unwrap();
        assert!((actual.tau - tau).abs() < 1e-14, "{actual:?}");
        assert!((actual.p_value / p_value - 1.0).abs() < 1e-11, "{actual:?}");
        assert_eq!(kendall_tau_b(y, x), Some(actual));
    }

    /// scipy.stats.kendalltau, SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_scipy() {
        check(
            &rows(12, 7, 13),
            &rows(12, 5, 13),
            0.090_909_090_909_090_9,
            0.737_305_524_657_955_2,
        );
        check(
            &rows(40, 7, 11),
            &rows(40, 5, 7),
            -0.089_336_092_613_488_18,
            0.455_392_312_025_652_1,
        );
        check(
            &rows(300, 7919, 10_007),
            &rows(300, 104_729, 9973),
            -0.004_548_494_983_277_592,
            0.906_473_567_105_416_6,
        );
        let count = rows(40, 1, 100);
        check(&count, &count, 1.0, 2.451_234_878_256_772e-48);
        let mut swapped = count.clone();
        swapped.swap(0, 1);
        check(
            &count,
            &swapped,
            0.997_435_897_435_897_4,
            9.804_939_513_027_087e-47,
        );
        let x = rows(300, 7, 101);
        let noise = rows(300, 13, 29);
        let y: Vec<f64> = x.iter().zip(noise).map(|(x, noise)| x + noise).collect();
        check(&x, &y, 0.841_361_446_956_833, 1.773_599_973_574_584_4e-103);
    }

    #[test]
    fn constant_and_short_columns_have_none() {
        assert_eq!(kendall_tau_b(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(kendall_tau_b(&[0.0, -0.0], &[1.0, 2.0]), None);
        assert_eq!(kendall_tau_b(&[1.0], &[1.0]), None);
        assert_eq!(kendall_tau_b(&[], &[]), None);
        assert_eq!(
            kendall_tau_b(&[1.0, 2.0], &[1.0, 2.0]).unwrap().p_value,
            1.0
        );
    }
}
