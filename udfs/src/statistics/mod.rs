//! Mathematics on slices, without any engine.

pub mod column_store;
pub mod cross_moments;
pub mod distributions;
pub mod least_squares;
pub mod pair_moments;
pub mod pairwise_block;
pub mod random;
pub mod ranks;
pub mod selection;
pub mod shadow_forest;
pub mod triangle;
