//! The same coefficients of a column that is in order already: one walk through
//! it ranks every group at once, since a group's rows come in their order too.
//!
//! Twice a rank less its mean is a whole number, so products are sums of whole
//! numbers and the same in any order.

use super::{Coefficients, GroupedTarget, LEAST_PAIRS, centre, cosine};
use crate::statistics::ascending::Ascending;

/// In no group, or without a target.
const NOWHERE: u32 = u32::MAX;

/// The ranks of a target in each group, by row. 8 bytes per row, and 12 for the
/// order of the target.
pub struct RankedTarget<'a> {
    target: &'a GroupedTarget,
    by_row: Vec<Place>,
    sorted: Ascending,
}

#[derive(Clone, Copy)]
struct Place {
    group: u32,
    /// Twice the deviation of the rank from its mean.
    doubled: i32,
}

/// Memory that serves one column after the other.
#[derive(Default)]
pub struct Scratch {
    values: Vec<f64>,
    other: Vec<f64>,
    deviations: Vec<f64>,
    other_deviations: Vec<f64>,
    groups: Vec<Group>,
    /// Twice the deviation of the target's rank among the rows that have the
    /// feature too.
    among: Vec<i32>,
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// Rows with a feature and a target.
    n: u32,
    complete: bool,
    /// Pearson's coefficient, if the group has one.
    ic: Option<f64>,
    walk: Walk,
    /// Of the target, where the group is not complete.
    other: Walk,
    product: i128,
}

/// Where a walk is in a group.
#[derive(Clone, Copy, Default)]
struct Walk {
    ranked: u32,
    /// Σ t³ - t over runs of t equal values.
    cubes: u128,
    /// Of the run at hand: rows, and the sum of the other side's ranks.
    run: u32,
    sum: i64,
}

impl Walk {
    /// Twice the average rank of the run at hand, less n + 1.
    fn doubled(&self, n: u32) -> i64 {
        2 * i64::from(self.ranked) + i64::from(self.run) - i64::from(n)
    }

    fn end_run(&mut self) {
        let t = u128::from(self.run);
        self.cubes += t * t * t - t;
        self.ranked += self.run;
        self.run = 0;
        self.sum = 0;
    }

    /// Of the ranks' deviations from their mean.
    fn squares(&self, n: u32) -> f64 {
        let n = u128::from(n);
        (n * n * n - n - self.cubes) as f64 / 12.0
    }
}

impl<'a> RankedTarget<'a> {
    /// Of the column that `target` was made of.
    pub fn of(target: &'a GroupedTarget, column: &[f64]) -> Self {
        let nowhere = Place {
            group: NOWHERE,
            doubled: 0,
        };
        let mut by_row = vec![nowhere; column.len()];
        let mut start = 0;
        for (group, end) in (0..).zip(target.groups.iter().map(|group| group.end)) {
            for at in start..end {
                by_row[target.rows[at] as usize] = Place {
                    group,
                    // Whole, as a rank is a half at most.
                    doubled: (2.0 * target.ranks[at]) as i32,
                };
            }
            start = end;
        }
        Self {
            target,
            by_row,
            sorted: Ascending::of(column),
        }
    }

    /// As [`coefficients`](super::coefficients) of a feature that is in order.
    pub fn coefficients(
        &self,
        feature: &[f64],
        sorted: &Ascending,
        scratch: &mut Scratch,
    ) -> Coefficients {
        let mut found = Coefficients::default();
        scratch.groups.clear();
        let mut start = 0;
        for group in &self.target.groups {
            let range = start..group.end;
            start = group.end;
            let measured = self.pearson(feature, range, group.squares, &mut found, scratch);
            scratch.groups.push(measured);
        }
        let asked = |group: &Group| group.ic.is_some();
        if scratch.groups.iter().any(|g| asked(g) && !g.complete) {
            self.rank_among(feature, scratch);
        }
        self.rank(sorted, scratch);
        let groups = scratch.groups.iter().zip(&self.target.groups);
        for (number, (group, of_target)) in (0..).zip(groups) {
            let Some(ic) = group.ic else {
                continue;
            };
            let target_squares = if group.complete {
                of_target.rank_squares
            } else {
                group.other.squares(group.n)
            };
            let squares = group.walk.squares(group.n) * target_squares;
            // Doubled on both sides.
            let rank_ic = group.product as f64 / 4.0 / squares.sqrt();
            found.ic.push(ic);
            found.rank_ic.push(rank_ic.clamp(-1.0, 1.0));
            found.groups.push(number);
        }
        found
    }

