//! The options of naive Bayes.

use crate::definition::{Accepts, OptionKey};

/// What `naive_bayes` reads.
pub const NAIVE_BAYES: &[&str] = &["variance_smoothing"];

/// The declarations.
pub const KEYS: &[OptionKey] = &[OptionKey {
    name: "variance_smoothing",
    accepts: Accepts::Number(0.0, 1.0),
    default: "1e-9",
    docs: "naive_bayes: added to every variance, as a share of the largest variance of a feature",
}];
