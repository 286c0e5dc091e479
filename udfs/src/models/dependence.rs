//! How predictions change with one feature.

use super::Model;

/// Predicts so many rows from a slice per feature.
pub type Predict<'a> = dyn Fn(&[&[f64]], usize) -> Vec<f64> + 'a;

/// The rows that are averaged over: a column per feature, as models take them,
/// sorted so that no sum depends on the order in which they came.
#[derive(Debug, Clone)]
pub struct Sample {
    columns: Vec<Vec<f64>>,
    rows: usize,
}

/// A value of the feature and what the model makes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// A number, or the code of a category.
    pub value: f64,
    /// The mean prediction, or the accumulated effect.
    pub effect: f64,
    /// The rows that it is from.
    pub rows: usize,
}

impl Sample {
    /// From rows, row after row.
    pub fn of(values: &[f64], width: usize) -> Self {
        let mut rows: Vec<&[f64]> = values.chunks_exact(width.max(1)).collect();
        rows.sort_unstable_by(|a, b| {
            let pairs = a.iter().zip(*b);
            let orders = pairs.map(|(a, b)| a.total_cmp(b));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let column = |i| rows.iter().map(|row: &&[f64]| row[i]).collect();
        Self {
            columns: (0..width).map(column).collect(),
            rows: rows.len(),
        }
    }

    /// The values of the feature, ascending, without missing ones.
    fn sorted(&self, feature: usize) -> Vec<f64> {
        let values = self.columns[feature].iter().copied();
        let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    /// At most `count` values of the feature: all there are, or quantiles at equal
    /// steps from the least to the greatest (by linear interpolation).
    pub fn grid(&self, feature: usize, count: usize) -> Vec<f64> {
        let sorted = self.sorted(feature);
        let mut distinct = sorted.clone();
        distinct.dedup();
        if distinct.len() <= count {
            return distinct;
        }
        quantiles(&sorted, count)
    }

    /// The mean prediction of all rows with the feature at each value of the grid
    /// (Friedman, Greedy function approximation, Annals of Statistics 29, 2001,
    /// section 8.2), by brute force.
    pub fn partial_dependence(
        &self,
        predict: &Predict<'_>,
        feature: usize,
        grid: &[f64],
    ) -> Vec<Point> {
        let mut columns = self.columns.clone();
        let mut points = Vec::with_capacity(grid.len());
        for &value in grid {
            columns[feature].fill(value);
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let predictions = predict(&slices, self.rows);
            points.push(Point {
                value,
                effect: predictions.iter().sum::<f64>() / self.rows as f64,
                rows: self.rows,
            });
        }
        points
    }

    /// The accumulated mean differences of predictions across each interval
    /// between quantiles, of the rows within it, less their mean over the rows
    /// (Apley and Zhu, Visualizing the effects of predictor variables in black box
    /// supervised learning models, JRSS B 82, 2020, equations 15 and 16).
    pub fn accumulated_local_effects(
        &self,
        predict: &Predict<'_>,
        feature: usize,
        intervals: usize,
    ) -> Vec<Point> {
        let sorted = self.sorted(feature);
        let (Some(first), true) = (sorted.first(), intervals > 0) else {
            return Vec::new();
        };
        let mut edges = quantiles(&sorted, intervals + 1);
        edges.dedup();
        if edges.len() < 2 {
            return vec![Point {
                value: *first,
                effect: 0.0,
                rows: sorted.len(),
            }];
        }
        // The interval of each row that has the feature; the first is closed.
        let present: Vec<usize> = (0..self.rows)
            .filter(|row| !self.columns[feature][*row].is_nan())
            .collect();
        let interval = |row: &usize| {
            let value = self.columns[feature][*row];
            edges.partition_point(|edge| *edge < value).max(1)
        };
        let interval: Vec<usize> = present.iter().map(interval).collect();
        let mut columns: Vec<Vec<f64>> = self
            .columns
            .iter()
            .map(|column| present.iter().map(|row| column[*row]).collect())
            .collect();
        let mut at = |side: usize| {
            let ends = interval.iter().map(|interval| edges[interval - side]);
            columns[feature] = ends.collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            predict(&slices, present.len())
        };
        let (low, high) = (at(1), at(0));
        let mut sums = vec![0.0; edges.len()];
        let mut counts = vec![0_usize; edges.len()];
        for (row, interval) in interval.iter().enumerate() {
            sums[*interval] += high[row] - low[row];
            counts[*interval] += 1;
        }
        let mut effects = vec![0.0; edges.len()];
        let mut mean = 0.0;
        for i in 1..edges.len() {
            let step = if counts[i] > 0 {
                sums[i] / counts[i] as f64
            } else {
                0.0
            };
            effects[i] = effects[i - 1] + step;
            mean += counts[i] as f64 * f64::midpoint(effects[i - 1], effects[i]);
        }
        mean /= present.len() as f64;
        let points = edges.iter().zip(&effects).zip(&counts);
        points
            .map(|((value, effect), rows)| Point {
                value: *value,
                effect: effect - mean,
                rows: *rows,
            })
            .collect()
    }
}

/// Quantiles at equal steps from 0 to 1, without repetitions.
fn quantiles(sorted: &[f64], count: usize) -> Vec<f64> {
    let last = sorted.len() - 1;
    let quantile = |i: usize| {
        let steps = count.max(2) - 1;
        // In whole numbers, so that the ends are the ends.
        let (place, rest) = (last * i / steps, last * i % steps);
        let next = sorted[(place + 1).min(last)];
        sorted[place] + (next - sorted[place]) * rest as f64 / steps as f64
    };
    let mut values: Vec<f64> = (0..count.max(2)).map(quantile).collect();
    values.dedup();
    values
}

/// What of a model is averaged: the prediction, or the probability of a class.
pub fn response(model: &Model, class: Option<usize>) -> impl Fn(&[&[f64]], usize) -> Vec<f64> {
    move |features, rows| match (class, model.probabilities(features, rows)) {
        (Some(class), Some(probabilities)) => {
            let count = model.classes().len().max(1);
            probabilities
                .into_iter()
                .skip(class)
                .step_by(count)
                .collect()
        }
        _ => model.predict_complete(features, rows),
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, quantiles};

    fn product(features: &[&[f64]], rows: usize) -> Vec<f64> {
        (0..rows)
            .map(|row| features[0][row] * features[0][row] + features[1][row])
            .collect()
    }

    #[test]
    fn a_sum_of_effects_is_taken_apart() {
        let rows: Vec<f64> = (0..101_u32)
            .flat_map(|i| [f64::from(i) / 100.0, f64::from(i * 37 % 101)])
            .collect();
        let sample = Sample::of(&rows, 2);
        let grid = sample.grid(0, 5);
        assert_eq!(grid, [0.0, 0.25, 0.5, 0.75, 1.0]);
        for point in sample.partial_dependence(&product, 0, &grid) {
            assert!((point.effect - (point.value * point.value + 50.0)).abs() < 1e-12);
        }
        let effects = sample.accumulated_local_effects(&product, 0, 10);
        assert_eq!(effects.len(), 11);
        for point in &effects {
            let rise = point.effect - effects[0].effect;
            assert!(
                (rise - point.value * point.value).abs() < 1e-12,
                "{point:?}"
            );
        }
        assert_eq!(effects.iter().map(|point| point.rows).sum::<usize>(), 101);
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let rows = [0.3, 1.0, 0.1, 2.0, 0.7, f64::NAN, f64::NAN, 5.0];
        let mut turned: Vec<f64> = rows.chunks(2).rev().flatten().copied().collect();
        let there = Sample::of(&rows, 2).accumulated_local_effects(&product, 0, 2);
        let back = Sample::of(&turned, 2).accumulated_local_effects(&product, 0, 2);
        assert_eq!(format!("{there:?}"), format!("{back:?}"));
        turned.clear();
        assert!(Sample::of(&turned, 2).grid(0, 3).is_empty());
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantiles(&[0.0, 1.0, 4.0], 5), [0.0, 0.5, 1.0, 2.5, 4.0]);
        assert_eq!(quantiles(&[2.0], 3), [2.0]);
    }
}
