//! Choosing features: filters, minimum redundancy and maximum relevance,
//! Boruta, forward selection.

pub mod bins;
pub mod boruta;
pub mod filter;
pub mod forward;
pub mod mrmr;
pub mod relations;

/// The rows to choose on. A missing value is NaN, nothing is infinite.
pub struct Sample<'a> {
    /// The candidates' names.
    pub names: Vec<&'a str>,
    /// Their columns.
    pub columns: Vec<&'a [f64]>,
    /// Known in all of `rows`.
    pub target: &'a [f64],
    /// Where the label begins, in steps of time; known in all of `rows`.
    pub start: &'a [f64],
    /// Where the label ends; known in all of `rows`.
    pub end: &'a [f64],
    /// The rows to use, in the order of time.
    pub rows: Vec<u32>,
}

impl Sample<'_> {
    /// The values of a candidate in the rows to use.
    fn values(&self, feature: usize) -> impl Iterator<Item = f64> + Clone {
        self.rows
            .iter()
            .map(move |&row| self.columns[feature][row as usize])
    }

    /// Rows in which a candidate is present.
    fn present(&self, feature: usize) -> usize {
        self.values(feature).filter(|value| !value.is_nan()).count()
    }

    /// Whether a candidate has one value or none.
    fn is_constant(&self, feature: usize) -> bool {
        is_constant(self.values(feature))
    }

    fn target_is_constant(&self) -> bool {
        is_constant(self.rows.iter().map(|&row| self.target[row as usize]))
    }

    /// Why nothing can be chosen, if so.
    fn hopeless(&self) -> Option<&'static str> {
        if self.rows.is_empty() {
            Some("no rows")
        } else if self.target_is_constant() {
            Some("constant target")
        } else {
            None
        }
    }
}

fn is_constant(values: impl Iterator<Item = f64>) -> bool {
    let mut present = values.filter(|value| !value.is_nan());
    let first = present.next();
    present.all(|value| Some(value) == first)
}

/// What was decided about a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The place in the order of selection, from 1; none: not selected.
    pub step: Option<usize>,
    /// What decided.
    pub criterion: &'static str,
    /// Its value.
    pub score: Option<f64>,
    /// Its sample standard deviation over folds.
    pub deviation: Option<f64>,
    /// The candidate that makes this one redundant.
    pub redundant_with: Option<usize>,
    /// Rows used.
    pub rows: usize,
    /// `ok`, or why it was not selected.
    pub status: String,
}

impl Verdict {
    /// Not selected, and no score.
    fn without(criterion: &'static str, rows: usize, status: impl Into<String>) -> Self {
        Self {
            step: None,
            criterion,
            score: None,
            deviation: None,
            redundant_with: None,
            rows,
            status: status.into(),
        }
    }
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Moments overflow on this candidate, or on the target (one past the last).
    Infinite(usize),
    /// A fold, from 1, whose purge leaves nothing to train on.
    NoTrainingRows(usize),
    /// Fewer distinct times than parts to cut them into.
    TooFewTimes {
        /// Distinct times of the rows that are used.
        times: usize,
        /// Parts.
        parts: usize,
    },
}

#[cfg(test)]
mod testing {
    use super::{Sample, Verdict};

    /// A column that every language computes alike: ((i * a) mod m) / m, about
    /// its middle.
    pub fn mixed(rows: usize, a: usize, m: usize) -> Vec<f64> {
        (0..rows)
            .map(|i| ((i * a) % m) as f64 / m as f64 - 0.5)
            .collect()
    }

    /// A table of rows in order of time.
    pub struct Table {
        pub names: Vec<String>,
        pub columns: Vec<Vec<f64>>,
        pub target: Vec<f64>,
        pub start: Vec<f64>,
        pub end: Vec<f64>,
    }

    impl Table {
        /// Labels end `horizon` rows later.
        pub fn new(columns: Vec<(&str, Vec<f64>)>, target: Vec<f64>, horizon: f64) -> Self {
            let start: Vec<f64> = (0..target.len()).map(|i| i as f64).collect();
            Self {
                names: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
                columns: columns.into_iter().map(|(_, values)| values).collect(),
                end: start.iter().map(|start| start + horizon).collect(),
                start,
                target,
            }
        }

        /// `table` of tests/python/select_features_reference.py.
        pub fn reference(rows: usize, horizon: f64) -> Self {
            let sum = |parts: &[(f64, &Vec<f64>)]| -> Vec<f64> {
                (0..rows)
                    .map(|i| {
                        parts
                            .iter()
                            .map(|(weight, column)| weight * column[i])
                            .sum()
                    })
                    .collect()
            };
            let (a, b, c) = (
                mixed(rows, 7919, 101),
                mixed(rows, 31, 17),
                mixed(rows, 13, 29),
            );
            let d = sum(&[(1.0, &a), (0.3, &b), (0.2, &mixed(rows, 37, 53))]);
            let f = sum(&[(0.5, &b), (0.6, &c), (0.4, &mixed(rows, 43, 61))]);
            let noise = mixed(rows, 271, 359);
            let y = sum(&[(2.0, &a), (1.0, &b), (-0.5, &c), (1.5, &noise)]);
            let columns = vec![
                ("a", a),
                ("b", b),
                ("c", c),
                ("d", d),
                ("e", mixed(rows, 57, 97)),
                ("f", f),
            ];
            Self::new(columns, y, horizon)
        }

        /// `with_gaps` of that script.
        pub fn with_gaps(mut self) -> Self {
            for (i, value) in self.columns[0].iter_mut().enumerate() {
                *value = if i % 7 == 0 { f64::NAN } else { *value };
            }
            for (i, value) in self.columns[1].iter_mut().enumerate() {
                *value = if i % 5 == 1 { f64::NAN } else { *value };
            }
            self
        }

        pub fn add(&mut self, name: &str, column: Vec<f64>) {
            self.names.push(name.to_owned());
            self.columns.push(column);
        }

        pub fn sample(&self) -> Sample<'_> {
            Sample {
                names: self.names.iter().map(String::as_str).collect(),
                columns: self.columns.iter().map(Vec::as_slice).collect(),
                target: &self.target,
                start: &self.start,
                end: &self.end,
                rows: (0..self.target.len() as u32).collect(),
            }
        }

        /// The selected ones in order, then the others, by name.
        pub fn order(&self, verdicts: &[Verdict]) -> String {
            let mut order: Vec<usize> = (0..verdicts.len()).collect();
            order.sort_by_key(|&i| verdicts[i].step.unwrap_or(usize::MAX));
            let names = |selected: bool| -> Vec<&str> {
                (order.iter())
                    .filter(|&&i| verdicts[i].step.is_some() == selected)
                    .map(|&i| self.names[i].as_str())
                    .collect()
            };
            format!("{} | {}", names(true).join(" "), names(false).join(" "))
        }

        /// The scores in that order.
        pub fn scores(&self, verdicts: &[Verdict]) -> Vec<f64> {
            let mut sorted: Vec<&Verdict> = verdicts.iter().collect();
            sorted.sort_by_key(|verdict| verdict.step.unwrap_or(usize::MAX));
            (sorted.iter())
                .map(|verdict| verdict.score.unwrap_or(f64::NAN))
                .collect()
        }
    }

    pub fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs();
            assert!(error < 1e-9, "{found} against {expected}");
        }
    }
}
