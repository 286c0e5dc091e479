//! `explain_predict`.

use super::model_runs::for_each_run;
use super::predict_proba::{CLASS, class_of};
use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct ExplainPredict;

/// What stands for the prediction without features.
const BIAS: &str = "(bias)";

static SIGNATURE: Signature = Signature {
    name: "explain_predict",
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
    returns: Type::Rows(&[("feature", Type::Text), ("contribution", Type::Double)]),
    nulls: "NULL where the model is NULL, or a feature that the model cannot do without is NULL or NaN. Infinity is an error.",
    docs: "What each feature adds to a prediction.\n\n\
           A list of a row per feature, after one called `(bias)`; the contributions add up to the prediction. Trees: exact \
           path-dependent Shapley values (Lundberg et al., From local explanations to global understanding with explainable \
           AI for trees, Nature Machine Intelligence 2, 2020), the bias being the mean over the training rows, in units of \
           what the trees add up to: the target, the logarithm of a Poisson mean, the log odds of the largest class, or the \
           softmax score of `class`. Linear models: coefficient times value, the bias being the intercept.",
    example: "SELECT unnest(explain_predict(fit(y, {'x': x}), {'x': 2.0})) AS row \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t",
};

impl Scalar for ExplainPredict {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let wanted = inputs.numbers_if_passed(2)?;
        let mut out = vec![Value::Null; inputs.rows];
        let features = inputs.features(1)?;
        for_each_run(
            SIGNATURE.name,
            inputs.bytes(0)?,
            features,
            |rows, model, encoded| {
                let slices = encoded.slices();
                let width = slices.len() + 1;
                let mut start = 0;
                // Rows that ask for the same class are explained together.
                while start < rows.len() {
                    let class = |row: usize| wanted.and_then(|wanted| wanted.get(rows.start + row));
                    let mut end = start + 1;
                    while end < rows.len() && class(end) == class(start) {
                        end += 1;
                    }
                    let output = match model.classes() {
                        [] => 0,
                        _ => class_of(SIGNATURE.name, model, class(start))?,
                    };
                    let part: Vec<&[f64]> =
                        slices.iter().map(|values| &values[start..end]).collect();
                    let values = model
                        .contributions(&part, end - start, output)
                        .ok_or_else(|| {
                            Error::data(
                                SIGNATURE.name,
                                format!(
                                    "the model ({}) is neither linear nor made of trees; see feature_importance by \
                                     permutation",
                                    model.header().algorithm
                                ),
                            )
                        })?;
                    let names = std::iter::once(BIAS)
                        .chain(model.header().features.iter().map(String::as_str));
                    let names: Vec<Option<String>> =
                        names.map(|name| Some(name.to_owned())).collect();
                    let complete = encoded.where_complete(vec![(); rows.len()]);
                    for (row, values) in (start..end).zip(values.chunks_exact(width)) {
                        if complete[row].is_some() {
                            out[rows.start + row] = Value::Rows(vec![
                                Column::Text(names.clone()),
                                Column::Double(values.iter().copied().map(Some).collect()),
                            ]);
                        }
                    }
                    start = end;
                }
                Ok(())
            },
        )?;
        Ok(Column::Nested(out))
    }
}
