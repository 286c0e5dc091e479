//! Times in conditions: what a comparison lets through, and which conditions cut
//! the rows of training off.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator as Op, DataType, Expr, Spanned, UnaryOperator, Value as Literal, Visit, Visitor,
};

use super::analysis::{Analysis, Found, Scope, identifier, last_name};
use super::lineage::{Cut, Grain, Mark, Site, Time, Value};
use super::names;
use super::query::conjuncts;
use super::rules::Rule;

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// Where its column stands; `None` if it has none.
    pub found: Option<Found>,
    /// What it is.
    pub time: Time,
    /// -1: before the column's time, 1: after it.
    pub offset: i8,
    /// By how many rows, if the time counts rows.
    pub rows: Option<i64>,
    /// The same for all rows.
    pub constant: bool,
    /// The column.
    pub name: String,
    /// It is a statistic of rows of all times.
    pub whole: bool,
}

impl Side {
    fn constant() -> Self {
        Self {
            found: None,
            time: Time::No,
            offset: 0,
            rows: None,
            constant: true,
            name: String::new(),
            whole: false,
        }
    }
}

/// What conditions say about the rows that they leave.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub cut: Option<Cut>,
    pub random: Option<Site>,
    pub pick: Option<Mark>,
    pub one_entity: bool,
}

