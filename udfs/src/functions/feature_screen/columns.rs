//! What each feature holds by itself and tells of the target.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::NAME;
use crate::error::{Error, Result};
use crate::functions::gather::Gathered;
use crate::options::Options;
use crate::statistics::ascending::Sorter;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::sorted::{self, RankedTarget};
use crate::statistics::information_coefficient::{
    GroupedTarget, coefficients, summary, summary_at,
};
use crate::statistics::kendall;
use crate::statistics::lanes;
use crate::statistics::relevance::{SortedTarget, relevance_of_sorted};
use crate::statistics::selection::bins::{bucket_information, equal_frequency, sorted_information};
use crate::statistics::value_buckets::ValueBuckets;

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

/// Every feature, in order. `groups` are the dates, or one of all rows.
pub fn of(
    gathered: &Gathered<'_>,
    groups: &Groups,
    options: &Options,
) -> Result<Vec<ScreenedColumn>> {
    let [target, date, ..] = gathered.numbers else {
        return Err(Error::internal(NAME, "four numbers were expected"));
    };
    let mut screened = if options.flag("by_date") {
        let mut panel = Panel::of(target, groups, options);
        if gathered.sampled.is_some() {
            panel.times = Some(times(groups, date));
        }
        let places = gathered.stored.places(groups.rows());
        each(gathered, &places, |scratch, column| {
            panel.measure(scratch, column)
        })
    } else {
        let grouped = GroupedTarget::of(target, groups);
        let rows = SingleRows::of(target, &grouped, options);
        let all: Vec<u32> = (0..gathered.rows as u32).collect();
        let places = gathered.stored.places(&all);
        each(gathered, &places, |scratch, column| {
            rows.measure(scratch, column)
        })
    };
    if let Some((rows, present)) = gathered.sampled {
        for (column, &n) in screened.iter_mut().zip(present) {
            column.n = n as usize;
            column.missing_share = Some(1.0 - n as f64 / rows as f64);
        }
    }
    Ok(screened)
}

/// Every column by itself, its rows as `places` has them, with memory that serves
/// one after the other.
fn each<S: Default + Send>(
    gathered: &Gathered<'_>,
    places: &[u32],
    measure: impl Fn(&mut S, &[f64]) -> ScreenedColumn + Sync,
) -> Vec<ScreenedColumn> {
    let idle: Mutex<Vec<(Vec<f64>, S)>> = Mutex::default();
    let lock = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let columns = (0..gathered.names.len()).into_par_iter().with_max_len(1);
    let measured = columns.map(|i| {
        let (mut column, mut scratch) = lock().pop().unwrap_or_default();
        let stored = gathered.stored.feature(i);
        column.clear();
        column.extend(places.iter().map(|&place| stored.at(place)));
        let measured = measure(&mut scratch, &column);
        lock().push((column, scratch));
        measured
    });
    measured.collect()
}

/// A target by dates, whose rows, as those of every column, come date by date and
/// within a date by entity, so that nothing depends on how they arrived.
struct Panel {
    target: GroupedTarget,
    target_bins: Vec<u8>,
    bins: u8,
    lags: usize,
    /// The numbers of the dates, where some were left out.
    times: Option<Vec<u64>>,
    outlier_deviations: f64,
}

/// The number of each date.
fn times(dates: &Groups, date: &[f64]) -> Vec<u64> {
    let first = |rows: &[u32]| rows.first().map_or(0.0, |&row| date[row as usize]);
    dates.iter().map(|rows| first(rows) as u64).collect()
}

#[derive(Default)]
struct PanelScratch {
    /// The values that a column has.
    present: Vec<f64>,
    buckets: ValueBuckets,
}

impl Panel {
    fn of(target: &[f64], dates: &Groups, options: &Options) -> Self {
        let rows = dates.rows().iter();
        let target: Vec<f64> = rows.map(|&row| target[row as usize]).collect();
        let bins = options.integer("bins") as u8;
        Self {
            target: GroupedTarget::of(&target, &dates.in_order()),
            target_bins: equal_frequency(target.iter().copied(), bins),
            bins,
            lags: usize::try_from(options.integer("horizon") - 1).unwrap_or(usize::MAX),
            times: None,
            outlier_deviations: options.number("outlier_deviations"),
        }
    }

