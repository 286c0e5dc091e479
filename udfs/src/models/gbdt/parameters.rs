//! The parameters of a training, checked.

use super::objective::Objective;

/// Parameters of gradient boosting; [`super::options`] documents them.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Parameters {
    pub objective: Objective,
    pub trees: usize,
    pub learning_rate: f64,
    pub max_leaves: usize,
    /// 0: any.
    pub max_depth: usize,
    pub bins: usize,
    pub min_data_in_leaf: usize,
    pub min_gain: f64,
    pub lambda_l1: f64,
    pub lambda_l2: f64,
    pub feature_fraction: f64,
    pub sampling: Sampling,
    /// 0: never.
    pub early_stopping_rounds: usize,
    /// Per feature -1, 0 or 1; empty: all 0.
    pub monotone: Vec<i8>,
    /// Groups of features that may be on one path; empty: all may.
    pub interactions: Vec<Vec<u32>>,
    pub seed: u64,
}

/// Which rows a tree sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampling {
    /// All.
    All,
    /// About this share of them.
    Rows(f64),
    /// Those of the largest gradients, and some of the others, weighed up (Ke et
    /// al. 2017, algorithm 2).
    Goss {
        /// The share with the largest gradients.
        top: f64,
        /// The share of others.
        other: f64,
    },
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            objective: Objective::SquaredError,
            trees: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            max_depth: 0,
            bins: 255,
            min_data_in_leaf: 20,
            min_gain: 0.0,
            lambda_l1: 0.0,
            lambda_l2: 0.0,
            feature_fraction: 1.0,
            sampling: Sampling::All,
            early_stopping_rounds: 0,
            monotone: Vec::new(),
            interactions: Vec::new(),
            seed: 42,
        }
    }
}
