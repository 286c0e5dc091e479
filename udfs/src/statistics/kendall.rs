//! Kendall's rank correlation.
//!
//! Knight, "A computer method for calculating Kendall's tau with ungrouped
//! data", Journal of the American Statistical Association 61 (1966): order the
//! rows by x and count the pairs that y has the other way round. Columns are
//! sorted once, so that a pair of columns costs one pass to arrange its rows
//! and the counting. Where Knight counts in a merge sort, the range of y is
//! halved here instead, which needs no branch that depends on the data.

use super::normal::normal_two_sided;
use super::ranks::{MISSING, Sorted, Ties};

/// Up to this many untied rows the p-value is exact.
const EXACT_ROWS: usize = 33;
/// Below this length pairs are compared one by one.
const COMPARED: usize = 32;

/// The correlation of two columns in the rows that have both values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kendall {
    /// Rows that have both values.
    pub n: usize,
    /// Tau-b; `None` if either is constant in these rows.
    pub tau: Option<f64>,
    /// Two-sided, of independence; `None` where tau is.
    pub p_value: Option<f64>,
}

/// Memory that serves one pair of columns after the other.
#[derive(Default)]
pub struct Scratch {
    starts: Vec<u32>,
    next: Vec<u32>,
    arranged: Vec<u32>,
    upper: Vec<u32>,
}

/// Tau-b of two columns of one length.
///
/// The p-value is that of scipy.stats.kendalltau(method='auto'): exact without
/// ties for up to 33 rows or where at most one pair is discordant, or at most
/// one concordant; otherwise by the normal approximation with the variance for
/// ties (Kendall, Rank Correlation Methods, 4th ed., chapters 4 and 5).
pub fn tau_b(x: &Sorted, y: &Sorted, scratch: &mut Scratch) -> Kendall {
    let arranged = if x.is_complete() && y.is_complete() {
        arrange_complete(x, y, scratch)
    } else {
        arrange_shared(x, y, scratch)
    };
    let n = scratch.arranged.len();
    let joint = if arranged.x.pairs > 0 && arranged.y.pairs > 0 {
        joint_ties(&scratch.starts, &scratch.arranged)
    } else {
        0
    };
    scratch.upper.resize(n, 0);
    let discordant = inversions(&mut scratch.arranged, &mut scratch.upper, arranged.distinct);
    Counts {
        n,
        x: arranged.x,
        y: arranged.y,
        joint,
        discordant: u128::from(discordant),
    }
    .kendall()
}

/// Beside `scratch.arranged`, the levels of y in the order of (x, y), and
/// `scratch.starts`, where each value of x begins in it.
struct Arranged {
    x: Ties,
    y: Ties,
    /// The levels of y are below this.
    distinct: u32,
}

/// Where both columns have all rows, their own levels serve.
fn arrange_complete(x: &Sorted, y: &Sorted, scratch: &mut Scratch) -> Arranged {
    let mut ties = [Ties::default(); 2];
    scratch.starts.clear();
    let mut start = 0;
    for run in x.levels.chunk_by(|a, b| a == b) {
        scratch.starts.push(start);
        start += run.len() as u32;
        ties[0].add(run.len() as u32);
    }
    for run in y.levels.chunk_by(|a, b| a == b) {
        ties[1].add(run.len() as u32);
    }
    scratch.arranged.resize(y.present(), 0);
    if ties[0].pairs == 0 {
        // Without ties a level is a place.
        for (&place, &level) in x.by_row.iter().zip(&y.by_row) {
            scratch.arranged[place as usize] = level;
        }
    } else {
        scratch.next.clone_from(&scratch.starts);
        for (&row, &level) in y.rows.iter().zip(&y.levels) {
            let next = &mut scratch.next[x.by_row[row as usize] as usize];
            scratch.arranged[*next as usize] = level;
            *next += 1;
        }
    }
    Arranged {
        x: ties[0],
        y: ties[1],
        distinct: y.distinct() as u32,
    }
}

