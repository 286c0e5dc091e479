//! Mathematics on slices, without any engine.

pub mod column_store;
pub mod cross_moments;
pub mod distributions;
pub mod hypothesis;
pub mod kendall_pair;
pub mod least_squares;
pub mod mutual_information;
pub mod neighbours;
pub mod pair_moments;
pub mod pairwise_block;
pub mod random;
pub mod ranks;
pub mod triangle;
pub mod vif;
