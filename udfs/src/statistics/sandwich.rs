//! Standard errors of least squares whose errors differ in size or depend on those
//! before: R⁻¹ S R⁻ᵀ with R the triangular factor of the design and S a sum over
//! the rows of Q = X R⁻¹, which never forms XᵀX.

use faer::MatRef;
use rayon::prelude::*;

/// What is assumed of the errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// Independent, of any size: White, Econometrica 48, 1980.
    Hc0,
    /// The same, times n / (n - parameters): MacKinnon and White, Journal of
    /// Econometrics 29, 1985.
    Hc1,
    /// Squared residuals divided by 1 - leverage (the same).
    Hc2,
    /// Divided by its square (the same; Davidson and MacKinnon 1993).
    Hc3,
    /// Dependent over so many rows, which are in the order of time: Newey and West,
    /// Econometrica 55, 1987, with the Bartlett kernel and no correction for few
    /// rows.
    NeweyWest(usize),
}

/// A row whose leverage is this near to 1 has a coefficient of its own.
const WHOLE_LEVERAGE: f64 = 1e-10;
/// Rows that one task works on.
const TASK: usize = 4096;

/// The standard error of each parameter. `columns` are those of the design and then
/// the target, scaled by the roots of the weights; `factor` is R of them, without a
/// zero on its diagonal but for the target's. `None` if a row alone determines a
/// coefficient, so that its residual says nothing.
pub fn standard_errors(
    columns: &[&[f64]],
    factor: MatRef<'_, f64>,
    errors: Errors,
) -> Option<Vec<f64>> {
    let parameters = columns.len() - 1;
    let rows = columns[parameters].len();
    let tasks = rows.div_ceil(TASK);
    let part =
        |task: usize| orthogonal(columns, factor, task * TASK..((task + 1) * TASK).min(rows));
    let middle = match errors {
        Errors::NeweyWest(lags) => {
            let parts: Vec<Vec<Vec<f64>>> = (0..tasks).into_par_iter().map(part).collect();
            // q · residual, a column per parameter.
            let scores: Vec<Vec<f64>> = (0..parameters)
                .into_par_iter()
                .map(|j| {
                    let products = |part: &Vec<Vec<f64>>| -> Vec<f64> {
                        let both = part[j].iter().zip(&part[parameters]);
                        both.map(|(q, residual)| q * residual).collect()
                    };
                    parts.iter().flat_map(products).collect()
                })
                .collect();
            newey_west(&scores, lags)
        }
        _ => {
            let of_task = |task: usize| white(&part(task), errors);
            let sums: Vec<Option<Vec<f64>>> = (0..tasks).into_par_iter().map(of_task).collect();
            let mut total = vec![0.0; parameters * parameters];
            for sum in sums {
                for (total, sum) in total.iter_mut().zip(sum?) {
                    *total += sum;
                }
            }
            total
        }
    };
    let correction = match errors {
        Errors::Hc1 => (rows as f64 / (rows as f64 - parameters as f64)).sqrt(),
        _ => 1.0,
    };
    let of_parameter = |i: usize| {
        let mut row = vec![0.0; parameters];
        row_of_inverse(factor, i, &mut row);
        let square: f64 = (0..parameters)
            .map(|a| {
                let inner: f64 = (0..parameters)
                    .map(|b| middle[a * parameters + b] * row[b])
                    .sum();
                row[a] * inner
            })
            .sum();
        square.max(0.0).sqrt() * correction
    };
    Some((0..parameters).map(of_parameter).collect())
}

/// Rows of Q, a column per parameter, and then the residuals: forward substitution
/// column by column, which is what makes the target's column the residual.
fn orthogonal(
    columns: &[&[f64]],
    factor: MatRef<'_, f64>,
    rows: std::ops::Range<usize>,
) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
    for (j, column) in columns.iter().enumerate() {
        let mut values = column[rows.clone()].to_vec();
        for (i, before) in out.iter().enumerate() {
            let share = factor[(i, j)];
            for (value, before) in values.iter_mut().zip(before) {
                *value -= share * before;
            }
        }
        if j + 1 < columns.len() {
            let own = factor[(j, j)];
            for value in &mut values {
                *value /= own;
            }
        }
        out.push(values);
    }
    out
}

/// Σ q qᵀ times the squared residual as `errors` has it.
fn white(part: &[Vec<f64>], errors: Errors) -> Option<Vec<f64>> {
    let parameters = part.len() - 1;
    let mut squares: Vec<f64> = part[parameters].iter().map(|e| e * e).collect();
    if matches!(errors, Errors::Hc2 | Errors::Hc3) {
        for (row, square) in squares.iter_mut().enumerate() {
            let leverage: f64 = part[..parameters].iter().map(|q| q[row] * q[row]).sum();
            let left = 1.0 - leverage;
            if left < WHOLE_LEVERAGE {
                return None;
            }
            *square /= if errors == Errors::Hc3 {
                left * left
            } else {
                left
            };
        }
    }
    let mut sum = vec![0.0; parameters * parameters];
    for a in 0..parameters {
        let scaled: Vec<f64> = part[a].iter().zip(&squares).map(|(q, s)| q * s).collect();
        for b in 0..=a {
            let product: f64 = scaled.iter().zip(&part[b]).map(|(x, y)| x * y).sum();
            sum[a * parameters + b] = product;
            sum[b * parameters + a] = product;
        }
    }
    Some(sum)
}

/// Γ₀ + Σ (1 - l / (lags + 1)) (Γₗ + Γₗᵀ) with Γₗ = Σ sₜ sₜ₋ₗᵀ.
fn newey_west(scores: &[Vec<f64>], lags: usize) -> Vec<f64> {
    let parameters = scores.len();
    let rows = scores.first().map_or(0, Vec::len);
    let product = |a: usize, b: usize, lag: usize| -> f64 {
        let later = &scores[a][lag..];
        later.iter().zip(&scores[b]).map(|(x, y)| x * y).sum()
    };
    let entry = |place: usize| {
        let (a, b) = (place / parameters, place % parameters);
        let mut sum = product(a, b, 0);
        for lag in 1..=lags.min(rows.saturating_sub(1)) {
            let share = 1.0 - lag as f64 / (lags as f64 + 1.0);
            sum += share * (product(a, b, lag) + product(b, a, lag));
        }
        sum
    };
    let places = 0..parameters * parameters;
    places.into_par_iter().map(entry).collect()
}

/// A row of R⁻¹: x with x R = eᵢ, where R is the leading part of the factor that is as
/// wide as `row`.
pub fn row_of_inverse(factor: MatRef<'_, f64>, i: usize, row: &mut [f64]) {
    row.fill(0.0);
    for j in i..row.len() {
        let known: f64 = (i..j).map(|k| row[k] * factor[(k, j)]).sum();
        row[j] = (f64::from(u8::from(j == i)) - known) / factor[(j, j)];
    }
}