/// Where rows are missing, places and levels are those among the shared rows.
fn arrange_shared(x: &Sorted, y: &Sorted, scratch: &mut Scratch) -> Arranged {
    let starts = &mut scratch.starts;
    starts.clear();
    starts.resize(x.distinct(), 0);
    for &row in &y.rows {
        let level = x.by_row[row as usize];
        if level != MISSING {
            starts[level as usize] += 1;
        }
    }
    let mut ties = [Ties::default(); 2];
    let mut n = 0;
    for start in starts.iter_mut() {
        ties[0].add(*start);
        n += std::mem::replace(start, n);
    }
    scratch.arranged.resize(n as usize, 0);
    scratch.next.clone_from(starts);
    let mut distinct = 0;
    let mut rows = y.rows.iter();
    for run in y.levels.chunk_by(|a, b| a == b) {
        let mut count = 0;
        for &row in rows.by_ref().take(run.len()) {
            let level = x.by_row[row as usize];
            if level != MISSING {
                let next = &mut scratch.next[level as usize];
                scratch.arranged[*next as usize] = distinct;
                *next += 1;
                count += 1;
            }
        }
        ties[1].add(count);
        distinct += u32::from(count > 0);
    }
    Arranged {
        x: ties[0],
        y: ties[1],
        distinct,
    }
}

/// Pairs of rows that are equal in both columns. Within a value of x, equal
/// values of y follow each other.
fn joint_ties(starts: &[u32], arranged: &[u32]) -> u128 {
    let mut ties = Ties::default();
    let ends = starts.iter().skip(1).copied();
    let ends = ends.chain(std::iter::once(arranged.len() as u32));
    for (&start, end) in starts.iter().zip(ends) {
        for run in arranged[start as usize..end as usize].chunk_by(|a, b| a == b) {
            ties.add(run.len() as u32);
        }
    }
    ties.pairs
}

/// The number of pairs i < j with `values[i]` > `values[j]`. The values are
/// below `distinct`; afterwards they are in another order. `upper` is as long.
fn inversions(values: &mut [u32], upper: &mut [u32], distinct: u32) -> u64 {
    if values.len() <= COMPARED {
        return compared_inversions(values);
    }
    if distinct < 2 {
        return 0;
    }
    // Pairs across the halves of the range are counted while the halves are
    // told apart, each keeping its order.
    let middle = distinct / 2;
    let (mut below, mut above) = (0, 0);
    let mut count = 0;
    for i in 0..values.len() {
        let value = values[i];
        let is_above = value >= middle;
        values[below] = value;
        upper[above] = value.wrapping_sub(middle);
        below += usize::from(!is_above);
        above += usize::from(is_above);
        count += if is_above { 0 } else { above as u64 };
    }
    values[below..].copy_from_slice(&upper[..above]);
    let (lower_values, upper_values) = values.split_at_mut(below);
    count
        + inversions(lower_values, &mut upper[..below], middle)
        + inversions(upper_values, &mut upper[below..], distinct - middle)
}

fn compared_inversions(values: &[u32]) -> u64 {
    let mut count = 0;
    for (i, value) in values.iter().enumerate() {
        count += values[..i]
            .iter()
            .map(|x| u32::from(x > value))
            .sum::<u32>();
    }
    u64::from(count)
}

/// What tau-b is made of, in pairs of rows.
struct Counts {
    n: usize,
    x: Ties,
    y: Ties,
    /// Equal in both.
    joint: u128,
    discordant: u128,
}

