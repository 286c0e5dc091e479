//! What a table says of the worth of its model: the report of `train_model`.

use lagrange_udfs::call::quote_name;
use serde_json::{Map, Value as Json};
use sqlparser::ast::ObjectName;

use crate::engines::{Comparison, Engine};
use crate::error::Result;
use crate::registry::manifest::{Metric, Stability};

/// What is known of a model besides its bytes.
#[derive(Debug, Default, Clone)]
pub struct Measures {
    /// What it is worth.
    pub metrics: Vec<Metric>,
    /// How far its features have moved.
    pub stability: Vec<Stability>,
}

/// Reads the report beside the model of a table with one row.
///
/// # Errors
/// The columns of the table cannot be told.
pub async fn of(
    engine: &mut dyn Engine,
    table: &str,
    target: &ObjectName,
    row: &Map<String, Json>,
) -> Result<Measures> {
    let mut columns = engine.columns(table).await?;
    if columns.is_empty() {
        // DataFusion has it in lower case, unless it was quoted.
        columns = engine.columns(&table.to_lowercase()).await?;
    }
    let is_list = |name: &str| {
        let mut columns = columns.iter();
        columns.any(|(column, kind)| column == name && *kind == Comparison::Nested)
    };
    let mut measures = Measures::default();
    if is_list("metrics") {
        let fields = ["metric", "in_sample", "cv_mean", "cv_std", "out_of_sample"];
        let rows = rows(engine, target, "metrics", &fields).await;
        measures.metrics = rows.into_iter().filter_map(metric).collect();
    }
    if is_list("stability") {
        let rows = rows(
            engine,
            target,
            "stability",
            &["feature", "psi", "ks", "status"],
        )
        .await;
        measures.stability = rows.into_iter().filter_map(moved).collect();
    }
    if measures.metrics.is_empty() {
        measures.metrics.extend(plain(row));
    }
    Ok(measures)
}

/// The rows of a list of structs. A column of another form has none: it is not ours.
async fn rows(
    engine: &mut dyn Engine,
    table: &ObjectName,
    column: &str,
    fields: &[&str],
) -> Vec<Vec<Option<String>>> {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| format!("m['{field}'] AS {}", quote_name(field)))
        .collect();
    let sql = format!(
        "SELECT {} FROM (SELECT unnest({}) AS m FROM {table}) AS listed",
        fields.join(", "),
        quote_name(column)
    );
    engine.texts(&sql).await.unwrap_or_default()
}

fn number(text: Option<String>) -> Option<f64> {
    text?.parse().ok().filter(|value: &f64| value.is_finite())
}

fn metric(row: Vec<Option<String>>) -> Option<Metric> {
    let [metric, in_sample, cv_mean, cv_std, out_of_sample]: [Option<String>; 5] =
        row.try_into().ok()?;
    Some(Metric {
        metric: metric?,
        in_sample: number(in_sample),
        cv_mean: number(cv_mean),
        cv_std: number(cv_std),
        out_of_sample: number(out_of_sample),
    })
}

fn moved(row: Vec<Option<String>>) -> Option<Stability> {
    let [feature, psi, ks, status]: [Option<String>; 4] = row.try_into().ok()?;
    Some(Stability {
        feature: feature?,
        psi: number(psi),
        ks: number(ks),
        status: status?,
    })
}

/// The one metric that `train_model` has in plain columns.
fn plain(row: &Map<String, Json>) -> Option<Metric> {
    let value = |name: &str| row.get(name).and_then(Json::as_f64);
    let metric = Metric {
        metric: row.get("metric")?.as_str()?.to_owned(),
        in_sample: value("in_sample"),
        cv_mean: value("cv_mean"),
        cv_std: value("cv_std"),
        out_of_sample: value("out_of_sample"),
    };
    let known = [metric.in_sample, metric.cv_mean, metric.out_of_sample];
    known.iter().any(Option::is_some).then_some(metric)
}
