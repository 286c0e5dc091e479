//! Expected values: tests/python/linear_reference.py.

use serde_json::json;

use crate::models::reference_rows::{ReferenceRows, assert_close, parameters};

#[test]
#[allow(clippy::excessive_precision)]
fn coefficients_are_those_of_scikit_learn() {
    let rows = ReferenceRows::new();
    let cases = [
        (
            json!({}),
            false,
            [
                -0.2860285070462314,
                0.0946959700482178,
                0.009054077804263367,
                1.8959341978536846,
            ],
        ),
        (
            json!({"quantile": 0.9}),
            false,
            [
                0.049114682926103104,
                0.10315346092256822,
                0.010245573414630517,
                2.1223465474619676,
            ],
        ),
        (
            json!({"quantile": 0.2}),
            true,
            [
                -1.2708389018548734,
                0.1023987225551423,
                0.009414414766693961,
                1.9194092025749907,
            ],
        ),
        (
            json!({"quantile": 0.3, "alpha": 0.05}),
            false,
            [
                -0.8558770211567757,
                0.106743681215,
                0.009660326807295939,
                1.5038318222913991,
            ],
        ),
    ];
    for (mut options, weighted, expected) in cases {
        options["algorithm"] = json!("quantile");
        let weights = weighted.then_some(&rows.weight[..]);
        let fitted = rows.fit(options, &rows.y, weights).unwrap();
        assert_close(&parameters(&fitted.body), &expected, 1e-9);
        assert_eq!(fitted.status, "ok");
    }
}

#[test]
fn rows_may_come_in_any_order() {
    let rows = ReferenceRows::new();
    let options = json!({"algorithm": "quantile", "quantile": 0.7});
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
fn ties_constants_and_one_row() {
    let mut rows = ReferenceRows::new();
    rows.c = vec![3.0; 60];
    rows.b = rows.a.clone();
    // Many rows of the same value: the median is it.
    let target: Vec<f64> = (0..60).map(|i| f64::from(i / 20)).collect();
    let options = json!({"algorithm": "quantile"});
    let fitted = rows.fit(options.clone(), &target, None).unwrap();
    assert_eq!(parameters(&fitted.body)[3], 0.0);
    let flat = rows.fit(options.clone(), &[2.5; 60], None).unwrap();
    assert_close(&parameters(&flat.body), &[2.5, 0.0, 0.0, 0.0], 1e-12);
    let one = rows.first(1);
    let fitted = one.fit(options, &[7.0], None).unwrap();
    assert_close(&parameters(&fitted.body), &[7.0, 0.0, 0.0, 0.0], 1e-12);
    let error = rows.fit(
        json!({"algorithm": "quantile", "quantile": 1.0}),
        &target,
        None,
    );
    assert!(error.unwrap_err().to_string().contains("below 1"));
}

#[test]
fn the_share_of_rows_below_is_the_level() {
    let rows = ReferenceRows::new();
    for level in [0.1, 0.5, 0.85] {
        let options = json!({"algorithm": "quantile", "quantile": level});
        let model = rows.model(options, &rows.y, None);
        let predicted = model.predict_complete(&[&rows.a, &rows.b, &rows.c], 60);
        let below = rows
            .y
            .iter()
            .zip(&predicted)
            .filter(|(y, p)| **y < **p - 1e-9)
            .count();
        let on = rows
            .y
            .iter()
            .zip(&predicted)
            .filter(|(y, p)| (**y - **p).abs() <= 1e-9)
            .count();
        assert_eq!(on, 4);
        let share = 60.0 * level;
        assert!(
            below as f64 <= share && share <= (below + on) as f64,
            "{level}: {below}"
        );
    }
}
