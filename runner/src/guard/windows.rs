//! Window functions: which rows they read.

use std::rc::Rc;

use sqlparser::ast::{
    Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, NamedWindowDefinition,
    NamedWindowExpr, NullTreatment, OrderByExpr, Spanned, WindowFrame, WindowFrameBound,
    WindowSpec, WindowType,
};
use sqlparser::tokenizer::Span;

use super::analysis::{Analysis, Scope, identifier, last_name};
use super::calls::arguments;
use super::graph::Extent;
use super::lineage::{Ahead, Mark, Site, Time, Type, Value};
use super::reach::number;
use super::rules::Rule;
use super::{FunctionKind, names};

/// A window, named parts put in.
#[derive(Debug, Default)]
struct Window<'e> {
    partition: Vec<&'e Expr>,
    order: Vec<&'e OrderByExpr>,
    frame: Option<&'e WindowFrame>,
}

/// How its rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    None,
    Time {
        descending: bool,
    },
    Coarse {
        descending: bool,
    },
    /// By entity, then by time.
    EntityTime {
        descending: bool,
    },
    Other,
}

impl Analysis<'_> {
    /// A function with OVER.
    pub(super) fn window(&mut self, name: &str, function: &Function, scope: &Scope<'_>) -> Value {
        let Some(over) = &function.over else {
            return Value::default();
        };
        let window = resolved(over, scope.windows);
        let values = self.argument_values(function, scope);
        if let Some(filter) = &function.filter {
            self.eval(filter, scope);
        }
        let mut value = match (name, values.first()) {
            ("lag" | "lead", Some(first)) => {
                let mut value = first.clone();
                if let Some(default) = values.get(2) {
                    let kind = value.kind;
                    let fields = value.fields.clone();
                    let time = value.time;
                    value = Value::merged([first, default]);
                    value.kind = kind;
                    value.fields = fields;
                    value.time = time;
                }
                value.constant = false;
                value
            }
            _ => {
                let mut value = Value::merged(&values);
                value.kind = match name {
                    "first_value" | "last_value" | "nth_value" | "min" | "max" => {
                        values.first().map(|value| value.kind).unwrap_or_default()
                    }
                    _ => Type::Number,
                };
                value.constant = false;
                if matches!(name, "min" | "max" | "first_value" | "last_value")
                    && let Some(first) = values.first()
                {
                    value.time = first.time;
                }
                value
            }
        };
        let site = self.window_site(function, &window);
        let known = names::is_window(name)
            || self.is_aggregate_name(name)
            || self.catalogue.kind(name) == Some(FunctionKind::Aggregate);
        if !known {
            let detail = format!("the function '{name}'");
            value.mark(Mark::new(Rule::Unknown, site, Ahead::Unbounded).detail(detail));
        }

        let mut by_time = false;
        let mut by_entity = false;
        for expr in &window.partition {
            match self
                .side(expr, scope)
                .map(|side| (side.time, side.constant))
            {
                Some((Time::At(_), false)) => by_time = true,
                Some((Time::Bucket, _)) => {}
                _ => by_entity = true,
            }
        }
        let order = self.order(&window, scope);
        if by_time {
            // Rows of one time: whatever is taken of them is of that time.
            value.pick = None;
            return cleared(value);
        }
        let is_panel = !by_entity
            && !scope.one_entity
            && scope.items.iter().any(|item| self.is_panel(&item.relation));
        let unpartitioned = |shift: bool| {
            if shift {
                Mark::new(Rule::CrossesEntities, site, Ahead::Unbounded)
            } else {
                Mark::new(Rule::Unpartitioned, site, Ahead::Unbounded)
            }
        };
        let is_shift = matches!(
            name,
            "lag" | "lead" | "first_value" | "last_value" | "nth_value"
        );
        let descending = match order {
            Order::None => {
                if name == "row_number" {
                    let mark = Mark::new(Rule::NonDeterministic, site, Ahead::Unbounded)
                        .detail("row_number without ORDER BY");
                    value.mark(mark);
                } else if scope.cut.is_none() {
                    value.mark(Mark::new(Rule::WholePartition, site, Ahead::Unbounded));
                }
                value.spread(Extent::ALL);
                return cleared(value);
            }
            Order::Other => {
                value.spread(Extent::ALL);
                let rank = matches!(
                    name,
                    "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" | "row_number"
                );
                if scope.cut.is_none() {
                    let rule = if rank {
                        Rule::WholeRank
                    } else {
                        Rule::WholePartition
                    };
                    let mark = Mark::new(rule, site, Ahead::Unbounded)
                        .detail("ordered by something that is no time");
                    value.mark(mark);
                    let pick = Mark::new(Rule::LaterRow, site, Ahead::Unbounded);
                    let picked = cleared(value);
                    return Value {
                        pick: rank.then(|| Rc::new(pick)),
                        ..picked
                    };
                }
                return cleared(value);
            }
            Order::EntityTime { descending } => {
                if is_panel || window.partition.is_empty() {
                    value.mark(unpartitioned(is_shift));
                }
                descending
            }
            Order::Time { descending } => {
                if is_panel && !matches!(name, "rank" | "dense_rank") {
                    value.mark(unpartitioned(is_shift));
                }
                descending
            }
            Order::Coarse { descending } => {
                if is_panel {
                    value.mark(unpartitioned(is_shift));
                }
                // A row per bucket is in order.
                let one_per_bucket = scope
                    .items
                    .iter()
                    .any(|item| item.relation.grain == super::lineage::Grain::Bucket);
                if !one_per_bucket {
                    value.mark(Mark::new(Rule::CoarseOrder, site, Ahead::Unbounded));
                }
                descending
            }
        };
        match name {
            "lag" | "lead" => self.shift(name, function, value, descending, site),
            "row_number" | "rank" | "dense_rank" => {
                let mut value = cleared(value);
                if descending {
                    value.mark(Mark::new(Rule::Descending, site, Ahead::Unbounded));
                    value.pick = Some(Rc::new(Mark::new(Rule::LaterRow, site, Ahead::Unbounded)));
                }
                value
            }
            "percent_rank" | "cume_dist" | "ntile" => {
                let mut value = cleared(value);
                value.spread(Extent::ALL);
                if scope.cut.is_none() {
                    let mark = Mark::new(Rule::WholePartition, site, Ahead::Unbounded)
                        .detail("it needs the number of rows of the whole partition");
                    value.mark(mark);
                }
                value
            }
            _ => framed(name, function, &window, value, descending, site),
        }
    }

    fn order(&mut self, window: &Window<'_>, scope: &Scope<'_>) -> Order {
        let Some(first) = window.order.first() else {
            return Order::None;
        };
        let descending = first.options.asc == Some(false);
        match self.side(&first.expr, scope).map(|side| side.time) {
            Some(Time::At(_)) => Order::Time { descending },
            Some(Time::Bucket) => {
                // ORDER BY month, ts: the later keys decide.
                for next in &window.order[1..] {
                    if let Some(Time::At(_)) = self.side(&next.expr, scope).map(|side| side.time) {
                        let descending = next.options.asc == Some(false);
                        return Order::Time { descending };
                    }
                }
                Order::Coarse { descending }
            }
            _ => {
                let is_entity =
                    identifier(&first.expr).is_some_and(|name| self.is_entity(&name.value));
                for next in &window.order[1..] {
                    if let Some(Time::At(_)) = self.side(&next.expr, scope).map(|side| side.time) {
                        let descending = next.options.asc == Some(false);
                        return Order::EntityTime { descending };
                    }
                }
                if is_entity {
                    return Order::None;
                }
                Order::Other
            }
        }
    }

    fn shift(
        &mut self,
        name: &str,
        function: &Function,
        value: Value,
        descending: bool,
        site: Site,
    ) -> Value {
        let list = arguments(function);
        let offset = match list.get(1) {
            None => Some(1),
            Some(expr) => number(expr),
        };
        let Some(offset) = offset else {
            let mut value = cleared(value.clone());
            value.spread(Extent::ALL);
            value.mark(Mark::new(Rule::VariableOffset, site, Ahead::Unbounded));
            return value;
        };
        let back = if name == "lag" {
            offset
        } else {
            offset.saturating_neg()
        };
        let back = if descending {
            back.saturating_neg()
        } else {
            back
        };
        let mut shifted = value.shifted(back);
        shifted.kind = value.kind;
        if back < 0 {
            self.leads += 1;
            let rule = match (name, descending) {
                (_, true) => Rule::Descending,
                ("lag", _) => Rule::NegativeLag,
                _ => Rule::Lead,
            };
            let rule = if ignores_nulls(function) && rule == Rule::Lead {
                Rule::BackwardFill
            } else {
                rule
            };
            let mark = Mark::new(rule, site, Ahead::Rows(back.saturating_neg()));
            shifted.each(&mut |value| value.mark(mark.clone()));
        }
        shifted
    }

    /// Whether the rows that an expression chooses are later ones.
    pub(super) fn pick_of(&mut self, expr: &Expr, scope: &Scope<'_>) -> Option<Mark> {
        let Expr::Function(function) = expr else {
            return None;
        };
        let name = last_name(&function.name).to_ascii_lowercase();
        if !matches!(name.as_str(), "row_number" | "rank" | "dense_rank") || function.over.is_none()
        {
            return None;
        }
        self.window(&name, function, scope)
            .pick
            .map(|pick| (*pick).clone())
    }

    fn window_site(&self, function: &Function, window: &Window<'_>) -> Site {
        let mut span = function.span();
        if let Some(WindowType::NamedWindow(name)) = &function.over {
            span = span.union(&name.span);
        } else {
            let parts = window
                .partition
                .iter()
                .map(|expr| expr.span())
                .chain(window.order.iter().map(|item| item.expr.span()));
            for part in parts {
                // Of a named window, the parts stand elsewhere.
                if part.start.line != 0 && part.start > span.start {
                    span = span.union(&part);
                }
            }
            if let Some(WindowType::WindowSpec(spec)) = &function.over
                && let Some(name) = &spec.window_name
            {
                span = Span::new(function.span().start, name.span.end);
            }
        }
        self.call_site(span)
    }
}

