//! The two-sample Kolmogorov-Smirnov test.

use std::f64::consts::{PI, TAU};

use super::for_each_value;
use crate::statistics::distributions::log_gamma;

/// Up to this many values in the larger sample, p is exact.
const EXACT: usize = 10_000;
/// Below this effective size the approximation is not good enough, and counting
/// is cheap since one sample is that small.
const SMALL: f64 = 140.0;
/// Terms of a sum that is taken in steps.
const TERMS: f64 = 2048.0;

/// The greatest distance of the distribution functions of two ascending samples
/// and its p-value, see [`ks_p_value`]. NaN if a sample is empty.
pub fn ks_two_sample(first: &[f64], second: &[f64]) -> (f64, f64) {
    // Products stay below 2⁶²: rows are numbered by 32 bits.
    let (n1, n2) = (first.len() as i64, second.len() as i64);
    if n1 == 0 || n2 == 0 {
        return (f64::NAN, f64::NAN);
    }
    let (mut i, mut j, mut greatest) = (0, 0, 0);
    for_each_value(first, second, |in_first, in_second| {
        i += in_first as i64;
        j += in_second as i64;
        greatest = greatest.max((i * n2 - j * n1).abs());
    });
    let statistic = greatest as f64 / (n1 as f64 * n2 as f64);
    (statistic, ks_p_value(statistic, first.len(), second.len()))
}

