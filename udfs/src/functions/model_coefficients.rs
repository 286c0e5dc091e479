//! `model_coefficients`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::{Linear, Model};
use crate::statistics::distributions::student_t_two_sided;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct ModelCoefficients;

static SIGNATURE: Signature = Signature {
    name: "model_coefficients",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required("model", Kind::Blob, "a linear model")],
    options: &[],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("coefficient", Type::Double),
        ("standardized", Type::Double),
        ("std_error", Type::Double),
        ("t", Type::Double),
        ("p", Type::Double),
    ]),
    nulls: "NULL for a NULL model.",
    docs: "The parameters of a linear model, one entry per feature after the intercept.\n\n\
           `coefficient` is in units of the target per unit of the feature; `standardized` in standard deviations \
           of the target per standard deviation of the feature (NULL for the intercept). `std_error`, `t` and the \
           two-sided `p` (Student's t with rows - parameters degrees of freedom) are those of ordinary least squares, under \
           what its option `covariance` assumes of the errors; NULL for other algorithms and where features repeat each \
           other. Of logistic, coefficients are in log odds of the larger class. The entry of the \
           intercept is called `(intercept)`.",
    example: "SELECT unnest(model_coefficients(fit(y, {'x': x}))) AS row \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.5) t",
};

impl Scalar for ModelCoefficients {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let values = inputs.bytes(0)?.iter().map(|bytes| match bytes {
            Some(bytes) => {
                let model = Model::read_cached(bytes)?;
                let linear = model.body().linear().ok_or_else(|| {
                    Error::data(
                        SIGNATURE.name,
                        format!(
                            "a model of {} has no coefficients; see feature_importance",
                            model.header().algorithm
                        ),
                    )
                })?;
                Ok(table(linear, &model.header().features))
            }
            None => Ok(Value::Null),
        });
        Ok(Column::Nested(values.collect::<Result<_>>()?))
    }
}

fn table(linear: &Linear, features: &[String]) -> Value {
    let mut columns = (
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
    );
    let intercept = std::iter::once(("(intercept)", &linear.intercept, None));
    let rest = features
        .iter()
        .zip(&linear.coefficients)
        .map(|(name, coefficient)| (name.as_str(), coefficient, Some(coefficient.standardized)));
    for (name, coefficient, standardized) in intercept.chain(rest) {
        let t = coefficient
            .standard_error
            .filter(|error| *error > 0.0)
            .map(|error| coefficient.value / error);
        columns.0.push(Some(name.to_owned()));
        columns.1.push(Some(coefficient.value));
        columns.2.push(standardized);
        columns.3.push(coefficient.standard_error);
        columns.4.push(t);
        columns
            .5
            .push(t.map(|t| student_t_two_sided(t, linear.degrees_of_freedom)));
    }
    Value::Rows(vec![
        Column::Text(columns.0),
        Column::Double(columns.1),
        Column::Double(columns.2),
        Column::Double(columns.3),
        Column::Double(columns.4),
        Column::Double(columns.5),
    ])
}
