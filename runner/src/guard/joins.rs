//! Joins: whether the joined rows were known at the time of the row that they are
//! joined to.

use sqlparser::ast::{BinaryOperator as Op, Expr, Spanned};

use super::analysis::{Analysis, Found, Item, Scope};
use super::graph::{Extent, Graph};
use super::lineage::{Ahead, Grain, Mark, Relation, Site, Time};
use super::names;
use super::reach::Side;
use super::rules::Rule;

/// `left < right`, `left <= right` or `left = right`, of two relations' times.
#[derive(Debug, Clone)]
struct Comparison {
    left: (usize, Side),
    equal: bool,
    strict: bool,
    right: (usize, Side),
    site: Site,
}

/// The place of the row outside of a correlated subquery.
const OUTSIDE: usize = usize::MAX;

/// A comparison as one of its relations sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Its time is at the other's, this far from it.
    Equal,
    /// Its time is at or before the other's.
    Upper { strict: bool },
    /// Its time is at or after the other's.
    Lower,
}

impl Analysis<'_> {
    /// Marks what the joins of a FROM clause bring from the future.
    pub(super) fn join_items(
        &mut self,
        scope: &mut Scope<'_>,
        conditions: &[&Expr],
        using: &[String],
    ) {
        self.bounded_by_outer(scope, conditions);
        if scope.items.len() < 2 {
            return;
        }
        self.picked_by_extremes(scope, conditions);
        let mut comparisons = Vec::new();
        for condition in conditions {
            self.compare(condition, scope, false, &mut comparisons);
        }
        self.compare_using(scope, using, &mut comparisons);

        let timed: Vec<bool> = scope
            .items
            .iter()
            .map(|item| has_time(&item.relation))
            .collect();
        let is_row = |item: &Item| item.relation.grain == Grain::Row;
        // The relation whose rows get the others' columns.
        let spine = (0..scope.items.len())
            .find(|&i| {
                let relation = &scope.items[i].relation;
                is_row(&scope.items[i]) && (timed[i] || !relation.open.is_empty())
            })
            .unwrap_or(0);
        let spine_has_time = timed[spine] || !scope.items[spine].relation.open.is_empty();
        let grains: Vec<Grain> = scope.items.iter().map(|item| item.relation.grain).collect();

        for i in 0..scope.items.len() {
            let own: Vec<(Bound, Comparison, i8, Option<i64>)> = comparisons
                .iter()
                .filter_map(|comparison| seen_by(i, comparison))
                .collect();
            self.buckets(&mut scope.items[i], &own, i, &grains);
            let finer = |other: Grain| match grains[i] {
                Grain::Row => false,
                Grain::Bucket => other == Grain::Row,
                Grain::Whole | Grain::Single => other == Grain::Row || other == Grain::Bucket,
            };
            if grains
                .iter()
                .enumerate()
                .any(|(j, grain)| j != i && finer(*grain))
            {
                for column in &mut scope.items[i].relation.columns {
                    column.value = column.value.activated(|mark| mark.rule != Rule::Bucket);
                }
            }
            if i == spine || grains[i] != Grain::Row {
                continue;
            }
            let item = &mut scope.items[i];
            if is_made(&item.relation, &self.graph) {
                continue;
            }
            if own.is_empty() {
                if timed[i] && spine_has_time {
                    let site = self.site_of(conditions, &item.alias);
                    let mark = Mark::new(Rule::TimelessJoin, site, Ahead::Unbounded)
                        .detail(format!("'{}' is joined without its time", item.alias));
                    mark_joined(&mut item.relation, &mark);
                } else if !item.relation.open.is_empty() && spine_has_time {
                    self.timeless
                        .extend(item.relation.open.iter().map(|table| table.to_string()));
                }
                continue;
            }
            if let Some(mark) = verdict(i, &own) {
                mark_joined(&mut item.relation, &mark);
            } else if let Some((_, _, _, Some(rows))) =
                own.iter().find(|(bound, _, distance, rows)| {
                    *bound == Bound::Equal && *distance < 0 && rows.is_some()
                })
            {
                let rows = rows.saturating_abs();
                for column in &mut item.relation.columns {
                    column.value = column.value.shifted(rows);
                }
            } else if !own.iter().any(|(bound, ..)| *bound == Bound::Equal)
                && own
                    .iter()
                    .any(|(bound, ..)| matches!(bound, Bound::Upper { .. }))
            {
                item.relation.spread(Extent::PAST);
            }
        }
    }

    /// A correlated subquery is a join with the row outside.
    fn bounded_by_outer(&mut self, scope: &mut Scope<'_>, conditions: &[&Expr]) {
        if scope.outer.is_none() {
            return;
        }
        let mut comparisons = Vec::new();
        for condition in conditions {
            self.compare(condition, scope, true, &mut comparisons);
        }
        for i in 0..scope.items.len() {
            let own: Vec<(Bound, Comparison, i8, Option<i64>)> = comparisons
                .iter()
                .filter(|c| c.left.0 == OUTSIDE || c.right.0 == OUTSIDE)
                .filter_map(|comparison| seen_by(i, comparison))
                .collect();
            if let Some(mark) = verdict(i, &own) {
                mark_joined(&mut scope.items[i].relation, &mark);
            } else if own
                .iter()
                .any(|(bound, ..)| matches!(bound, Bound::Upper { .. }))
            {
                scope.items[i].relation.spread(Extent::PAST);
            }
        }
    }

    /// `r.ts = latest.max_ts`: the rows at the end of the data.
    fn picked_by_extremes(&mut self, scope: &mut Scope<'_>, conditions: &[&Expr]) {
        for condition in conditions {
            let Expr::BinaryOp {
                left,
                op: Op::Eq,
                right,
            } = condition
            else {
                continue;
            };
            let (Some(a), Some(b)) = (self.side(left, scope), self.side(right, scope)) else {
                continue;
            };
            for (picked, by) in [(&a, &b), (&b, &a)] {
                if let Some(Found::Item(i)) = picked.found
                    && by.whole
                    && picked.time != Time::No
                    && !picked.whole
                    && scope.items[i].relation.grain == Grain::Row
                {
                    let site = self.site(condition.span());
                    let mark = Mark::new(Rule::LaterRow, site, Ahead::Unbounded);
                    mark_joined(&mut scope.items[i].relation, &mark);
                }
            }
        }
    }

    fn site_of(&self, conditions: &[&Expr], alias: &str) -> Site {
        let about = conditions.iter().find(|condition| {
            let text = condition.to_string().to_ascii_lowercase();
            text.contains(&format!("{}.", alias.to_ascii_lowercase()))
        });
        match about {
            Some(condition) => self.site(condition.span()),
            None => self.site(sqlparser::tokenizer::Span::empty()),
        }
    }

    fn compare(
        &mut self,
        condition: &Expr,
        scope: &Scope<'_>,
        outside: bool,
        into: &mut Vec<Comparison>,
    ) {
        let site = self.site(condition.span());
        let mut pairs: Vec<(&Expr, &Op, &Expr)> = Vec::new();
        match condition {
            Expr::BinaryOp { left, op, right } => pairs.push((left, op, right)),
            Expr::Between {
                expr,
                negated: false,
                low,
                high,
            } => {
                pairs.push((expr, &Op::GtEq, low));
                pairs.push((expr, &Op::LtEq, high));
            }
            _ => {}
        }
        for (left, op, right) in pairs {
            let (strict, equal, flip) = match op {
                Op::Lt => (true, false, false),
                Op::LtEq => (false, false, false),
                Op::Gt => (true, false, true),
                Op::GtEq => (false, false, true),
                Op::Eq => (false, true, false),
                _ => continue,
            };
            let (Some(a), Some(b)) = (self.side(left, scope), self.side(right, scope)) else {
                continue;
            };
            let place = |side: &Side| match side.found {
                Some(Found::Item(i)) => Some(i),
                Some(Found::Outer) if outside => Some(OUTSIDE),
                _ => None,
            };
            let (Some(i), Some(j)) = (place(&a), place(&b)) else {
                continue;
            };
            if i == j || a.time == Time::No || b.time == Time::No || a.constant || b.constant {
                continue;
            }
            let (left, right) = if flip {
                ((j, b), (i, a))
            } else {
                ((i, a), (j, b))
            };
            into.push(Comparison {
                left,
                equal,
                strict,
                right,
                site,
            });
        }
    }

    fn compare_using(&mut self, scope: &Scope<'_>, using: &[String], into: &mut Vec<Comparison>) {
        let natural = using.iter().any(|name| name == "*");
        for i in 1..scope.items.len() {
            let mut names: Vec<String> = using.iter().filter(|n| *n != "*").cloned().collect();
            if natural {
                let common =
                    scope.items[i].relation.columns.iter().filter(|column| {
                        scope.items[i - 1].relation.column(&column.name).is_some()
                    });
                names.extend(common.map(|column| column.name.to_string()));
            }
            for name in names {
                let time = |item: &Item| match item.relation.column(&name) {
                    Some(column) => Some(column.value.time),
                    None if !item.relation.open.is_empty() => Some(self.time_of_name(&name)),
                    None => None,
                };
                let Some(own) = time(&scope.items[i]) else {
                    continue;
                };
                let other = (0..i).find_map(|j| Some((j, time(&scope.items[j])?)));
                let Some((j, theirs)) = other else { continue };
                if own == Time::No || theirs == Time::No {
                    continue;
                }
                let side = |i: usize, time: Time| Side {
                    found: Some(Found::Item(i)),
                    time,
                    offset: 0,
                    rows: None,
                    constant: false,
                    name: name.clone(),
                    whole: false,
                };
                into.push(Comparison {
                    left: (i, side(i, own)),
                    equal: true,
                    strict: false,
                    right: (j, side(j, theirs)),
                    site: self.site(sqlparser::tokenizer::Span::empty()),
                });
            }
        }
    }

    /// Figures of a whole bucket that are brought back to rows within it.
    fn buckets(
        &mut self,
        item: &mut Item,
        own: &[(Bound, Comparison, i8, Option<i64>)],
        i: usize,
        grains: &[Grain],
    ) {
        let others_are_rows = grains
            .iter()
            .enumerate()
            .any(|(j, grain)| j != i && *grain == Grain::Row);
        if item.relation.grain != Grain::Bucket || !others_are_rows {
            return;
        }
        let closed = own
            .iter()
            .any(|(bound, comparison, distance, _)| match bound {
                // At the end of the bucket it is known.
                Bound::Equal => {
                    *distance < 0
                        || (*distance == 0
                            && own_of(i, comparison).time != Time::Bucket
                            && other_of(i, comparison).time != Time::Bucket)
                }
                Bound::Upper { strict } => {
                    *distance < 0
                        || (*strict && other_of(i, comparison).time == Time::Bucket)
                        || (*distance == 0 && own_of(i, comparison).time != Time::Bucket)
                }
                Bound::Lower => false,
            });
        if closed {
            return;
        }
        let site = own.first().map(|(_, comparison, _, _)| comparison.site);
        for column in &mut item.relation.columns {
            column.value = column.value.activated(|mark| mark.rule == Rule::Bucket);
            if let Some(site) = site {
                column.value.each(&mut |value| {
                    let marks = value.marks.make_mut();
                    for mark in marks.iter_mut().filter(|mark| mark.rule == Rule::Bucket) {
                        mark.site = site;
                    }
                });
            }
        }
    }
}

