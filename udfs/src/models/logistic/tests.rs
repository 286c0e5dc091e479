//! Expected values: tests/python/linear_reference.py.

use serde_json::json;

use crate::models::reference_rows::{ReferenceRows, assert_close, parameters};

fn binary(rows: &ReferenceRows) -> Vec<f64> {
    rows.y
        .iter()
        .map(|y| f64::from(u8::from(*y > 5.0)))
        .collect()
}

#[test]
#[allow(clippy::excessive_precision)]
fn coefficients_are_those_of_scikit_learn_and_statsmodels() {
    let rows = ReferenceRows::new();
    let cases = [
        (
            json!({}),
            false,
            [
                -11.681231681826867,
                0.24265948163970147,
                0.02444551208691976,
                2.8024146751294188,
            ],
        ),
        (
            json!({"alpha": 0.05}),
            true,
            [
                -27.95953735570926,
                0.5553657337188466,
                0.05548787764468161,
                7.721956222621585,
            ],
        ),
        (
            json!({"alpha": 2.0, "intercept": false}),
            false,
            [
                0.0,
                -0.014730079292583718,
                0.0007771364472200981,
                0.6015060449398203,
            ],
        ),
        (
            json!({"alpha": 0.0}),
            false,
            [
                -29.047150042298846,
                0.5805842563400009,
                0.0585934555578228,
                7.880471388989166,
            ],
        ),
    ];
    for (mut options, weighted, expected) in cases {
        options["algorithm"] = json!("logistic");
        let weights = weighted.then_some(&rows.weight[..]);
        let fitted = rows.fit(options, &binary(&rows), weights).unwrap();
        assert_eq!(fitted.status, "ok");
        assert_close(&parameters(&fitted.body), &expected, 1e-9);
    }
    // The reference is a minimum found by slopes: it has some seven digits.
    let cases = [
        (
            json!({"alpha": 1.0 / 0.3, "l1_ratio": 1.0}),
            false,
            [
                -9.478778888945552,
                0.1918160515578829,
                0.019380036233772657,
                2.3745448456431015,
            ],
        ),
        (
            json!({"alpha": 2.0, "l1_ratio": 0.4}),
            true,
            [
                -13.749178232512246,
                0.29110468042496035,
                0.02885801153297864,
                3.2085255836500375,
            ],
        ),
    ];
    for (mut options, weighted, expected) in cases {
        options["algorithm"] = json!("logistic");
        let weights = weighted.then_some(&rows.weight[..]);
        let fitted = rows.fit(options, &binary(&rows), weights).unwrap();
        assert_close(&parameters(&fitted.body), &expected, 2e-5);
    }
}

#[test]
#[allow(clippy::excessive_precision)]
fn probabilities_are_those_of_scikit_learn() {
    let rows = ReferenceRows::new();
    let model = rows.model(json!({"algorithm": "logistic"}), &binary(&rows), None);
    let first = [&rows.a[..2], &rows.b[..2], &rows.c[..2]];
    let found = model.probabilities(&first, 2).unwrap();
    assert_close(
        &[found[1], found[3]],
        &[6.362024097993306e-08, 0.48930028136101106],
        1e-9,
    );
    assert!((found[0] + found[1] - 1.0).abs() < 1e-15);
    assert_eq!(model.predict_complete(&first, 2), [0.0, 0.0]);
    assert_eq!(model.classes(), [0.0, 1.0]);
}

#[test]
fn rows_may_come_in_any_order() {
    let rows = ReferenceRows::new();
    let reversed = rows.reversed();
    for options in [
        json!({"algorithm": "logistic"}),
        json!({"algorithm": "logistic", "l1_ratio": 0.5}),
    ] {
        let one = rows
            .fit(options.clone(), &binary(&rows), Some(&rows.weight))
            .unwrap();
        let other = reversed
            .fit(options, &binary(&reversed), Some(&reversed.weight))
            .unwrap();
        assert_eq!(one.body, other.body);
    }
}

