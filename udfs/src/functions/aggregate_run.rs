//! Runs an aggregate on columns, for tests.

use serde_json::Value as Json;

use crate::definition::Aggregate;
use crate::error::Result;
use crate::input::{Feature, Features, Input, Inputs, Numbers, OptionsColumn, Rows};
use crate::value::Value;

struct Constant(Json);

impl OptionsColumn for Constant {
    fn read(&self, _: usize) -> Result<Json> {
        Ok(self.0.clone())
    }
}

/// The value for these columns: numbers, then features by name, then options.
/// The rows are split into states of different sizes, the last rows first, and
/// merged by way of bytes.
pub fn run<A: Aggregate>(
    aggregate: &A,
    numbers: &[&[f64]],
    features: &[(&str, Vec<f64>)],
    options: &Json,
) -> Result<Value> {
    let rows = features[0].1.len();
    let update = |state: &mut A::State, from: usize, to: usize| {
        let part = |values: &[f64]| Numbers::new(values[from..to].to_vec(), None);
        let fields = features.iter().map(|(name, values)| Feature {
            name: (*name).into(),
            type_name: "DOUBLE".into(),
            numbers: Some(part(values)),
            texts: None,
        });
        let features = Features {
            fields: fields.collect(),
        };
        let mut columns: Vec<Input<'_>> = numbers
            .iter()
            .map(|values| Input::Numbers(part(values)))
            .collect();
        columns.push(Input::Features(features));
        columns.push(Input::Options(Box::new(Constant(options.clone()))));
        let inputs = Inputs {
            rows: to - from,
            columns,
        };
        aggregate.update(state, &inputs, Rows::All(to - from))
    };
    let mut whole = aggregate.start();
    for (from, to) in [(rows / 3, rows), (rows / 5, rows / 3), (0, rows / 5)] {
        let mut state = aggregate.start();
        update(&mut state, from, to)?;
        let bytes = postcard::to_allocvec(&state).unwrap();
        aggregate.merge(&mut whole, &postcard::from_bytes(&bytes).unwrap())?;
    }
    aggregate.finish(&whole)
}
