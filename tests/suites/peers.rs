//! `fit` against linfa and smartcore on the same rows.

use lagrange_tests::{DuckDbEngine, Engine};
use linfa::Dataset;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};

const ROWS: usize = 300;

/// Three features of different scale and a target that follows them loosely.
fn rows() -> Vec<[f64; 4]> {
    (0..ROWS)
        .map(|i| {
            let t = i as f64;
            let x = [
                (t * 0.37).sin(),
                (t * 1.7).cos() * 40.0 + 5.0,
                (t * 7919.0) % 101.0 * 0.01,
            ];
            [
                x[0],
                x[1],
                x[2],
                1.5 + 2.0 * x[0] - 0.03 * x[1] + 4.0 * x[2] + (t * 2.3).sin() * 0.2,
            ]
        })
        .collect()
}

/// The intercept and the coefficients of `fit`.
fn fitted(options: &str) -> Vec<f64> {
    let values: Vec<String> = rows()
        .iter()
        .map(|row| format!("({})", row.map(|value| format!("{value:e}")).join(", ")))
        .collect();
    let mut duckdb = DuckDbEngine::new(2);
    duckdb
        .query(&format!(
            "CREATE TABLE m AS SELECT model_coefficients(fit(y, {{'a': a, 'b': b, 'c': c}}, {options})) AS c \
             FROM (VALUES {}) v(a, b, c, y)",
            values.join(", ")
        ))
        .expect("the model fits");
    (1..=4)
        .map(|i| {
            let sql = format!("SELECT c[{i}]['coefficient'] FROM m");
            duckdb.number(&sql).expect("a number").expect("not NULL")
        })
        .collect()
}

fn assert_close(ours: &[f64], theirs: &[f64]) {
    for (a, b) in ours.iter().zip(theirs) {
        assert!(
            (a - b).abs() < 1e-8 * b.abs().max(1.0),
            "{ours:?} against {theirs:?}"
        );
    }
}

#[test]
fn ols_is_that_of_linfa() {
    let rows = rows();
    let x = Array2::from_shape_fn((ROWS, 3), |(i, j)| rows[i][j]);
    let y = Array1::from_iter(rows.iter().map(|row| row[3]));
    let model = LinearRegression::new()
        .fit(&Dataset::new(x, y))
        .expect("linfa fits");
    let mut theirs = vec![model.intercept()];
    theirs.extend(model.params().iter());
    assert_close(&fitted("{'algorithm': 'ols'}"), &theirs);
}

#[test]
fn ridge_is_that_of_smartcore() {
    // Without normalisation smartcore's ridge has no intercept.
    let rows = rows();
    let x: Vec<Vec<f64>> = rows.iter().map(|row| row[..3].to_vec()).collect();
    let y: Vec<f64> = rows.iter().map(|row| row[3]).collect();
    let x = DenseMatrix::from_2d_vec(&x).expect("a matrix");
    let parameters = RidgeRegressionParameters::default()
        .with_alpha(3.0)
        .with_normalize(false);
    let model = RidgeRegression::fit(&x, &y, parameters).expect("smartcore fits");
    let coefficients = model.coefficients();
    let mut theirs = vec![0.0];
    theirs.extend((0..3).map(|i| *coefficients.get((i, 0))));
    assert_close(
        &fitted("{'algorithm': 'ridge', 'alpha': 3.0, 'intercept': false}"),
        &theirs,
    );
}
