//! Expressions: what a value is made of.

use std::rc::Rc;

use sqlparser::ast::{
    AccessExpr, BinaryOperator as Op, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Spanned, Subscript, Value as Literal,
};

use super::analysis::{Analysis, Grouping, Scope, field_of, identifier, last_name};
use super::calls::{arguments, named};
use super::graph::{Edge, Extent};
use super::lineage::{Ahead, Mark, Time, Type, Value};
use super::query::conjuncts;
use super::rules::Rule;
use super::{FunctionKind, names, reach};

/// Metrics: a script that calls one judges predictions.
const METRICS: &[&str] = &[
    "rmse",
    "mae",
    "r2",
    "ic",
    "rank_ic",
    "hit_rate",
    "log_loss",
    "auc",
    "pr_auc",
    "brier",
    "sharpe",
    "sortino",
    "psr",
    "dsr",
    "confusion_matrix",
];

impl Analysis<'_> {
    /// What is known of an expression's value.
    pub(super) fn eval(&mut self, expr: &Expr, scope: &Scope<'_>) -> Value {
        match expr {
            Expr::Identifier(name) => {
                if let Some((_, value)) = self.resolve(std::slice::from_ref(name), scope) {
                    return value;
                }
                self.row(&name.value, scope)
                    .unwrap_or_else(|| self.unresolved(&name.value, expr, scope))
            }
            Expr::CompoundIdentifier(parts) => match self.resolve(parts, scope) {
                Some((_, value)) => value,
                None => {
                    let name = parts.last().map_or("", |part| part.value.as_str());
                    self.unresolved(name, expr, scope)
                }
            },
            Expr::Value(value) => Value::constant(match &value.value {
                Literal::Number(..) | Literal::Boolean(_) => Type::Number,
                Literal::Null | Literal::Placeholder(_) => Type::Unknown,
                _ => Type::Other,
            }),
            Expr::TypedString(_) | Expr::Interval(_) => Value::constant(Type::Other),
            Expr::Nested(inner) => self.eval(inner, scope),
            Expr::Cast {
                expr, data_type, ..
            } => {
                let mut value = self.eval(expr, scope);
                value.kind = type_of(data_type);
                if value.kind == Type::Number {
                    value.fields = None;
                }
                value
            }
            Expr::Function(function) => self.function(function, scope),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                let mut values = Vec::new();
                let mut results = Vec::new();
                let mut arms = Vec::new();
                values.extend(operand.iter().map(|operand| self.eval(operand, scope)));
                for when in conditions {
                    values.push(self.eval(&when.condition, scope));
                    results.push(self.eval(&when.result, scope));
                    if operand.is_none()
                        && let Some(text) = reach::text(&when.result)
                    {
                        let cut = self.facts(&conjuncts(&when.condition), scope).cut;
                        arms.push((text, cut));
                    }
                }
                if let Some(other) = else_result {
                    results.push(self.eval(other, scope));
                    if let Some(text) = reach::text(other) {
                        arms.push((text, None));
                    }
                }
                let kind = results
                    .iter()
                    .map(|value| value.kind)
                    .find(|kind| *kind != Type::Unknown)
                    .unwrap_or_default();
                let is_split = arms.iter().any(|(_, cut)| cut.is_some())
                    && arms.iter().any(|(text, _)| names::is_training(text));
                let mut value = Value::merged(values.iter().chain(&results));
                value.kind = kind;
                value.arms = is_split.then(|| Rc::new(arms));
                value
            }
            Expr::Subquery(query) => {
                let relation = self.query(query, Some(scope));
                let value = relation
                    .columns
                    .first()
                    .map(|column| column.value.clone())
                    .unwrap_or_default();
                let mut value = value.activated(|_| true);
                value.id = 0;
                value
            }
            Expr::Exists { subquery, .. } => {
                let relation = self.query(subquery, Some(scope));
                let values: Vec<Value> = relation
                    .columns
                    .iter()
                    .map(|column| column.value.activated(|_| true))
                    .collect();
                let mut value = Value::merged(&values);
                value.kind = Type::Number;
                value.constant = false;
                value
            }
            Expr::InSubquery { expr, subquery, .. } => {
                let value = self.eval(expr, scope);
                let relation = self.query(subquery, Some(scope));
                let inner = relation
                    .columns
                    .first()
                    .map(|column| column.value.activated(|_| true))
                    .unwrap_or_default();
                self.merge(&[value, inner], Type::Number)
            }
            Expr::BinaryOp { left, op, right } => {
                // A sum of a thousand terms nests to the left.
                let mut values = vec![self.eval(right, scope)];
                let mut rest = left.as_ref();
                while let Expr::BinaryOp { left, right, .. } = rest {
                    values.push(self.eval(right, scope));
                    rest = left;
                }
                values.push(self.eval(rest, scope));
                let kind = match op {
                    Op::StringConcat => Type::Other,
                    _ if values
                        .iter()
                        .any(|value| value.time == Time::No && value.kind == Type::Other)
                        && values.iter().any(|value| value.time != Time::No)
                        && matches!(op, Op::Plus | Op::Minus) =>
                    {
                        Type::Other
                    }
                    _ => Type::Number,
                };
                self.merge(&values, kind)
            }
            Expr::UnaryOp { expr, .. } => {
                let value = self.eval(expr, scope);
                let kind = value.kind;
                self.merge(&[value], kind)
            }
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => {
                let value = self.eval(inner, scope);
                self.merge(&[value], Type::Number)
            }
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => {
                let values = [self.eval(a, scope), self.eval(b, scope)];
                self.merge(&values, Type::Number)
            }
            Expr::InList { expr, list, .. } => {
                let mut values = vec![self.eval(expr, scope)];
                values.extend(list.iter().map(|item| self.eval(item, scope)));
                self.merge(&values, Type::Number)
            }
            Expr::Between {
                expr, low, high, ..
            } => {
                let values = [
                    self.eval(expr, scope),
                    self.eval(low, scope),
                    self.eval(high, scope),
                ];
                self.merge(&values, Type::Number)
            }
            Expr::Like { expr, pattern, .. }
            | Expr::ILike { expr, pattern, .. }
            | Expr::SimilarTo { expr, pattern, .. }
            | Expr::RLike { expr, pattern, .. } => {
                let values = [self.eval(expr, scope), self.eval(pattern, scope)];
                self.merge(&values, Type::Number)
            }
            Expr::AnyOp { left, right, .. } | Expr::AllOp { left, right, .. } => {
                let values = [self.eval(left, scope), self.eval(right, scope)];
                self.merge(&values, Type::Number)
            }
            Expr::Extract { expr, .. } => {
                let value = self.eval(expr, scope);
                self.merge(&[value], Type::Number)
            }
            Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => {
                let value = self.eval(expr, scope);
                self.merge(&[value], Type::Number)
            }
            Expr::AtTimeZone { timestamp, .. } => self.eval(timestamp, scope),
            Expr::Collate { expr, .. } => self.eval(expr, scope),
            Expr::Position { expr, r#in } => {
                let values = [self.eval(expr, scope), self.eval(r#in, scope)];
                self.merge(&values, Type::Number)
            }
            Expr::Substring { expr, .. } | Expr::Trim { expr, .. } => {
                let value = self.eval(expr, scope);
                self.merge(&[value], Type::Other)
            }
            Expr::Tuple(list) => {
                let values: Vec<Value> = list.iter().map(|item| self.eval(item, scope)).collect();
                self.merge(&values, Type::Other)
            }
            Expr::Array(array) => {
                let values: Vec<Value> = array
                    .elem
                    .iter()
                    .map(|item| self.eval(item, scope))
                    .collect();
                self.merge(&values, Type::Other)
            }
            Expr::Dictionary(fields) => {
                let fields: Vec<(String, Value)> = fields
                    .iter()
                    .map(|field| (field.key.value.clone(), self.eval(&field.value, scope)))
                    .collect();
                structure(fields)
            }
            Expr::Struct { values, fields } => {
                let fields: Vec<(String, Value)> = values
                    .iter()
                    .enumerate()
                    .map(|(i, expr)| {
                        let name = fields
                            .get(i)
                            .and_then(|field| field.field_name.as_ref())
                            .map(|name| name.value.clone())
                            .or_else(|| match expr {
                                Expr::Named { name, .. } => Some(name.value.clone()),
                                _ => identifier(expr).map(|name| name.value.clone()),
                            })
                            .unwrap_or_else(|| format!("c{i}"));
                        (name, self.eval(expr, scope))
                    })
                    .collect();
                structure(fields)
            }
            Expr::Named { expr, .. } => self.eval(expr, scope),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut value = self.eval(root, scope);
                for access in access_chain {
                    let name = match access {
                        AccessExpr::Dot(expr) => identifier(expr).map(|name| name.value.clone()),
                        AccessExpr::Subscript(Subscript::Index { index }) => reach::text(index),
                        AccessExpr::Subscript(Subscript::Slice { .. }) => None,
                    };
                    match name.and_then(|name| field_of(&value, &name)) {
                        Some(field) => value = field,
                        None => value = self.merge(&[value], Type::Unknown),
                    }
                }
                value
            }
            Expr::Lambda(lambda) => {
                // Its own variables are not columns.
                self.eval(&lambda.body, scope)
            }
            Expr::Map(map) => {
                let values: Vec<Value> = map
                    .entries
                    .iter()
                    .map(|entry| self.eval(&entry.value, scope))
                    .collect();
                self.merge(&values, Type::Other)
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => Value::default(),
            other => {
                let site = self.site(other.span());
                let text: String = other.to_string().chars().take(60).collect();
                let mut value = Value::default();
                value.mark(Mark::new(Rule::Unknown, site, Ahead::Unbounded).detail(text));
                value
            }
        }
    }

    fn merge(&self, values: &[Value], kind: Type) -> Value {
        let mut value = Value::merged(values);
        value.kind = kind;
        value
    }

    /// An alias as a row: `fit(y, t)`.
    fn row(&mut self, name: &str, scope: &Scope<'_>) -> Option<Value> {
        let item = scope
            .items
            .iter()
            .find(|item| item.alias.eq_ignore_ascii_case(name))?;
        let fields: Vec<(String, Value)> = item
            .relation
            .columns
            .iter()
            .map(|column| (column.name.to_string(), column.value.clone()))
            .collect();
        Some(structure(fields))
    }

    fn unresolved(&mut self, name: &str, expr: &Expr, scope: &Scope<'_>) -> Value {
        // Without a FROM clause it is a variable of a lambda or a keyword.
        if names::is_volatile(name) {
            let site = self.site(expr.span());
            return volatile(name, site);
        }
        if scope.items.is_empty() && scope.outer.is_none() {
            return Value::default();
        }
        Value::default()
    }

    fn function(&mut self, function: &Function, scope: &Scope<'_>) -> Value {
        let name = last_name(&function.name).to_ascii_lowercase();
        if METRICS.contains(&name.as_str())
            || name.starts_with("evaluate_")
            || name.starts_with("backtest_")
        {
            self.judges = true;
        }
        let ours = self.catalogue.kind(&name);
        if ours == Some(FunctionKind::Aggregate)
            && ["fit", "fit_report", "permutation_importance"].contains(&name.as_str())
        {
            if name != "permutation_importance" {
                self.fit(&name, function, scope);
            }
            let mut value = Value {
                kind: Type::Other,
                ..Value::default()
            };
            if name == "fit"
                && let Some(fit) = self.fits.last()
            {
                value.edges = vec![Edge {
                    node: fit.node,
                    extent: Extent::ALL,
                    own: false,
                }]
                .into();
            }
            if scope.cut.is_none() && function.filter.is_none() && function.over.is_none() {
                let site = self.call_site(function.span());
                value.mark_latent(
                    Mark::new(Rule::WholeTable, site, Ahead::Unbounded)
                        .detail("a model of all rows"),
                );
            }
            return value;
        }
        if function.over.is_some() {
            return self.window(&name, function, scope);
        }
        let mut values = self.argument_values(function, scope);
        for item in &function.within_group {
            values.push(self.eval(&item.expr, scope));
        }
        if self.is_aggregate_name(&name) {
            return self.aggregate(&name, function, &values, scope);
        }
        let site = self.call_site(function.span());
        if names::is_volatile(&name) {
            return volatile(&name, site);
        }
        match name.as_str() {
            "struct_pack" | "struct" | "named_struct" | "row" | "struct_insert" => {
                return self.struct_call(&name, function, scope);
            }
            "struct_extract" | "get_field" => {
                let list = arguments(function);
                if let (Some(value), Some(field)) = (
                    values.first(),
                    list.get(1).and_then(|expr| reach::text(expr)),
                ) && let Some(value) = field_of(value, &field)
                {
                    return value;
                }
            }
            "predict" | "predict_model" | "predict_proba" | "predict_interval" => {
                // A model of all rows has seen each of them.
                let activated: Vec<Value> = values
                    .iter()
                    .map(|value| value.activated(|_| true))
                    .collect();
                return self.merge(&activated, Type::Number);
            }
            _ => {}
        }
        let kind = match name.as_str() {
            "coalesce" | "ifnull" | "nullif" | "nvl" | "greatest" | "least" | "if" | "iff" => {
                values
                    .iter()
                    .map(|value| value.kind)
                    .find(|kind| *kind != Type::Unknown)
                    .unwrap_or_default()
            }
            "lower" | "upper" | "concat" | "date_trunc" | "to_timestamp" | "to_date"
            | "make_date" | "strftime" | "lpad" | "substr" | "substring" | "md5" | "replace"
            | "time_bucket" | "date_bin" | "trim" | "left" | "right" | "strptime" | "date_add"
            | "date_sub" => Type::Other,
            _ => Type::Number,
        };
        let mut value = self.merge(&values, kind);
        value.constant = false;
        if names::is_hash(&name) {
            value.random = Some(site);
        }
        if !names::is_scalar(&name) && ours.is_none() {
            let detail = format!("the function '{name}'");
            value.mark(Mark::new(Rule::Unknown, site, Ahead::Unbounded).detail(detail));
            value.kind = Type::Unknown;
        }
        value
    }

    /// The values of the arguments.
    pub(super) fn argument_values(&mut self, function: &Function, scope: &Scope<'_>) -> Vec<Value> {
        let mut values = Vec::new();
        match &function.args {
            FunctionArguments::List(list) => {
                for arg in &list.args {
                    let (FunctionArg::Unnamed(arg)
                    | FunctionArg::Named { arg, .. }
                    | FunctionArg::ExprNamed { arg, .. }) = arg;
                    if let FunctionArgExpr::Expr(expr) = arg {
                        values.push(self.eval(expr, scope));
                    }
                }
            }
            FunctionArguments::Subquery(query) => {
                let relation = self.query(query, Some(scope));
                let columns: Vec<Value> = relation
                    .columns
                    .iter()
                    .map(|column| column.value.activated(|_| true))
                    .collect();
                values.push(Value::merged(&columns));
            }
            FunctionArguments::None => {}
        }
        values
    }

    fn aggregate(
        &mut self,
        name: &str,
        function: &Function,
        values: &[Value],
        scope: &Scope<'_>,
    ) -> Value {
        let list = arguments(function);
        let mut value = Value::merged(values);
        value.constant = false;
        value.kind = match name {
            "count" | "sum" | "avg" => Type::Number,
            "min" | "max" | "any_value" | "first" | "last" | "arg_max" | "arg_min" | "median" => {
                values.first().map(|value| value.kind).unwrap_or_default()
            }
            "array_agg" | "list" | "string_agg" | "histogram" => Type::Other,
            _ => Type::Number,
        };
        if matches!(name, "min" | "max" | "any_value" | "first" | "last") {
            value.time = values.first().map(|value| value.time).unwrap_or_default();
        }
        let mut cut = scope.cut;
        if let Some(filter) = &function.filter {
            self.eval(filter, scope);
            cut = cut.or(self.facts(&conjuncts(filter), scope).cut);
        }
        // sum(CASE WHEN split = 'train' THEN x END)
        if cut.is_none()
            && let [
                Expr::Case {
                    operand: None,
                    conditions,
                    else_result,
                    ..
                },
            ] = list.as_slice()
            && else_result.is_none()
        {
            let mut all = None;
            for when in conditions {
                all = self.facts(&conjuncts(&when.condition), scope).cut;
                if all.is_none() {
                    break;
                }
            }
            cut = all;
        }
        let site = self.call_site(function.span());
        if values.is_empty() {
            // count(*) sees which rows there are.
            for item in &scope.items {
                super::lineage::merge_marks(&mut value.marks, &item.relation.marks);
            }
        }
        if scope.grouping == Grouping::Whole {
            value.edges = value.seen(Extent::ALL, false);
            if cut.is_some() {
                // What training rows tell, their targets too, is known at its end.
                value.marks.make_mut().retain(|mark| {
                    !matches!(mark.rule, Rule::FutureName | Rule::Target | Rule::Lead)
                });
            }
        }
        match scope.grouping {
            Grouping::Time | Grouping::None => {}
            Grouping::Bucket => {
                value.spread(Extent::PAST);
                value.mark_latent(Mark::new(Rule::Bucket, site, Ahead::Unbounded));
            }
            Grouping::Whole if cut.is_none() => {
                value.mark_latent(Mark::new(Rule::WholeTable, site, Ahead::Unbounded));
            }
            Grouping::Whole => {}
        }
        value
    }

    fn struct_call(&mut self, name: &str, function: &Function, scope: &Scope<'_>) -> Value {
        let FunctionArguments::List(list) = &function.args else {
            return Value::default();
        };
        let args = named(&list.args);
        let mut fields = Vec::new();
        if name == "named_struct" {
            for pair in args.chunks(2) {
                if let [(_, key), (_, expr)] = pair {
                    let key = reach::text(key).unwrap_or_default();
                    fields.push((key, self.eval(expr, scope)));
                }
            }
        } else {
            for (i, (given, expr)) in args.into_iter().enumerate() {
                let key = given
                    .map(str::to_owned)
                    .or_else(|| identifier(expr).map(|name| name.value.clone()))
                    .unwrap_or_else(|| format!("c{i}"));
                fields.push((key, self.eval(expr, scope)));
            }
        }
        structure(fields)
    }
}

fn structure(fields: Vec<(String, Value)>) -> Value {
    Value {
        kind: Type::Other,
        fields: Some(Rc::new(fields)),
        ..Value::default()
    }
}

fn volatile(name: &str, site: super::lineage::Site) -> Value {
    let mut value = Value {
        kind: Type::Unknown,
        random: names::is_draw(name).then_some(site),
        ..Value::default()
    };
    value.mark(
        Mark::new(Rule::NonDeterministic, site, Ahead::Unbounded).detail(format!("'{name}'")),
    );
    value
}

fn type_of(data_type: &DataType) -> Type {
    let text = data_type.to_string().to_ascii_uppercase();
    const OTHER: &[&str] = &[
        "VARCHAR", "CHAR", "TEXT", "STRING", "DATE", "TIME", "BLOB", "BYTE", "STRUCT", "JSON",
        "UUID", "INTERVAL",
    ];
    if OTHER.iter().any(|other| text.starts_with(other)) || text.ends_with(']') {
        Type::Other
    } else {
        Type::Number
    }
}
