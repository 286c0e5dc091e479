//! Folds by time, purged and embargoed: no label of a training row overlaps a
//! label of a test row (López de Prado, Advances in Financial Machine Learning,
//! 2018, section 7.4).

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
    let (segments, first) = match scheme {
        Scheme::PurgedKFold => (parts, 0),
        Scheme::WalkForward => (parts + 1, 1),
    };
    let cut = |segment: usize| segment * times.len() / segments;
    (first..segments)
        .filter(|&segment| cut(segment) < cut(segment + 1))
        .map(|segment| {
            let (from, to) = (times[cut(segment)], times[cut(segment + 1) - 1]);
            let is_test = |i: usize| from <= start[i] && start[i] <= to;
            let tested = rows.iter().copied().filter(|&i| is_test(i));
            let latest = tested.map(|i| end[i]).fold(to, f64::max);
            let trains = |i: usize| match scheme {
                Scheme::PurgedKFold => {
                    end[i] < from || start[i] > latest && start[i] - latest > embargo
                }
                Scheme::WalkForward => end[i] < from,
            };
            let mut fold = Fold::default();
            for &i in &rows {
                if is_test(i) {
                    fold.test.push(i as u32);
                } else if trains(i) {
                    fold.train.push(i as u32);
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