fn other_of(i: usize, comparison: &Comparison) -> &Side {
    if comparison.left.0 == i {
        &comparison.right.1
    } else {
        &comparison.left.1
    }
}

fn own_of(i: usize, comparison: &Comparison) -> &Side {
    if comparison.left.0 == i {
        &comparison.left.1
    } else {
        &comparison.right.1
    }
}

/// The comparison from relation `i`: the bound on its time, and how far that lies
/// from the other's time (1: after it).
fn seen_by(i: usize, comparison: &Comparison) -> Option<(Bound, Comparison, i8, Option<i64>)> {
    let is_left = comparison.left.0 == i;
    if !is_left && comparison.right.0 != i {
        return None;
    }
    let own = own_of(i, comparison);
    let other = other_of(i, comparison);
    let bound = match (comparison.equal, is_left) {
        (true, _) => Bound::Equal,
        (false, true) => Bound::Upper {
            strict: comparison.strict,
        },
        (false, false) => Bound::Lower,
    };
    // The row's own time may already be one ahead.
    let ahead = |side: &Side| match side.time {
        Time::At(rows) => rows,
        _ => 0,
    };
    let rows = match (own.rows, own.offset, other.rows, other.offset) {
        (None, 0, None, 0) => Some(0),
        (None, 0, Some(rows), _) => Some(rows),
        (Some(rows), _, None, 0) => Some(-rows),
        (Some(a), _, Some(b), _) => Some(b - a),
        _ => None,
    };
    let rows = rows.map(|rows| rows.saturating_add(ahead(other)).saturating_sub(ahead(own)));
    let distance = match rows {
        Some(rows) => rows.signum() as i8,
        None => (other.offset - own.offset).signum(),
    };
    Some((bound, comparison.clone(), distance, rows))
}

