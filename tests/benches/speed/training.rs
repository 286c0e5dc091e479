//! A search over boosted trees on purged folds.

use crate::harness::{compare, note, rows};

const FEATURES: usize = 50;

/// 50 trials of 100 trees on 5 purged folds; none is given up.
pub fn tune() {
    let features: Vec<String> = (0..FEATURES)
        .map(|i| format!("random() + random() + random() - 15e-1 AS c{i}"))
        .collect();
    let rows = rows(100_000);
    let table = format!(
        "CREATE TABLE t AS \
         SELECT *, c0 + 5e-1 * c1 + c2 * c3 + sin(3 * c4) - abs(c5) + 2 * (random() + random() + random() - 15e-1) AS y \
         FROM (SELECT k, {} FROM range({rows}) r(k))",
        features.join(", ")
    );
    let names: Vec<String> = (0..FEATURES).map(|i| format!("'c{i}'")).collect();
    let trials = |result: &str| {
        format!(
            "SELECT {result} FROM tune_model('t', 'y', [{}], 'k', NULL, 'gbdt', \
             {{'learning_rate': [2e-2, 5e-2, 1e-1, 15e-2, 2e-1], 'max_leaves': [7, 15, 31, 47, 63], \
               'lambda_l2': [0.0, 10.0]}}, \
             'grid', NULL, {{'trees': 100, 'min_data_in_leaf': 20}}, 'rmse', 'purged_kfold', 5, 2, 5, NULL, 0, NULL, false)",
            names.join(", ")
        )
    };
    note(
        "50 trials of 100 trees, 5 purged folds; best mean rmse beside the seconds of Optuna and LightGBM",
    );
    compare(
        &format!("tune_model, {rows} x {FEATURES}, 50 trials"),
        "tune_model",
        &table,
        1,
        &trials("min(mean)"),
        "tune",
    );
}

/// Purged folds of a panel of 50 entities: against the peer on as many rows as it
/// ends with, and on 5,000,000.
pub fn folds() {
    let table = |rows: usize| {
        format!(
            "CREATE TABLE t AS SELECT k % 50 AS entity, (k - k % 50) / 50 AS ts FROM range({rows}) r(k)"
        )
    };
    let sql = "SELECT sum(\"rows\") AS n FROM time_folds('t', 'purged_kfold', 'entity', 'ts', 5, 5, NULL, 3)";
    for (rows, peer) in [(200_000, "folds"), (5_000_000, "none")] {
        let rows = crate::harness::rows(rows);
        compare(
            &format!("time_folds, purged_kfold, {rows} rows of 50 entities"),
            "time_folds",
            &table(rows),
            2,
            sql,
            peer,
        );
    }
}
