//! Histogram gradient boosting and forests.

mod algorithm;
mod bins;
mod boost;
mod edges;
mod finish;
mod fixed;
mod forest;
mod grow;
mod histogram;
mod objective;
pub mod options;
mod parameters;
mod rank;
mod rows;
mod split;
#[cfg(test)]
mod tests;

pub use algorithm::{EXTRA_TREES, GBDT, RANDOM_FOREST};
pub use bins::Binned;
pub use boost::{Boosted, Rows, train};
pub use forest::{ForestParameters, train_forest};
pub use objective::Objective;
pub use parameters::{Parameters, Sampling};
pub use rows::Hashes;
