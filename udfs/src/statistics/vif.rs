//! Variance inflation factors: how much of a feature the others explain.

use faer::{Mat, MatRef, Side};

use super::triangle::Triangle;

/// What is left of a feature of length 1 after the others are projected out is
/// rounding below this: the tolerance of least squares.
const TRIANGLE_TOLERANCE: f64 = 1e-13;
/// The same for each unit of a feature's mean against its standard deviation.
const OFFSET_TOLERANCE: f64 = 1e-14;
/// Correlations hold half of the digits that a triangular factor holds.
const CORRELATION_TOLERANCE: f64 = 1e-12;
/// A feature has a part in a combination that vanishes if its squared share is
/// above this; below it is rounding.
const PART: f64 = 1e-14;

/// 1 / (1 - R²) of each of `p` features regressed on the others and a constant,
/// from their correlations, `p × p` and finite (column-major; it is symmetric).
/// `None` for a feature that is a linear combination of others: 1 - R² is below
/// about 1e-12, or the correlations, if they come from different rows, are
/// those of no data. A constant feature has no correlations: leave it out.
///
/// The factor is the diagonal of the inverse (Belsley, Kuh and Welsch, Regression
/// Diagnostics, 1980, section 3.2); of the pseudo-inverse for the features that
/// have no part in the combinations that vanish.
pub fn from_correlations(r: &[f64], p: usize) -> Vec<Option<f64>> {
    if p == 0 {
        return Vec::new();
    }
    let matrix = MatRef::from_column_major_slice(&r[..p * p], p, p);
    let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else {
        return vec![None; p];
    };
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    factors(&values, eigen.U(), CORRELATION_TOLERANCE)
}

/// The same from the factor of rows `[1 X]`, for these columns of X among each
/// other, none of which is constant. It tells a combination from features that
/// nearly repeat each other with all digits of the data.
pub fn from_triangle(triangle: &Triangle, columns: &[usize]) -> Vec<Option<f64>> {
    let factor = triangle.factor();
    let p = factor.ncols() - 1;
    // Without the constant's row: R of the centred features.
    let length = |j: usize| {
        let column = factor.col(j + 1).subrows(1, p);
        column.norm_l2().max(f64::MIN_POSITIVE)
    };
    let lengths: Vec<f64> = columns.iter().map(|j| length(*j)).collect();
    let centred = Mat::from_fn(p, columns.len(), |i, j| {
        factor[(i + 1, columns[j] + 1)] / lengths[j]
    });
    // A column far from zero carries the rounding of its mean.
    let means = columns.iter().map(|j| factor[(0, j + 1)].abs());
    let offset = means.zip(&lengths).map(|(mean, length)| mean / length);
    let tolerance = TRIANGLE_TOLERANCE.max(OFFSET_TOLERANCE * offset.fold(0.0, f64::max));
    let Ok(svd) = centred.thin_svd() else {
        return vec![None; columns.len()];
    };
    // The eigenvalues of the correlations are the squares.
    let values: Vec<f64> = svd.S().column_vector().iter().map(|s| s * s).collect();
    factors(&values, svd.V(), tolerance * tolerance)
}

fn factors(eigenvalues: &[f64], vectors: MatRef<'_, f64>, tolerance: f64) -> Vec<Option<f64>> {
    // Alone, exactly and not but for rounding.
    if eigenvalues.len() == 1 {
        return vec![Some(1.0)];
    }
    let factor = |j: usize| {
        let (mut inverse, mut vanishing) = (0.0, 0.0);
        for (k, value) in eigenvalues.iter().enumerate() {
            let share = vectors[(j, k)] * vectors[(j, k)];
            if *value > tolerance {
                inverse += share / value;
            } else {
                vanishing += share;
            }
        }
        // Rounding must not make it less than 1.
        (vanishing <= PART).then_some(inverse.max(1.0))
    };
    (0..eigenvalues.len()).map(factor).collect()
}

