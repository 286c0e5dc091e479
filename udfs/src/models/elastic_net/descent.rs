//! Coordinate descent with covariance updates.
//!
//! Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear
//! models via coordinate descent", J. Stat. Softw. 33(1), 2010, section 2.2. Once
//! it is known which coefficients are not 0 and of which sign, they solve a linear
//! system: the solution is that of the system, if it satisfies the conditions of
//! Karush, Kuhn and Tucker.

use faer::linalg::solvers::Solve;
use faer::{ColRef, Mat, Side};

/// Sweeps over the features before giving up.
const SWEEPS: usize = 100_000;
/// Sweeps between two attempts at the linear system.
const PATIENCE: usize = 8;
/// How far a condition may be off, against the largest product with the target.
const TOLERANCE: f64 = 1e-12;
/// The ratio of two penalties on the way to the one that is asked for.
const STEP: f64 = 0.5;

/// Per unit of the objective.
#[derive(Debug, Clone, Copy)]
pub struct Penalty {
    /// On the sum of absolute coefficients, above 0.
    pub absolute: f64,
    /// On half the sum of their squares.
    pub square: f64,
}

/// A quadratic form, and the coefficients of the penalty before.
pub struct Descent {
    /// XᵀX / n.
    gram: Mat<f64>,
    /// Xᵀy / n.
    products: Vec<f64>,
    coefficients: Vec<f64>,
    /// `products - gram · coefficients`.
    gradient: Vec<f64>,
    largest: f64,
}

impl Descent {
    /// From XᵀX and Xᵀy of rows with that sum of weights.
    pub fn new(gram: Mat<f64>, products: Vec<f64>, weight: f64) -> Self {
        let gram = Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[(i, j)] / weight);
        let products: Vec<f64> = products.iter().map(|value| value / weight).collect();
        let largest = products.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
        Self {
            coefficients: vec![0.0; products.len()],
            gradient: products.clone(),
            gram,
            products,
            largest,
        }
    }

    /// Of the last penalty.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Goes to a penalty by way of larger ones, each from where the one before
    /// ended. Whether the last converged.
    pub fn descend_to(&mut self, penalty: Penalty) -> bool {
        let mut absolute = self.largest * STEP;
        while absolute > penalty.absolute {
            let square = penalty.square * (absolute / penalty.absolute);
            self.descend(Penalty { absolute, square });
            absolute *= STEP;
        }
        self.descend(penalty)
    }

    /// Descends from the coefficients so far. Whether it converged.
    pub fn descend(&mut self, penalty: Penalty) -> bool {
        if self.largest <= penalty.absolute {
            self.coefficients.fill(0.0);
            self.gradient.clone_from(&self.products);
            return true;
        }
        let features = self.products.len();
        let mut active: Vec<usize> = Vec::new();
        let mut sweep = 0;
        while sweep < SWEEPS {
            let moved = self.sweep(0..features, penalty);
            sweep += 1;
            active.clear();
            active.extend((0..features).filter(|&j| self.coefficients[j] != 0.0));
            if self.solve(&active, penalty) || moved <= TOLERANCE * self.largest {
                return true;
            }
            for _ in 0..PATIENCE {
                sweep += 1;
                if self.sweep(active.iter().copied(), penalty) <= TOLERANCE * self.largest {
                    break;
                }
            }
        }
        false
    }

    /// Takes features one by one; how far the furthest moved, in units of the
    /// gradient.
    fn sweep(&mut self, features: impl Iterator<Item = usize>, penalty: Penalty) -> f64 {
        let mut furthest: f64 = 0.0;
        for j in features {
            let own = self.gram[(j, j)];
            if own <= 0.0 {
                continue;
            }
            let before = self.coefficients[j];
            let pull = self.gradient[j] + own * before;
            let left = (pull.abs() - penalty.absolute).max(0.0);
            let after = left.copysign(pull) / (own + penalty.square);
            let step = after - before;
            if step != 0.0 {
                self.coefficients[j] = after;
                subtract(&mut self.gradient, self.gram.col(j), step);
                furthest = furthest.max((step * own).abs());
            }
        }
        furthest
    }

    /// Solves for the active coefficients, keeping their signs, and takes the
    /// solution if it is the minimum.
    fn solve(&mut self, active: &[usize], penalty: Penalty) -> bool {
        let size = active.len();
        let matrix = Mat::from_fn(size, size, |i, j| {
            let square = if i == j { penalty.square } else { 0.0 };
            self.gram[(active[i], active[j])] + square
        });
        let Ok(factor) = matrix.llt(Side::Lower) else {
            return false;
        };
        let right = Mat::from_fn(size, 1, |i, _| {
            let j = active[i];
            self.products[j] - penalty.absolute.copysign(self.coefficients[j])
        });
        let solution = factor.solve(&right);
        let keeps_signs = (0..size).all(|i| solution[(i, 0)] * self.coefficients[active[i]] > 0.0);
        if !keeps_signs {
            return false;
        }
        let mut gradient = self.products.clone();
        for (i, &j) in active.iter().enumerate() {
            subtract(&mut gradient, self.gram.col(j), solution[(i, 0)]);
        }
        let bound = penalty.absolute + TOLERANCE * self.largest;
        let mut rest = (0..gradient.len()).filter(|j| active.binary_search(j).is_err());
        if !rest.all(|j| gradient[j].abs() <= bound) {
            return false;
        }
        for (i, &j) in active.iter().enumerate() {
            self.coefficients[j] = solution[(i, 0)];
        }
        self.gradient = gradient;
        true
    }
}

/// `from` -= `column` · `step`.
fn subtract(from: &mut [f64], column: ColRef<'_, f64>, step: f64) {
    for (value, product) in from.iter_mut().zip(column.iter()) {
        *value -= product * step;
    }
}