#[test]
fn a_large_penalty_leaves_the_share_and_weights_count_rows() {
    let rows = ReferenceRows::new();
    let target = binary(&rows);
    let options = json!({"algorithm": "logistic", "alpha": 1e6, "l1_ratio": 1.0});
    let fitted = rows.fit(options, &target, None).unwrap();
    let share = target.iter().sum::<f64>() / 60.0;
    assert_close(
        &parameters(&fitted.body),
        &[(share / (1.0 - share)).ln(), 0.0, 0.0, 0.0],
        1e-9,
    );
    assert!(fitted.status.starts_with("every coefficient is 0"));
}

#[test]
fn separable_classes_and_other_targets() {
    let rows = ReferenceRows::new();
    let apart: Vec<f64> = rows
        .a
        .iter()
        .map(|a| f64::from(u8::from(*a > 30.0)))
        .collect();
    let fitted = rows
        .fit(json!({"algorithm": "logistic", "alpha": 0.0}), &apart, None)
        .unwrap();
    assert!(
        fitted.status.starts_with("not converged"),
        "{}",
        fitted.status
    );
    let fitted = rows
        .fit(json!({"algorithm": "logistic"}), &apart, None)
        .unwrap();
    assert_eq!(fitted.status, "ok");
    let three = rows.fit(json!({"algorithm": "logistic"}), &rows.grade, None);
    assert!(
        three
            .unwrap_err()
            .to_string()
            .contains("the target has 3 values")
    );
}

#[test]
fn a_constant_feature_has_no_coefficient() {
    let mut rows = ReferenceRows::new();
    let target = binary(&rows);
    rows.c = vec![0.1; 60];
    for ratio in [0.0, 0.5] {
        let options = json!({"algorithm": "logistic", "l1_ratio": ratio});
        let fitted = rows.fit(options, &target, None).unwrap();
        assert_eq!(parameters(&fitted.body)[3], 0.0);
        assert_eq!(fitted.status, "ok");
    }
}

/// So many rows that the steps start from a sample of them.
#[test]
fn many_rows_end_where_the_slope_is_zero_in_any_order() {
    let count = 60_000;
    let column = |seed: u32| -> Vec<f64> {
        let value = |i: u32| f64::from(i.wrapping_mul(seed) >> 8 & 0xffff) / 65_536.0;
        (0..count).map(value).collect()
    };
    let rows = ReferenceRows {
        a: column(2_654_435_761),
        b: column(2_246_822_519).iter().map(|x| 100.0 * x).collect(),
        c: column(3_266_489_917),
        ..ReferenceRows::new()
    };
    let noise = column(668_265_263);
    let target: Vec<f64> = (0..count as usize)
        .map(|i| {
            let odds = 3.0 * rows.a[i] - 0.02 * rows.b[i] - rows.c[i];
            f64::from(u8::from(1.0 / (1.0 + (-odds).exp()) > noise[i]))
        })
        .collect();
    let options = json!({"algorithm": "logistic", "alpha": 5.0});
    let model = rows.model(options.clone(), &target, None);
    let found = parameters(model.body());
    let columns = [&rows.a[..], &rows.b[..], &rows.c[..]];
    let probabilities = model.probabilities(&columns, count as usize).unwrap();
    let wrong = |row: usize| probabilities[2 * row + 1] - target[row];
    let all: f64 = (0..count as usize).map(wrong).sum();
    assert!(all.abs() < 1e-6, "{all}");
    for (column, coefficient) in columns.iter().zip(&found[1..]) {
        let slope: f64 = (0..count as usize)
            .map(|row| wrong(row) * column[row])
            .sum();
        assert!(
            (slope + 5.0 * coefficient).abs() < 1e-5,
            "{slope} {found:?}"
        );
    }
    let backwards = |column: &[f64]| -> Vec<f64> { column.iter().rev().copied().collect() };
    let reversed = ReferenceRows {
        a: backwards(&rows.a),
        b: backwards(&rows.b),
        c: backwards(&rows.c),
        ..ReferenceRows::new()
    };
    let other = reversed.model(options, &backwards(&target), None);
    assert_eq!(other.body(), model.body());
}
