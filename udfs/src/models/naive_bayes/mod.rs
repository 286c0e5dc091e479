//! Gaussian naive Bayes: every feature normal within a class, and independent of
//! the others (Hastie, Tibshirani and Friedman, The Elements of Statistical
//! Learning, 2nd ed., section 6.6.3).

pub mod options;

use std::f64::consts::TAU;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::canonical_rows::numeric_columns;
use crate::models::classes;
use crate::models::training::{Algorithm, Fitted, Training};
use crate::options::Options;
use crate::statistics::exact_sums::{Cuts, Sum};

/// `naive_bayes`.
pub static NAIVE_BAYES: Algorithm = Algorithm {
    name: "naive_bayes",
    options: options::NAIVE_BAYES,
    takes_missing: false,
    takes_categories: false,
    fit,
    prepare: None,
};

/// The distribution of each feature in each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bayes {
    /// The target's values, ascending.
    pub classes: Vec<f64>,
    /// The logarithm of each class's share of the weight.
    pub log_priors: Vec<f64>,
    /// Class after class, a mean per feature.
    pub means: Vec<f64>,
    /// The same for the variances, above 0.
    pub variances: Vec<f64>,
}

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    // Rows that judge have weight 0 here; the sums are the same in any order.
    let trains = |row: usize| training.validation.is_none_or(|marks| !marks[row]);
    let learnt: Vec<f64> = training
        .target
        .iter()
        .enumerate()
        .filter(|(row, _)| trains(*row))
        .map(|(_, target)| *target)
        .collect();
    let classes = classes::classes("naive_bayes", &learnt)?;
    let codes = classes::codes(&classes, training.target);
    // The class of a row that judges may be unknown: it is in the last, weightless.
    let last = classes.len() as u32 - 1;
    let codes: Vec<u32> = codes.into_iter().map(|code| code.min(last)).collect();
    let weights: Option<Vec<f64>> = (training.weights.is_some() || training.validation.is_some())
        .then(|| {
            let weight = |row: usize| training.weights.map_or(1.0, |weights| weights[row]);
            let rows = 0..training.target.len();
            rows.map(|row| if trains(row) { weight(row) } else { 0.0 })
                .collect()
        });
    let groups = Groups {
        codes: &codes,
        weights: weights.as_deref(),
        count: classes.len(),
    };
    let ones = vec![1.0; codes.len()];
    let totals = groups.sums(&ones, |_, x| x);
    let total: f64 = totals.iter().sum();
    let features: Vec<Moments> = numeric_columns(training)
        .par_iter()
        .map(|values| groups.moments(values, &totals))
        .collect();
    let largest = features
        .iter()
        .map(|feature| feature.variance_of_all(&totals, total))
        .fold(0.0, f64::max);
    let smoothing = options.number("variance_smoothing") * largest;
    let by_class = |values: fn(&Moments) -> &[f64], plus: f64| -> Vec<f64> {
        (0..classes.len())
            .flat_map(|class| features.iter().map(move |f| values(f)[class] + plus))
            .collect()
    };
    let means = by_class(|feature| &feature.means, 0.0);
    let variances = by_class(|feature| &feature.variances, smoothing);
    if let Some(place) = variances.iter().position(|variance| *variance <= 0.0) {
        let (class, feature) = (place / features.len(), place % features.len());
        return Err(Error::data(
            "fit",
            format!(
                "feature '{}' is constant where the target is {}, which naive_bayes cannot weigh; \
                 leave it out, or set 'variance_smoothing' above 0",
                training.names[feature], classes[class]
            ),
        ));
    }
    Ok(Fitted {
        body: Body::Bayes(Bayes {
            log_priors: totals.iter().map(|weight| (weight / total).ln()).collect(),
            classes,
            means,
            variances,
        }),
        status: "ok".to_owned(),
        metrics: Vec::new(),
    })
}

/// The rows by class.
struct Groups<'a> {
    codes: &'a [u32],
    weights: Option<&'a [f64]>,
    count: usize,
}

