//! How much a Sharpe ratio proves. All ratios are per period.

use super::normal::{normal_below, normal_quantile};

/// A Sharpe ratio with what its standard error needs.
#[derive(Debug, Clone, Copy)]
pub struct Sharpe {
    /// Mean by standard deviation.
    pub ratio: f64,
    /// Periods.
    pub n: f64,
    /// Skewness of the returns.
    pub skewness: f64,
    /// Kurtosis of the returns, 3 for a normal.
    pub kurtosis: f64,
}

impl Sharpe {
    /// (n - 1) times the variance of the estimate (Mertens 2002); not positive
    /// for shapes that no sample of this ratio has.
    fn variance(&self) -> f64 {
        1.0 - self.skewness * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio * self.ratio
    }

    /// The probability that the true ratio exceeds `benchmark` (Bailey and López
    /// de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15,
    /// 2012).
    pub fn probability_above(&self, benchmark: f64) -> Option<f64> {
        let variance = self.variance();
        (self.n > 1.0 && variance > 0.0)
            .then(|| normal_below((self.ratio - benchmark) * ((self.n - 1.0) / variance).sqrt()))
    }

    /// Periods until that probability reaches `confidence` if the ratio stays as
    /// it is; `None` where the ratio does not exceed the benchmark.
    pub fn minimum_track_record(&self, benchmark: f64, confidence: f64) -> Option<f64> {
        let variance = self.variance();
        (self.ratio > benchmark && variance > 0.0).then(|| {
            let z = normal_quantile(confidence) / (self.ratio - benchmark);
            1.0 + variance * z * z
        })
    }
}

/// The highest Sharpe ratio to expect of `trials` that are all worth nothing and
/// whose ratios deviate by `deviation` (Bailey and López de Prado, "The deflated
/// Sharpe ratio", Journal of Portfolio Management 40, 2014).
pub fn expected_best(trials: f64, deviation: f64) -> f64 {
    /// Euler and Mascheroni's constant.
    const EULER: f64 = 0.577_215_664_901_532_9;
    if trials <= 1.0 {
        return 0.0;
    }
    let first = normal_quantile(1.0 - 1.0 / trials);
    let second = normal_quantile(1.0 - 1.0 / (trials * std::f64::consts::E));
    deviation * ((1.0 - EULER) * first + EULER * second)
}

#[cfg(test)]
mod tests {
    use super::{Sharpe, expected_best};

    fn normal(ratio: f64, n: f64) -> Sharpe {
        Sharpe {
            ratio,
            n,
            skewness: 0.0,
            kurtosis: 3.0,
        }
    }

    fn close(found: Option<f64>, expected: f64, digits: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < digits, "{found} {expected}");
    }

    /// The published example: a ratio of 1.14 against 1 over 250 periods.
    #[test]
    fn published_probability_and_track_record() {
        close(normal(1.14, 250.0).probability_above(1.0), 0.957_27, 1e-5);
        close(
            normal(1.14, 250.0).minimum_track_record(1.0, 0.95),
            228.734_97,
            1e-4,
        );
        assert_eq!(normal(1.0, 250.0).minimum_track_record(1.0, 0.95), None);
    }

    /// The example of the paper of 2014: 2.5 annualised over 250 days, five
    /// years, skewness -3, kurtosis 10, the best of 100 trials whose annualised
    /// ratios have the variance 1/2: 0.1132 per day to be expected, 0.9004. With
    /// 46 trials it would be 0.9505.
    #[test]
    fn published_deflated_ratio() {
        let days = 250.0_f64;
        let sharpe = Sharpe {
            skewness: -3.0,
            kurtosis: 10.0,
            ..normal(2.5 / days.sqrt(), 1250.0)
        };
        let deviation = (0.5 / days).sqrt();
        let best = expected_best(100.0, deviation);
        assert!((best - 0.1132).abs() < 5e-5, "{best}");
        close(sharpe.probability_above(best), 0.9004, 5e-5);
        close(
            sharpe.probability_above(expected_best(46.0, deviation)),
            0.9505,
            5e-5,
        );
        assert_eq!(expected_best(1.0, 1.0), 0.0);
    }
}
