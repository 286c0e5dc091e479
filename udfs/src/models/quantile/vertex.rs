//! The minimum itself: as many rows as parameters lie on the fitted plane, and the
//! dual values of these rows prove it (Barrodale and Roberts, "An improved algorithm
//! for discrete l1 linear approximation", SIAM J. Numer. Anal. 10, 1973).

use faer::Mat;
use faer::linalg::solvers::Solve;

use super::Problem;

/// Exchanges of a row before giving up, per parameter and in all.
const EXCHANGES: usize = 20;
/// How far a dual value may lie beyond its bounds by rounding.
const ROUNDING: f64 = 1e-9;
/// A row adds a direction if this much of it is new.
const NEW: f64 = 1e-9;

/// Where as many rows as parameters are fitted exactly.
pub struct Vertex {
    /// One per column.
    pub parameters: Vec<f64>,
    /// Whether it is the minimum.
    pub optimal: bool,
    /// Σ ρ.
    pub loss: f64,
}

/// The minimum, from parameters near it.
pub fn minimum(problem: &Problem, guess: &[f64]) -> Vertex {
    let (mut basis, used) = basis(problem, guess);
    let wanted = problem.wanted();
    let size: f64 = problem
        .target
        .iter()
        .fold(0.0, |most: f64, y| most.max(y.abs()));
    let mut best = given(problem, guess);
    for _ in 0..=EXCHANGES * (1 + used.len()) {
        // A row per row of the basis, a column per parameter in use.
        let square = Mat::from_fn(used.len(), used.len(), |i, j| {
            problem.columns[used[j]][basis[i]]
        });
        let factor = square.full_piv_lu();
        let right = Mat::from_fn(used.len(), 1, |i, _| problem.target[basis[i]]);
        let solved = factor.solve(&right);
        let mut parameters = vec![0.0; problem.columns.len()];
        for (i, &column) in used.iter().enumerate() {
            parameters[column] = solved[(i, 0)];
        }
        let mut residuals = problem.residuals(&parameters);
        for row in &mut residuals {
            // What is left of a row on the plane is rounding.
            if row.abs() <= 1e-14 * size {
                *row = 0.0;
            }
        }
        for &row in &basis {
            residuals[row] = 0.0;
        }
        let found = Vertex {
            loss: loss(problem, &residuals),
            parameters,
            optimal: false,
        };
        let lower = found.loss <= best.loss * (1.0 + 1e-12) + f64::MIN_POSITIVE;
        if lower {
            best = found;
        }
        let mut duals: Vec<f64> = residuals
            .iter()
            .map(|r| if *r > 0.0 { 1.0 } else { 0.0 })
            .collect();
        basis.iter().for_each(|&row| duals[row] = 0.0);
        let reached = problem.products(&duals);
        let missing = Mat::from_fn(used.len(), 1, |i, _| wanted[used[i]] - reached[used[i]]);
        let values = square.transpose().full_piv_lu().solve(&missing);
        let beyond = |i: usize| (values[(i, 0)] - 1.0).max(-values[(i, 0)]);
        let Some(leaving) = (0..basis.len()).max_by(|&a, &b| beyond(a).total_cmp(&beyond(b)))
        else {
            best.optimal = true;
            return best;
        };
        if beyond(leaving) <= ROUNDING {
            best.optimal = lower;
            return best;
        }
        // Along this direction only the leaving row's residual changes, of those on
        // the plane: upwards if its dual value is above 1.
        let up = values[(leaving, 0)] > 1.0;
        let towards = if up { -1.0 } else { 1.0 };
        let unit = Mat::from_fn(
            used.len(),
            1,
            |i, _| if i == leaving { towards } else { 0.0 },
        );
        let direction = factor.solve(&unit);
        let Some(entering) = crossing(
            problem,
            &residuals,
            &basis,
            &used,
            &direction,
            beyond(leaving),
        ) else {
            return best;
        };
        basis[leaving] = entering;
    }
    best
}

/// The row at which the sum no longer falls along the direction; `fall`: how fast it
/// does at first.
fn crossing(
    problem: &Problem,
    residuals: &[f64],
    basis: &[usize],
    used: &[usize],
    direction: &Mat<f64>,
    fall: f64,
) -> Option<usize> {
    let mut along = vec![0.0; problem.rows()];
    for (i, &column) in used.iter().enumerate() {
        for (along, value) in along.iter_mut().zip(&problem.columns[column]) {
            *along += direction[(i, 0)] * value;
        }
    }
    let largest = along.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let mut inside = vec![false; problem.rows()];
    basis.iter().for_each(|&row| inside[row] = true);
    let mut crossings: Vec<(f64, usize)> = Vec::new();
    for (row, &speed) in along.iter().enumerate() {
        let moves = !inside[row] && speed.abs() > 1e-12 * largest;
        // A positive residual that shrinks, or one of the others that grows.
        if moves && (residuals[row] > 0.0) == (speed > 0.0) {
            crossings.push((residuals[row] / speed, row));
        }
    }
    crossings.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut slope = -fall;
    for (_, row) in crossings {
        slope += along[row].abs();
        if slope >= 0.0 {
            return Some(row);
        }
    }
    None
}

/// Independent rows near the plane, and the columns that they tell apart.
fn basis(problem: &Problem, guess: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let residuals = problem.residuals(guess);
    let mut order: Vec<usize> = (0..problem.rows()).collect();
    // In units of the row, so that a weight does not push a row away.
    let size = |row: usize| {
        let norm = problem
            .columns
            .iter()
            .map(|column| column[row].powi(2))
            .sum::<f64>();
        if norm > 0.0 {
            residuals[row].abs() / norm.sqrt()
        } else {
            f64::INFINITY
        }
    };
    let sizes: Vec<f64> = order.iter().map(|&row| size(row)).collect();
    order.sort_unstable_by(|&a, &b| sizes[a].total_cmp(&sizes[b]).then(a.cmp(&b)));
    let width = problem.columns.len();
    let mut rows = Vec::new();
    // Rows reduced by those before, each with its largest place.
    let mut reduced: Vec<(Vec<f64>, usize)> = Vec::new();
    for row in order {
        if rows.len() == width {
            break;
        }
        let mut values: Vec<f64> = problem.columns.iter().map(|column| column[row]).collect();
        let before = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (other, place) in &reduced {
            let share = values[*place] / other[*place];
            for (value, other) in values.iter_mut().zip(other) {
                *value -= share * other;
            }
            values[*place] = 0.0;
        }
        let place = (0..width).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
        if let Some(place) = place
            && values[place].abs() > NEW * before
        {
            rows.push(row);
            reduced.push((values, place));
        }
    }
    let mut used: Vec<usize> = reduced.iter().map(|(_, place)| *place).collect();
    used.sort_unstable();
    (rows, used)
}

fn given(problem: &Problem, parameters: &[f64]) -> Vertex {
    Vertex {
        loss: loss(problem, &problem.residuals(parameters)),
        parameters: parameters.to_vec(),
        optimal: false,
    }
}

fn loss(problem: &Problem, residuals: &[f64]) -> f64 {
    let of = |(r, level): (&f64, &f64)| {
        if *r > 0.0 {
            level * r
        } else {
            (level - 1.0) * r
        }
    };
    residuals.iter().zip(&problem.levels).map(of).sum()
}
