//! Derivatives against differences of the losses.

use super::example;
use crate::models::gbdt::Objective;
use crate::models::gbdt::Parameters;
use crate::models::gbdt::objective::{Derivatives, Labels, quantile};
use crate::models::gbdt::rank::Groups;

#[test]
fn first_and_second_derivatives_are_those_of_the_loss() {
    let one = [
        Objective::SquaredError,
        Objective::AbsoluteError,
        Objective::Huber { delta: 0.6 },
        Objective::Quantile { level: 0.3 },
        Objective::Logistic,
        Objective::Poisson,
    ];
    for objective in one {
        for (score, target) in [(0.3, 1.0), (-1.2, 0.0), (2.5, 1.0), (0.1, 0.0)] {
            let loss = |score: f64| objective.loss(&[vec![score]], 0, target);
            let (first, second) = objective.derivatives(score, target);
            let h = 1e-5;
            let slope = (loss(score + h) - loss(score - h)) / (2.0 * h);
            assert!(
                (first - slope).abs() < 1e-6,
                "{objective:?} {first} {slope}"
            );
            let curve = (loss(score + 1e-3) - 2.0 * loss(score) + loss(score - 1e-3)) / 1e-6;
            match objective {
                Objective::Poisson => assert!((second / 0.7_f64.exp() - curve).abs() < 1e-4),
                Objective::SquaredError | Objective::Logistic => {
                    assert!((second - curve).abs() < 1e-4, "{objective:?}");
                }
                _ => assert_eq!(second, 1.0),
            }
        }
    }
}

#[test]
fn softmax_derivatives_are_those_of_the_loss() {
    let objective = Objective::Softmax { classes: 3 };
    let scores = vec![vec![0.3, -1.0], vec![0.1, 2.0], vec![-0.7, 0.5]];
    let target = [2.0, 1.0];
    let labels = Labels {
        target: &target,
        weights: None,
    };
    let mut derivatives = Derivatives::new(3, 2, true);
    objective.derive(&scores, &labels, None, &mut derivatives);
    for class in 0..3 {
        for row in 0..2 {
            let loss = |step: f64| {
                let mut scores = scores.clone();
                scores[class][row] += step;
                objective.loss(&scores, row, target[row])
            };
            let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            assert!((derivatives.first[class][row] - slope).abs() < 1e-8);
            let curve = (loss(1e-3) - 2.0 * loss(0.0) + loss(-1e-3)) / 1e-6;
            assert!((derivatives.second[class][row] - 1.5 * curve).abs() < 1e-5);
        }
    }
}

#[test]
fn lambdas_pull_better_rows_up() {
    let (target, scores) = ([0.0, 2.0, 1.0, 0.0], [3.0, 0.0, 1.0, 2.0]);
    let hashes = crate::models::gbdt::Hashes::of(&[], &[&target], 42);
    let groups = Groups::of(&[0, 1, 2, 3], &[7.0; 4], &target, &hashes);
    let (mut first, mut second) = ([0.0; 4], [0.0; 4]);
    groups.derive(&scores, &mut first, &mut second);
    assert!(first[1] < first[2] && first[2] < first[0], "{first:?}");
    assert!(first.iter().sum::<f64>().abs() < 1e-12);
    assert!(second.iter().all(|&x| x > 0.0));
    // Discounted gains by hand: order 0, 3, 2, 1 against 1, 2, 0, 3.
    let gain = 1.0 / 2.0 + 3.0 / 5.0_f64.log2();
    let ideal = 3.0 + 1.0 / 3.0_f64.log2();
    assert!((groups.mean_ndcg(&scores) - gain / ideal).abs() < 1e-12);
}

#[test]
fn ranking_is_learnt() {
    let mut table = example(1000);
    table.times = Some((0..1000).map(|row| (row / 25) as f64).collect());
    let parameters = Parameters {
        objective: Objective::LambdaRank,
        ..Parameters::default()
    };
    let boosted = table.boost(&parameters);
    assert!(boosted.training < 0.1, "{}", boosted.training);
}

#[test]
fn quantiles_of_leaves() {
    let pairs = |values: &[f64]| values.iter().map(|&x| (x, 1.0)).collect::<Vec<_>>();
    assert_eq!(quantile(pairs(&[4.0, 1.0, 3.0, 2.0]), 0.5), 2.5);
    assert_eq!(quantile(pairs(&[1.0, 2.0, 3.0]), 1.0), 3.0);
    assert_eq!(quantile(vec![(1.0, 1.0), (2.0, 5.0), (3.0, 1.0)], 0.5), 2.0);
    assert_eq!(quantile(vec![], 0.5), 0.0);
}

#[test]
fn quantiles_are_predicted() {
    let table = example(2000);
    for level in [0.1, 0.5, 0.9] {
        let parameters = Parameters {
            objective: Objective::Quantile { level },
            ..Parameters::default()
        };
        let sums = table.sums(&table.boost(&parameters).trees);
        let below = sums
            .iter()
            .zip(&table.target)
            .filter(|(s, y)| y <= s)
            .count();
        assert!((below as f64 / 2000.0 - level).abs() < 0.05, "{below}");
    }
}
