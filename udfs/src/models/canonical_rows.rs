//! The rows that train, in an order that follows from their contents.

use rayon::prelude::*;

use crate::models::training::{FeatureColumn, Training};

/// What trains, sorted by the features, then the target, then the weight: an
/// algorithm that breaks ties by place gives the same model for rows in any order.
#[derive(Debug, Clone)]
pub struct CanonicalRows {
    /// A column per feature.
    pub columns: Vec<Vec<f64>>,
    /// What is predicted.
    pub target: Vec<f64>,
    /// Weights, if there are any.
    pub weights: Option<Vec<f64>>,
}

impl CanonicalRows {
    /// The rows of `training` that do not judge; the features are numbers.
    pub fn of(training: &Training<'_>) -> Self {
        let columns: Vec<&[f64]> = numeric_columns(training);
        let target = training.target;
        let judges = |row: usize| training.validation.is_some_and(|marks| marks[row]);
        let mut order: Vec<usize> = (0..target.len()).filter(|&row| !judges(row)).collect();
        order.par_sort_unstable_by(|&a, &b| {
            let keys = columns.iter().copied().chain([target]);
            // -0.0 + 0.0 is 0.0: both zeros are one value.
            let mut compared = keys
                .chain(training.weights)
                .map(|key| (key[a] + 0.0).total_cmp(&(key[b] + 0.0)));
            compared
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let chosen = |column: &[f64]| order.iter().map(|&row| column[row] + 0.0).collect();
        Self {
            columns: columns.par_iter().map(|column| chosen(column)).collect(),
            target: chosen(target),
            weights: training.weights.map(chosen),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.target.len()
    }
}

/// The features that are numbers, which is all of them unless the algorithm takes
/// categories or single precision.
pub fn numeric_columns<'a>(training: &Training<'a>) -> Vec<&'a [f64]> {
    let numbers = training.columns.iter().filter_map(|column| match column {
        FeatureColumn::Numbers(numbers) => Some(*numbers),
        FeatureColumn::Singles(_) | FeatureColumn::Categories { .. } => None,
    });
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::CanonicalRows;
    use crate::models::training::{FeatureColumn, Training};

    #[test]
    fn rows_lose_their_order_and_those_that_judge() {
        let of = |x: &[f64], y: &[f64], judge: &[bool]| {
            CanonicalRows::of(&Training {
                names: &["x".to_owned()],
                columns: vec![FeatureColumn::Numbers(x)],
                target: y,
                weights: None,
                times: None,
                validation: Some(judge),
            })
        };
        let rows = of(
            &[2.0, -0.0, 0.0, 9.0],
            &[1.0, 5.0, 4.0, 0.0],
            &[false, false, false, true],
        );
        assert_eq!(rows.columns, [[0.0, 0.0, 2.0]]);
        assert_eq!(rows.target, [4.0, 5.0, 1.0]);
        assert_eq!(rows.len(), 3);
    }
}
