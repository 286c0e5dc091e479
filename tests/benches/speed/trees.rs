//! Gradient boosting and forests: fits, with the loss on the same test rows,
//! predictions and explanations.

use lagrange_tests::Engine;

use crate::harness::{compare_on, fields, load, load_datafusion, note, python, report, rows, time};

const FEATURES: usize = 50;

/// One value for all rows: a join would copy the model to each of them on DataFusion.
const MODEL: &str = "(SELECT model FROM m)";

/// Features of noise; `y` has main effects, an interaction and bends, `z` the same as odds, and
/// of `noisy` little can be foreseen, as of a return. Every fifth row tests.
fn table(rows: usize) -> String {
    let features: Vec<String> = (0..FEATURES)
        .map(|i| format!("random() + random() + random() - 15e-1 AS c{i}"))
        .collect();
    format!(
        "CREATE TABLE t AS \
         SELECT * EXCLUDE (signal), signal + random() + random() + random() - 15e-1 AS y, \
                CASE WHEN random() < 1 / (1 + exp(-2 * signal)) THEN 1 ELSE 0 END AS z, \
                1e-1 * signal + 2 * (random() + random() + random() - 15e-1) AS noisy \
         FROM (SELECT *, c0 + 5e-1 * c1 + c2 * c3 + sin(3 * c4) - abs(c5) AS signal \
               FROM (SELECT k % 5 = 0 AS test, {} FROM range({rows}) r(k)))",
        features.join(", ")
    )
}

/// A fit to the four rows in five that train.
struct Fit {
    title: String,
    target: &'static str,
    rows: usize,
    options: String,
    /// An aggregate of the target `y` and the prediction `p`.
    loss: &'static str,
    /// Of peers/trees.py.
    peer: String,
    /// Whether the model takes gigabytes.
    is_large: bool,
}

impl Fit {
    fn run(&self) {
        let (mut duckdb, _folder, parquet) = load(&table(self.rows * 5 / 4));
        let ours = self.measure(&mut duckdb, "DuckDB");
        drop(duckdb);
        let mut datafusion = load_datafusion(&parquet);
        let seconds = self.measure(&mut datafusion, "DataFusion");
        drop(datafusion);
        let mut peers = vec![("fit on DataFusion".to_owned(), seconds)];
        peers.extend(python(&self.peer, &parquet));
        let title = format!("{}, {} x {FEATURES}", self.title, self.rows);
        report(&title, ("fit on DuckDB", ours), &peers);
    }

    /// The seconds of the fit; prints its loss.
    fn measure(&self, engine: &mut dyn Engine, name: &str) -> f64 {
        let features = fields(0..FEATURES);
        let fit = format!(
            "SELECT fit({}, {features}, {{{}}}) AS model FROM t WHERE NOT test",
            self.target, self.options
        );
        let (seconds, model, test) = if self.is_large {
            // A table would hold its gigabytes once more, and each thread of DuckDB that
            // predicts copies them.
            let counted = format!("SELECT count(model) AS n FROM ({fit}) x");
            let seconds = time(engine, 1, &counted);
            let test = "(SELECT * FROM t WHERE test LIMIT 20000) s";
            (seconds, format!("({fit})"), test)
        } else {
            let fit = format!("CREATE OR REPLACE TABLE m AS {fit}");
            (time(engine, 2, &fit), MODEL.to_owned(), "t WHERE test")
        };
        let predict = match self.target {
            "z" => "predict_proba",
            _ => "predict",
        };
        let loss = format!(
            "SELECT {} AS loss FROM (SELECT {} AS y, {predict}({model}, {features}) AS p \
             FROM {test}) x",
            self.loss, self.target
        );
        match engine.query(&loss) {
            Ok(table) => note(&format!("{name}: {} = {}", self.loss, table.rows[0][0])),
            Err(error) => panic!("{error}"),
        }
        seconds
    }
}

const LOG_LOSS: &str = "avg(-ln(CASE WHEN y = 1 THEN p ELSE 1 - p END))";

/// Gradient boosting.
pub fn gbdt() {
    for rows in [rows(100_000), rows(1_000_000)] {
        for trees in [100, 500] {
            let options = |objective: &str| {
                format!(
                    "'algorithm': 'gbdt', 'objective': '{objective}', 'trees': {trees}, 'max_leaves': 63, \
                     'learning_rate': 1e-1, 'bins': 255, 'min_data_in_leaf': 20"
                )
            };
            let fit =
                |title: &str, target: &'static str, objective: &str, loss: &'static str| Fit {
                    title: format!("gbdt {title}, {trees} trees"),
                    target,
                    rows,
                    options: options(objective),
                    loss,
                    peer: format!("gbdt_{target}_{trees}"),
                    is_large: false,
                };
            fit("regression", "y", "squared_error", "rmse(y, p)").run();
            fit("binary", "z", "logistic", LOG_LOSS).run();
        }
        let options = "'algorithm': 'gbdt', 'trees': 100, 'max_leaves': 31, 'learning_rate': 2e-2, \
                       'min_data_in_leaf': 200";
        Fit {
            title: "gbdt of a noisy return, 100 trees".to_owned(),
            target: "noisy",
            rows,
            options: options.to_owned(),
            loss: "ic(y, p)",
            peer: "gbdt_noisy".to_owned(),
            is_large: false,
        }
        .run();
    }
}

/// Random forests.
pub fn forest() {
    Fit {
        title: "random_forest, 200 trees".to_owned(),
        target: "y",
        rows: rows(200_000),
        options: "'algorithm': 'random_forest', 'trees': 200".to_owned(),
        loss: "rmse(y, p)",
        peer: "forest".to_owned(),
        is_large: true,
    }
    .run();
}

/// Predictions of all rows, and contributions of all features.
pub fn predict() {
    let features = fields(0..FEATURES);
    let train = format!(
        "CREATE TABLE m AS SELECT fit(y, {features}, {{'algorithm': 'gbdt', 'trees': 500, 'max_leaves': 63}}) AS model \
         FROM (SELECT * FROM t LIMIT 100000) s"
    );
    let rows = rows(1_000_000);
    compare_on(
        &format!("predict, {rows} x {FEATURES}, 500 trees of 63 leaves"),
        "predict",
        &[table(rows), train.clone()],
        2,
        &format!("SELECT sum(predict({MODEL}, {features})) AS s FROM t"),
        "predict",
    );
    let rows = rows / 100;
    compare_on(
        &format!("explain_predict, {rows} x {FEATURES}, 500 trees of 63 leaves"),
        "explain_predict",
        &[table(rows), train],
        1,
        &format!("SELECT count(explain_predict({MODEL}, {features})) AS n FROM t"),
        "shap",
    );
}
