//! How often each class was predicted as which.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Counts of pairs of an actual and a predicted class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// By the bits of both classes.
    pairs: BTreeMap<(u64, u64), u64>,
}

/// How many rows have a class on either side, and on both.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sides {
    actual: f64,
    predicted: f64,
    both: f64,
}

impl Sides {
    fn f1(self) -> Option<f64> {
        let all = self.actual + self.predicted;
        (all > 0.0).then(|| 2.0 * self.both / all)
    }
}

impl Confusion {
    /// Of columns of one length without a missing value.
    pub fn of(actual: &[f64], predicted: &[f64]) -> Self {
        let mut confusion = Self::default();
        for (&actual, &predicted) in actual.iter().zip(predicted) {
            confusion.add(actual, predicted, 1);
        }
        confusion
    }

    /// Adds so many rows of a pair.
    pub fn add(&mut self, actual: f64, predicted: f64, count: u64) {
        // 0.0 is added so that -0.0 is no class of its own.
        let pair = ((actual + 0.0).to_bits(), (predicted + 0.0).to_bits());
        *self.pairs.entry(pair).or_default() += count;
    }

    /// The pairs that occur, in no order of values: actual, predicted, rows.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let pairs = self.pairs.iter();
        pairs.map(|(&(a, p), &count)| (f64::from_bits(a), f64::from_bits(p), count))
    }

    /// How many different pairs occur.
    pub fn distinct(&self) -> usize {
        self.pairs.len()
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.pairs.values().sum()
    }

    /// Rows of a pair.
    pub fn count(&self, actual: f64, predicted: f64) -> u64 {
        let pair = ((actual + 0.0).to_bits(), (predicted + 0.0).to_bits());
        self.pairs.get(&pair).copied().unwrap_or_default()
    }

    /// The classes of either side, ascending.
    pub fn classes(&self) -> Vec<f64> {
        let bits: BTreeSet<u64> = self.pairs.keys().flat_map(|&(a, p)| [a, p]).collect();
        let mut classes: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
        classes.sort_by(f64::total_cmp);
        classes
    }

    /// The share of rows whose class was predicted.
    pub fn accuracy(&self) -> Option<f64> {
        let all = self.rows() as f64;
        (all > 0.0).then(|| self.right() / all)
    }

    /// The harmonic mean of precision and recall of a class, 2 TP / (2 TP + FP + FN);
    /// `None` if it neither was nor was predicted.
    pub fn f1(&self, class: f64) -> Option<f64> {
        let bits = (class + 0.0).to_bits();
        self.sides().get(&bits).and_then(|sides| sides.f1())
    }

    /// The mean of [`Self::f1`] over the classes of either side, as scikit-learn's
    /// average 'macro'.
    pub fn macro_f1(&self) -> Option<f64> {
        let sides = self.sides();
        let sum: f64 = sides.values().filter_map(|sides| sides.f1()).sum();
        (!sides.is_empty()).then(|| sum / sides.len() as f64)
    }

    /// Matthews' correlation coefficient, of more than two classes Gorodkin's;
    /// `None` where either side has one class only.
    pub fn mcc(&self) -> Option<f64> {
        let all = self.rows() as f64;
        let sides = self.sides();
        let product = |of: fn(&Sides) -> f64| sides.values().map(of).sum::<f64>();
        let actual = all * all - product(|s| s.actual * s.actual);
        let predicted = all * all - product(|s| s.predicted * s.predicted);
        let spread = actual * predicted;
        let together = product(|s| s.actual * s.predicted);
        (spread > 0.0).then(|| (self.right() * all - together) / spread.sqrt())
    }

    fn right(&self) -> f64 {
        let right = self.pairs.iter().filter(|((a, p), _)| a == p);
        right.map(|(_, &count)| count as f64).sum()
    }

    fn sides(&self) -> BTreeMap<u64, Sides> {
        let mut sides: BTreeMap<u64, Sides> = BTreeMap::new();
        for (&(actual, predicted), &count) in &self.pairs {
            let count = count as f64;
            sides.entry(actual).or_default().actual += count;
            sides.entry(predicted).or_default().predicted += count;
            if actual == predicted {
                sides.entry(actual).or_default().both += count;
            }
        }
        sides
    }
}

#[cfg(test)]
mod tests {
    use super::Confusion;

    /// sklearn.metrics of three classes (scikit-learn 1.9.1), see
    /// tests/python/evaluation_reference.py.
    #[test]
    fn three_classes_agree_with_scikit_learn() {
        let actual = [0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0, -0.0];
        let predicted = [0.0, 2.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        let confusion = Confusion::of(&actual, &predicted);
        let close = |found: Option<f64>, expected: f64| {
            let found = found.unwrap();
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        };
        close(confusion.accuracy(), 0.75);
        close(confusion.macro_f1(), 0.722_222_222_222_222_2);
        close(confusion.f1(0.0), 1.0);
        close(confusion.f1(2.0), 0.5);
        close(confusion.mcc(), 0.619_047_619_047_619_1);
        assert_eq!(confusion.classes(), [0.0, 1.0, 2.0]);
        assert_eq!(confusion.count(1.0, 2.0), 1);
        assert_eq!(confusion.f1(7.0), None);
        assert_eq!(Confusion::of(&[1.0], &[1.0]).mcc(), None);
        assert_eq!(Confusion::default().accuracy(), None);
    }
}
