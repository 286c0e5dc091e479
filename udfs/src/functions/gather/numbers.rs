//! An aggregate that keeps its numbers and looks at all rows in the end, in an
//! order that does not depend on the one they came in.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::fits;
use crate::definition::{Aggregate, Kind, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::statistics::column_store::ColumnStore;
use crate::statistics::cross_moments::Infinite;
use crate::value::Value;

/// What is made of the gathered rows.
///
/// The signature has number arguments only, then the options.
pub trait OverNumbers: Sync + 'static {
    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// The table function that people call, for messages.
    fn caller(&self) -> &'static str;

    /// The value for the rows of a group, of which there is at least one. A column
    /// per argument, NaN where it is missing; the rows ascend by the first column,
    /// then by the second, and so on, missing values last.
    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value>;
}

/// Makes an aggregate of it.
pub struct GatherNumbers<F>(pub F);

/// The rows.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// The options as JSON text.
    options: String,
    store: Option<ColumnStore>,
}

impl<F: OverNumbers> Aggregate for GatherNumbers<F> {
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
        let arguments = self.0.signature().arguments;
        let numbers = arguments.iter().take_while(|a| a.kind == Kind::Number);
        let columns = (0..numbers.count())
            .map(|i| inputs.numbers(i))
            .collect::<Result<Vec<_>>>()?;
        if state.store.is_none() {
            let given = inputs.options(columns.len(), first)?;
            let options = Options::parse(self.signature(), &given)?;
            state.options = options.to_json().to_string();
        }
        let store = state
            .store
            .get_or_insert_with(|| ColumnStore::new(columns.len()));
        store.update(&columns, rows).map_err(|Infinite(column)| {
            let fix = "filter or replace infinite values (NULL is missing)";
            Error::argument(self.0.caller(), arguments[column].name, "infinite", fix)
        })?;
        fits(self.0.caller(), store.rows())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        match (&mut into.store, &from.store) {
            (_, None) => Ok(()),
            (Some(store), Some(more)) => {
                store.merge(more);
                fits(self.0.caller(), store.rows())
            }
            (None, Some(store)) => {
                into.store = Some(store.clone());
                into.options.clone_from(&from.options);
                Ok(())
            }
        }
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(store) = &state.store else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(&state.options)
            .map_err(|error| Error::internal(self.0.caller(), error.to_string()))?;
        let options = Options::parse(self.signature(), &given)?;
        self.0.finish(&ascending(store.columns()), &options)
    }

    fn size(&self, state: &State) -> usize {
        state.store.as_ref().map_or(0, ColumnStore::size)
    }
}

/// The columns with their rows in ascending order of all values, so that sums over
/// them are the same however the rows came.
fn ascending(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let rows = columns.first().map_or(0, Vec::len);
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let compare = |a: u32, b: u32| {
        let mut each = columns
            .iter()
            .map(|column| column[a as usize].total_cmp(&column[b as usize]));
        each.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    order.par_sort_unstable_by(|&a, &b| compare(a, b));
    columns
        .iter()
        .map(|column| order.iter().map(|&row| column[row as usize]).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ascending;

    #[test]
    fn rows_ascend_by_the_first_column_then_by_the_next() {
        let columns = [vec![2.0, 1.0, f64::NAN, 1.0], vec![0.0, 9.0, 5.0, 3.0]];
        let found = ascending(&columns);
        assert_eq!(found[0][..3], [1.0, 1.0, 2.0]);
        assert!(found[0][3].is_nan());
        assert_eq!(found[1], [3.0, 9.0, 0.0, 5.0]);
        assert!(ascending(&[]).is_empty());
    }
}
