//! Where time is cut: which positions each fold tests, and which may train it.

/// A contiguous range of positions, both ends included, that a fold keeps from
/// training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Of the scheme's segments, from 1.
    pub number: u32,
    /// The backtest path that it is part of, from 1.
    pub path: u32,
    /// Its first position.
    pub first: u32,
    /// Its last position.
    pub last: u32,
}

/// One fold, before anything is purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What is tested, ascending.
    pub tests: Vec<Segment>,
    /// What parameters are chosen on, before the test.
    pub validation: Option<Segment>,
    /// The first and the last position that may train.
    pub trains: (u32, u32),
}

/// How many distinct times each part of walking forward has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walk {
    /// How many folds; `None`: as many as fit, or 5 where the sizes do not say.
    pub folds: Option<usize>,
    /// Times that train the first fold, and, where the window rolls, every fold.
    pub train: Option<usize>,
    /// Times that a fold tests.
    pub test: Option<usize>,
    /// Times from one test to the next; `None`: a test's length.
    pub step: Option<usize>,
    /// Times between training and test that do neither.
    pub gap: usize,
    /// Whether training forgets: always as many times as for the first fold.
    pub rolling: bool,
}

/// How many folds there are where nothing else says.
pub const FOLDS: usize = 5;

/// The most folds of one call.
const MOST: usize = 100_000;

/// `parts` segments, each tested on a model of all others. Segments that would
/// be empty are left out.
pub fn k_fold(times: &[u32], parts: usize) -> Vec<Split> {
    combinatorial_groups(times, parts)
        .map(|segment| Split {
            tests: vec![Segment { path: 1, ..segment }],
            validation: None,
            trains: (1, u32::MAX),
        })
        .collect()
}

/// Every choice of `tested` of `groups` segments is tested on a model of the
/// others, in lexicographic order. The n-th test of a segment belongs to path n,
/// so that each path tests every segment once (López de Prado 2018, section
/// 12.4): C(groups, tested) · tested / groups paths.
///
/// # Errors
/// What is wrong with the numbers.
pub fn combinatorial(times: &[u32], groups: usize, tested: usize) -> Result<Vec<Split>, String> {
    if tested >= groups {
        return Err(format!(
            "of {groups} groups at most {} can be tested",
            groups - 1
        ));
    }
    if times.len() < groups {
        return Err(too_few(times, groups));
    }
    if choices(groups, tested).is_none_or(|count| count > MOST) {
        return Err(format!(
            "{tested} of {groups} groups make more than {MOST} folds"
        ));
    }
    let segments: Vec<Segment> = combinatorial_groups(times, groups).collect();
    let mut tests_of = vec![0; groups];
    let mut chosen: Vec<usize> = (0..tested).collect();
    let mut splits = Vec::new();
    loop {
        let test = |&group: &usize| {
            tests_of[group] += 1;
            Segment {
                path: tests_of[group],
                ..segments[group]
            }
        };
        splits.push(Split {
            tests: chosen.iter().map(test).collect(),
            validation: None,
            trains: (1, u32::MAX),
        });
        // The last of the chosen that can move on; those after it follow.
        let Some(i) = (0..tested).rfind(|&i| chosen[i] < groups - tested + i) else {
            return Ok(splits);
        };
        chosen[i] += 1;
        for later in i + 1..tested {
            chosen[later] = chosen[later - 1] + 1;
        }
    }
}

fn combinatorial_groups(times: &[u32], groups: usize) -> impl Iterator<Item = Segment> {
    equal_parts(0, times.len(), groups)
        .enumerate()
        .filter(|(_, (from, to))| from < to)
        .map(|(i, (from, to))| Segment {
            number: i as u32 + 1,
            path: 1,
            first: times[from],
            last: times[to - 1],
        })
}

/// `from..to` in parts whose lengths differ by at most one.
fn equal_parts(from: usize, to: usize, parts: usize) -> impl Iterator<Item = (usize, usize)> {
    let cut = move |part: usize| from + part * (to - from) / parts;
    (0..parts).map(move |part| (cut(part), cut(part + 1)))
}

/// n over k, if it is no more than a usize holds.
fn choices(n: usize, k: usize) -> Option<usize> {
    (0..k.min(n - k)).try_fold(1_usize, |count, i| {
        // Exact: a product of i + 1 successive numbers is divisible by (i + 1)!.
        Some(count.checked_mul(n - i)? / (i + 1))
    })
}