    fn measure(&self, scratch: &mut PanelScratch, column: &[f64]) -> ScreenedColumn {
        let PanelScratch { present, buckets } = scratch;
        present.clear();
        present.extend(column.iter().filter(|value| !value.is_nan()));
        buckets.fill(present);
        let distinct = buckets.distinct();
        let mut screened = alone(present, column.len(), distinct, self.outlier_deviations);
        if screened.n == 0 {
            return screened;
        }
        let found = coefficients(column, &self.target);
        let summary = match &self.times {
            None => summary(&found, self.lags),
            Some(times) => summary_at(&found, times, self.lags),
        };
        screened.ic = summary.ic.mean;
        screened.rank_ic = summary.rank_ic.mean;
        screened.icir = summary.rank_ic.ratio;
        screened.test = summary.rank_ic.p.map(|_| RANK_IC_TEST);
        screened.p_value = summary.rank_ic.p;
        screened.mutual_information =
            bucket_information(column, buckets, &self.target_bins, self.bins);
        screened
    }
}

/// A target of rows that belong to no date, sorted once.
struct SingleRows<'a> {
    ranked: RankedTarget<'a>,
    sorted: SortedTarget<'a>,
    bins: u8,
    target_bins: Vec<u8>,
    outlier_deviations: f64,
}

#[derive(Default)]
struct SingleRowsScratch {
    sorter: Sorter,
    ranks: sorted::Scratch,
    kendall: kendall::Scratch,
}

impl<'a> SingleRows<'a> {
    fn of(target: &'a [f64], grouped: &'a GroupedTarget, options: &Options) -> Self {
        let bins = options.integer("bins") as u8;
        Self {
            ranked: RankedTarget::of(grouped, target),
            sorted: SortedTarget::of(target),
            bins,
            target_bins: equal_frequency(target.iter().copied(), bins),
            outlier_deviations: options.number("outlier_deviations"),
        }
    }

    fn measure(&self, scratch: &mut SingleRowsScratch, column: &[f64]) -> ScreenedColumn {
        let sorted = scratch.sorter.sort(column);
        let values = sorted.values.as_slice();
        let distinct = values.chunk_by(|a, b| a == b).count();
        let mut screened = alone(values, column.len(), distinct, self.outlier_deviations);
        if screened.n == 0 {
            return screened;
        }
        let found = self
            .ranked
            .coefficients(column, &sorted, &mut scratch.ranks);
        let summary = summary(&found, 0);
        screened.ic = summary.ic.mean;
        screened.rank_ic = summary.rank_ic.mean;
        screened.mutual_information = sorted_information(&sorted, &self.target_bins, self.bins);
        let tested = relevance_of_sorted(column, || sorted, &self.sorted, &mut scratch.kendall);
        screened.test = tested.test;
        screened.p_value = tested.p_value;
        screened
    }
}
/// The test of features of a panel.
const RANK_IC_TEST: &str = "rank_ic_newey_west";

/// What needs no target, from the values that a column has, in an order that does
/// not depend on how rows arrived.
fn alone(values: &[f64], rows: usize, distinct: usize, outlier_deviations: f64) -> ScreenedColumn {
    let (rows, n) = (rows as f64, values.len() as f64);
    let Some(&origin) = values.first() else {
        return ScreenedColumn {
            missing_share: (rows > 0.0).then_some(1.0),
            ..ScreenedColumn::default()
        };
    };
    // Deviations from a value of the column: a constant one has none at all.
    let mean = origin + lanes::sum(values, |value| value - origin) / n;
    let squares = lanes::sum(values, |value| (value - mean) * (value - mean));
    let variance = (n > 1.0).then(|| squares / (n - 1.0));
    let reach = variance.unwrap_or_default().sqrt() * outlier_deviations;
    let outside = |value: f64| f64::from(u8::from((value - mean).abs() > reach));
    let zero = |value: f64| f64::from(u8::from(value == 0.0));
    ScreenedColumn {
        n: values.len(),
        missing_share: Some(1.0 - n / rows),
        distinct,
        variance,
        zero_share: Some(lanes::sum(values, zero) / n),
        outlier_share: variance.map(|_| lanes::sum(values, outside) / n),
        ..ScreenedColumn::default()
    }
}
