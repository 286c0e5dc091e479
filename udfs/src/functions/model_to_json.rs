//! `model_to_json`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::Model;
use crate::value::{Column, Type};

/// See the signature.
pub struct ModelToJson;

static SIGNATURE: Signature = Signature {
    name: "model_to_json",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required("model", Kind::Blob, "what fit returned")],
    options: &[],
    returns: Type::Text,
    nulls: "NULL for a NULL model.",
    docs: "A whole model as JSON text.\n\n\
           An object: `schema` (1), `algorithm`, `target`, `features` (a list of {name, type: number or text, categories: of \
           text}), `parameters`, `rows_used`, `rows_skipped`, `window` ({from, to, calendar} or null; seconds since 1970 if \
           calendar), `metrics`, `status`, `library`, and one of\n\
           - `linear`: {intercept: {value, standardized, standard_error}, coefficients: [{value, standardized, \
           standard_error, feature}], residual_deviation, r2, degrees_of_freedom}, of logistic also {link: logistic, classes: \
           [both values]}, where the sum is the log odds of the second, and of lasso and elastic_net with a path {path: \
           [{alpha, intercept, coefficients, r2, test_error, test_standard_error, chosen}]}\n\
           - `trees`: {link: identity, logistic, softmax, share or log; base: [what each sum starts from]; classes: [values]; \
           trees: [{output: the sum it adds to, splits: [{feature, at_most: number or in: [categories], missing: left or \
           right, left, right: {split: i} or {leaf: i}, gain, cover, value}], leaves: [{value, cover}]}]}. A walk starts \
           at split 0, or leaf 0 if there is none; rows that satisfy at_most or in go left; of unknown category is \
           missing.\n\
           Numbers keep all their digits. A model of an algorithm without such parameters is an error.",
    example: "SELECT model_to_json(fit(y, {'x': x})) LIKE '%\"linear\"%' AS is_linear \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.5) t",
};

impl Scalar for ModelToJson {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let texts = inputs.bytes(0)?.iter().map(|bytes| {
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            let model = Model::read_cached(bytes)?;
            let json = model.to_json().ok_or_else(|| {
                let algorithm = &model.header().algorithm;
                let what = format!("a model of {algorithm} cannot be written as JSON");
                Error::data(SIGNATURE.name, what)
            })?;
            let text = serde_json::to_string(&json);
            let text = text.map_err(|error| Error::internal(SIGNATURE.name, error.to_string()))?;
            Ok(Some(text))
        });
        Ok(Column::Text(texts.collect::<Result<_>>()?))
    }
}
