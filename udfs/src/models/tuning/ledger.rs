//! Where trials are kept while a search runs, so that a search which is
//! interrupted loses none of them.

use std::sync::{Arc, RwLock};

use super::study::Trial;

/// Keeps trials, shows how far a search is, and says when to stop.
pub trait Ledger: Send + Sync {
    /// Trials of an earlier run of the same study: the same rows, options and
    /// space.
    fn finished(&self, study: &str) -> Vec<Trial>;

    /// A trial has ended. `best` is the best mean so far, of `planned` trials.
    fn record(&self, study: &str, trial: &Trial, best: Option<f64>, planned: usize);

    /// The study has ended, and its trials are the caller's.
    fn close(&self, study: &str);

    /// Whether to start no further trial.
    fn stopped(&self) -> bool;
}

static LEDGER: RwLock<Option<Arc<dyn Ledger>>> = RwLock::new(None);

/// From now on trials are kept in `ledger`; `None`: nowhere.
pub fn keep_trials_in(ledger: Option<Arc<dyn Ledger>>) {
    // A poisoned lock holds a whole value: there is only one assignment.
    let mut current = LEDGER
        .write()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    *current = ledger;
}

/// Where trials are kept.
pub(super) fn current() -> Option<Arc<dyn Ledger>> {
    let current = LEDGER
        .read()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    current.clone()
}
