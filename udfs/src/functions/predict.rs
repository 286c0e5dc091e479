//! `predict`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
use crate::models::Model;
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
    nulls: "NULL where the model is NULL or a feature of the model is NULL or NaN. Infinity is an error.",
    docs: "Predicts a row with a model.\n\n\
           In units of the target. Features are found by name, never by position; fields that the model does not \
           know are ignored, one that it needs and the struct lacks is an error. The model may differ \
           from row to row (one per symbol, joined).",
    example: "SELECT round(predict(model, {'x': 10.0}), 6) AS at_ten FROM (SELECT fit(y, {'x': x}) AS model \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t) m",
};

impl Scalar for Predict {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let models = inputs.bytes(0)?;
        let features = inputs.features(1)?;
        let mut out = vec![None; inputs.rows];
        let mut start = 0;
        // Rows that follow each other usually have the same model.
        while start < inputs.rows {
            let bytes = models[start];
            let mut end = start + 1;
            while end < inputs.rows && same(models[end], bytes) {
                end += 1;
            }
            if let Some(bytes) = bytes {
                let model = Model::read_cached(bytes)?;
                let predictions = if start == 0 && end == inputs.rows {
                    model.predict(SIGNATURE.name, features, Rows::All(end))?
                } else {
                    let rows: Vec<u32> = (start as u32..end as u32).collect();
                    model.predict(SIGNATURE.name, features, Rows::Some(&rows))?
                };
                out[start..end].copy_from_slice(&predictions);
            }
            start = end;
        }
        Ok(Column::Double(out))
    }
}

/// Whether two models are the same: usually the very same bytes.
fn same(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => std::ptr::eq(a, b) || a == b,
        (None, None) => true,
        _ => false,
    }
}
