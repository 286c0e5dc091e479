//! The registry of models: numbered versions that never change, and aliases that say
//! which of them serves. `docs/registry.md` has the layout and what is guaranteed.
//!
//! - [`place`]: the store, a folder or a bucket.
//! - [`names`]: what models and aliases may be called.
//! - [`manifest`]: what is recorded of a version; [`card`]: the same for people.
//! - [`versions`]: what is there; [`publish`]: a new version; [`remove`]: one less.
//! - [`aliases`]: promotion and rollback.
//! - [`verify`]: whether everything is as it was written.
//! - [`source`]: models for `predict_model`.
//! - [`steps`]: models of the tables that a run makes; [`draft`]: what is said of each.

mod aliases;
mod card;
pub mod draft;
pub mod manifest;
pub mod names;
mod place;
mod publish;
mod remove;
pub mod source;
mod steps;
#[cfg(test)]
mod tests;
mod verify;
mod versions;

use std::hash::{BuildHasher, Hasher, RandomState};

pub use aliases::{AliasEntry, Expected};
pub use card::{number, window};
pub use draft::{Draft, Origin};
pub use manifest::Manifest;
pub use place::{Claim, Place};
pub use publish::{Published, Saved};
pub use verify::{Verdict, fault_error};
pub use versions::AT_ONCE;
#[cfg(test)]
pub use versions::State;

use crate::error::Result;

/// A registry of models.
#[derive(Debug)]
pub struct Registry {
    place: Place,
    /// What manifests say of the run that publishes.
    pub origin: Origin,
}

impl Registry {
    /// The registry of the settings. Nothing is opened or created yet.
    ///
    /// # Errors
    /// An address of a kind that is not known.
    pub fn open(location: &str) -> Result<Self> {
        Ok(Self {
            place: Place::parse(location)?,
            origin: Origin::default(),
        })
    }

    /// As the settings have it.
    pub fn location(&self) -> &str {
        self.place.location()
    }
}

/// A text that nobody else has, so that it tells who has written an object.
fn token() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