/// The probability that two samples of `n1` and `n2` values of one continuous
/// distribution are at least so far apart. NaN if a sample is empty.
///
/// Exact up to 10,000 values in the larger sample, as scipy.stats.ks_2samp, and
/// wherever one sample is so small that n1·n2/(n1 + n2) <= 140 (there SciPy's
/// 'auto' is an approximation and its 'exact' agrees). Beyond that, as in SciPy,
/// the distribution of the one-sample statistic for n = n1·n2/(n1 + n2),
/// rounded, values: an approximation of the two-sample one whose relative error
/// is of the order of 1/√n. Its own tail is exact where n·D² >= 2.2; elsewhere
/// it is the series of Pelz and Good, in the whole range, while SciPy changes to
/// an exact matrix power for very small D: there the two agree to about 1e-7.
pub fn ks_p_value(statistic: f64, n1: usize, n2: usize) -> f64 {
    if n1 == 0 || n2 == 0 || statistic.is_nan() {
        return f64::NAN;
    }
    let (m, n) = (n1.max(n2), n1.min(n2));
    let effective = m as f64 * (n as f64 / (m as f64 + n as f64));
    if m > EXACT && effective.round() > SMALL {
        return one_sample(effective.round(), statistic);
    }
    let divisor = greatest_common_divisor(m, n);
    let multiple = (m / divisor) as f64 * n as f64;
    let steps = (statistic * multiple).round();
    if steps <= 0.0 {
        return 1.0;
    }
    if m == n {
        equal_sizes(steps as usize, n)
    } else {
        count_paths(steps as i64 * divisor as i64, m, n)
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// P(D >= h/n) for two samples of `n`: 2 Σ (-1)^(k-1) C(2n, n - kh) / C(2n, n)
/// (Gnedenko and Korolyuk 1951).
fn equal_sizes(h: usize, n: usize) -> f64 {
    let mut share = 1.0;
    let mut sum = 0.0;
    let mut sign = 1.0;
    for taken in 0..n {
        // From C(2n, n - taken) to the next, relative to C(2n, n).
        share *= (n - taken) as f64 / (n + taken + 1) as f64;
        if (taken + 1).is_multiple_of(h) {
            sum += sign * share;
            sign = -sign;
        }
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

/// The share of the lattice paths from (0, 0) to (m, n) that touch
/// |i·n - j·m| >= `reach` somewhere, m >= n. The share of paths to (i, j) that
/// did is a mean of those to its two predecessors, weighted by i and j, so
/// nothing cancels (Viehmann, "Numerically more stable computation of the
/// p-values for the two-sample Kolmogorov-Smirnov test", arXiv:2102.08037).
///
/// Diagonals i + j = k one after the other: a diagonal's entries depend on the
/// one before only, not on each other.
fn count_paths(reach: i64, m: usize, n: usize) -> f64 {
    let (width, height) = (m as i64, n as i64);
    let both = width + height;
    let places: Vec<f64> = (0..=n).map(|j| j as f64).collect();
    // Entry j + 1 is that of j; what was not computed lies outside: 1.
    let mut before = vec![1.0; n + 2];
    let mut now = before.clone();
    before[1] = 0.0;
    // Where the two diagonals before began.
    let mut begun = [0, 0];
    for k in 1..=both {
        let centre = k * height;
        let low = (centre - reach).div_euclid(both) + 1;
        let high = -(-(centre + reach)).div_euclid(both) - 1;
        let low = low.max(k - width).max(0) as usize;
        let high = high.min(height).min(k);
        if high < low as i64 {
            return 1.0;
        }
        let high = high as usize;
        now[begun[0] + 1..low + 1].fill(1.0);
        let (all, share) = (k as f64, 1.0 / k as f64);
        let entries = now[low + 1..high + 2].iter_mut().zip(&places[low..=high]);
        let predecessors = before[low + 1..high + 2].iter().zip(&before[low..=high]);
        for ((entry, j), (left, below)) in entries.zip(predecessors) {
            *entry = ((all - j) * left + j * below) * share;
        }
        begun = [begun[1], low];
        std::mem::swap(&mut before, &mut now);
    }
    before[n + 1].min(1.0)
}

/// P(D >= d) of the one-sample statistic of `n` values.
fn one_sample(n: f64, d: f64) -> f64 {
    let squared = n * d * d;
    if d >= 1.0 || squared >= 370.0 {
        0.0
    } else if squared >= 2.2 {
        // Reaching both sides is out of the question: twice one side.
        (2.0 * one_sided(n, d)).min(1.0)
    } else {
        (1.0 - pelz_good(n, squared.sqrt())).clamp(0.0, 1.0)
    }
}

/// P(D+ >= d) = d Σ C(n, j) (d + j/n)^(j-1) (1 - d - j/n)^(n-j), j = 0.. while
/// 1 - d - j/n > 0 (Birnbaum and Tingey 1951). The binomial probabilities in
/// Loader's form (2000), in which the large logarithms cancel analytically.
///
/// Of large samples one term in a few is added and stands for those around it: the terms are a smooth function of j/n that vanishes with all its
/// derivatives at both ends, where a sum over equal steps converges faster than
/// any power of the step (Trefethen and Weideman, SIAM Review 56, 2014).
fn one_sided(n: f64, d: f64) -> f64 {
    let reach = n * d;
    let last = (n - reach).ceil() - 1.0;
    let mut sum = (n * (-d).ln_1p()).exp();
    let whole = stirling_tail(n);
    let step = (n / TERMS).floor().max(1.0);
    let mut j = step;
    let mut terms = 0.0;
    while j <= last {
        let rest = n - j;
        // j and n - j against their expectations j + nd and n - j - nd.
        let deviance = -j * (reach / j).ln_1p() - rest * (-reach / rest).ln_1p();
        let tails = whole - stirling_tail(j) - stirling_tail(rest);
        let root = (n / (TAU * j * rest)).sqrt();
        terms += d / (d + j / n) * root * (tails - deviance).exp();
        j += step;
    }
    sum += step * terms;
    sum
}

/// ln x! - [(x + 1/2) ln x - x + ln(2π)/2] for x >= 1.
fn stirling_tail(x: f64) -> f64 {
    if x < 16.0 {
        return log_gamma(x + 1.0) - ((x + 0.5) * x.ln() - x + 0.5 * TAU.ln());
    }
    let y = 1.0 / (x * x);
    (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / x
}

/// P(√n D <= z) to the order n^(-3/2): Pelz and Good, "Approximating the lower
/// tail-areas of the Kolmogorov-Smirnov one-sample statistic", Journal of the
/// Royal Statistical Society B 38 (1976); the form of Simard and L'Ecuyer,
/// Journal of Statistical Software 39/11 (2011), equation 14.
fn pelz_good(n: f64, z: f64) -> f64 {
    // e^(-π²/8z²) is 0 here.
    if z < 0.042 {
        return 0.0;
    }
    let z2 = z * z;
    let (z4, z6, z8) = (z2 * z2, z2 * z2 * z2, z2 * z2 * z2 * z2);
    let mut sums = [0.0; 4];
    let mut whole = [0.0; 2];
    // Small ones first; z stays below 1.5, where the twelfth is far below 1e-16.
    for k in (0..12).rev() {
        let k = f64::from(k);
        let half = (PI * (k + 0.5)).powi(2);
        let weight = (-half / (2.0 * z2)).exp();
        let (half2, half3) = (half * half, half * half * half);
        sums[0] += weight;
        sums[1] += weight * (half - z2);
        sums[2] += weight
            * (6.0 * z6 + 2.0 * z4 + half * (2.0 * z4 - 5.0 * z2) + half2 * (1.0 - 2.0 * z2));
        sums[3] += weight
            * (half3 * (5.0 - 30.0 * z2)
                + half2 * (212.0 * z4 - 60.0 * z2)
                + half * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z8);
        let squared = (PI * k).powi(2);
        let weight = (-squared / (2.0 * z2)).exp();
        whole[0] += weight * squared;
        whole[1] += weight * squared * (3.0 * z2 - squared);
    }
    // Every sum stands for k and -k.
    let root = TAU.sqrt();
    let terms = [
        root / z * sums[0],
        root / (6.0 * z4) * sums[1],
        root / (72.0 * z6 * z) * sums[2] - root / (36.0 * z2 * z) * whole[0],
        root / (6480.0 * z8 * z2) * sums[3] + root / (216.0 * z6) * whole[1],
    ];
    terms[0] + terms[1] / n.sqrt() + terms[2] / n + terms[3] / (n * n.sqrt())
}

#[cfg(test)]
mod tests {
    use super::{ks_p_value, ks_two_sample};
    use crate::statistics::hypothesis::samples::{ascending, rows};

    fn close(actual: f64, expected: f64, tolerance: f64) {
        let error = (actual / expected - 1.0).abs();
        assert!(error < tolerance, "{actual} against {expected}: {error:e}");
    }

    fn check(first: Vec<f64>, second: Vec<f64>, statistic: f64, p: f64) {
        let (first, second) = (ascending(first), ascending(second));
        let (actual, actual_p) = ks_two_sample(&first, &second);
        close(actual, statistic, 1e-15);
        close(actual_p, p, 1e-9);
        assert_eq!(ks_two_sample(&second, &first), (actual, actual_p));
    }

    /// scipy.stats.ks_2samp, SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn exact_as_scipy() {
        check(
            vec![1.5, 3.0, 7.0],
            vec![2.0, 4.0, 5.0, 6.0],
            5.0 / 12.0,
            0.885_714_285_714_285_8,
        );
        check(
            rows(100, 7919, 1009),
            rows(100, 31, 809),
            0.21,
            0.024_055_802_841_094_577,
        );
        check(
            rows(500, 31, 17),
            rows(700, 57, 19),
            0.94,
            2.239_913_225_480_481e-284,
        );
        let far = rows(400, 31, 809).iter().map(|x| x + 200.0).collect();
        check(
            rows(300, 7919, 1009),
            far,
            0.200_833_333_333_333_34,
            1.626_852_239_938_533e-6,
        );
        check(
            rows(5000, 7919, 10_007),
            rows(900, 104_729, 9001),
            0.1022,
            2.174_306_744_133_247e-7,
        );
        check(
            rows(97, 31, 97),
            rows(89, 31, 97),
            0.020_386_887_524_614_85,
            1.0,
        );
        // One sample is small: SciPy with method='exact'.
        check(
            rows(60, 7919, 1009),
            rows(12_000, 104_729, 1009),
            0.030_166_666_666_666_668,
            0.999_999_972_164_342_2,
        );
    }

    /// scipy.stats.distributions.kstwo.sf, to which ks_2samp turns for large
    /// samples.
    #[test]
    fn approximate_as_scipy() {
        for (d, n1, n2, p, tolerance) in [
            (0.02, 20_000, 30_000, 0.000_133_572_863_723_378_97, 1e-10),
            (0.05, 20_000, 30_000, 1.640_062_984_318_090_8e-26, 1e-10),
            (0.009, 20_000, 30_000, 0.283_729_280_017_600_56, 1e-10),
            (0.003, 200_000, 300_000, 0.229_838_396_776_974_8, 1e-10),
            (0.2, 20_000, 400, 3.214_535_638_940_843e-14, 1e-10),
            // Here SciPy is exact and this is a series.
            (0.004, 20_000, 30_000, 0.990_350_706_340_569_3, 1e-7),
        ] {
            close(ks_p_value(d, n1, n2), p, tolerance);
        }
        assert_eq!(ks_p_value(1.0, 20_000, 20_000), 0.0);
        assert_eq!(ks_p_value(1e-4, 20_000, 20_000), 1.0);
    }

    #[test]
    fn the_same_and_the_empty() {
        assert_eq!(
            ks_two_sample(&[1.0, 2.0], &[1.0, 1.0, 2.0, 2.0]),
            (0.0, 1.0)
        );
        assert!(ks_two_sample(&[], &[1.0]).1.is_nan());
    }

    /// Of all C(5, 2) orders of 2 and 3 values, D = 1 in 2, and so on.
    #[test]
    fn few_paths_are_counted_by_hand() {
        close(ks_p_value(1.0, 2, 3), 0.2, 1e-14);
        close(ks_p_value(2.0 / 3.0, 2, 3), 0.6, 1e-14);
        close(ks_p_value(1.0, 3, 3), 0.1, 1e-14);
    }
}
