use serde_json::{Value as Json, json};

use super::{SIGNATURE, Select, short};
use crate::functions::gather::numbers::OverNumbers;
use crate::options::Options;
use crate::statistics::random::Random;
use crate::value::{Column, Value};

/// Rows by date, then entity, then candidate: 3 entities, `dates` dates. Candidate 2
/// has half the noise of candidate 1, candidate 3 is candidate 1 and a little more.
fn rows(dates: usize) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); 7];
    let mut random = Random::stream(11, "rows", 0);
    let mut unit = || (random.bits() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    for date in 1..=dates {
        for entity in 1..=3 {
            let (actual, noise) = (unit() * 0.02, unit() * 0.04);
            for candidate in 1..=3 {
                let predicted = match candidate {
                    1 => actual + noise,
                    2 => actual + noise / 2.0,
                    _ => actual + noise + unit() * 1e-6,
                };
                let is_champion = f64::from(u8::from(candidate == 1));
                let row = [
                    date as f64,
                    f64::from(entity),
                    f64::from(candidate),
                    is_champion,
                    actual,
                    predicted,
                    actual,
                ];
                columns
                    .iter_mut()
                    .zip(row)
                    .for_each(|(c, value)| c.push(value));
            }
        }
    }
    columns
}

fn select(columns: &[Vec<f64>], options: Json) -> crate::Result<Vec<Column>> {
    let options = Options::parse(&SIGNATURE, &options).unwrap();
    match Select.finish(columns, &options)? {
        Value::Rows(columns) => Ok(columns),
        other => panic!("{other:?}"),
    }
}

fn doubles(column: &Column) -> Vec<Option<f64>> {
    match column {
        Column::Double(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn winner(found: &[Column]) -> usize {
    match &found[14] {
        Column::Boolean(values) => values.iter().position(|v| *v == Some(true)).unwrap() + 1,
        other => panic!("{other:?}"),
    }
}

fn reasons(found: &[Column]) -> Vec<String> {
    match &found[15] {
        Column::Text(values) => values.iter().map(|text| text.clone().unwrap()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_challenger_that_is_better_beyond_doubt_wins() {
    for test in ["diebold_mariano", "stationary_bootstrap", "block_bootstrap"] {
        let options = json!({"champion": "one", "test": test, "has_returns": true});
        let found = select(&rows(120), options).unwrap();
        assert_eq!(winner(&found), 2, "{test}");
        let reasons = reasons(&found);
        assert!(
            reasons[1].starts_with("better than the champion by"),
            "{reasons:?}"
        );
        assert!(reasons[0].starts_with("replaced"), "{reasons:?}");
        assert!(reasons[2].contains("perhaps by chance"), "{reasons:?}");
        let difference = doubles(&found[4]);
        assert_eq!(difference[0], Some(0.0));
        assert!(difference[1].unwrap() > 0.003);
        let p = doubles(&found[6])[1].unwrap();
        assert!(p < 0.01, "{p}");
        assert!(doubles(&found[7])[1].unwrap() >= p);
        assert!(doubles(&found[10])[0].unwrap() < 0.01);
        assert!(doubles(&found[9])[1].unwrap() > 0.9);
    }
}

#[test]
fn the_champion_stays_where_proof_lacks() {
    let few = select(&rows(2), json!({"champion": "one"})).unwrap();
    assert_eq!(winner(&few), 1);
    assert!(reasons(&few)[0].starts_with("stays"));
    assert_eq!(doubles(&few[10])[0], None, "two dates have no pbo");
    let strict = json!({"champion": "one", "min_dsr": 0.9});
    let found = select(&rows(120), strict).unwrap();
    assert_eq!(winner(&found), 1);
    assert!(reasons(&found)[1].contains("no dsr"));
    let many = json!({"champion": "one", "min_dsr": 1.0, "has_returns": true, "trials": 1_000_000, "trials_deviation": 1.0});
    let found = select(&rows(120), many).unwrap();
    assert_eq!(winner(&found), 1);
    assert!(reasons(&found)[1].contains("proves too little"));
}

#[test]
fn without_a_champion_the_best_is_taken() {
    let mut columns = rows(120);
    columns[3].fill(0.0);
    for metric in ["rmse", "mae", "hit_rate", "rank_ic", "ic", "net_return"] {
        let options = json!({"metric": metric, "has_returns": true});
        let found = select(&columns, options).unwrap();
        assert_eq!(winner(&found), 2, "{metric}");
        let reason = &reasons(&found)[1];
        assert!(reason.starts_with(&format!("best by {metric}")), "{reason}");
    }
}

/// What one candidate does not predict is taken from none.
#[test]
fn candidates_are_compared_on_the_same_rows() {
    let whole = rows(20);
    let mut gap = whole.clone();
    gap[5][1] = f64::NAN;
    let mut absent = whole.clone();
    absent.iter_mut().for_each(|column| {
        column.remove(1);
    });
    let mut without = whole;
    without.iter_mut().for_each(|column| {
        column.drain(..3);
    });
    let without = select(&without, json!({})).unwrap();
    for columns in [&gap, &absent] {
        let found = select(columns, json!({})).unwrap();
        assert_eq!(doubles(&found[3]), doubles(&without[3]));
        assert_eq!(found[13], Column::Integer(vec![Some(1); 3]));
    }
    // A row without an outcome still takes positions: its capital is not free.
    let mut unknown = rows(20);
    unknown[4][..3].fill(f64::NAN);
    unknown[6][..3].fill(f64::NAN);
    let options = json!({"metric": "net_return", "has_returns": true});
    let [whole, unknown] = [rows(20), unknown].map(|columns| {
        let found = select(&columns, options.clone()).unwrap();
        (doubles(&found[3])[0].unwrap(), found[13].clone())
    });
    assert_eq!(unknown.1, Column::Integer(vec![Some(1); 3]));
    let first = rows(20);
    let lost = first[5][0].signum() * first[6][0] / 3.0 / 20.0;
    assert!((whole.0 - unknown.0 - lost).abs() < 1e-15);
    let mut nothing = rows(20);
    nothing[5].fill(f64::NAN);
    let found = select(&nothing, json!({"champion": "one", "has_returns": true})).unwrap();
    assert_eq!(doubles(&found[3]), [None; 3]);
    assert!(reasons(&found)[1].contains("no period"));
}

#[test]
fn bad_input_says_what_to_do() {
    let error =
        |columns: &[Vec<f64>], options: Json| select(columns, options).unwrap_err().to_string();
    let columns = rows(20);
    let mut differing = columns.clone();
    differing[4][1] += 1.0;
    assert!(error(&differing, json!({})).contains("'actual' differs between candidates"));
    assert!(error(&columns, json!({"metric": "brier"})).contains("outcomes of 0 or 1"));
    assert!(error(&columns, json!({"trials": 2})).contains("count all that were tried"));
    let mut none = columns.clone();
    none[3].fill(0.0);
    assert!(error(&none, json!({"champion": "x"})).contains("no row has that candidate"));
    let mut loss = columns;
    loss[6].fill(-2.0);
    assert!(error(&loss, json!({"has_returns": true})).contains("argument 'forward_return' is -2"));
}

#[test]
fn numbers_in_sentences_are_short() {
    let found = [0.05, 0.0, 0.000_123_4, 12.0, 0.123_456].map(short);
    assert_eq!(found, ["0.05", "0", "1.23e-4", "12", "0.1235"]);
}
