use super::{Split, Walk, combinatorial, holdout, k_fold, shares, walk_forward};

fn times(n: u32) -> Vec<u32> {
    (1..=n).collect()
}

/// First and last position of training, then of the test.
fn ranges(splits: &[Split]) -> Vec<(u32, u32, u32, u32)> {
    let range = |split: &Split| {
        let (first, last) = split.trains;
        (first, last, split.tests[0].first, split.tests[0].last)
    };
    splits.iter().map(range).collect()
}

#[test]
fn segments_are_equal_and_the_last_times_are_tested() {
    let tests: Vec<_> = k_fold(&times(11), 3)
        .iter()
        .map(|split| (split.tests[0].first, split.tests[0].last))
        .collect();
    assert_eq!(tests, [(1, 3), (4, 7), (8, 11)]);
    assert_eq!(k_fold(&times(2), 3).len(), 2);
}

/// itertools.combinations, and figure 12.1 of López de Prado 2018, in which the
/// five paths of 6 groups, 2 of them tested, run through 15 splits.
#[test]
fn combinations_and_paths() {
    let splits = combinatorial(&times(12), 6, 2).unwrap();
    assert_eq!(splits.len(), 15);
    let numbers: Vec<(u32, u32)> = splits
        .iter()
        .map(|split| (split.tests[0].number, split.tests[1].number))
        .collect();
    assert_eq!(
        numbers[..6],
        [(1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 3)]
    );
    assert_eq!(numbers[14], (5, 6));
    let paths = |number: u32| -> Vec<u32> {
        let tests = splits.iter().flat_map(|split| &split.tests);
        tests
            .filter(|s| s.number == number)
            .map(|s| s.path)
            .collect()
    };
    for number in 1..=6 {
        assert_eq!(paths(number), [1, 2, 3, 4, 5]);
    }
    assert!(
        combinatorial(&times(12), 3, 3)
            .unwrap_err()
            .contains("at most 2")
    );
    assert!(
        combinatorial(&times(2), 3, 1)
            .unwrap_err()
            .contains("the data has 2")
    );
    assert!(
        combinatorial(&times(60), 40, 20)
            .unwrap_err()
            .contains("more than")
    );
}

/// sklearn.model_selection.TimeSeriesSplit(n_splits=3, test_size=2, gap=1,
/// max_train_size=4 where it rolls).split(range(11)) of scikit-learn 1.9.1, see
/// tests/python/folds_reference.py, one more because positions count from 1.
#[test]
fn walking_forward_as_scikit_learn_does() {
    let walk = Walk {
        folds: Some(3),
        test: Some(2),
        gap: 1,
        ..Walk::default()
    };
    let found = walk_forward(&times(11), &walk).unwrap();
    assert_eq!(ranges(&found), [(1, 4, 6, 7), (1, 6, 8, 9), (1, 8, 10, 11)]);
    let walk = Walk {
        rolling: true,
        ..walk
    };
    let found = walk_forward(&times(11), &walk).unwrap();
    assert_eq!(ranges(&found), [(1, 4, 6, 7), (3, 6, 8, 9), (5, 8, 10, 11)]);
}

/// skfolio's WalkForward(test_size=3, train_size=4) gives the same but for the
/// last test, which it drops because it is shorter.
#[test]
fn walking_forward_from_the_first_training_until_the_end() {
    let walk = Walk {
        train: Some(4),
        test: Some(3),
        rolling: true,
        ..Walk::default()
    };
    let found = walk_forward(&times(12), &walk).unwrap();
    assert_eq!(
        ranges(&found),
        [(1, 4, 5, 7), (4, 7, 8, 10), (7, 10, 11, 12)]
    );
    let stepped = Walk {
        step: Some(5),
        rolling: false,
        ..walk
    };
    let found = walk_forward(&times(12), &stepped).unwrap();
    assert_eq!(ranges(&found), [(1, 4, 5, 7), (1, 9, 10, 12)]);
}

#[test]
fn sizes_that_do_not_fit_say_what_is_needed() {
    let fails = |n: u32, walk: Walk| walk_forward(&times(n), &walk).unwrap_err();
    let none = Walk::default();
    assert!(fails(0, none).contains("6 distinct times"));
    let walk = Walk {
        folds: Some(3),
        test: Some(2),
        gap: 1,
        ..none
    };
    assert_eq!(
        fails(7, walk),
        "8 distinct times with a label are needed, the data has 7"
    );
    assert!(walk_forward(&times(8), &walk).is_ok());
    let walk = Walk { gap: 2, ..none };
    assert!(fails(12, walk).contains("a gap of 2"));
    let walk = Walk {
        folds: Some(4),
        train: Some(4),
        test: Some(3),
        ..none
    };
    assert!(fails(12, walk).contains("14 distinct times"));
}

#[test]
fn the_hold_out_is_cut_by_share_or_by_time() {
    assert_eq!(shares(&times(10), 0.2, 0.25), Ok((Some(6), 8)));
    assert_eq!(shares(&times(10), 0.0, 0.01), Ok((None, 10)));
    assert!(shares(&times(2), 0.5, 0.5).is_err());
    let split = &holdout(&times(10), Some(6), 8).unwrap()[0];
    assert_eq!(split.trains, (1, 5));
    let held = split.validation.unwrap();
    assert_eq!((held.first, held.last), (6, 7));
    assert_eq!((split.tests[0].first, split.tests[0].last), (8, 10));
    assert!(holdout(&times(10), Some(8), 8).is_err());
    assert!(holdout(&times(10), None, 11).is_err());
    assert!(holdout(&times(10), None, 1).is_err());
}
