//! Forests.

use super::{Table, binary, example, rich};
use crate::models::gbdt::{ForestParameters, train_forest};
use crate::models::trees::{Link, Trees};

fn fit(table: &Table, parameters: &ForestParameters) -> Trees {
    table.with(255, |binned, rows| train_forest(binned, rows, parameters))
}

/// The share of the variance of new rows that is explained.
fn r2(table: &Table, test: &Table, parameters: &ForestParameters) -> f64 {
    let sums = test.sums(&fit(table, parameters));
    let mean = test.target.iter().sum::<f64>() / test.rows() as f64;
    let left: f64 = sums
        .iter()
        .zip(&test.target)
        .map(|(s, y)| (s - y).powi(2))
        .sum();
    1.0 - left / test.target.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}

/// Rows of [`example`] from 2000 on.
fn later() -> Table {
    let mut test = example(3000);
    for x in test.numbers.iter_mut().chain([&mut test.target]) {
        x.drain(..2000);
    }
    test
}

#[test]
fn forests_explain_new_rows() {
    let (table, test) = (example(2000), later());
    for (extra, bootstrap) in [(false, true), (true, false)] {
        let parameters = ForestParameters {
            extra,
            bootstrap,
            max_features: 0.5,
            ..ForestParameters::default()
        };
        // tests/python/gbdt_reference.py: scikit-learn reaches 0.81 and 0.80.
        let r2 = r2(&table, &test, &parameters);
        assert!(r2 > 0.79, "{extra} {r2}");
    }
}

#[test]
fn one_full_tree_repeats_its_rows() {
    let table = example(200);
    let parameters = ForestParameters {
        trees: 1,
        bootstrap: false,
        max_features: 1.0,
        ..ForestParameters::default()
    };
    let trees = fit(&table, &parameters);
    for (sum, y) in table.sums(&trees).iter().zip(&table.target) {
        assert!((sum - y).abs() < 1e-6);
    }
    assert_eq!(trees.link, Link::Identity);
}

#[test]
fn shares_of_classes_are_shares() {
    let table = binary(example(500));
    let parameters = ForestParameters {
        classes: 2,
        trees: 20,
        ..ForestParameters::default()
    };
    let trees = fit(&table, &parameters);
    assert_eq!((trees.link, trees.outputs), (Link::Share, 1));
    for (sum, y) in table.sums(&trees).iter().zip(&table.target) {
        assert!((-1e-9..=1.0 + 1e-9).contains(sum));
        assert_eq!(*sum > 0.5, *y == 1.0);
    }
    let mut thirds = example(500);
    thirds
        .target
        .iter_mut()
        .for_each(|y| *y = (*y + 1.0).clamp(0.0, 2.0).floor());
    let parameters = ForestParameters {
        classes: 3,
        ..parameters
    };
    let trees = fit(&thirds, &parameters);
    assert_eq!((trees.outputs, trees.trees.len()), (3, 60));
    let sums: Vec<f64> = (0..3).map(|class| thirds.sum(&trees, class, 7)).collect();
    assert!((sums.iter().sum::<f64>() - 1.0).abs() < 0.2, "{sums:?}");
}

#[test]
fn weights_missing_values_and_categories_are_taken() {
    for extra in [false, true] {
        let parameters = ForestParameters {
            extra,
            max_features: 1.0,
            ..ForestParameters::default()
        };
        let table = rich(1500);
        assert!(r2(&table, &table, &parameters) > 0.85);
    }
}

#[test]
fn little_data_is_no_trouble() {
    for rows in [1, 2] {
        let table = example(rows);
        let sums = table.sums(&fit(&table, &ForestParameters::default()));
        assert!(sums.iter().all(|sum| sum.is_finite()));
    }
    let mut table = example(20);
    table.numbers = vec![vec![f64::NAN; 20], vec![1.0; 20]];
    let trees = fit(&table, &ForestParameters::default());
    assert!(trees.trees.iter().all(|tree| tree.splits.is_empty()));
}
