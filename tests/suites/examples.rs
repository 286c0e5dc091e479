//! The example of every function runs as printed, on both engines, with the
//! same result.

use lagrange_tests::{engines, serve_example};

#[test]
fn every_example_runs_on_both_engines_alike() {
    serve_example();
    let mut failures = Vec::new();
    for function in lagrange_udfs::functions::all() {
        let signature = function.signature();
        let results: Vec<_> = engines()
            .iter_mut()
            .map(|engine| {
                engine
                    .query(signature.example)
                    .map_err(|error| error.to_string())
            })
            .collect();
        match results.as_slice() {
            [Ok(duckdb), Ok(datafusion)] if duckdb == datafusion && !duckdb.rows.is_empty() => {}
            _ => failures.push(format!(
                "{}: {}\n{results:#?}",
                signature.name, signature.example
            )),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
