//! Which of several candidates to use: their scores on the same rows, period by
//! period.

use crate::statistics::backtest::{Panel, Period, Rules, backtest};
use crate::statistics::evaluation::log_loss;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::{GroupedTarget, coefficients};
use crate::statistics::return_moments::ReturnMoments;
use crate::statistics::sharpe::Sharpe;

/// What candidates are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Squared errors; reported as the root of their mean.
    Rmse,
    /// Absolute errors.
    Mae,
    /// Of probabilities.
    LogLoss,
    /// Of probabilities.
    Brier,
    /// Share of classes predicted.
    Accuracy,
    /// Share of signs predicted, of pairs in which neither is zero.
    HitRate,
    /// Pearson's coefficient of a date.
    Ic,
    /// Spearman's coefficient of a date.
    RankIc,
    /// What positions taken from the predictions earn, after costs.
    NetReturn,
}

/// The rows of one candidate; the same rows in the same order for all, those of a
/// date following each other, dates ascending.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What happened.
    pub actual: &'a [f64],
    /// What was predicted.
    pub predicted: &'a [f64],
}

impl Score {
    /// Of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "rmse" => Self::Rmse,
            "mae" => Self::Mae,
            "log_loss" => Self::LogLoss,
            "brier" => Self::Brier,
            "accuracy" => Self::Accuracy,
            "hit_rate" => Self::HitRate,
            "ic" => Self::Ic,
            "rank_ic" => Self::RankIc,
            "net_return" => Self::NetReturn,
            _ => return None,
        })
    }

    /// Whether it is of probabilities of 1, and outcomes are 0 or 1.
    pub fn is_of_probabilities(self) -> bool {
        matches!(self, Self::LogLoss | Self::Brier)
    }

    /// 1 where higher is better, otherwise -1.
    pub fn sign(self) -> f64 {
        match self {
            Self::Rmse | Self::Mae | Self::LogLoss | Self::Brier => -1.0,
            _ => 1.0,
        }
    }

    /// The metric from the mean over dates.
    pub fn metric(self, mean: f64) -> f64 {
        match self {
            Self::Rmse => mean.sqrt(),
            _ => mean,
        }
    }

    /// The score of each date, whose numbers are `dates`, as an optional value in
    /// their order; not of [`Score::NetReturn`].
    pub fn by_date(self, candidate: Candidate<'_>, dates: &[f64]) -> Vec<Option<f64>> {
        if matches!(self, Self::Ic | Self::RankIc) {
            return self.coefficients(candidate, dates);
        }
        let mut found = Vec::new();
        let mut start = 0;
        while start < dates.len() {
            let date = dates[start];
            let end = start + dates[start..].iter().take_while(|&&d| d == date).count();
            let (mut sum, mut count) = (0.0, 0.0);
            for row in start..end {
                if let Some(value) = self.of(candidate.actual[row], candidate.predicted[row]) {
                    sum += value;
                    count += 1.0;
                }
            }
            found.push((count > 0.0).then(|| sum / count));
            start = end;
        }
        found
    }

    /// Of a row; `None`: it does not count.
    fn of(self, actual: f64, predicted: f64) -> Option<f64> {
        let error = predicted - actual;
        let is = |yes: bool| f64::from(u8::from(yes));
        match self {
            Self::Rmse | Self::Brier => Some(error * error),
            Self::Mae => Some(error.abs()),
            Self::LogLoss => Some(log_loss(actual == 1.0, predicted)),
            Self::Accuracy => Some(is(actual == predicted)),
            Self::HitRate => {
                (actual != 0.0 && predicted != 0.0).then(|| is((actual > 0.0) == (predicted > 0.0)))
            }
            Self::Ic | Self::RankIc | Self::NetReturn => None,
        }
    }

    fn coefficients(self, candidate: Candidate<'_>, dates: &[f64]) -> Vec<Option<f64>> {
        let mut found = Vec::new();
        let mut start = 0;
        while start < dates.len() {
            let date = dates[start];
            let end = start + dates[start..].iter().take_while(|&&d| d == date).count();
            let position: Vec<f64> = (start..end).map(|row| row as f64).collect();
            let group = Groups::of(&dates[start..end], &position);
            let target = GroupedTarget::of(&candidate.actual[start..end], &group);
            let of_date = coefficients(&candidate.predicted[start..end], &target);
            let chosen = match self {
                Self::Ic => of_date.ic,
                _ => of_date.rank_ic,
            };
            found.push(chosen.first().copied());
            start = end;
        }
        found
    }
}

/// The net returns of a candidate's positions; `None` of periods that have none.
pub fn net_returns(panel: &Panel<'_>, rules: &Rules) -> Vec<Option<f64>> {
    let periods = backtest(panel, rules);
    periods.iter().map(Period::net).collect()
}

/// The Sharpe ratio of returns, with what its standard error needs; `None` where
/// they do not vary.
pub fn sharpe(returns: &[f64]) -> Option<Sharpe> {
    let moments = ReturnMoments::of(returns, 0.0);
    let deviation = moments.deviation()?;
    let (skewness, kurtosis) = moments.shape()?;
    (deviation > 0.0).then(|| Sharpe {
        ratio: moments.mean / deviation,
        n: moments.n,
        skewness,
        kurtosis,
    })
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Score, sharpe};

    #[test]
    fn scores_are_means_of_a_date() {
        let dates = [1.0, 1.0, 1.0, 2.0, 2.0];
        let candidate = Candidate {
            actual: &[1.0, 2.0, 3.0, 0.0, 1.0],
            predicted: &[1.0, 3.0, 5.0, 0.5, -1.0],
        };
        let score = |score: Score| score.by_date(candidate, &dates);
        assert_eq!(score(Score::Rmse), [Some(5.0 / 3.0), Some(4.25 / 2.0)]);
        assert_eq!(score(Score::Mae), [Some(1.0), Some(1.25)]);
        assert_eq!(score(Score::HitRate), [Some(1.0), Some(0.0)]);
        assert_eq!(score(Score::Accuracy), [Some(1.0 / 3.0), Some(0.0)]);
        // Two rows have no coefficient.
        assert_eq!(score(Score::RankIc), [Some(1.0), None]);
        assert_eq!(Score::Rmse.metric(4.0), 2.0);
        assert_eq!(Score::named("rmsd"), None);
        assert!(sharpe(&[0.1, 0.1]).is_none());
        assert!(sharpe(&[]).is_none());
        let found = sharpe(&[0.01, 0.03]).unwrap().ratio;
        assert!((found - 2.0_f64.sqrt()).abs() < 1e-12);
    }
}
