//! `lagrange_label_weights`: the kernel of the weights of overlapping labels.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Numbers, Rows};
use crate::options::Options;
use crate::statistics::random::Random;
use crate::time::bootstrap::sequential_bootstrap;
use crate::time::uniqueness::{Bars, time_decay};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct LagrangeLabelWeights;

const NAME: &str = "lagrange_label_weights";

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("entity", Kind::Number, "a number per entity, from 1"),
        Argument::required(
            "start",
            Kind::Number,
            "the position of the row's time, from 1",
        ),
        Argument::required(
            "stop",
            Kind::Number,
            "the position of its label's end; 0: not known",
        ),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "kind",
            accepts: Accepts::Choice(&["uniqueness", "bootstrap", "decay"]),
            default: "\"uniqueness\"",
            docs: "what is made of the labels",
        },
        OptionKey {
            name: "draws",
            accepts: Accepts::Integer(0, i64::MAX),
            default: "0",
            docs: "of a bootstrap; 0: as many as labels",
        },
        OptionKey {
            name: "last_weight",
            accepts: Accepts::Number(-1.0, 1.0),
            default: "0.5",
            docs: "of a decay",
        },
        OptionKey {
            name: "seed",
            accepts: Accepts::Integer(0, i64::MAX),
            default: "42",
            docs: "of a bootstrap",
        },
    ],
    returns: Type::Rows(&[
        ("entity", Type::Integer),
        ("start", Type::Integer),
        ("weight", Type::Double),
        ("concurrency", Type::Integer),
    ]),
    nulls: "NULL in a number is an error. No row: NULL.",
    docs: "The weights of the labels of one entity, one row per label.\n\n\
           No two rows share entity and start. Keeps 8 bytes per row, while it finishes about 60.",
    example: "SELECT unnest(lagrange_label_weights(1, i, i + 1)) AS row FROM range(1, 5) t(i)",
};

/// The rows of an entity.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// The options as JSON text, once there is a row.
    options: Option<String>,
    entity: u64,
    rows: Vec<(u32, u32)>,
}

impl Aggregate for LagrangeLabelWeights {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        if state.options.is_none() {
            let options = Options::parse(&SIGNATURE, &inputs.options(3, first)?)?;
            state.options = Some(options.to_json().to_string());
            state.entity = u64::from(position(inputs.numbers(0)?, first)?);
        }
        let (start, stop) = (inputs.numbers(1)?, inputs.numbers(2)?);
        state.rows.reserve(rows.len());
        for row in rows.iter() {
            state
                .rows
                .push((position(start, row)?, position(stop, row)?));
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
            into.entity = from.entity;
        }
        into.rows.extend_from_slice(&from.rows);
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(options) = &state.options else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(NAME, error.to_string()))?;
        let options = Options::parse(&SIGNATURE, &given)?;
        let bars = Bars::of(&state.rows);
        let weights = match options.text("kind") {
            "bootstrap" => {
                let draws = match options.integer("draws") {
                    0 => bars.labels.len(),
                    draws => draws as usize,
                };
                let seed = options.integer("seed") as u64;
                let mut random = Random::stream(seed, "sequential_bootstrap", state.entity);
                let drawn = sequential_bootstrap(&bars, draws, &mut random);
                drawn.into_iter().map(f64::from).collect()
            }
            "decay" => time_decay(&bars.uniqueness(), options.number("last_weight")),
            _ => bars.uniqueness(),
        };
        let concurrency = bars.concurrency();
        let starts = bars.rows.iter().map(|&row| state.rows[row as usize].0);
        let covering = bars
            .labels
            .iter()
            .map(|&(first, _)| concurrency[first as usize]);
        Ok(Value::Rows(vec![
            Column::Integer(vec![Some(state.entity as i64); weights.len()]),
            Column::Integer(starts.map(|start| Some(start.into())).collect()),
            Column::Double(weights.into_iter().map(Some).collect()),
            Column::Integer(covering.map(|count| Some(count.into())).collect()),
        ]))
    }

    fn size(&self, state: &State) -> usize {
        state.rows.capacity() * size_of::<(u32, u32)>()
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

fn position(numbers: &Numbers<'_>, row: usize) -> Result<u32> {
    match numbers.get(row) {
        Some(value) if value >= 0.0 && value < f64::from(u32::MAX) && value.fract() == 0.0 => {
            Ok(value as u32)
        }
        value => Err(Error::data(
            NAME,
            format!("{value:?} is no position; pass whole numbers from 0"),
        )),
    }
}
