//! Mathematics on slices, without any engine.

pub mod column_store;
pub mod cross_moments;
pub mod distributions;
pub mod drift;
pub mod group_ranks;
pub mod groups;
pub mod hypothesis;
pub mod information_coefficient;
pub mod kendall_pair;
pub mod least_squares;
pub mod mutual_information;
pub mod neighbours;
pub mod newey_west;
pub mod pair_moments;
pub mod pairwise_block;
pub mod random;
pub mod rank_persistence;
pub mod ranks;
pub mod relevance;
pub mod selection;
pub mod shadow_forest;
pub mod triangle;
pub mod vif;
