//! Queries: CTEs, set operations, SELECT from FROM to DISTINCT.

use std::ops::ControlFlow;
use std::rc::Rc;

use sqlparser::ast::{
    Distinct, Expr, Function, GroupByExpr, JoinConstraint, JoinOperator, OrderBy, OrderByKind,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, TableAlias,
    TableFactor, Value as Literal, Visit, Visitor,
};

use super::analysis::{Analysis, Grouping, Item, Scope, identifier, last_name, span_of};
use super::lineage::{Ahead, Column, Grain, Mark, Relation, Time, Value};
use super::rules::Rule;
use super::wildcards::{unite, wildcard};
use super::{FunctionKind, names};

impl Analysis<'_> {
    /// The relation that a query returns.
    pub(super) fn query(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Relation {
        self.deeper(|this| this.query_within(query, outer))
            .unwrap_or_default()
    }

    fn query_within(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Relation {
        let visible = self.ctes.len();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = cte.alias.name.value.clone();
                let mut relation = if with.recursive {
                    self.recursive(&name, &cte.query, outer)
                } else {
                    self.query(&cte.query, outer)
                };
                rename(&mut relation, &cte.alias);
                relation.named(&name);
                let site = self.site(cte.alias.name.span);
                self.label(&mut relation, &name, "CTE", site);
                self.ctes.push((name, Rc::new(relation)));
            }
        }
        let relation = self.body(&query.body, query.order_by.as_ref(), outer);
        if !query.pipe_operators.is_empty() {
            let site = self.site(span_of(query));
            self.unknown(site, "pipe operators");
        }
        self.ctes.truncate(visible);
        relation
    }

    /// A CTE that may name itself: first what does not, then the rest with that.
    fn recursive(&mut self, name: &str, query: &Query, outer: Option<&Scope<'_>>) -> Relation {
        let SetExpr::SetOperation { left, right, .. } = query.body.as_ref() else {
            return self.query(query, outer);
        };
        let mentions = {
            let mut finder = Mentions { name, found: false };
            let _ = Visit::visit(right.as_ref(), &mut finder);
            finder.found
        };
        if !mentions {
            return self.query(query, outer);
        }
        let site = self.site(span_of(query));
        let mut relation = self.body(left, None, outer);
        self.ctes.push((name.to_owned(), Rc::new(relation.clone())));
        let next = self.body(right, None, outer);
        self.ctes.pop();
        unite(&mut relation, next);
        let mark = Mark::new(Rule::Unknown, site, Ahead::Unbounded)
            .detail(format!("the recursive query '{name}'"));
        relation.mark(&mark);
        relation
    }

    fn body(
        &mut self,
        body: &SetExpr,
        order: Option<&OrderBy>,
        outer: Option<&Scope<'_>>,
    ) -> Relation {
        match body {
            SetExpr::Select(select) => self.select(select, order, outer),
            SetExpr::Query(query) => self.query(query, outer),
            SetExpr::SetOperation { left, right, .. } => {
                let both = self.deeper(|this| {
                    let mut relation = this.body(left, None, outer);
                    let other = this.body(right, None, outer);
                    unite(&mut relation, other);
                    relation
                });
                both.unwrap_or_default()
            }
            SetExpr::Values(values) => {
                let scope = Scope::new(outer);
                let mut columns: Vec<Vec<Value>> = Vec::new();
                for row in &values.rows {
                    for (i, expr) in row.content.iter().enumerate() {
                        let value = self.eval(expr, &scope);
                        if columns.len() <= i {
                            columns.push(Vec::new());
                        }
                        columns[i].push(value);
                    }
                }
                let columns = columns
                    .into_iter()
                    .enumerate()
                    .map(|(i, values)| {
                        let kind = values.first().map(|value| value.kind).unwrap_or_default();
                        let mut value = Value::merged(&values);
                        value.kind = kind;
                        value.constant = false;
                        Column {
                            name: format!("col{i}").as_str().into(),
                            value,
                        }
                    })
                    .collect();
                Relation {
                    columns,
                    ..Relation::default()
                }
            }
            SetExpr::Table(table) => match &table.table_name {
                Some(name) => {
                    let name = sqlparser::ast::ObjectName::from(vec![sqlparser::ast::Ident::new(
                        name.as_str(),
                    )]);
                    (*self.table(&name)).clone()
                }
                None => Relation::default(),
            },
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Relation::default()
            }
        }
    }

    fn select(
        &mut self,
        select: &Select,
        order: Option<&OrderBy>,
        outer: Option<&Scope<'_>>,
    ) -> Relation {
        let mut scope = Scope::new(outer);
        scope.windows = &select.named_window;
        let mut conditions: Vec<&Expr> = Vec::new();
        let mut using: Vec<String> = Vec::new();
        for from in &select.from {
            self.item(&from.relation, &mut scope, &mut conditions, &mut using);
            for join in &from.joins {
                let kept = scope.items.len();
                self.item(&join.relation, &mut scope, &mut conditions, &mut using);
                let mut own = Vec::new();
                let mut own_using = Vec::new();
                constraint(&join.join_operator, &mut own, &mut own_using);
                conditions.extend(own.iter().copied());
                if matches!(
                    join.join_operator,
                    JoinOperator::Semi(_)
                        | JoinOperator::LeftSemi(_)
                        | JoinOperator::Anti(_)
                        | JoinOperator::LeftAnti(_)
                ) {
                    // It only chooses rows of the left side.
                    scope.items.truncate(kept);
                }
                using.extend(own_using);
            }
        }
        let filters: Vec<&Expr> = select.selection.iter().chain(&select.prewhere).collect();
        for filter in filters.iter().flat_map(|filter| conjuncts(filter)) {
            conditions.push(filter);
        }
        self.join_items(&mut scope, &conditions, &using);

        let facts = self.facts(&conditions, &scope);
        let of_items = scope
            .items
            .iter()
            .filter(|item| item.relation.grain == Grain::Row)
            .find_map(|item| item.relation.cut);
        scope.cut = facts.cut.or(of_items);
        scope.random = facts
            .random
            .or_else(|| scope.items.iter().find_map(|item| item.relation.random));
        scope.one_entity =
            facts.one_entity || scope.items.iter().any(|item| item.relation.one_entity);
        for filter in &filters {
            // For what subqueries within it hold.
            self.eval(filter, &scope);
        }
        if let Some(pick) = &facts.pick {
            for item in &mut scope.items {
                item.relation.mark(pick);
            }
        }

        scope.grouping = self.grouping(select, &scope);
        let leads = self.leads;
        let mut relation = self.project(select, &mut scope, &using);
        // A target made of rows that were cut off before does not reach past the cut:
        // that is where the data ends, and no end of training.
        relation.cut = scope.cut.filter(|_| leads == self.leads);
        relation.random = scope.random;
        relation.one_entity = scope.one_entity;
        let has_group = match &select.group_by {
            GroupByExpr::All(_) => true,
            GroupByExpr::Expressions(exprs, _) => !exprs.is_empty(),
        };
        relation.grain = match scope.grouping {
            Grouping::None => scope
                .items
                .iter()
                .map(|item| item.relation.grain)
                .reduce(|a, b| {
                    if a == Grain::Row || b == Grain::Row {
                        Grain::Row
                    } else {
                        a
                    }
                })
                .unwrap_or(Grain::Row),
            Grouping::Time => Grain::Row,
            Grouping::Bucket => Grain::Bucket,
            Grouping::Whole if has_group => Grain::Whole,
            Grouping::Whole => Grain::Single,
        };

        if let Some(having) = &select.having
            && scope.grouping == Grouping::Whole
            && scope.cut.is_none()
        {
            // Which groups there are is known at the end of the data.
            let site = self.site(having.span());
            let mark = Mark::new(Rule::WholeTable, site, Ahead::Unbounded)
                .detail("groups are chosen by rows of all times");
            relation.each(&mut |value| value.mark_latent(mark.clone()));
        }
        for filter in select.having.iter().chain(&select.qualify) {
            let list = conjuncts(filter);
            let facts = self.facts(&list, &scope);
            self.eval(filter, &scope);
            if let Some(pick) = facts.pick {
                relation.mark(&pick);
            }
            if relation.cut.is_none() {
                relation.cut = facts.cut;
            }
            relation.random = relation.random.or(facts.random);
        }
        if let Some(Distinct::On(keys)) = &select.distinct {
            self.distinct_on(keys, order, &scope, &mut relation);
        }
        if select.distinct.is_some() && relation.grain == Grain::Row {
            // SELECT DISTINCT symbol: no time is left.
            let times = relation.columns.iter().any(|c| c.value.time != Time::No);
            if !times
                && relation.open.is_empty()
                && matches!(select.distinct, Some(Distinct::Distinct))
            {
                relation.grain = Grain::Whole;
            }
        }
        relation
    }

    /// DISTINCT ON keeps the first row in the order of the query.
    fn distinct_on(
        &mut self,
        keys: &[Expr],
        order: Option<&OrderBy>,
        scope: &Scope<'_>,
        relation: &mut Relation,
    ) {
        let by_time = keys
            .iter()
            .any(|key| matches!(self.side(key, scope).map(|s| s.time), Some(Time::At(_))));
        if by_time {
            return;
        }
        let Some(OrderBy {
            kind: OrderByKind::Expressions(list),
            ..
        }) = order
        else {
            return;
        };
        for item in list {
            let Some(side) = self.side(&item.expr, scope) else {
                continue;
            };
            if side.time != Time::No && item.options.asc == Some(false) {
                let site = self.site(item.expr.span());
                relation.mark(&Mark::new(Rule::LaterRow, site, Ahead::Unbounded));
            }
        }
    }

    /// Adds the relations of a table factor.
    fn item<'e>(
        &mut self,
        factor: &'e TableFactor,
        scope: &mut Scope<'_>,
        conditions: &mut Vec<&'e Expr>,
        using: &mut Vec<String>,
    ) {
        let (mut relation, alias, name) = match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                sample,
                ..
            } => {
                let mut relation = match args {
                    Some(args) => self.table_call(name, &args.args, factor.span(), scope),
                    None => (*self.table(name)).clone(),
                };
                if sample.is_some() {
                    relation.random = Some(self.site(factor.span()));
                }
                (relation, alias.as_ref(), last_name(name))
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                let mut relation = if *lateral {
                    self.query(subquery, Some(scope))
                } else {
                    self.query(subquery, scope.outer)
                };
                if sample.is_some() {
                    relation.random = Some(self.site(factor.span()));
                }
                (relation, alias.as_ref(), String::new())
            }
            TableFactor::Function {
                name, args, alias, ..
            } => (
                self.table_call(name, args, factor.span(), scope),
                alias.as_ref(),
                last_name(name),
            ),
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                self.item(&table_with_joins.relation, scope, conditions, using);
                for join in &table_with_joins.joins {
                    self.item(&join.relation, scope, conditions, using);
                    constraint(&join.join_operator, conditions, using);
                }
                return;
            }
            TableFactor::UNNEST {
                alias, array_exprs, ..
            } => {
                let values: Vec<Value> = array_exprs
                    .iter()
                    .map(|expr| self.eval(expr, scope))
                    .collect();
                let relation = Relation {
                    columns: vec![Column {
                        name: "unnest".into(),
                        value: Value::merged(&values),
                    }],
                    ..Relation::default()
                };
                (relation, alias.as_ref(), "unnest".to_owned())
            }
            other => {
                let site = self.site(other.span());
                let words: Vec<String> = other
                    .to_string()
                    .split_whitespace()
                    .take(4)
                    .map(str::to_owned)
                    .collect();
                let text = words.join(" ");
                let mut relation = Relation {
                    open: vec![text.as_str().into()],
                    ..Relation::default()
                };
                relation.mark(&Mark::new(Rule::Unknown, site, Ahead::Unbounded).detail(text));
                (relation, None, String::new())
            }
        };
        let alias = match alias {
            Some(alias) => {
                rename(&mut relation, alias);
                alias.name.value.clone()
            }
            None => name,
        };
        if !alias.is_empty() {
            relation.named(&alias);
        }
        scope.items.push(Item { alias, relation });
    }

    fn grouping(&mut self, select: &Select, scope: &Scope<'_>) -> Grouping {
        let keys: Vec<&Expr> = match &select.group_by {
            GroupByExpr::All(_) => select
                .projection
                .iter()
                .filter_map(|item| item_expr(item))
                .filter(|expr| !self.has_aggregate(expr))
                .collect(),
            GroupByExpr::Expressions(exprs, _) if exprs.is_empty() => {
                let aggregated = select
                    .projection
                    .iter()
                    .filter_map(|item| item_expr(item))
                    .chain(&select.having)
                    .any(|expr| self.has_aggregate(expr));
                return if aggregated {
                    Grouping::Whole
                } else {
                    Grouping::None
                };
            }
            GroupByExpr::Expressions(exprs, _) => exprs
                .iter()
                .map(|expr| output(expr, &select.projection).unwrap_or(expr))
                .collect(),
        };
        let mut grouping = Grouping::Whole;
        for key in keys {
            match self.side(key, scope) {
                Some(side) if side.constant => {}
                Some(side) => match side.time {
                    Time::At(_) => return Grouping::Time,
                    Time::Bucket => grouping = Grouping::Bucket,
                    Time::No => {}
                },
                None => {}
            }
        }
        grouping
    }

    fn has_aggregate(&self, expr: &Expr) -> bool {
        let mut finder = Aggregates {
            analysis: self,
            queries: 0,
            found: false,
        };
        let _ = Visit::visit(expr, &mut finder);
        finder.found
    }

    pub(super) fn is_aggregate_name(&self, name: &str) -> bool {
        names::is_aggregate(name) || self.catalogue.kind(name) == Some(FunctionKind::Aggregate)
    }

    /// The SELECT list.
    fn project(&mut self, select: &Select, scope: &mut Scope<'_>, using: &[String]) -> Relation {
        let mut relation = Relation::default();
        if select.projection.is_empty() {
            // FROM t
            wildcard(scope, None, using, &mut relation);
        }
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(options) => {
                    self.wildcard_with(scope, None, options, using, &mut relation);
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    let name = last_name(name);
                    self.wildcard_with(scope, Some(&name), options, using, &mut relation);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                    let value = self.eval(expr, scope);
                    for (name, value) in value.fields.iter().flat_map(|fields| fields.iter()) {
                        relation.columns.push(Column {
                            name: name.as_str().into(),
                            value: value.clone(),
                        });
                    }
                }
                SelectItem::UnnamedExpr(expr) => {
                    if is_columns(expr) {
                        wildcard(scope, None, using, &mut relation);
                        continue;
                    }
                    let name = match identifier(expr) {
                        Some(ident) => ident.value.clone(),
                        None => match expr {
                            Expr::Function(function) => last_name(&function.name),
                            _ => short(expr),
                        },
                    };
                    self.add_column(&name, expr, scope, &mut relation);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.add_column(&alias.value, expr, scope, &mut relation);
                }
                SelectItem::ExprWithAliases { expr, aliases } => {
                    for alias in aliases {
                        self.add_column(&alias.value, expr, scope, &mut relation);
                    }
                }
            }
        }
        relation
    }

    fn add_column(
        &mut self,
        name: &str,
        expr: &Expr,
        scope: &mut Scope<'_>,
        relation: &mut Relation,
    ) {
        let mut value = self.eval(expr, scope);
        if value.cut.is_none() && is_condition(expr) {
            value.cut = self.facts(&conjuncts(expr), scope).cut;
            value.kind = super::lineage::Type::Number;
        }
        if value.arms.is_some() {
            self.splits = true;
        }
        if value.time == Time::No
            && let Some(side) = self.side(expr, scope)
        {
            value.time = side.time;
        }
        // The end of a bucket is the time at which it is known.
        if value.time == Time::Bucket && self.side(expr, scope).is_some_and(|side| side.offset > 0)
        {
            value.time = Time::At(0);
        }
        if self.is_entity(name) {
            // Whatever it is made of, such as the numbers of range().
            value.time = Time::No;
        }
        let value = self.column_value(name, value);
        self.placed(value.id, expr.span());
        let column = Column {
            name: name.into(),
            value,
        };
        scope.aliases.push(column.clone());
        relation.columns.push(column);
    }
}

