//! Logistic regression of two classes.
//!
//! Minimises Σ wᵢ log(1 + exp(-sᵢ ηᵢ)) + α (ρ ‖β‖₁ + (1 - ρ) ‖β‖² / 2) with η the
//! intercept plus Σ β x, s = ±1 the class and ρ the `l1_ratio`: what
//! scikit-learn's LogisticRegression minimises with C = 1 / α. Newton's method, and
//! where a penalty is on absolute values, a descent in its quadratic (Friedman,
//! Hastie and Tibshirani, J. Stat. Softw. 33(1), 2010, section 3; Lee, Sun and
//! Saunders, "Proximal Newton-type methods", SIAM J. Optim. 24, 2014).

mod sums;

#[cfg(test)]
mod tests;

use faer::Mat;

use self::sums::{Evaluation, Rows};
use crate::error::{Error, Result};
use crate::models::elastic_net::{Descent, Penalty};
use crate::models::linear::Logistic;
use crate::models::training::{Algorithm, Fitted, Training};
use crate::models::{Body, Coefficient, Linear, classes};
use crate::options::Options;
use crate::statistics::weighted_gram::solve_symmetric;

/// `logistic`.
pub static LOGISTIC: Algorithm = Algorithm {
    name: "logistic",
    options: &["intercept", "alpha", "l1_ratio"],
    takes_missing: false,
    takes_categories: false,
    fit,
    prepare: None,
};

/// Passes over the rows before giving up.
const PASSES: usize = 200;
/// In log odds per standard deviation of a feature: where the next step would be
/// this small, the last was the last.
const LAST_STEP: f64 = 1e-11;
/// The same for a sample, which differs from the rows by more.
const NEAR: f64 = 1e-4;
/// Steps up to this, or shrunk by this, keep the second derivatives: what they would
/// change costs less than a pass that finds them.
const KEEPS: f64 = 0.02;

/// What is added to the sum of losses.
struct Penalties {
    /// On absolute coefficients, in the features' own units.
    absolute: f64,
    /// On half of squares.
    square: f64,
}

impl Penalties {
    /// Of parameters that stand for coefficients times `scales`.
    fn value(&self, parameters: &[f64], scales: &[f64]) -> f64 {
        let of = |(parameter, scale): (&f64, &f64)| {
            let value = parameter / scale;
            self.absolute * value.abs() + self.square * value * value / 2.0
        };
        parameters[1..].iter().zip(scales).map(of).sum()
    }
}

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let rows = Rows::of(training, options.flag("intercept"))?;
    let alpha = options.number_or("alpha", 1.0);
    let ratio = options.number_or("l1_ratio", 0.0);
    let penalties = Penalties {
        absolute: alpha * ratio,
        square: alpha * (1.0 - ratio),
    };
    // A sample comes so near that the rows are seen a few times only.
    let near = rows.sample().map(|sample| {
        let share = sample.count as f64 / rows.count as f64;
        let penalties = Penalties {
            absolute: penalties.absolute * share,
            square: penalties.square * share,
        };
        let found = minimise(
            &sample,
            &penalties,
            NEAR,
            vec![0.0; sample.scales.len() + 1],
        );
        found.converged.then_some(found.parameters)
    });
    let start = near
        .flatten()
        .unwrap_or_else(|| vec![0.0; rows.scales.len() + 1]);
    let found = minimise(&rows, &penalties, LAST_STEP, start);
    let status = if !found.converged {
        "not converged: the features tell the classes apart without an error; use a larger alpha"
    } else if found.parameters[1..].iter().all(|x| *x == 0.0) && penalties.absolute > 0.0 {
        "every coefficient is 0: use a smaller alpha"
    } else {
        "ok"
    };
    let null = rows.loss_without_features();
    let used = found.parameters[1..].iter().filter(|x| **x != 0.0).count();
    let mut intercept = found.parameters[0];
    let mut coefficients = Vec::with_capacity(rows.scales.len());
    for (i, scale) in rows.scales.iter().enumerate() {
        let value = found.parameters[i + 1] / scale;
        intercept -= value * rows.centers[i];
        coefficients.push(Coefficient {
            value,
            standardized: found.parameters[i + 1],
            standard_error: None,
        });
    }
    let parameters = used + usize::from(options.flag("intercept"));
    Ok(Fitted {
        body: Body::Logistic(Logistic {
            linear: Linear {
                intercept: Coefficient {
                    value: intercept,
                    ..Coefficient::default()
                },
                coefficients,
                residual_deviation: None,
                r2: None,
                degrees_of_freedom: rows.count as f64 - parameters as f64,
            },
            classes: rows.classes.clone(),
        }),
        status: status.to_owned(),
        metrics: vec![
            ("log_loss", found.loss / rows.weight),
            ("pseudo_r2", 1.0 - found.loss / null),
            ("passes", found.passes as f64),
        ],
    })
}

struct Found {
    /// The intercept, and per feature the coefficient times its scale.
    parameters: Vec<f64>,
    loss: f64,
    converged: bool,
    passes: usize,
}

