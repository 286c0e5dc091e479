//! `import_model`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::import::{FORMATS, import};
use crate::value::{Column, Type};

/// See the signature.
pub struct ImportModel;

static SIGNATURE: Signature = Signature {
    name: "import_model",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[
        Argument::required("text", Kind::Text, "what the other library saved"),
        Argument::optional(
            "format",
            Kind::Text,
            "NULL",
            "lightgbm or xgboost; NULL: xgboost if the text begins with a brace, else lightgbm",
        ),
    ],
    options: &[],
    returns: Type::Blob,
    nulls: "NULL for a NULL text.",
    docs: "A model of LightGBM or XGBoost as one of ours.\n\n\
           LightGBM: the text of `Booster.save_model`, of any objective but multiclassova and reg_sqrt; trees with linear \
           leaves and zero_as_missing are errors. Categories become text: named as pandas named them, otherwise by their \
           code. XGBoost: the JSON of `Booster.save_model('model.json')` of the boosters gbtree and dart; splits by \
           category are errors. Its features are 32-bit numbers, so a value goes where its rounding to 32 bits goes. \
           Predictions equal LightGBM's to the last digits and XGBoost's to 1e-6 of their size (it adds in 32 bits, we in 64). A cover is the number of rows \
           (LightGBM) or the sum of the hessian (XGBoost), as the origin explains with. Names of the features are the \
           origin's, f0, f1, ... if an XGBoost model has none.",
    example: "SELECT predict(import_model(text), {'x': 3}) AS y FROM (SELECT '{\"learner\": {\"feature_names\": [\"x\"], \
              \"learner_model_param\": {\"base_score\": \"5E-1\", \"num_class\": \"0\", \"num_feature\": \"1\"}, \
              \"objective\": {\"name\": \"reg:squarederror\"}, \"gradient_booster\": {\"name\": \"gbtree\", \"model\": \
              {\"tree_info\": [0], \"trees\": [{\"left_children\": [1, -1, -1], \"right_children\": [2, -1, -1], \
              \"split_indices\": [0, 0, 0], \"split_conditions\": [2.5, -1, 1], \"default_left\": [0, 0, 0]}]}}}}' AS text) t",
};

impl Scalar for ImportModel {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let formats = match inputs.columns.get(1) {
            Some(_) => inputs.bytes(1)?,
            None => &[],
        };
        let text = |bytes, argument| {
            std::str::from_utf8(bytes)
                .map_err(|_| Error::argument(SIGNATURE.name, argument, "not UTF-8", "pass text"))
        };
        let models = inputs.bytes(0)?.iter().enumerate().map(|(row, bytes)| {
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            let format = formats.get(row).copied().flatten();
            let format = format.map(|bytes| text(bytes, "format")).transpose()?;
            let format = format.map(|given| {
                let known = FORMATS
                    .iter()
                    .find(|known| known.eq_ignore_ascii_case(given));
                known.copied().unwrap_or(given)
            });
            let model = import(SIGNATURE.name, text(bytes, "text")?, format)?;
            model.write().map(Some)
        });
        Ok(Column::Blob(models.collect::<Result<_>>()?))
    }
}
