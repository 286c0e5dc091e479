//! Histogram gradient boosting and forests.

mod bins;
mod boost;
mod edges;
mod finish;
mod fixed;
mod forest;
mod grow;
mod histogram;
mod objective;
mod parameters;
mod rank;
mod rows;
mod split;
#[cfg(test)]
mod tests;

pub use bins::Binned;
pub use boost::{Boosted, Rows, train};
pub use forest::{ForestParameters, train_forest};
pub use objective::Objective;
pub use parameters::{Parameters, Sampling};
pub use rows::Hashes;
