//! Linear regression with Huber's loss and a scale that is found along.
//!
//! Minimises Σ wᵢ (σ + σ h(rᵢ / σ)) + α ‖β‖² over the coefficients, the intercept
//! and σ, with h(z) = z² up to `huber_epsilon` and 2 ε |z| - ε² beyond (Huber,
//! Robust Statistics, 1981, section 7.7; what scikit-learn's HuberRegressor
//! minimises). The sum is convex, and within a set of inliers as smooth as least
//! squares: Newton's method ends where the set no longer changes.

use crate::definition::{Accepts, OptionKey};
use crate::error::Result;
use crate::models::Body;
use crate::models::canonical_rows::CanonicalRows;
use crate::models::design::Design;
use crate::models::scaling::center_and_scale;
use crate::models::training::{Algorithm, Fitted, Training};
use crate::options::Options;
use crate::statistics::weighted_gram::{solve_symmetric, weighted_gram};

/// `huber`.
pub static HUBER: Algorithm = Algorithm {
    name: "huber",
    options: &["intercept", "alpha", "huber_epsilon"],
    takes_missing: false,
    takes_categories: false,
    fit,
    prepare: None,
};

/// The declarations.
pub const KEYS: &[OptionKey] = &[OptionKey::new(
    "huber_epsilon",
    Accepts::Number(1.0, 1e6),
    "1.35",
    "huber: how many scales an error may have before it counts by its size and not by its square",
)];

/// Steps before giving up.
const STEPS: usize = 200;
/// A step this small against the parameters is the last.
const LAST_STEP: f64 = 1e-13;
/// A scale this far below the target's deviation is rounding: the fit is exact.
const EXACT: f64 = 1e-12;

struct Problem<'a> {
    design: &'a Design,
    epsilon: f64,
    /// Per parameter: what its square costs.
    penalties: Vec<f64>,
}

/// What is minimised, and where.
struct Point {
    parameters: Vec<f64>,
    scale: f64,
    residuals: Vec<f64>,
    value: f64,
}

