//! A point near the minimum, by a primal-dual interior-point method with Mehrotra's
//! second step (SIAM J. Optim. 2, 1992), on the dual: a value from 0 to 1 per row.

use super::Problem;
use crate::statistics::weighted_gram::{solve_symmetric, weighted_gram};

/// Steps before giving up: twenty are usual.
const STEPS: usize = 100;
/// How near to the bounds a step may go.
const SHARE: f64 = 0.9995;
/// The gap between primal and dual, against the loss, that is near enough.
const NEAR: f64 = 1e-10;

/// Where the method stands. Of each row: the dual value, what is left of it to 1, and
/// the multipliers of both bounds.
struct State {
    parameters: Vec<f64>,
    value: Vec<f64>,
    rest: Vec<f64>,
    below: Vec<f64>,
    above: Vec<f64>,
}

/// A step of each.
struct Step {
    parameters: Vec<f64>,
    value: Vec<f64>,
    below: Vec<f64>,
    above: Vec<f64>,
}

impl State {
    fn start(problem: &Problem) -> Self {
        let ones = vec![1.0; problem.rows()];
        let gram = weighted_gram(&problem.slices(), &ones);
        let parameters = solve_symmetric(&gram, &problem.products(&problem.target));
        let residuals = problem.residuals(&parameters);
        let size = residuals.iter().map(|r| r.abs()).sum::<f64>() / problem.rows() as f64;
        let least = (1e-3 * size).max(f64::MIN_POSITIVE);
        Self {
            value: problem.levels.iter().map(|level| 1.0 - level).collect(),
            rest: problem.levels.clone(),
            above: residuals.iter().map(|r| r.max(0.0) + least).collect(),
            below: residuals.iter().map(|r| (-r).max(0.0) + least).collect(),
            parameters,
        }
    }

    fn gap(&self) -> f64 {
        let rows = self.value.iter().zip(&self.below);
        let low: f64 = rows.map(|(value, below)| value * below).sum();
        let rows = self.rest.iter().zip(&self.above);
        low + rows.map(|(rest, above)| rest * above).sum::<f64>()
    }

    /// The step to where value · below = rest · above = `centre`, less what a step
    /// before would miss by its curvature.
    fn step(&self, problem: &Problem, system: &System, centre: f64, before: Option<&Step>) -> Step {
        let rows = problem.rows();
        let curved = |row: usize| {
            let before = before?;
            let value = before.value[row];
            Some((value * before.below[row], -value * before.above[row]))
        };
        let mut low = vec![0.0; rows];
        let mut high = vec![0.0; rows];
        for row in 0..rows {
            let (below, above) = curved(row).unwrap_or_default();
            low[row] = (centre - below) / self.value[row];
            high[row] = (centre - above) / self.rest[row];
        }
        let pull: Vec<f64> = (0..rows)
            .map(|row| system.residuals[row] + low[row] - high[row])
            .collect();
        let scaled: Vec<f64> = pull
            .iter()
            .zip(&system.weights)
            .map(|(x, q)| x * q)
            .collect();
        let mut right = problem.products(&scaled);
        for (right, missing) in right.iter_mut().zip(&system.missing) {
            *right -= missing;
        }
        let parameters = solve_symmetric(&system.gram, &right);
        let mut along = vec![0.0; rows];
        for (column, parameter) in problem.columns.iter().zip(&parameters) {
            for (along, value) in along.iter_mut().zip(column) {
                *along += parameter * value;
            }
        }
        let value: Vec<f64> = (0..rows)
            .map(|row| system.weights[row] * (pull[row] - along[row]))
            .collect();
        let below = (0..rows)
            .map(|row| low[row] - self.below[row] * (1.0 + value[row] / self.value[row]))
            .collect();
        let above = (0..rows)
            .map(|row| high[row] - self.above[row] * (1.0 - value[row] / self.rest[row]))
            .collect();
        Step {
            parameters,
            value,
            below,
            above,
        }
    }

    /// How much of a step keeps the values, and the multipliers, within their bounds.
    fn lengths(&self, step: &Step) -> (f64, f64) {
        let (mut primal, mut dual) = (f64::INFINITY, f64::INFINITY);
        for row in 0..self.value.len() {
            let change = step.value[row];
            let room = if change < 0.0 {
                self.value[row]
            } else {
                self.rest[row]
            };
            if change != 0.0 {
                primal = primal.min(room / change.abs());
            }
            if step.below[row] < 0.0 {
                dual = dual.min(-self.below[row] / step.below[row]);
            }
            if step.above[row] < 0.0 {
                dual = dual.min(-self.above[row] / step.above[row]);
            }
        }
        ((SHARE * primal).min(1.0), (SHARE * dual).min(1.0))
    }

    fn gap_after(&self, step: &Step, (primal, dual): (f64, f64)) -> f64 {
        let of_row = |row: usize| {
            let change = primal * step.value[row];
            (self.value[row] + change) * (self.below[row] + dual * step.below[row])
                + (self.rest[row] - change) * (self.above[row] + dual * step.above[row])
        };
        (0..self.value.len()).map(of_row).sum()
    }

    fn go(&mut self, step: &Step, (primal, dual): (f64, f64)) {
        for row in 0..self.value.len() {
            self.value[row] += primal * step.value[row];
            self.rest[row] -= primal * step.value[row];
            self.below[row] += dual * step.below[row];
            self.above[row] += dual * step.above[row];
        }
        for (parameter, step) in self.parameters.iter_mut().zip(&step.parameters) {
            *parameter += dual * step;
        }
    }
}

/// What both steps of a round have in common.
struct System {
    weights: Vec<f64>,
    gram: faer::Mat<f64>,
    residuals: Vec<f64>,
    /// What the dual values lack of what they must add up to.
    missing: Vec<f64>,
}

impl System {
    fn of(problem: &Problem, state: &State, wanted: &[f64]) -> Self {
        let weights: Vec<f64> = (0..problem.rows())
            .map(|row| {
                1.0 / (state.below[row] / state.value[row] + state.above[row] / state.rest[row])
            })
            .collect();
        let reached = problem.products(&state.value);
        Self {
            gram: weighted_gram(&problem.slices(), &weights),
            residuals: problem.residuals(&state.parameters),
            missing: wanted.iter().zip(reached).map(|(w, r)| w - r).collect(),
            weights,
        }
    }
}

/// Parameters near the minimum.
pub fn near(problem: &Problem) -> Vec<f64> {
    let wanted = problem.wanted();
    let mut state = State::start(problem);
    let size: f64 = problem.target.iter().map(|y| y.abs()).sum();
    for _ in 0..STEPS {
        let gap = state.gap();
        let loss: f64 = state.below.iter().chain(&state.above).sum();
        if gap <= NEAR * loss.max(1e-6 * size) || !gap.is_finite() {
            break;
        }
        let system = System::of(problem, &state, &wanted);
        let mut step = state.step(problem, &system, 0.0, None);
        let mut lengths = state.lengths(&step);
        if lengths.0.min(lengths.1) < 1.0 {
            let left = state.gap_after(&step, lengths) / gap;
            let centre = gap * left.powi(3) / (2.0 * problem.rows() as f64);
            let second = state.step(problem, &system, centre, Some(&step));
            step = second;
            lengths = state.lengths(&step);
        }
        if step.parameters.iter().any(|x| !x.is_finite()) || lengths.0.max(lengths.1) < 1e-10 {
            break;
        }
        state.go(&step, lengths);
    }
    state.parameters
}
