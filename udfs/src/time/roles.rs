//! What each row does in a fold: purged and embargoed, so that no label of a
//! training row overlaps a label of a held row (López de Prado, Advances in
//! Financial Machine Learning, 2018, section 7.4).
//!
//! A row that is not held is purged for a held segment if it starts no later
//! than the latest label of the segment ends, and its own label ends no earlier
//! than the segment begins; touching is overlapping. It is embargoed if it
//! starts soon after that latest end. The conditions are bounds on a row's start
//! and on its label's end, so a fold is a few rectangles of starts and ends,
//! however many rows there are.

use super::labels::{Labels, UNKNOWN};
use super::schemes::{Segment, Split};

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A model is fitted to it.
    Train,
    /// Parameters are chosen on it.
    Validation,
    /// The model is judged on it.
    Test,
    /// Its label overlaps one that it must not know.
    Purged,
    /// It follows a test too closely.
    Embargoed,
    /// The scheme has no use for it in this fold.
    Unused,
}

impl Role {
    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Purged => "purged",
            Self::Embargoed => "embargoed",
            Self::Unused => "unused",
        }
    }
}

/// A role, why, and for which segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role: Role,
    /// Why, for roles that are not part of the scheme's plan.
    pub reason: Option<&'static str>,
    /// The segment that the row is part of, or is kept away from.
    pub segment: Option<u32>,
    /// The backtest path of a tested row.
    pub path: Option<u32>,
}

impl Assignment {
    fn new(role: Role, reason: Option<&'static str>, segment: Option<u32>) -> Self {
        Self {
            role,
            reason,
            segment,
            path: None,
        }
    }
}

/// Reasons.
const REACHES: &str = "label reaches the held rows";
const BEFORE_END: &str = "starts before the labels of the held rows end";
const SOON_AFTER: &str = "follows the held rows too closely";
const GAP: &str = "gap before the test";
const AFTER: &str = "after the test";
const BEFORE_WINDOW: &str = "before the training window";
const NO_END: &str = "label has no known end";

const UNLABELLED: Assignment = Assignment {
    role: Role::Unused,
    reason: Some(NO_END),
    segment: None,
    path: None,
};

/// Starts from `first` to `last`, which do the same.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: u32,
    last: u32,
    does: Assignment,
    /// Rows whose labels end here or later are purged for that segment instead.
    reaches: Option<(u32, u32)>,
}

/// The roles of a fold.
#[derive(Debug, Clone)]
pub struct Roles {
    /// Ascending, without a hole.
    blocks: Vec<Block>,
}

/// Some rows of a fold that do the same: starts and ends within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// What they do.
    pub does: Assignment,
    /// The bounds of the rows' positions, both included.
    pub starts: (u32, u32),
    /// The bounds of their labels' ends, both included; [`UNKNOWN`] is an end.
    pub ends: (u32, u32),
    /// How many rows there are, at least one.
    pub rows: u64,
    /// The first and the last position of these rows.
    pub found: (u32, u32),
    /// The latest end of their labels, [`UNKNOWN`] if no end is known.
    pub latest: u32,
}

impl Roles {
    /// The roles of `split` where labels span `labels`.
    pub fn new(split: &Split, labels: &Labels) -> Self {
        let mut held: Vec<(Segment, Role)> = split
            .tests
            .iter()
            .map(|test| (*test, Role::Test))
            .chain(split.validation.map(|held| (held, Role::Validation)))
            .collect();
        held.sort_unstable_by_key(|(segment, _)| segment.first);

        let mut roles = Self { blocks: Vec::new() };
        let mut behind = None;
        let mut next = 1;
        for (i, (segment, role)) in held.iter().enumerate() {
            roles.between(next, segment.first - 1, split, behind, Some(*segment));
            let does = Assignment {
                path: (*role == Role::Test).then_some(segment.path),
                ..Assignment::new(*role, None, Some(segment.number))
            };
            let later = held[i + 1..].first();
            let reaches = match role {
                // Parameters are chosen on these rows, so they must not know the test.
                Role::Validation => later.map(|(test, _)| (test.first, test.number)),
                _ => None,
            };
            roles.push(segment.first, segment.last, does, reaches);
            let (end, reach) = labels.latest(segment.first, segment.last);
            behind = Some(match behind {
                Some(known @ Behind { end: later, .. }) if later >= end => Behind {
                    reach: reach.max(known.reach),
                    ..known
                },
                _ => Behind {
                    end,
                    reach: reach.max(behind.map_or(0, |known| known.reach)),
                    segment: segment.number,
                },
            });
            next = segment.last.saturating_add(1);
        }
        roles.between(next, u32::MAX, split, behind, None);
        roles
    }

