//! Ordinary least squares and ridge regression.

use crate::error::{Error, Result};
use crate::models::algorithms::{FactorAlgorithm, Reduction};
use crate::models::training::Fitted;
use crate::models::{Body, Coefficient, Linear};
use crate::options::Options;
use crate::statistics::least_squares::Solution;

/// `ols`.
pub static OLS: FactorAlgorithm = FactorAlgorithm {
    name: "ols",
    options: &["intercept", "collinear"],
    fit: ordinary,
};

/// `ridge`.
pub static RIDGE: FactorAlgorithm = FactorAlgorithm {
    name: "ridge",
    options: &["intercept", "alpha"],
    fit: |reduction, options| {
        let penalty = options.number_or("alpha", 1.0);
        if penalty == 0.0 {
            return ordinary(reduction, options);
        }
        Ok(fitted(reduction, &reduction.problem.solve(penalty), "ok"))
    },
};

/// Without a penalty.
pub fn ordinary(reduction: &Reduction<'_>, options: &Options) -> Result<Fitted> {
    let solution = reduction.problem.solve(0.0);
    if solution.redundant.is_empty() {
        return Ok(fitted(reduction, &solution, "ok"));
    }
    let redundant = solution.redundant.iter();
    let redundant: Vec<&str> = redundant.map(|&i| reduction.names[i].as_str()).collect();
    let listed = redundant.join("', '");
    if options.text("collinear") == "error" {
        return Err(Error::data(
            "fit",
            format!(
                "features '{listed}' are constant or repeat others in the {} complete rows; \
                 leave them out, use ridge, or set 'collinear' to 'minimum_norm'",
                reduction.problem.rows
            ),
        ));
    }
    let status = format!("minimum norm: '{listed}' are constant or repeat other features");
    Ok(fitted(reduction, &solution, &status))
}

/// The model of a solution.
pub fn fitted(reduction: &Reduction<'_>, solution: &Solution, status: &str) -> Fitted {
    Fitted {
        body: Body::Linear(linear(solution, reduction.problem.intercept)),
        status: status.to_owned(),
        metrics: Vec::new(),
    }
}

fn linear(solution: &Solution, intercept: bool) -> Linear {
    let total = solution.total_squares;
    let target_spread = total.sqrt();
    let errors = solution.errors.as_ref();
    let coefficient = |i: usize, value: f64| Coefficient {
        value,
        standardized: if target_spread > 0.0 {
            value * solution.spreads[i] / target_spread
        } else {
            0.0
        },
        standard_error: errors.map(|(_, errors)| errors[i]),
    };
    Linear {
        intercept: Coefficient {
            value: solution.intercept,
            standardized: 0.0,
            standard_error: errors.filter(|_| intercept).map(|(error, _)| *error),
        },
        coefficients: solution
            .coefficients
            .iter()
            .enumerate()
            .map(|(i, &value)| coefficient(i, value))
            .collect(),
        residual_deviation: (solution.degrees_of_freedom > 0.0)
            .then(|| (solution.residual_squares / solution.degrees_of_freedom).sqrt()),
        r2: (total > 0.0).then(|| 1.0 - solution.residual_squares / total),
        degrees_of_freedom: solution.degrees_of_freedom,
    }
}
