//! The probability of backtest overfitting: how often the best of several
//! candidates on one half of time is no better than the median on the other.

use crate::statistics::ranks::average_ranks;

/// What makes a candidate the best of a part of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Performance {
    /// The mean of its scores.
    Mean,
    /// The mean of its returns by their standard deviation (n - 1).
    Sharpe,
}

/// A part of time, as sums over its periods of deviations from the candidate's
/// mean.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    n: f64,
    sum: f64,
    squares: f64,
}

/// By combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado
/// and Zhu, "The probability of backtest overfitting", Journal of Computational
/// Finance 20, 2017, section 2): time is cut into `blocks` contiguous parts, half
/// of which choose the best candidate while the other half ranks it, for every choice
/// of halves. The candidate's relative rank ω = rank / (candidates + 1); the
/// probability is the share of choices with logit ln(ω / (1 - ω)) <= 0.
///
/// `scores` has a series per candidate, all of one length in the order of time,
/// higher being better. `None` of fewer than two candidates, or of fewer than two
/// periods per block. Of several that are best by the same performance the first
/// is taken; ties share their rank.
pub fn probability_of_overfitting(
    scores: &[Vec<f64>],
    blocks: usize,
    performance: Performance,
) -> Option<f64> {
    let periods = scores.first()?.len();
    if scores.len() < 2 || blocks < 2 || blocks % 2 == 1 || periods < 2 * blocks {
        return None;
    }
    let (parts, means): (Vec<Vec<Part>>, Vec<f64>) =
        scores.iter().map(|series| cut(series, blocks)).unzip();
    let (mut choices, mut overfitted) = (0_u64, 0_u64);
    // Every set of blocks of half the size, as bits: Gosper's next of equal size.
    let mut chosen = (1_u64 << (blocks / 2)) - 1;
    while chosen < 1 << blocks {
        let side = |inside: bool| -> Vec<f64> {
            let of = |(parts, &mean): (&Vec<Part>, &f64)| {
                let mut whole = Part::default();
                for (i, part) in parts.iter().enumerate() {
                    if (chosen >> i & 1 == 1) == inside {
                        whole.n += part.n;
                        whole.sum += part.sum;
                        whole.squares += part.squares;
                    }
                }
                whole.performance(mean, performance)
            };
            parts.iter().zip(&means).map(of).collect()
        };
        let inside = side(true);
        let best =
            (1..inside.len()).fold(0, |best, i| if inside[i] > inside[best] { i } else { best });
        let rank = average_ranks(&side(false))[best];
        choices += 1;
        overfitted += u64::from(rank <= (scores.len() + 1) as f64 / 2.0);
        let lowest = chosen & chosen.wrapping_neg();
        let carried = chosen + lowest;
        chosen = (((chosen ^ carried) >> 2) / lowest) | carried;
    }
    Some(overfitted as f64 / choices as f64)
}

/// The parts of a series, whose lengths differ by one at most, and its mean.
fn cut(series: &[f64], blocks: usize) -> (Vec<Part>, f64) {
    let n = series.len();
    let mean = series.iter().sum::<f64>() / n as f64;
    let part = |i: usize| {
        let values = &series[i * n / blocks..(i + 1) * n / blocks];
        Part {
            n: values.len() as f64,
            sum: values.iter().map(|x| x - mean).sum(),
            squares: values.iter().map(|x| (x - mean).powi(2)).sum(),
        }
    };
    ((0..blocks).map(part).collect(), mean)
}

impl Part {
    /// Higher is better; a candidate that does not vary has a Sharpe ratio of 0.
    fn performance(self, mean: f64, performance: Performance) -> f64 {
        let deviation = self.sum / self.n;
        let average = mean + deviation;
        match performance {
            Performance::Mean => average,
            Performance::Sharpe => {
                let variance = (self.squares - self.n * deviation * deviation) / (self.n - 1.0);
                if variance > (16.0 * f64::EPSILON * mean).powi(2) {
                    average / variance.sqrt()
                } else {
                    0.0
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Performance, probability_of_overfitting};
    use crate::statistics::random::Random;

    fn noise(candidates: usize, periods: usize, edge: f64) -> Vec<Vec<f64>> {
        (0..candidates)
            .map(|candidate| {
                let mut random = Random::stream(9, "noise", candidate as u64);
                let mut unit = || (random.bits() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                let edge = if candidate == 3 { edge } else { 0.0 };
                (0..periods).map(|_| unit() + unit() + edge).collect()
            })
            .collect()
    }

    /// The series of tests/python/evaluation_reference.py, whose NumPy follows the
    /// paper step by step over a matrix.
    #[test]
    fn agrees_with_the_paper_step_by_step() {
        let series: Vec<Vec<f64>> = (0..5_u64)
            .map(|c| {
                (0..43_u64)
                    .map(|t| {
                        ((t * t * (c + 2) + t * 7 + c * 11) % 23) as f64 - 11.0 + 0.2 * c as f64
                    })
                    .collect()
            })
            .collect();
        for (blocks, performance, expected) in [
            (6, Performance::Mean, 0.4),
            (6, Performance::Sharpe, 0.4),
            (10, Performance::Sharpe, 0.694_444_444_444_444_4),
        ] {
            let found = probability_of_overfitting(&series, blocks, performance).unwrap();
            assert!(
                (found - expected).abs() < 1e-12,
                "{blocks} {performance:?}: {found}"
            );
        }
    }

    /// Of noise about half, with a candidate that is truly better next to nothing.
    #[test]
    fn noise_is_overfitted_and_skill_is_not() {
        let noise_only = noise(20, 400, 0.0);
        let found = probability_of_overfitting(&noise_only, 10, Performance::Sharpe).unwrap();
        assert!((0.2..0.8).contains(&found), "{found}");
        let skill = noise(20, 400, 0.3);
        let found = probability_of_overfitting(&skill, 10, Performance::Sharpe).unwrap();
        assert!(found < 0.01, "{found}");
    }

    #[test]
    fn too_little_has_no_probability() {
        let few = noise(3, 30, 0.0);
        assert_eq!(
            probability_of_overfitting(&few, 16, Performance::Mean),
            None
        );
        assert_eq!(
            probability_of_overfitting(&few[..1], 6, Performance::Mean),
            None
        );
        assert_eq!(probability_of_overfitting(&[], 6, Performance::Mean), None);
        let constant = vec![vec![1.0; 30]; 2];
        // Ties share a rank, which is the median.
        assert_eq!(
            probability_of_overfitting(&constant, 6, Performance::Sharpe),
            Some(1.0)
        );
    }
}