/// What is wrong with a join, seen from the joined relation.
fn verdict(i: usize, own: &[(Bound, Comparison, i8, Option<i64>)]) -> Option<Mark> {
    let (_, first, _, _) = own.first()?;
    let mut safe = false;
    let mut found: Option<Mark> = None;
    for (bound, comparison, distance, rows) in own {
        let (mine, other) = (own_of(i, comparison), other_of(i, comparison));
        match bound {
            Bound::Lower => {}
            Bound::Equal | Bound::Upper { .. } if *distance > 0 => {
                let ahead = match (bound, rows) {
                    (Bound::Equal, Some(rows)) => Ahead::Rows(*rows),
                    _ => Ahead::Unbounded,
                };
                found.get_or_insert(Mark::new(Rule::FutureJoin, comparison.site, ahead));
            }
            Bound::Equal
                if mine.time != Time::Bucket && other.time == Time::Bucket && *distance == 0 =>
            {
                // A day's figures, on rows within the day.
                found.get_or_insert(Mark::new(Rule::Bucket, comparison.site, Ahead::Unbounded));
            }
            Bound::Equal
                if mine.time == Time::Bucket && other.time == Time::Bucket && *distance == 0 =>
            {
                // Rows of the same bucket: known unless something else bounds them.
                found.get_or_insert(Mark::new(Rule::Bucket, comparison.site, Ahead::Unbounded));
            }
            Bound::Equal | Bound::Upper { .. }
                if names::is_period_end(&mine.name) && *distance == 0 =>
            {
                found.get_or_insert(
                    Mark::new(Rule::PeriodEnd, comparison.site, Ahead::Unbounded)
                        .detail(format!("'{}' is the end of a period", mine.name)),
                );
            }
            Bound::Equal | Bound::Upper { .. } => safe = true,
        }
    }
    match found {
        // A bound that reaches ahead is safe if another one does not.
        Some(mark) if safe && mark.rule != Rule::PeriodEnd => None,
        Some(mark) => Some(mark),
        None if safe => None,
        None => Some(Mark::new(Rule::FutureJoin, first.site, Ahead::Unbounded)),
    }
}

/// Whether a relation is known to have times.
fn has_time(relation: &Relation) -> bool {
    relation
        .columns
        .iter()
        .any(|column| column.value.time != Time::No && !column.value.constant)
}

/// Whether a relation holds nothing but generated rows.
fn is_made(relation: &Relation, graph: &Graph) -> bool {
    relation.open.is_empty()
        && relation
            .columns
            .iter()
            .all(|column| !graph.rooted(&column.value.edges) && column.value.marks.is_empty())
}

/// Says that a row is joined with rows of the future, as far as a mark says.
fn mark_joined(relation: &mut Relation, mark: &Mark) {
    relation.mark(mark);
    relation.spread(match mark.ahead {
        Ahead::Rows(rows) => Extent { from: 0, to: rows },
        Ahead::Unbounded => Extent::ALL,
    });
}
