//! Which rows a fit takes, and how they are added to what it keeps of them.

use super::{FEATURES, SIGNATURE, State, TARGET};
use crate::error::{Error, Result};
use crate::functions::complete_rows::complete_rows;
use crate::input::{Feature, Features, Inputs, Numbers, Rows};
use crate::models;
use crate::models::algorithms::Entry;
use crate::models::row_store::Beside;
use crate::statistics::triangle::Triangle;
use crate::statistics::weighted_moments::{MOST_ROWS, WeightedMoments};

/// The features, all of a type that the algorithm takes.
pub(super) fn usable<'f, 'a>(
    features: &'f Features<'a>,
    entry: Entry,
) -> Result<Vec<&'f Feature<'a>>> {
    refuse_unusable(features, entry)?;
    Ok(features.fields.iter().collect())
}

/// An error unless all features are of a type that the algorithm takes.
pub(super) fn refuse_unusable(features: &Features<'_>, entry: Entry) -> Result<()> {
    if !entry.takes_categories() {
        features.numeric(SIGNATURE.name)?;
    }
    let check = |feature: &Feature<'_>| {
        if feature.numbers.is_some() || feature.texts.is_some() {
            return Ok(());
        }
        Err(Error::data(
            SIGNATURE.name,
            format!(
                "feature '{}' is {}, neither numeric nor text; cast it or leave it out of the struct",
                feature.name, feature.type_name
            ),
        ))
    };
    features.fields.iter().try_for_each(check)
}

/// The rows that can be used; `None` if that is all of them.
///
/// # Errors
/// An infinite value, or a negative weight.
pub(super) fn chosen_rows(
    takes_missing: bool,
    beside: &Beside<'_>,
    features: &[&Feature<'_>],
    rows: Rows<'_>,
) -> Result<Option<Vec<u32>>> {
    let numeric = || {
        let numeric = features.iter().filter(|feature| feature.numbers.is_some());
        numeric.take(if takes_missing { 0 } else { usize::MAX })
    };
    let mut columns = Vec::with_capacity(features.len() + 1);
    columns.extend(numeric().filter_map(|feature| feature.numbers.as_ref()));
    columns.push(beside.target);
    let name = |i| numeric().nth(i).map(|feature| feature.name.to_string());
    let complete = complete_rows(SIGNATURE.name, &columns, rows, name)?;
    let Some(weights) = beside.weights else {
        return Ok(complete);
    };
    let rows = complete.as_deref().map_or(rows, Rows::Some);
    let mut weighted = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        match weights.get(row) {
            Some(weight) if weight < 0.0 || weight.is_infinite() => {
                return Err(Error::argument(
                    SIGNATURE.name,
                    "weight",
                    weight,
                    "pass weights from 0 up; NULL counts as 1",
                ));
            }
            Some(0.0) => {}
            _ => weighted.push(row as u32),
        }
    }
    Ok(Some(weighted))
}

/// The columns of `[X y]`.
fn matrix<'r>(beside: &Beside<'r>, features: &[&'r Feature<'r>]) -> Vec<&'r Numbers<'r>> {
    let numbers = features
        .iter()
        .filter_map(|feature| feature.numbers.as_ref());
    numbers.chain([beside.target]).collect()
}

