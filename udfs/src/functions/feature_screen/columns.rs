//! What each feature holds by itself and tells of the target.

use rayon::prelude::*;

use super::NAME;
use crate::error::{Error, Result};
use crate::functions::gather::Gathered;
use crate::options::Options;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::{GroupedTarget, by_date};
use crate::statistics::relevance::relevance;
use crate::statistics::selection::bins::{equal_frequency, mutual_information};

/// One feature.
#[derive(Debug, Clone, Default)]
pub struct ScreenedColumn {
    /// Values.
    pub n: usize,
    /// Of the rows.
    pub missing_share: Option<f64>,
    /// Different values.
    pub distinct: usize,
    /// With n - 1.
    pub variance: Option<f64>,
    /// Of the values.
    pub zero_share: Option<f64>,
    /// Of the values.
    pub outlier_share: Option<f64>,
    /// Pearson's correlation with the target.
    pub ic: Option<f64>,
    /// Spearman's.
    pub rank_ic: Option<f64>,
    /// Mean by standard deviation of the rank coefficients over dates.
    pub icir: Option<f64>,
    /// In nats.
    pub mutual_information: Option<f64>,
    /// Which test gave the p-value.
    pub test: Option<&'static str>,
    /// Of independence from the target.
    pub p_value: Option<f64>,
}

/// Every feature, in order.
pub fn of(gathered: &Gathered<'_>, options: &Options) -> Result<Vec<ScreenedColumn>> {
    let [target, date, entity] = gathered.numbers else {
        return Err(Error::internal(NAME, "three numbers were expected"));
    };
    let by_dates = options.flag("by_date");
    let groups = if by_dates {
        Groups::of(date, entity)
    } else {
        // One group, in an order that does not depend on how rows arrived.
        Groups::of(&vec![0.0; gathered.rows], target)
    };
    let grouped = GroupedTarget::of(target, &groups);
    let bins = options.integer("bins") as u8;
    let target_bins = equal_frequency(target.iter().copied(), bins);
    let outlier_deviations = options.number("outlier_deviations");
    Ok(gathered
        .columns
        .par_iter()
        .map(|column| {
            let mut screened = alone(column, outlier_deviations);
            if screened.n == 0 {
                return screened;
            }
            let summary = by_date(column, &grouped, 1);
            screened.ic = summary.ic.mean;
            screened.rank_ic = summary.rank_ic.mean;
            screened.icir = summary.rank_ic.ratio.filter(|_| by_dates);
            let own_bins = equal_frequency(column.iter().copied(), bins);
            screened.mutual_information = mutual_information(&own_bins, &target_bins, bins);
            let tested = relevance(column, target);
            screened.test = tested.test;
            screened.p_value = tested.p_value;
            screened
        })
        .collect())
}

/// What needs no target.
fn alone(column: &[f64], outlier_deviations: f64) -> ScreenedColumn {
    // Sorted, so that sums do not depend on the order of the rows.
    let mut values: Vec<f64> = column
        .iter()
        .filter(|value| !value.is_nan())
        // -0 and 0 are one value.
        .map(|value| value + 0.0)
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let (rows, n) = (column.len() as f64, values.len() as f64);
    let Some(&least) = values.first() else {
        return ScreenedColumn {
            missing_share: (rows > 0.0).then_some(1.0),
            ..ScreenedColumn::default()
        };
    };
    // Deviations from a value of the column: a constant one has none at all.
    let mean = least + values.iter().map(|value| value - least).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = (n > 1.0).then(|| squares / (n - 1.0));
    let reach = variance.unwrap_or_default().sqrt() * outlier_deviations;
    let outliers = values.iter().filter(|value| (**value - mean).abs() > reach);
    let zeros = values.iter().filter(|value| **value == 0.0);
    let changes = values.windows(2).filter(|pair| pair[0] != pair[1]);
    ScreenedColumn {
        n: values.len(),
        missing_share: Some(1.0 - n / rows),
        distinct: changes.count() + 1,
        variance,
        zero_share: Some(zeros.count() as f64 / n),
        outlier_share: variance.map(|_| outliers.count() as f64 / n),
        ..ScreenedColumn::default()
    }
}
