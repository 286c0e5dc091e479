//! Least squares against the certified values of the eleven NIST Statistical
//! Reference Datasets for linear regression, on both engines and with partial states
//! merged. How many digits are right stands in docs/accuracy.md, which is what these
//! tests hold the library to.

#[path = "certified/data.rs"]
#[allow(clippy::excessive_precision, clippy::unreadable_literal)]
mod data;

use data::*;
use lagrange_tests::{DataFusionEngine, DuckDbEngine, Engine};

/// A problem: rows of the target and then the features, and per parameter the
/// certified estimate and standard deviation, the intercept first if there is one.
struct Set {
    name: &'static str,
    rows: Vec<Vec<f64>>,
    certified: Vec<[f64; 2]>,
    intercept: bool,
}

fn polynomial(pairs: &[(f64, f64)], degree: i32) -> Vec<Vec<f64>> {
    let row = |(y, x): &(f64, f64)| {
        let powers = (1..=degree).map(|power| x.powi(power));
        std::iter::once(*y).chain(powers).collect()
    };
    pairs.iter().map(row).collect()
}

fn wampler(name: &'static str, y: &[f64; 21], factor: f64, base: f64) -> Set {
    let pairs: Vec<(f64, f64)> = y.iter().copied().zip((0..21).map(f64::from)).collect();
    let certified = WAMPLER_DEVIATIONS.iter().zip(0..);
    Set {
        name,
        rows: polynomial(&pairs, 5),
        certified: certified
            .map(|(deviation, power)| [base.powi(power), deviation * factor])
            .collect(),
        intercept: true,
    }
}

fn sets() -> Vec<Set> {
    let set = |name, rows: Vec<Vec<f64>>, certified: &[[f64; 2]], intercept| Set {
        name,
        rows,
        certified: certified.to_vec(),
        intercept,
    };
    let longley = LONGLEY.iter().map(|row| row.to_vec()).collect();
    vec![
        set("Norris", polynomial(NORRIS, 1), &NORRIS_CERTIFIED, true),
        set("Pontius", polynomial(PONTIUS, 2), &PONTIUS_CERTIFIED, true),
        set("NoInt1", polynomial(NOINT1, 1), &[NOINT1_CERTIFIED], false),
        set("NoInt2", polynomial(NOINT2, 1), &[NOINT2_CERTIFIED], false),
        set("Longley", longley, &LONGLEY_CERTIFIED, true),
        set("Filip", polynomial(&FILIP, 10), &FILIP_CERTIFIED, true),
        wampler("Wampler1", &WAMPLER1, 0.0, 1.0),
        wampler("Wampler2", &WAMPLER2, 0.0, 0.1),
        wampler("Wampler3", &WAMPLER3, 1.0, 1.0),
        wampler("Wampler4", &WAMPLER4, 100.0, 1.0),
        wampler("Wampler5", &WAMPLER5, 10_000.0, 1.0),
    ]
}

fn engines() -> Vec<(&'static str, Box<dyn Engine>)> {
    vec![
        ("duckdb", Box::new(DuckDbEngine::new(2))),
        ("datafusion", Box::new(DataFusionEngine::new(2, 8192))),
        ("datafusion, merged", Box::new(DataFusionEngine::new(4, 1))),
    ]
}

/// The least number of correct digits over estimates and over standard deviations,
/// at most the fifteen that are certified.
fn digits(engine: &mut dyn Engine, set: &Set) -> (f64, f64) {
    let width = set.rows[0].len() - 1;
    let casts: Vec<String> = (1..=width)
        .map(|i| format!("CAST(x{i} AS DOUBLE) AS x{i}"))
        .collect();
    let names: Vec<String> = (1..=width).map(|i| format!("x{i}")).collect();
    let fields: Vec<String> = names
        .iter()
        .map(|name| format!("'{name}': {name}"))
        .collect();
    let rows: Vec<String> = set
        .rows
        .iter()
        .map(|row| {
            let values: Vec<String> = row.iter().map(|value| format!("{value:e}")).collect();
            format!("({})", values.join(", "))
        })
        .collect();
    engine
        .query(&format!(
            "CREATE TABLE fitted AS SELECT fit(y, {{{}}}, {{'intercept': {}}}) AS model FROM (\
             SELECT CAST(y AS DOUBLE) AS y, {} FROM (VALUES {}) v(y, {})) t",
            fields.join(", "),
            set.intercept,
            casts.join(", "),
            rows.join(", "),
            names.join(", "),
        ))
        .expect("the data can be fitted");
    let mut worst = [15.0_f64; 2];
    let first = if set.intercept { 1 } else { 2 };
    for (i, certified) in set.certified.iter().enumerate() {
        let fields = ["coefficient", "std_error"].iter().zip(certified);
        for (column, (field, expected)) in fields.enumerate() {
            // Computed in SQL, where no digit is lost in printing. What is certified
            // to be 0 is measured against the estimate.
            let scale = if *expected == 0.0 {
                certified[0]
            } else {
                *expected
            };
            let error = engine
                .number(&format!(
                    "SELECT abs(c[{}]['{field}'] - ({expected:e})) / abs({scale:e}) \
                     FROM (SELECT model_coefficients(model) AS c FROM fitted) t",
                    i + first
                ))
                .expect("the coefficient is there")
                .expect("it is not NULL");
            worst[column] = worst[column].min(-error.max(1e-17).log10());
        }
    }
    engine.query("DROP TABLE fitted").expect("the table goes");
    (worst[0], worst[1])
}

/// The digits that docs/accuracy.md promises, by set.
fn promised() -> Vec<(String, f64, f64)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/accuracy.md");
    let text = std::fs::read_to_string(path).expect("docs/accuracy.md is there");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let number = |i: usize| cells.get(i)?.parse().ok();
        Some(((*cells.get(1)?).to_owned(), number(3)?, number(4)?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn digits_are_as_promised() {
    let promised = promised();
    let sets = sets();
    let names: Vec<&str> = promised.iter().map(|(name, _, _)| name.as_str()).collect();
    let known: Vec<&str> = sets.iter().map(|set| set.name).collect();
    assert_eq!(names, known, "docs/accuracy.md lists every set");
    let mut missed = Vec::new();
    for (set, (_, least_estimate, least_deviation)) in sets.iter().zip(&promised) {
        for (engine_name, mut engine) in engines() {
            let (estimates, deviations) = digits(engine.as_mut(), set);
            let found = format!(
                "{} on {engine_name}: {estimates:.1} digits, standard deviations {deviations:.1}",
                set.name
            );
            println!("{found}");
            if estimates < *least_estimate || deviations < *least_deviation {
                missed.push(found);
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
