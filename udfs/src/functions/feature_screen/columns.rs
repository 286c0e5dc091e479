//! What each feature holds by itself and tells of the target.

use rayon::prelude::*;

use super::NAME;
use crate::error::{Error, Result};
use crate::functions::gather::Gathered;
use crate::options::Options;
use crate::statistics::ascending::Sorter;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::sorted::{self, RankedTarget};
use crate::statistics::information_coefficient::{GroupedTarget, summary};
use crate::statistics::kendall;
use crate::statistics::relevance::{SortedTarget, relevance_of_sorted};
use crate::statistics::selection::bins::{equal_frequency, sorted_information};

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
    let ranked = RankedTarget::of(&grouped, target);
    let bins = options.integer("bins") as u8;
    let target_bins = equal_frequency(target.iter().copied(), bins);
    let lags = usize::try_from(options.integer("horizon") - 1).unwrap_or(usize::MAX);
    let sorted_target = (!by_dates).then(|| SortedTarget::of(target));
    let outlier_deviations = options.number("outlier_deviations");
    let measure = |scratch: &mut Scratch, column: &Vec<f64>| {
        let sorted = scratch.sorter.sort(column);
        let mut screened = alone(&sorted.values, column.len(), outlier_deviations);
        if screened.n == 0 {
            return screened;
        }
        let found = ranked.coefficients(column, &sorted, &mut scratch.groups);
        let summary = summary(&found, lags);
        screened.ic = summary.ic.mean;
        screened.rank_ic = summary.rank_ic.mean;
        screened.mutual_information = sorted_information(&sorted, &target_bins, bins);
        match &sorted_target {
            Some(target) => {
                let tested = relevance_of_sorted(column, || sorted, target, &mut scratch.kendall);
                screened.test = tested.test;
                screened.p_value = tested.p_value;
            }
            None => {
                screened.icir = summary.rank_ic.ratio;
                screened.test = summary.rank_ic.p.map(|_| RANK_IC_TEST);
                screened.p_value = summary.rank_ic.p;
            }
        }
        screened
    };
    let columns = gathered.columns.par_iter();
    let mut screened: Vec<ScreenedColumn> = columns.map_init(Scratch::default, measure).collect();
    if let Some((rows, present)) = gathered.sampled {
        for (column, &n) in screened.iter_mut().zip(present) {
            column.n = n as usize;
            column.missing_share = Some(1.0 - n as f64 / rows as f64);
        }
    }
    Ok(screened)
}

/// The test of features of a panel.
const RANK_IC_TEST: &str = "rank_ic_newey_west";

/// Memory that serves one column after the other.
#[derive(Default)]
struct Scratch {
    sorter: Sorter,
    groups: sorted::Scratch,
    kendall: kendall::Scratch,
}

/// What needs no target, from ascending values: sums do not depend on the order
/// of the rows.
fn alone(values: &[f64], rows: usize, outlier_deviations: f64) -> ScreenedColumn {
    let (rows, n) = (rows as f64, values.len() as f64);
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
    // Both ends of what is in order.
    let below = values.partition_point(|value| mean - value > reach);
    let above = values.len() - values.partition_point(|value| value - mean <= reach);
    let zeros = values.partition_point(|value| *value <= 0.0)
        - values.partition_point(|value| *value < 0.0);
    let changes = values.windows(2).filter(|pair| pair[0] != pair[1]);
    ScreenedColumn {
        n: values.len(),
        missing_share: Some(1.0 - n / rows),
        distinct: changes.count() + 1,
        variance,
        zero_share: Some(zeros as f64 / n),
        outlier_share: variance.map(|_| (below + above) as f64 / n),
        ..ScreenedColumn::default()
    }
}
