//! Which rows may train a model that is tested on others, and how much each
//! tells where labels overlap.

pub mod bootstrap;
pub mod folds;
pub mod labels;
pub mod roles;
pub mod row_folds;
pub mod schemes;
pub mod uniqueness;