fn rename(relation: &mut Relation, alias: &TableAlias) {
    for (i, named) in alias.columns.iter().enumerate() {
        let name: Rc<str> = named.name.value.as_str().into();
        match relation.columns.get_mut(i) {
            Some(column) => column.name = name,
            None => relation.columns.push(Column {
                name,
                value: Value::default(),
            }),
        }
    }
}

fn constraint<'e>(
    operator: &'e JoinOperator,
    conditions: &mut Vec<&'e Expr>,
    using: &mut Vec<String>,
) {
    let constraint = match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c)
        | JoinOperator::CrossJoin(c)
        | JoinOperator::Semi(c)
        | JoinOperator::LeftSemi(c)
        | JoinOperator::RightSemi(c)
        | JoinOperator::Anti(c)
        | JoinOperator::LeftAnti(c)
        | JoinOperator::RightAnti(c)
        | JoinOperator::StraightJoin(c) => c,
        JoinOperator::AsOf {
            match_condition,
            constraint,
        } => {
            conditions.push(match_condition);
            constraint
        }
        JoinOperator::CrossApply
        | JoinOperator::OuterApply
        | JoinOperator::ArrayJoin
        | JoinOperator::LeftArrayJoin
        | JoinOperator::InnerArrayJoin => return,
    };
    match constraint {
        JoinConstraint::On(expr) => conditions.extend(conjuncts(expr)),
        JoinConstraint::Using(names) => using.extend(names.iter().map(last_name)),
        JoinConstraint::Natural => using.push("*".to_owned()),
        JoinConstraint::None => {}
    }
}

