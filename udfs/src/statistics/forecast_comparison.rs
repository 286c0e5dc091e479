//! Whether one forecast is better than another, or only was luckier, on the same
//! periods.

use rayon::prelude::*;

use crate::statistics::distributions::student_t_two_sided;
use crate::statistics::newey_west::newey_west_mean;
use crate::statistics::random::Random;

/// A statistic and its two-sided p-value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tested {
    /// `None` where the differences do not vary.
    pub statistic: Option<f64>,
    /// `None` likewise.
    pub p_value: Option<f64>,
}

/// Diebold and Mariano's test (Journal of Business & Economic Statistics 13, 1995)
/// that the mean of `differences`, in the order of time, is 0, for forecasts of
/// `horizon` periods: the long-run variance is Newey and West's with horizon - 1 lags
/// (Bartlett's kernel, never negative), and the statistic is corrected for small samples
/// by √((n + 1 - 2h + h (h - 1) / n) / n) and compared with Student's t of n - 1 degrees
/// (Harvey, Leybourne and Newbold, International Journal of Forecasting 13, 1997).
pub fn diebold_mariano(differences: &[f64], horizon: usize) -> Tested {
    let n = differences.len() as f64;
    let h = horizon as f64;
    let (mean, error) = newey_west_mean(differences, horizon.saturating_sub(1));
    let correction = (n + 1.0 - 2.0 * h + h * (h - 1.0) / n) / n;
    if differences.len() < 2 || error <= 0.0 || correction <= 0.0 {
        return Tested::default();
    }
    let statistic = mean / error * correction.sqrt();
    Tested {
        statistic: Some(statistic),
        p_value: Some(student_t_two_sided(statistic, n - 1.0)),
    }
}

/// How periods are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// Blocks whose lengths are geometric, around the end of the series (Politis
    /// and Romano, Journal of the American Statistical Association 89, 1994).
    Stationary,
    /// Blocks of one length (Künsch, Annals of Statistics 17, 1989).
    MovingBlock,
}

/// How a bootstrap is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// How periods are drawn.
    pub resampling: Resampling,
    /// Periods of a block, or their mean.
    pub block: usize,
    /// Samples.
    pub draws: usize,
    /// Of the random numbers.
    pub seed: u64,
}

impl Bootstrap {
    /// A block length that grows with the series as the bias asks for, n^(1/3), and
    /// is no shorter than the overlap of forecasts of `horizon` periods.
    pub fn block_of(periods: usize, horizon: usize) -> usize {
        ((periods as f64).cbrt().ceil() as usize)
            .max(horizon)
            .max(1)
    }

    /// The test that the mean of `differences` is 0 by resampling them in blocks: both
    /// forecasts keep the periods that they shared. The statistic is the mean by its
    /// bootstrap standard error; the p-value the share of samples, this one counted in,
    /// whose mean is as far from the series' own as that is from 0.
    pub fn test(&self, differences: &[f64]) -> Tested {
        let n = differences.len();
        let (mean, error) = newey_west_mean(differences, 0);
        if n < 2 || error <= 0.0 || self.draws == 0 {
            return Tested::default();
        }
        let centred: Vec<f64> = differences.iter().map(|x| x - mean).collect();
        let means: Vec<f64> = (0..self.draws)
            .into_par_iter()
            .map(|draw| {
                let mut random = Random::stream(self.seed, "paired bootstrap", draw as u64);
                self.sum(&centred, &mut random) / n as f64
            })
            .collect();
        let spread = means.iter().map(|x| x * x).sum::<f64>() / self.draws as f64;
        // A sample that repeats the series' own mean is as far, whatever rounding says.
        let far = mean.abs() * (1.0 - 1e-12);
        let further = means.iter().filter(|x| x.abs() >= far).count();
        Tested {
            statistic: (spread > 0.0).then(|| mean / spread.sqrt()),
            p_value: Some((1 + further) as f64 / (1 + self.draws) as f64),
        }
    }

    /// The sum of a sample as long as the series.
    fn sum(&self, series: &[f64], random: &mut Random) -> f64 {
        let n = series.len();
        let block = self.block.clamp(1, n);
        let (mut sum, mut drawn) = (0.0, 0);
        match self.resampling {
            Resampling::MovingBlock => {
                while drawn < n {
                    let start = random.below(n - block + 1);
                    let taken = block.min(n - drawn);
                    sum += series[start..start + taken].iter().sum::<f64>();
                    drawn += taken;
                }
            }
            Resampling::Stationary => {
                let mut at = random.below(n);
                while drawn < n {
                    sum += series[at];
                    drawn += 1;
                    at = if random.below(block) == 0 {
                        random.below(n)
                    } else {
                        (at + 1) % n
                    };
                }
            }
        }
        sum
    }
}

