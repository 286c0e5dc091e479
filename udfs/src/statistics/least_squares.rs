//! Ordinary and ridge regression from the triangular factor of `[1 X y]`.

use faer::linalg::solvers::SolveLstsqCore;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;
use faer::{Conj, Mat, MatRef, Par};

use super::sandwich::row_of_inverse;
use super::triangle::{factor_in_place, norm};

/// What is left of a column after others are projected out is rounding if it
/// is this far below the column: it repeats them.
const RANK_TOLERANCE: f64 = 1e-13;
/// A column whose spread is this small against its size is constant.
const CONSTANT_TOLERANCE: f64 = 1e-14;

/// The solution for `p` features.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// 0 without an intercept.
    pub intercept: f64,
    /// One per feature.
    pub coefficients: Vec<f64>,
    /// Standard error of the intercept and of each coefficient; none for ridge,
    /// a deficient rank or no degree of freedom.
    pub errors: Option<(f64, Vec<f64>)>,
    /// Features that are constant or linear combinations of others, ascending.
    pub redundant: Vec<usize>,
    /// Sum of squared residuals.
    pub residual_squares: f64,
    /// Sum of squares of the target, about its mean if there is an intercept.
    pub total_squares: f64,
    /// Root of the sum of squares of each feature, about its mean if there is
    /// an intercept.
    pub spreads: Vec<f64>,
    /// Rows less the number of parameters.
    pub degrees_of_freedom: f64,
}

/// The factor of `[1 X y]` (or `[X y]`), and how many rows it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Upper triangular.
    pub factor: MatRef<'a, f64>,
    /// Whether the first column is the intercept's.
    pub intercept: bool,
    /// Rows, at least 1.
    pub rows: u64,
}

