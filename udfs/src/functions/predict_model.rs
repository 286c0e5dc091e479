//! `predict_model`.

use std::collections::HashMap;

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::models::source;
use crate::value::{Column, Type};

/// See the signature.
pub struct PredictModel;

static SIGNATURE: Signature = Signature {
    name: "predict_model",
    aliases: &[],
    category: Category::Prediction,
    arguments: &[
        Argument::required(
            "model",
            Kind::Text,
            "a model of the registry: 'name@champion', 'name@3', or 'name' for its champion",
        ),
        Argument::required(
            "features",
            Kind::Features,
            "the model's features, by name, in any order",
        ),
    ],
    options: &[],
    returns: Type::Double,
    nulls: "NULL where the name is NULL, or a feature that the model cannot do without is NULL or NaN (trees have \
            learnt what to do without). Infinity is an error.",
    docs: "Predicts a row with a model of the registry.\n\n\
           As predict, with the name of a model instead of the model; lagrange run publishes the models of the tables \
           that it makes, lagrange models list shows them, and lagrange models promote says which version is the \
           champion. The registry is that of the setting storage.model_registry. A model is read once, and an alias \
           stands for the same version until the run ends, whatever is promoted meanwhile. The name may differ from row \
           to row ('model.' || symbol). Outside lagrange there is no registry, and the call is an error.",
    example: "SELECT round(predict_model('example@champion', {'x': 10.0}), 6) AS at_ten",
};

impl Scalar for PredictModel {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let mut out = vec![None; inputs.rows];
        let features = inputs.features(1)?;
        for (name, rows) in by_name(inputs.bytes(0)?) {
            let name = std::str::from_utf8(name)
                .map_err(|_| Error::data(SIGNATURE.name, "the name of the model is not UTF-8"))?;
            let model = source::find(SIGNATURE.name, name)?;
            let which = match rows.len() == inputs.rows {
                true => Rows::All(inputs.rows),
                false => Rows::Some(&rows),
            };
            let encoded = model.encode(SIGNATURE.name, features, which)?;
            let predictions = model.predict_complete(&encoded.slices(), rows.len());
            for (row, prediction) in rows.iter().zip(encoded.where_complete(predictions)) {
                out[*row as usize] = prediction;
            }
        }
        Ok(Column::Double(out))
    }
}

/// The rows of each name, in the order in which names appear.
fn by_name<'a>(names: &[Option<&'a [u8]>]) -> Vec<(&'a [u8], Vec<u32>)> {
    let mut groups: Vec<(&[u8], Vec<u32>)> = Vec::new();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for (row, name) in names.iter().enumerate() {
        let Some(name) = *name else {
            continue;
        };
        let place = *places.entry(name).or_insert(groups.len());
        if place == groups.len() {
            groups.push((name, Vec::new()));
        }
        groups[place].1.push(row as u32);
    }
    groups
}
