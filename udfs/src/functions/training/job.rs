//! What every aggregate of the training functions begins with.

use serde_json::Map;

use super::gathered::Gathered;
use super::request::Request;
use super::rows::Complete;
use crate::error::{Error, Result};
use crate::models::validation::Recipe;
use crate::options::Options;
use crate::time::row_folds::RowFold;

/// A call over its rows.
pub struct Job {
    function: &'static str,
    /// What was asked for.
    pub request: Request,
    /// The algorithm with the options that are not searched.
    pub recipe: Recipe,
    /// The rows that can train and be tested.
    pub complete: Complete,
}

impl Job {
    /// Of the rows that an aggregate has gathered.
    ///
    /// # Errors
    /// As [`Complete::of`].
    pub fn of(function: &'static str, gathered: &Gathered<'_>, options: &Options) -> Result<Self> {
        let request = Request::parse(function, options)?;
        let recipe = request.recipe(&Map::new())?;
        let complete = Complete::of(function, gathered, &recipe)?;
        Ok(Self {
            function,
            request,
            recipe,
            complete,
        })
    }

    /// The folds of all rows.
    ///
    /// # Errors
    /// Too few times, or a fold without training or test rows.
    pub fn folds(&self) -> Result<Vec<RowFold>> {
        let rows = &self.complete.rows;
        self.folds_of(&rows.start, &rows.stop)
    }

    /// The folds of rows at these positions.
    ///
    /// # Errors
    /// As [`Self::folds`].
    pub fn folds_of(&self, start: &[u32], stop: &[u32]) -> Result<Vec<RowFold>> {
        let folds = self
            .request
            .cut()
            .folds(start, stop, self.request.embargo());
        folds.map_err(|message| Error::data(self.function, message))
    }
}
