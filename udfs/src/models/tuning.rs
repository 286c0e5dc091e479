//! Searching the options of an algorithm: each trial is scored on purged folds.

pub mod halving;
pub mod ledger;
pub mod space;
pub mod study;
mod tpe;

pub use ledger::{Ledger, keep_trials_in};
pub use space::Space;
pub use study::{Method, Outcome, Plan, Study, Trial, ranks};

#[cfg(test)]
mod tests;
