//! XᵀWX of columns that are at hand, and steps of Newton's method by it.

use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, Side};
use rayon::prelude::*;

use super::cross_moments::add_self_product;

/// Rows that are multiplied at once.
const BLOCK: usize = 1024;
/// Rows of one task: sums are the same whatever the number of threads.
const TASK: usize = 16 * BLOCK;
/// What is added to the diagonal, as a part of it, where a matrix is singular.
const DAMPING: [f64; 6] = [0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1.0];

/// Σ weight · x xᵀ over the rows, which all columns have; weights from 0 up.
pub fn weighted_gram(columns: &[&[f64]], weights: &[f64]) -> Mat<f64> {
    let width = columns.len();
    let of_task = |task: &[f64], start: usize| {
        let mut sum = vec![0.0; width * width];
        let mut scaled = Vec::with_capacity(BLOCK * width);
        for (i, weights) in task.chunks(BLOCK).enumerate() {
            let from = start + i * BLOCK;
            let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
            scaled.clear();
            for column in columns {
                let values = column[from..from + roots.len()].iter().zip(&roots);
                scaled.extend(values.map(|(value, root)| value * root));
            }
            add_self_product(&mut sum, &scaled, roots.len(), width, Accum::Add);
        }
        sum
    };
    let sums: Vec<Vec<f64>> = weights
        .par_chunks(TASK)
        .enumerate()
        .map(|(i, task)| of_task(task, i * TASK))
        .collect();
    let mut total = vec![0.0; width * width];
    for sum in &sums {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    Mat::from_fn(width, width, |i, j| total[i.min(j) * width + i.max(j)])
}

/// x with `matrix` x = `right`: symmetric and positive semidefinite; where it is
/// singular, of a matrix nearby.
pub fn solve_symmetric(matrix: &Mat<f64>, right: &[f64]) -> Vec<f64> {
    let size = right.len();
    // In units in which the diagonal is 1.
    let unit = |i: usize| {
        let own = matrix[(i, i)];
        if own > 0.0 { own.sqrt() } else { 1.0 }
    };
    let units: Vec<f64> = (0..size).map(unit).collect();
    let scaled = Mat::from_fn(size, 1, |i, _| right[i] / units[i]);
    for damping in DAMPING {
        let damped = Mat::from_fn(size, size, |i, j| {
            let own = matrix[(i, j)] / (units[i] * units[j]);
            match (i == j, own > 0.0) {
                (false, _) => own,
                (true, true) => own + damping,
                (true, false) => 1.0,
            }
        });
        let Ok(factor) = damped.llt(Side::Lower) else {
            continue;
        };
        let smallest = (0..size)
            .map(|i| factor.L()[(i, i)])
            .fold(f64::INFINITY, f64::min);
        if smallest > 1e-7 || damping > 0.0 {
            let solution = factor.solve(&scaled);
            return (0..size).map(|i| solution[(i, 0)] / units[i]).collect();
        }
    }
    vec![0.0; size]
}

#[cfg(test)]
mod tests {
    use super::{solve_symmetric, weighted_gram};
    use faer::Mat;

    #[test]
    fn products_are_weighted() {
        let x: Vec<f64> = (0..40_000).map(|i| f64::from(i % 7)).collect();
        let z: Vec<f64> = (0..40_000).map(|i| f64::from(i % 5) - 2.0).collect();
        let w: Vec<f64> = (0..40_000).map(|i| f64::from(i % 3)).collect();
        let gram = weighted_gram(&[&x, &z], &w);
        let rows = x.iter().zip(&z).zip(&w);
        let expected: f64 = rows.map(|((x, z), w)| x * z * w).sum();
        assert!((gram[(0, 1)] - expected).abs() < 1e-9 * expected.abs().max(1e4));
        assert_eq!(gram[(0, 1)], gram[(1, 0)]);
    }

    #[test]
    fn singular_systems_have_a_solution() {
        let matrix = Mat::from_fn(3, 3, |i, j| if i < 2 && j < 2 { 4.0 } else { 0.0 });
        let x = solve_symmetric(&matrix, &[8.0, 8.0, 0.0]);
        assert!((x[0] + x[1] - 2.0).abs() < 1e-6 && x[2] == 0.0, "{x:?}");
    }
}
