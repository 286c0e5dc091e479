//! Ensembles of decision trees: boosted ones and forests.

mod check;
mod compiled;
mod shap;

pub use compiled::Compiled;
pub use shap::Explainer;

use serde::{Deserialize, Serialize};

/// Sums of leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    /// What the sums mean.
    pub link: Link,
    /// Sums per row: 1, or one per class of a softmax.
    pub outputs: u32,
    /// What each sum starts from.
    pub base: Vec<f64>,
    /// Tree `i` adds to sum `i % outputs`. The leaves of a forest are divided by
    /// the number of its trees.
    pub trees: Vec<Tree>,
    /// Per feature, the categories in the order of their codes; `None` for numbers.
    pub categories: Vec<Option<Vec<String>>>,
    /// The target's values that are told apart, ascending; empty for numbers.
    pub classes: Vec<f64>,
}

/// What a sum means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// The prediction itself.
    Identity,
    /// The log odds of the second class.
    Logistic,
    /// The logarithm of each class's odds, up to a constant.
    Softmax,
    /// The logarithm of the prediction.
    Log,
    /// The share of each class; of the second class if there is one sum.
    Share,
}

/// One tree. A child below 0 is the leaf `!child`; a tree without splits has one
/// leaf.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Inner nodes, the root first, parents before children.
    pub splits: Vec<Split>,
    /// Leaves.
    pub leaves: Vec<Leaf>,
}

/// An inner node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The number of the feature.
    pub feature: u32,
    /// Which rows go left.
    pub rule: Rule,
    /// Whether rows without the feature, or of an unknown category, go left.
    pub missing_left: bool,
    /// Where rows go for which the rule holds.
    pub left: i32,
    /// Where the others go.
    pub right: i32,
    /// What the split saved of the loss in training.
    pub gain: f64,
    /// The weight of the training rows that came here (their number if they are
    /// not weighted).
    pub cover: f64,
    /// What a leaf here would hold.
    pub value: f64,
}

/// Which rows go left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// Those whose value is at most this.
    AtMost(f64),
    /// Those of these categories' codes, ascending.
    In(Vec<u32>),
}

/// A leaf.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// What it adds.
    pub value: f64,
    /// As [`Split::cover`].
    pub cover: f64,
}

impl Trees {
    /// About how many bytes they take when they are written.
    pub fn size_hint(&self) -> usize {
        const SPLIT: usize = 45;
        const LEAF: usize = 16;
        let tree = |tree: &Tree| tree.splits.len() * SPLIT + tree.leaves.len() * LEAF;
        self.trees.iter().map(tree).sum()
    }

    /// The predictions that belong to sums of [`Compiled::sums`]: of classes, the
    /// most probable one's value, the lower of equals.
    pub fn predictions(&self, sums: &[f64]) -> Vec<f64> {
        let class = |i: usize| self.classes.get(i).copied().unwrap_or(i as f64);
        let of_row = |sums: &[f64]| match self.link {
            Link::Identity => sums[0],
            Link::Log => sums[0].exp(),
            Link::Logistic => class(usize::from(sums[0] > 0.0)),
            Link::Share if sums.len() == 1 => class(usize::from(sums[0] > 0.5)),
            Link::Softmax | Link::Share => {
                let greater = |best: usize, i: usize| if sums[i] > sums[best] { i } else { best };
                class((1..sums.len()).fold(0, greater))
            }
        };
        sums.chunks_exact(self.outputs as usize)
            .map(of_row)
            .collect()
    }

    /// The probability of each class, row after row; `None` if numbers are
    /// predicted.
    pub fn probabilities(&self, sums: &[f64]) -> Option<Vec<f64>> {
        match self.link {
            Link::Identity | Link::Log => None,
            Link::Logistic => {
                let odds = sums.iter().map(|sum| (-sum).exp());
                // Of the first class by its own odds: 1 - p would lose digits.
                let both = odds
                    .zip(sums)
                    .flat_map(|(odds, sum)| [1.0 / (1.0 + sum.exp()), 1.0 / (1.0 + odds)]);
                Some(both.collect())
            }
            Link::Share if self.outputs == 1 => Some(
                sums.iter()
                    .flat_map(|share| [1.0 - share, *share])
                    .collect(),
            ),
            Link::Share => {
                let mut out = sums.to_vec();
                for row in out.chunks_exact_mut(self.outputs as usize) {
                    let total: f64 = row.iter().sum();
                    row.iter_mut().for_each(|share| *share /= total);
                }
                Some(out)
            }
            Link::Softmax => {
                let mut out = sums.to_vec();
                for row in out.chunks_exact_mut(self.outputs as usize) {
                    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    row.iter_mut().for_each(|sum| *sum = (*sum - most).exp());
                    let total: f64 = row.iter().sum();
                    row.iter_mut().for_each(|odds| *odds /= total);
                }
                Some(out)
            }
        }
    }

    /// The names of a feature's categories.
    pub fn names(&self, feature: usize, codes: &[u32]) -> Vec<&str> {
        let names = self.categories.get(feature).and_then(Option::as_deref);
        let names = names.unwrap_or_default();
        let name = |code: &u32| names.get(*code as usize).map(String::as_str);
        codes.iter().filter_map(name).collect()
    }

    /// What the splits on each feature saved of the loss, over all trees.
    pub fn gains(&self, features: usize) -> Vec<f64> {
        self.summed(features, |split| split.gain)
    }

    /// How many splits ask for each feature.
    pub fn split_counts(&self, features: usize) -> Vec<f64> {
        self.summed(features, |_| 1.0)
    }

    /// The weight of the training rows that splits on each feature tell apart, a
    /// row once per split that it passes.
    pub fn covers(&self, features: usize) -> Vec<f64> {
        self.summed(features, |split| split.cover)
    }

    fn summed(&self, features: usize, of: impl Fn(&Split) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; features];
        for split in self.trees.iter().flat_map(|tree| &tree.splits) {
            if let Some(sum) = sums.get_mut(split.feature as usize) {
                *sum += of(split);
            }
        }
        sums
    }
}