/// Adds rows to the moments of `[X y]`, block by block, as long as they are complete
/// and finite; says how many.
pub(super) fn push_finite(
    moments: &mut WeightedMoments,
    beside: &Beside<'_>,
    features: &[&Feature<'_>],
    rows: usize,
) -> usize {
    let columns = matrix(beside, features);
    let mut done = 0;
    while moments.takes_block(rows - done) {
        let count = MOST_ROWS.min(rows - done);
        let copy = |i: usize, out: &mut Vec<f64>| columns[i].copy_range(done, count, out);
        if !moments.push_block(count, None, copy) {
            break;
        }
        done += count;
    }
    done
}

/// Adds complete rows to the moments of `[X y]`.
pub(super) fn push_moments(
    moments: &mut WeightedMoments,
    beside: &Beside<'_>,
    features: &[&Feature<'_>],
    rows: Rows<'_>,
) {
    let columns = matrix(beside, features);
    if !moments.takes_block(rows.len()) {
        for row in rows.iter() {
            let weight = beside.weights.and_then(|weights| weights.get(row));
            let values = columns.iter().map(|column| column.values()[row]);
            moments.push(weight.unwrap_or(1.0), values);
        }
        return;
    }
    let mut start = 0;
    while start < rows.len() {
        let count = MOST_ROWS.min(rows.len() - start);
        let copy = |numbers: &Numbers<'_>, out: &mut Vec<f64>| match rows {
            Rows::All(_) => numbers.copy_range(start, count, out),
            Rows::Some(rows) => numbers.copy_rows(Rows::Some(&rows[start..start + count]), out),
        };
        let weights = beside.weights.map(|numbers| {
            let mut weights = Vec::with_capacity(count);
            copy(numbers, &mut weights);
            for weight in &mut weights {
                // NULL counts as 1.
                *weight = if weight.is_nan() { 1.0 } else { *weight };
            }
            weights
        });
        moments.push_block(count, weights.as_deref(), |i, out| copy(columns[i], out));
        start += count;
    }
}

/// Adds those of a few rows that are complete to the factor of `[1 X y]`; says how many.
/// A query has a window or a group for every such handful, so nothing is allocated.
///
/// # Errors
/// An infinite value.
pub(super) fn push_few(
    triangle: &mut Triangle,
    intercept: bool,
    inputs: &Inputs<'_>,
    rows: Rows<'_>,
) -> Result<usize> {
    let features = inputs.features(FEATURES)?;
    let target = inputs.numbers(TARGET)?;
    let mut used = 0;
    for row in rows.iter() {
        let whole =
            triangle.push_whole(|values| whole_row(features, target, intercept, row, values));
        match whole {
            true => used += 1,
            false => refuse_infinite(inputs, row)?,
        }
    }
    Ok(used)
}

/// Appends `[1 X y]` of a row; whether all of it is there and finite.
pub(super) fn whole_row(
    features: &Features<'_>,
    target: &Numbers<'_>,
    intercept: bool,
    row: usize,
    values: &mut Vec<f64>,
) -> bool {
    if intercept {
        values.push(1.0);
    }
    let numbers = features.fields.iter().map(|field| field.numbers.as_ref());
    for numbers in numbers.chain([Some(target)]) {
        match numbers.and_then(|numbers| numbers.get(row)) {
            Some(value) if value.is_finite() => values.push(value),
            _ => return false,
        }
    }
    true
}

/// An error if the row, which is not complete, has an infinite value.
pub(super) fn refuse_infinite(inputs: &Inputs<'_>, row: usize) -> Result<()> {
    let beside = Beside {
        target: inputs.numbers(TARGET)?,
        weights: None,
        times: None,
        validation: None,
    };
    let features: Vec<_> = inputs.features(FEATURES)?.fields.iter().collect();
    chosen_rows(false, &beside, &features, Rows::Some(&[row as u32])).map(drop)
}

/// Adds complete rows to the factor of `[1 X y]`.
pub(super) fn push(
    triangle: &mut Triangle,
    intercept: bool,
    beside: &Beside<'_>,
    features: &[&Feature<'_>],
    rows: Rows<'_>,
) {
    let columns = matrix(beside, features);
    // A row counts as often as its weight says if it is scaled by the root.
    let roots: Option<Vec<f64>> = beside.weights.map(|weights| {
        let root = |row| weights.get(row).unwrap_or(1.0).sqrt();
        rows.iter().map(root).collect()
    });
    if triangle.takes_block(rows.len()) {
        triangle.push_block(rows.len(), |i, out| {
            let from = out.len();
            match (intercept, i) {
                (true, 0) => out.extend(std::iter::repeat_n(1.0, rows.len())),
                (true, i) => columns[i - 1].copy_rows(rows, out),
                (false, i) => columns[i].copy_rows(rows, out),
            }
            if let Some(roots) = &roots {
                for (value, root) in out[from..].iter_mut().zip(roots) {
                    *value *= root;
                }
            }
        });
        return;
    }
    triangle.reserve(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let root = roots.as_ref().map_or(1.0, |roots| roots[i]);
        let constant = intercept.then_some(root);
        let values = columns.iter().map(|column| column.values()[row] * root);
        triangle.push(constant.into_iter().chain(values));
    }
}

/// Of algorithms that take missing values, whose rows are not looked at otherwise
/// before they are kept.
///
/// # Errors
/// A feature with an infinite value in these rows.
pub(super) fn refuse_infinities(state: &State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
    let Some(setup) = &state.setup else {
        return Ok(());
    };
    if !setup.plan.takes_missing {
        return Ok(());
    }
    for feature in &inputs.features(FEATURES)?.fields {
        if let Some(numbers) = &feature.numbers
            && rows
                .iter()
                .any(|row| numbers.get(row).is_some_and(f64::is_infinite))
        {
            return Err(models::infinite_feature(SIGNATURE.name, &feature.name));
        }
    }
    Ok(())
}
