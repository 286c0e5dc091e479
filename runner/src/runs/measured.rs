//! The metrics in result tables, under keys that MLflow takes: the table, what
//! tells its rows apart, and the metric.

use super::moment::Moment;
use super::record::Metric;
use super::results::{Kind, METRICS, Rows};

/// How many metrics are taken from one table.
const MOST: usize = 2_000;

/// The metrics of a table.
pub fn metrics(table: &str, kind: Kind, rows: &Rows, at: Moment) -> Vec<Metric> {
    let mut reader = Reader {
        table,
        kind,
        rows,
        at,
        metrics: Vec::new(),
    };
    reader.read();
    reader.metrics.truncate(MOST);
    reader.metrics
}

struct Reader<'a> {
    table: &'a str,
    kind: Kind,
    rows: &'a Rows,
    at: Moment,
    metrics: Vec<Metric>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let rows = self.rows;
        match self.kind {
            Kind::Folds => {
                for row in &rows.rows {
                    let fold = rows.number(row, "fold").unwrap_or_default() as i64;
                    let names = ["in_sample", "out_of_sample"].iter().chain(&METRICS);
                    for name in names {
                        self.add(row, name, name, fold);
                    }
                }
            }
            Kind::Evaluation => {
                for row in &rows.rows {
                    let name = rows.text(row, "metric");
                    self.add(row, &name, "value", 0);
                }
            }
            Kind::Training => {
                for row in &rows.rows {
                    for name in ["cv_mean", "cv_std", "in_sample", "out_of_sample"] {
                        self.add(row, name, name, 0);
                    }
                }
            }
            Kind::TrainingMetrics => {
                for row in &rows.rows {
                    let metric = rows.text(row, "metric");
                    for name in ["cv_mean", "cv_std", "in_sample", "out_of_sample"] {
                        self.add(row, &format!("{name}/{metric}"), name, 0);
                    }
                }
            }
            Kind::Selection => {
                for row in &rows.rows {
                    for name in ["value", "difference", "p_adjusted", "sharpe", "dsr", "pbo"] {
                        self.add(row, name, name, 0);
                    }
                }
            }
            Kind::Calibration => {
                for (_, part) in rows.apart(self.kind) {
                    if let Some(row) = part.rows.first() {
                        let name = "expected_calibration_error";
                        self.add(row, name, name, 0);
                    }
                }
            }
            Kind::Backtest => {
                for (labels, part) in rows.apart(self.kind) {
                    self.backtest(&part, &labels);
                }
            }
            Kind::Trials => {
                for row in &rows.rows {
                    if rows.number(row, "rank") == Some(1.0) {
                        let name = format!("best/{}", rows.text(row, "metric"));
                        self.add(row, &name, "mean", 0);
                    }
                }
            }
            Kind::Summary => {
                for row in &rows.rows {
                    for name in METRICS {
                        self.add(row, name, name, 0);
                    }
                }
            }
            _ => {}
        }
    }

    /// The end of the curve, and its deepest fall.
    fn backtest(&mut self, part: &Rows, labels: &[String]) {
        let numbers = |name: &'static str| {
            let rows = part.rows.iter();
            rows.filter_map(move |row| part.number(row, name))
        };
        let equity = numbers("equity").next_back();
        let drawdown = numbers("drawdown").reduce(f64::min);
        for (name, value) in [("equity", equity), ("max_drawdown", drawdown)] {
            if let Some(value) = value {
                self.push(name, value, 0, labels.to_vec());
            }
        }
    }

    /// A value, unless it is NULL.
    fn add(&mut self, row: &[serde_json::Value], name: &str, column: &str, step: i64) {
        if let Some(value) = self.rows.number(row, column) {
            let labels = self.rows.labels(self.kind, row);
            self.push(name, value, step, labels);
        }
    }

    fn push(&mut self, name: &str, value: f64, step: i64, labels: Vec<String>) {
        let mut parts = vec![self.table];
        parts.extend(labels.iter().map(String::as_str));
        parts.push(name);
        self.metrics.push(Metric {
            key: parts.join("/"),
            value,
            step,
            at: self.at,
            table: self.table.to_owned(),
            labels,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runs::results::Values;

    fn keys(
        kind: Kind,
        columns: &[(&str, Values)],
        rows: Vec<Vec<serde_json::Value>>,
    ) -> Vec<String> {
        let rows = Rows {
            columns: columns
                .iter()
                .map(|(name, values)| ((*name).to_owned(), *values))
                .collect(),
            rows,
        };
        let metrics = metrics("t", kind, &rows, Moment(0));
        metrics
            .iter()
            .map(|metric| format!("{} {} {}", metric.key, metric.value, metric.step))
            .collect()
    }

    #[test]
    fn metrics_of_folds_have_steps() {
        let columns = [
            ("fold", Values::Integers),
            ("metric", Values::Texts),
            ("out_of_sample", Values::Doubles),
            ("ic", Values::Doubles),
        ];
        let rows = vec![
            vec![json!(1), json!("ic"), json!(0.5), json!(0.5)],
            vec![json!(2), json!("ic"), json!("NaN"), json!(null)],
        ];
        assert_eq!(
            keys(Kind::Folds, &columns, rows),
            [
                "t/out_of_sample 0.5 1",
                "t/ic 0.5 1",
                "t/out_of_sample NaN 2"
            ]
        );
    }

    #[test]
    fn rows_of_a_summary_are_told_apart_by_their_texts() {
        let columns = [
            ("model", Values::Texts),
            ("split", Values::Texts),
            ("first_ts", Values::Others),
            ("ic", Values::Doubles),
        ];
        let rows = vec![vec![
            json!("ridge"),
            json!("test"),
            json!("2020-01-01"),
            json!(0.1),
        ]];
        assert_eq!(
            keys(Kind::Summary, &columns, rows),
            ["t/ridge/test/ic 0.1 0"]
        );
    }
}