/// p-values of several tests so that the chance of any false rejection is kept
/// (Holm, Scandinavian Journal of Statistics 6, 1979).
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..p_values.len())
        .filter(|&i| p_values[i].is_some())
        .collect();
    let p = |i: usize| p_values[i].unwrap_or(f64::NAN);
    order.sort_by(|&a, &b| p(a).total_cmp(&p(b)));
    let mut adjusted = vec![None; p_values.len()];
    let mut least = 0.0_f64;
    for (place, &i) in order.iter().enumerate() {
        least = least.max((p(i) * (order.len() - place) as f64).min(1.0));
        adjusted[i] = Some(least);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::{Bootstrap, Resampling, Tested, diebold_mariano, holm};
    use crate::statistics::random::Random;

    const SERIES: [f64; 10] = [0.5, -0.2, 0.8, 0.3, -0.1, 0.4, 1.0, -0.6, 0.2, 0.35];

    /// By the formulas in NumPy, and PyPI's dieboldmariano 1.1.0 with the variance
    /// estimator 'bartlett'; see tests/python/evaluation_reference.py.
    #[test]
    fn diebold_mariano_of_several_horizons() {
        for (horizon, statistic, p) in [
            (1, 1.773_136_187_328_424, 0.109_961_134_925_487_8),
            (2, 2.121_863_342_649_283, 0.062_847_037_969_132_87),
            (4, 2.667_121_356_070_481, 0.025_743_603_332_681_45),
        ] {
            let found = diebold_mariano(&SERIES, horizon);
            assert!(
                (found.statistic.unwrap() / statistic - 1.0).abs() < 1e-12,
                "{found:?}"
            );
            assert!(
                (found.p_value.unwrap() / p - 1.0).abs() < 1e-11,
                "{found:?}"
            );
        }
        assert_eq!(diebold_mariano(&[0.1; 5], 1), Tested::default());
        assert_eq!(diebold_mariano(&SERIES[..1], 1), Tested::default());
        assert_eq!(diebold_mariano(&[], 1), Tested::default());
    }

    fn bootstrap(resampling: Resampling, block: usize) -> Bootstrap {
        Bootstrap {
            resampling,
            block,
            draws: 4000,
            seed: 42,
        }
    }

    /// Of independent differences both agree with Student's test.
    #[test]
    fn bootstraps_of_independent_differences_agree_with_student() {
        let mut random = Random::stream(3, "differences", 0);
        let mut unit = || (random.bits() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        let series: Vec<f64> = (0..400).map(|_| unit() + unit() + unit() + 0.05).collect();
        let expected = diebold_mariano(&series, 1).p_value.unwrap();
        for resampling in [Resampling::Stationary, Resampling::MovingBlock] {
            let found = bootstrap(resampling, 1).test(&series);
            let p = found.p_value.unwrap();
            // Three deviations of 4000 draws.
            assert!(
                (p - expected).abs() < 0.025,
                "{resampling:?}: {p} {expected}"
            );
            assert_eq!(found, bootstrap(resampling, 1).test(&series));
        }
    }

    /// Differences that repeat themselves prove less, and blocks see it.
    #[test]
    fn blocks_see_dependence() {
        let mut random = Random::stream(5, "differences", 0);
        let steps: Vec<f64> = (0..60)
            .map(|_| (random.bits() >> 11) as f64 / (1_u64 << 53) as f64 - 0.4)
            .collect();
        let series: Vec<f64> = steps.iter().flat_map(|&step| [step; 10]).collect();
        for resampling in [Resampling::Stationary, Resampling::MovingBlock] {
            let alone = bootstrap(resampling, 1).test(&series);
            let blocks = bootstrap(resampling, 25).test(&series);
            let ratio = alone.statistic.unwrap() / blocks.statistic.unwrap();
            assert!((2.0..4.0).contains(&ratio), "{resampling:?}: {ratio}");
        }
        assert_eq!(Bootstrap::block_of(1000, 5), 10);
        assert_eq!(Bootstrap::block_of(10, 5), 5);
        assert_eq!(
            bootstrap(Resampling::Stationary, 3).test(&[0.0; 9]),
            Tested::default()
        );
    }

    /// statsmodels.stats.multitest.multipletests(method='holm').
    #[test]
    fn holm_steps_down() {
        let found = holm(&[Some(0.01), None, Some(0.04), Some(0.03)]);
        let expected = [Some(0.03), None, Some(0.06), Some(0.06)];
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.is_some(), expected.is_some());
            let gap = found.zip(expected).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(gap < 1e-15);
        }
    }
}
