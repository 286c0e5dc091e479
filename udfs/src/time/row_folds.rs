//! Folds of rows that are at hand, with a count of every role.

use super::labels::{Labels, packed};
use super::roles::{Role, Roles};
use super::schemes::{Split, Walk, combinatorial, holdout, k_fold, shares, walk_forward};

/// How rows are cut into folds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// Equal parts of the distinct times, one more than `folds`, the first of
    /// which only trains; each of the others tests a model of what lies before.
    WalkForward {
        /// How many are tested.
        folds: usize,
    },
    /// Equal parts, each tested on a model of all others.
    PurgedKFold {
        /// How many.
        folds: usize,
    },
    /// Each choice of `tested` of `folds` parts is tested on a model of the
    /// others.
    Combinatorial {
        /// How many parts.
        folds: usize,
        /// How many of them a fold tests.
        tested: usize,
    },
    /// One fold, which tests the last share of the distinct times.
    Holdout {
        /// From 0 to 1.
        share: f64,
    },
}

/// One fold. Row numbers are those of the labels that were passed, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFold {
    /// Rows that train.
    pub train: Vec<u32>,
    /// Rows that test.
    pub test: Vec<u32>,
    /// Of each of `test`, the backtest path that it is part of, from 1.
    pub paths: Vec<u32>,
    /// Rows whose label overlaps one that is tested.
    pub purged: u64,
    /// Rows that follow a test too closely.
    pub embargoed: u64,
}

impl Cut {
    /// The folds of rows whose labels span the positions `start` to `stop` (see
    /// [`super::labels`]). `embargo` counts distinct times after a test's labels.
    ///
    /// # Errors
    /// Too few times, or a fold without training or test rows.
    pub fn folds(self, start: &[u32], stop: &[u32], embargo: u32) -> Result<Vec<RowFold>, String> {
        let spans = || start.iter().zip(stop).map(|(&start, &stop)| (start, stop));
        let labels = Labels::new(
            spans().map(|(start, stop)| packed(start, stop)).collect(),
            |_, end| end.saturating_add(embargo),
        );
        let splits = self.splits(labels.times())?;
        let mut folds = Vec::with_capacity(splits.len());
        for split in &splits {
            let roles = Roles::new(split, &labels);
            let mut fold = RowFold::default();
            for (row, (start, stop)) in spans().enumerate() {
                let does = roles.of(start, stop);
                match does.role {
                    Role::Train => fold.train.push(row as u32),
                    Role::Test => {
                        fold.test.push(row as u32);
                        fold.paths.push(does.path.unwrap_or(1));
                    }
                    Role::Purged => fold.purged += 1,
                    Role::Embargoed => fold.embargoed += 1,
                    Role::Validation | Role::Unused => {}
                }
            }
            fold.check(folds.len() + 1)?;
            folds.push(fold);
        }
        Ok(folds)
    }

    fn splits(self, times: &[u32]) -> Result<Vec<Split>, String> {
        let wanted = match self {
            Self::WalkForward { folds } => folds + 1,
            Self::PurgedKFold { folds } => folds,
            Self::Combinatorial { .. } | Self::Holdout { .. } => 1,
        };
        if times.len() < wanted {
            return Err(format!(
                "{wanted} distinct times with a label and complete features are needed, the data has {}",
                times.len()
            ));
        }
        match self {
            Self::WalkForward { folds } => {
                let walk = Walk {
                    folds: Some(folds),
                    ..Walk::default()
                };
                walk_forward(times, &walk)
            }
            Self::PurgedKFold { folds } => Ok(k_fold(times, folds)),
            Self::Combinatorial { folds, tested } => combinatorial(times, folds, tested),
            Self::Holdout { share } => {
                let (validation, test) = shares(times, 0.0, share)?;
                holdout(times, validation, test)
            }
        }
    }
}

impl RowFold {
    /// A fold without training or test rows is no fold.
    fn check(&self, number: usize) -> Result<(), String> {
        let what = match (self.train.is_empty(), self.test.is_empty()) {
            (true, _) => "training",
            (_, true) => "test",
            _ => return Ok(()),
        };
        Err(format!(
            "fold {number} has no {what} row: {} rows are purged, {} embargoed; take fewer folds, a shorter horizon or \
             embargo, or more data",
            self.purged, self.embargoed
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    /// Eight times, labels that end one later.
    fn labels() -> (Vec<u32>, Vec<u32>) {
        ((1..=8).collect(), (2..=9).collect())
    }

    #[test]
    fn every_row_has_one_role() {
        let (start, stop) = labels();
        let cut = Cut::PurgedKFold { folds: 4 };
        let folds = cut.folds(&start, &stop, 1).unwrap();
        assert_eq!(folds.len(), 4);
        let second = &folds[1];
        // Times 3 and 4 are tested; 2 reaches them, 5 starts before their labels
        // end, and 6 is under embargo.
        assert_eq!(
            (&*second.train, &*second.test),
            (&[0, 6, 7][..], &[2, 3][..])
        );
        assert_eq!((second.purged, second.embargoed), (2, 1));
        assert_eq!(second.paths, [1, 1]);
    }

    #[test]
    fn combinations_make_paths() {
        let (start, stop) = labels();
        let cut = Cut::Combinatorial {
            folds: 4,
            tested: 2,
        };
        let folds = cut.folds(&start, &start, 0).unwrap();
        assert_eq!(folds.len(), 6);
        // Three paths, each of which tests every row once.
        for path in 1..=3 {
            let mut rows: Vec<u32> = folds
                .iter()
                .flat_map(|fold| fold.test.iter().zip(&fold.paths))
                .filter(|(_, of)| **of == path)
                .map(|(row, _)| *row)
                .collect();
            rows.sort_unstable();
            assert_eq!(rows, (0..8).collect::<Vec<_>>());
        }
        let longest = Cut::Holdout { share: 0.25 }
            .folds(&start, &stop, 0)
            .unwrap();
        assert_eq!(
            (&*longest[0].train, &*longest[0].test),
            (&[0, 1, 2, 3, 4][..], &[6, 7][..])
        );
    }

    #[test]
    fn what_cannot_be_cut_is_said() {
        let (start, _) = labels();
        let error = Cut::WalkForward { folds: 8 }
            .folds(&start, &start, 0)
            .unwrap_err();
        assert!(error.contains("9 distinct times"), "{error}");
        let everything = vec![9; 8];
        let error = Cut::WalkForward { folds: 1 }
            .folds(&start, &everything, 0)
            .unwrap_err();
        assert!(
            error.contains("fold 1 has no training row: 4 rows are purged"),
            "{error}"
        );
    }
}
