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

    /// Qᵀy in the space of the features.
    fn projected_target(&self) -> Mat<f64> {
        let (k, p) = (self.first(), self.features());
        self.factor.submatrix(k, k + p, p, 1).to_owned()
    }

    /// Minimises ‖y - a - Xw‖² + `penalty` ‖w‖². The intercept is not
    /// penalised, features are in their own units (as scikit-learn's Ridge;
    /// Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
    /// 2nd ed., section 3.4.1, without standardisation). Where features repeat
    /// each other and `penalty` is 0, the solution of least ‖w‖.
    pub fn solve(&self, penalty: f64) -> Solution {
        let (k, p) = (self.first(), self.features());
        let triangle = self.triangle();
        let target = self.target();
        let spreads = self.spreads();
        let constants = self.constants(&spreads);
        let redundancy = self.redundancy(&spreads, &constants);
        let mut weights = if penalty > 0.0 {
            ridge(triangle, &target, penalty)
        } else if let Some(redundancy) = &redundancy {
            redundancy.least_norm(triangle, &target, &spreads)
        } else {
            let mut weights = target.clone();
            solve_upper(triangle, &mut weights);
            weights
        };
        // What is left of a constant feature is rounding, and explains nothing.
        for j in (0..p).filter(|&j| constants[j]) {
            weights[(j, 0)] = 0.0;
        }
        let coefficients: Vec<f64> = weights.col(0).iter().copied().collect();
        let redundant = redundancy.map_or_else(Vec::new, |redundancy| redundancy.repeated);
        let full = penalty == 0.0 && redundant.is_empty();
        let parameters = p - redundant.len() + k;
        let solution = self.described(coefficients, redundant, parameters);
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
        let (k, p) = (self.first(), self.features());
        let y = k + p;
        let constant = self.has_constant_target();
        let triangle = self.triangle();
        let weights = Mat::from_fn(p, 1, |i, _| coefficients[i]);
        let residual = self.target() - triangle * weights;
        let unexplained = if constant { 0.0 } else { self.factor[(y, y)] };
        let residual_squares = unexplained.powi(2) + norm((0..p).map(|i| residual[(i, 0)])).powi(2);
        let total_squares = if constant {
            0.0
        } else {
            self.target_spread().powi(2)
        };
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
            total_squares,
            spreads: self.spreads(),
            degrees_of_freedom: self.rows as f64 - parameters as f64,
        }
    }

    /// XᵀX and Xᵀy, about the means if there is an intercept; zeros for
    /// features that do not vary.
    pub fn products(&self) -> (Mat<f64>, Vec<f64>) {
        let constants = self.constants(&self.spreads());
        let mut triangle = self.triangle().to_owned();
        for j in (0..self.features()).filter(|&j| constants[j]) {
            triangle.col_mut(j).fill(0.0);
        }
        let products = triangle.transpose() * self.target();
        let gram = triangle.transpose() * &triangle;
        (gram, products.col(0).iter().copied().collect())
    }

    /// Whether what varies of the target is rounding, and nothing to explain.
    fn has_constant_target(&self) -> bool {
        let y = self.first() + self.features();
        let whole = norm((0..=y).map(|i| self.factor[(i, y)]));
        self.target_spread() <= CONSTANT_TOLERANCE * whole
    }

    fn target_spread(&self) -> f64 {
        let (k, p) = (self.first(), self.features());
        norm((k..=k + p).map(|i| self.factor[(i, k + p)]))
    }

    /// [`Self::projected_target`], or zeros if the target is constant.
    fn target(&self) -> Mat<f64> {
        if self.has_constant_target() {
            Mat::zeros(self.features(), 1)
        } else {
            self.projected_target()
        }
    }

    fn spreads(&self) -> Vec<f64> {
        let triangle = self.triangle();
        (0..self.features())
            .map(|j| norm((0..=j).map(|i| triangle[(i, j)])))
            .collect()
    }

    /// Roots of the diagonal of σ²(RᵀR)⁻¹ = σ² R⁻¹R⁻ᵀ.
    fn standard_errors(&self, variance: f64) -> (f64, Vec<f64>) {
        /// Up to so many parameters plain loops are done before a solver has begun.
        const FEW: usize = 16;
        let k = self.first();
        let size = k + self.features();
        if size <= FEW {
            let error = |i: usize| {
                let row = row_of_inverse(self.factor, size, i);
                variance.sqrt() * norm(row[i..].iter().copied())
            };
            let intercept = if self.intercept { error(0) } else { 0.0 };
            return (intercept, (k..size).map(error).collect());
        }
        let mut inverse = Mat::<f64>::identity(size, size);
        solve_upper(self.factor.submatrix(0, 0, size, size), &mut inverse);
        let error = |i: usize| variance.sqrt() * norm((i..size).map(|j| inverse[(i, j)]));
        let intercept = if self.intercept { error(0) } else { 0.0 };
        (intercept, (k..size).map(error).collect())
    }

    /// Which features do not vary, but for rounding.
    fn constants(&self, spreads: &[f64]) -> Vec<bool> {
        let k = self.first();
        let size = |j: usize| norm((0..=k + j).map(|i| self.factor[(i, k + j)]));
        let constant = |(j, spread): (usize, &f64)| *spread <= CONSTANT_TOLERANCE * size(j);
        spreads.iter().enumerate().map(constant).collect()
    }

    /// Which features repeat earlier ones; `None` if none does.
    ///
    /// On the diagonal of the factor stands what is left of a column after
    /// those before it are projected out.
    fn redundancy(&self, spreads: &[f64], constants: &[bool]) -> Option<Redundancy> {
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
    fn least_norm(
        &self,
        triangle: MatRef<'_, f64>,
        target: &Mat<f64>,
        spreads: &[f64],
    ) -> Mat<f64> {
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
            0 => target[(i, 0)],
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
        weights - null * part
    }
}

/// Least squares with √penalty on the diagonal below.
fn ridge(triangle: MatRef<'_, f64>, target: &Mat<f64>, penalty: f64) -> Mat<f64> {
    let p = triangle.ncols();
    let root = penalty.sqrt();
    let mut stacked = Mat::from_fn(2 * p + 1, p + 1, |i, j| match (i < p, j < p) {
        (true, true) if i <= j => triangle[(i, j)],
        (true, false) => target[(i, 0)],
        (false, true) if i - p == j => root,
        _ => 0.0,
    });
    factor_in_place(stacked.as_mut());
    let mut weights = stacked.submatrix(0, p, p, 1).to_owned();
    solve_upper(stacked.submatrix(0, 0, p, p), &mut weights);
    weights
}

fn solve_upper(triangle: MatRef<'_, f64>, right: &mut Mat<f64>) {
    solve_upper_triangular_in_place(triangle, right.as_mut(), Par::Seq);
}
