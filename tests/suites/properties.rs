//! The laws of `merge`, for every aggregate of the list: however rows are
//! split, in whatever order the parts come together, saved and loaded on the
//! way, the result is that of all rows at once.

use lagrange_udfs::definition::{AnyAggregate, AnyState, Function};
use lagrange_udfs::functions;
use lagrange_udfs::input::{Feature, Features, Input, Inputs, Numbers, Rows};
use lagrange_udfs::models::Model;
use lagrange_udfs::value::{Column, Value};
use proptest::prelude::*;
use proptest::sample::SizeRange;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};

/// target (or actual), prediction (or position), and two features; NaN is missing.
type Row = [f64; 4];

fn column(rows: &[Row], i: usize) -> Numbers<'static> {
    Numbers::new(rows.iter().map(|row| row[i]).collect::<Vec<_>>(), None)
}

fn features(rows: &[Row]) -> Input<'static> {
    let feature = |name: &str, i: usize| Feature {
        name: name.to_owned().into(),
        type_name: "DOUBLE".into(),
        numbers: Some(column(rows, i)),
        texts: None,
    };
    Input::Features(Features {
        fields: vec![feature("a", 2), feature("b", 3)],
    })
}

/// The arguments of an aggregate, from the same rows.
fn inputs<'a>(name: &str, rows: &[Row], model: &'a [u8]) -> Inputs<'a> {
    let number = |i: usize| Input::Numbers(column(rows, i));
    let columns = match name {
        "corr_matrix" => vec![features(rows)],
        "dsr" | "min_track_record" | "psr" | "sharpe" | "sortino" => vec![number(0)],
        "fit"
        | "fit_report"
        | "lagrange_clusters"
        | "lagrange_mutual_information"
        | "lagrange_relevance_tests" => vec![number(0), features(rows)],
        "permutation_importance" => vec![
            Input::Bytes(vec![Some(model); rows.len()]),
            number(0),
            features(rows),
            number(1),
        ],
        _ => vec![number(0), number(1)],
    };
    Inputs {
        rows: rows.len(),
        columns,
    }
}

fn state_of(aggregate: &dyn AnyAggregate, rows: &[Row], model: &[u8]) -> AnyState {
    let mut state = aggregate.start();
    let inputs = inputs(aggregate.signature().name, rows, model);
    aggregate
        .update(&mut state, &inputs, Rows::All(rows.len()))
        .expect("the rows are good");
    state
}

/// Every number of a value, models by their coefficients.
fn numbers(value: &Value) -> Vec<Option<f64>> {
    match value {
        Value::Null => vec![None],
        Value::Double(x) => vec![Some(*x)],
        Value::Integer(x) => vec![Some(*x as f64)],
        Value::Blob(bytes) => {
            let model = Model::read(bytes).expect("it is a model");
            let linear = model.body().linear().expect("ols is linear");
            let mut all = vec![
                Some(linear.intercept.value),
                Some(model.header().rows_used as f64),
                Some(model.header().rows_skipped as f64),
            ];
            all.extend(linear.coefficients.iter().map(|c| Some(c.value)));
            all
        }
        Value::Rows(columns) => columns
            .iter()
            .flat_map(|column| match column {
                Column::Double(values) => values.clone(),
                Column::Integer(values) => values.iter().map(|x| x.map(|x| x as f64)).collect(),
                _ => Vec::new(),
            })
            .collect(),
        Value::Struct(fields) => fields.iter().flat_map(numbers).collect(),
        Value::Text(_) => Vec::new(),
        other => panic!("no test for {other:?}"),
    }
}

fn assert_close(name: &str, actual: &Value, expected: &Value) {
    let (actual, expected) = (numbers(actual), numbers(expected));
    assert_eq!(actual.len(), expected.len(), "{name}");
    for (a, b) in actual.iter().zip(&expected) {
        let close = match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3),
            (None, None) => true,
            _ => false,
        };
        assert!(
            close,
            "{name}: {a:?} against {b:?}\n{actual:?}\n{expected:?}"
        );
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -100.0..100.0_f64, 1 => Just(f64::NAN), 1 => Just(0.0)]
}

/// Rows in parts; the prediction column is unique, as a position must be.
fn parts() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = (value(), value(), value()).prop_map(|(y, a, b)| [y, 0.0, a, b]);
    let part = prop::collection::vec(row, SizeRange::from(0..400));
    prop::collection::vec(part, SizeRange::from(1..6)).prop_map(|mut parts| {
        for (position, row) in (0..).zip(parts.iter_mut().flatten()) {
            // Scattered, so that the order of rows is not the order of positions.
            row[1] = f64::from(position * 7919 % 10_007) - 5000.0;
        }
        parts
    })
}