/// A value that depends on other rows: no column is passed on.
fn cleared(mut value: Value) -> Value {
    value.each(&mut |value| {
        value.id = 0;
        value.cut = None;
        value.arms = None;
        value.pick = None;
    });
    value
}

fn framed(
    name: &str,
    function: &Function,
    window: &Window<'_>,
    value: Value,
    descending: bool,
    site: Site,
) -> Value {
    let mut value = cleared(value);
    let (start, end) = match window.frame {
        // RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        None => (Reach::Unbounded(-1), Reach::Rows(0)),
        Some(frame) => {
            let start = bound(&frame.start_bound);
            let end = frame.end_bound.as_ref().map_or(Reach::Rows(0), bound);
            (start, end)
        }
    };
    // In descending order the start of the frame is what lies ahead.
    let (back, ahead) = if descending {
        (end.reversed(), start.reversed())
    } else {
        (start, end)
    };
    let in_rows = window
        .frame
        .is_none_or(|frame| frame.units == sqlparser::ast::WindowFrameUnits::Rows);
    let rule = match name {
        "first_value" | "last_value" | "nth_value" | "any_value" | "first" | "last"
            if ignores_nulls(function) =>
        {
            Rule::BackwardFill
        }
        _ if descending => Rule::Descending,
        "last_value" | "nth_value" | "last" => Rule::LastValue,
        _ if !back.is_ahead()
            && !matches!(back, Reach::Rows(0))
            && matches!(ahead, Reach::Rows(_)) =>
        {
            Rule::Centred
        }
        _ => Rule::Following,
    };
    let extent = Extent {
        from: match back {
            Reach::Rows(rows) if in_rows || rows == 0 => rows,
            back if back.is_ahead() => 0,
            _ => i64::MIN,
        },
        to: match ahead {
            Reach::Rows(rows) if in_rows || rows == 0 => rows,
            ahead if ahead.is_ahead() => i64::MAX,
            _ => 0,
        },
    };
    let edges = value.seen(extent, extent.to >= 0);
    match ahead {
        Reach::Rows(0) => {}
        Reach::Rows(rows) if rows < 0 => {
            let kind = value.kind;
            if in_rows {
                value = value.shifted(rows.saturating_neg());
                value.kind = kind;
            }
        }
        Reach::Rows(rows) => {
            let reach = if in_rows {
                Ahead::Rows(rows)
            } else {
                Ahead::Unbounded
            };
            value.mark(Mark::new(rule, site, reach));
        }
        Reach::Unbounded(sign) if sign > 0 => {
            // The first value of a frame that starts in the past.
            let first_of_past = name == "first_value"
                && !descending
                && !ignores_nulls(function)
                && matches!(back, Reach::Unbounded(_));
            if !first_of_past {
                value.mark(Mark::new(rule, site, Ahead::Unbounded));
            }
        }
        Reach::Unbounded(_) => {}
        Reach::Unknown(sign) if sign > 0 => {
            value.mark(Mark::new(rule, site, Ahead::Unbounded));
        }
        Reach::Unknown(_) => {}
    }
    value.edges = edges;
    value
}

