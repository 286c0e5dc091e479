//! Little or odd data.

use super::{Table, example, rich};
use crate::models::gbdt::{Objective, Parameters, Sampling};

fn fit(numbers: Vec<Vec<f64>>, target: Vec<f64>) -> (Table, super::Boosted) {
    let table = Table {
        numbers,
        target,
        ..Table::default()
    };
    let parameters = Parameters {
        min_data_in_leaf: 1,
        ..Parameters::default()
    };
    let boosted = table.boost(&parameters);
    (table, boosted)
}

#[test]
fn nothing_to_split_by_predicts_the_mean() {
    let nan = f64::NAN;
    for (numbers, target, mean) in [
        (vec![vec![1.0]], vec![3.5], 3.5),
        (vec![vec![2.0; 4]], vec![1.0, 2.0, 3.0, 4.0], 2.5),
        (vec![vec![nan; 3]], vec![1.0, 2.0, 6.0], 3.0),
        (vec![vec![1.0, 2.0, 3.0]], vec![0.1; 3], 0.1),
        (vec![vec![1.0, 2.0, 3.0]], vec![0.0; 3], 0.0),
    ] {
        let (table, boosted) = fit(numbers, target);
        assert!(
            boosted
                .trees
                .trees
                .iter()
                .all(|tree| tree.splits.is_empty()),
            "{boosted:?}"
        );
        for sum in table.sums(&boosted.trees) {
            assert!((sum - mean).abs() < 1e-15, "{sum}");
        }
    }
}

#[test]
fn two_rows_are_learnt() {
    let (table, boosted) = fit(vec![vec![1.0, 2.0]], vec![-5.0, 5.0]);
    let sums = table.sums(&boosted.trees);
    assert!(
        (sums[0] + 5.0).abs() < 1e-3 && (sums[1] - 5.0).abs() < 1e-3,
        "{sums:?}"
    );
}

#[test]
fn extremes_of_the_target_do_not_spoil_the_rest() {
    let mut table = example(2000);
    table.target[7] = 1e9;
    let sums = table.sums(&table.boost(&Parameters::default()).trees);
    assert!(sums.iter().all(|sum| sum.is_finite()));
    for scale in [1e-200, 1e200] {
        let mut table = example(500);
        table.target.iter_mut().for_each(|y| *y *= scale);
        let trees = table.boost(&Parameters::default()).trees;
        let gap = table.sums(&trees)[3] - table.target[3];
        assert!(gap.abs() < scale, "{gap}");
    }
}

#[test]
fn the_training_loss_is_that_of_the_trees() {
    for sampling in [
        Sampling::All,
        Sampling::Rows(0.5),
        Sampling::Goss {
            top: 0.2,
            other: 0.1,
        },
    ] {
        let table = rich(1000);
        let parameters = Parameters {
            sampling,
            ..Parameters::default()
        };
        let boosted = table.boost(&parameters);
        let weights = table.weights.as_ref().unwrap();
        let sums = table.sums(&boosted.trees);
        let terms = sums.iter().zip(&table.target).zip(weights);
        let loss: f64 = terms.map(|((s, y), w)| w * (s - y) * (s - y) / 2.0).sum();
        let loss = loss / weights.iter().sum::<f64>();
        assert!(
            (loss - boosted.training).abs() < 1e-9,
            "{loss} {}",
            boosted.training
        );
    }
}

#[test]
fn boosting_stops_at_the_best_iteration() {
    let mut table = example(600);
    table.validation = (0..600).map(|row| row % 3 == 0).collect();
    let parameters = Parameters {
        trees: 1000,
        learning_rate: 0.5,
        early_stopping_rounds: 10,
        min_data_in_leaf: 2,
        ..Parameters::default()
    };
    let boosted = table.boost(&parameters);
    let best = boosted
        .validation
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    assert_eq!(boosted.validation[boosted.kept() - 1], best);
    assert_eq!(boosted.iterations, boosted.kept() + 10);
    let rows = (0..600).step_by(3);
    let loss: f64 = rows
        .map(|row| (table.sum(&boosted.trees, 0, row) - table.target[row]).powi(2) / 2.0)
        .sum();
    assert!((loss / 200.0 - best).abs() < 1e-12);
}

#[test]
fn rows_that_validate_do_not_train() {
    let mut table = example(600);
    table.validation = (0..600).map(|row| row % 3 == 0).collect();
    let trees = table.boost(&Parameters::default()).trees;
    for row in (0..600).step_by(3) {
        table.target[row] = 1e6;
    }
    let again = table.boost(&Parameters::default()).trees;
    assert_eq!(trees, again);
}

#[test]
fn weights_count_like_copies() {
    let mut weighted = example(200);
    let weights: Vec<f64> = (0..200).map(|row| f64::from(row % 2 + 1)).collect();
    let mut copied = weighted.clone();
    for row in 0..200 {
        for _ in 1..weights[row] as usize {
            for x in &mut copied.numbers {
                x.push(x[row]);
            }
            copied.target.push(weighted.target[row]);
        }
    }
    weighted.weights = Some(weights);
    let parameters = Parameters {
        trees: 5,
        min_data_in_leaf: 1,
        max_leaves: 4,
        ..Parameters::default()
    };
    let a = weighted.boost(&parameters).trees;
    let b = copied.boost(&parameters).trees;
    for row in 0..200 {
        assert!((weighted.sum(&a, 0, row) - weighted.sum(&b, 0, row)).abs() < 1e-5);
    }
    assert!((a.trees[0].splits[0].cover - 300.0).abs() < 1e-9);
}

#[test]
fn many_leaves_may_outnumber_rows() {
    let mut table = example(50);
    table.target.iter_mut().for_each(|y| *y = (*y > 1.0).into());
    let parameters = Parameters {
        objective: Objective::Logistic,
        max_leaves: 1000,
        min_data_in_leaf: 1,
        ..Parameters::default()
    };
    let sums = table.sums(&table.boost(&parameters).trees);
    for (sum, y) in sums.iter().zip(&table.target) {
        assert_eq!(*sum > 0.0, *y == 1.0);
    }
}
