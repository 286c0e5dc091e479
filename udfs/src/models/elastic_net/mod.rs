//! Lasso and elastic net from the moments of the rows.
//!
//! Minimises ‖y - a - Xw‖² / 2n + α ρ ‖w‖₁ + α (1 - ρ) ‖w‖² / 2 with ρ the
//! `l1_ratio`, 1 for the lasso, and n the sum of the weights: `alpha` means what
//! it means to scikit-learn's Lasso and ElasticNet. Features are in their own
//! units, the intercept is not penalised.

mod descent;
pub mod options;
mod path;
mod quadratic;
mod validation;

#[cfg(test)]
mod tests;

pub use descent::{Descent, Penalty};

use self::options::{choice, grid, is_chosen};
use self::path::{Solved, at, path};
use self::quadratic::Quadratic;
use self::validation::{Parts, TestError};
use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::algorithms::{FactorAlgorithm, MomentsReduction, Reduction, Way, WayFit};
use crate::models::least_squares::{fitted, ordinary};
use crate::models::linear::{LinearPath, Step};
use crate::models::training::{Fitted, Training};
use crate::options::Options;

/// `lasso`.
pub static LASSO: FactorAlgorithm = FactorAlgorithm {
    name: "lasso",
    options: options::LASSO,
    fit: |reduction, options| squares(reduction, options, 1.0),
    ways: &[
        Way {
            asked: is_chosen,
            fit: WayFit::Rows(|training, options| chosen(training, options, 1.0)),
        },
        Way {
            asked: |options| !is_squares(options, 1.0),
            fit: WayFit::Moments(|reduction, options| penalised(reduction, options, 1.0)),
        },
    ],
};

/// `elastic_net`.
pub static ELASTIC_NET: FactorAlgorithm = FactorAlgorithm {
    name: "elastic_net",
    options: options::ELASTIC_NET,
    fit: |reduction, options| squares(reduction, options, ratio(options)),
    ways: &[
        Way {
            asked: is_chosen,
            fit: WayFit::Rows(|training, options| chosen(training, options, ratio(options))),
        },
        Way {
            asked: |options| !is_squares(options, ratio(options)),
            fit: WayFit::Moments(|reduction, options| {
                penalised(reduction, options, ratio(options))
            }),
        },
    ],
};

fn ratio(options: &Options) -> f64 {
    options.number_or("l1_ratio", 0.5)
}

fn alpha(options: &Options) -> f64 {
    options.number_or("alpha", 1.0)
}

/// Whether nothing is on absolute coefficients: least squares from the factor keep
/// more digits than a descent.
fn is_squares(options: &Options, ratio: f64) -> bool {
    (alpha(options) == 0.0 || ratio == 0.0) && grid(options).is_none()
}

fn squares(reduction: &Reduction<'_>, options: &Options, ratio: f64) -> Result<Fitted> {
    let alpha = alpha(options);
    if alpha == 0.0 {
        return ordinary(reduction, options);
    }
    debug_assert_eq!(ratio, 0.0);
    let solution = reduction.problem.solve(alpha * reduction.weight);
    Ok(fitted(reduction, &solution, "ok"))
}

fn penalised(reduction: &MomentsReduction<'_>, options: &Options, ratio: f64) -> Result<Fitted> {
    let problem = Quadratic::of(reduction.moments, reduction.intercept);
    let alpha = alpha(options);
    let Some(grid) = grid(options) else {
        let solved = at(&problem, ratio, alpha);
        return Ok(Fitted {
            body: Body::Linear(problem.linear(reduction, &solved.coefficients)),
            status: status(&solved).to_owned(),
            metrics: Vec::new(),
        });
    };
    refuse_squares(ratio)?;
    if alpha == 0.0 {
        return Err(Error::argument(
            "fit",
            "alpha",
            alpha,
            "with n_lambdas pass a penalty above 0, or leave it out",
        ));
    }
    let alphas = grid.alphas(&problem, ratio);
    let steps = path(&problem, ratio, &alphas);
    let steps = steps_of(&problem, &alphas, &steps, None);
    let solved = at(&problem, ratio, alpha);
    Ok(Fitted {
        body: Body::LinearPath(LinearPath {
            linear: problem.linear(reduction, &solved.coefficients),
            steps,
        }),
        status: status(&solved).to_owned(),
        metrics: Vec::new(),
    })
}

/// By folds.
fn chosen(training: &Training<'_>, options: &Options, ratio: f64) -> Result<Fitted> {
    let choice = choice(options)?;
    refuse_squares(ratio)?;
    let intercept = options.flag("intercept");
    let parts = Parts::of(training, &choice, intercept)?;
    let moments = parts.all();
    let problem = Quadratic::of(&moments, intercept);
    let judges = training.validation.unwrap_or_default();
    let judging = judges.iter().filter(|judges| **judges).count();
    let reduction = MomentsReduction {
        moments: &moments,
        intercept,
        rows: (training.target.len() - judging) as u64,
    };
    let alphas = choice.grid.alphas(&problem, ratio);
    let errors = parts.errors(ratio, &alphas, training.weights.is_some());
    let mut best = 0;
    for (i, error) in errors.iter().enumerate() {
        if error.mean < errors[best].mean {
            best = i;
        }
    }
    let solved = path(&problem, ratio, &alphas);
    let steps = steps_of(&problem, &alphas, &solved, Some((&errors, best)));
    let text = match status(&solved[best]) {
        "ok" if best + 1 == alphas.len() => {
            "ok: the smallest penalty of the path is the best; a smaller 'ratio' may be better"
        }
        text => text,
    };
    Ok(Fitted {
        body: Body::LinearPath(LinearPath {
            linear: problem.linear(&reduction, &solved[best].coefficients),
            steps,
        }),
        status: text.to_owned(),
        metrics: vec![
            ("alpha", alphas[best]),
            ("cv_error", errors[best].mean),
            ("cv_standard_error", errors[best].standard_error),
        ],
    })
}

fn refuse_squares(ratio: f64) -> Result<()> {
    if ratio > 0.0 {
        return Ok(());
    }
    Err(Error::argument(
        "fit",
        "l1_ratio",
        ratio,
        "pass a number above 0: a path begins where every coefficient is 0",
    ))
}

fn steps_of(
    problem: &Quadratic,
    alphas: &[f64],
    solved: &[Solved],
    errors: Option<(&[TestError], usize)>,
) -> Vec<Step> {
    let step = |(i, (alpha, solved)): (usize, (&f64, &Solved))| Step {
        alpha: *alpha,
        intercept: problem.intercept(&solved.coefficients),
        coefficients: solved.coefficients.clone(),
        r2: problem.r2(&solved.coefficients),
        test_error: errors.map(|(errors, _)| errors[i].mean),
        test_standard_error: errors.map(|(errors, _)| errors[i].standard_error),
        chosen: errors.is_some_and(|(_, best)| best == i),
    };
    alphas.iter().zip(solved).enumerate().map(step).collect()
}

fn status(solved: &Solved) -> &'static str {
    let used = solved.coefficients.iter().any(|value| *value != 0.0);
    match (solved.converged, used) {
        (false, _) => "not converged: features nearly repeat each other; use a larger alpha",
        (true, false) => "every coefficient is 0: use a smaller alpha",
        (true, true) => "ok",
    }
}
