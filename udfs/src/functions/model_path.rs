//! `model_path`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::{Body, Model, Step};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct ModelPath;

static SIGNATURE: Signature = Signature {
    name: "model_path",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required(
        "model",
        Kind::Blob,
        "a model of lasso or elastic_net with n_lambdas or folds",
    )],
    options: &[],
    returns: Type::Rows(&[
        ("step", Type::Integer),
        ("alpha", Type::Double),
        ("feature", Type::Text),
        ("coefficient", Type::Double),
        ("r2", Type::Double),
        ("test_error", Type::Double),
        ("test_standard_error", Type::Double),
        ("chosen", Type::Boolean),
    ]),
    nulls: "NULL for a NULL model.",
    docs: "The coefficients of a lasso or elastic net at every penalty of its path.\n\n\
           An entry per step and feature, steps counted from 1, the largest penalty, at which every coefficient is 0; \
           the first entry of a step is that of `(intercept)`. `r2` is in sample. `test_error` is the mean over the folds \
           of the mean squared error on rows that did not train, `test_standard_error` its standard deviation over the \
           folds divided by the root of their number, both NULL without folds; `chosen` marks the penalty that the \
           folds chose, whose coefficients predict.",
    example: "SELECT unnest(model_path(fit(y, {'x': x}, {'algorithm': 'lasso', 'n_lambdas': 2}))) AS row \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.5) t",
};

impl Scalar for ModelPath {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let values = inputs.bytes(0)?.iter().map(|bytes| match bytes {
            Some(bytes) => {
                let model = Model::read_cached(bytes)?;
                match model.body() {
                    Body::LinearPath(path) => Ok(table(&path.steps, &model.header().features)),
                    _ => Err(Error::data(
                        SIGNATURE.name,
                        format!(
                            "the model ({}) keeps no path; fit lasso or elastic_net with n_lambdas or folds",
                            model.header().algorithm
                        ),
                    )),
                }
            }
            None => Ok(Value::Null),
        });
        Ok(Column::Nested(values.collect::<Result<_>>()?))
    }
}

fn table(steps: &[Step], features: &[String]) -> Value {
    let names = || std::iter::once("(intercept)").chain(features.iter().map(String::as_str));
    let width = features.len() + 1;
    let numbers = |of: fn(&Step) -> Option<f64>| {
        let values = steps.iter().map(of);
        Column::Double(
            values
                .flat_map(|value| std::iter::repeat_n(value, width))
                .collect(),
        )
    };
    let coefficients = steps.iter().flat_map(|step| {
        let values = std::iter::once(step.intercept).chain(step.coefficients.iter().copied());
        values.map(Some)
    });
    Value::Rows(vec![
        Column::Integer(
            (1..=steps.len() as i64)
                .flat_map(|step| std::iter::repeat_n(Some(step), width))
                .collect(),
        ),
        numbers(|step| Some(step.alpha)),
        Column::Text(
            steps
                .iter()
                .flat_map(|_| names().map(|name| Some(name.to_owned())))
                .collect(),
        ),
        Column::Double(coefficients.collect()),
        numbers(|step| step.r2),
        numbers(|step| step.test_error),
        numbers(|step| step.test_standard_error),
        Column::Boolean(
            steps
                .iter()
                .flat_map(|step| std::iter::repeat_n(Some(step.chosen), width))
                .collect(),
        ),
    ])
}
