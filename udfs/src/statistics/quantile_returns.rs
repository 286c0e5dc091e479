//! What follows high and low predictions: returns by buckets of a date.

use crate::statistics::calibration::quantile;
use crate::statistics::group_ranks::Ranker;
use crate::statistics::information_coefficient::cosine;

/// A bucket on a date.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cell {
    /// Rows of the bucket that have a return.
    pub rows: usize,
    /// Their mean prediction.
    pub prediction: f64,
    /// Their mean return.
    pub earned: f64,
}

/// A date that has buckets, from the lowest predictions to the highest.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// Its number.
    pub date: f64,
    /// `None` where no row of the bucket has a return.
    pub cells: Vec<Option<Cell>>,
}

impl Cut {
    /// What the top earned more than the bottom.
    pub fn spread(&self) -> Option<f64> {
        let (first, last) = (self.cells.first()?, self.cells.last()?);
        Some((*last)?.earned - (*first)?.earned)
    }
}

/// The dates, of rows of which those of a date follow each other, and how many
/// were left out because fewer rows than buckets have a prediction. NaN is
/// missing.
///
/// Edges are the date's quantiles by linear interpolation, a value on an edge is
/// below it (pandas.qcut). All predictions of the date are cut, whatever is known
/// of the returns: that comes later. With `demean` the mean return of the date is
/// taken off, over the rows that have a prediction.
pub fn cut_dates(
    dates: &[f64],
    prediction: &[f64],
    earned: &[f64],
    buckets: usize,
    demean: bool,
) -> (Vec<Cut>, usize) {
    let mut cuts = Vec::new();
    let mut skipped = 0;
    let (mut rows, mut sorted): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut start = 0;
    while start < dates.len() {
        let date = dates[start];
        let end = start + dates[start..].iter().take_while(|&&d| d == date).count();
        rows.clear();
        rows.extend((start..end).filter(|&row| !prediction[row].is_nan()));
        start = end;
        if rows.len() < buckets {
            skipped += 1;
            continue;
        }
        sorted.clear();
        sorted.extend(rows.iter().map(|&row| prediction[row]));
        sorted.sort_unstable_by(f64::total_cmp);
        let edges: Vec<f64> = (1..buckets)
            .map(|i| quantile(&sorted, i as f64 / buckets as f64))
            .collect();
        rows.retain(|&row| !earned[row].is_nan());
        let mean = if demean && !rows.is_empty() {
            rows.iter().map(|&row| earned[row]).sum::<f64>() / rows.len() as f64
        } else {
            0.0
        };
        let mut cells = vec![Cell::default(); buckets];
        for &row in &rows {
            let bucket = edges.partition_point(|&edge| edge < prediction[row]);
            let cell = &mut cells[bucket];
            cell.rows += 1;
            cell.prediction += prediction[row];
            cell.earned += earned[row] - mean;
        }
        let means = |cell: Cell| {
            (cell.rows > 0).then(|| Cell {
                rows: cell.rows,
                prediction: cell.prediction / cell.rows as f64,
                earned: cell.earned / cell.rows as f64,
            })
        };
        cuts.push(Cut {
            date,
            cells: cells.into_iter().map(means).collect(),
        });
    }
    (cuts, skipped)
}

/// Spearman's correlation of the buckets' numbers with their means: 1 where
/// every bucket earns more than the one below it. `None` of fewer than two
/// means, or of equal ones.
pub fn monotonicity(means: &[Option<f64>]) -> Option<f64> {
    let known = means.iter().enumerate();
    let (numbers, means): (Vec<f64>, Vec<f64>) = known
        .filter_map(|(number, mean)| mean.map(|mean| (number as f64, mean)))
        .unzip();
    if means.len() < 2 {
        return None;
    }
    let mut ranker = Ranker::default();
    let (mut of_numbers, mut of_means) = (Vec::new(), Vec::new());
    let squares = ranker.rank(&numbers, &mut of_numbers);
    let mean_squares = ranker.rank(&means, &mut of_means);
    (mean_squares > 0.0).then(|| cosine(&of_numbers, squares, &of_means, mean_squares))
}

#[cfg(test)]
mod tests {
    use super::{cut_dates, monotonicity};

    const NAN: f64 = f64::NAN;

    #[test]
    fn predictions_are_cut_whatever_the_returns() {
        let dates = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0];
        let prediction = [4.0, 3.0, 2.0, 1.0, 1.0, NAN];
        let earned = [0.4, NAN, 0.2, 0.1, 0.3, 0.1];
        let (cuts, skipped) = cut_dates(&dates, &prediction, &earned, 2, false);
        assert_eq!(skipped, 1);
        assert_eq!(cuts.len(), 1);
        let [Some(low), Some(high)] = cuts[0].cells[..] else {
            panic!("both have rows");
        };
        assert_eq!((low.rows, high.rows), (2, 1));
        assert!((low.earned - 0.15).abs() < 1e-15);
        assert_eq!(high.earned, 0.4);
        assert!((cuts[0].spread().unwrap() - 0.25).abs() < 1e-15);
        // Demeaned: the spread stays.
        let (cuts, _) = cut_dates(&dates, &prediction, &earned, 2, true);
        assert!((cuts[0].spread().unwrap() - 0.25).abs() < 1e-15);
        let mean = (0.4 + 0.2 + 0.1) / 3.0;
        let high = cuts[0].cells[1].unwrap();
        assert!((high.earned - (0.4 - mean)).abs() < 1e-15);
    }

    #[test]
    fn ties_leave_buckets_empty() {
        let (cuts, _) = cut_dates(&[1.0; 4], &[5.0; 4], &[0.1; 4], 2, false);
        assert_eq!(cuts[0].cells[0].unwrap().rows, 4);
        assert_eq!(cuts[0].cells[1], None);
        assert_eq!(cuts[0].spread(), None);
    }

    #[test]
    fn monotonicity_is_spearmans() {
        assert_eq!(monotonicity(&[Some(0.1), Some(0.2), Some(0.3)]), Some(1.0));
        assert_eq!(monotonicity(&[Some(0.3), None, Some(0.1)]), Some(-1.0));
        assert_eq!(monotonicity(&[Some(0.3), None]), None);
        assert_eq!(monotonicity(&[]), None);
        assert_eq!(monotonicity(&[Some(0.1), Some(0.1)]), None);
    }
}
