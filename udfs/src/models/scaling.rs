//! Features in units that can be compared.

use serde::{Deserialize, Serialize};

use crate::definition::{Accepts, OptionKey};

/// The declaration of the option.
pub const KEYS: &[OptionKey] = &[OptionKey {
    name: "standardize",
    accepts: Accepts::Flag,
    default: "true",
    docs: "knn, svr, svc: whether features are measured in standard deviations of the training rows, so that none \
           counts for more because of its unit (a constant one counts for nothing); svr measures the target alike, \
           and epsilon with it",
}];

/// (value - center) / scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// One per feature, in its units.
    pub centers: Vec<f64>,
    /// One per feature, in its units, never 0.
    pub scales: Vec<f64>,
}

impl Scaling {
    /// By mean and standard deviation (of the rows themselves: divided by their
    /// number); by 0 and 1 if not `standardize`.
    pub fn of(columns: &[Vec<f64>], standardize: bool) -> Self {
        let pairs = columns.iter().map(|column| match standardize {
            true => center_and_scale(column),
            false => (0.0, 1.0),
        });
        let (centers, scales) = pairs.unzip();
        Self { centers, scales }
    }

    /// A value of feature `i`.
    pub fn scaled(&self, i: usize, value: f64) -> f64 {
        (value - self.centers[i]) / self.scales[i]
    }

    /// Rows after one another, `width` numbers each; what the features do not fill
    /// is 0.
    pub fn rows(&self, features: &[&[f64]], rows: usize, width: usize) -> Vec<f64> {
        let mut out = vec![0.0; rows * width];
        for (i, values) in features.iter().enumerate() {
            for (out, value) in out.chunks_exact_mut(width).zip(*values) {
                out[i] = self.scaled(i, *value);
            }
        }
        out
    }

    /// What is wrong with a scaling from outside, if anything.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self, features: usize) -> Result<(), String> {
        if self.centers.len() == features && self.scales.len() == features {
            return Ok(());
        }
        Err(format!(
            "{features} features have {} centers and {} scales",
            self.centers.len(),
            self.scales.len()
        ))
    }
}

/// Mean and standard deviation; the scale of a constant is 1.
pub fn center_and_scale(values: &[f64]) -> (f64, f64) {
    /// A deviation this small against the values is rounding.
    const ROUNDING: f64 = 1e-14;
    let count = values.len() as f64;
    let center = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    let largest = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    if deviation <= ROUNDING * largest {
        return (center, 1.0);
    }
    (center, deviation)
}

#[cfg(test)]
mod tests {
    use super::Scaling;

    #[test]
    fn a_constant_feature_counts_for_nothing() {
        let scaling = Scaling::of(&[vec![1.0, 3.0], vec![0.1, 0.1]], true);
        let rows = scaling.rows(&[&[1.0, 3.0, 5.0], &[0.1, 0.1, 0.1]], 3, 3);
        assert_eq!(rows, [-1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
        let raw = Scaling::of(&[vec![1.0, 3.0]], false);
        assert_eq!(raw.rows(&[&[5.0]], 1, 1), [5.0]);
        assert!(raw.check(2).is_err() && raw.check(1).is_ok());
    }
}
