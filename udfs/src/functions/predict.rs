//! `predict`.

use super::model_runs::for_each_run;
use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::Result;
use crate::input::Inputs;
use crate::value::{Column, Type};

/// See the signature.
pub struct Predict;

static SIGNATURE: Signature = Signature {
    name: "predict",
    aliases: &[],
    category: Category::Prediction,
    arguments: &[
        Argument::required("model", Kind::Blob, "what fit returned"),
        Argument::required(
            "features",
            Kind::Features,
            "the model's features, by name, in any order",
        ),
    ],
    options: &[],
    returns: Type::Double,
    nulls: "NULL where the model is NULL, or a feature that the model cannot do without is NULL or NaN (trees have \
            learnt what to do without). Infinity is an error.",
    docs: "Predicts a row with a model.\n\n\
           In units of the target; of a model that tells classes apart, the most probable one (see predict_proba). Features are found by name, never by position; fields that the model does not \
           know are ignored, one that it needs and the struct lacks is an error. The model may differ \
           from row to row (one per symbol, joined). Pass one large model as a scalar subquery, \
           predict((SELECT model FROM m), ...): DataFusion copies what is joined to every row, and trees are megabytes.",
    example: "SELECT round(predict(model, {'x': 10.0}), 6) AS at_ten FROM (SELECT fit(y, {'x': x}) AS model \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t) m",
};

impl Scalar for Predict {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let mut out = vec![None; inputs.rows];
        let features = inputs.features(1)?;
        for_each_run(
            SIGNATURE.name,
            inputs.bytes(0)?,
            features,
            |rows, model, encoded| {
                let predictions = model.predict_complete(&encoded.slices(), rows.len());
                out[rows].copy_from_slice(&encoded.where_complete(predictions));
                Ok(())
            },
        )?;
        Ok(Column::Double(out))
    }
}
