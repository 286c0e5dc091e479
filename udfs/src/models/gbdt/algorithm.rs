//! Gradient boosting and forests as algorithms of `fit`.

use std::borrow::Cow;

use super::bins::Binned;
use super::boost::{Rows, train};
use super::forest::train_forest;
use super::options;
use super::rows::Hashes;
use crate::error::{Error, Result};
use crate::models::training::{self, Algorithm, FeatureColumn, Fitted, Training};
use crate::models::trees::Trees;
use crate::models::{Body, classes};
use crate::options::Options;

/// `gbdt`.
pub static GBDT: Algorithm = Algorithm {
    name: "gbdt",
    options: options::GBDT,
    takes_missing: true,
    takes_categories: true,
    fit,
    prepare: Some(|training, options| SharedBins::prepare(training, options, fit_prepared)),
};

/// `random_forest`.
pub static RANDOM_FOREST: Algorithm = Algorithm {
    name: "random_forest",
    options: options::FOREST,
    takes_missing: true,
    takes_categories: true,
    fit: |training, options| grow(training, options, false),
    prepare: Some(|training, options| {
        SharedBins::prepare(training, options, |training, prepared, options| {
            grow_prepared(training, prepared, options, false)
        })
    }),
};

/// `extra_trees`.
pub static EXTRA_TREES: Algorithm = Algorithm {
    name: "extra_trees",
    options: options::FOREST,
    takes_missing: true,
    takes_categories: true,
    fit: |training, options| grow(training, options, true),
    prepare: Some(|training, options| {
        SharedBins::prepare(training, options, |training, prepared, options| {
            grow_prepared(training, prepared, options, true)
        })
    }),
};

/// The rows of a fit as the engine takes them.
struct Prepared<'a> {
    /// Ascending; none of numbers.
    classes: Vec<f64>,
    /// The target, of classes their numbers.
    target: Cow<'a, [f64]>,
    hashes: Hashes,
    binned: Binned,
    train: Vec<u32>,
    validation: Vec<u32>,
}

impl<'a> Prepared<'a> {
    fn of(training: &Training<'a>, options: &Options, seed: u64) -> Result<Self> {
        let objective = options.text("objective");
        let classes = match objective {
            "logistic" | "softmax" => classes_of(training.target, objective)?,
            _ => Vec::new(),
        };
        check_target(training, objective)?;
        let target = if classes.is_empty() {
            Cow::Borrowed(training.target)
        } else {
            let codes = classes::codes(&classes, training.target);
            codes.into_iter().map(f64::from).collect()
        };
        let mut further = vec![target.as_ref()];
        further.extend(training.times);
        let hashes = Hashes::of(&training.columns, &further, seed);
        let rows = 0..training.target.len() as u32;
        let judges = |row: &u32| {
            training
                .validation
                .is_some_and(|marks| marks[*row as usize])
        };
        let (validation, train) = rows.partition(judges);
        let learns: Option<Vec<bool>> = training
            .validation
            .map(|marks| marks.iter().map(|judges| !judges).collect());
        let bins = options.integer("bins") as usize;
        let binned = Binned::of(&training.columns, learns.as_deref(), &hashes, bins);
        Ok(Self {
            classes,
            target,
            hashes,
            binned,
            train,
            validation,
        })
    }

    fn rows<'r>(&'r self, training: &'r Training<'_>) -> Rows<'r> {
        Rows {
            train: &self.train,
            validation: &self.validation,
            target: &self.target,
            weights: training.weights,
            times: training.times,
            hashes: &self.hashes,
        }
    }

    fn body(&self, training: &Training<'_>, mut trees: Trees) -> Body {
        trees.classes.clone_from(&self.classes);
        trees.categories = training
            .columns
            .iter()
            .map(|column| match column {
                FeatureColumn::Numbers(_) | FeatureColumn::Singles(_) => None,
                FeatureColumn::Categories { names, .. } => Some(names.to_vec()),
            })
            .collect();
        Body::Trees(trees)
    }
}

/// Rows that were binned once, for fits whose options ask for the same bins.
struct SharedBins {
    prepared: Prepared<'static>,
    /// The options that [`Prepared::of`] looked at.
    key: Key,
    fit: FitPrepared,
}

type FitPrepared = fn(&Training<'_>, &Prepared<'_>, &Options) -> Result<Fitted>;

/// What bins depend on.
#[derive(PartialEq)]
struct Key {
    objective: String,
    bins: i64,
    seed: i64,
}

impl Key {
    fn of(options: &Options) -> Self {
        Self {
            objective: options.text("objective").to_owned(),
            bins: options.integer("bins"),
            seed: options.integer("seed"),
        }
    }
}

