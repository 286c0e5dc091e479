//! The options of nearest neighbours.

use crate::definition::{Accepts, OptionKey};

/// What `knn` reads.
pub const KNN: &[&str] = &["neighbors", "neighbor_weights", "task", "standardize"];

/// The declarations.
pub const KEYS: &[OptionKey] = &[
    OptionKey {
        name: "neighbors",
        accepts: Accepts::Integer(1, 10_000),
        default: "5",
        docs: "knn: how many of the nearest training rows a prediction is made of",
    },
    OptionKey {
        name: "neighbor_weights",
        accepts: Accepts::Choice(&["uniform", "distance"]),
        default: "\"uniform\"",
        docs: "knn: whether they count alike, or each by the inverse of its distance (then those at distance 0 are \
               all that counts)",
    },
    OptionKey {
        name: "task",
        accepts: Accepts::Choice(&["regression", "classification"]),
        default: "\"regression\"",
        docs: "knn: regression predicts the neighbours' mean, classification their most frequent value (of equals the \
               smallest), and gives probabilities",
    },
];
