//! Calls: their arguments, and what Lagrange's table functions do to columns.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, UnaryOperator,
    Value as Literal,
};
use sqlparser::tokenizer::Span;

use super::analysis::{Analysis, Scope, last_name};
use super::fits::{Feature, Role};
use super::graph::Extent;
use super::lineage::{Ahead, Column, Grain, Mark, Relation, Site, Time, Type, Value};
use super::rules::Rule;
use super::{Constant, FunctionKind};

/// The arguments of a table function, in the order of its signature.
type Arguments = Vec<(String, Constant)>;

impl Analysis<'_> {
    /// The relation that a table function returns.
    pub(super) fn table_call(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        span: Span,
        scope: &Scope<'_>,
    ) -> Relation {
        let name = last_name(name).to_ascii_lowercase();
        let site = self.call_site(span);
        match name.as_str() {
            "range" | "generate_series" | "unnest" => {
                return Relation {
                    columns: vec![Column {
                        name: name.as_str().into(),
                        value: Value {
                            time: Time::At(0),
                            kind: Type::Number,
                            ..Value::default()
                        },
                    }],
                    ..Relation::default()
                };
            }
            _ if name.starts_with("read_") || name.ends_with("_scan") || name == "glob" => {
                let table = match named(args).first() {
                    Some((_, expr)) => format!("{name}({expr})"),
                    None => name.clone(),
                };
                self.outside.insert(table.clone());
                return Relation {
                    open: vec![table.as_str().into()],
                    ..Relation::default()
                };
            }
            _ => {}
        }
        if self.catalogue.kind(&name) != Some(FunctionKind::Table) {
            for (_, expr) in named(args) {
                self.eval(expr, scope);
            }
            let mut relation = Relation {
                open: vec![name.as_str().into()],
                ..Relation::default()
            };
            let mark = Mark::new(Rule::Unknown, site, Ahead::Unbounded)
                .detail(format!("the table function '{name}'"));
            relation.mark(&mark);
            return relation;
        }
        let arguments = self.arguments_of(&name, args);
        let get = |key: &str| {
            arguments
                .iter()
                .find(|(known, _)| known == key)
                .map_or(Constant::Null, |(_, value)| value.clone())
        };
        let relation = self.relation_of(&get("tbl"), scope);
        let parameters = self.catalogue.parameters(&name);
        let takes_target = parameters.iter().any(|p| p.name == "target");
        match name.as_str() {
            "lag_features" => {
                let whole = texts(&get("partition_by")).is_empty();
                self.lag_features(relation, &get("columns"), &get("lags"), whole, site)
            }
            "shift_target" => {
                let ahead = integer(&get("horizon"))
                    .zip(integer(&get("entry_lag")).or(Some(0)))
                    .map(|(horizon, lag)| horizon.saturating_add(lag));
                let time = texts(&get("order_by"));
                let price = texts(&get("price"));
                let new = texts(&get("name"))
                    .first()
                    .cloned()
                    .unwrap_or_else(|| "target".to_owned());
                self.shift_target(relation, &price, time.first(), &new, ahead, site)
            }
            "prepare_training_data" => {
                let ahead = integer(&get("target_lag"));
                self.prepare_training_data(
                    relation,
                    &get("pattern_window"),
                    &get("std_dev"),
                    ahead,
                    site,
                )
            }
            "feature_correlation" | "vif" | "correlation_clusters"
                if matches!(get("target"), Constant::Null) =>
            {
                let values: Vec<Feature> = relation
                    .columns
                    .iter()
                    .map(|column| Feature {
                        name: column.name.to_string(),
                        value: column.value.clone(),
                        site,
                    })
                    .collect();
                self.fit_seen(
                    &name,
                    site,
                    Role::Select,
                    relation.cut,
                    "",
                    &Value::default(),
                    &values,
                );
                self.opaque(&name, &relation)
            }
            _ if takes_target => {
                self.sink_call(&name, &relation, &arguments, args, site);
                self.opaque(&name, &relation)
            }
            _ => self.expanded(&name, relation, &arguments, site, scope),
        }
    }

    /// Another of our table functions: the SQL that it stands for.
    fn expanded(
        &mut self,
        name: &str,
        relation: Relation,
        arguments: &Arguments,
        site: Site,
        scope: &Scope<'_>,
    ) -> Relation {
        let known: Option<Vec<String>> = relation.open.is_empty().then(|| {
            relation
                .columns
                .iter()
                .map(|column| column.name.to_string())
                .collect()
        });
        let Some(query) = self.catalogue.expand(name, arguments, known.as_deref()) else {
            let mut opaque = self.opaque(name, &relation);
            let mark = Mark::new(Rule::Unknown, site, Ahead::Unbounded)
                .detail(format!("what '{name}' returns"));
            opaque.mark(&mark);
            return opaque;
        };
        let outer = self.call.replace(site);
        let relation = self.query(&query, Some(scope));
        self.call = outer;
        relation
    }

    /// What a function says about features: no rows of the data any more.
    fn opaque(&mut self, name: &str, relation: &Relation) -> Relation {
        let label: std::rc::Rc<str> = format!("{name}(...)").as_str().into();
        if let Some(fit) = self.fits.last().filter(|fit| fit.name == name) {
            self.told.insert(std::rc::Rc::clone(&label), fit.node);
        }
        Relation {
            open: vec![label],
            grain: Grain::Whole,
            cut: relation.cut,
            ..Relation::default()
        }
    }

    /// The arguments with their names, the defaults filled in.
    fn arguments_of(&mut self, name: &str, args: &[FunctionArg]) -> Arguments {
        let parameters = self.catalogue.parameters(name);
        let mut arguments: Arguments = Vec::new();
        for (i, (given, expr)) in named(args).into_iter().enumerate() {
            let key = match given {
                Some(given) => given.to_ascii_lowercase(),
                None => match parameters.get(i) {
                    Some(parameter) => parameter.name.clone(),
                    None => continue,
                },
            };
            arguments.push((key, constant(expr)));
        }
        for parameter in parameters {
            if let Some(default) = parameter.default
                && !arguments.iter().any(|(known, _)| *known == parameter.name)
            {
                arguments.push((parameter.name, default));
            }
        }
        arguments
    }

    /// The relation that a text argument names.
    pub(super) fn relation_of(&mut self, text: &Constant, scope: &Scope<'_>) -> Relation {
        let Constant::Text(text) = text else {
            return Relation {
                open: vec!["a relation that is not a constant".into()],
                ..Relation::default()
            };
        };
        let text = text.trim();
        let query = if text.starts_with('(') {
            text.strip_prefix('(')
                .and_then(|text| text.strip_suffix(')'))
                .and_then(|text| self.catalogue.parse(text))
        } else {
            let name = ObjectName::from(
                text.split('.')
                    .map(|part| sqlparser::ast::Ident::new(part.trim_matches('"')))
                    .collect::<Vec<_>>(),
            );
            return (*self.table(&name)).clone();
        };
        match query {
            Some(query) => {
                // Its text has places of its own.
                let outer = self.call.or(Some(self.site(Span::empty())));
                let kept = std::mem::replace(&mut self.call, outer);
                let relation = self.query(&query, Some(scope));
                self.call = kept;
                relation
            }
            None => Relation {
                open: vec![text.into()],
                ..Relation::default()
            },
        }
    }

    fn of_relation(&mut self, relation: &Relation, name: &str) -> Value {
        match relation.column(name) {
            Some(column) => column.value.clone(),
            None => {
                let mut values: Vec<Value> = Vec::new();
                for table in &relation.open {
                    values.push(self.source(table, name, Span::empty()));
                }
                let mut value = match values.len() {
                    1 => values.remove(0),
                    _ => Value::merged(&values),
                };
                super::lineage::merge_marks(&mut value.marks, &relation.marks);
                value
            }
        }
    }

    fn lag_features(
        &mut self,
        mut relation: Relation,
        columns: &Constant,
        lags: &Constant,
        whole: bool,
        site: Site,
    ) -> Relation {
        let crosses = whole && self.is_panel(&relation);
        for column in texts(columns) {
            let value = self.of_relation(&relation, &column);
            for lag in integers(lags) {
                let name = format!("{column}_lag{lag}");
                let kind = value.kind;
                let mut lagged = value.shifted(lag);
                lagged.kind = kind;
                if crosses {
                    lagged.mark(Mark::new(Rule::CrossesEntities, site, Ahead::Unbounded));
                }
                if lag < 0 {
                    let ahead = Ahead::Rows(lag.saturating_neg());
                    lagged.mark(Mark::new(Rule::NegativeLag, site, ahead));
                }
                let value = self.column_value(&name, lagged);
                relation.columns.push(Column {
                    name: name.as_str().into(),
                    value,
                });
            }
        }
        relation
    }

    fn shift_target(
        &mut self,
        mut relation: Relation,
        price: &[String],
        time: Option<&String>,
        name: &str,
        ahead: Option<i64>,
        site: Site,
    ) -> Relation {
        let price_name = price.first().cloned().unwrap_or_default();
        let price = self.of_relation(&relation, &price_name);
        let time = time.map(|time| self.of_relation(&relation, time));
        let reach = ahead.map_or(Ahead::Unbounded, Ahead::Rows);
        let mark = Mark::new(Rule::Target, site, reach)
            .detail(format!("'{name}' and '{name}_time' are from the future"));
        let mut target = Value::merged([&price]);
        target.kind = Type::Number;
        target.mark(mark.clone());
        target.spread(Extent {
            from: 0,
            to: ahead.unwrap_or(i64::MAX),
        });
        let mut target_time = Value::merged(time.iter());
        target_time.kind = time.as_ref().map(|time| time.kind).unwrap_or_default();
        target_time.time = Time::At(ahead.unwrap_or(i64::MAX));
        target_time.mark(mark);
        target_time.spread(Extent::of(ahead.unwrap_or(i64::MAX)));
        for (name, mut value) in [
            (name.to_owned(), target),
            (format!("{name}_time"), target_time),
        ] {
            value.constant = false;
            let value = self.column_value(&name, value);
            relation.columns.push(Column {
                name: name.as_str().into(),
                value,
            });
        }
        // Where the data ends is no end of training.
        relation.cut = None;
        relation
    }

    fn prepare_training_data(
        &mut self,
        mut relation: Relation,
        window: &Constant,
        width: &Constant,
        ahead: Option<i64>,
        site: Site,
    ) -> Relation {
        let reach = ahead.map_or(Ahead::Unbounded, Ahead::Rows);
        let prefix = match width {
            Constant::Integer(width) => format!("base_w{}_s{width}_", number_text(window)),
            Constant::Number(width) => format!("base_w{}_s{width}_", number_text(window)),
            _ => "base_w".to_owned(),
        };
        let mut targets = Vec::new();
        for column in &relation.columns {
            let lower = column.name.to_ascii_lowercase();
            if let Some(rest) = lower.strip_prefix(&prefix) {
                targets.push((format!("target_{rest}"), column.value.clone()));
            }
        }
        if !relation.open.is_empty() {
            // Which there are is not known: those that the script names.
            let named: Vec<String> = self
                .mentioned
                .iter()
                .filter(|name| name.starts_with("target_") && *name != "target_time")
                .cloned()
                .collect();
            let mut named = named;
            named.sort();
            for name in named {
                if !targets.iter().any(|(known, _)| *known == name) {
                    let base = format!("{prefix}{}", &name["target_".len()..]);
                    let value = self.of_relation(&relation, &base);
                    targets.push((name, value));
                }
            }
        }
        relation.cut = None;
        relation
            .columns
            .retain(|column| !column.name.to_ascii_lowercase().starts_with("base_w"));
        for (name, value) in targets {
            let mut value = Value::merged([&value]);
            value.kind = Type::Number;
            value.edges = value.seen(Extent::of(ahead.unwrap_or(i64::MAX)), false);
            value.mark(
                Mark::new(Rule::Target, site, reach).detail(format!("'{name}' is from the future")),
            );
            let value = self.column_value(&name, value);
            relation.columns.push(Column {
                name: name.as_str().into(),
                value,
            });
        }
        relation
    }
}

