//! Expected values: tests/python/linear_reference.py.

use serde_json::json;

use crate::models::reference_rows::{ReferenceRows, assert_close, parameters};

/// With an error in every tenth row.
fn spoilt(y: &[f64]) -> Vec<f64> {
    let rows = y.iter().enumerate();
    rows.map(|(i, y)| if i % 10 == 0 { y + 30.0 } else { *y })
        .collect()
}

#[test]
#[allow(clippy::excessive_precision)]
fn coefficients_and_scale_are_those_of_scikit_learn() {
    let rows = ReferenceRows::new();
    let target = spoilt(&rows.y);
    let cases = [
        (
            json!({"algorithm": "huber"}),
            false,
            [
                -0.2824603802092911,
                0.09170277973329116,
                0.009902219975556738,
                2.0697815374642032,
                0.6867653847377513,
            ],
        ),
        (
            json!({"algorithm": "huber", "huber_epsilon": 2.0, "alpha": 1.0}),
            true,
            [
                0.0292497050947631,
                0.08706965920379088,
                0.009556003491571192,
                1.9810611698932101,
                0.9742829410673222,
            ],
        ),
    ];
    for (options, weighted, expected) in cases {
        let weights = weighted.then_some(&rows.weight[..]);
        let fitted = rows.fit(options, &target, weights).unwrap();
        let mut found = parameters(&fitted.body);
        found.push(fitted.metrics[0].1);
        assert_close(&found, &expected, 1e-9);
        assert_eq!(fitted.status, "ok");
    }
}

#[test]
fn without_outliers_it_is_least_squares() {
    let rows = ReferenceRows::new();
    let options = json!({"algorithm": "huber", "huber_epsilon": 1e6, "alpha": 0.0});
    let huber = rows.fit(options, &rows.y, Some(&rows.weight)).unwrap();
    let ols = rows
        .fit(json!({"algorithm": "ols"}), &rows.y, Some(&rows.weight))
        .unwrap();
    assert_close(&parameters(&huber.body), &parameters(&ols.body), 1e-11);
}

#[test]
fn rows_may_come_in_any_order() {
    let rows = ReferenceRows::new();
    let options = json!({"algorithm": "huber"});
    let one = rows
        .fit(options.clone(), &rows.y, Some(&rows.weight))
        .unwrap();
    let reversed = rows.reversed();
    let other = reversed
        .fit(options, &reversed.y, Some(&reversed.weight))
        .unwrap();
    assert_eq!(one.body, other.body);
}

#[test]
fn an_exact_target_and_constant_features() {
    let mut rows = ReferenceRows::new();
    let exact: Vec<f64> = rows.a.iter().map(|a| 2.0 * a - 1.0).collect();
    let fitted = rows
        .fit(json!({"algorithm": "huber", "alpha": 0.0}), &exact, None)
        .unwrap();
    assert_close(&parameters(&fitted.body), &[-1.0, 2.0, 0.0, 0.0], 1e-9);
    rows.c = vec![3.0; 60];
    let target = spoilt(&rows.y);
    let fitted = rows
        .fit(json!({"algorithm": "huber"}), &target, None)
        .unwrap();
    assert_eq!(parameters(&fitted.body)[3], 0.0);
    let fitted = rows
        .fit(json!({"algorithm": "huber"}), &[4.0; 60], None)
        .unwrap();
    assert_close(&parameters(&fitted.body), &[4.0, 0.0, 0.0, 0.0], 1e-12);
}
