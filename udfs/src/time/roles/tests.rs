use proptest::prelude::*;

use super::{Role, Roles};
use crate::time::labels::{Labels, UNKNOWN, packed};
use crate::time::schemes::{
    Segment, Split, Walk, combinatorial, holdout, k_fold, shares, walk_forward,
};

fn labels(rows: &[(u32, u32)], embargo: u32) -> Labels {
    let rows = rows.iter().map(|&(start, end)| packed(start, end));
    Labels::new(rows.collect(), |_, end| end + embargo)
}

/// Rows at 1, 2, ..., labels that end `horizon` later.
fn series(n: u32, horizon: u32) -> Vec<(u32, u32)> {
    (1..=n).map(|start| (start, start + horizon)).collect()
}

/// A letter per row.
fn shown(split: &Split, rows: &[(u32, u32)], embargo: u32) -> String {
    let roles = Roles::new(split, &labels(rows, embargo));
    let letter = |&(start, end): &(u32, u32)| match roles.of(start, end).role {
        Role::Train => '.',
        Role::Validation => 'V',
        Role::Test => 'T',
        Role::Purged => 'p',
        Role::Embargoed => 'e',
        Role::Unused => '-',
    };
    rows.iter().map(letter).collect()
}

#[test]
fn both_sides_are_purged_and_the_embargo_follows_the_purge() {
    let rows = series(12, 2);
    let splits = k_fold(labels(&rows, 0).times(), 4);
    assert_eq!(shown(&splits[1], &rows, 0), ".ppTTTpp....");
    assert_eq!(shown(&splits[1], &rows, 2), ".ppTTTppee..");
    // Clamped at the end of the data.
    assert_eq!(shown(&splits[2], &rows, 9), "....ppTTTppe");
    assert_eq!(shown(&splits[3], &rows, 9), ".......ppTTT");
}

#[test]
fn labels_that_touch_overlap() {
    let rows = [(1, 2), (2, 3), (3, 3), (4, 4)];
    let splits = k_fold(labels(&rows, 0).times(), 4);
    assert_eq!(shown(&splits[2], &rows, 0), ".pT.");
}

#[test]
fn one_long_label_purges_far_behind_its_segment() {
    let mut rows = series(9, 0);
    rows[3].1 = 8;
    let splits = combinatorial(labels(&rows, 0).times(), 3, 1).unwrap();
    assert_eq!(shown(&splits[1], &rows, 0), "...TTTpp.");
    assert_eq!(shown(&splits[2], &rows, 0), "...p..TTT");
    let splits = combinatorial(labels(&rows, 1).times(), 9, 2).unwrap();
    // Positions 4 and 6: the label of 4 outlasts that of 6, and so does its embargo.
    let both = splits
        .iter()
        .find(|split| (split.tests[0].number, split.tests[1].number) == (4, 6));
    assert_eq!(shown(both.unwrap(), &rows, 1), "...TpTppe");
}

#[test]
fn walking_forward_uses_neither_the_gap_nor_what_follows() {
    let rows = series(10, 1);
    let walk = Walk {
        folds: Some(2),
        test: Some(2),
        train: Some(4),
        gap: 1,
        rolling: true,
        ..Walk::default()
    };
    let splits = walk_forward(labels(&rows, 0).times(), &walk).unwrap();
    assert_eq!(shown(&splits[0], &rows, 0), "....-TT---");
    assert_eq!(shown(&splits[1], &rows, 0), "--....-TT-");
    let walk = Walk { gap: 0, ..walk };
    let splits = walk_forward(labels(&rows, 0).times(), &walk).unwrap();
    assert_eq!(shown(&splits[0], &rows, 0), "...pTT----");
}

#[test]
fn validation_is_kept_from_the_test_and_training_from_both() {
    let rows = series(10, 1);
    let times = labels(&rows, 0);
    let (validation, test) = shares(times.times(), 0.3, 0.3).unwrap();
    let split = &holdout(times.times(), validation, test).unwrap()[0];
    assert_eq!(shown(split, &rows, 0), "...pVVpTTT");
}

#[test]
fn rows_without_a_known_end_are_in_no_part() {
    let rows = [(1, 1), (2, 2), (2, UNKNOWN), (3, 3), (4, UNKNOWN)];
    let splits = k_fold(labels(&rows, 0).times(), 3);
    assert_eq!(splits.len(), 3);
    assert_eq!(shown(&splits[1], &rows, 0), ".T-.-");
}

/// Random rows of a few entities, whose times and label ends are irregular.
fn panels() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let entity = proptest::collection::vec((1..40u32, 0..6u32, 0..12u8), 0..25);
    proptest::collection::vec(entity, 1..4).prop_map(|entities| {
        let rows = entities.into_iter().flatten();
        let row = |(start, length, known): (u32, u32, u8)| {
            let end = if known == 0 { UNKNOWN } else { start + length };
            (start, end)
        };
        rows.map(row).collect()
    })
}

