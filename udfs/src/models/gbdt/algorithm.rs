//! Gradient boosting as an algorithm of `fit`.

use super::bins::Binned;
use super::boost::{Rows, train};
use super::options;
use super::rows::Hashes;
use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::training::{Algorithm, FeatureColumn, Fitted, Training};
use crate::options::Options;

/// `gbdt`.
pub static GBDT: Algorithm = Algorithm {
    name: "gbdt",
    options: options::GBDT,
    takes_missing: true,
    takes_categories: true,
    fit,
};

/// More values than this are no classes.
const MOST_CLASSES: usize = 1000;

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let objective = options.text("objective");
    let classes = match objective {
        "logistic" | "softmax" => classes(training.target, objective)?,
        _ => Vec::new(),
    };
    check_target(training, objective)?;
    let parameters = options::parameters(options, training.names, classes.len())?;
    let numbered: Vec<f64>;
    let target = if classes.is_empty() {
        training.target
    } else {
        let place = |value: &f64| classes.partition_point(|class| class < value) as f64;
        numbered = training.target.iter().map(place).collect();
        &numbered
    };
    let mut further = vec![target];
    further.extend(training.times);
    let hashes = Hashes::of(&training.columns, &further, parameters.seed);
    let rows = 0..training.target.len() as u32;
    let judges = |row: &u32| {
        training
            .validation
            .is_some_and(|marks| marks[*row as usize])
    };
    let (validation, trains): (Vec<u32>, Vec<u32>) = rows.partition(judges);
    let learns: Option<Vec<bool>> = training
        .validation
        .map(|marks| marks.iter().map(|judges| !judges).collect());
    let binned = Binned::of(
        &training.columns,
        learns.as_deref(),
        &hashes,
        parameters.bins,
    );
    let rows = Rows {
        train: &trains,
        validation: &validation,
        target,
        weights: training.weights,
        times: training.times,
        hashes: &hashes,
    };
    if parameters.early_stopping_rounds > 0 && validation.is_empty() {
        return Err(Error::argument(
            "fit",
            "early_stopping_rounds",
            parameters.early_stopping_rounds,
            "mark rows that judge by the argument validation, or leave it out",
        ));
    }
    let boosted = train(&binned, &rows, &parameters);
    let kept = boosted.kept();
    let mut status = "ok".to_owned();
    if boosted
        .trees
        .trees
        .iter()
        .all(|tree| tree.splits.is_empty())
    {
        status = "no split gained anything: the prediction is a constant".to_owned();
    } else if parameters.early_stopping_rounds > 0 {
        status = format!("ok: {kept} of {} iterations kept", boosted.iterations);
    }
    let mut metrics = vec![
        ("iterations", boosted.iterations as f64),
        ("training_loss", boosted.training),
    ];
    if let Some(loss) = boosted.validation.get(kept.saturating_sub(1)) {
        metrics.push(("validation_loss", *loss));
    }
    let mut trees = boosted.trees;
    trees.classes = classes;
    trees.categories = training
        .columns
        .iter()
        .map(|column| match column {
            FeatureColumn::Numbers(_) => None,
            FeatureColumn::Categories { names, .. } => Some(names.to_vec()),
        })
        .collect();
    Ok(Fitted {
        body: Body::Trees(trees),
        status,
        metrics,
    })
}

/// The distinct values of the target, ascending.
fn classes(target: &[f64], objective: &str) -> Result<Vec<f64>> {
    let mut classes: Vec<f64> = Vec::new();
    for &value in target {
        let place = classes.partition_point(|class| *class < value);
        if classes.get(place) != Some(&value) {
            classes.insert(place, value);
        }
        if classes.len() > MOST_CLASSES {
            return Err(Error::data(
                "fit",
                format!(
                    "the target has more than {MOST_CLASSES} values; the objective {objective} tells them apart: \
                     use squared_error for numbers"
                ),
            ));
        }
    }
    let count = classes.len();
    match objective {
        "logistic" if count > 2 => Err(Error::data(
            "fit",
            format!(
                "the target has {count} values, the objective logistic tells two apart; use softmax"
            ),
        )),
        _ if count < 2 => Err(Error::data(
            "fit",
            format!(
                "the target is {} in every row; the objective {objective} needs two values or more",
                classes[0]
            ),
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