fn number_text(value: &Constant) -> String {
    match value {
        Constant::Integer(value) => value.to_string(),
        Constant::Number(value) => value.to_string(),
        _ => String::new(),
    }
}

/// The arguments of a call, with the names that they are given.
pub(super) fn named(args: &[FunctionArg]) -> Vec<(Option<&str>, &Expr)> {
    args.iter()
        .filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some((None, expr)),
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(expr),
                ..
            } => Some((Some(name.value.as_str()), expr)),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(expr),
                ..
            } => Some((Some(name.value.as_str()), expr)),
            _ => None,
        })
        .collect()
}

/// The arguments of a function that are expressions.
pub(super) fn arguments(function: &Function) -> Vec<&Expr> {
    match &function.args {
        FunctionArguments::List(list) => named(&list.args)
            .into_iter()
            .map(|(_, expr)| expr)
            .collect(),
        _ => Vec::new(),
    }
}

/// The constant that an expression is; NULL if it is none.
pub(super) fn constant(expr: &Expr) -> Constant {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => match &value.value {
            Literal::Boolean(value) => Constant::Boolean(*value),
            Literal::SingleQuotedString(text) => Constant::Text(text.clone()),
            Literal::DollarQuotedString(text) => Constant::Text(text.value.clone()),
            Literal::Number(digits, _) => match digits.parse() {
                Ok(value) => Constant::Integer(value),
                Err(_) => digits.parse().map_or(Constant::Null, whole),
            },
            _ => Constant::Null,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match constant(expr) {
            Constant::Integer(value) => value
                .checked_neg()
                .map_or(Constant::Null, Constant::Integer),
            Constant::Number(value) => Constant::Number(-value),
            _ => Constant::Null,
        },
        Expr::Array(array) => Constant::List(array.elem.iter().map(constant).collect()),
        Expr::TypedString(typed) => typed
            .value
            .value
            .clone()
            .into_string()
            .map_or(Constant::Null, Constant::Text),
        _ => Constant::Null,
    }
}