    /// Adds the blocks of starts between two held segments.
    fn between(
        &mut self,
        first: u32,
        last: u32,
        split: &Split,
        behind: Option<Behind>,
        ahead: Option<Segment>,
    ) {
        let (from, to) = split.trains;
        let unused = |reason| Assignment::new(Role::Unused, Some(reason), None);
        let above = if ahead.is_some() { GAP } else { AFTER };
        self.push(first, last.min(from - 1), unused(BEFORE_WINDOW), None);
        let (low, high) = (first.max(from), last.min(to));
        let reaches = ahead.map(|segment| (segment.first, segment.number));
        let mut next = low;
        if let Some(Behind {
            end,
            reach,
            segment,
        }) = behind
        {
            let purged = Assignment::new(Role::Purged, Some(BEFORE_END), Some(segment));
            self.push(next, high.min(end), purged, None);
            next = next.max(end.saturating_add(1));
            let embargoed = Assignment::new(Role::Embargoed, Some(SOON_AFTER), Some(segment));
            self.push(next, high.min(reach), embargoed, reaches);
            next = next.max(reach.saturating_add(1));
        }
        let train = Assignment::new(Role::Train, None, None);
        self.push(next, high, train, reaches);
        if to < u32::MAX {
            self.push(first.max(to + 1), last, unused(above), None);
        }
    }

    fn push(&mut self, first: u32, last: u32, does: Assignment, reaches: Option<(u32, u32)>) {
        if first <= last {
            self.blocks.push(Block {
                first,
                last,
                does,
                reaches,
            });
        }
    }

    /// What a row does whose position is `start` and whose label ends at `end`.
    pub fn of(&self, start: u32, end: u32) -> Assignment {
        if end == UNKNOWN {
            return UNLABELLED;
        }
        let after = self.blocks.partition_point(|block| block.first <= start);
        match self.blocks.get(after.wrapping_sub(1)) {
            Some(block) => block.does(end),
            None => UNLABELLED,
        }
    }

    /// The rows of `labels` by what they do, in the order of time; intervals
    /// without rows are left out.
    pub fn intervals(&self, labels: &Labels) -> Vec<Interval> {
        let mut intervals = Vec::new();
        for block in &self.blocks {
            let bound = block.reaches.map_or(u32::MAX, |(from, _)| from - 1);
            let starts = (block.first, block.last);
            intervals.extend(interval(block.does, starts, (1, bound), labels));
            if let Some((from, _)) = block.reaches {
                let does = block.does(from);
                intervals.extend(interval(does, starts, (from, u32::MAX), labels));
            }
        }
        let all = (1, u32::MAX);
        intervals.extend(interval(UNLABELLED, all, (UNKNOWN, UNKNOWN), labels));
        intervals
    }
}

/// The latest of the held segments that lie behind.
#[derive(Clone, Copy)]
struct Behind {
    /// Where its labels end.
    end: u32,
    /// Where the embargo ends.
    reach: u32,
    /// Its number.
    segment: u32,
}

impl Block {
    fn does(&self, end: u32) -> Assignment {
        match self.reaches {
            Some((from, segment)) if end >= from => {
                Assignment::new(Role::Purged, Some(REACHES), Some(segment))
            }
            _ => self.does,
        }
    }
}

fn interval(
    does: Assignment,
    starts: (u32, u32),
    ends: (u32, u32),
    labels: &Labels,
) -> Option<Interval> {
    let mut interval = Interval {
        does,
        starts,
        ends,
        rows: 0,
        found: (u32::MAX, 0),
        latest: UNKNOWN,
    };
    for span in labels.spans_from(starts.0, starts.1) {
        if ends.0 <= span.end && span.end <= ends.1 {
            interval.rows += span.rows;
            interval.found.0 = interval.found.0.min(span.start);
            interval.found.1 = interval.found.1.max(span.start);
            interval.latest = interval.latest.max(span.end);
        }
    }
    (interval.rows > 0).then_some(interval)
}

#[cfg(test)]
mod tests;
