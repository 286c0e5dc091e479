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

/// A linear model and the path of penalties that it is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearPath {
    /// What predicts.
    pub linear: Linear,
    /// From the largest penalty to the smallest.
    pub steps: Vec<Step>,
}

/// One penalty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The penalty, as the option has it.
    pub alpha: f64,
    /// The constant term.
    pub intercept: f64,
    /// One per feature.
    pub coefficients: Vec<f64>,
    /// In sample; none if the target is constant.
    pub r2: Option<f64>,
    /// Mean squared error on rows that did not train, if folds were asked for.
    pub test_error: Option<f64>,
    /// The standard error of that mean.
    pub test_standard_error: Option<f64>,
    /// Whether folds have chosen it.
    pub chosen: bool,
}

/// The log odds of the second class as a weighted sum of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// The log odds.
    pub linear: Linear,
    /// The target's two values, ascending.
    pub classes: Vec<f64>,
}

impl Logistic {
    /// The more probable class of each row.
    pub fn predict(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let odds = self.linear.predict(features, rows);
        let class = |odds: f64| self.classes[usize::from(odds > 0.0)];
        odds.into_iter().map(class).collect()
    }

    /// The probability of both classes, row after row.
    pub fn probabilities(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let odds = self.linear.predict(features, rows);
        // Of the first class by its own odds: 1 - p would lose digits.
        let both = odds
            .into_iter()
            .map(|odds| [1.0 / (1.0 + odds.exp()), 1.0 / (1.0 + (-odds).exp())]);
        both.flatten().collect()
    }
}
