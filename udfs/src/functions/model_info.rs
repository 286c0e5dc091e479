//! `model_info`.

use serde_json::Value as Json;

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::Result;
use crate::input::Inputs;
use crate::models::Model;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct ModelInfo;

static SIGNATURE: Signature = Signature {
    name: "model_info",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required("model", Kind::Blob, "what fit returned")],
    options: &[],
    returns: Type::Struct(&[
        ("algorithm", Type::Text),
        ("target", Type::Text),
        ("features", Type::Text),
        ("parameters", Type::Text),
        ("rows_used", Type::Integer),
        ("rows_skipped", Type::Integer),
        ("r2", Type::Double),
        ("residual_deviation", Type::Double),
        ("status", Type::Text),
        ("library", Type::Text),
        ("window_from", Type::Double),
        ("window_to", Type::Double),
        ("metrics", Type::Text),
    ]),
    nulls: "NULL for a NULL model.",
    docs: "What a model is and how it was fitted.\n\n\
           `features` is a JSON array of names in order, `parameters` a JSON object of every option, `r2` and \
           `residual_deviation` (in units of the target) are in sample, `status` is `ok` or says what \
           is remarkable. `window_from` and `window_to` are the earliest and the latest time of the rows that trained, in \
           seconds since 1970 or as the numbers that the time column holds, NULL where the fit was given no times; \
           `metrics` is a JSON object of what the fit measured of itself, such as losses and iterations.",
    example: "SELECT model_info(fit(y, {'x': x})) AS info \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.5) t",
};

impl Scalar for ModelInfo {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let values = inputs.bytes(0)?.iter().map(|bytes| match bytes {
            Some(bytes) => Ok(describe(&*Model::read_cached(bytes)?)),
            None => Ok(Value::Null),
        });
        Ok(Column::Nested(values.collect::<Result<_>>()?))
    }
}

fn describe(model: &Model) -> Value {
    let header = model.header();
    let linear = model.body().linear();
    Value::Struct(vec![
        Value::Text(header.algorithm.clone()),
        Value::Text(header.target.clone()),
        Value::Text(serde_json::json!(header.features).to_string()),
        Value::Text(header.parameters.to_string()),
        Value::Integer(header.rows_used as i64),
        Value::Integer(header.rows_skipped as i64),
        linear.and_then(|linear| linear.r2).into(),
        linear.and_then(|linear| linear.residual_deviation).into(),
        Value::Text(header.status.clone()),
        Value::Text(header.library.clone()),
        header.window.as_ref().map(|window| window.from).into(),
        header.window.as_ref().map(|window| window.to).into(),
        Value::Text(Json::from(header.metrics.clone()).to_string()),
    ])
}
