//! Ordinary and ridge regression by folds. One triangular factor per fold is
//! all that is kept of its training rows: models of fewer features follow from
//! its columns.

use faer::Mat;
use rayon::prelude::*;

use super::{FoldModel, Learner, Method, Sample};
use crate::error::Result;
use crate::statistics::least_squares::{Problem, Solution};
use crate::statistics::triangle::{Triangle, factor_in_place};
use crate::time::folds::Fold;

/// Rows that are factored at once.
const BLOCK_ROWS: usize = 4096;

/// The algorithm.
pub struct LeastSquares {
    name: &'static str,
    penalty: f64,
}

impl LeastSquares {
    /// Without a penalty; of solutions that fit equally well, the smallest.
    pub fn ordinary() -> Self {
        Self {
            name: "ols",
            penalty: 0.0,
        }
    }

    /// With the penalty on squared coefficients, features in their own units.
    pub fn ridge(penalty: f64) -> Self {
        Self {
            name: "ridge",
            penalty,
        }
    }

    fn model(&self, triangle: &Triangle, rows: usize, features: usize) -> Box<dyn FoldModel> {
        let features = (0..features).collect();
        let factor = triangle.factor();
        Box::new(LinearModel::of(factor, features, rows, self.penalty))
    }
}

impl Learner for LeastSquares {
    fn name(&self) -> &'static str {
        self.name
    }

    fn has(&self, method: Method) -> bool {
        !matches!(method, Method::Gain | Method::Split | Method::Cover)
    }

    fn fit(&self, sample: &Sample<'_>, train: &[u32]) -> Result<Box<dyn FoldModel>> {
        let triangle = triangle(sample, train);
        Ok(self.model(&triangle, train.len(), sample.columns.len()))
    }

    /// Where each fold trains on the rows of the one before and more, as when
    /// walking forward, every row is factored once.
    fn fit_folds(&self, sample: &Sample<'_>, folds: &[Fold]) -> Result<Vec<Box<dyn FoldModel>>> {
        let before = std::iter::once(&[][..]).chain(folds.iter().map(|fold| &*fold.train));
        let news: Vec<Option<Vec<u32>>> = before
            .zip(folds)
            .map(|(before, fold)| added(before, &fold.train))
            .collect();
        let pieces: Vec<Triangle> = news
            .par_iter()
            .zip(folds)
            .map(|(new, fold)| triangle(sample, new.as_ref().unwrap_or(&fold.train)))
            .collect();
        let mut whole: Vec<Triangle> = Vec::with_capacity(folds.len());
        for (new, mut piece) in news.iter().zip(pieces) {
            if let (Some(_), Some(before)) = (new, whole.last()) {
                piece.merge(before);
            }
            whole.push(piece);
        }
        let models = whole
            .par_iter()
            .zip(folds)
            .map(|(triangle, fold)| self.model(triangle, fold.train.len(), sample.columns.len()));
        Ok(models.collect())
    }
}

/// The rows of `now` that `before` lacks; `None` if `before` has others. Both
/// in the same order.
fn added(before: &[u32], now: &[u32]) -> Option<Vec<u32>> {
    let mut before = before.iter().peekable();
    let mut new = Vec::new();
    for row in now {
        if before.next_if_eq(&row).is_none() {
            new.push(*row);
        }
    }
    before.next().is_none().then_some(new)
}

/// The factor of [1 X y] of these rows.
pub fn triangle(sample: &Sample<'_>, rows: &[u32]) -> Triangle {
    let width = sample.columns.len() + 2;
    let column = |i: usize| {
        let feature = i.checked_sub(1)?;
        Some(*sample.columns.get(feature).unwrap_or(&sample.target))
    };
    let mut triangle = Triangle::new(width);
    for block in rows.chunks(BLOCK_ROWS.max(2 * width)) {
        if triangle.takes_block(block.len()) {
            triangle.push_block(block.len(), |i, out| match column(i) {
                None => out.extend(std::iter::repeat_n(1.0, block.len())),
                Some(values) => out.extend(block.iter().map(|&row| values[row as usize])),
            });
        } else {
            for &row in block {
                let values = (0..width).map(column);
                triangle.push(values.map(|column| column.map_or(1.0, |c| c[row as usize])));
            }
        }
    }
    triangle
}