/// Those whose arguments are times, places and parts of a panel, which random
/// rows are not; the suites in `slt` merge their states in batches of a few rows.
/// Those that take two classes, probabilities or a level, which random rows are not either.
/// And the factors of variance inflation, which a few random rows leave without
/// digits.
const APART: [&str; 29] = [
    "accuracy",
    "auc",
    "brier",
    "calmar",
    "f1",
    "lagrange_backtest_signals",
    "lagrange_calibration_curve",
    "lagrange_confusion_matrix",
    "lagrange_cross_validate",
    "lagrange_dependence",
    "lagrange_evaluate",
    "lagrange_feature_screen",
    "lagrange_feature_stability",
    "lagrange_importance",
    "lagrange_information_coefficient",
    "lagrange_label_weights",
    "lagrange_out_of_fold",
    "lagrange_quantile_returns",
    "lagrange_select",
    "lagrange_select_model",
    "lagrange_time_folds",
    "lagrange_train_model",
    "lagrange_tune_model",
    "lagrange_vif",
    "log_loss",
    "max_drawdown",
    "mcc",
    "pr_auc",
    "quantile_loss",
];

fn aggregates() -> impl Iterator<Item = &'static dyn AnyAggregate> {
    functions::all()
        .iter()
        .filter_map(|function| match function {
            Function::Aggregate(aggregate) => Some(*aggregate),
            _ => None,
        })
        .filter(|aggregate| !APART.contains(&aggregate.signature().name))
}

fn model() -> Vec<u8> {
    let rows: Vec<Row> = (0..50)
        .map(|i| {
            let (a, b) = (f64::from(i % 7), f64::from(i % 11));
            [2.0 * a - b + f64::from(i % 3), 0.0, a, b]
        })
        .collect();
    let fit = functions::find("fit").expect("fit is in the list");
    let Function::Aggregate(fit) = fit else {
        panic!("fit is an aggregate");
    };
    match fit.finish(&state_of(fit, &rows, &[])) {
        Ok(Value::Blob(bytes)) => bytes,
        other => panic!("fit returned {other:?}"),
    }
}

#[test]
fn merging_in_any_split_and_order_is_the_same() {
    let model = model();
    let config = Config {
        cases: 64,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(42),
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[42; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&parts(), |parts| {
        for aggregate in aggregates() {
            let name = aggregate.signature().name;
            let all: Vec<Row> = parts.concat();
            let expected = aggregate
                .finish(&state_of(aggregate, &all, &model))
                .expect("a value");
            let states: Vec<AnyState> = parts
                .iter()
                .map(|part| state_of(aggregate, part, &model))
                .collect();

            // In order, starting from a fresh state: identity on the left.
            let mut forward = aggregate.start();
            for state in &states {
                aggregate.merge(&mut forward, state).expect("states merge");
            }
            // In reverse, through bytes, with a fresh state in between.
            let mut backward = aggregate.start();
            for state in states.iter().rev() {
                let bytes = aggregate.save(state).expect("a state saves");
                let loaded = aggregate.load(&bytes).expect("a state loads");
                aggregate
                    .merge(&mut backward, &loaded)
                    .expect("states merge");
                aggregate
                    .merge(&mut backward, &aggregate.start())
                    .expect("states merge");
            }
            for merged in [&forward, &backward] {
                let actual = aggregate.finish(merged).expect("a value");
                assert_close(name, &actual, &expected);
            }
            // The parts are as they were.
            for (state, part) in states.iter().zip(&parts) {
                let again = state_of(aggregate, part, &model);
                assert_close(
                    name,
                    &aggregate.finish(state).expect("a value"),
                    &aggregate.finish(&again).expect("a value"),
                );
            }
        }
        Ok(())
    });
    outcome.expect("merge obeys its laws");
}

#[test]
fn selected_rows_are_as_if_they_were_all() {
    let model = model();
    let rows: Vec<Row> = (0..1000)
        .map(|i| {
            let x = f64::from(i);
            [
                x.sin(),
                x,
                (x * 0.7).cos(),
                if i % 17 == 0 { f64::NAN } else { x % 13.0 },
            ]
        })
        .collect();
    let chosen: Vec<u32> = (0..1000).filter(|i| i % 3 != 1).collect();
    let kept: Vec<Row> = chosen.iter().map(|&i| rows[i as usize]).collect();
    for aggregate in aggregates() {
        let name = aggregate.signature().name;
        let mut state = aggregate.start();
        aggregate
            .update(
                &mut state,
                &inputs(name, &rows, &model),
                Rows::Some(&chosen),
            )
            .expect("the rows are good");
        assert_close(
            name,
            &aggregate.finish(&state).expect("a value"),
            &aggregate
                .finish(&state_of(aggregate, &kept, &model))
                .expect("a value"),
        );
    }
}