impl Counts {
    fn kendall(&self) -> Kendall {
        let n = self.n as u128;
        let pairs = n * n.saturating_sub(1) / 2;
        if pairs == self.x.pairs || pairs == self.y.pairs {
            return Kendall {
                n: self.n,
                tau: None,
                p_value: None,
            };
        }
        let untied = [pairs - self.x.pairs, pairs - self.y.pairs];
        let concordant = pairs + self.joint - self.x.pairs - self.y.pairs - self.discordant;
        let difference = concordant as f64 - self.discordant as f64;
        // One product of the roots, so that neither column comes first.
        let roots = (untied[0] as f64).sqrt() * (untied[1] as f64).sqrt();
        let tau = difference / roots;
        let fewer = concordant.min(self.discordant);
        let no_ties = self.x.pairs == 0 && self.y.pairs == 0;
        let p_value = if no_ties && (self.n <= EXACT_ROWS || fewer <= 1) {
            exact_p_value(self.n, fewer as usize)
        } else {
            normal_two_sided(difference / self.variance().sqrt())
        };
        Kendall {
            n: self.n,
            tau: Some(tau.clamp(-1.0, 1.0)),
            p_value: Some(p_value),
        }
    }

    /// Of concordant - discordant pairs under independence, n > 2.
    fn variance(&self) -> f64 {
        let n = self.n as f64;
        let m = n * (n - 1.0);
        // Σ t (t - 1) (2t + 5) = 2 Σ t³ - t + 6 Σ t (t - 1) / 2.
        let spread = |ties: &Ties| (2 * ties.cubes + 6 * ties.pairs) as f64;
        let pairs = self.x.pairs as f64 * self.y.pairs as f64;
        let triples = self.x.triples as f64 * self.y.triples as f64;
        (m * (2.0 * n + 5.0) - spread(&self.x) - spread(&self.y)) / 18.0
            + 2.0 * pairs / m
            + triples / (9.0 * m * (n - 2.0))
    }
}

