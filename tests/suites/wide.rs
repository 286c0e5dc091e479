//! Two thousand columns, on both engines.

use lagrange_tests::{Engine, engines};

const COLUMNS: usize = 2_000;

fn names() -> impl Iterator<Item = String> {
    (0..COLUMNS).map(|i| format!("c{i}"))
}

/// A struct of all columns but the first.
fn features() -> String {
    let fields: Vec<String> = names().skip(1).map(|c| format!("'{c}': {c}")).collect();
    format!("{{{}}}", fields.join(", "))
}

fn load(engine: &mut dyn Engine, rows: usize) {
    let columns: Vec<String> = names()
        .enumerate()
        .map(|(i, name)| {
            format!(
                "CAST((k * {} + {i}) % 1009 AS DOUBLE) AS {name}",
                7919 + i * i
            )
        })
        .collect();
    let sql = format!(
        "CREATE TABLE wide AS SELECT k, {} FROM range({rows}) r(k)",
        columns.join(", ")
    );
    engine.query(&sql).expect("the table is made");
}

fn number(engine: &mut dyn Engine, sql: &str) -> f64 {
    engine.number(sql).expect("a number").expect("not NULL")
}

#[test]
fn correlations_of_two_thousand_columns() {
    let results = engines().into_iter().map(|mut engine| {
        load(engine.as_mut(), 300);
        let sql = format!(
            "CREATE TABLE m AS SELECT corr_matrix({}) AS m FROM wide",
            features()
        );
        engine.query(&sql).expect("the matrix is made");
        let pairs = number(engine.as_mut(), "SELECT array_length(m) FROM m");
        assert_eq!(pairs, (COLUMNS - 1) as f64 * (COLUMNS - 2) as f64 / 2.0);
        let last = format!("SELECT m[{pairs}]['correlation'] FROM m");
        let r = number(engine.as_mut(), &last);
        let direct = format!("SELECT corr(c{}, c{}) FROM wide", COLUMNS - 2, COLUMNS - 1);
        assert!((r - number(engine.as_mut(), &direct)).abs() < 1e-12);
        r
    });
    let results: Vec<f64> = results.collect();
    assert!((results[0] - results[1]).abs() < 1e-12);
}

#[test]
fn a_model_of_two_thousand_features() {
    let results = engines().into_iter().map(|mut engine| {
        load(engine.as_mut(), 200);
        let sql = format!(
            "CREATE TABLE m AS SELECT fit(c0, {}, {{'algorithm': 'ridge'}}) AS model FROM wide",
            features()
        );
        engine.query(&sql).expect("the model is fitted");
        let sql = format!(
            "SELECT rmse(c0, predict(model, {})) FROM wide CROSS JOIN m",
            features()
        );
        number(engine.as_mut(), &sql)
    });
    let results: Vec<f64> = results.collect();
    assert!(
        (results[0] - results[1]).abs() < 1e-9 * results[0],
        "{results:?}"
    );
}

#[test]
fn lags_of_two_thousand_columns() {
    for mut engine in engines() {
        load(engine.as_mut(), 20);
        let columns: Vec<String> = names().map(|name| format!("'{name}'")).collect();
        let sql = format!(
            "CREATE TABLE lagged AS SELECT * FROM lag_features('wide', [{}], 1, NULL, 'k')",
            columns.join(", ")
        );
        engine.query(&sql).expect("the lags are made");
        let sql = "SELECT count(*) FROM lagged WHERE c1999_lag1 IS NULL";
        assert_eq!(number(engine.as_mut(), sql), 1.0);
    }
}
