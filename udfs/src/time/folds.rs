//! Folds of rows that are at hand, as row numbers.

use super::labels::{Labels, packed};
use super::roles::{Role, Roles};
use super::schemes::{Walk, k_fold, walk_forward};

/// Row numbers of one fold, both ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fold {
    /// Rows that train.
    pub train: Vec<u32>,
    /// Rows that test.
    pub test: Vec<u32>,
}

/// How rows are cut into folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Distinct times in equal parts, each tested once on a model of the rows
    /// before and after it.
    PurgedKFold,
    /// One part more, the first of which only trains: each of the others is
    /// tested on a model of the rows before it.
    WalkForward,
}

/// The folds of rows whose labels span the closed intervals
/// [`start[i]`, `end[i]`], in any unit that grows with time; a row's time is its
/// start. A row that has a NaN in either belongs to no fold.
///
/// A row trains unless start <= the latest end of the test rows and end >= their
/// earliest start (touching counts as overlap), or its start lies within
/// `embargo` after that latest end. Rows of one time stay together, whatever
/// their entity.
pub fn folds(start: &[f64], end: &[f64], scheme: Scheme, parts: usize, embargo: f64) -> Vec<Fold> {
    let known = |i: &usize| !start[*i].is_nan() && !end[*i].is_nan();
    let rows: Vec<usize> = (0..start.len()).filter(known).collect();
    let mut times: Vec<f64> = rows.iter().map(|&i| start[i]).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let position = |time: f64| times.partition_point(|&known| known <= time) as u32;
    let span = |&i: &usize| {
        let from = position(start[i]);
        (from, position(end[i]).max(from))
    };
    let spans: Vec<(u32, u32)> = rows.iter().map(span).collect();
    // The latest end of a start as a time: its position may be an earlier one.
    let mut latest = vec![f64::NEG_INFINITY; times.len()];
    for (&i, &(from, _)) in rows.iter().zip(&spans) {
        let known = &mut latest[from as usize - 1];
        *known = known.max(end[i]);
    }
    let labels = Labels::new(
        spans.iter().map(|&(from, to)| packed(from, to)).collect(),
        |from, _| position(latest[from as usize - 1] + embargo),
    );
    let splits = match scheme {
        Scheme::PurgedKFold => k_fold(labels.times(), parts),
        Scheme::WalkForward => {
            let walk = Walk {
                folds: Some(parts),
                ..Walk::default()
            };
            walk_forward(labels.times(), &walk).unwrap_or_default()
        }
    };
    splits
        .iter()
        .map(|split| {
            let roles = Roles::new(split, &labels);
            let mut fold = Fold::default();
            for (&i, &(from, to)) in rows.iter().zip(&spans) {
                match roles.of(from, to).role {
                    Role::Test => fold.test.push(i as u32),
                    Role::Train => fold.train.push(i as u32),
                    _ => {}
                }
            }
            fold
        })
        .collect()
}
#[cfg(test)]
mod tests {
    use super::{Fold, Scheme, folds};

    const START: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

    fn ends(horizon: f64) -> Vec<f64> {
        START.iter().map(|start| start + horizon).collect()
    }

    #[test]
    fn labels_of_training_rows_do_not_touch_those_of_the_test() {
        let found = folds(&START, &ends(1.0), Scheme::PurgedKFold, 4, 0.0);
        let expected = Fold {
            train: vec![0, 5, 6, 7],
            test: vec![2, 3],
        };
        assert_eq!(found[1], expected);
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn the_embargo_follows_the_test_only() {
        let found = folds(&START, &ends(1.0), Scheme::PurgedKFold, 4, 1.0);
        assert_eq!(found[1].train, [0, 6, 7]);
    }

    #[test]
    fn walking_forward_trains_on_the_past_only() {
        let found = folds(&START, &ends(1.0), Scheme::WalkForward, 3, 0.0);
        assert_eq!(found.len(), 3);
        assert_eq!((&*found[0].train, &*found[0].test), (&[0][..], &[2, 3][..]));
        assert_eq!(found[2].train, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn rows_of_one_time_stay_together_and_rows_without_a_label_out() {
        let start = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0];
        let end = [0.0, 0.0, 1.0, 1.0, 2.0, f64::NAN];
        let found = folds(&start, &end, Scheme::PurgedKFold, 3, 0.0);
        assert_eq!(found[2].test, [4]);
        assert_eq!(found[2].train, [0, 1, 2, 3]);
    }
}
