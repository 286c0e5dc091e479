//! The same model, bit for bit, whatever the order of rows and the threads.

use super::{Table, binary, example, rich};
use crate::models::gbdt::{ForestParameters, Objective, Parameters, Sampling, train_forest};
use crate::models::trees::Trees;

fn on_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

fn assert_invariant(table: &Table, fit: impl Fn(&Table) -> Trees + Sync) {
    let once = on_threads(1, || fit(table));
    assert!(once.trees.iter().any(|tree| !tree.splits.is_empty()));
    for threads in [2, 3] {
        let again = on_threads(threads, || fit(&table.shuffled(threads as u64)));
        assert_eq!(once, again, "{threads} threads");
    }
}

#[test]
fn boosting_does_not_depend_on_order_or_threads() {
    let base = Parameters {
        trees: 12,
        max_leaves: 20,
        learning_rate: 0.3,
        ..Parameters::default()
    };
    let mut halves = rich(1500);
    halves.validation = (0..1500).map(|row| row % 4 == 0).collect();
    let counts = |mut table: Table| {
        table
            .target
            .iter_mut()
            .for_each(|y| *y = (*y + 2.0).max(0.0).floor());
        table
    };
    let thirds = |mut table: Table| {
        table
            .target
            .iter_mut()
            .for_each(|y| *y = (*y + 1.0).clamp(0.0, 2.0).floor());
        table
    };
    let with = |objective, sampling| Parameters {
        objective,
        sampling,
        ..base.clone()
    };
    let goss = Sampling::Goss {
        top: 0.2,
        other: 0.2,
    };
    let all = Sampling::All;
    let cases = [
        (example(1500), with(Objective::SquaredError, all)),
        (
            rich(1500),
            with(Objective::SquaredError, Sampling::Rows(0.6)),
        ),
        (rich(1500), with(Objective::SquaredError, goss)),
        (example(1500), with(Objective::AbsoluteError, all)),
        (rich(1500), with(Objective::Quantile { level: 0.8 }, all)),
        (rich(1500), with(Objective::Huber { delta: 0.5 }, all)),
        (binary(rich(1500)), with(Objective::Logistic, all)),
        (
            thirds(rich(1500)),
            with(Objective::Softmax { classes: 3 }, all),
        ),
        (counts(rich(1500)), with(Objective::Poisson, all)),
        (rich(1500), with(Objective::LambdaRank, all)),
        (
            halves,
            Parameters {
                early_stopping_rounds: 3,
                feature_fraction: 0.5,
                ..base
            },
        ),
    ];
    for (table, parameters) in &cases {
        assert_invariant(table, |table| table.boost(parameters).trees);
    }
}

#[test]
fn many_rows_do_not_depend_on_order_or_threads() {
    // More than a segment, and more than the sample that teaches edges.
    let mut table = example(210_000);
    table.numbers.truncate(3);
    let parameters = Parameters {
        trees: 2,
        max_leaves: 8,
        ..Parameters::default()
    };
    assert_invariant(&table, |table| table.boost(&parameters).trees);
}

#[test]
fn forests_do_not_depend_on_order_or_threads() {
    for extra in [false, true] {
        let parameters = ForestParameters {
            trees: 5,
            extra,
            max_features: 0.5,
            ..ForestParameters::default()
        };
        assert_invariant(&rich(800), |table| {
            table.with(255, |binned, rows| train_forest(binned, rows, &parameters))
        });
    }
}
