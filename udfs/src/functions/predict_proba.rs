//! `predict_proba`.

use super::model_runs::for_each_run;
use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::Model;
use crate::value::{Column, Type};

/// See the signature.
pub struct PredictProba;

/// `class`.
pub const CLASS: Argument = Argument::optional(
    "class",
    Kind::Number,
    "NULL",
    "the value of the target that is meant; NULL: the largest, 1 of 0 and 1",
);

static SIGNATURE: Signature = Signature {
    name: "predict_proba",
    aliases: &[],
    category: Category::Prediction,
    arguments: &[
        Argument::required("model", Kind::Blob, "what fit returned"),
        Argument::required(
            "features",
            Kind::Features,
            "the model's features, by name, in any order",
        ),
        CLASS,
    ],
    options: &[],
    returns: Type::Double,
    nulls: "NULL where the model is NULL, or a feature that the model cannot do without is NULL or NaN. Infinity is an error.",
    docs: "The probability of a class, from 0 to 1.\n\n\
           Of a model that tells classes apart: the objectives logistic and softmax, and classifiers. A model of numbers \
           is an error, and so is a class that was not in the training rows. Features are found by name, as by predict.",
    example: "SELECT predict_proba(model, {'x': 3}) > 0.5 AS likely FROM (\
              SELECT fit(CASE WHEN i % 10 < 5 THEN 0 ELSE 1 END, {'x': -i % 10}, \
              {'algorithm': 'gbdt', 'objective': 'logistic', 'min_data_in_leaf': 1}) AS model FROM range(100) r(i)) m",
};

impl Scalar for PredictProba {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let wanted = inputs.numbers_if_passed(2)?;
        let mut out = vec![None; inputs.rows];
        let features = inputs.features(1)?;
        for_each_run(
            SIGNATURE.name,
            inputs.bytes(0)?,
            features,
            |rows, model, encoded| {
                let probabilities = model.probabilities(&encoded.slices(), rows.len());
                let probabilities =
                    probabilities.ok_or_else(|| no_classes(SIGNATURE.name, model))?;
                let count = model.classes().len();
                let of_row = |row: usize| {
                    let class = wanted.and_then(|wanted| wanted.get(rows.start + row));
                    let class = class_of(SIGNATURE.name, model, class)?;
                    Ok(probabilities[row * count + class])
                };
                let chosen: Result<Vec<f64>> = (0..rows.len()).map(of_row).collect();
                out[rows.clone()].copy_from_slice(&encoded.where_complete(chosen?));
                Ok(())
            },
        )?;
        Ok(Column::Double(out))
    }
}

/// The error for a model of numbers.
pub fn no_classes(function: &str, model: &Model) -> Error {
    if !model.classes().is_empty() {
        return Error::data(
            function,
            format!(
                "the model ({}) has no probabilities; use predict, or fit a classifier that has, such as knn, \
                 naive_bayes, or gbdt with the objective logistic",
                model.header().algorithm
            ),
        );
    }
    Error::data(
        function,
        format!(
            "the model ({}) predicts numbers, not classes; use predict, or fit a classifier \
             such as gbdt with the objective logistic",
            model.header().algorithm
        ),
    )
}

/// The place of a class among those of the model; NULL is the last.
pub fn class_of(function: &str, model: &Model, class: Option<f64>) -> Result<usize> {
    let classes = model.classes();
    let Some(class) = class else {
        return Ok(classes.len().saturating_sub(1));
    };
    classes
        .iter()
        .position(|known| *known == class)
        .ok_or_else(|| {
            let known: Vec<String> = classes.iter().map(f64::to_string).collect();
            Error::argument(
                function,
                "class",
                class,
                format!("the model knows {}", known.join(", ")),
            )
        })
}
