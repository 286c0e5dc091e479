//! `to_onnx`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::Result;
use crate::input::Inputs;
use crate::models::{Model, onnx};
use crate::value::{Column, Type};

/// See the signature.
pub struct ToOnnx;

static SIGNATURE: Signature = Signature {
    name: "to_onnx",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required("model", Kind::Blob, "what fit returned")],
    options: &[],
    returns: Type::Blob,
    nulls: "NULL for a NULL model.",
    docs: "A model as an ONNX file.\n\n\
           Opset 21, ai.onnx.ml 5, IR version 10, all in 64 bits: rows go where predict sends them. One input per feature, by \
           its name, a value per row: DOUBLE, NaN where missing, or STRING for text, where an empty string that is no \
           category counts as missing. Outputs: `prediction`, a DOUBLE per row as predict gives, and of models that tell \
           classes apart `probabilities`, a column per class, ascending. Linear models are a Gemm, trees a TreeEnsemble. A \
           model of another algorithm is an error, as is a feature called prediction, probabilities or lagrange_*.",
    example: "SELECT to_onnx(fit(y, {'x': x})) IS NOT NULL AS written \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.5) t",
};

impl Scalar for ToOnnx {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let files = inputs.bytes(0)?.iter().map(|bytes| match bytes {
            Some(bytes) => onnx::export(SIGNATURE.name, &*Model::read_cached(bytes)?).map(Some),
            None => Ok(None),
        });
        Ok(Column::Blob(files.collect::<Result<_>>()?))
    }
}