    /// Pearson's coefficient of a group, and what it has.
    fn pearson(
        &self,
        feature: &[f64],
        range: std::ops::Range<usize>,
        squares: f64,
        found: &mut Coefficients,
        scratch: &mut Scratch,
    ) -> Group {
        let Scratch {
            values,
            other,
            deviations,
            other_deviations,
            ..
        } = scratch;
        let target = self.target;
        let rows = &target.rows[range.clone()];
        values.clear();
        values.extend(rows.iter().map(|&row| feature[row as usize]));
        let complete = !values.iter().any(|value| value.is_nan());
        if !complete {
            other.clear();
            let known = target.values[range.clone()].iter().zip(values.iter());
            other.extend(known.filter(|(_, value)| !value.is_nan()).map(|(y, _)| *y));
            values.retain(|value| !value.is_nan());
        }
        found.pairs += values.len() as u64;
        let mut group = Group {
            n: values.len() as u32,
            complete,
            ..Group::default()
        };
        if values.len() < LEAST_PAIRS {
            found.too_few += 1;
            return group;
        }
        let (squares, y) = if complete {
            (squares, &target.deviations[range])
        } else {
            other_deviations.clear();
            (centre(other, other_deviations), other_deviations.as_slice())
        };
        deviations.clear();
        let own = centre(values, deviations);
        let constant = [own == 0.0, squares == 0.0];
        found.constant_feature += usize::from(constant[0]);
        found.constant_target += usize::from(constant[1]);
        if constant[0] || constant[1] {
            found.constant += 1;
        } else {
            group.ic = Some(cosine(deviations, own, y, squares));
        }
        group
    }

    /// The target's ranks in groups that lack the feature in some rows.
    fn rank_among(&self, feature: &[f64], scratch: &mut Scratch) {
        let Scratch { groups, among, .. } = scratch;
        among.resize(self.by_row.len(), 0);
        let place = |row: u32| {
            let group = self.by_row[row as usize].group;
            (group != NOWHERE && !feature[row as usize].is_nan()).then_some(group as usize)
        };
        let mut rows = self.sorted.rows.as_slice();
        for run in self.sorted.values.chunk_by(|a, b| a == b) {
            let (tied, rest) = rows.split_at(run.len());
            rows = rest;
            let members = || tied.iter().filter_map(|&row| Some((row, place(row)?)));
            for (_, group) in members() {
                groups[group].other.run += 1;
            }
            for (row, group) in members() {
                let group = &groups[group];
                among[row as usize] = group.other.doubled(group.n) as i32;
            }
            for (_, group) in members() {
                if groups[group].other.run > 0 {
                    groups[group].other.end_run();
                }
            }
        }
    }

    /// The feature's ranks, multiplied with the target's.
    fn rank(&self, sorted: &Ascending, scratch: &mut Scratch) {
        let Scratch { groups, among, .. } = scratch;
        let other = |row: u32, place: Place, complete: bool| {
            i64::from(if complete {
                place.doubled
            } else {
                among[row as usize]
            })
        };
        let mut rows = sorted.rows.as_slice();
        for run in sorted.values.chunk_by(|a, b| a == b) {
            let (tied, rest) = rows.split_at(run.len());
            rows = rest;
            let places = || {
                let places = tied.iter().map(|&row| (row, self.by_row[row as usize]));
                places.filter(|(_, place)| place.group != NOWHERE)
            };
            if let [row] = *tied {
                let place = self.by_row[row as usize];
                if place.group != NOWHERE {
                    let group = &mut groups[place.group as usize];
                    if group.ic.is_some() {
                        let y = other(row, place, group.complete);
                        // The mean of y is 0: any origin serves.
                        group.product += i128::from(2 * i64::from(group.walk.ranked) * y);
                        group.walk.ranked += 1;
                    }
                }
                continue;
            }
            for (row, place) in places() {
                let group = &mut groups[place.group as usize];
                if group.ic.is_some() {
                    group.walk.run += 1;
                    group.walk.sum += other(row, place, group.complete);
                }
            }
            for (_, place) in places() {
                let group = &mut groups[place.group as usize];
                if group.walk.run > 0 {
                    let rank = 2 * i64::from(group.walk.ranked) + i64::from(group.walk.run) - 1;
                    group.product += i128::from(rank) * i128::from(group.walk.sum);
                    group.walk.end_run();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RankedTarget, Scratch};
    use crate::statistics::ascending::Ascending;
    use crate::statistics::groups::Groups;
    use crate::statistics::information_coefficient::{GroupedTarget, coefficients};
    use crate::statistics::random::Random;

    /// Every group ranked by itself gives the same digits: with ties and
    /// without, with missing values on either side, constant groups, few groups
    /// and many.
    #[test]
    fn one_walk_ranks_as_each_group_alone() {
        let mut random = Random::stream(42, "ranked", 0);
        let mut scratch = Scratch::default();
        for case in 0..60 {
            let n = 1 + random.below(3000);
            let groups = 1 + random.below(if case % 2 == 0 { 5 } else { 400 });
            let mut column = |levels: usize, missing: usize| -> Vec<f64> {
                (0..n)
                    .map(|_| match random.below(100) {
                        x if x < missing => f64::NAN,
                        _ => random.below(levels) as f64 - 3.0,
                    })
                    .collect()
            };
            let group = column(groups, case % 3);
            let target = column([1 << 30, 5, 2][case % 3], case % 7);
            let feature = column([1 << 30, 4, 1, 50][case % 4], (case % 5) * 10);
            let position: Vec<f64> = (0..n).map(|row| row as f64).collect();
            let grouped = GroupedTarget::of(&target, &Groups::of(&group, &position));
            let ranked = RankedTarget::of(&grouped, &target);
            let sorted = Ascending::of(&feature);
            let found = ranked.coefficients(&feature, &sorted, &mut scratch);
            assert_eq!(found, coefficients(&feature, &grouped), "case {case}");
        }
    }
}