/// The parts of a condition that must all be true.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::BinaryOp {
                left,
                op: sqlparser::ast::BinaryOperator::And,
                right,
            } => {
                rest.push(right);
                rest.push(left);
            }
            Expr::Nested(inner) => rest.push(inner),
            other => parts.push(other),
        }
    }
    parts
}

fn item_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr)
        | SelectItem::ExprWithAlias { expr, .. }
        | SelectItem::ExprWithAliases { expr, .. } => Some(expr),
        _ => None,
    }
}

/// The expression that GROUP BY 1 or GROUP BY alias means.
fn output<'e>(key: &Expr, projection: &'e [SelectItem]) -> Option<&'e Expr> {
    match key {
        Expr::Value(value) => match &value.value {
            Literal::Number(digits, _) => {
                let i: usize = digits.parse().ok()?;
                item_expr(projection.get(i.checked_sub(1)?)?)
            }
            _ => None,
        },
        Expr::Identifier(name) => projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias }
                if alias.value.eq_ignore_ascii_case(&name.value) =>
            {
                Some(expr)
            }
            _ => None,
        }),
        _ => None,
    }
}

fn is_condition(expr: &Expr) -> bool {
    use sqlparser::ast::BinaryOperator as Op;
    match expr {
        Expr::Nested(inner) => is_condition(inner),
        Expr::Between { .. } | Expr::InList { .. } => true,
        Expr::BinaryOp { op, .. } => {
            matches!(op, Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Eq | Op::And)
        }
        _ => false,
    }
}

fn is_columns(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(Function { name, .. }) if last_name(name).eq_ignore_ascii_case("columns"))
}

fn short(expr: &Expr) -> String {
    expr.to_string().chars().take(40).collect()
}

/// Whether a table is named.
struct Mentions<'n> {
    name: &'n str,
    found: bool,
}

impl Visitor for Mentions<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, .. } = factor
            && last_name(name).eq_ignore_ascii_case(self.name)
        {
            self.found = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Whether there is an aggregate outside of subqueries.
struct Aggregates<'f, 'a> {
    analysis: &'f Analysis<'a>,
    queries: usize,
    found: bool,
}

impl Visitor for Aggregates<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.queries == 0
            && let Expr::Function(function) = expr
            && function.over.is_none()
            && self.analysis.is_aggregate_name(&last_name(&function.name))
        {
            self.found = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
