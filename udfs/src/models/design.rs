//! The rows of a linear model in units in which its features can be compared.

use crate::models::canonical_rows::CanonicalRows;
use crate::models::scaling::center_and_scale;
use crate::models::{Coefficient, Linear};

/// Columns of ones, if there is an intercept, and of the features about their means
/// in standard deviations. A linear model of these is one of the features.
pub struct Design {
    /// The parameters' columns.
    pub columns: Vec<Vec<f64>>,
    /// What is predicted.
    pub target: Vec<f64>,
    /// One per row.
    pub weights: Vec<f64>,
    /// Whether the first column is the intercept's.
    pub intercept: bool,
    centers: Vec<f64>,
    /// 1 for what does not vary.
    scales: Vec<f64>,
    varies: Vec<bool>,
}

impl Design {
    /// Of rows in their own order.
    pub fn of(rows: CanonicalRows, intercept: bool) -> Self {
        let count = rows.len();
        let mut columns = Vec::with_capacity(rows.columns.len() + 1);
        if intercept {
            columns.push(vec![1.0; count]);
        }
        let (mut centers, mut scales, mut varies) = (Vec::new(), Vec::new(), Vec::new());
        for mut column in rows.columns {
            let (center, scale) = center_and_scale(&column);
            let size = column.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            let spread = column
                .iter()
                .fold(0.0, |most: f64, x| most.max((x - center).abs()));
            // A constant is nothing beside an intercept, and a feature without one.
            let constant = spread <= 1e-14 * size;
            let center = if intercept { center } else { 0.0 };
            let scale = if constant && size > 0.0 && !intercept {
                size
            } else {
                scale
            };
            let usable = !(constant && intercept) && size > 0.0;
            for value in &mut column {
                *value = if usable {
                    (*value - center) / scale
                } else {
                    0.0
                };
            }
            columns.push(column);
            centers.push(center);
            scales.push(scale);
            varies.push(usable);
        }
        Self {
            columns,
            weights: rows.weights.unwrap_or_else(|| vec![1.0; count]),
            target: rows.target,
            intercept,
            centers,
            scales,
            varies,
        }
    }

    /// Slices of the columns.
    pub fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    /// The standard deviation that a parameter's column is measured in; `None` for
    /// the intercept.
    pub fn scale(&self, parameter: usize) -> Option<f64> {
        let feature = parameter.checked_sub(usize::from(self.intercept))?;
        self.scales.get(feature).copied()
    }

    /// What the parameters predict, by row.
    pub fn sums(&self, parameters: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.target.len()];
        for (column, parameter) in self.columns.iter().zip(parameters) {
            for (sum, value) in sums.iter_mut().zip(column) {
                *sum += parameter * value;
            }
        }
        sums
    }

    /// Σ column · value over the rows, by parameter.
    pub fn products(&self, values: &[f64]) -> Vec<f64> {
        let product = |column: &Vec<f64>| column.iter().zip(values).map(|(x, v)| x * v).sum();
        self.columns.iter().map(product).collect()
    }

    /// The model of parameters; standardised by the deviation of the target if
    /// `of_target`.
    pub fn linear(&self, parameters: &[f64], of_target: bool) -> Linear {
        let first = usize::from(self.intercept);
        let unit = if of_target {
            let (_, deviation) = center_and_scale(&self.target);
            deviation
        } else {
            1.0
        };
        let mut intercept = if self.intercept { parameters[0] } else { 0.0 };
        let mut coefficients = Vec::with_capacity(self.scales.len());
        for (i, (center, scale)) in self.centers.iter().zip(&self.scales).enumerate() {
            let parameter = if self.varies[i] {
                parameters[first + i]
            } else {
                0.0
            };
            let value = parameter / scale;
            intercept -= value * center;
            coefficients.push(Coefficient {
                value,
                standardized: parameter / unit,
                standard_error: None,
            });
        }
        let used = coefficients.iter().filter(|c| c.value != 0.0).count();
        Linear {
            intercept: Coefficient {
                value: intercept,
                ..Coefficient::default()
            },
            coefficients,
            residual_deviation: None,
            r2: None,
            degrees_of_freedom: self.target.len() as f64 - (used + first) as f64,
        }
    }
}
