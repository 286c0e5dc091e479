//! An aggregate that keeps the features of its rows and looks at all of them in
//! the end. The functions that need ranks, bins or neighbours are of this kind;
//! each writes only what it makes of the columns.

pub mod numbers;
pub mod sample;

use serde::{Deserialize, Serialize};

use self::sample::{Limit, Sample};
use serde_json::Value as Json;

use crate::definition::{Accepts, Aggregate, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Features, Inputs, Numbers, Rows};
use crate::models::infinite_feature;
use crate::options::Options;
use crate::statistics::column_store::{ColumnStore, StoredColumn};
use crate::statistics::cross_moments::Infinite;
use crate::value::Value;

/// The option every gathering aggregate has.
pub const NON_NUMERIC: OptionKey = OptionKey {
    name: "non_numeric",
    accepts: Accepts::Choice(&["error", "skip"]),
    default: "\"error\"",
    docs: "what a field that is no number does",
};

/// What is made of the gathered rows.
///
/// The signature has number arguments first, then one struct of features, then
/// the options, among them [`NON_NUMERIC`].
pub trait OverFeatures: Sync + 'static {
    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// The table function that people call, for messages.
    fn caller(&self) -> &'static str;

    /// The same, where several share an aggregate.
    fn caller_of(&self, _options: &Options) -> &'static str {
        self.caller()
    }

    /// How many rows are kept at most; none: all. Only those that take features
    /// by parts limit rows.
    fn limit(&self, _options: &Options) -> Option<Limit> {
        None
    }

    /// Whether `finish` reads `stored`, which needs no further memory, and not
    /// `columns`.
    fn by_parts(&self) -> bool {
        false
    }

    /// The value for the rows of a group, of which there is at least one.
    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value>;
}

/// The rows of a group, in any order; NaN is missing, nothing is infinite.
pub struct Gathered<'a> {
    /// The number arguments before the features, in order.
    pub numbers: &'a [Vec<f64>],
    /// The features' names.
    pub names: &'a [String],
    /// Their columns; none for those that read `stored`.
    pub columns: &'a [Vec<f64>],
    /// The same as they are kept.
    pub stored: Stored<'a>,
    /// The number of rows.
    pub rows: usize,
    /// Where these are not all rows: how many there were, and the values of each
    /// feature in them.
    pub sampled: Option<(u64, &'a [u64])>,
}

/// The features of the gathered rows, as they are kept.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    store: &'a ColumnStore,
    /// Columns before the features.
    numbers: usize,
    /// The gathered rows, if these are not all that are kept.
    chosen: Option<&'a [u32]>,
}

impl<'a> Stored<'a> {
    /// Of a store in which columns of numbers come before those of features.
    pub fn new(store: &'a ColumnStore, numbers: usize, chosen: Option<&'a [u32]>) -> Self {
        Self {
            store,
            numbers,
            chosen,
        }
    }

    /// A feature, to be read at [`Self::places`].
    pub fn feature(&self, i: usize) -> StoredColumn<'a> {
        self.store.column(self.numbers + i)
    }

    /// Where the given ones of the gathered rows are kept.
    pub fn places(&self, rows: &[u32]) -> Vec<u32> {
        match self.chosen {
            None => rows.to_vec(),
            Some(chosen) => rows.iter().map(|&row| chosen[row as usize]).collect(),
        }
    }
}

/// The columns before the features, of the chosen rows.
fn kept_numbers(store: &ColumnStore, numbers: usize, chosen: Option<&[u32]>) -> Vec<Vec<f64>> {
    match chosen {
        None => store.columns(0..numbers).into_owned(),
        Some(chosen) => (0..numbers)
            .map(|i| store.column(i))
            .map(|column| chosen.iter().map(|&row| column.at(row)).collect())
            .collect(),
    }
}

/// Rows are numbered by 32 bits, with some to spare.
const MOST_ROWS: usize = 1 << 31;

/// Makes an aggregate of it.
pub struct Gather<F>(pub F);

/// The rows, once the features are known.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// The function that people called.
    caller: String,
    /// The options as JSON text.
    options: String,
    skip_non_numeric: bool,
    names: Vec<String>,
    store: Option<ColumnStore>,
    limit: Option<Limit>,
    /// Once there are more rows than that.
    sample: Option<Sample>,
}

impl<F: OverFeatures> Gather<F> {
    fn numbers(&self) -> usize {
        let arguments = self.0.signature().arguments;
        arguments
            .iter()
            .take_while(|argument| argument.kind == Kind::Number)
            .count()
    }

    fn infinite(&self, caller: &str, names: &[String], Infinite(column): Infinite) -> Error {
        let numbers = self.numbers();
        let name = match column.checked_sub(numbers) {
            Some(feature) => &names[feature],
            None => self.0.signature().arguments[column].name,
        };
        infinite_feature(caller, name)
    }
}

