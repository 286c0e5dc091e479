//! What the folds say together.

use super::{Method, Request, Sample, Unit};
use crate::time::folds::Fold;

/// One feature by one method.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// How it was measured.
    pub method: Method,
    /// The column of the sample.
    pub feature: usize,
    /// The number of its cluster, if there are clusters; the values below are
    /// the cluster's.
    pub cluster: Option<usize>,
    /// Features in the cluster.
    pub members: Option<usize>,
    /// The mean over the folds.
    pub importance: Option<f64>,
    /// The sample standard deviation over the folds.
    pub std: Option<f64>,
    /// `std` / √folds.
    pub standard_error: Option<f64>,
    /// Of the total over features, or over clusters.
    pub share: Option<f64>,
    /// From 1.
    pub rank: Option<usize>,
    /// In which the value is defined.
    pub folds: usize,
    /// `ok`, or what is remarkable.
    pub status: &'static str,
}

/// Every feature by every method.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// In the order of the request.
    pub methods: Vec<Method>,
    /// By method, then by feature.
    pub entries: Vec<Entry>,
    /// Rows that trained in any fold.
    pub train_rows: usize,
    /// Rows that were tested in any fold.
    pub test_rows: usize,
}

/// The values are by fold, method and unit.
pub(super) fn report(
    sample: &Sample<'_>,
    folds: &[Fold],
    request: &Request,
    units: &[Unit],
    values: &[Vec<Vec<Option<f64>>>],
    redundant: &[usize],
) -> Report {
    let train = distinct(folds.iter().map(|fold| fold.train.as_slice()));
    let test = distinct(folds.iter().map(|fold| fold.test.as_slice()));
    let used = distinct([train.as_slice(), &test].into_iter());
    let varying = |column: &[f64]| {
        let mut values = used.iter().map(|&row| column[row as usize]);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let target_varies = varying(sample.target);
    let statuses: Vec<&'static str> = (0..sample.columns.len())
        .map(|feature| {
            if folds.is_empty() {
                "no training rows"
            } else if !target_varies {
                "constant target"
            } else if !varying(sample.columns[feature]) {
                "constant"
            } else if redundant.binary_search(&feature).is_ok() {
                "collinear"
            } else {
                "ok"
            }
        })
        .collect();
    let mut entries = Vec::with_capacity(request.methods.len() * sample.columns.len());
    for (place, &method) in request.methods.iter().enumerate() {
        let found: Vec<Vec<f64>> = (0..units.len())
            .map(|unit| {
                let values = values.iter().filter_map(|fold| fold[place][unit]);
                values.collect()
            })
            .collect();
        let means: Vec<Option<f64>> = found.iter().map(|values| mean(values)).collect();
        let shares = shares(method, &means);
        let ranks = ranks(method, &means);
        let mut of_method: Vec<Entry> = Vec::with_capacity(sample.columns.len());
        for (i, unit) in units.iter().enumerate() {
            let std = deviation(&found[i]);
            let count = found[i].len();
            of_method.extend(unit.features.iter().map(|&feature| Entry {
                method,
                feature,
                cluster: unit.cluster,
                members: unit.cluster.map(|_| unit.features.len()),
                importance: means[i],
                std,
                standard_error: std.map(|std| std / (count as f64).sqrt()),
                share: shares[i],
                rank: ranks[i],
                folds: count,
                status: match statuses[feature] {
                    "ok" if count == 0 => "undefined in every fold",
                    status => status,
                },
            }));
        }
        of_method.sort_by_key(|entry| entry.feature);
        entries.extend(of_method);
    }
    Report {
        methods: request.methods.clone(),
        entries,
        train_rows: train.len(),
        test_rows: test.len(),
    }
}

fn distinct<'a>(lists: impl Iterator<Item = &'a [u32]>) -> Vec<u32> {
    let mut rows: Vec<u32> = lists.flatten().copied().collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation; none of one value.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// The size that shares divide. A signed coefficient counts by its size; a
/// feature without which a model predicts better, or that alone predicts worse
/// than nothing, counts as none.
fn weight(method: Method, importance: f64) -> f64 {
    match method {
        Method::Permutation | Method::SingleFeature => importance.max(0.0),
        Method::Coefficient | Method::Gain | Method::Split | Method::Cover | Method::Shap => importance.abs(),
    }
}

fn shares(method: Method, importance: &[Option<f64>]) -> Vec<Option<f64>> {
    let weights = importance
        .iter()
        .map(|value| value.map(|x| weight(method, x)));
    let total: f64 = weights.clone().flatten().sum();
    weights
        .map(|weight| weight.filter(|_| total > 0.0).map(|weight| weight / total))
        .collect()
}

fn ranks(method: Method, importance: &[Option<f64>]) -> Vec<Option<usize>> {
    let key = |value: f64| match method {
        Method::Coefficient => value.abs(),
        _ => value,
    };
    let mut order: Vec<(usize, f64)> = importance
        .iter()
        .enumerate()
        .filter_map(|(i, value)| Some((i, key((*value)?))))
        .collect();
    // Stable: ties stay in the order of the features. Adding 0 makes -0 one.
    order.sort_by(|a, b| (b.1 + 0.0).total_cmp(&(a.1 + 0.0)));
    let mut ranks = vec![None; importance.len()];
    for (place, (i, _)) in order.into_iter().enumerate() {
        ranks[i] = Some(place + 1);
    }
    ranks
}