/// Twice the probability that a random order of `n` rows has at most `fewer`
/// pairs the other way round (or as few the same way). More than 33 rows come
/// with at most one.
fn exact_p_value(n: usize, fewer: usize) -> f64 {
    let orders = |n: usize| (2..=n).map(|i| i as f64).product::<f64>();
    if n > EXACT_ROWS {
        // Of the n! orders, one has none and n - 1 have one.
        return 2.0 / orders(n - fewer);
    }
    // Orders of 1, 2, ... rows by their number of inversions: another row may
    // stand before 0, 1, ... of those already there. 33! has 123 bits.
    let mut orders_with = vec![0_u128; fewer + 1];
    orders_with[0] = 1;
    for rows in 2..=n {
        let before = orders_with.clone();
        let mut window = 0;
        for (inversions, count) in orders_with.iter_mut().enumerate() {
            window += before[inversions];
            if inversions >= rows {
                window -= before[inversions - rows];
            }
            *count = window;
        }
    }
    let total: u128 = orders_with.iter().sum();
    (2.0 * total as f64 / orders(n)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::{Kendall, Scratch, exact_p_value, inversions, tau_b};
    use crate::statistics::random::Random;
    use crate::statistics::ranks::Sorted;

    fn kendall(x: &[f64], y: &[f64]) -> Kendall {
        tau_b(&Sorted::of(x), &Sorted::of(y), &mut Scratch::default())
    }

    fn assert_close(actual: Kendall, tau: f64, p_value: f64) {
        let difference = (actual.tau.expect("tau") - tau).abs();
        assert!(difference < 1e-14, "{actual:?}: {difference:e}");
        let error = (actual.p_value.expect("p") / p_value - 1.0).abs();
        assert!(error < 1e-11, "{actual:?}: {error:e}");
    }

    // tests/python/correlation_reference.py, SciPy 1.17.1: columns of whole
    // numbers, so that they are the same there.
    #[test]
    fn agrees_with_scipy() {
        let cases = [
            // tied.
            (
                (7, 11),
                (5, 7),
                60,
                -0.01700445428089559,
                0.8610580986204106,
            ),
            // untied, many.
            (
                (17, 61),
                (23, 67),
                60,
                -0.004519774011299435,
                0.9593068549389018,
            ),
            // untied, 33.
            (
                (17, 61),
                (23, 67),
                33,
                0.01893939393939394,
                0.8899902211874436,
            ),
            // untied, 34.
            (
                (17, 61),
                (23, 67),
                34,
                0.03386809269162211,
                0.7782008366091302,
            ),
            // tied, 10.
            ((7, 11), (5, 4), 10, 0.5146502354656655, 0.05086599830733891),
        ];
        for ((a, b), (c, d), n, tau, p_value) in cases {
            let x: Vec<f64> = (0..n).map(|i| f64::from(i * a % b)).collect();
            let y: Vec<f64> = (0..n).map(|i| f64::from(i * c % d)).collect();
            assert_close(kendall(&x, &y), tau, p_value);
            assert_close(kendall(&y, &x), tau, p_value);
        }
        // One discordant pair: exact although there are 40 rows.
        let x: Vec<f64> = (0..40).map(f64::from).collect();
        let mut y = x.clone();
        y.swap(0, 1);
        assert_close(kendall(&x, &y), 0.9974358974358974, 9.804939513027087e-47);
    }

    #[test]
    fn constant_or_few_rows_have_no_tau() {
        for (x, y) in [
            (&[][..], &[][..]),
            (&[1.0], &[2.0]),
            (&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]),
            (&[1.0, f64::NAN], &[f64::NAN, 2.0]),
        ] {
            let actual = kendall(x, y);
            assert_eq!((actual.tau, actual.p_value), (None, None));
        }
        let two = kendall(&[1.0, 2.0], &[5.0, 3.0]);
        assert_eq!((two.tau, two.p_value), (Some(-1.0), Some(1.0)));
    }

    #[test]
    fn exact_p_values_of_few_and_of_extreme_orders() {
        assert_eq!(exact_p_value(2, 0), 1.0);
        assert_eq!(exact_p_value(4, 3), 1.0);
        assert_eq!(exact_p_value(5, 1), 2.0 / 24.0);
        assert_eq!(exact_p_value(200, 1), 0.0);
    }

    #[test]
    fn inversions_are_those_of_all_pairs() {
        let mut random = Random::stream(42, "inversions", 0);
        for (rows, distinct) in [(0, 1), (33, 33), (500, 7), (1_000, 900), (100, 1)] {
            let mut values: Vec<u32> = (0..rows).map(|_| random.below(distinct) as u32).collect();
            let pairs = (0..rows).flat_map(|j| (0..j).map(move |i| (i, j)));
            let expected = pairs.filter(|&(i, j)| values[i] > values[j]).count() as u64;
            let mut upper = vec![0; rows];
            assert_eq!(
                inversions(&mut values, &mut upper, distinct as u32),
                expected
            );
        }
    }

    /// Rows with a missing value are as if they were not there.
    #[test]
    fn shared_rows_are_all_that_counts() {
        let mut random = Random::stream(42, "shared", 0);
        let mut column = |distinct| -> Vec<f64> {
            let mut value = || match random.below(5) {
                0 => f64::NAN,
                _ => random.below(distinct) as f64,
            };
            (0..700).map(|_| value()).collect()
        };
        for (x, y) in [(5, 5), (5, 1 << 30), (1 << 30, 1 << 30)] {
            let (x, y) = (column(x), column(y));
            let both = x.iter().zip(&y).filter(|(x, y)| !x.is_nan() && !y.is_nan());
            let (shared_x, shared_y): (Vec<f64>, Vec<f64>) = both.unzip();
            assert_eq!(kendall(&x, &y), kendall(&shared_x, &shared_y));
        }
    }

    fn rows(n: u64, multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..n).map(|k| (k * multiplier % modulus) as f64).collect()
    }

    fn check(x: &[f64], y: &[f64], tau: f64, p_value: f64) {
        assert_close(kendall(x, y), tau, p_value);
        assert_eq!(kendall(y, x), kendall(x, y));
    }

    /// scipy.stats.kendalltau, SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_scipy_either_way_round() {
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
        let none = |x: &[f64], y: &[f64]| assert_eq!(kendall(x, y).tau, None);
        none(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]);
        none(&[0.0, -0.0], &[1.0, 2.0]);
        none(&[1.0], &[1.0]);
        none(&[], &[]);
        assert_eq!(kendall(&[1.0, 2.0], &[1.0, 2.0]).p_value, Some(1.0));
    }
}