impl Problem<'_> {
    fn first(&self) -> usize {
        usize::from(self.intercept)
    }

    fn features(&self) -> usize {
        self.factor.ncols() - 1 - self.first()
    }

    /// R of the features, with the intercept projected out.
    fn triangle(&self) -> MatRef<'_, f64> {
        let (k, p) = (self.first(), self.features());
        self.factor.submatrix(k, k, p, p)
    }

    /// What solving begins with.
    fn parts(&self) -> Parts {
        let (k, p) = (self.first(), self.features());
        let y = k + p;
        let column = |j: usize, from: usize| (from..=j).map(move |i| self.factor[(i, j)]);
        let target_spread = norm(column(y, k));
        let spreads: Vec<f64> = (k..y).map(|j| norm(column(j, k))).collect();
        let constant = |(j, spread): (usize, &f64)| {
            let size = norm(column(k + j, 0));
            *spread <= CONSTANT_TOLERANCE * size
        };
        let constants = spreads.iter().enumerate().map(constant).collect();
        let varies = target_spread > CONSTANT_TOLERANCE * norm(column(y, 0));
        Parts {
            // Qᵀy in the space of the features.
            target: match varies {
                true => (k..y).map(|i| self.factor[(i, y)]).collect(),
                false => vec![0.0; p],
            },
            target_spread: if varies { target_spread } else { 0.0 },
            unexplained: if varies { self.factor[(y, y)] } else { 0.0 },
            spreads,
            constants,
        }
    }

    /// Minimises ‖y - a - Xw‖² + `penalty` ‖w‖². The intercept is not
    /// penalised, features are in their own units (as scikit-learn's Ridge;
    /// Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
    /// 2nd ed., section 3.4.1, without standardisation). Where features repeat
    /// each other and `penalty` is 0, the solution of least ‖w‖.
    pub fn solve(&self, penalty: f64) -> Solution {
        let (k, p) = (self.first(), self.features());
        let triangle = self.triangle();
        let parts = self.parts();
        let redundancy = self.redundancy(&parts);
        let mut weights = if penalty > 0.0 {
            ridge(triangle, &parts.target, penalty)
        } else if let Some(redundancy) = &redundancy {
            redundancy.least_norm(triangle, &parts.target, &parts.spreads)
        } else {
            let mut weights = parts.target.clone();
            solve_upper(triangle, &mut weights);
            weights
        };
        // What is left of a constant feature is rounding, and explains nothing.
        for (weight, _) in weights
            .iter_mut()
            .zip(&parts.constants)
            .filter(|(_, c)| **c)
        {
            *weight = 0.0;
        }
        let redundant = redundancy.map_or_else(Vec::new, |redundancy| redundancy.repeated);
        let full = penalty == 0.0 && redundant.is_empty();
        let parameters = p - redundant.len() + k;
        let solution = self.explained(parts, weights, redundant, parameters);
        let freedom = solution.degrees_of_freedom;
        let errors = (full && freedom > 0.0)
            .then(|| self.standard_errors(solution.residual_squares / freedom));
        Solution { errors, ..solution }
    }

    /// What coefficients, however they were found, leave unexplained;
    /// `parameters` counts the intercept.
    pub fn described(
        &self,
        coefficients: Vec<f64>,
        redundant: Vec<usize>,
        parameters: usize,
    ) -> Solution {
        self.explained(self.parts(), coefficients, redundant, parameters)
    }

    fn explained(
        &self,
        parts: Parts,
        coefficients: Vec<f64>,
        redundant: Vec<usize>,
        parameters: usize,
    ) -> Solution {
        let (k, p) = (self.first(), self.features());
        let y = k + p;
        let mut residual = parts.target;
        for (j, coefficient) in coefficients.iter().enumerate() {
            for (i, left) in residual[..=j].iter_mut().enumerate() {
                *left -= self.factor[(k + i, k + j)] * coefficient;
            }
        }
        let residual_squares = parts.unexplained.powi(2) + norm(residual.iter().copied()).powi(2);
        let intercept = if self.intercept {
            let fitted: f64 = (0..p)
                .map(|j| self.factor[(0, k + j)] * coefficients[j])
                .sum();
            (self.factor[(0, y)] - fitted) / self.factor[(0, 0)]
        } else {
            0.0
        };
        Solution {
            intercept,
            coefficients,
            errors: None,
            redundant,
            residual_squares,
            total_squares: parts.target_spread.powi(2),
            spreads: parts.spreads,
            degrees_of_freedom: self.rows as f64 - parameters as f64,
        }
    }

    /// XᵀX and Xᵀy, about the means if there is an intercept; zeros for
    /// features that do not vary.
    pub fn products(&self) -> (Mat<f64>, Vec<f64>) {
        let parts = self.parts();
        let mut triangle = self.triangle().to_owned();
        for j in (0..self.features()).filter(|&j| parts.constants[j]) {
            triangle.col_mut(j).fill(0.0);
        }
        let target = Mat::from_fn(self.features(), 1, |i, _| parts.target[i]);
        let products = triangle.transpose() * target;
        let gram = triangle.transpose() * &triangle;
        (gram, products.col(0).iter().copied().collect())
    }

    /// Roots of the diagonal of σ²(RᵀR)⁻¹ = σ² R⁻¹R⁻ᵀ.
    fn standard_errors(&self, variance: f64) -> (f64, Vec<f64>) {
        /// Up to so many parameters plain loops are done before a solver has begun.
        const FEW: usize = 16;
        let k = self.first();
        let size = k + self.features();
        if size <= FEW {
            let mut row = [0.0; FEW];
            let mut error = |i: usize| {
                row_of_inverse(self.factor, i, &mut row[..size]);
                variance.sqrt() * norm(row[i..size].iter().copied())
            };
            let intercept = if self.intercept { error(0) } else { 0.0 };
            return (intercept, (k..size).map(error).collect());
        }
        let mut inverse = Mat::<f64>::identity(size, size);
        let factor = self.factor.submatrix(0, 0, size, size);
        solve_upper_triangular_in_place(factor, inverse.as_mut(), Par::Seq);
        let error = |i: usize| variance.sqrt() * norm((i..size).map(|j| inverse[(i, j)]));
        let intercept = if self.intercept { error(0) } else { 0.0 };
        (intercept, (k..size).map(error).collect())
    }

    /// Which features repeat earlier ones; `None` if none does.
    ///
    /// On the diagonal of the factor stands what is left of a column after
    /// those before it are projected out.
    fn redundancy(&self, parts: &Parts) -> Option<Redundancy> {
        let Parts {
            spreads, constants, ..
        } = parts;
        let p = self.features();
        let triangle = self.triangle();
        let independent =
            |j: usize| !constants[j] && triangle[(j, j)].abs() > RANK_TOLERANCE * spreads[j];
        if (0..p).all(independent) {
            return None;
        }
        // Below a column that repeats others the diagonal says nothing: take
        // the columns one by one.
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let (mut kept, mut repeated) = (Vec::new(), Vec::new());
        for j in 0..p {
            let mut column: Vec<f64> = (0..p)
                .map(|i| if i <= j { triangle[(i, j)] } else { 0.0 })
                .collect();
            // Twice is enough (Giraud, Langou and Rozložník 2005).
            for _ in 0..2 {
                for direction in &basis {
                    let part: f64 = direction.iter().zip(&column).map(|(a, b)| a * b).sum();
                    for (value, direction) in column.iter_mut().zip(direction) {
                        *value -= part * direction;
                    }
                }
            }
            let left = norm(column.iter().copied());
            if constants[j] || left <= RANK_TOLERANCE * spreads[j] {
                repeated.push(j);
            } else {
                column.iter_mut().for_each(|value| *value /= left);
                basis.push(column);
                kept.push(j);
            }
        }
        (!repeated.is_empty()).then_some(Redundancy { kept, repeated })
    }
}

