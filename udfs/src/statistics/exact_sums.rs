//! Sums that do not depend on the order of their terms (Demmel and Nguyen,
//! "Parallel Reproducible Summation", IEEE Transactions on Computers 64, 2015).

/// Cuts numbers at two places, the same for all of them, so that sums of the parts
/// are exact: every part is a multiple of a power of two and their sum has fewer
/// than 53 bits.
#[derive(Debug, Clone, Copy)]
pub struct Cuts {
    /// 1.5 · 2⁵² units of the upper part.
    upper: f64,
    /// The same of the lower part.
    lower: f64,
}

impl Cuts {
    /// For sums of up to `terms` numbers, none larger than `largest`.
    pub fn of(largest: f64, terms: usize) -> Self {
        let bits = |x: f64| x.log2().ceil() as i32;
        let terms = bits(terms.max(2) as f64) + 1;
        let unit = if largest > 0.0 { bits(largest) } else { 0 } + terms - 52;
        let magnet = |unit: i32| 1.5 * 2.0_f64.powi((unit + 52).clamp(-1000, 1022));
        Self {
            upper: magnet(unit),
            lower: magnet(unit + terms - 52),
        }
    }

    /// Both parts of a number.
    #[inline(always)]
    pub fn parts(self, x: f64) -> (f64, f64) {
        let upper = (x + self.upper) - self.upper;
        (upper, ((x - upper) + self.lower) - self.lower)
    }

    /// Adds a number to a sum.
    #[inline(always)]
    pub fn add(self, sum: &mut Sum, x: f64) {
        let (upper, lower) = self.parts(x);
        sum.upper += upper;
        sum.lower += lower;
    }
}

/// A sum in two parts, both exact.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    upper: f64,
    lower: f64,
}

impl Sum {
    /// Of parts that were added apart.
    pub fn of(upper: f64, lower: f64) -> Self {
        Self { upper, lower }
    }

    /// Adds another sum of the same cuts; exact, if the cuts are for as many terms
    /// as both have.
    #[inline(always)]
    pub fn merge(&mut self, from: Self) {
        self.upper += from.upper;
        self.lower += from.lower;
    }

    /// The sum, to the last bit or about.
    pub fn value(self) -> f64 {
        self.upper + self.lower
    }
}

#[cfg(test)]
mod tests {
    use super::{Cuts, Sum};
    use crate::statistics::random::Random;

    #[test]
    fn sums_are_the_same_in_any_order_and_precise() {
        let mut random = Random::stream(42, "sums", 0);
        let values: Vec<f64> = (0..10_000)
            .map(|i| (random.below(1 << 40) as f64 / 3.0 - 1e11) * 10.0_f64.powi(-(i % 12)))
            .collect();
        let largest = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let cuts = Cuts::of(largest, values.len());
        let total = |order: &[usize]| {
            let mut sum = Sum::default();
            order.iter().for_each(|&i| cuts.add(&mut sum, values[i]));
            sum.value()
        };
        let straight: Vec<usize> = (0..values.len()).collect();
        let expected = total(&straight);
        for _ in 0..5 {
            assert_eq!(
                total(&random.permutation(values.len())).to_bits(),
                expected.to_bits()
            );
        }
        // In whole numbers of 2^-40, which all of these are rounded to.
        let exact: i128 = values.iter().map(|x| (x * 2.0_f64.powi(40)) as i128).sum();
        assert!(
            (expected - exact as f64 / 2.0_f64.powi(40)).abs() <= expected.abs() * 1e-15 + 1e-8
        );
    }
}
