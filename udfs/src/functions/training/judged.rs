//! What models came to, as columns.

use crate::models::validation::scores::{METRICS, Scores};
use crate::value::{Column, Type};

/// A column per metric.
pub const METRIC_FIELDS: [(&str, Type); METRICS.len()] = {
    let mut fields = [("", Type::Double); METRICS.len()];
    let mut i = 0;
    while i < fields.len() {
        fields[i].0 = METRICS[i].name;
        i += 1;
    }
    fields
};

/// Those columns for rows of scores.
pub fn metric_columns<'a>(rows: impl Iterator<Item = &'a Scores> + Clone) -> Vec<Column> {
    let of = |place: usize| Column::Double(rows.clone().map(|scores| scores[place]).collect());
    (0..METRICS.len()).map(of).collect()
}

/// Text in every row.
pub fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Column {
    Column::Text(values.map(|value| Some(value.to_owned())).collect())
}

/// A count in every row.
pub fn counts(values: impl Iterator<Item = u64>) -> Column {
    Column::Integer(values.map(|value| Some(value as i64)).collect())
}
