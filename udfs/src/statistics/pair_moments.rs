//! What the regression metrics need of (actual, predicted) pairs, in constant
//! space.

use serde::{Deserialize, Serialize};

/// Moments of pairs. Blocks are centred on their own mean and joined by the
/// update of Chan, Golub and LeVeque (1979), which does not cancel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairMoments {
    /// Pairs.
    pub n: f64,
    /// Mean of the first and of the second.
    pub mean: [f64; 2],
    /// Sum of squared deviations of the first and of the second.
    pub squares: [f64; 2],
    /// Sum of products of deviations.
    pub product: f64,
    /// Sum of (first - second)².
    pub squared_error: f64,
    /// Sum of |first - second|.
    pub absolute_error: f64,
    /// Pairs in which neither is zero.
    pub signed: f64,
    /// Pairs in which both have the same sign.
    pub hits: f64,
}

impl PairMoments {
    /// The moments of a block of finite pairs.
    pub fn of(first: &[f64], second: &[f64]) -> Self {
        let n = first.len() as f64;
        if first.is_empty() {
            return Self::default();
        }
        // Deviations from the first value are exact zeros in a constant column.
        let mean_of = |values: &[f64]| {
            let origin = values[0];
            origin + values.iter().map(|x| x - origin).sum::<f64>() / n
        };
        let mean = [mean_of(first), mean_of(second)];
        let mut block = Self {
            n,
            mean,
            ..Self::default()
        };
        for (&x, &y) in first.iter().zip(second) {
            let (dx, dy) = (x - mean[0], y - mean[1]);
            block.squares[0] += dx * dx;
            block.squares[1] += dy * dy;
            block.product += dx * dy;
            let error = x - y;
            block.squared_error += error * error;
            block.absolute_error += error.abs();
            if x != 0.0 && y != 0.0 {
                block.signed += 1.0;
                block.hits += f64::from(u8::from((x > 0.0) == (y > 0.0)));
            }
        }
        block
    }

    /// Adds the pairs of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.n == 0.0 {
            return;
        }
        let n = self.n + other.n;
        let weight = self.n * other.n / n;
        let delta = [other.mean[0] - self.mean[0], other.mean[1] - self.mean[1]];
        for (i, delta) in delta.iter().enumerate() {
            self.squares[i] += other.squares[i] + delta * delta * weight;
            self.mean[i] += delta * (other.n / n);
        }
        self.product += other.product + delta[0] * delta[1] * weight;
        self.squared_error += other.squared_error;
        self.absolute_error += other.absolute_error;
        self.signed += other.signed;
        self.hits += other.hits;
        self.n = n;
    }

    /// Pearson's correlation; `None` if either is constant.
    pub fn correlation(&self) -> Option<f64> {
        correlation(self.n, self.mean, self.squares, self.product)
    }
}

/// Pearson's correlation from moments about the mean; `None` if n < 2 or if
/// either column is constant, which includes a spread that is only rounding of
/// the mean.
pub fn correlation(n: f64, mean: [f64; 2], squares: [f64; 2], product: f64) -> Option<f64> {
    let varies = |i: usize| squares[i] > n * (16.0 * f64::EPSILON * mean[i]).powi(2);
    (n >= 2.0 && varies(0) && varies(1))
        .then(|| (product / (squares[0].sqrt() * squares[1].sqrt())).clamp(-1.0, 1.0))
}