/// Features that are independent, and those that are constant or linear
/// combinations of independent ones before them; both ascending.
struct Redundancy {
    kept: Vec<usize>,
    repeated: Vec<usize>,
}

impl Redundancy {
    /// A solution that uses the independent features only, less its part in
    /// the null space of the features: the solution of least norm in the
    /// features' own units.
    fn least_norm(&self, triangle: MatRef<'_, f64>, target: &[f64], spreads: &[f64]) -> Vec<f64> {
        let p = triangle.ncols();
        let unit = |j: usize| if spreads[j] > 0.0 { spreads[j] } else { 1.0 };
        let scaled = |i: usize, j: usize| {
            if i <= j {
                triangle[(i, j)] / unit(j)
            } else {
                0.0
            }
        };
        let (rank, nullity) = (self.kept.len(), self.repeated.len());
        // The target, then every repeated feature, in terms of the kept ones.
        let mut solutions = Mat::from_fn(p, 1 + nullity, |i, j| match j {
            0 => target[i],
            _ => scaled(i, self.repeated[j - 1]),
        });
        if rank > 0 {
            let kept = Mat::from_fn(p, rank, |i, j| scaled(i, self.kept[j]));
            kept.qr()
                .solve_lstsq_in_place_with_conj(Conj::No, solutions.as_mut());
        }
        let mut weights = Mat::<f64>::zeros(p, 1);
        let mut null = Mat::<f64>::zeros(p, nullity);
        for (i, &feature) in self.kept.iter().enumerate() {
            weights[(feature, 0)] = solutions[(i, 0)] / unit(feature);
            for j in 0..nullity {
                null[(feature, j)] = -solutions[(i, j + 1)] / unit(feature);
            }
        }
        for (j, &feature) in self.repeated.iter().enumerate() {
            null[(feature, j)] = 1.0 / unit(feature);
            let length = norm((0..p).map(|i| null[(i, j)]));
            for i in 0..p {
                null[(i, j)] /= length;
            }
        }
        let mut part = weights.clone();
        null.qr()
            .solve_lstsq_in_place_with_conj(Conj::No, part.as_mut());
        let part = part.submatrix(0, 0, nullity, 1).to_owned();
        let weights = weights - null * part;
        weights.col(0).iter().copied().collect()
    }
}

/// What solving begins with: sizes and spreads, and the target as the features see it.
struct Parts {
    /// Qᵀy in the space of the features; zeros if the target is constant.
    target: Vec<f64>,
    /// Root of the sum of squares of the target, about its mean if there is an
    /// intercept; 0 if what varies is rounding.
    target_spread: f64,
    /// What no feature can explain of the target.
    unexplained: f64,
    /// See [`Solution::spreads`].
    spreads: Vec<f64>,
    /// Which features do not vary, but for rounding.
    constants: Vec<bool>,
}

/// Least squares with √penalty on the diagonal below.
fn ridge(triangle: MatRef<'_, f64>, target: &[f64], penalty: f64) -> Vec<f64> {
    let p = triangle.ncols();
    let root = penalty.sqrt();
    let mut stacked = Mat::from_fn(2 * p + 1, p + 1, |i, j| match (i < p, j < p) {
        (true, true) if i <= j => triangle[(i, j)],
        (true, false) => target[i],
        (false, true) if i - p == j => root,
        _ => 0.0,
    });
    factor_in_place(stacked.as_mut());
    let mut weights: Vec<f64> = (0..p).map(|i| stacked[(i, p)]).collect();
    solve_upper(stacked.submatrix(0, 0, p, p), &mut weights);
    weights
}

/// Back substitution, column by column: for one right-hand side a solver's blocks
/// would cost more than the work.
fn solve_upper(triangle: MatRef<'_, f64>, right: &mut [f64]) {
    for j in (0..right.len()).rev() {
        right[j] /= triangle[(j, j)];
        let solved = right[j];
        for (i, value) in right[..j].iter_mut().enumerate() {
            *value -= triangle[(i, j)] * solved;
        }
    }
}
