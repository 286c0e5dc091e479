//! Which rows may train a model that is tested on others.

pub mod folds;
