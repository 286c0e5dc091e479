//! Which rows may train a model that is tested on others.

pub mod folds;
pub mod labels;
pub mod roles;
pub mod schemes;