/// Every sum over the rows is exact, so that the steps are the same whatever the
/// order of the rows and the number of threads.
fn minimise(rows: &Rows<'_>, penalties: &Penalties, last_step: f64, start: Vec<f64>) -> Found {
    let mut at = start;
    let mut now = rows.evaluate(&at, true);
    let mut value = now.loss + penalties.value(&at, &rows.scales);
    let mut bend = now.bend.take();
    let mut passes = 1;
    let mut before = f64::INFINITY;
    let mut converged = false;
    while let Some(matrix) = &bend
        && passes < PASSES
    {
        let step = step(rows, penalties, &at, &now, matrix);
        let size = step.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        // Nothing changes any more.
        if size <= last_step * 1e-3 {
            converged = true;
            break;
        }
        let rate = size / before;
        let last = before.is_finite() && size * rate.max(1e-6) <= last_step;
        let keeps = size < KEEPS || (before.is_finite() && rate < KEEPS);
        let slope = down(rows, penalties, &at, &now, &step);
        let mut part = 1.0;
        let mut found = None;
        while part > 1e-10 && passes < PASSES {
            let tried: Vec<f64> = at
                .iter()
                .zip(&step)
                .map(|(x, step)| x + part * step)
                .collect();
            if last {
                // So near that the pass would only confirm it.
                at = tried;
                converged = true;
                break;
            }
            let there = rows.evaluate(&tried, !keeps);
            passes += 1;
            let reached = there.loss + penalties.value(&tried, &rows.scales);
            let rounding = 1e-13 * value.abs();
            if reached <= value + 1e-4 * part * slope + rounding {
                found = Some((tried, there, reached));
                break;
            }
            part *= 0.5;
        }
        if converged {
            break;
        }
        let Some((tried, there, reached)) = found else {
            break;
        };
        at = tried;
        now = there;
        value = reached;
        before = size * part;
        if now.bend.is_some() {
            bend = now.bend.take();
        }
        // Classes that are told apart without an error have no largest odds.
        if at.iter().any(|x| x.abs() > 1e6) {
            break;
        }
    }
    Found {
        loss: now.loss,
        parameters: at,
        converged,
        passes,
    }
}

/// How fast the sum falls along a step.
fn down(rows: &Rows<'_>, penalties: &Penalties, at: &[f64], now: &Evaluation, step: &[f64]) -> f64 {
    let losses: f64 = now
        .slope
        .iter()
        .zip(step)
        .map(|(slope, step)| slope * step)
        .sum();
    let there: Vec<f64> = at.iter().zip(step).map(|(x, step)| x + step).collect();
    let squares: f64 = (0..rows.scales.len())
        .map(|i| penalties.square * at[i + 1] * step[i + 1] / rows.scales[i].powi(2))
        .sum();
    let size = |parameters: &[f64]| -> f64 {
        let values = parameters[1..].iter().zip(&rows.scales);
        values
            .map(|(x, scale)| penalties.absolute * (x / scale).abs())
            .sum()
    };
    (losses + squares + size(&there) - size(at)).min(0.0)
}

/// To the minimum of the quadratic with these slopes and second derivatives.
fn step(
    rows: &Rows<'_>,
    penalties: &Penalties,
    at: &[f64],
    now: &Evaluation,
    bend: &Mat<f64>,
) -> Vec<f64> {
    let width = at.len();
    if penalties.absolute == 0.0 {
        let mut bend = bend.clone();
        let mut slope = now.slope.clone();
        for (i, scale) in rows.scales.iter().enumerate() {
            let square = penalties.square / (scale * scale);
            bend[(i + 1, i + 1)] += square;
            slope[i + 1] += square * at[i + 1];
        }
        let back = solve_symmetric(&bend, &slope);
        return back.iter().map(|x| -x).collect();
    }
    // The intercept that is best for each choice of the others is put in: without a
    // penalty on it, it is linear in them.
    let own = bend[(0, 0)];
    let share = |i: usize| if own > 0.0 { bend[(i, 0)] / own } else { 0.0 };
    let scales = &rows.scales;
    let gram = Mat::from_fn(width - 1, width - 1, |i, j| {
        (bend[(i + 1, j + 1)] - share(i + 1) * bend[(j + 1, 0)]) * scales[i] * scales[j]
    });
    let products: Vec<f64> = (0..width - 1)
        .map(|i| {
            let slope = (now.slope[i + 1] - share(i + 1) * now.slope[0]) * scales[i];
            let curved: f64 = (0..width - 1)
                .map(|j| gram[(i, j)] * at[j + 1] / scales[j])
                .sum();
            curved - slope
        })
        .collect();
    let mut descent = Descent::new(gram, products, 1.0);
    descent.descend_to(Penalty {
        absolute: penalties.absolute,
        square: penalties.square,
    });
    let mut step = vec![0.0; width];
    for (i, value) in descent.coefficients().iter().enumerate() {
        step[i + 1] = value * scales[i] - at[i + 1];
    }
    let others: f64 = (1..width).map(|i| bend[(i, 0)] * step[i]).sum();
    step[0] = if own > 0.0 {
        -(now.slope[0] + others) / own
    } else {
        0.0
    };
    step
}

/// The two values of the target.
fn two_classes(target: &[f64]) -> Result<Vec<f64>> {
    let found = classes::classes("logistic", target)?;
    if found.len() == 2 {
        return Ok(found);
    }
    Err(Error::data(
        "fit",
        format!(
            "the target has {} values, logistic tells two classes apart; use gbdt with the objective softmax, \
             naive_bayes or knn, or one model per class (target = class)",
            found.len()
        ),
    ))
}
