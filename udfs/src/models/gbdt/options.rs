//! The options of gradient boosting and of forests.

use serde_json::Value as Json;

use super::forest::ForestParameters;
use super::objective::Objective;
use super::parameters::{Parameters, Sampling};
use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::options::Options;

/// What `gbdt` reads.
pub const GBDT: &[&str] = &[
    "objective",
    "trees",
    "learning_rate",
    "max_leaves",
    "max_depth",
    "bins",
    "min_data_in_leaf",
    "min_gain",
    "lambda_l1",
    "lambda_l2",
    "feature_fraction",
    "sampling",
    "row_fraction",
    "goss_top",
    "goss_other",
    "huber_delta",
    "quantile",
    "early_stopping_rounds",
    "monotone",
    "interactions",
    "precision",
    "seed",
];

/// What `random_forest` and `extra_trees` read.
pub const FOREST: &[&str] = &[
    "objective",
    "trees",
    "max_features",
    "bootstrap",
    "max_depth",
    "bins",
    "min_data_in_leaf",
    "min_gain",
    "precision",
    "seed",
];

const OBJECTIVES: &[&str] = &[
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "logistic",
    "softmax",
    "poisson",
    "lambdarank",
];

/// The declarations.
pub const KEYS: &[OptionKey] = &[
    OptionKey::new(
        "objective",
        Accepts::Choice(OBJECTIVES),
        "\"squared_error\"",
        "gbdt, forests (squared_error, logistic, softmax): the loss that is made small; logistic and softmax tell the target's values apart, poisson takes \
         targets from 0, lambdarank orders rows of equal time (a target that is no grade, a whole number from 0, is graded by fifths of \
         its time)",
    ),
    OptionKey::new(
        "trees",
        Accepts::Integer(1, 100_000),
        "100",
        "gbdt: iterations, each of one tree (softmax: one per class); forests: trees (of more than two classes: per class)",
    ),
    OptionKey::new(
        "learning_rate",
        Accepts::Number(1e-6, 10.0),
        "0.1",
        "gbdt: the part of each tree that is added",
    ),
    OptionKey::new(
        "max_leaves",
        Accepts::Integer(2, 65_535),
        "31",
        "gbdt: leaves of a tree, at most; the leaf that gains most is split first",
    ),
    OptionKey::new(
        "max_depth",
        Accepts::Integer(0, 64),
        "0",
        "gbdt, forests: splits from root to leaf, at most; 0: any number",
    ),
    OptionKey::new(
        "bins",
        Accepts::Integer(2, 255),
        "255",
        "gbdt, forests: bins of a feature, at most, beside the one of missing values",
    ),
    OptionKey::new(
        "min_data_in_leaf",
        Accepts::Integer(1, 1_000_000_000),
        "null",
        "gbdt (20), forests (1): training rows of a leaf, at least",
    ),
    OptionKey::new(
        "min_gain",
        Accepts::Number(0.0, 1e300),
        "0",
        "gbdt, forests: what a split must save of the loss",
    ),
    OptionKey::new(
        "precision",
        Accepts::Choice(&["double", "single"]),
        "\"double\"",
        "gbdt, forests: how features are kept until the fit: double, in 8 bytes a value, or single, in 4, rounded to some 7 \
         digits, which bins hardly ever tell apart",
    ),
    OptionKey::new(
        "lambda_l1",
        Accepts::Number(0.0, 1e300),
        "0",
        "gbdt: penalty on the size of leaves",
    ),
    OptionKey::new(
        "lambda_l2",
        Accepts::Number(0.0, 1e300),
        "0",
        "gbdt: penalty on the square of leaves",
    ),
    OptionKey::new(
        "feature_fraction",
        Accepts::Number(1e-6, 1.0),
        "1",
        "gbdt: the share of features that a tree may ask for",
    ),
    OptionKey::new(
        "sampling",
        Accepts::Choice(&["rows", "goss"]),
        "\"rows\"",
        "gbdt: how a tree's rows are drawn: rows takes row_fraction of them; goss those of the largest gradients and \
         some of the others (Ke et al., LightGBM, NIPS 2017)",
    ),
    OptionKey::new(
        "row_fraction",
        Accepts::Number(1e-6, 1.0),
        "1",
        "gbdt: the share of rows that a tree sees",
    ),
    OptionKey::new(
        "goss_top",
        Accepts::Number(1e-6, 1.0),
        "0.2",
        "gbdt with goss: the share of rows with the largest gradients",
    ),
    OptionKey::new(
        "goss_other",
        Accepts::Number(1e-6, 1.0),
        "0.1",
        "gbdt with goss: the share of other rows, which stand for the rest",
    ),
    OptionKey::new(
        "huber_delta",
        Accepts::Number(1e-300, 1e300),
        "1",
        "gbdt with huber: the residual, in units of the target, beyond which the loss is linear",
    ),
    OptionKey::new(
        "quantile",
        Accepts::Number(1e-6, 1.0),
        "0.5",
        "gbdt with the objective quantile, quantile: which quantile of the target is predicted, below 1",
    ),
    OptionKey::new(
        "early_stopping_rounds",
        Accepts::Integer(0, 100_000),
        "0",
        "gbdt: iterations without a smaller loss in the rows that validate after which boosting stops; the trees up \
         to the best are kept; 0: never",
    ),
    OptionKey::new(
        "monotone",
        Accepts::Text,
        "null",
        "gbdt: JSON text of features and 1 (the prediction never falls with it) or -1 (never rises)",
    ),
    OptionKey::new(
        "interactions",
        Accepts::Text,
        "null",
        "gbdt: JSON text of lists of features: those on one path are all of one list",
    ),
    OptionKey::new(
        "max_features",
        Accepts::Number(1e-6, 1.0),
        "null",
        "forests: the share of features that a split looks at; a third, of classes the root of their number",
    ),
    OptionKey::new(
        "bootstrap",
        Accepts::Flag,
        "null",
        "random_forest (true), extra_trees (false): whether each tree draws its rows with replacement",
    ),
    OptionKey::new(
        "seed",
        Accepts::Integer(0, i64::MAX),
        "42",
        "gbdt, forests: of what is drawn at random",
    ),
];