/// How far a bound lies from the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Rows(i64),
    /// A length of time or a computed number: before (-1) or after (1).
    Unknown(i8),
    Unbounded(i8),
}

impl Reach {
    fn reversed(self) -> Self {
        match self {
            Self::Rows(rows) => Self::Rows(rows.saturating_neg()),
            Self::Unknown(sign) => Self::Unknown(-sign),
            Self::Unbounded(sign) => Self::Unbounded(-sign),
        }
    }

    fn is_ahead(self) -> bool {
        match self {
            Self::Rows(rows) => rows > 0,
            Self::Unknown(sign) | Self::Unbounded(sign) => sign > 0,
        }
    }
}

fn bound(bound: &WindowFrameBound) -> Reach {
    let (distance, sign) = match bound {
        WindowFrameBound::CurrentRow => return Reach::Rows(0),
        WindowFrameBound::Preceding(distance) => (distance, -1),
        WindowFrameBound::Following(distance) => (distance, 1),
    };
    match distance {
        None => Reach::Unbounded(sign),
        Some(expr) => match number(expr) {
            Some(rows) => Reach::Rows(rows.saturating_mul(i64::from(sign))),
            None => Reach::Unknown(sign),
        },
    }
}

fn ignores_nulls(function: &Function) -> bool {
    let within = match &function.args {
        FunctionArguments::List(list) => list.clauses.iter().any(|clause| {
            matches!(
                clause,
                FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls)
            )
        }),
        _ => false,
    };
    within || function.null_treatment == Some(NullTreatment::IgnoreNulls)
}

