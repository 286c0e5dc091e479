//! The rows of an aggregate, in the order that their keys define.

use std::borrow::Cow;

use super::gathered::{Gathered, KEYS};
use crate::error::{Error, Result};
use crate::models::row_store::Whole;
use crate::models::training::{NO_CATEGORY, is_single, kept};
use crate::models::validation::{Column, Recipe, Rows};

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
    pub fn of(caller: &'static str, gathered: &Gathered<'_>, recipe: &Recipe) -> Result<Self> {
        let takes_missing = recipe.takes_missing();
        let single = is_single(&recipe.options);
        let store = gathered.store;
        let target = store.target();
        let weight = store.weights().unwrap_or_default();
        let times = store.times().unwrap_or_default();
        let [start, stop, position] = keys(caller, gathered)?;
        if let Some(negative) = weight.iter().find(|weight| **weight < 0.0) {
            let fix = "pass weights from 0 up; NULL counts as 1";
            return Err(Error::argument(caller, "weight", negative, fix));
        }
        let features: Vec<Whole<'_>> = (0..gathered.names.len())
            .map(|i| store.column(KEYS + i))
            .collect();
        let labelled = |row: &u32| {
            let row = *row as usize;
            !target[row].is_nan() && stop[row] > 0.0 && weight[row] != 0.0
        };
        let complete = |row: &u32| takes_missing || features.iter().all(|f| is_there(f, *row));
        let all = gathered.rows as u32;
        let mut rows: Vec<u32> = (0..all).filter(labelled).filter(complete).collect();
        if rows.is_empty() {
            let labelled: Vec<u32> = (0..all).filter(labelled).collect();
            return Err(none(caller, gathered.names, &features, &labelled));
        }
        rows.sort_unstable_by(|&a, &b| position[a as usize].total_cmp(&position[b as usize]));
        let chosen = |column: &[f64]| -> Vec<f64> {
            rows.iter().map(|&row| column[row as usize]).collect()
        };
        let places = |column: &[f64]| -> Vec<u32> {
            rows.iter()
                .map(|&row| column[row as usize] as u32)
                .collect()
        };
        let column = |feature: &Whole<'_>| match feature {
            Whole::Numbers(numbers) => {
                let numbers = chosen(numbers).into_iter();
                Column::Numbers(numbers.map(|value| kept(single, value)).collect())
            }
            Whole::Singles(_) => Column::Numbers(Vec::new()),
            Whole::Categories { codes, names } => Column::Categories {
                codes: rows.iter().map(|&row| codes[row as usize]).collect(),
                names: names.clone(),
            },
        };
        let weighted = weight.iter().any(|weight| *weight != 1.0);
        Ok(Self {
            positions: rows
                .iter()
                .map(|&row| position[row as usize] as i64)
                .collect(),
            skipped: (gathered.rows - rows.len()) as u64,
            rows: Rows {
                names: gathered.names.to_vec(),
                columns: features.iter().map(column).collect(),
                target: chosen(&target),
                weights: weighted.then(|| chosen(&weight)),
                times: Some(chosen(&times)),
                calendar: gathered.calendar,
                start: places(&start),
                stop: places(&stop),
            },
        })
    }
}

/// The columns before the features.
fn keys<'a>(caller: &str, gathered: &Gathered<'a>) -> Result<[Cow<'a, [f64]>; KEYS]> {
    let columns = (0..KEYS).filter_map(|i| match gathered.store.column(i) {
        Whole::Numbers(numbers) => Some(numbers),
        Whole::Singles(_) | Whole::Categories { .. } => None,
    });
    let columns: Vec<Cow<'a, [f64]>> = columns.collect();
    columns
        .try_into()
        .map_err(|_| Error::internal(caller, "keys are numbers"))
}

fn is_there(feature: &Whole<'_>, row: u32) -> bool {
    match feature {
        Whole::Numbers(numbers) => !numbers[row as usize].is_nan(),
        Whole::Singles(_) => false,
        Whole::Categories { codes, .. } => codes[row as usize] != NO_CATEGORY,
    }
}

/// Why there is no complete row.
fn none(caller: &str, names: &[String], features: &[Whole<'_>], labelled: &[u32]) -> Error {
    if labelled.is_empty() {
        let message = "no row has a target and a label that ends within the data";
        return Error::data(caller, message);
    }
    let missing = |feature: &Whole<'_>| {
        let missing = labelled.iter().filter(|&&row| !is_there(feature, row));
        missing.count()
    };
    let worst = names
        .iter()
        .zip(features)
        .map(|(name, feature)| (missing(feature), name))
        .max_by_key(|(missing, _)| *missing);
    let (missing, name) = worst.map_or((0, ""), |(missing, name)| (missing, name.as_str()));
    let message = format!(
        "no row has every feature; '{name}' is missing in {missing} of {}: exclude it, or take an algorithm that takes \
         missing values (gbdt, random_forest, extra_trees)",
        labelled.len()
    );
    Error::data(caller, message)
}