#[cfg(test)]
mod tests {
    use super::{from_correlations, from_triangle};
    use crate::statistics::pair_moments::PairMoments;
    use crate::statistics::triangle::Triangle;

    /// See tests/python/relevance_reference.py; d = a + 2b + c/10.
    fn columns() -> [Vec<f64>; 4] {
        let rows = |multiplier: u64, modulus: u64| -> Vec<f64> {
            (0..200)
                .map(|k| (k * multiplier % modulus) as f64)
                .collect()
        };
        let (a, b, c) = (rows(7919, 101), rows(31, 17), rows(13, 29));
        let d = (0..200).map(|i| a[i] + 2.0 * b[i] + c[i] / 10.0).collect();
        [a, b, c, d]
    }

    fn triangle(columns: &[Vec<f64>]) -> Triangle {
        let mut triangle = Triangle::new(columns.len() + 1);
        for i in 0..columns[0].len() {
            let row = columns.iter().map(|column| column[i]);
            triangle.push(std::iter::once(1.0).chain(row));
        }
        triangle
    }

    fn correlations(columns: &[Vec<f64>]) -> Vec<f64> {
        let mut matrix = Vec::new();
        for x in columns {
            let row = columns.iter().map(|y| PairMoments::of(x, y).correlation());
            matrix.extend(row.map(Option::unwrap));
        }
        matrix
    }

    /// statsmodels 0.15.0's variance_inflation_factor with a constant.
    #[test]
    fn agrees_with_statsmodels() {
        let columns = columns();
        let expected = [
            1.001_257_607_493_262_6,
            1.001_526_340_613_003,
            1.000_365_975_910_326_5,
        ];
        let abc = &columns[..3];
        let by_triangle = from_triangle(&triangle(&columns), &[0, 1, 2]);
        let by_correlations = from_correlations(&correlations(abc), 3);
        for actual in [by_triangle, by_correlations] {
            for (actual, expected) in actual.iter().zip(expected) {
                assert!((actual.unwrap() / expected - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn combinations_are_told_from_the_others() {
        let [a, b, c, d] = columns();
        let free: Vec<f64> = (0..200_u64).map(|k| (k * k % 37) as f64).collect();
        for offset in [0.0, 1e6] {
            let shift =
                |column: &[f64]| -> Vec<f64> { column.iter().map(|x| x + offset).collect() };
            let all = [&a, &b, &c, &free, &d].map(|column| shift(column));
            for factors in [
                from_triangle(&triangle(&all), &[0, 1, 2, 3, 4]),
                from_correlations(&correlations(&all), 5),
            ] {
                let finite: Vec<bool> = factors.iter().map(Option::is_some).collect();
                assert_eq!(finite, [false, false, false, true, false]);
                let without = from_correlations(&correlations(&all[..4]), 4);
                let error = factors[3].unwrap() / without[3].unwrap() - 1.0;
                assert!(error.abs() < 1e-9, "{error:e}");
            }
        }
    }

    /// Where correlations have no digits left.
    #[test]
    fn a_near_repetition_has_a_finite_factor_by_the_triangle() {
        let [a, b, ..] = columns();
        let near: Vec<f64> = a
            .iter()
            .zip(&b)
            .map(|(a, b)| a + b / 1048576.0 / 64.0)
            .collect();
        let factors = from_triangle(&triangle(&[a.clone(), near]), &[0, 1]);
        let r = PairMoments::of(&a, &b);
        let residual = r.squares[1] * (1.0 - r.correlation().unwrap().powi(2));
        let expected = r.squares[0] / residual * (1048576.0_f64 * 64.0).powi(2);
        let error = factors[0].unwrap() / expected - 1.0;
        assert!(error.abs() < 1e-6, "{error:e}");
    }

    #[test]
    fn one_feature_and_none() {
        assert_eq!(from_correlations(&[1.0], 1), [Some(1.0)]);
        assert!(from_correlations(&[], 0).is_empty());
        assert!(from_triangle(&triangle(&columns()), &[]).is_empty());
    }
}