impl Problem<'_> {
    fn point(&self, parameters: Vec<f64>, scale: f64) -> Point {
        let sums = self.design.sums(&parameters);
        let target = self.design.target.iter();
        let residuals: Vec<f64> = target.zip(sums).map(|(y, sum)| y - sum).collect();
        let limit = self.epsilon * scale;
        let loss = |(r, w): (&f64, &f64)| {
            let size = r.abs();
            let own = if size <= limit {
                size * size / scale
            } else {
                2.0 * self.epsilon * size - self.epsilon * limit
            };
            w * (scale + own)
        };
        let losses: f64 = residuals.iter().zip(&self.design.weights).map(loss).sum();
        let squares = parameters.iter().zip(&self.penalties);
        let penalty: f64 = squares.map(|(x, penalty)| penalty * x * x).sum();
        Point {
            parameters,
            scale,
            residuals,
            value: losses + penalty,
        }
    }

    /// The step of Newton's method in the parameters and then the scale.
    fn step(&self, at: &Point) -> (Vec<f64>, f64) {
        let scale = at.scale;
        let limit = self.epsilon * scale;
        let rows = at.residuals.iter().zip(&self.design.weights);
        // Inliers only bend the sum.
        let weights: Vec<f64> = rows
            .clone()
            .map(|(r, w)| if r.abs() <= limit { *w } else { 0.0 })
            .collect();
        let ratios: Vec<f64> = at.residuals.iter().map(|r| r / scale).collect();
        let mut columns = self.design.slices();
        columns.push(&ratios);
        let mut bend = weighted_gram(&columns, &weights) * faer::Scale(2.0 / scale);
        let pulls: Vec<f64> = rows
            .clone()
            .map(|(r, w)| 2.0 * w * (r / scale).clamp(-self.epsilon, self.epsilon))
            .collect();
        let mut slope: Vec<f64> = self.design.products(&pulls).iter().map(|x| -x).collect();
        for (i, penalty) in self.penalties.iter().enumerate() {
            slope[i] += 2.0 * penalty * at.parameters[i];
            bend[(i, i)] += 2.0 * penalty;
        }
        let of_scale = rows.map(|(r, w)| {
            let size = (r / scale).abs().min(self.epsilon);
            w * (1.0 - size * size)
        });
        slope.push(of_scale.sum());
        let step = solve_symmetric(&bend, &slope);
        let down: f64 = step.iter().zip(&slope).map(|(x, s)| -x * s).sum();
        (step.iter().map(|x| -x).collect(), down)
    }
}

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let design = Design::of(CanonicalRows::of(training), options.flag("intercept"));
    let alpha = options.number_or("alpha", 1e-4);
    let count = design.columns.len();
    let penalty = |i: usize| design.scale(i).map_or(0.0, |scale| alpha / (scale * scale));
    let problem = Problem {
        design: &design,
        epsilon: options.number("huber_epsilon"),
        penalties: (0..count).map(penalty).collect(),
    };
    let (_, deviation) = center_and_scale(&design.target);
    let mut at = start(&problem);
    let mut converged = false;
    let mut steps = 0;
    while steps < STEPS && !converged && at.scale > EXACT * deviation {
        steps += 1;
        let (step, down) = problem.step(&at);
        let mut part: f64 = 1.0;
        // The scale stays above 0.
        if step[count] < 0.0 {
            part = part.min(-0.9 * at.scale / step[count]);
        }
        let size = |x: f64| x.abs() / at.scale.max(deviation * 1e-3);
        let furthest = step.iter().fold(0.0, |most: f64, x| most.max(size(*x)));
        let mut next = None;
        for _ in 0..40 {
            let parameters = at.parameters.iter().zip(&step);
            let parameters = parameters.map(|(x, step)| x + part * step).collect();
            let tried = problem.point(parameters, at.scale + part * step[count]);
            if tried.value <= at.value + 1e-4 * part * down.min(0.0) {
                next = Some(tried);
                break;
            }
            part *= 0.5;
        }
        converged = furthest <= LAST_STEP;
        match next {
            // Nothing is lower: what is left is rounding.
            None => converged = true,
            Some(next) => {
                converged |= furthest <= 1e-9 && next.value >= at.value;
                at = next;
            }
        }
    }
    let exact = at.scale <= EXACT * deviation;
    let limit = problem.epsilon * at.scale;
    let outliers = at.residuals.iter().filter(|r| r.abs() > limit).count();
    let status = if exact {
        "ok: the features give most rows exactly, and the scale of the errors is 0"
    } else if converged {
        "ok"
    } else {
        "not converged: use a larger alpha or huber_epsilon"
    };
    Ok(Fitted {
        body: Body::Linear(design.linear(&at.parameters, true)),
        status: status.to_owned(),
        metrics: vec![
            ("scale", at.scale),
            ("outliers", outliers as f64),
            ("iterations", steps as f64),
        ],
    })
}

/// Least squares and the size of its errors.
fn start<'a>(problem: &'a Problem<'a>) -> Point {
    let design = problem.design;
    let mut gram = weighted_gram(&design.slices(), &design.weights);
    for (i, penalty) in problem.penalties.iter().enumerate() {
        gram[(i, i)] += penalty;
    }
    let target = design.target.iter().zip(&design.weights);
    let weighted: Vec<f64> = target.map(|(y, w)| y * w).collect();
    let parameters = solve_symmetric(&gram, &design.products(&weighted));
    let sums = design.sums(&parameters);
    let total: f64 = design.weights.iter().sum();
    let squares: f64 = design
        .target
        .iter()
        .zip(&sums)
        .zip(&design.weights)
        .map(|((y, sum), w)| w * (y - sum).powi(2))
        .sum();
    problem.point(parameters, (squares / total).sqrt().max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests;