/// The parameters that the options say. `classes` is how many values the target
/// has.
///
/// # Errors
/// Unknown features in constraints, shares of GOSS above 1.
pub fn parameters(options: &Options, names: &[String], classes: usize) -> Result<Parameters> {
    let count = |name: &str| options.integer(name) as usize;
    let number = |name: &str| options.number(name);
    let objective = match options.text("objective") {
        "absolute_error" => Objective::AbsoluteError,
        "huber" => Objective::Huber {
            delta: number("huber_delta"),
        },
        "quantile" => Objective::Quantile {
            level: number("quantile"),
        },
        "logistic" => Objective::Logistic,
        "softmax" => Objective::Softmax { classes },
        "poisson" => Objective::Poisson,
        "lambdarank" => Objective::LambdaRank,
        _ => Objective::SquaredError,
    };
    let (top, other) = (number("goss_top"), number("goss_other"));
    let sampling = match options.text("sampling") {
        "goss" if top + other > 1.0 => {
            return Err(Error::argument(
                "fit",
                "goss_other",
                other,
                format!("pass at most 1 - goss_top, {}", 1.0 - top),
            ));
        }
        "goss" => Sampling::Goss { top, other },
        _ if number("row_fraction") < 1.0 => Sampling::Rows(number("row_fraction")),
        _ => Sampling::All,
    };
    Ok(Parameters {
        objective,
        trees: count("trees"),
        learning_rate: number("learning_rate"),
        max_leaves: count("max_leaves"),
        max_depth: count("max_depth"),
        bins: count("bins"),
        min_data_in_leaf: options.integer_or("min_data_in_leaf", 20) as usize,
        min_gain: number("min_gain"),
        lambda_l1: number("lambda_l1"),
        lambda_l2: number("lambda_l2"),
        feature_fraction: number("feature_fraction"),
        sampling,
        early_stopping_rounds: count("early_stopping_rounds"),
        monotone: monotone(options, names)?,
        interactions: interactions(options, names)?,
        seed: options.integer("seed") as u64,
    })
}

/// The parameters of a forest. `classes` is how many values the target has, 0 of
/// numbers.
pub fn forest(options: &Options, classes: usize, features: usize, extra: bool) -> ForestParameters {
    let share = match classes {
        0 => 1.0 / 3.0,
        _ => (features as f64).sqrt() / features as f64,
    };
    ForestParameters {
        classes,
        trees: options.integer("trees") as usize,
        max_features: options.number_or("max_features", share),
        bootstrap: options.flag_or("bootstrap", !extra),
        extra,
        max_depth: options.integer("max_depth") as usize,
        min_data_in_leaf: options.integer_or("min_data_in_leaf", 1) as usize,
        min_gain: options.number("min_gain"),
        seed: options.integer("seed") as u64,
    }
}

fn wrong(name: &str, value: &str, fix: &str) -> Error {
    Error::argument("fit", name, value, fix)
}

/// The number of the feature of that name.
fn feature(option: &str, name: &str, names: &[String]) -> Result<usize> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let near = crate::error::nearest(name, &known)
            .map(|near| format!("; did you mean '{near}'?"))
            .unwrap_or_default();
        wrong(option, name, &format!("it is no feature{near}"))
    })
}

fn monotone(options: &Options, names: &[String]) -> Result<Vec<i8>> {
    let Some(text) = options.text_if_any("monotone") else {
        return Ok(Vec::new());
    };
    let fix = "pass JSON text such as {\"feature\": 1} with 1, 0 or -1";
    let Ok(Json::Object(given)) = serde_json::from_str(text) else {
        return Err(wrong("monotone", text, fix));
    };
    let mut directions = vec![0; names.len()];
    for (name, direction) in given {
        let direction = match direction.as_i64() {
            Some(direction @ -1..=1) => direction as i8,
            _ => return Err(wrong("monotone", text, fix)),
        };
        directions[feature("monotone", &name, names)?] = direction;
    }
    Ok(directions)
}

fn interactions(options: &Options, names: &[String]) -> Result<Vec<Vec<u32>>> {
    let Some(text) = options.text_if_any("interactions") else {
        return Ok(Vec::new());
    };
    let fix = "pass JSON text such as [[\"a\", \"b\"], [\"c\"]]";
    let groups: Vec<Vec<String>> =
        serde_json::from_str(text).map_err(|_| wrong("interactions", text, fix))?;
    let number = |name: &String| Ok(feature("interactions", name, names)? as u32);
    groups
        .iter()
        .map(|group| group.iter().map(number).collect())
        .collect()
}
