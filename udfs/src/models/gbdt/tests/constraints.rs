//! Constraints, missing values and categories.

use super::{Table, column, example, rich, weyl};
use crate::models::gbdt::{Objective, Parameters};
use crate::models::training::NO_CATEGORY;
use crate::models::trees::{Rule, Tree};

#[test]
fn monotone_predictions_are_monotone() {
    let mut table = example(1000);
    // Against the data: the target falls with feature 3 here and there.
    for row in 0..1000 {
        table.target[row] += 2.0 * (12.0 * table.numbers[3][row]).sin();
    }
    for objective in [
        Objective::SquaredError,
        Objective::AbsoluteError,
        Objective::Poisson,
    ] {
        let mut table = table.clone();
        table.target.iter_mut().for_each(|y| *y += 5.0);
        for direction in [1, -1] {
            let parameters = Parameters {
                objective,
                monotone: vec![0, 0, 0, direction],
                min_data_in_leaf: 5,
                ..Parameters::default()
            };
            let trees = table.boost(&parameters).trees;
            let uses = |tree: &Tree| tree.splits.iter().any(|split| split.feature == 3);
            assert!(trees.trees.iter().any(uses));
            for row in (0..1000).step_by(50) {
                let mut sweep = table.clone();
                for x in &mut sweep.numbers {
                    *x = vec![x[row]; 101];
                }
                sweep.numbers[3] = (0..=100).map(|i| f64::from(i) / 100.0).collect();
                sweep.target = vec![0.0; 101];
                let sums = sweep.sums(&trees);
                for pair in sums.windows(2) {
                    assert!(
                        f64::from(direction) * (pair[1] - pair[0]) >= -1e-12,
                        "{pair:?}"
                    );
                }
            }
        }
    }
}

fn paths(tree: &Tree, at: i32, path: &mut Vec<u32>, into: &mut Vec<Vec<u32>>) {
    if at < 0 || tree.splits.is_empty() {
        into.push(path.clone());
        return;
    }
    let split = &tree.splits[at as usize];
    path.push(split.feature);
    paths(tree, split.left, path, into);
    paths(tree, split.right, path, into);
    path.pop();
}

#[test]
fn features_of_a_path_are_of_one_group() {
    let groups = vec![vec![0, 1], vec![1, 2, 3], vec![4]];
    let parameters = Parameters {
        interactions: groups.clone(),
        ..Parameters::default()
    };
    let trees = example(1000).boost(&parameters).trees;
    let mut all = Vec::new();
    for tree in &trees.trees {
        paths(tree, 0, &mut Vec::new(), &mut all);
    }
    assert!(
        all.iter()
            .any(|path| path.contains(&1) && path.contains(&2))
    );
    for path in all {
        let fits = |group: &Vec<u32>| path.iter().all(|feature| group.contains(feature));
        assert!(groups.iter().any(fits), "{path:?}");
    }
}

#[test]
fn missing_values_go_where_they_gain() {
    let rows = 400;
    let mut x = column(rows, 2.0);
    let mut y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 0.5))).collect();
    for row in 0..rows {
        if weyl(row, 3.0) < 0.3 {
            x[row] = f64::NAN;
            y[row] = 1.0;
        }
    }
    let mut table = Table {
        numbers: vec![x],
        target: y,
        ..Table::default()
    };
    let parameters = Parameters {
        trees: 1,
        learning_rate: 1.0,
        max_leaves: 2,
        ..Parameters::default()
    };
    let tree = table.boost(&parameters).trees.trees.remove(0);
    assert!(!tree.splits[0].missing_left);
    for y in &mut table.target {
        *y = 1.0 - *y;
    }
    table.numbers[0].iter_mut().for_each(|x| *x = -*x);
    let trees = table.boost(&parameters).trees;
    assert!(trees.trees[0].splits[0].missing_left);
    for (sum, y) in table.sums(&trees).iter().zip(&table.target) {
        assert!((sum - y).abs() < 1e-6, "{sum} {y}");
    }
}

#[test]
fn missing_itself_can_be_the_split() {
    let x: Vec<f64> = (0..100)
        .map(|row| if row % 3 == 0 { f64::NAN } else { 5.0 })
        .collect();
    let y: Vec<f64> = x.iter().map(|x| f64::from(u8::from(x.is_nan()))).collect();
    let table = Table {
        numbers: vec![x],
        target: y.clone(),
        ..Table::default()
    };
    let parameters = Parameters {
        trees: 1,
        learning_rate: 1.0,
        ..Parameters::default()
    };
    let trees = table.boost(&parameters).trees;
    assert_eq!(trees.trees[0].splits[0].rule, Rule::AtMost(f64::MAX));
    for (sum, y) in table.sums(&trees).iter().zip(&y) {
        assert!((sum - y).abs() < 1e-6);
    }
}

#[test]
fn categories_split_by_their_means() {
    let rows = 1200;
    let codes: Vec<u32> = (0..rows as u32)
        .map(|row| {
            if row % 12 == 11 {
                NO_CATEGORY
            } else {
                row % 12
            }
        })
        .collect();
    // Not in the order of codes: 1, 4, 7, 10 are high.
    let target: Vec<f64> = codes
        .iter()
        .map(|&code| f64::from(u8::from(code % 3 == 1)))
        .collect();
    let table = Table {
        categories: vec![(codes, 11)],
        target,
        ..Table::default()
    };
    let parameters = Parameters {
        trees: 1,
        learning_rate: 1.0,
        max_leaves: 2,
        ..Parameters::default()
    };
    let trees = table.boost(&parameters).trees;
    let split = &trees.trees[0].splits[0];
    let Rule::In(codes) = &split.rule else {
        panic!("{split:?}");
    };
    let high = [1, 4, 7, 10];
    let low = [0, 2, 3, 5, 6, 8, 9];
    assert!(
        codes == &high && !split.missing_left || codes == &low && split.missing_left,
        "{split:?}"
    );
}

#[test]
fn rare_categories_follow_missing_ones() {
    let mut table = rich(1000);
    table.weights = None;
    let parameters = Parameters {
        bins: 5,
        ..Parameters::default()
    };
    let boosted = table.boost(&parameters);
    // As the splits say, the training loss is what the engine saw.
    let sums = table.sums(&boosted.trees);
    let loss: f64 = sums
        .iter()
        .zip(&table.target)
        .map(|(s, y)| (s - y) * (s - y) / 2.0)
        .sum();
    assert!((loss / 1000.0 - boosted.training).abs() < 1e-9);
}
