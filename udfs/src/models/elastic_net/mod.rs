//! Lasso and elastic net from the triangular factor.
//!
//! Minimises ‖y - a - Xw‖² / 2n + α ρ ‖w‖₁ + α (1 - ρ) ‖w‖² / 2 with ρ the
//! `l1_ratio`, 1 for the lasso, and n the sum of the weights: `alpha` means what
//! it means to scikit-learn's Lasso and ElasticNet. Features are in their own
//! units, the intercept is not penalised.

mod descent;

#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::models::algorithms::{FactorAlgorithm, Reduction};
use crate::models::least_squares::{fitted, ordinary};
use crate::models::training::Fitted;
use crate::options::Options;
pub use descent::{Descent, Penalty};

/// `lasso`.
pub static LASSO: FactorAlgorithm = FactorAlgorithm {
    name: "lasso",
    options: &["intercept", "alpha"],
    fit: |reduction, options| penalised(reduction, options, 1.0),
};

/// `elastic_net`.
pub static ELASTIC_NET: FactorAlgorithm = FactorAlgorithm {
    name: "elastic_net",
    options: &["intercept", "alpha", "l1_ratio"],
    fit: |reduction, options| penalised(reduction, options, options.number("l1_ratio")),
};

fn penalised(reduction: &Reduction<'_>, options: &Options, ratio: f64) -> Result<Fitted> {
    let alpha = options.number_or("alpha", 1.0);
    let problem = &reduction.problem;
    if alpha == 0.0 {
        return ordinary(reduction, options);
    }
    if ratio == 0.0 {
        // Squares only: least squares keeps more digits than descent.
        let solution = problem.solve(alpha * reduction.weight);
        return Ok(fitted(reduction, &solution, "ok"));
    }
    let (gram, products) = problem.products();
    let mut descent = Descent::new(gram, products, reduction.weight);
    let converged = descent.descend_to(Penalty {
        absolute: alpha * ratio,
        square: alpha * (1.0 - ratio),
    });
    let coefficients = descent.coefficients().to_vec();
    // As many degrees of freedom as coefficients (Zou, Hastie and Tibshirani, "On
    // the degrees of freedom of the lasso", Annals of Statistics 35, 2007).
    let used = coefficients.iter().filter(|value| **value != 0.0).count();
    let parameters = used + usize::from(problem.intercept);
    let solution = problem.described(coefficients, Vec::new(), parameters);
    let status = match (converged, used) {
        (false, _) => "not converged: features nearly repeat each other; use a larger alpha",
        (true, 0) => "every coefficient is 0: use a smaller alpha",
        (true, _) => "ok",
    };
    Ok(fitted(reduction, &solution, status))
}
