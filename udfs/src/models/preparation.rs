//! What is done to features before a model sees them: learnt on the rows that
//! train, kept in the model, repeated by every prediction.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::ascending::Sorter;
use crate::statistics::drift::quantile;
use crate::statistics::normal::normal_quantile;

/// The options, which every algorithm takes.
pub const KEYS: &[OptionKey] = &[
    OptionKey::new(
        "prepare",
        Accepts::Text,
        "null",
        "what is done to each numeric feature first, in that order, with commas between: impute_median, winsorize, \
         standardize, rank_gauss; learnt on the rows that train and kept in the model",
    ),
    OptionKey::new(
        "winsorize_share",
        Accepts::Number(0.0, 0.49),
        "null",
        "with winsorize (0.01): the share at either end that is drawn in to its quantile",
    ),
];

/// The share where nobody says.
const WINSORIZED: f64 = 0.01;

/// The names of the steps.
const STEPS: &[&str] = &["impute_median", "winsorize", "standardize", "rank_gauss"];

/// One step, a value per feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A missing value becomes the median.
    ImputeMedian {
        /// Of each feature.
        medians: Vec<f64>,
    },
    /// A value beyond a quantile becomes that quantile.
    Winsorize {
        /// The lower one of each feature.
        low: Vec<f64>,
        /// The upper one.
        high: Vec<f64>,
    },
    /// Less the mean, in standard deviations (n; of a constant in 1).
    Standardize {
        /// Of each feature.
        means: Vec<f64>,
        /// Of each feature, never 0.
        deviations: Vec<f64>,
    },
    /// The standard normal value of the same rank, between quantiles that are
    /// known by interpolation.
    RankGauss {
        /// Of each feature: ascending, evenly spaced in rank.
        quantiles: Vec<Vec<f64>>,
    },
}

/// Steps in the order in which they are taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preparation {
    steps: Vec<Step>,
}

/// Quantiles that rank_gauss keeps of a feature.
const MOST_QUANTILES: usize = 1000;

/// This close to an end of the ranks is the end.
const BOUND: f64 = 1e-7;

/// What the option asks for.
///
/// # Errors
/// An unknown step, or one twice.
pub fn steps(options: &Options) -> Result<Vec<&'static str>> {
    let Some(text) = options.text_if_any("prepare") else {
        return Ok(Vec::new());
    };
    let mut steps: Vec<&'static str> = Vec::new();
    for name in text.split(',').map(str::trim) {
        let near = crate::error::nearest(name, STEPS)
            .map(|near| format!("did you mean '{near}'? "))
            .unwrap_or_default();
        let known = STEPS.iter().find(|known| **known == name);
        match known {
            Some(known) if !steps.contains(known) => steps.push(known),
            _ => {
                let fix = format!("{near}pass each at most once of {}", STEPS.join(", "));
                return Err(Error::argument("fit", "prepare", format!("'{text}'"), fix));
            }
        }
    }
    Ok(steps)
}

/// What options ask for, to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    steps: Option<String>,
    share: f64,
}

impl Choice {
    /// Of these options.
    pub fn of(options: &Options) -> Self {
        Self {
            steps: options.text_if_any("prepare").map(str::to_owned),
            share: options.number_or("winsorize_share", WINSORIZED),
        }
    }

    /// Whether no value stays missing.
    pub fn imputes(&self) -> bool {
        self.steps
            .as_ref()
            .is_some_and(|steps| steps.split(',').any(|step| step.trim() == "impute_median"))
    }

    /// Whether nothing is done.
    pub fn is_none(&self) -> bool {
        self.steps.is_none()
    }
}

