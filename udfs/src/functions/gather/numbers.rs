//! An aggregate that keeps its numbers and looks at all rows in the end, in an
//! order that does not depend on the one they came in.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::fits;
use serde_json::Value as Json;

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

    /// How many of the first columns are never missing: dates, entities.
    fn keys(&self) -> usize {
        0
    }

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
        let columns = ascending(&store.columns(0..store.width()));
        let keys = columns.iter().take(self.0.keys());
        for (argument, column) in self.signature().arguments.iter().zip(keys) {
            if column.iter().any(|value| value.is_nan()) {
                let fix = format!("a row has no {}; filter those rows out", argument.name);
                return Err(Error::argument(self.0.caller(), argument.name, "NULL", fix));
            }
        }
        self.0.finish(&columns, &options)
    }

    fn size(&self, state: &State) -> usize {
        state.store.as_ref().map_or(0, ColumnStore::size)
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

/// The columns with their rows in ascending order of all values, so that sums over
/// them are the same however the rows came.
fn ascending(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    // The first two columns that vary are sorted where they stand, and the others
    // are looked up only where these are equal.
    let varies = |column: &&Vec<f64>| {
        let mut pairs = column.windows(2);
        pairs.any(|pair| pair[0].total_cmp(&pair[1]).is_ne())
    };
    let varying: Vec<&Vec<f64>> = columns.iter().filter(varies).collect();
    let Some((first, others)) = varying.split_first() else {
        return columns.to_vec();
    };
    let (second, others) = others.split_first().unwrap_or((first, &[]));
    let mut order: Vec<(i64, i64, u32)> = first
        .iter()
        .zip(*second)
        .enumerate()
        .map(|(row, (&a, &b))| (ordered(a), ordered(b), row as u32))
        .collect();
    order.par_sort_unstable_by(|a, b| {
        let mut rest = others
            .iter()
            .map(|column| column[a.2 as usize].total_cmp(&column[b.2 as usize]));
        (a.0, a.1)
            .cmp(&(b.0, b.1))
            .then_with(|| rest.find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
    });
    let sorted = |column: &Vec<f64>| order.iter().map(|row| column[row.2 as usize]).collect();
    columns.par_iter().map(sorted).collect()
}

/// An integer that is ordered as [`f64::total_cmp`] orders the value.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
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
        let same = [vec![5.0; 3], vec![f64::NAN; 3]];
        assert_eq!(ascending(&same)[0], [5.0; 3]);
        // The third decides where two are equal; signs are in order.
        let columns = [
            vec![1.0; 4],
            vec![-1.0, -2.0, -2.0, 0.5],
            vec![0.0; 4],
            vec![7.0, 9.0, -8.0, 0.0],
        ];
        assert_eq!(ascending(&columns)[3], [-8.0, 9.0, 7.0, 0.0]);
    }
}