impl Analysis<'_> {
    /// The time that an expression is; `None` if it is no simple one.
    pub(super) fn side(&mut self, expr: &Expr, scope: &Scope<'_>) -> Option<Side> {
        match expr {
            Expr::Nested(inner)
            | Expr::AtTimeZone {
                timestamp: inner, ..
            } => self.side(inner, scope),
            Expr::Identifier(name) => {
                let (found, value) = self.resolve(std::slice::from_ref(name), scope)?;
                Some(side_of(found, &value, &name.value, scope))
            }
            Expr::CompoundIdentifier(parts) => {
                let (found, value) = self.resolve(parts, scope)?;
                Some(side_of(found, &value, &parts.last()?.value, scope))
            }
            Expr::Cast {
                expr, data_type, ..
            } => {
                let mut side = self.side(expr, scope)?;
                let is_instant = ["ts", "time", "timestamp", "datetime"]
                    .iter()
                    .any(|name| side.name.to_ascii_lowercase().ends_with(name));
                if matches!(data_type, DataType::Date) && is_instant && side.time == Time::At(0) {
                    side.time = Time::Bucket;
                }
                Some(side)
            }
            Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) | Expr::Subquery(_) => {
                Some(Side::constant())
            }
            Expr::UnaryOp { expr, .. } => self.side(expr, scope),
            Expr::Extract { expr, .. } => {
                let mut side = self.side(expr, scope)?;
                if side.time != Time::No {
                    side.time = Time::Bucket;
                }
                Some(side)
            }
            Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => {
                let mut side = self.side(expr, scope)?;
                if side.time != Time::No {
                    side.time = Time::Bucket;
                }
                Some(side)
            }
            Expr::BinaryOp { left, op, right } => {
                let mut a = self.side(left, scope)?;
                let b = self.side(right, scope)?;
                if matches!(left.as_ref(), Expr::TypedString(_)) && !b.constant {
                    // A date and a count of days: a calendar.
                    return Some(Side {
                        time: Time::At(0),
                        ..b
                    });
                }
                if a.time == Time::No && b.time != Time::No && matches!(op, Op::Plus) {
                    return self.offset(b, left, 1);
                }
                match op {
                    Op::Plus if b.time == Time::No => self.offset(a, right, 1),
                    Op::Minus if b.time == Time::No => self.offset(a, right, -1),
                    // It comes round again: the day of a week is no time.
                    Op::Modulo => {
                        a.time = Time::No;
                        Some(a)
                    }
                    Op::Divide | Op::DuckIntegerDivide | Op::MyIntegerDivide
                        if b.time == Time::No =>
                    {
                        if a.time != Time::No {
                            a.time = Time::Bucket;
                        }
                        Some(a)
                    }
                    // A length of time.
                    _ => {
                        a.time = Time::No;
                        a.constant &= b.constant;
                        Some(a)
                    }
                }
            }
            Expr::Function(function) if function.over.is_none() => {
                let name = last_name(&function.name);
                let arguments = super::calls::arguments(function);
                if names::is_truncation(&name) {
                    let mut side = arguments
                        .iter()
                        .filter_map(|arg| self.side(arg, scope))
                        .find(|side| side.time != Time::No)?;
                    side.time = Time::Bucket;
                    return Some(side);
                }
                if names::is_time_cast(&name) {
                    let sides: Vec<Side> = arguments
                        .iter()
                        .filter_map(|arg| self.side(arg, scope))
                        .collect();
                    let timed = sides.iter().find(|side| side.time != Time::No).cloned();
                    let all_constant = sides.iter().all(|side| side.constant);
                    let mut side = match timed {
                        Some(side) => side,
                        None if all_constant => return Some(Side::constant()),
                        None => return None,
                    };
                    let lower = name.to_ascii_lowercase();
                    if lower.contains("add") {
                        side.offset = 1;
                    } else if lower.contains("sub") {
                        side.offset = -1;
                    }
                    return Some(side);
                }
                None
            }
            _ => None,
        }
    }

    fn offset(&mut self, mut side: Side, by: &Expr, sign: i8) -> Option<Side> {
        if side.time == Time::No && !side.constant {
            return Some(side);
        }
        let (rows, negative) = match number(by) {
            Some(rows) => (Some(rows), rows < 0),
            None => (None, interval_is_negative(by)),
        };
        if rows == Some(0) {
            return Some(side);
        }
        let sign = if negative { -sign } else { sign };
        side.offset = sign;
        side.rows = rows.map(|rows| rows.saturating_abs().saturating_mul(i64::from(sign)));
        Some(side)
    }

    /// What conditions say about the rows that they leave.
    pub(super) fn facts(&mut self, conditions: &[&Expr], scope: &Scope<'_>) -> Facts {
        let mut facts = Facts::default();
        for condition in conditions {
            let site = self.site(condition.span());
            if facts.random.is_none() && is_drawn(condition) {
                facts.random = Some(site);
            }
            if let Some(cut) = self.cut_of(condition, scope, site) {
                facts.cut = Some(match facts.cut {
                    Some(known) if known.purge >= cut.purge => known,
                    _ => cut,
                });
            }
            if let Expr::BinaryOp { left, op, right } = condition {
                let (name, value) = match (identifier(left), identifier(right)) {
                    (Some(_), None) => (left, right),
                    (None, Some(_)) => (right, left),
                    _ => {
                        // row_number() OVER (...) = 1
                        if matches!(op, Op::Eq | Op::Lt | Op::LtEq)
                            && number(right).is_some()
                            && matches!(left.as_ref(), Expr::Function(_))
                            && let Some(pick) = self.pick_of(left, scope)
                        {
                            facts.pick = Some(pick);
                        }
                        continue;
                    }
                };
                if facts.random.is_none()
                    && let Some(value) = self.of_name(name, scope)
                    && value.random.is_some()
                {
                    facts.random = Some(site);
                }
                let is_literal = matches!(value.as_ref(), Expr::Value(_));
                if *op == Op::Eq
                    && is_literal
                    && identifier(name).is_some_and(|ident| self.is_entity(&ident.value))
                {
                    facts.one_entity = true;
                }
                if matches!(op, Op::Eq | Op::Lt | Op::LtEq)
                    && is_literal
                    && let Some(value) = self.of_name(name, scope)
                    && let Some(pick) = &value.pick
                {
                    facts.pick = Some((**pick).clone());
                }
            }
        }
        facts
    }

    /// Whether an expression is a subquery for a statistic of rows of all times.
    fn is_extreme(&mut self, expr: &Expr, scope: &Scope<'_>) -> bool {
        let Expr::Subquery(query) = expr else {
            return false;
        };
        let relation = self.query(query, Some(scope));
        relation.columns.first().is_some_and(|column| {
            let latent = &column.value.latent;
            latent.iter().any(|mark| mark.rule == Rule::WholeTable)
        })
    }

    fn of_name(&mut self, expr: &Expr, scope: &Scope<'_>) -> Option<Value> {
        match expr {
            Expr::Nested(inner) => self.of_name(inner, scope),
            Expr::Identifier(name) => self
                .resolve(std::slice::from_ref(name), scope)
                .map(|(_, value)| value),
            Expr::CompoundIdentifier(parts) => self.resolve(parts, scope).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The cut that a condition makes.
    fn cut_of(&mut self, condition: &Expr, scope: &Scope<'_>, site: Site) -> Option<Cut> {
        let whole = Cut {
            purge: i64::MAX,
            site,
        };
        match condition {
            Expr::Nested(inner) | Expr::IsTrue(inner) => self.cut_of(inner, scope, site),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                let name = identifier(condition)?;
                let value = self.of_name(condition, scope)?;
                value
                    .cut
                    .map(|cut| Cut { site, ..cut })
                    .or_else(|| (names::is_split(&name.value)).then_some(whole))
            }
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => identifier(expr)
                .is_some_and(|name| name.value.to_ascii_lowercase().contains("test"))
                .then_some(whole),
            Expr::BinaryOp {
                left,
                op: Op::Or,
                right,
            } => {
                let a = self.facts(&conjuncts(left), scope).cut?;
                let b = self.facts(&conjuncts(right), scope).cut?;
                Some(if a.purge < b.purge { a } else { b })
            }
            Expr::BinaryOp { left, op, right } => {
                if let Some(cut) = self.cut_by_part(left, op, right, scope, site) {
                    return Some(cut);
                }
                let a = self.side(left, scope)?;
                let b = self.side(right, scope)?;
                if *op == Op::Eq && (self.is_extreme(left, scope) || self.is_extreme(right, scope))
                {
                    // The rows at the end of the data.
                    return None;
                }
                match op {
                    Op::Lt | Op::LtEq => upper(&a, &b, site),
                    Op::Gt | Op::GtEq => upper(&b, &a, site),
                    Op::Eq => {
                        let pinned =
                            |x: &Side, to: &Side| x.time != Time::No && !x.constant && to.constant;
                        (pinned(&a, &b) || pinned(&b, &a)).then_some(whole)
                    }
                    _ => None,
                }
            }
            Expr::Between {
                expr,
                negated: false,
                high,
                ..
            } => {
                let a = self.side(expr, scope)?;
                let b = self.side(high, scope)?;
                upper(&a, &b, site)
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                let texts: Vec<String> = list.iter().filter_map(text).collect();
                if texts.is_empty() {
                    return None;
                }
                let value = self.of_name(expr, scope)?;
                let name = identifier(expr)?;
                if value.arms.is_none() && !names::is_split(&name.value) {
                    return None;
                }
                let training = texts.iter().filter(|text| names::is_training(text)).count();
                match negated {
                    false if training > 0 && texts.iter().all(|text| !is_test(text)) => {
                        let cuts = texts.iter().map(|text| self.arm(&value, text, site));
                        cuts.flatten().min_by_key(|cut| cut.purge)
                    }
                    true if training == 0 && texts.iter().any(|text| is_test(text)) => Some(whole),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `split = 'train'` and its like.
    fn cut_by_part(
        &mut self,
        left: &Expr,
        op: &Op,
        right: &Expr,
        scope: &Scope<'_>,
        site: Site,
    ) -> Option<Cut> {
        let (name, literal) = match (identifier(left), identifier(right)) {
            (Some(_), None) => (left, right),
            (None, Some(_)) => (right, left),
            _ => return None,
        };
        let value = self.of_name(name, scope)?;
        let known = value.arms.is_some() || names::is_split(&identifier(name)?.value);
        let whole = Some(Cut {
            purge: i64::MAX,
            site,
        });
        if let Some(text) = text(literal) {
            return match op {
                Op::Eq if names::is_training(&text) && known => self.arm(&value, &text, site),
                Op::NotEq if is_test(&text) && known => whole,
                _ => None,
            };
        }
        let is_number = number(literal).is_some();
        let is_true = matches!(literal, Expr::Value(v) if v.value == Literal::Boolean(true));
        if is_true && *op == Op::Eq {
            return value
                .cut
                .map(|cut| Cut { site, ..cut })
                .or(if known { whole } else { None });
        }
        match op {
            Op::NotEq | Op::Lt | Op::LtEq if is_number && known => whole,
            _ => None,
        }
    }

    /// The cut that a text of a split column stands for.
    fn arm(&self, value: &Value, text: &str, site: Site) -> Option<Cut> {
        match &value.arms {
            Some(arms) => arms
                .iter()
                .find(|(arm, _)| arm.eq_ignore_ascii_case(text))
                .and_then(|(_, cut)| *cut)
                .map(|cut| Cut { site, ..cut }),
            None => Some(Cut {
                purge: i64::MAX,
                site,
            }),
        }
    }
}

fn side_of(found: Found, value: &Value, name: &str, scope: &Scope<'_>) -> Side {
    let single = match found {
        Found::Item(i) => scope.items[i].relation.grain == Grain::Single,
        Found::Outer | Found::Alias => false,
    };
    Side {
        found: Some(found),
        time: value.time,
        offset: 0,
        rows: None,
        constant: value.constant || single,
        name: name.to_owned(),
        whole: value
            .latent
            .iter()
            .any(|mark| mark.rule == Rule::WholeTable),
    }
}

/// `x < bound` as a cut: `bound` is another row's time or a constant.
fn upper(x: &Side, bound: &Side, site: Site) -> Option<Cut> {
    let elsewhere = bound.constant || (bound.found.is_some() && bound.found != x.found);
    // Up to a week after another row's time is no bound.
    if !bound.constant && bound.offset - x.offset > 0 {
        return None;
    }
    if x.constant || !elsewhere || !matches!(x.found, Some(Found::Item(_) | Found::Alias)) {
        return None;
    }
    let purge = match x.time {
        Time::No => return None,
        // So long before the cut that nobody counts it in rows.
        _ if x.offset > 0 || bound.offset < 0 => i64::MAX,
        Time::At(ahead) => ahead,
        Time::Bucket => 0,
    };
    Some(Cut { purge, site })
}

/// The integer that an expression is.
pub(super) fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Nested(inner) => number(inner),
        Expr::Cast { expr, .. } => number(expr),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => number(expr)?.checked_neg(),
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => number(expr),
        Expr::Value(value) => match &value.value {
            Literal::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::BinaryOp { left, op, right } => {
            let (a, b) = (number(left)?, number(right)?);
            match op {
                Op::Plus => a.checked_add(b),
                Op::Minus => a.checked_sub(b),
                Op::Multiply => a.checked_mul(b),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The text that an expression is.
pub(super) fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => text(inner),
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn is_test(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["test", "valid", "hold", "oos", "out_of_sample", "eval"]
        .iter()
        .any(|word| text.contains(word))
}

fn interval_is_negative(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(interval) => match interval.value.as_ref() {
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                ..
            } => true,
            other => text(other).is_some_and(|text| text.trim_start().starts_with('-')),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            ..
        } => true,
        Expr::Nested(inner) => interval_is_negative(inner),
        _ => false,
    }
}

/// Whether a condition draws rows or scatters them.
fn is_drawn(expr: &Expr) -> bool {
    struct Draw(bool);
    impl Visitor for Draw {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                let name = last_name(&function.name);
                if names::is_draw(&name) || names::is_hash(&name) {
                    self.0 = true;
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut draw = Draw(false);
    let _ = Visit::visit(expr, &mut draw);
    draw.0
}
