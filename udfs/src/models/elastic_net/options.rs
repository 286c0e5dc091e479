//! The options of lasso and elastic net.

use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::models::elastic_net::path::Grid;
use crate::options::Options;
use crate::time::folds::Scheme;

/// What `lasso` reads.
pub const LASSO: &[&str] = &[
    "intercept",
    "alpha",
    "n_lambdas",
    "ratio",
    "folds",
    "scheme",
    "purge",
    "embargo",
];

/// What `elastic_net` reads.
pub const ELASTIC_NET: &[&str] = &[
    "intercept",
    "alpha",
    "l1_ratio",
    "n_lambdas",
    "ratio",
    "folds",
    "scheme",
    "purge",
    "embargo",
];

/// More folds than this have too few rows each.
pub const MOST_FOLDS: i64 = 32;

/// The declarations.
pub const KEYS: &[OptionKey] = &[
    OptionKey::new(
        "l1_ratio",
        Accepts::Number(0.0, 1.0),
        "null",
        "elastic_net (0.5), logistic (0.0): the part of the penalty that is on absolute coefficients; the rest is on \
         squares",
    ),
    OptionKey::new(
        "n_lambdas",
        Accepts::Integer(2, 10_000),
        "null",
        "lasso, elastic_net (100 with folds, otherwise no path): penalties of the path that the model keeps for \
         model_path, from the smallest at which every coefficient is 0 downwards in equal ratios",
    ),
    OptionKey::new(
        "ratio",
        Accepts::Number(1e-12, 0.999),
        "0.001",
        "lasso, elastic_net with a path: the last penalty as a part of the first",
    ),
    OptionKey::new(
        "folds",
        Accepts::Integer(2, MOST_FOLDS),
        "null",
        "lasso, elastic_net: the penalty is the one of the path with the least mean squared error over so many folds by \
         time (needs the argument time, keeps the rows); null: it is alpha",
    ),
    OptionKey::new(
        "scheme",
        Accepts::Choice(&["purged_kfold", "walk_forward"]),
        "\"purged_kfold\"",
        "lasso, elastic_net with folds: whether a fold trains on the rows before and after it, or before it only",
    ),
    OptionKey::new(
        "purge",
        Accepts::Integer(0, 1_000_000_000),
        "0",
        "lasso, elastic_net with folds: after how many distinct times a row's target is known; a row whose target \
         overlaps that of a tested row does not train",
    ),
    OptionKey::new(
        "embargo",
        Accepts::Integer(0, 1_000_000_000),
        "0",
        "lasso, elastic_net with folds: distinct times after the tested targets that do not train either",
    ),
];

/// How the penalty is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// Parts in time.
    pub folds: usize,
    /// What trains for each.
    pub scheme: Scheme,
    /// Distinct times that a target reaches ahead.
    pub purge: f64,
    /// Distinct times that are left out after a test.
    pub embargo: f64,
    /// Among which penalties.
    pub grid: Grid,
}

/// Whether the penalty is chosen by folds.
pub fn is_chosen(options: &Options) -> bool {
    options.integer_or("folds", 0) > 0
}

/// The path to keep, if any.
pub fn grid(options: &Options) -> Option<Grid> {
    let usual = if is_chosen(options) { 100 } else { 0 };
    let count = options.integer_or("n_lambdas", usual) as usize;
    let ratio = options.number("ratio");
    (count > 0).then_some(Grid { count, ratio })
}

/// The choice by folds.
///
/// # Errors
/// A penalty that was passed as well.
pub fn choice(options: &Options) -> Result<Choice> {
    let alpha = options.number_or("alpha", f64::NAN);
    if !alpha.is_nan() {
        return Err(Error::argument(
            "fit",
            "alpha",
            alpha,
            "leave it out: with folds it is chosen",
        ));
    }
    Ok(Choice {
        folds: options.integer_or("folds", 2) as usize,
        scheme: match options.text("scheme") {
            "walk_forward" => Scheme::WalkForward,
            _ => Scheme::PurgedKFold,
        },
        purge: options.integer("purge") as f64,
        embargo: options.integer("embargo") as f64,
        grid: grid(options).unwrap_or(Grid {
            count: 100,
            ratio: 0.001,
        }),
    })
}
