//! Linear models.

use serde::{Deserialize, Serialize};

/// intercept + Σ coefficient · feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// The constant term, 0 if the model was fitted without one.
    pub intercept: Coefficient,
    /// One per feature.
    pub coefficients: Vec<Coefficient>,
    /// Standard deviation of the residuals; none without a degree of freedom.
    pub residual_deviation: Option<f64>,
    /// 1 - residual / total sum of squares, in sample; none if the target is
    /// constant.
    pub r2: Option<f64>,
    /// Rows less parameters.
    pub degrees_of_freedom: f64,
}

/// One parameter and what is known of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Coefficient {
    /// In units of the target per unit of the feature.
    pub value: f64,
    /// Standard deviations of the target per standard deviation of the feature
    /// (0 for a constant feature).
    pub standardized: f64,
    /// Of the estimate, if it has one (ordinary least squares of full rank).
    pub standard_error: Option<f64>,
}

impl Linear {
    /// A prediction per row; a slice per feature, in the model's order.
    pub fn predict(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let mut out = vec![self.intercept.value; rows];
        for (coefficient, values) in self.coefficients.iter().zip(features) {
            for (out, value) in out.iter_mut().zip(*values) {
                *out += coefficient.value * value;
            }
        }
        out
    }
}
