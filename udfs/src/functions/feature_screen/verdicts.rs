//! What features are to each other, and which to use.

use super::NAME;
use super::columns::ScreenedColumn;
use crate::error::{Error, Result};
use crate::functions::gather::Gathered;
use crate::functions::relevance_tests::false_discovery;
use crate::options::Options;
use crate::statistics::clusters;
use crate::statistics::column_store::StoredColumn;
use crate::statistics::selection::relations::cross_moments;
use crate::statistics::vif::from_correlations;
use crate::value::{Column, Value};

/// Of one feature.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    q_value: Option<f64>,
    vif: Option<f64>,
    /// Its number, and who stands for it.
    cluster: Option<(usize, usize)>,
    /// Why not; none: selected.
    refused: Option<String>,
}

/// Of every feature, in order. `rows` are the gathered ones in an order that does
/// not depend on how they arrived.
pub fn of(
    gathered: &Gathered<'_>,
    columns: &[ScreenedColumn],
    rows: &[u32],
    options: &Options,
) -> Result<Vec<Verdict>> {
    let names = gathered.names;
    let mut verdicts = vec![Verdict::default(); columns.len()];
    let candidates: Vec<usize> = (0..columns.len())
        .filter(|&i| !is_pattern(&names[i]))
        .collect();
    let p_values: Vec<Option<f64>> = candidates.iter().map(|&i| columns[i].p_value).collect();
    let method = false_discovery(options);
    for (&i, q_value) in candidates.iter().zip(method.q_values(&p_values)) {
        verdicts[i].q_value = q_value;
    }
    for (i, column) in columns.iter().enumerate() {
        verdicts[i].refused = refusal(&names[i], column, verdicts[i].q_value, options);
    }
    let varying: Vec<usize> = candidates
        .into_iter()
        .filter(|&i| columns[i].distinct > 1)
        .collect();
    let r = correlations(gathered, &varying, rows)?;
    relate(
        &r,
        &varying,
        gathered.names,
        columns,
        options,
        &mut verdicts,
    );
    Ok(verdicts)
}

fn is_pattern(name: &str) -> bool {
    name.to_lowercase().starts_with("base_w")
}

/// The first rule that a feature fails, repetition apart.
fn refusal(
    name: &str,
    column: &ScreenedColumn,
    q_value: Option<f64>,
    options: &Options,
) -> Option<String> {
    let (max_missing, level) = (options.number("max_missing"), options.number("level"));
    let missing = column.missing_share.unwrap_or(1.0);
    if is_pattern(name) {
        Some("pattern: a target is made of it".to_owned())
    } else if column.n == 0 {
        Some("no values".to_owned())
    } else if missing > max_missing {
        Some(format!(
            "missing: {missing:.3} of the rows, above {max_missing}"
        ))
    } else if column.distinct == 1 {
        Some("constant".to_owned())
    } else {
        match q_value {
            None => Some("irrelevant: nothing to test".to_owned()),
            Some(q) if q > level => Some(format!("irrelevant: q-value {q:.3}, above {level}")),
            Some(_) => None,
        }
    }
}

/// Correlations of some features, as a matrix.
fn correlations(gathered: &Gathered<'_>, features: &[usize], rows: &[u32]) -> Result<Vec<f64>> {
    let p = features.len();
    let columns: Vec<StoredColumn<'_>> = features
        .iter()
        .map(|&i| gathered.stored.feature(i))
        .collect();
    let places = gathered.stored.places(rows);
    let value = |i: usize, place: u32| columns[i].at(place);
    let moments = cross_moments(p, &places, value)
        .map_err(|_| Error::data(NAME, "squares of values overflow; scale the features down"))?;
    let mut r = vec![0.0; p * p];
    for i in 0..p {
        r[i * p + i] = 1.0;
        for j in 0..i {
            let correlation = moments.pair(i, j).correlation().unwrap_or_default();
            r[j * p + i] = correlation;
            r[i * p + j] = correlation;
        }
    }
    Ok(r)
}