/// Splits of every scheme that the labels allow.
fn some_splits(times: &[u32], parts: usize, tested: usize, gap: usize, size: usize) -> Vec<Split> {
    let walks = [
        (None, None),
        (Some(size + 1), None),
        (None, Some(size)),
        (Some(size), Some(2)),
    ];
    let walks = walks.into_iter().flat_map(|(train, test)| {
        [false, true].map(|rolling| Walk {
            folds: (train.is_none() || test.is_none()).then_some(parts),
            train,
            test,
            step: test.map(|test| test + gap),
            gap,
            rolling,
        })
    });
    let mut splits = k_fold(times, parts);
    splits.extend(combinatorial(times, parts, tested).unwrap_or_default());
    splits.extend(walks.flat_map(|walk| walk_forward(times, &walk).unwrap_or_default()));
    if let Ok((validation, test)) = shares(times, 0.2, 0.3) {
        splits.extend(holdout(times, validation, test).unwrap_or_default());
        splits.extend(holdout(times, None, test).unwrap_or_default());
    }
    splits
}

/// The definition, row by row and test row by test row.
fn expected(split: &Split, rows: &[(u32, u32)], row: (u32, u32), embargo: u32) -> Role {
    let (start, end) = row;
    if end == UNKNOWN {
        return Role::Unused;
    }
    let within = |held: &Segment| held.first <= start && start <= held.last;
    let overlaps = |held: &Segment| {
        let members = rows.iter().filter(|member| {
            member.1 != UNKNOWN && held.first <= member.0 && member.0 <= held.last
        });
        let latest = members.map(|member| member.1).fold(held.last, u32::max);
        (
            start <= latest && end >= held.first,
            start > latest && start <= latest + embargo,
        )
    };
    if split.tests.iter().any(within) {
        return Role::Test;
    }
    if split.validation.as_ref().is_some_and(within) {
        let purged = split.tests.iter().any(|test| overlaps(test).0);
        return if purged {
            Role::Purged
        } else {
            Role::Validation
        };
    }
    if start < split.trains.0 || start > split.trains.1 {
        return Role::Unused;
    }
    let held: Vec<&Segment> = split.tests.iter().chain(&split.validation).collect();
    if held.iter().any(|held| overlaps(held).0) {
        Role::Purged
    } else if held.iter().any(|held| overlaps(held).1) {
        Role::Embargoed
    } else {
        Role::Train
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn roles_are_those_of_the_definition_and_no_label_overlaps(
        rows in panels(), parts in 2..7usize, tested in 1..4usize, gap in 0..4usize,
        size in 1..5usize, embargo in 0..6u32,
    ) {
        let labels = labels(&rows, embargo);
        for split in some_splits(labels.times(), parts, tested, gap, size) {
            let roles = Roles::new(&split, &labels);
            for &row in &rows {
                let role = roles.of(row.0, row.1).role;
                prop_assert_eq!(role, expected(&split, &rows, row, embargo), "{:?} {:?}", row, &split);
            }
            // Whatever the definition says: labels that train and labels that are
            // held share no time, nor do those of validation and test.
            let of = |role: Role| -> Vec<&(u32, u32)> {
                rows.iter().filter(|row| roles.of(row.0, row.1).role == role).collect()
            };
            for (early, late) in [(Role::Train, Role::Test), (Role::Train, Role::Validation), (Role::Validation, Role::Test)] {
                for a in of(early) {
                    for b in of(late) {
                        prop_assert!(a.1 < b.0 || b.1 < a.0, "{:?} {:?} {:?}", a, b, &split);
                    }
                }
            }
        }
    }

    #[test]
    fn every_row_is_in_one_interval_of_each_fold(
        rows in panels(), parts in 2..7usize, tested in 1..4usize, gap in 0..4usize,
        size in 1..5usize, embargo in 0..6u32,
    ) {
        let labels = labels(&rows, embargo);
        for split in some_splits(labels.times(), parts, tested, gap, size) {
            let roles = Roles::new(&split, &labels);
            let intervals = roles.intervals(&labels);
            prop_assert_eq!(intervals.iter().map(|i| i.rows).sum::<u64>(), rows.len() as u64);
            for &(start, end) in &rows {
                let within = |i: &&super::Interval| {
                    i.starts.0 <= start && start <= i.starts.1 && i.ends.0 <= end && end <= i.ends.1
                };
                let found: Vec<_> = intervals.iter().filter(within).collect();
                prop_assert_eq!(found.len(), 1);
                prop_assert_eq!(found[0].does, roles.of(start, end));
                prop_assert!(found[0].found.0 <= start && start <= found[0].found.1);
                prop_assert!(found[0].latest >= end);
            }
        }
    }

    #[test]
    fn schemes_test_every_labelled_time(
        rows in panels(), parts in 2..7usize, tested in 1..4usize,
    ) {
        let labels = labels(&rows, 0);
        let times = labels.times();
        let count = |splits: &[Split], time: u32| {
            let tests = splits.iter().flat_map(|split| &split.tests);
            tests.filter(|test| test.first <= time && time <= test.last).count()
        };
        let folds = k_fold(times, parts);
        for &time in times {
            prop_assert_eq!(count(&folds, time), 1);
        }
        if let Ok(folds) = combinatorial(times, parts, tested) {
            let paths = folds.len() * tested / parts;
            for &time in times {
                prop_assert_eq!(count(&folds, time), paths);
            }
        }
    }
}