impl Preparation {
    /// Learns the steps on columns of the rows that train. NaN is missing.
    ///
    /// # Errors
    /// A feature without a value, which has no median or rank.
    pub fn learn(options: &Options, names: &[String], columns: &[&[f64]]) -> Result<Self> {
        let share = options.number_or("winsorize_share", WINSORIZED);
        let mut columns: Vec<Cow<'_, [f64]>> = columns
            .iter()
            .map(|column| Cow::Borrowed(*column))
            .collect();
        let mut preparation = Self::default();
        for name in steps(options)? {
            let learnt: Vec<Vec<f64>> = columns
                .par_iter()
                .map(|column| learn_one(name, &Sorter::default().sorted_values(column), share))
                .collect();
            if let Some(place) = learnt.iter().position(Vec::is_empty) {
                let message = format!(
                    "feature '{}' has no value in the rows that train, so {name} learns nothing of it; leave it out",
                    names[place]
                );
                return Err(Error::data("fit", message));
            }
            let each = |i: usize| learnt.iter().map(|values| values[i]).collect();
            let step = match name {
                "standardize" => Step::Standardize {
                    means: each(0),
                    deviations: each(1),
                },
                "winsorize" => Step::Winsorize {
                    low: each(0),
                    high: each(1),
                },
                "rank_gauss" => Step::RankGauss { quantiles: learnt },
                _ => Step::ImputeMedian { medians: each(0) },
            };
            columns
                .par_iter_mut()
                .enumerate()
                .for_each(|(i, column)| step.apply(i, column.to_mut()));
            preparation.steps.push(step);
        }
        Ok(preparation)
    }

    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether no value stays missing.
    pub fn imputes(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::ImputeMedian { .. }))
    }

    /// What the model sees of the features.
    pub fn apply(&self, features: &[&[f64]]) -> Vec<Vec<f64>> {
        let prepared = |(i, column): (usize, &&[f64])| {
            let mut values = column.to_vec();
            for step in &self.steps {
                step.apply(i, &mut values);
            }
            values
        };
        features.iter().enumerate().map(prepared).collect()
    }

    /// What is wrong with steps from outside, if anything.
    pub fn check(&self, features: usize) -> std::result::Result<(), String> {
        let as_many = |len: usize| len == features;
        let right = self.steps.iter().all(|step| match step {
            Step::ImputeMedian { medians } => as_many(medians.len()),
            Step::Winsorize { low, high } => as_many(low.len()) && as_many(high.len()),
            Step::Standardize { means, deviations } => {
                as_many(means.len()) && as_many(deviations.len())
            }
            Step::RankGauss { quantiles } => {
                as_many(quantiles.len())
                    && quantiles
                        .iter()
                        .all(|known| !known.is_empty() && known.is_sorted())
            }
        });
        match right {
            true => Ok(()),
            false => Err(format!("the preparation is not one of {features} features")),
        }
    }
}

/// What a step keeps of a feature's ascending values; nothing if there are none.
fn learn_one(step: &str, sorted: &[f64], share: f64) -> Vec<f64> {
    let quantiles = |shares: &[f64]| -> Vec<f64> {
        let known = shares.iter().filter_map(|share| quantile(sorted, *share));
        known.collect()
    };
    match step {
        _ if sorted.is_empty() => Vec::new(),
        "standardize" => moments(sorted),
        "winsorize" => quantiles(&[share, 1.0 - share]),
        "rank_gauss" => {
            let count = MOST_QUANTILES.min(sorted.len());
            let share = |i: usize| i as f64 / (count - 1).max(1) as f64;
            quantiles(&(0..count).map(share).collect::<Vec<f64>>())
        }
        _ => quantiles(&[0.5]),
    }
}

impl Step {
    /// Does it to the values of a feature.
    fn apply(&self, feature: usize, values: &mut [f64]) {
        match self {
            Self::ImputeMedian { medians } => {
                let missing = values.iter_mut().filter(|value| value.is_nan());
                missing.for_each(|value| *value = medians[feature]);
            }
            Self::Winsorize { low, high } => {
                for value in values.iter_mut().filter(|value| !value.is_nan()) {
                    *value = value.max(low[feature]).min(high[feature]);
                }
            }
            Self::Standardize { means, deviations } => {
                for value in values {
                    *value = (*value - means[feature]) / deviations[feature];
                }
            }
            Self::RankGauss { quantiles } => {
                for value in values.iter_mut().filter(|value| !value.is_nan()) {
                    *value = normal_of_rank(*value, &quantiles[feature]);
                }
            }
        }
    }
}

/// The mean and the deviation (n), which of a constant is 1.
fn moments(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len() as f64;
    let origin = sorted[0];
    let mean = origin + sorted.iter().map(|x| x - origin).sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / n).sqrt();
    vec![mean, if deviation > 0.0 { deviation } else { 1.0 }]
}

