//! The coefficients at every penalty of a path.

use super::descent::{Descent, Penalty};
use super::quadratic::Quadratic;

/// Penalties in equal ratios.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// How many, at least 2.
    pub count: usize,
    /// The last as a part of the first, below 1.
    pub ratio: f64,
}

impl Grid {
    /// From the smallest penalty at which every coefficient is 0 downwards;
    /// `l1_ratio` is above 0. All 0 if no feature varies with the target.
    pub fn alphas(&self, problem: &Quadratic, l1_ratio: f64) -> Vec<f64> {
        let products = problem.products.iter();
        let largest = products.fold(0.0, |most: f64, x| most.max(x.abs()));
        let first = largest / (problem.weight * l1_ratio);
        let last = (self.count - 1) as f64;
        let alpha = |i: usize| first * self.ratio.powf(i as f64 / last);
        (0..self.count).map(alpha).collect()
    }
}

/// Coefficients at one penalty.
#[derive(Debug, Clone)]
pub struct Solved {
    /// One per feature.
    pub coefficients: Vec<f64>,
    /// Whether the descent came to its end.
    pub converged: bool,
}

/// The coefficients at each of `alphas`, which descend and are above 0, each from
/// where the one before ended.
pub fn path(problem: &Quadratic, l1_ratio: f64, alphas: &[f64]) -> Vec<Solved> {
    let mut descent = Descent::new(
        problem.gram.clone(),
        problem.products.clone(),
        problem.weight,
    );
    let solve = |alpha: &f64| Solved {
        converged: descent.descend(penalty(*alpha, l1_ratio)),
        coefficients: descent.coefficients().to_vec(),
    };
    alphas.iter().map(solve).collect()
}

/// The coefficients at one penalty above 0.
pub fn at(problem: &Quadratic, l1_ratio: f64, alpha: f64) -> Solved {
    let mut descent = Descent::new(
        problem.gram.clone(),
        problem.products.clone(),
        problem.weight,
    );
    Solved {
        converged: descent.descend_to(penalty(alpha, l1_ratio)),
        coefficients: descent.coefficients().to_vec(),
    }
}

fn penalty(alpha: f64, l1_ratio: f64) -> Penalty {
    Penalty {
        absolute: alpha * l1_ratio,
        square: alpha * (1.0 - l1_ratio),
    }
}