impl<F: OverFeatures> Aggregate for Gather<F> {
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
        let numbers = self.numbers();
        let features = inputs.features(numbers)?;
        let mut columns = Vec::with_capacity(numbers + features.fields.len());
        for i in 0..numbers {
            columns.push(inputs.numbers(i)?);
        }
        let given = inputs.options(numbers + 1, first)?;
        if state.store.is_none() {
            let options = Options::parse(self.signature(), &given)?;
            state.skip_non_numeric = options.text(NON_NUMERIC.name) == "skip";
            state.limit = self.0.limit(&options);
            state.caller = self.0.caller_of(&options).to_owned();
            state.options = options.to_json().to_string();
        }
        let chosen = chosen_features(&state.caller, features, state.skip_non_numeric)?;
        if state.store.is_none() {
            state.names = chosen.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        columns.extend(chosen.into_iter().map(|(_, numbers)| numbers));
        if state.store.is_none() {
            let start = |limit| Sample::start(limit, &columns, first);
            state.sample = state.limit.and_then(start);
        }
        let store = state
            .store
            .get_or_insert_with(|| ColumnStore::new(columns.len()));
        let updated = match state.limit {
            Some(limit) => sample::add(&mut state.sample, store, &columns, rows, limit),
            None => store.update(&columns, rows),
        };
        updated.map_err(|infinite| self.infinite(&state.caller, &state.names, infinite))?;
        fits(&state.caller, store.rows())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        match (&mut into.store, &from.store) {
            (_, None) => {}
            (Some(store), Some(more)) => {
                match into.limit {
                    Some(limit) => {
                        sample::merged(&mut into.sample, store, (&from.sample, more), limit);
                    }
                    None => store.merge(more),
                }
                fits(&into.caller, store.rows())?;
            }
            (None, Some(store)) => {
                into.caller.clone_from(&from.caller);
                into.limit = from.limit;
                into.sample.clone_from(&from.sample);
                into.store = Some(store.clone());
                into.names.clone_from(&from.names);
                into.options.clone_from(&from.options);
                into.skip_non_numeric = from.skip_non_numeric;
            }
        }
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(store) = &state.store else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(&state.options)
            .map_err(|error| Error::internal(self.0.caller(), error.to_string()))?;
        let options = Options::parse(self.signature(), &given)?;
        let numbers = self.numbers();
        let sampled = state.sample.as_ref().zip(state.limit);
        let chosen = sampled.and_then(|(sample, limit)| sample::chosen(sample, store, limit));
        let whole = if self.0.by_parts() {
            0..0
        } else {
            numbers..store.width()
        };
        let gathered = Gathered {
            numbers: &kept_numbers(store, numbers, chosen.as_deref()),
            names: &state.names,
            columns: &store.columns(whole),
            stored: Stored::new(store, numbers, chosen.as_deref()),
            rows: chosen.as_ref().map_or(store.rows(), Vec::len),
            sampled: sampled.map(|(sample, _)| (sample.seen, &sample.present[numbers..])),
        };
        self.0.finish(&gathered, &options)
    }

    fn size(&self, state: &State) -> usize {
        state.store.as_ref().map_or(0, ColumnStore::size)
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

/// Whether rows can be numbered in 32 bits, as the statistics of ranks do.
///
/// # Errors
/// Too many rows.
pub fn fits(caller: &str, rows: usize) -> Result<()> {
    if rows < MOST_ROWS {
        return Ok(());
    }
    Err(Error::data(
        caller,
        format!("a group has {MOST_ROWS} rows or more; filter them, or group them further"),
    ))
}

/// Columns whose names begin like this are passed beside the features, not
/// among them, where a whole row stands for its features.
pub const RESERVED: &str = "lagrange_";

/// The numeric features by name.
///
/// # Errors
/// Names a feature that is no number, unless these are skipped; or says that
/// there is none.
pub fn chosen_features<'f, 'a>(
    function: &str,
    features: &'f Features<'a>,
    skip_non_numeric: bool,
) -> Result<Vec<(&'f str, &'f Numbers<'a>)>> {
    let mut chosen = Vec::with_capacity(features.fields.len());
    for field in &features.fields {
        if field.name.starts_with(RESERVED) {
            continue;
        }
        match &field.numbers {
            Some(numbers) => chosen.push((&*field.name, numbers)),
            None if skip_non_numeric => {}
            None => {
                return Err(Error::data(
                    function,
                    format!(
                        "feature '{}' is {}, not numeric; cast it or leave it out",
                        field.name, field.type_name
                    ),
                ));
            }
        }
    }
    if chosen.is_empty() {
        return Err(no_feature(function));
    }
    Ok(chosen)
}

/// No column is a feature.
pub fn no_feature(function: &str) -> Error {
    Error::data(
        function,
        "there is no numeric feature column; pass 'features', or widen them",
    )
}
