//! Expected values: tests/python/elastic_net_reference.py.

use serde_json::json;

use crate::functions::fit_options;
use crate::models::training::{FeatureColumn, Training};
use crate::models::{Body, Linear};

/// The rows of the script, in reverse if asked.
fn fit(
    algorithm: &str,
    options: serde_json::Value,
    weighted: bool,
    reversed: bool,
) -> (Linear, String) {
    let mut order: Vec<u32> = (0..60).collect();
    if reversed {
        order.reverse();
    }
    let value = |i: u32, j: u32| {
        let scale = if j == 4 { 10.0 } else { 1.0 };
        f64::from((i * i * (j + 2) + 5 * i * (j + 1) + 3 * j) % 23) * scale
    };
    let target = |i: u32| {
        3.0 * value(i, 0) - 2.0 * value(i, 2) + 0.05 * value(i, 4) + f64::from(7 * i % 13) + 100.0
    };
    let columns: Vec<Vec<f64>> = (0..6)
        .map(|j| order.iter().map(|&i| value(i, j)).collect())
        .collect();
    let y: Vec<f64> = order.iter().map(|&i| target(i)).collect();
    let weights: Vec<f64> = order.iter().map(|&i| f64::from(1 + i % 3)).collect();
    let names: Vec<String> = (0..6).map(|j| format!("x{j}")).collect();
    let training = Training {
        names: &names,
        columns: columns.iter().map(|c| FeatureColumn::Numbers(c)).collect(),
        target: &y,
        weights: weighted.then_some(&weights[..]),
        times: None,
        validation: None,
    };
    let mut options = options;
    options["algorithm"] = json!(algorithm);
    let (entry, options) = fit_options(&options).unwrap();
    let fitted = entry.fit(&training, &options).unwrap();
    let Body::Linear(linear) = fitted.body else {
        panic!("not linear");
    };
    (linear, fitted.status)
}

fn parameters(linear: &Linear) -> Vec<f64> {
    let coefficients = linear.coefficients.iter().map(|c| c.value);
    std::iter::once(linear.intercept.value)
        .chain(coefficients)
        .collect()
}

fn assert_close(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{ours:?}");
    }
}

#[test]
#[allow(clippy::excessive_precision)]
fn coefficients_are_those_of_scikit_learn() {
    let cases = [
        (
            "lasso",
            json!({"alpha": 0.5}),
            false,
            [
                106.14931815872652,
                2.956176783871391,
                0.09020926595888462,
                -2.0241737739872097,
                -0.03240404003894874,
                0.0468560615483376,
                0.0,
            ],
        ),
        (
            "lasso",
            json!({"alpha": 20.0}),
            false,
            [
                103.15934611184981,
                2.598705803826847,
                0.0,
                -1.3734679924226154,
                0.0,
                0.05765513678757068,
                0.0,
            ],
        ),
        (
            "lasso",
            json!({"alpha": 0.5, "intercept": false}),
            false,
            [
                0.0,
                3.6159913903338348,
                1.3403727762941924,
                -1.825438055805698,
                2.4849653909932665,
                0.2266595818806649,
                2.832181064397522,
            ],
        ),
        (
            "lasso",
            json!({"alpha": 2.0}),
            true,
            [
                105.76936486448767,
                2.9451110266002813,
                0.032995997136018716,
                -1.926433644621395,
                -0.023963657378718712,
                0.048620485928204185,
                0.0,
            ],
        ),
        (
            "elastic_net",
            json!({"alpha": 1.0, "l1_ratio": 0.3}),
            false,
            [
                106.13322354658258,
                2.9210154209831445,
                0.091213579389697,
                -1.9834235166199436,
                -0.04027968530916496,
                0.04769149581853885,
                -0.0034960603597787776,
            ],
        ),
        (
            "elastic_net",
            json!({"alpha": 0.7, "l1_ratio": 0.9}),
            true,
            [
                106.09960869927555,
                2.958532741154339,
                0.07370849246688449,
                -1.9733995894859988,
                -0.05689638299851663,
                0.04702534893936927,
                0.0,
            ],
        ),
    ];
    for (algorithm, options, weighted, expected) in cases {
        let (model, status) = fit(algorithm, options.clone(), weighted, false);
        assert_close(&parameters(&model), &expected, 1e-10);
        assert_eq!(status, "ok");
        for (ours, theirs) in parameters(&model).iter().zip(&expected) {
            assert_eq!(*ours == 0.0, *theirs == 0.0, "{algorithm}");
        }
        let (reversed, _) = fit(algorithm, options, weighted, true);
        assert_close(&parameters(&reversed), &parameters(&model), 1e-12);
    }
}

#[test]
fn limits_are_ridge_least_squares_and_nothing() {
    let (ridge, _) = fit("ridge", json!({"alpha": 30.0}), false, false);
    let (squares, _) = fit(
        "elastic_net",
        json!({"alpha": 0.5, "l1_ratio": 0.0}),
        false,
        false,
    );
    assert_close(&parameters(&squares), &parameters(&ridge), 1e-12);
    let (ols, _) = fit("ols", json!({}), false, false);
    let (free, _) = fit("lasso", json!({"alpha": 0.0}), false, false);
    assert_close(&parameters(&free), &parameters(&ols), 0.0);
    let (nothing, status) = fit("lasso", json!({"alpha": 1e6}), false, false);
    assert_close(&parameters(&nothing)[..1], &[124.48333333333333], 1e-12);
    assert!(nothing.coefficients.iter().all(|c| c.value == 0.0));
    assert!(status.starts_with("every coefficient is 0"), "{status}");
}