/// Of a feature, by class.
struct Moments {
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Groups<'_> {
    /// Per class, the weighted sum of a function of the class and the value.
    fn sums(&self, values: &[f64], of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let term = |row: usize| {
            let value = of(self.codes[row] as usize, values[row]);
            self.weights.map_or(value, |weights| value * weights[row])
        };
        let largest = (0..values.len()).fold(0.0, |most: f64, row| most.max(term(row).abs()));
        let cuts = Cuts::of(largest, values.len());
        let mut sums = vec![Sum::default(); self.count];
        for row in 0..values.len() {
            cuts.add(&mut sums[self.codes[row] as usize], term(row));
        }
        sums.into_iter().map(Sum::value).collect()
    }

    fn moments(&self, values: &[f64], totals: &[f64]) -> Moments {
        let divided = |sums: Vec<f64>| -> Vec<f64> {
            let both = sums.iter().zip(totals);
            both.map(|(sum, total)| sum / total).collect()
        };
        let means = divided(self.sums(values, |_, x| x));
        let variances = divided(self.sums(values, |class, x| (x - means[class]).powi(2)));
        // What the rounding of a constant's mean leaves is no variance.
        let no_rounding = |(variance, mean): (f64, &f64)| {
            let rounding = (4.0 * f64::EPSILON * mean).powi(2);
            if variance <= rounding { 0.0 } else { variance }
        };
        let variances = variances.into_iter().zip(&means).map(no_rounding).collect();
        Moments { means, variances }
    }
}

impl Moments {
    /// Within the classes and between them.
    fn variance_of_all(&self, totals: &[f64], total: f64) -> f64 {
        let weighted = |values: &[f64]| -> f64 {
            let both = values.iter().zip(totals);
            both.map(|(value, weight)| value * weight).sum::<f64>() / total
        };
        let mean = weighted(&self.means);
        let between: Vec<f64> = self.means.iter().map(|m| (m - mean).powi(2)).collect();
        weighted(&self.variances) + weighted(&between)
    }
}

impl Bayes {
    /// The most probable class per row, of equals the smallest; a slice per feature.
    pub fn predict(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let count = self.classes.len();
        let joint = self.joint(features, rows);
        let best = |joint: &[f64]| {
            let mut best = 0;
            for (class, value) in joint.iter().enumerate() {
                if *value > joint[best] {
                    best = class;
                }
            }
            self.classes[best]
        };
        joint.chunks_exact(count).map(best).collect()
    }

    /// The probability of each class, row after row.
    pub fn probabilities(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let mut joint = self.joint(features, rows);
        for joint in joint.chunks_exact_mut(self.classes.len()) {
            let most = joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            joint.iter_mut().for_each(|x| *x = (*x - most).exp());
            let total: f64 = joint.iter().sum();
            joint.iter_mut().for_each(|x| *x /= total);
        }
        joint
    }

    /// The logarithm of a class's probability together with the row's, row after row.
    fn joint(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let (count, width) = (self.classes.len(), features.len());
        let mut out = vec![0.0; rows * count];
        let mut sums = vec![0.0; rows];
        for class in 0..count {
            let place = class * width..(class + 1) * width;
            let (means, variances) = (&self.means[place.clone()], &self.variances[place]);
            let scale: f64 = variances.iter().map(|variance| (TAU * variance).ln()).sum();
            sums.fill(0.0);
            for ((values, mean), variance) in features.iter().zip(means).zip(variances) {
                let inverse = 1.0 / variance;
                for (sum, value) in sums.iter_mut().zip(*values) {
                    *sum += (value - mean) * (value - mean) * inverse;
                }
            }
            let start = self.log_priors[class] - 0.5 * scale;
            for (out, sum) in out.chunks_exact_mut(count).zip(&sums) {
                out[class] = start - 0.5 * sum;
            }
        }
        out
    }