/// Each fold tests what follows its training.
///
/// # Errors
/// What is wrong with the sizes.
pub fn walk_forward(times: &[u32], walk: &Walk) -> Result<Vec<Split>, String> {
    let tests = walk_tests(times, walk)?;
    let length = walk.train.unwrap_or(tests[0].0 - walk.gap);
    let splits = tests.iter().enumerate().map(|(i, &(from, to))| {
        let end = from - walk.gap;
        let begin = if walk.rolling {
            times[end - length.min(end)]
        } else {
            1
        };
        Split {
            tests: vec![Segment {
                number: i as u32 + 1,
                path: 1,
                first: times[from],
                last: times[to - 1],
            }],
            validation: None,
            trains: (begin, times[end - 1]),
        }
    });
    Ok(splits.collect())
}

/// The tests as ranges of indices, of which there is at least one. Before each
/// lie the gap and at least one time to train on.
fn walk_tests(times: &[u32], walk: &Walk) -> Result<Vec<(usize, usize)>, String> {
    let n = times.len();
    let folds = walk.folds.unwrap_or(FOLDS);
    let tests: Vec<(usize, usize)> = match (walk.train, walk.test) {
        // The first of equal parts only trains.
        (None, None) => equal_parts(0, n, folds + 1)
            .skip(1)
            .filter(|(from, _)| *from > 0)
            .collect(),
        (Some(train), None) => {
            let first = train + walk.gap;
            if n < first + folds {
                return Err(too_few(times, first + folds));
            }
            equal_parts(first, n, folds).collect()
        }
        (train, Some(test)) => {
            let step = walk.step.unwrap_or(test);
            let ends_with_the_data = || {
                n.checked_sub(test + (folds - 1).saturating_mul(step))
                    .filter(|&first| first > walk.gap)
                    .ok_or_else(|| {
                        too_few(
                            times,
                            test + (folds - 1).saturating_mul(step) + walk.gap + 1,
                        )
                    })
            };
            let first = match train {
                Some(train) => train + walk.gap,
                None => ends_with_the_data()?,
            };
            let starts = (first..n).step_by(step);
            let limit = if train.is_some() {
                walk.folds.unwrap_or(MOST)
            } else {
                folds
            };
            let tests: Vec<_> = starts
                .take(limit)
                .map(|from| (from, (from + test).min(n)))
                .collect();
            match walk.folds {
                Some(folds) if tests.len() < folds => {
                    return Err(too_few(times, first + (folds - 1) * step + 1));
                }
                _ if tests.is_empty() => return Err(too_few(times, first + 1)),
                _ => tests,
            }
        }
    };
    let tests: Vec<_> = tests.into_iter().filter(|(from, to)| from < to).collect();
    match tests.first() {
        Some((first, _)) if *first > walk.gap => Ok(tests),
        Some(_) => Err(format!(
            "a gap of {} leaves the first fold no time to train on",
            walk.gap
        )),
        None => Err(too_few(times, folds + 1)),
    }
}

/// One fold: training, then validation if any, then test, by first positions.
///
/// # Errors
/// A part without a time.
pub fn holdout(times: &[u32], validation: Option<u32>, test: u32) -> Result<Vec<Split>, String> {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Err(too_few(times, 2));
    };
    if test > last {
        return Err("no row that has a label lies in the test".to_owned());
    }
    if validation.unwrap_or(test) <= first {
        return Err("no row that has a label lies before the validation and the test".to_owned());
    }
    if validation.is_some_and(|from| from >= test) {
        return Err("the validation must begin before the test".to_owned());
    }
    let before = validation.unwrap_or(test);
    Ok(vec![Split {
        tests: vec![Segment {
            number: 1,
            path: 1,
            first: test,
            last,
        }],
        validation: validation.map(|first| Segment {
            number: 1,
            path: 1,
            first,
            last: test - 1,
        }),
        trains: (1, before - 1),
    }])
}

/// The first positions of validation, if it has a share, and of the test, whose
/// shares of the times are rounded to the nearest, at least one time each.
///
/// # Errors
/// Too few times for that.
pub fn shares(times: &[u32], validation: f64, test: f64) -> Result<(Option<u32>, u32), String> {
    let n = times.len();
    let count = |share: f64| match share {
        0.0 => 0,
        _ => ((share * n as f64).round() as usize).max(1),
    };
    let (tested, validated) = (count(test), count(validation));
    if tested + validated >= n {
        return Err(too_few(times, tested + validated + 1));
    }
    let from = n - tested - validated;
    let validated = (validated > 0).then(|| times[from]);
    Ok((validated, times[n - tested]))
}

fn too_few(times: &[u32], needed: usize) -> String {
    format!(
        "{needed} distinct times with a label are needed, the data has {}",
        times.len()
    )
}

#[cfg(test)]
mod tests;
