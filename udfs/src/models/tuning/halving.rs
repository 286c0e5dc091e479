//! How successive halving and Hyperband share out training rows.

/// A set of trials that start together; the better ones go on with more rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bracket {
    /// How many start.
    pub trials: usize,
    /// The share of each fold's training times that each rung gives, the last 1.
    pub shares: Vec<f64>,
}

/// Rungs of a bracket at most: the first gives 1/27 of the rows at a factor of 3.
const MOST_RUNGS: u32 = 3;

impl Bracket {
    /// `trials` trials of which one in `factor` goes on at each rung (Jamieson and
    /// Talwalkar, Non-stochastic Best Arm Identification, AISTATS 2016).
    pub fn successive_halving(trials: usize, factor: usize) -> Self {
        let rungs = trials.max(1).ilog(factor).min(MOST_RUNGS);
        Self::of(trials, rungs, factor)
    }

    fn of(trials: usize, rungs: u32, factor: usize) -> Self {
        let share = |rung: u32| (factor as f64).powi(rung as i32 - rungs as i32);
        Self {
            trials,
            shares: (0..=rungs).map(share).collect(),
        }
    }

    /// Brackets that start with more and more rows, together `trials` trials (Li,
    /// Jamieson, DeSalvo, Rostamizadeh and Talwalkar, Hyperband, JMLR 18, 2018,
    /// algorithm 1), repeated until there are as many.
    pub fn hyperband(trials: usize, factor: usize) -> Vec<Self> {
        let most = trials.max(1).ilog(factor).min(MOST_RUNGS);
        let mut brackets = Vec::new();
        let mut left = trials;
        while left > 0 {
            for rungs in (0..=most).rev() {
                let whole = (most as usize + 1) * factor.pow(rungs);
                let of_bracket = whole.div_ceil(rungs as usize + 1);
                let started = of_bracket.min(left);
                if started > 0 {
                    brackets.push(Self::of(started, rungs, factor));
                }
                left -= started;
            }
        }
        brackets
    }

    /// How many of `running` trials go on after a rung.
    pub fn survivors(running: usize, factor: usize) -> usize {
        (running / factor).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Bracket;

    #[test]
    fn halving_gives_the_last_rung_every_row() {
        let bracket = Bracket::successive_halving(27, 3);
        assert_eq!(bracket.shares.len(), 4);
        assert_eq!((bracket.shares[0], bracket.shares[3]), (1.0 / 27.0, 1.0));
        assert_eq!(Bracket::successive_halving(2, 3).shares, [1.0]);
        assert_eq!(Bracket::survivors(27, 3), 9);
        assert_eq!(Bracket::survivors(2, 3), 1);
    }

    /// ⌈(3 + 1) / (s + 1) · 3ˢ⌉ for s = 3, 2, 1, 0.
    #[test]
    fn brackets_are_those_of_the_formula() {
        let brackets = Bracket::hyperband(49, 3);
        let started: Vec<usize> = brackets.iter().map(|bracket| bracket.trials).collect();
        assert_eq!(started, [27, 12, 6, 4]);
        assert_eq!(brackets[1].shares[0], 1.0 / 9.0);
        assert_eq!(brackets[3].shares, [1.0]);
    }
}
