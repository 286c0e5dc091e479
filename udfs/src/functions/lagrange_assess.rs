//! `lagrange_assess`: what a model says of rows whose outcome is known.

use super::evaluate_model::NAME;
use super::model_runs::for_each_run;
use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Numbers};
use crate::models::{Encoded, Model};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct Assess;

static SIGNATURE: Signature = Signature {
    name: "lagrange_assess",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("model", Kind::Blob, "what fit returned"),
        Argument::required("features", Kind::Features, "the model's features, by name"),
        Argument::required("actual", Kind::Number, "what happened"),
    ],
    options: &[],
    returns: Type::Struct(&[
        ("classes", Type::Integer),
        ("actual", Type::Double),
        ("predicted", Type::Double),
        ("probability", Type::Double),
    ]),
    nulls: "Of a NULL model every field is NULL. `predicted` is NULL where a feature that the model cannot do without is \
            NULL or NaN.",
    docs: "What a model says of a row whose outcome is known.\n\n\
           The number of classes that the model tells apart (0: it predicts numbers), what happened and what is predicted \
           (of classes: their place, from 0, in ascending order), and a probability: of two classes that of the second, of more \
           that of the class that was; NULL if the model has none. A class that the model does not know is an error.",
    example: "SELECT lagrange_assess(model, {'x': 3}, 7) AS assessed FROM \
              (SELECT fit(2 * i, {'x': i}) AS model FROM range(9) r(i)) m",
};

impl Scalar for Assess {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let actual = inputs.numbers(2)?;
        let mut out = vec![Value::Null; inputs.rows];
        let features = inputs.features(1)?;
        for_each_run(NAME, inputs.bytes(0)?, features, |rows, model, encoded| {
            let first = rows.start;
            let assessed = assess(model, encoded, actual, rows)?;
            for (row, fields) in assessed.into_iter().enumerate() {
                out[first + row] = Value::Struct(fields);
            }
            Ok(())
        })?;
        Ok(Column::Nested(out))
    }
}

/// The fields of each row.
fn assess(
    model: &Model,
    encoded: &Encoded,
    actual: &Numbers<'_>,
    rows: std::ops::Range<usize>,
) -> Result<Vec<Vec<Value>>> {
    let slices = encoded.slices();
    let predicted = encoded.where_complete(model.predict_complete(&slices, rows.len()));
    let classes = model.classes();
    let count = classes.len();
    let probabilities = model.probabilities(&slices, rows.len());
    let place = |value: f64| classes.iter().position(|class| *class == value);
    let fields = |(row, predicted): (usize, Option<f64>)| {
        let mut actual = actual.get(rows.start + row);
        let (mut predicted, mut probability) = (predicted, None);
        if let (false, Some(was), Some(said)) = (classes.is_empty(), actual, predicted) {
            let was = place(was).ok_or_else(|| unknown_class(was, classes))?;
            let of = if count > 2 { was } else { count - 1 };
            probability = probabilities.as_ref().map(|all| all[row * count + of]);
            actual = Some(was as f64);
            predicted = place(said).map(|place| place as f64);
        }
        Ok(vec![
            Value::Integer(count as i64),
            actual.into(),
            predicted.into(),
            probability.into(),
        ])
    };
    predicted.into_iter().enumerate().map(fields).collect()
}

fn unknown_class(class: f64, classes: &[f64]) -> Error {
    let known: Vec<String> = classes.iter().map(f64::to_string).collect();
    let fix = format!(
        "the model knows the classes {}; filter such rows out, or fit with them",
        known.join(", ")
    );
    Error::argument(NAME, "actual", class, fix)
}