/// The model of one fold.
struct LinearModel {
    /// Of [1 X y], upper triangular.
    factor: Mat<f64>,
    /// Columns of the sample, in the order of the factor.
    features: Vec<usize>,
    rows: usize,
    penalty: f64,
    solution: Solution,
    redundant: Vec<usize>,
}

impl LinearModel {
    fn of(factor: Mat<f64>, features: Vec<usize>, rows: usize, penalty: f64) -> Self {
        let problem = Problem {
            factor: factor.as_ref(),
            intercept: true,
            rows: rows as u64,
        };
        let solution = problem.solve(penalty);
        let redundant = solution.redundant.iter().map(|&i| features[i]).collect();
        Self {
            factor,
            features,
            rows,
            penalty,
            solution,
            redundant,
        }
    }

    /// The coefficient of a column of the sample; 0 if it is no feature.
    fn weight(&self, column: usize) -> f64 {
        let place = self.features.iter().position(|&known| known == column);
        place.map_or(0.0, |i| self.solution.coefficients[i])
    }
}

impl FoldModel for LinearModel {
    fn predict(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64> {
        let mut predicted = vec![self.solution.intercept; rows.len()];
        for (&feature, weight) in self.features.iter().zip(&self.solution.coefficients) {
            let values = sample.columns[feature];
            for (out, &row) in predicted.iter_mut().zip(rows) {
                *out += weight * values[row as usize];
            }
        }
        predicted
    }

    fn change(
        &self,
        sample: &Sample<'_>,
        rows: &[u32],
        features: &[usize],
        donors: &[u32],
    ) -> Vec<f64> {
        let mut change = vec![0.0; rows.len()];
        for &feature in features {
            let (weight, values) = (self.weight(feature), sample.columns[feature]);
            if weight != 0.0 {
                for ((out, &row), &donor) in change.iter_mut().zip(rows).zip(donors) {
                    *out += weight * (values[donor as usize] - values[row as usize]);
                }
            }
        }
        change
    }

    fn built_in(&self, method: Method) -> Option<Vec<f64>> {
        let spread = self.solution.total_squares.sqrt();
        let coefficients = self.solution.coefficients.iter();
        let standardized = coefficients
            .zip(&self.solution.spreads)
            .map(|(weight, own)| weight * own / spread);
        (method == Method::Coefficient && spread > 0.0).then(|| standardized.collect())
    }

    /// Of a linear model with features that are changed independently, the
    /// Shapley value is weight · (value - mean of the training rows): Lundberg
    /// and Lee 2017, corollary 1.
    fn shap(&self, sample: &Sample<'_>, rows: &[u32]) -> Vec<f64> {
        (0..self.features.len())
            .into_par_iter()
            .map(|i| {
                let mean = self.factor[(0, i + 1)] / self.factor[(0, 0)];
                let values = sample.columns[self.features[i]];
                let sizes = rows.iter().map(|&row| (values[row as usize] - mean).abs());
                self.solution.coefficients[i].abs() * sizes.sum::<f64>() / rows.len() as f64
            })
            .collect()
    }

    /// R of some columns is R of those columns of R.
    fn refit(&self, _: &Sample<'_>, _: &[u32], features: &[usize]) -> Result<Box<dyn FoldModel>> {
        let place = |feature: &usize| self.features.iter().position(|known| known == feature);
        let places: Vec<usize> = features.iter().filter_map(place).collect();
        let (height, width) = (self.factor.ncols(), places.len() + 2);
        let source = |j: usize| match j {
            0 => 0,
            _ => places.get(j - 1).map_or(height - 1, |i| i + 1),
        };
        let mut columns = Mat::from_fn(height, width, |i, j| self.factor[(i, source(j))]);
        factor_in_place(columns.as_mut());
        let factor = Mat::from_fn(
            width,
            width,
            |i, j| {
                if i <= j { columns[(i, j)] } else { 0.0 }
            },
        );
        let features = places.iter().map(|&i| self.features[i]).collect();
        Ok(Box::new(Self::of(
            factor,
            features,
            self.rows,
            self.penalty,
        )))
    }

    fn redundant(&self) -> &[usize] {
        &self.redundant
    }
}
