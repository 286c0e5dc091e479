//! Expected values: tests/python/elastic_net_reference.py.

use serde_json::json;

use crate::functions::fit_options;
use crate::models::reference_rows::{ReferenceRows, parameters as parameters_of};
use crate::models::training::{FeatureColumn, Training};
use crate::models::{Body, Linear, Step};

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
    let Body::Linear(linear) = fitted.0.body else {
        panic!("not linear");
    };
    (linear, fitted.0.status)
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

/// scikit-learn's folds are those of `folds` 4, `purge` 2 and `embargo` 1 where the
/// time is the number of the row.
#[test]
#[allow(clippy::excessive_precision)]
fn folds_choose_the_penalty_of_scikit_learn() {
    let rows = ReferenceRows::new();
    let times: Vec<f64> = (0..60).map(|i| f64::from(i) * 10.0 - 5.0).collect();
    let cases = [
        (
            json!({"algorithm": "lasso", "n_lambdas": 50}),
            [
                0.1838342242315691,
                -0.1357210711755057,
                0.10094808384771943,
                0.01002860234802119,
                1.4244170903066435,
                0.7395265669111839,
                68.52592998245657,
                5.046236493893443,
            ],
        ),
        (
            json!({"algorithm": "elastic_net", "l1_ratio": 0.3, "n_lambdas": 20, "ratio": 0.01}),
            [
                6.127807474385637,
                1.3762190660331353,
                0.09517879201490369,
                0.01001205053108178,
                0.0,
                1.9166867335293092,
                112.32152900243696,
                4.919851089260462,
            ],
        ),
    ];
    for (mut options, expected) in cases {
        options["folds"] = json!(4);
        options["purge"] = json!(2);
        options["embargo"] = json!(1);
        let of = |rows: &ReferenceRows, times: &[f64]| {
            rows.fit_in_time(options.clone(), &rows.y, None, Some(times))
                .unwrap()
        };
        let fitted = of(&rows, &times);
        let mut found = vec![fitted.metrics[0].1];
        found.extend(parameters_of(&fitted.body));
        let Body::LinearPath(path) = &fitted.body else {
            panic!("no path");
        };
        found.extend([
            fitted.metrics[1].1,
            path.steps[7].alpha,
            path.steps[7].test_error.unwrap(),
        ]);
        assert_close(&found, &expected, 1e-9);
        let chosen: Vec<&Step> = path.steps.iter().filter(|step| step.chosen).collect();
        assert_eq!(chosen.len(), 1);
        assert_close(&[chosen[0].alpha], &found[..1], 0.0);
        assert_close(&chosen[0].coefficients, &found[2..5], 0.0);
        let backwards: Vec<f64> = times.iter().rev().copied().collect();
        let reversed = of(&rows.reversed(), &backwards);
        assert_close(
            &parameters_of(&reversed.body),
            &parameters_of(&fitted.body),
            1e-11,
        );
    }
}

#[test]
fn a_path_begins_at_zero_and_passes_through_single_fits() {
    let rows = ReferenceRows::new();
    let options = json!({"algorithm": "lasso", "alpha": 0.2, "n_lambdas": 9});
    let fitted = rows.fit(options, &rows.y, Some(&rows.weight)).unwrap();
    let Body::LinearPath(path) = &fitted.body else {
        panic!("no path");
    };
    assert_eq!(path.steps.len(), 9);
    assert!(path.steps[0].coefficients.iter().all(|c| *c == 0.0));
    assert!((path.steps[8].alpha / path.steps[0].alpha / 1e-3 - 1.0).abs() < 1e-12);
    for step in &path.steps[1..] {
        assert!(step.coefficients.iter().any(|c| *c != 0.0));
        let options = json!({"algorithm": "lasso", "alpha": step.alpha});
        let alone = rows.fit(options, &rows.y, Some(&rows.weight)).unwrap();
        assert_close(&parameters_of(&alone.body)[1..], &step.coefficients, 1e-10);
        assert_close(&parameters_of(&alone.body)[..1], &[step.intercept], 1e-10);
    }
    let options = json!({"algorithm": "lasso", "alpha": 0.2});
    let alone = rows.fit(options, &rows.y, Some(&rows.weight)).unwrap();
    assert_eq!(alone.body.linear(), fitted.body.linear());
}

#[test]
fn folds_need_times_and_rows() {
    let rows = ReferenceRows::new();
    let times: Vec<f64> = (0..60).map(f64::from).collect();
    let refused = |options: serde_json::Value, times: Option<&[f64]>| {
        rows.fit_in_time(options, &rows.y, None, times)
            .unwrap_err()
            .to_string()
    };
    let of = |more: serde_json::Value| {
        let mut options = json!({"algorithm": "lasso", "folds": 4});
        for (name, value) in more.as_object().unwrap() {
            options[name] = value.clone();
        }
        options
    };
    assert!(refused(of(json!({})), None).contains("pass the argument time"));
    assert!(refused(of(json!({})), Some(&[1.0; 60])).contains("the rows have 1 times"));
    assert!(refused(of(json!({"purge": 60})), Some(&times)).contains("in fold 1 no row trains"));
    assert!(refused(of(json!({"alpha": 1.0})), Some(&times)).contains("with folds it is chosen"));
    let ratio = json!({"algorithm": "elastic_net", "l1_ratio": 0.0, "folds": 4});
    assert!(refused(ratio, Some(&times)).contains("above 0"));
}
