//! Ensembles of decision trees: boosted ones and forests.

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
