//! Variance inflation factors.

use faer::{Mat, Side};

/// An eigenvalue of a correlation matrix below this stands for features that
/// repeat each other.
const COLLINEAR: f64 = 1e-12;
/// The part of a feature in such a direction above which it is one of them.
const INVOLVED: f64 = 1e-10;

/// The diagonal of the inverse of a correlation matrix (`p × p`, column-major,
/// its lower triangle is read): 1 / (1 - R²) of each feature on the others
/// (Belsley, Kuh and Welsch, Regression Diagnostics, 1980, section 3.2). `None`
/// for features that are collinear.
pub fn from_correlations(r: &[f64], p: usize) -> Vec<Option<f64>> {
    let matrix = Mat::from_fn(p, p, |i, j| r[i.min(j) * p + i.max(j)]);
    let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else {
        return vec![None; p];
    };
    let (values, vectors) = (eigen.S(), eigen.U());
    (0..p)
        .map(|j| {
            let mut sum = 0.0;
            for k in 0..p {
                let part = vectors[(j, k)].powi(2);
                if values[k] > COLLINEAR * p as f64 {
                    sum += part / values[k];
                } else if part > INVOLVED {
                    return None;
                }
            }
            Some(sum.max(1.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::from_correlations;

    #[test]
    fn two_features_inflate_by_their_correlation() {
        let found = from_correlations(&[1.0, 0.8, 0.8, 1.0], 2);
        for factor in found {
            let expected = 1.0 / (1.0 - 0.64);
            assert!((factor.unwrap_or_default() - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn only_collinear_features_have_none() {
        let r = [1.0, 1.0, 0.1, 1.0, 1.0, 0.1, 0.1, 0.1, 1.0];
        let found = from_correlations(&r, 3);
        assert_eq!(&found[..2], &[None, None]);
        assert!(found[2].is_some_and(|factor| factor < 1.1));
    }
}