/// `2e0` is the 2 of a pattern's name.
fn whole(value: f64) -> Constant {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        Constant::Integer(value as i64)
    } else {
        Constant::Number(value)
    }
}

/// A text or a list of them.
pub(super) fn texts(value: &Constant) -> Vec<String> {
    match value {
        Constant::Text(text) => vec![text.clone()],
        Constant::List(list) => list.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// An integer.
pub(super) fn integer(value: &Constant) -> Option<i64> {
    match value {
        Constant::Integer(value) => Some(*value),
        _ => None,
    }
}

fn integers(value: &Constant) -> Vec<i64> {
    match value {
        Constant::Integer(value) => vec![*value],
        Constant::List(list) => list.iter().flat_map(integers).collect(),
        _ => Vec::new(),
    }
}

/// Whether `name` matches a pattern in which * is any text and ? one character.
pub(super) fn like(pattern: &str, name: &str) -> bool {
    fn matches(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|i| matches(rest, &name[i..])),
            Some(('?', rest)) => !name.is_empty() && matches(rest, &name[1..]),
            Some((c, rest)) => name.first() == Some(c) && matches(rest, &name[1..]),
        }
    }
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    if !pattern.contains(['*', '?']) {
        return pattern.eq_ignore_ascii_case(name);
    }
    matches(&lower(pattern), &lower(name))
}
