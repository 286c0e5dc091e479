//! Losses of LightGBM 4.7 on the same rows with the same parameters, printed by
//! tests/python/gbdt_reference.py. A bin more or less moves the loss by a
//! percent, so that means over five numbers of bins are compared.

use super::{Table, binary, example};
use crate::models::gbdt::{Objective, Parameters};

const SQUARED_ERROR: f64 = 0.2164703185;
const ABSOLUTE_ERROR: f64 = 0.3755805529;
const HUBER: f64 = 0.2134554434;
const QUANTILE: f64 = 0.1333343250;
const LOGISTIC: f64 = 0.3354638814;
const POISSON: f64 = 0.9963400919;

fn halves(table: Table) -> (Table, Table) {
    let (mut train, mut test) = (table.clone(), table);
    let half = train.rows() / 2;
    train.target.truncate(half);
    train.numbers.iter_mut().for_each(|x| x.truncate(half));
    test.target.drain(..half);
    test.numbers.iter_mut().for_each(|x| {
        x.drain(..half);
    });
    (train, test)
}

fn test_loss(table: Table, objective: Objective, loss: impl Fn(f64, f64) -> f64) -> f64 {
    let (train, test) = halves(table);
    let each = (251..=255).map(|bins| {
        let parameters = Parameters {
            objective,
            bins,
            ..Parameters::default()
        };
        let sums = test.sums(&train.boost(&parameters).trees);
        let losses = sums.iter().zip(&test.target).map(|(s, y)| loss(*s, *y));
        losses.sum::<f64>() / test.rows() as f64
    });
    each.sum::<f64>() / 5.0
}

fn assert_near(loss: f64, of_lightgbm: f64) {
    let ratio = loss / of_lightgbm;
    assert!(
        (0.99..1.005).contains(&ratio),
        "{loss} {of_lightgbm}: {ratio}"
    );
}

#[test]
fn test_losses_are_those_of_lightgbm() {
    let rows = || example(8000);
    let square = |s: f64, y: f64| (s - y) * (s - y);
    assert_near(
        test_loss(rows(), Objective::SquaredError, square),
        SQUARED_ERROR,
    );
    let absolute = |s: f64, y: f64| (s - y).abs();
    assert_near(
        test_loss(rows(), Objective::AbsoluteError, absolute),
        ABSOLUTE_ERROR,
    );
    let huber = Objective::Huber { delta: 0.5 };
    assert_near(test_loss(rows(), huber, square), HUBER);
    let pinball = |s: f64, y: f64| (0.8 * (y - s)).max(-0.2 * (y - s));
    let quantile = Objective::Quantile { level: 0.8 };
    assert_near(test_loss(rows(), quantile, pinball), QUANTILE);
    let logistic = |s: f64, y: f64| (1.0 + s.exp()).ln() - y * s;
    assert_near(
        test_loss(binary(rows()), Objective::Logistic, logistic),
        LOGISTIC,
    );
    let mut counts = rows();
    counts
        .target
        .iter_mut()
        .for_each(|y| *y = (*y + 2.0).max(0.0).floor());
    let poisson = |s: f64, y: f64| s.exp() - y * s + 1.0;
    assert_near(test_loss(counts, Objective::Poisson, poisson), POISSON);
}
