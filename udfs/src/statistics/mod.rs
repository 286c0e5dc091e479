//! Mathematics on slices, without any engine.

pub mod clusters;
pub mod column_store;
pub mod correlations;
pub mod cross_moments;
pub mod distributions;
pub mod kendall;
pub mod least_squares;
pub mod normal;
pub mod pair_moments;
pub mod pairwise_block;
pub mod random;
pub mod ranks;
pub mod spearman;
pub mod triangle;
