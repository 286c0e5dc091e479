//! The sum of squared errors as a function of the coefficients.

use faer::Mat;

use crate::models::algorithms::MomentsReduction;
use crate::models::{Coefficient, Linear};
use crate::statistics::weighted_moments::WeightedMoments;

/// A column whose spread is this small against its size is constant.
const CONSTANT_TOLERANCE: f64 = 1e-14;

/// What a least-squares problem needs of the rows. Products are about the means
/// if there is an intercept; zeros for what does not vary.
#[derive(Debug, Clone)]
pub struct Quadratic {
    /// XᵀX.
    pub gram: Mat<f64>,
    /// Xᵀy.
    pub products: Vec<f64>,
    /// yᵀy.
    pub total: f64,
    /// Of the features, then of the target; 0 without an intercept.
    means: Vec<f64>,
    /// The sum of the weights.
    pub weight: f64,
    intercept: bool,
}

impl Quadratic {
    /// Of moments of which nothing is still collected.
    pub fn of(moments: &WeightedMoments, intercept: bool) -> Self {
        let features = moments.columns() - 1;
        let weight = moments.weight();
        let constant = |j: usize| {
            let squares = moments.product(j, j);
            let whole = squares + weight * moments.mean(j).powi(2);
            squares.max(0.0).sqrt() <= CONSTANT_TOLERANCE * whole.sqrt()
        };
        let constants: Vec<bool> = (0..=features).map(constant).collect();
        let product = |i: usize, j: usize| {
            if constants[i] || constants[j] {
                0.0
            } else {
                moments.product(i, j)
            }
        };
        Self {
            gram: Mat::from_fn(features, features, product),
            products: (0..features).map(|j| product(j, features)).collect(),
            total: product(features, features),
            means: (0..=features).map(|j| moments.mean(j)).collect(),
            weight,
            intercept,
        }
    }

    /// Of the constant term.
    pub fn intercept(&self, coefficients: &[f64]) -> f64 {
        let explained: f64 = self
            .means
            .iter()
            .zip(coefficients)
            .map(|(m, c)| m * c)
            .sum();
        self.means[coefficients.len()] - explained
    }

    /// What the coefficients and the best constant leave of the sum of squares.
    pub fn residual_squares(&self, coefficients: &[f64]) -> f64 {
        let explained = coefficients.iter().enumerate().map(|(j, coefficient)| {
            let column = self.gram.col(j);
            let own: f64 = column.iter().zip(coefficients).map(|(g, c)| g * c).sum();
            coefficient * (2.0 * self.products[j] - own)
        });
        (self.total - explained.sum::<f64>()).max(0.0)
    }

    /// The sum of squares that a model of other rows leaves here.
    pub fn squares_of(&self, intercept: f64, coefficients: &[f64]) -> f64 {
        let bias = self.intercept(coefficients) - intercept;
        self.residual_squares(coefficients) + self.weight * bias * bias
    }

    /// 1 - residual / total sum of squares; none if the target is constant.
    pub fn r2(&self, coefficients: &[f64]) -> Option<f64> {
        (self.total > 0.0).then(|| 1.0 - self.residual_squares(coefficients) / self.total)
    }

    /// The model of coefficients. As many degrees of freedom are used as there are
    /// coefficients that are not 0 (Zou, Hastie and Tibshirani, "On the degrees of
    /// freedom of the lasso", Annals of Statistics 35, 2007).
    pub fn linear(&self, reduction: &MomentsReduction<'_>, coefficients: &[f64]) -> Linear {
        let used = coefficients.iter().filter(|value| **value != 0.0).count();
        let freedom = reduction.rows as f64 - (used + usize::from(self.intercept)) as f64;
        let spread = self.total.sqrt();
        let coefficient = |(j, value): (usize, &f64)| Coefficient {
            value: *value,
            standardized: if spread > 0.0 {
                value * self.gram[(j, j)].sqrt() / spread
            } else {
                0.0
            },
            standard_error: None,
        };
        let squares = self.residual_squares(coefficients);
        Linear {
            intercept: Coefficient {
                value: self.intercept(coefficients),
                ..Coefficient::default()
            },
            coefficients: coefficients.iter().enumerate().map(coefficient).collect(),
            residual_deviation: (freedom > 0.0).then(|| (squares / freedom).sqrt()),
            r2: self.r2(coefficients),
            degrees_of_freedom: freedom,
        }
    }
}