/// The normal value of a value's rank among quantiles: between two of them by
/// interpolation, of several that are equal their middle.
fn normal_of_rank(value: f64, quantiles: &[f64]) -> f64 {
    let (first, last) = (quantiles[0], quantiles[quantiles.len() - 1]);
    let rank = if value + BOUND > last && value - BOUND < first {
        0.5
    } else if value - BOUND < first {
        0.0
    } else if value + BOUND > last {
        1.0
    } else {
        let share = |place: f64| place / (quantiles.len() - 1) as f64;
        // The last quantile that is not above, and the first that is not below.
        let upper = quantiles.partition_point(|known| *known <= value);
        let lower = quantiles.partition_point(|known| *known < value);
        if lower < upper {
            share((lower + upper - 1) as f64 / 2.0)
        } else {
            let (below, above) = (quantiles[lower - 1], quantiles[lower]);
            share((lower - 1) as f64 + (value - below) / (above - below))
        }
    };
    let most = -normal_quantile(BOUND);
    normal_quantile(rank).clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Preparation;
    use crate::functions::fit_options;

    fn prepared(
        prepare: &str,
        columns: &[&[f64]],
        others: &[&[f64]],
    ) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let options = fit_options(&json!({"prepare": prepare, "winsorize_share": 0.1}))
            .unwrap()
            .1;
        let names: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
        let preparation = Preparation::learn(&options, &names, columns).unwrap();
        preparation.check(columns.len()).unwrap();
        assert!(preparation.check(columns.len() + 1).is_err());
        let text = serde_json::to_string(&preparation).unwrap();
        assert_eq!(
            serde_json::from_str::<Preparation>(&text).unwrap(),
            preparation
        );
        (preparation.apply(columns), preparation.apply(others))
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let same = (found - expected).abs() < 1e-9 || (found.is_nan() && expected.is_nan());
            assert!(same, "{found} is not {expected}");
        }
    }

    const X: [f64; 7] = [1.0, 2.0, 2.0, 4.0, 7.0, 11.0, 50.0];

    /// tests/python/preparation_reference.py (scikit-learn 1.9.1, numpy).
    #[test]
    fn steps_are_those_of_scikit_learn() {
        let others = [-3.0, 1.5, 3.0, 5.5, 60.0];
        let (_, found) = prepared("standardize", &[&X], &[&others]);
        close(&found[0], &STANDARDIZED);
        let (_, found) = prepared("rank_gauss", &[&X], &[&others]);
        close(&found[0], &RANKED);
        let (_, found) = prepared("winsorize", &[&X], &[&others]);
        close(&found[0], &[1.6, 1.6, 3.0, 5.5, 26.6]);
        let with_gaps = [1.0, f64::NAN, 3.0, 10.0];
        let (train, found) = prepared("impute_median, standardize", &[&with_gaps], &[&[f64::NAN]]);
        close(&train[0], &IMPUTED);
        close(&found[0], &IMPUTED[1..2]);
    }

    const STANDARDIZED: [f64; 5] = [
        -0.861_640_436_855,
        -0.584_684_582_152,
        -0.492_365_963_917,
        -0.338_501_600_193,
        3.015_741_528_994,
    ];
    const RANKED: [f64; 5] = [
        -5.199_337_582_606,
        -1.382_994_127_101,
        -0.210_428_394_248,
        0.210_428_394_248,
        5.199_337_582_703,
    ];
    const IMPUTED: [f64; 4] = [
        -0.950_654_151_365,
        -0.365_636_212_064,
        -0.365_636_212_064,
        1.681_926_575_492,
    ];

    #[test]
    fn missing_stays_missing_unless_it_is_imputed() {
        let column = [1.0, f64::NAN, 3.0];
        for step in ["winsorize", "standardize", "rank_gauss"] {
            let (train, _) = prepared(step, &[&column], &[&column]);
            assert!(train[0][1].is_nan(), "{step}");
        }
        let (train, _) = prepared("standardize", &[&[5.0, 5.0]], &[&[5.0]]);
        assert_eq!(train[0], [0.0, 0.0]);
        let (train, _) = prepared("rank_gauss", &[&[5.0, 5.0]], &[&[5.0]]);
        assert_eq!(train[0], [0.0, 0.0]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let options = |prepare: &str| fit_options(&json!({"prepare": prepare})).unwrap().1;
        let error = |prepare: &str| {
            let options = fit_options(&json!({"prepare": prepare}));
            options.err().unwrap().to_string()
        };
        assert!(error("standardise").contains("did you mean 'standardize'?"));
        assert!(error("winsorize,winsorize").contains("at most once"));
        let columns = [&[f64::NAN, f64::NAN][..]];
        let learnt = Preparation::learn(&options("impute_median"), &["a".to_owned()], &columns);
        assert!(
            learnt
                .unwrap_err()
                .to_string()
                .contains("feature 'a' has no value")
        );
    }
}
