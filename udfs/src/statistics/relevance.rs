//! Whether a feature has to do with a target, by the test that fits their types.

use super::ascending::{Ascending, Sorter};
use super::hypothesis::{fisher_exact, ks_two_sample, mann_whitney};
use super::kendall::{Scratch, tau_b};
use super::ranks::Sorted;

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Which test; none where nothing can be tested.
    pub test: Option<&'static str>,
    /// Its statistic.
    pub statistic: Option<f64>,
    /// Of independence, two-sided.
    pub p_value: Option<f64>,
    /// Pairs in which both are present.
    pub n: usize,
    /// `ok`, or why there is no p-value.
    pub status: &'static str,
}

/// The distinct values of a column, as far as they matter.
enum Values {
    None,
    Constant,
    Binary(f64),
    Real,
}

impl Values {
    fn of(mut values: impl Iterator<Item = f64>) -> Self {
        let Some(first) = values.next() else {
            return Self::None;
        };
        let Some(second) = values.find(|value| *value != first) else {
            return Self::Constant;
        };
        if values.all(|value| value == first || value == second) {
            Self::Binary(first.max(second))
        } else {
            Self::Real
        }
    }
}

/// A target, sorted once for all features.
pub struct SortedTarget<'a> {
    values: &'a [f64],
    sorted: Sorted,
}

impl<'a> SortedTarget<'a> {
    /// Of a column; NaN is missing.
    pub fn of(values: &'a [f64]) -> Self {
        Self {
            values,
            sorted: Sorted::of(values),
        }
    }
}

/// [`relevance_of_sorted`] of two columns.
pub fn relevance(feature: &[f64], target: &[f64]) -> Tested {
    let target = SortedTarget::of(target);
    let sorted = || Ascending::of(feature);
    relevance_of_sorted(feature, sorted, &target, &mut Scratch::default())
}

/// Tests a feature against a target on the pairs in which both are present (NaN
/// is missing). A column with exactly two distinct values is binary: binary
/// target and feature take Fisher's exact test, binary target and real feature
/// Mann and Whitney's, real target and binary feature Kolmogorov and Smirnov's, real
/// ones Kendall's tau-b (Christ, Kempa-Liehr and Feindt, "Distributed and
/// parallel time series feature extraction for industrial big data
/// applications", 2016, section 2.2). `sorted` is the feature in order, asked for
/// where it is needed.
pub fn relevance_of_sorted(
    feature: &[f64],
    sorted: impl FnOnce() -> Ascending,
    target: &SortedTarget<'_>,
    scratch: &mut Scratch,
) -> Tested {
    let pairs = || {
        let both = feature.iter().zip(target.values);
        both.filter(|(x, y)| !x.is_nan() && !y.is_nan())
            .map(|(x, y)| (x + 0.0, y + 0.0))
    };
    let n = pairs().count();
    let untested = |status| Tested {
        test: None,
        statistic: None,
        p_value: None,
        n,
        status,
    };
    let kinds = (
        Values::of(pairs().map(|pair| pair.1)),
        Values::of(pairs().map(|pair| pair.0)),
    );
    let (test, (statistic, p_value)) = match kinds {
        (Values::None, _) | (_, Values::None) => return untested("no rows"),
        (_, Values::Constant) => return untested("irrelevant: constant"),
        (Values::Constant, _) => return untested("target is constant"),
        (Values::Binary(upper_y), Values::Binary(upper_x)) => {
            let mut table = [[0; 2]; 2];
            for (x, y) in pairs() {
                table[usize::from(x == upper_x)][usize::from(y == upper_y)] += 1;
            }
            ("fisher", fisher_exact(table))
        }
        (Values::Binary(upper), Values::Real) => {
            let (high, low) = split(pairs(), upper);
            ("mann_whitney", mann_whitney(&high, &low))
        }
        (Values::Real, Values::Binary(upper)) => {
            let (high, low) = split(pairs().map(|(x, y)| (y, x)), upper);
            ("kolmogorov_smirnov", ks_two_sample(&high, &low))
        }
        (Values::Real, Values::Real) => {
            let sorted = Sorted::from_ascending(sorted(), feature.len());
            let found = tau_b(&sorted, &target.sorted, scratch);
            let known = found.tau.zip(found.p_value);
            ("kendall", known.unwrap_or((f64::NAN, f64::NAN)))
        }
    };
    let known = |value: f64| (!value.is_nan()).then_some(value);
    Tested {
        test: Some(test),
        statistic: known(statistic),
        p_value: known(p_value),
        n,
        status: "ok",
    }
}

/// The first of the pairs whose second is `upper`, and the others; both
/// ascending.
fn split(pairs: impl Iterator<Item = (f64, f64)>, upper: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut high, mut low) = (Vec::new(), Vec::new());
    for (value, by) in pairs {
        if by == upper {
            high.push(value);
        } else {
            low.push(value);
        }
    }
    let mut sorter = Sorter::default();
    (sorter.sorted_values(&high), sorter.sorted_values(&low))
}

#[cfg(test)]
mod tests {
    use super::relevance;

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap_or(f64::NAN);
        assert!(
            (actual - expected).abs() <= 1e-12 * expected.abs(),
            "{actual} {expected}"
        );
    }

    /// SciPy 1.17: fisher_exact, mannwhitneyu, ks_2samp, kendalltau.
    #[test]
    fn the_types_choose_the_test() {
        let number = |i: i32, a: i32, m: i32| f64::from((i * a) % m);
        let column = |a, m| (0..20).map(|i| number(i, a, m)).collect::<Vec<f64>>();
        let (x, y) = (column(7, 11), column(5, 17));
        let (x2, y2): (Vec<f64>, Vec<f64>) = (
            x.iter().map(|x| f64::from(u8::from(*x > 5.0))).collect(),
            y.iter().map(|y| f64::from(u8::from(*y > 8.0))).collect(),
        );
        let tests = [(&x2, &y2), (&x, &y2), (&x2, &y), (&x, &y)].map(|(x, y)| relevance(x, y));
        let names = tests.map(|tested| tested.test.unwrap_or_default());
        assert_eq!(
            names,
            ["fisher", "mann_whitney", "kolmogorov_smirnov", "kendall"]
        );
        for (tested, (statistic, p)) in tests.iter().zip(EXPECTED) {
            close(tested.statistic, statistic);
            close(tested.p_value, p);
        }
    }

    const EXPECTED: [(f64, f64); 4] = [
        (0.96, 1.0),
        (55.5, 0.6750140985485125),
        (0.15151515151515152, 0.9969516551559895),
        (0.0869680819465074, 0.6014065089095413),
    ];

    #[test]
    fn what_cannot_be_tested_says_so() {
        let nan = f64::NAN;
        assert_eq!(relevance(&[nan, 1.0], &[1.0, nan]).status, "no rows");
        assert_eq!(
            relevance(&[1.0, 1.0], &[1.0, 2.0]).status,
            "irrelevant: constant"
        );
        assert_eq!(
            relevance(&[1.0, 2.0], &[3.0, 3.0]).status,
            "target is constant"
        );
    }
}
