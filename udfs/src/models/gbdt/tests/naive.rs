//! Agreement with trees that are grown by trying every split of every leaf on
//! the values themselves.

use super::{Table, binary, example, weyl};
use crate::models::gbdt::{Objective, Parameters};
use crate::models::trees::{Rule, Tree};

/// A split, what it gains, and the rows of either side.
struct Found {
    gain: f64,
    feature: usize,
    at_most: f64,
    missing_left: Option<bool>,
    sides: [Vec<usize>; 2],
}

fn sums(rows: &[usize], derivatives: &[(f64, f64)]) -> (f64, f64) {
    rows.iter().fold((0.0, 0.0), |(a, b), &row| {
        (a + derivatives[row].0, b + derivatives[row].1)
    })
}

fn score((first, second): (f64, f64), l2: f64) -> f64 {
    first * first / (second + l2)
}

fn best(
    table: &Table,
    rows: &[usize],
    derivatives: &[(f64, f64)],
    least: usize,
    l2: f64,
) -> Option<Found> {
    let parent = score(sums(rows, derivatives), l2);
    let mut best: Option<Found> = None;
    for (feature, x) in table.numbers.iter().enumerate() {
        let mut distinct: Vec<f64> = x.iter().copied().filter(|x| !x.is_nan()).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let mut edges: Vec<f64> = distinct.windows(2).map(|w| (w[0] + w[1]) / 2.0).collect();
        edges.push(f64::MAX);
        let has_missing = rows.iter().any(|&row| x[row].is_nan());
        for missing_left in [false, true] {
            for &edge in &edges {
                let (left, right): (Vec<usize>, Vec<usize>) =
                    rows.iter().partition(|&&row| match x[row] {
                        x if x.is_nan() => missing_left,
                        x => x <= edge,
                    });
                if left.len().min(right.len()) < least {
                    continue;
                }
                let gain = score(sums(&left, derivatives), l2)
                    + score(sums(&right, derivatives), l2)
                    - parent;
                if gain > 1e-9
                    && best
                        .as_ref()
                        .is_none_or(|best| gain > best.gain * (1.0 + 1e-12))
                {
                    best = Some(Found {
                        gain,
                        feature,
                        at_most: edge,
                        missing_left: has_missing.then_some(missing_left),
                        sides: [left, right],
                    });
                }
            }
        }
    }
    best
}

/// Compares a tree with one that is grown naively, split by split.
fn compare(
    table: &Table,
    tree: &Tree,
    derivatives: &[(f64, f64)],
    leaves: usize,
    least: usize,
    l2: f64,
) {
    let find = |rows: &[usize]| best(table, rows, derivatives, least, l2);
    let all: Vec<usize> = (0..table.rows()).collect();
    // What hangs where: a child number of the tree, the rows, their best split.
    let mut open = vec![(if tree.splits.is_empty() { !0 } else { 0 }, find(&all), all)];
    let mut made = 0;
    while made + 1 < leaves {
        let gain = |found: &Option<Found>| found.as_ref().map_or(-1.0, |found| found.gain);
        let next = (0..open.len()).reduce(|a, b| {
            if gain(&open[b].1) > gain(&open[a].1) {
                b
            } else {
                a
            }
        });
        let (child, found, _) = open.swap_remove(next.unwrap());
        let Some(found) = found else {
            open.push((child, None, Vec::new()));
            break;
        };
        let split = &tree.splits[usize::try_from(child).unwrap()];
        assert_eq!(
            child, made as i32,
            "splits come in the order of their gains"
        );
        made += 1;
        assert_eq!(split.feature as usize, found.feature);
        assert_eq!(split.rule, Rule::AtMost(found.at_most));
        if let Some(missing_left) = found.missing_left {
            assert_eq!(split.missing_left, missing_left);
        }
        assert!(
            (split.gain - found.gain).abs() < 1e-5 * found.gain,
            "{} {}",
            split.gain,
            found.gain
        );
        for (child, rows) in [split.left, split.right].into_iter().zip(found.sides) {
            open.push((child, find(&rows), rows));
        }
    }
    assert_eq!(tree.splits.len(), made);
    for (child, _, rows) in open {
        if rows.is_empty() {
            continue;
        }
        let leaf = &tree.leaves[!child as usize];
        let (first, second) = sums(&rows, derivatives);
        let value = -first / (second + l2);
        assert!(
            (leaf.value - value).abs() < 1e-5 * value.abs().max(1e-3),
            "{} {value}",
            leaf.value
        );
        assert_eq!(leaf.cover, rows.len() as f64);
    }
}

/// Few rows with ties and holes.
fn holed(rows: usize) -> Table {
    let mut table = example(rows);
    table.numbers.truncate(4);
    for row in 0..rows {
        table.numbers[1][row] = (table.numbers[1][row] * 7.0).floor();
        if weyl(row, 23.0) < 0.25 {
            table.numbers[1][row] = f64::NAN;
            table.target[row] += 2.0;
        }
        if weyl(row, 29.0) < 0.1 {
            table.numbers[2][row] = f64::NAN;
        }
    }
    table
}

#[test]
fn splits_are_those_of_a_search_of_all() {
    for (rows, leaves, least, l2) in [
        (40, 2, 1, 0.0),
        (90, 8, 3, 0.0),
        (200, 31, 5, 2.5),
        (30, 30, 1, 1.0),
    ] {
        let table = holed(rows);
        let parameters = Parameters {
            trees: 1,
            learning_rate: 1.0,
            max_leaves: leaves,
            min_data_in_leaf: least,
            lambda_l2: l2,
            ..Parameters::default()
        };
        let boosted = table.boost(&parameters);
        let mean = table.target.iter().sum::<f64>() / rows as f64;
        assert!((boosted.trees.base[0] - mean).abs() < 1e-12);
        let derivatives: Vec<(f64, f64)> = table.target.iter().map(|y| (mean - y, 1.0)).collect();
        compare(
            &table,
            &boosted.trees.trees[0],
            &derivatives,
            leaves,
            least,
            l2,
        );
    }
}

#[test]
fn splits_by_second_derivatives_are_those_of_a_search_of_all() {
    let table = binary(holed(200));
    let parameters = Parameters {
        objective: Objective::Logistic,
        trees: 2,
        learning_rate: 1.0,
        max_leaves: 9,
        min_data_in_leaf: 5,
        lambda_l2: 0.5,
        ..Parameters::default()
    };
    let trees = table.boost(&parameters).trees;
    let mut scores = vec![trees.base[0]; table.rows()];
    for tree in &trees.trees {
        let derivatives: Vec<(f64, f64)> = scores
            .iter()
            .zip(&table.target)
            .map(|(score, y)| {
                let p = 1.0 / (1.0 + (-score).exp());
                (p - y, p * (1.0 - p))
            })
            .collect();
        compare(&table, tree, &derivatives, 9, 5, 0.5);
        for (row, score) in scores.iter_mut().enumerate() {
            *score += tree.leaves[table.leaf(tree, row)].value;
        }
    }
}
