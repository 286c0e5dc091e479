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
    use super::Sample;

    /// A column that every language computes alike, without libraries:
    /// ((i * a) mod m) / m, about its middle.
    pub fn mixed(rows: usize, a: usize, m: usize) -> Vec<f64> {
        (0..rows)
            .map(|i| ((i * a) % m) as f64 / m as f64 - 0.5)
            .collect()
    }

    /// Rows in order, labels that end `horizon` rows later.
    pub struct Table {
        pub names: Vec<String>,
        pub columns: Vec<Vec<f64>>,
        pub target: Vec<f64>,
        pub start: Vec<f64>,
        pub end: Vec<f64>,
    }

    impl Table {
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
    }
}