fn resolved<'e>(over: &'e WindowType, windows: &'e [NamedWindowDefinition]) -> Window<'e> {
    let mut window = Window::default();
    match over {
        WindowType::NamedWindow(name) => add_named(name, windows, &mut window, 0),
        WindowType::WindowSpec(spec) => add(spec, windows, &mut window, 0),
    }
    window
}

fn add_named<'e>(
    name: &Ident,
    windows: &'e [NamedWindowDefinition],
    window: &mut Window<'e>,
    depth: usize,
) {
    let found = windows
        .iter()
        .find(|NamedWindowDefinition(known, _)| known.value.eq_ignore_ascii_case(&name.value));
    // A window that names itself is refused by the engine.
    if depth > windows.len() {
        return;
    }
    match found {
        Some(NamedWindowDefinition(_, NamedWindowExpr::WindowSpec(spec))) => {
            add(spec, windows, window, depth + 1);
        }
        Some(NamedWindowDefinition(_, NamedWindowExpr::NamedWindow(name))) => {
            add_named(name, windows, window, depth + 1);
        }
        None => {}
    }
}

fn add<'e>(
    spec: &'e WindowSpec,
    windows: &'e [NamedWindowDefinition],
    window: &mut Window<'e>,
    depth: usize,
) {
    if let Some(name) = &spec.window_name {
        add_named(name, windows, window, depth + 1);
    }
    window.partition.extend(&spec.partition_by);
    window.order.extend(&spec.order_by);
    if spec.window_frame.is_some() {
        window.frame = spec.window_frame.as_ref();
    }
}