/// What follows from the correlations of the features that are no patterns and
/// vary.
fn relate(
    r: &[f64],
    varying: &[usize],
    names: &[String],
    columns: &[ScreenedColumn],
    options: &Options,
    verdicts: &mut [Verdict],
) {
    let p = varying.len();
    for (&i, vif) in varying.iter().zip(from_correlations(r, p)) {
        verdicts[i].vif = vif;
    }
    // Those that may be selected gather the others, the best of them first.
    let strength = |place: usize| {
        let i = varying[place];
        let rank_ic = columns[i].rank_ic.map_or(-1.0, f64::abs);
        (verdicts[i].refused.is_none(), rank_ic)
    };
    let mut order = clusters::by_strength(p, |place| strength(place).1);
    order.sort_by_key(|&place| !strength(place).0);
    let threshold = options.number("max_correlation");
    let anchor_of = clusters::greedy(p, &order, |a, b| r[a * p + b], threshold);
    // Numbered as their anchors come.
    let anchors = order.iter().filter(|&&place| anchor_of[place] == place);
    let mut number = vec![0; p];
    for (count, &anchor) in (1..).zip(anchors) {
        number[anchor] = count;
    }
    let found = anchor_of
        .iter()
        .map(|&anchor| (number[anchor], varying[anchor]));
    for (&i, cluster) in varying.iter().zip(found) {
        verdicts[i].cluster = Some(cluster);
    }
    for (place, &i) in varying.iter().enumerate() {
        let (_, representative) = found_of(&verdicts[i]);
        if verdicts[i].refused.is_none() && representative != i {
            let other = varying.iter().position(|&v| v == representative);
            let strength = other.map_or(0.0, |other| r[other * p + place]);
            let name = &names[representative];
            verdicts[i].refused = Some(format!("repeats {name}: correlation {strength:.3}"));
        }
    }
}

fn found_of(verdict: &Verdict) -> (usize, usize) {
    verdict.cluster.unwrap_or_default()
}

/// The lag that a name ends with, and what is before it.
fn lag_of(name: &str) -> (&str, i64) {
    name.rsplit_once("_lag")
        .and_then(|(base, lag)| Some((base, lag.parse().ok().filter(|lag| *lag > 0)?)))
        .filter(|(base, _)| !base.is_empty())
        .unwrap_or((name, 0))
}

/// The table, a row per feature.
pub fn to_rows(
    gathered: &Gathered<'_>,
    columns: Vec<ScreenedColumn>,
    verdicts: Vec<Verdict>,
) -> Value {
    let names = gathered.names;
    let double =
        |of: fn(&ScreenedColumn) -> Option<f64>| Column::Double(columns.iter().map(of).collect());
    let count = |of: fn(&ScreenedColumn) -> usize| {
        Column::Integer(
            columns
                .iter()
                .map(|column| Some(of(column) as i64))
                .collect(),
        )
    };
    let text = |values: Vec<Option<&str>>| {
        let values = values.into_iter().map(|text| text.map(str::to_owned));
        Column::Text(values.collect())
    };
    let of_verdict =
        |of: fn(&Verdict) -> Option<f64>| Column::Double(verdicts.iter().map(of).collect());
    let clusters = verdicts.iter().map(|verdict| verdict.cluster);
    let reason = |verdict: &Verdict| verdict.refused.clone().or(Some("selected".to_owned()));
    Value::Rows(vec![
        text(names.iter().map(|name| Some(name.as_str())).collect()),
        text(names.iter().map(|name| Some(lag_of(name).0)).collect()),
        Column::Integer(names.iter().map(|name| Some(lag_of(name).1)).collect()),
        Column::Boolean(names.iter().map(|name| Some(is_pattern(name))).collect()),
        count(|column| column.n),
        double(|column| column.missing_share),
        count(|column| column.distinct),
        double(|column| column.variance),
        double(|column| column.zero_share),
        double(|column| column.outlier_share),
        double(|column| column.ic),
        double(|column| column.rank_ic),
        double(|column| column.icir),
        double(|column| column.mutual_information),
        text(columns.iter().map(|column| column.test).collect()),
        double(|column| column.p_value),
        of_verdict(|verdict| verdict.q_value),
        of_verdict(|verdict| verdict.vif),
        Column::Integer(clusters.clone().map(|c| c.map(|c| c.0 as i64)).collect()),
        text(clusters.map(|c| c.map(|c| names[c.1].as_str())).collect()),
        Column::Boolean(verdicts.iter().map(|v| Some(v.refused.is_none())).collect()),
        Column::Text(verdicts.iter().map(reason).collect()),
        Column::Integer(vec![Some(gathered.rows as i64); names.len()]),
    ])
}

#[cfg(test)]
mod tests {
    use super::lag_of;

    #[test]
    fn lags_are_read_from_the_end_of_a_name() {
        assert_eq!(lag_of("x_lag3"), ("x", 3));
        assert_eq!(lag_of("x_lag1_lag2"), ("x_lag1", 2));
        assert_eq!(lag_of("x_lagged"), ("x_lagged", 0));
        assert_eq!(lag_of("_lag3"), ("_lag3", 0));
    }
}