impl SharedBins {
    fn prepare(
        training: &Training<'_>,
        options: &Options,
        fit: FitPrepared,
    ) -> Result<Box<dyn training::Prepared>> {
        let prepared = Prepared::of(training, options, options.integer("seed") as u64)?;
        Ok(Box::new(Self {
            prepared: Prepared {
                target: Cow::Owned(prepared.target.into_owned()),
                classes: prepared.classes,
                hashes: prepared.hashes,
                binned: prepared.binned,
                train: prepared.train,
                validation: prepared.validation,
            },
            key: Key::of(options),
            fit,
        }))
    }
}

impl training::Prepared for SharedBins {
    fn fit(&self, training: &Training<'_>, options: &Options) -> Result<Fitted> {
        if Key::of(options) == self.key {
            return (self.fit)(training, &self.prepared, options);
        }
        let prepared = Prepared::of(training, options, options.integer("seed") as u64)?;
        (self.fit)(training, &prepared, options)
    }
}

const NO_SPLIT: &str = "no split gained anything: the prediction is a constant";

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let prepared = Prepared::of(training, options, options.integer("seed") as u64)?;
    fit_prepared(training, &prepared, options)
}

fn fit_prepared(
    training: &Training<'_>,
    prepared: &Prepared<'_>,
    options: &Options,
) -> Result<Fitted> {
    let parameters = options::parameters(options, training.names, prepared.classes.len())?;
    let patience = parameters.early_stopping_rounds;
    if patience > 0 && prepared.validation.is_empty() {
        return Err(Error::argument(
            "fit",
            "early_stopping_rounds",
            patience,
            "mark rows that judge by the argument validation, or leave it out",
        ));
    }
    let boosted = train(&prepared.binned, &prepared.rows(training), &parameters);
    let kept = boosted.kept();
    let status = if boosted
        .trees
        .trees
        .iter()
        .all(|tree| tree.splits.is_empty())
    {
        NO_SPLIT.to_owned()
    } else if patience > 0 {
        format!("ok: {kept} of {} iterations kept", boosted.iterations)
    } else {
        "ok".to_owned()
    };
    let mut metrics = vec![
        ("iterations", boosted.iterations as f64),
        ("training_loss", boosted.training),
    ];
    if let Some(loss) = boosted.validation.get(kept.saturating_sub(1)) {
        metrics.push(("validation_loss", *loss));
    }
    Ok(Fitted {
        body: prepared.body(training, boosted.trees),
        status,
        metrics,
    })
}

fn grow(training: &Training<'_>, options: &Options, extra: bool) -> Result<Fitted> {
    check_forest(options)?;
    let prepared = Prepared::of(training, options, options.integer("seed") as u64)?;
    grow_prepared(training, &prepared, options, extra)
}

/// Forests know fewer objectives.
fn check_forest(options: &Options) -> Result<()> {
    let objective = options.text("objective");
    if !["squared_error", "logistic", "softmax"].contains(&objective) {
        return Err(Error::argument(
            "fit",
            "objective",
            objective,
            "forests take squared_error for numbers, logistic or softmax for classes",
        ));
    }
    Ok(())
}

fn grow_prepared(
    training: &Training<'_>,
    prepared: &Prepared<'_>,
    options: &Options,
    extra: bool,
) -> Result<Fitted> {
    check_forest(options)?;
    let parameters = options::forest(
        options,
        prepared.classes.len(),
        training.columns.len(),
        extra,
    );
    let trees = train_forest(&prepared.binned, &prepared.rows(training), &parameters);
    let constant = trees.trees.iter().all(|tree| tree.splits.is_empty());
    Ok(Fitted {
        body: prepared.body(training, trees),
        status: if constant { NO_SPLIT } else { "ok" }.to_owned(),
        metrics: Vec::new(),
    })
}

/// The distinct values of the target, ascending: as many as the objective takes.
fn classes_of(target: &[f64], objective: &str) -> Result<Vec<f64>> {
    let wrong = |message: String| Err(Error::data("fit", message));
    let Some(classes) = classes::distinct(target) else {
        return wrong(format!(
            "the target has more than {} values; the objective {objective} tells them apart: \
             use squared_error for numbers",
            classes::MOST
        ));
    };
    match classes.as_slice() {
        [only] => wrong(format!(
            "the target is {only} in every row; the objective {objective} needs two values or more"
        )),
        [_, _, _, ..] if objective == "logistic" => wrong(format!(
            "the target has {} values, the objective logistic tells two apart; use softmax",
            classes.len()
        )),
        _ => Ok(classes),
    }
}

fn check_target(training: &Training<'_>, objective: &str) -> Result<()> {
    match objective {
        "poisson" => match training.target.iter().find(|value| **value < 0.0) {
            Some(value) => Err(Error::argument(
                "fit",
                "target",
                value,
                "the objective poisson takes values from 0",
            )),
            None => Ok(()),
        },
        "lambdarank" if training.times.is_none() => Err(Error::argument(
            "fit",
            "time",
            "NULL",
            "the objective lambdarank orders rows of equal time: pass it",
        )),
        _ => Ok(()),
    }
}
