//! What the ratios of returns need of a series, in constant space.

use serde::{Deserialize, Serialize};

/// Moments of a series: blocks are centred on their own mean and joined by the
/// update of Pébay (Sandia report SAND2008-6212, 2008), which does not cancel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReturnMoments {
    /// Values.
    pub n: f64,
    /// Their mean.
    pub mean: f64,
    /// Sums of the second, third and fourth powers of deviations.
    pub powers: [f64; 3],
    /// Sum of squared shortfalls below the target.
    pub shortfall: f64,
}

impl ReturnMoments {
    /// The moments of a block of finite values; shortfalls are below `target`.
    pub fn of(values: &[f64], target: f64) -> Self {
        let n = values.len() as f64;
        let Some(&origin) = values.first() else {
            return Self::default();
        };
        // Deviations from the first value are exact zeros in a constant series.
        let mean = origin + values.iter().map(|x| x - origin).sum::<f64>() / n;
        let mut block = Self {
            n,
            mean,
            ..Self::default()
        };
        for &x in values {
            let deviation = x - mean;
            let square = deviation * deviation;
            block.powers[0] += square;
            block.powers[1] += square * deviation;
            block.powers[2] += square * square;
            let short = (x - target).min(0.0);
            block.shortfall += short * short;
        }
        block
    }

    /// Adds the values that `from` has seen.
    pub fn merge(&mut self, from: &Self) {
        if from.n == 0.0 {
            return;
        }
        if self.n == 0.0 {
            self.clone_from(from);
            return;
        }
        let (a, b) = (self.n, from.n);
        let n = a + b;
        let delta = from.mean - self.mean;
        let [a2, a3, a4] = self.powers;
        let [b2, b3, b4] = from.powers;
        let square = delta * delta;
        self.powers = [
            a2 + b2 + square * a * b / n,
            a3 + b3
                + square * delta * a * b * (a - b) / (n * n)
                + 3.0 * delta * (a * b2 - b * a2) / n,
            a4 + b4
                + square * square * a * b * (a * a - a * b + b * b) / (n * n * n)
                + 6.0 * square * (a * a * b2 + b * b * a2) / (n * n)
                + 4.0 * delta * (a * b3 - b * a3) / n,
        ];
        self.mean += delta * b / n;
        self.shortfall += from.shortfall;
        self.n = n;
    }

    /// The standard deviation (n - 1); `None` of fewer than two values.
    pub fn deviation(&self) -> Option<f64> {
        (self.n > 1.0).then(|| (self.powers[0] / (self.n - 1.0)).sqrt())
    }

    /// Skewness and kurtosis (3 for a normal) of the sample, without a
    /// correction; `None` where the series is constant.
    pub fn shape(&self) -> Option<(f64, f64)> {
        let [second, third, fourth] = self.powers.map(|power| power / self.n);
        (second > 0.0).then(|| (third / second.powf(1.5), fourth / (second * second)))
    }
}

#[cfg(test)]
mod tests {
    use super::ReturnMoments;

    /// scipy.stats.skew and kurtosis(fisher=False), SciPy 1.18; see
    /// tests/python/metrics_reference.py.
    #[test]
    fn merging_changes_nothing() {
        let values = [0.01, -0.02, 0.03, 0.005, -0.01, 0.02, -0.04, 0.015];
        let whole = ReturnMoments::of(&values, 0.0);
        for cut in 0..=values.len() {
            let mut merged = ReturnMoments::of(&values[..cut], 0.0);
            merged.merge(&ReturnMoments::of(&values[cut..], 0.0));
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-14 * b.abs().max(1e-6);
            assert!(near(merged.mean, whole.mean));
            for (a, b) in merged.powers.iter().zip(whole.powers) {
                assert!(near(*a, b), "{cut}: {merged:?} {whole:?}");
            }
        }
        let (skew, kurtosis) = whole.shape().unwrap();
        assert!((skew - -0.588_372_582_956_957_3).abs() < 1e-12, "{skew}");
        assert!(
            (kurtosis - 2.270_097_649_914_43).abs() < 1e-12,
            "{kurtosis}"
        );
        assert_eq!(ReturnMoments::of(&[0.1; 5], 0.0).powers, [0.0; 3]);
    }
}