    /// What is wrong with a model from outside, if anything.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self, features: usize) -> std::result::Result<(), String> {
        classes::check(&self.classes)?;
        let count = self.classes.len();
        let numbers = count.checked_mul(features);
        let lengths = [self.means.len(), self.variances.len()];
        if count < 2 || self.log_priors.len() != count || lengths.map(Some) != [numbers; 2] {
            return Err(format!(
                "{count} classes of {features} features have {} priors, {} means and {} variances",
                self.log_priors.len(),
                lengths[0],
                lengths[1]
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/breadth_reference.py.

    use serde_json::json;

    use super::Bayes;
    use crate::models::reference_rows::{AT, ReferenceRows, assert_close};
    use crate::models::{Body, Model};

    fn bayes(model: &Model) -> &Bayes {
        match model.body() {
            Body::Bayes(bayes) => bayes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn distributions_and_probabilities_are_those_of_scikit_learn() {
        let rows = ReferenceRows::new();
        let options = json!({"algorithm": "naive_bayes"});
        let model = rows.model(options, &rows.grade, None);
        assert_close(
            &bayes(&model).means,
            &[
                27.1,
                32.0,
                0.490625,
                27.307692307692307,
                70.38461538461539,
                1.0600961538461537,
                39.57142857142857,
                188.57142857142858,
                1.3526785714285714,
            ],
            1e-14,
        );
        assert_close(
            &bayes(&model).variances,
            &[
                237.59002989497222,
                21816.00002989497,
                0.1294341918472222,
                260.5976630310669,
                24365.236716285508,
                0.2060036838035832,
                407.67349928272733,
                36569.38778499701,
                0.3139847737987528,
            ],
            1e-13,
        );
        assert_eq!(model.predict_complete(&AT, 4), [0.0, 1.0, 1.0, 0.0]);
        let logarithms = |model: &Model| -> Vec<f64> {
            let probabilities = model.probabilities(&AT, 4).unwrap();
            probabilities.iter().map(|p| p.ln()).collect()
        };
        assert_close(
            &logarithms(&model),
            &[
                -0.26440577517196573,
                -1.5504229546704522,
                -3.9030731657226205,
                -5.127802648131301,
                -0.6374020910695926,
                -0.7648443586716223,
                -1.6885363069966814,
                -0.6066040688456944,
                -1.3092925412100271,
                -0.13402483044668934,
                -2.155145609452143,
                -4.651702584332055,
            ],
            1e-12,
        );
        let unsmoothed = json!({"algorithm": "naive_bayes", "variance_smoothing": 0});
        let weighted = rows.model(unsmoothed, &rows.grade, Some(&rows.weight));
        assert_close(
            &bayes(&weighted).variances,
            &[
                202.98356401384086,
                19338.40830449827,
                0.1190392517301038,
                260.98975206611567,
                24589.421487603307,
                0.19779700413223142,
                350.990634755463,
                40817.48178980228,
                0.2874203303850156,
            ],
            1e-13,
        );
        assert_close(
            &logarithms(&weighted),
            &[
                -0.2669203422188797,
                -1.5121381628566635,
                -4.2810747103376166,
                -6.251602475832653,
                -0.9070351411809856,
                -0.5202814992388944,
                -1.8305592344925916,
                -0.5359084459264238,
                -1.3683026545671364,
                -0.19918168291622074,
                -1.7657025965435622,
                -4.653054783607455,
            ],
            1e-12,
        );
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let rows = ReferenceRows::new();
        let reversed = rows.reversed();
        let options = json!({"algorithm": "naive_bayes"});
        let weight =
            |rows: &ReferenceRows| -> Vec<f64> { rows.weight.iter().map(|w| w / 7.0).collect() };
        assert_eq!(
            rows.model(options.clone(), &rows.grade, Some(&weight(&rows))),
            reversed.model(options, &reversed.grade, Some(&weight(&reversed)))
        );
    }

    #[test]
    fn constants_need_smoothing_and_classes_must_differ() {
        let mut rows = ReferenceRows::new();
        let options = json!({"algorithm": "naive_bayes"});
        let error = rows
            .fit(options.clone(), &[1.0; 60], None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("naive_bayes needs two classes"), "{error}");
        rows.b = vec![0.1; 60];
        let model = rows.model(options, &rows.grade, None);
        let probabilities = model.probabilities(&AT, 4).unwrap();
        assert!(
            probabilities.iter().all(|p| p.is_finite()),
            "{probabilities:?}"
        );
        let none = json!({"algorithm": "naive_bayes", "variance_smoothing": 0});
        let error = rows.fit(none, &rows.grade, None).unwrap_err().to_string();
        assert!(
            error.contains("feature 'b' is constant where the target is 0, which naive_bayes"),
            "{error}"
        );
    }
}
