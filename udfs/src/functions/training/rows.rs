//! The rows of an aggregate, in the order that their keys define.

use super::super::gather::Gathered;
use crate::error::{Error, Result};
use crate::models::validation::Rows;

/// Rows that can train and be tested.
pub struct Complete {
    /// In the order of positions.
    pub rows: Rows,
    /// Their positions.
    pub positions: Vec<i64>,
    /// How many were left out.
    pub skipped: u64,
}

impl Complete {
    /// Those of the rows that are complete.
    ///
    /// # Errors
    /// A negative weight, or no complete row.
    pub fn of(caller: &'static str, gathered: &Gathered<'_>, takes_missing: bool) -> Result<Self> {
        let [target, start, stop, position, weight] = gathered.numbers else {
            return Err(Error::internal(caller, "five numbers were expected"));
        };
        if let Some(negative) = weight.iter().find(|weight| **weight < 0.0) {
            let fix = "pass weights from 0 up; NULL counts as 1";
            return Err(Error::argument(caller, "weight", negative, fix));
        }
        let labelled = |row: &u32| {
            let row = *row as usize;
            !target[row].is_nan() && stop[row] > 0.0 && weight[row] != 0.0
        };
        let complete = |row: &u32| {
            let is_there = |column: &Vec<f64>| !column[*row as usize].is_nan();
            takes_missing || gathered.columns.iter().all(is_there)
        };
        let all = gathered.rows as u32;
        let mut rows: Vec<u32> = (0..all).filter(labelled).filter(complete).collect();
        if rows.is_empty() {
            return Err(none(
                caller,
                gathered,
                &(0..all).filter(labelled).collect::<Vec<_>>(),
            ));
        }
        rows.sort_unstable_by(|&a, &b| position[a as usize].total_cmp(&position[b as usize]));
        let chosen = |column: &Vec<f64>| -> Vec<f64> {
            rows.iter().map(|&row| column[row as usize]).collect()
        };
        let places = |column: &Vec<f64>| -> Vec<u32> {
            rows.iter()
                .map(|&row| column[row as usize] as u32)
                .collect()
        };
        let weighted = weight.iter().any(|weight| !weight.is_nan());
        let weights = || {
            chosen(weight)
                .iter()
                .map(|w| if w.is_nan() { 1.0 } else { *w })
                .collect()
        };
        Ok(Self {
            positions: rows
                .iter()
                .map(|&row| position[row as usize] as i64)
                .collect(),
            skipped: (gathered.rows - rows.len()) as u64,
            rows: Rows {
                names: gathered.names.to_vec(),
                columns: gathered.columns.iter().map(chosen).collect(),
                target: chosen(target),
                weights: weighted.then(weights),
                start: places(start),
                stop: places(stop),
            },
        })
    }
}

/// Why there is no complete row.
fn none(caller: &str, gathered: &Gathered<'_>, labelled: &[u32]) -> Error {
    if labelled.is_empty() {
        let message = "no row has a target and a label that ends within the data";
        return Error::data(caller, message);
    }
    let missing = |column: &Vec<f64>| {
        labelled
            .iter()
            .filter(|&&row| column[row as usize].is_nan())
            .count()
    };
    let worst = gathered
        .names
        .iter()
        .zip(gathered.columns)
        .map(|(name, column)| (missing(column), name))
        .max_by_key(|(missing, _)| *missing);
    let (missing, name) = worst.map_or((0, ""), |(missing, name)| (missing, name.as_str()));
    let message = format!(
        "no row has every feature; '{name}' is missing in {missing} of {}: exclude it, or take an algorithm that takes \
         missing values (gbdt, random_forest, extra_trees)",
        labelled.len()
    );
    Error::data(caller, message)
}
