//! The aggregates of the training functions: they keep their rows, texts
//! included, and hand them over as a [`Job`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::super::gather::{NON_NUMERIC, RESERVED, fits, no_feature};
use super::job::Job;
use super::request::Request;
use crate::definition::{Aggregate, Signature};
use crate::error::{Error, Result};
use crate::input::{Feature, Features, Inputs, Numbers, Rows};
use crate::models::infinite_feature;
use crate::models::row_store::{Beside, RowStore};
use crate::options::Options;
use crate::value::Value;

/// What is made of the rows. The signature has the arguments
/// [`super::ROW_ARGUMENTS`] and the options [`super::ROW_OPTIONS`].
pub trait OverRows: Sync + 'static {
    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// The table function that people call, for messages.
    fn caller(&self) -> &'static str;

    /// The value for the rows of a group, of which there is at least one.
    fn finish(&self, job: &Job) -> Result<Value>;
}

/// Makes an aggregate of it.
pub struct OverGathered<F>(pub F);

/// The arguments by place.
const TARGET: usize = 0;
const START: usize = 1;
const POSITION: usize = 3;
const WEIGHT: usize = 4;
const TIME: usize = 5;
const FEATURES: usize = 6;
const OPTIONS: usize = 7;

/// The columns of the store before the features: start, stop and position.
pub const KEYS: usize = POSITION - START + 1;

/// The rows, once the features are known.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    setup: Option<Setup>,
    rows: usize,
    /// Whether times are dates or timestamps.
    calendar: bool,
    store: RowStore,
}

#[derive(Clone, Serialize, Deserialize)]
struct Setup {
    /// The options as JSON text.
    options: String,
    skip_non_numeric: bool,
    /// Whether the algorithm takes texts.
    categories: bool,
    names: Vec<String>,
}

/// The rows of a group.
pub struct Gathered<'a> {
    /// The features' names.
    pub names: &'a [String],
    /// Target, weights, times, [`KEYS`] and features.
    pub store: &'a RowStore,
    /// How many there are.
    pub rows: usize,
    /// Whether times are dates or timestamps.
    pub calendar: bool,
}

impl<F: OverRows> OverGathered<F> {
    fn setup(&self, options: &serde_json::Value) -> Result<Setup> {
        let options = Options::parse(self.0.signature(), options)?;
        let request = Request::parse(self.0.caller(), &options)?;
        Ok(Setup {
            skip_non_numeric: options.text(NON_NUMERIC.name) == "skip",
            categories: request.recipe(&Map::new())?.entry.takes_categories(),
            options: options.to_json().to_string(),
            names: Vec::new(),
        })
    }

    fn infinite(&self, numbers: &Numbers<'_>, rows: Rows<'_>, name: &str) -> Result<()> {
        let is_infinite = |row| numbers.get(row).is_some_and(f64::is_infinite);
        if rows.iter().any(is_infinite) {
            return Err(infinite_feature(self.0.caller(), name));
        }
        Ok(())
    }
}

impl<F: OverRows> Aggregate for OverGathered<F> {
    type State = State;

    fn signature(&self) -> &'static Signature {
        self.0.signature()
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let caller = self.0.caller();
        let setup = match &mut state.setup {
            Some(setup) => setup,
            setup => setup.insert(self.setup(&inputs.options(OPTIONS, first)?)?),
        };
        let features = usable(caller, inputs.features(FEATURES)?, setup)?;
        if setup.names.is_empty() {
            let names = features.iter().map(|feature| feature.name.to_string());
            setup.names = names.collect();
        }
        self.infinite(inputs.numbers(TARGET)?, rows, "target")?;
        self.infinite(inputs.numbers(WEIGHT)?, rows, "weight")?;
        let keys = (START..=POSITION).map(|i| {
            Ok(Feature {
                name: self.0.signature().arguments[i].name.into(),
                type_name: "".into(),
                numbers: Some(inputs.numbers(i)?.clone()),
                texts: None,
            })
        });
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let columns: Vec<&Feature<'_>> = keys.iter().chain(features).collect();
        let moments = inputs.moments(TIME)?;
        state.calendar |= moments.calendar;
        let beside = Beside {
            target: inputs.numbers(TARGET)?,
            weights: Some(inputs.numbers(WEIGHT)?),
            times: Some(&moments.numbers),
            validation: None,
        };
        state.store.update(caller, &beside, &columns, rows)?;
        state.rows += rows.len();
        fits(caller, state.rows)
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        if into.setup.is_none() {
            into.setup.clone_from(&from.setup);
        }
        into.rows += from.rows;
        into.calendar |= from.calendar;
        into.store.merge(&from.store);
        fits(self.0.caller(), into.rows)
    }

    fn settle(&self, state: &mut State) {
        state.store.settle();
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(setup) = &state.setup else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(&setup.options)
            .map_err(|error| Error::internal(self.0.caller(), error.to_string()))?;
        let options = Options::parse(self.signature(), &given)?;
        let gathered = Gathered {
            names: &setup.names,
            store: &state.store,
            rows: state.rows,
            calendar: state.calendar,
        };
        self.0
            .finish(&Job::of(self.0.caller(), &gathered, &options)?)
    }

    fn size(&self, state: &State) -> usize {
        state.store.size()
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

/// The features that the algorithm takes.
///
/// # Errors
/// Names one that it does not take, unless these are skipped; or says that there
/// is none.
fn usable<'f, 'a>(
    caller: &str,
    features: &'f Features<'a>,
    setup: &Setup,
) -> Result<Vec<&'f Feature<'a>>> {
    let mut usable = Vec::with_capacity(features.fields.len());
    for feature in &features.fields {
        if feature.name.starts_with(RESERVED) {
            continue;
        }
        // A text is a category where it was named; else it may be any key.
        let is_category = feature.texts.is_some() && setup.categories && !setup.skip_non_numeric;
        if feature.numbers.is_some() || is_category {
            usable.push(feature);
        } else if !setup.skip_non_numeric {
            let needed = match setup.categories {
                true => "neither numeric nor text",
                false => {
                    "not numeric, which the algorithm needs (gbdt, random_forest and extra_trees take text)"
                }
            };
            let message = format!(
                "feature '{}' is {}, {needed}; cast it or leave it out",
                feature.name, feature.type_name
            );
            return Err(Error::data(caller, message));
        }
    }
    if usable.is_empty() {
        return Err(no_feature(caller));
    }
    Ok(usable)
}
