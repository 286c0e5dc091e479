//! Calls of Lagrange's table functions in a syntax tree, replaced by the SQL
//! that they stand for. DataFusion itself would take neither named arguments
//! nor a CTE as the relation.

use std::ops::ControlFlow;

use datafusion::prelude::SessionContext;
use lagrange_udfs::call::Literal;
use lagrange_udfs::datafusion::{expand_call, table_function};
use lagrange_udfs::definition::Table;
use sqlparser::ast::{
    Cte, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectNamePart, Query, Statement, TableFactor,
    TableFunctionArgs, UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut, With,
};

use super::inputs::{alias, derived};
use super::text;
use crate::error::{Error, Result};
use crate::script::parse_query;

/// How many calls a statement may have, nested ones included: more is a
/// function whose SQL calls itself.
const MOST_CALLS: usize = 1_000;

/// Expands every call in the statement.
///
/// # Errors
/// Wrong arguments, or a relation that cannot be planned.
pub async fn expand(context: &SessionContext, statement: &mut Statement) -> Result<()> {
    for _ in 0..MOST_CALLS {
        let mut finder = Finder::default();
        let call = match Visit::visit(statement, &mut finder) {
            ControlFlow::Continue(()) => return Ok(()),
            ControlFlow::Break(call) => call?,
        };
        let sql = expand_call(
            context,
            call.function,
            call.positional,
            call.named,
            &call.with_clause,
        )
        .await?;
        let query = parse_query(&sql)?;
        // It breaks at the call that it replaces.
        let _ = VisitMut::visit(statement, &mut Replacer(Some(query)));
    }
    Err(Error::internal(
        "the calls of table functions do not come to an end",
    ))
}

/// A call that is to be expanded.
struct FoundCall {
    function: &'static dyn Table,
    positional: Vec<Literal>,
    named: Vec<(String, Literal)>,
    /// The CTEs that it may name.
    with_clause: String,
}

fn called(factor: &TableFactor) -> Option<(&'static dyn Table, &TableFunctionArgs)> {
    let TableFactor::Table {
        name,
        args: Some(args),
        ..
    } = factor
    else {
        return None;
    };
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Some((table_function(&name.value)?, args)),
        _ => None,
    }
}

/// Finds the first call, in the order in which names come into being: the body
/// of a CTE before what follows it. So the CTEs that a call sees hold no calls
/// themselves.
#[derive(Default)]
struct Finder {
    scopes: Vec<Scope>,
}

/// A query that encloses the place.
struct Scope {
    recursive: bool,
    ctes: Vec<Cte>,
    /// How many of them are behind, and can be named.
    defined: usize,
}

impl Finder {
    fn with_clause(&self) -> String {
        let mut recursive = false;
        let mut visible: Vec<&Cte> = Vec::new();
        for scope in &self.scopes {
            recursive |= scope.recursive;
            for cte in &scope.ctes[..scope.defined] {
                visible.retain(|outer| !same_name(&outer.alias.name, &cte.alias.name));
                visible.push(cte);
            }
        }
        if visible.is_empty() {
            return String::new();
        }
        let ctes: Vec<String> = visible.into_iter().map(text::sql).collect();
        let recursive = if recursive { "RECURSIVE " } else { "" };
        format!("WITH {recursive}{}", ctes.join(", "))
    }
}

fn same_name(a: &Ident, b: &Ident) -> bool {
    super::datafusion::normalised(a) == super::datafusion::normalised(b)
}

impl Visitor for Finder {
    type Break = Result<FoundCall>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let (recursive, ctes) = match &query.with {
            Some(With {
                recursive,
                cte_tables,
                ..
            }) => (*recursive, cte_tables.clone()),
            None => (false, Vec::new()),
        };
        self.scopes.push(Scope {
            recursive,
            ctes,
            defined: 0,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.scopes.pop();
        // The bodies of the CTEs are the first queries within a query.
        if let Some(outer) = self.scopes.last_mut()
            && outer.defined < outer.ctes.len()
        {
            outer.defined += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let Some((function, args)) = called(factor) else {
            return ControlFlow::Continue(());
        };
        let arguments = arguments(function, args);
        ControlFlow::Break(arguments.map(|(positional, named)| FoundCall {
            function,
            positional,
            named,
            with_clause: self.with_clause(),
        }))
    }
}

/// Replaces the first call.
struct Replacer(Option<Query>);

impl VisitorMut for Replacer {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if called(factor).is_none() {
            return ControlFlow::Continue(());
        }
        if let Some(query) = self.0.take() {
            *factor = derived(query, alias(factor));
        }
        ControlFlow::Break(())
    }
}

type Arguments = (Vec<Literal>, Vec<(String, Literal)>);

fn arguments(function: &'static dyn Table, args: &TableFunctionArgs) -> Result<Arguments> {
    let function = function.signature().name;
    let mut positional = Vec::new();
    let mut named = Vec::new();
    for arg in &args.args {
        let (name, value) = match arg {
            FunctionArg::Unnamed(value) => (None, value),
            FunctionArg::Named { name, arg, .. } => (Some(name.value.clone()), arg),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg,
                ..
            } => (Some(name.value.clone()), arg),
            FunctionArg::ExprNamed { name, .. } => {
                return Err(Error::failed(format!(
                    "{function}: '{name}' is not the name of an argument"
                )));
            }
        };
        let literal = match value {
            FunctionArgExpr::Expr(expr) => literal(expr),
            _ => None,
        };
        let literal = literal.ok_or_else(|| not_constant(function, value))?;
        match name {
            Some(name) => named.push((name, literal)),
            None if named.is_empty() => positional.push(literal),
            None => {
                return Err(Error::failed(format!(
                    "{function}: {value} stands after a named argument; pass it by name"
                )));
            }
        }
    }
    Ok((positional, named))
}

fn not_constant(function: &str, value: &FunctionArgExpr) -> Box<Error> {
    let error = Error::failed(format!("{function}: {value} is not a constant"));
    match value {
        FunctionArgExpr::Expr(Expr::Identifier(name)) => {
            error.hint(format!("pass the name as text: '{}'", name.value))
        }
        _ => error.hint("pass text, numbers, true, false, NULL, lists or structs of these"),
    }
}

/// The constant that an expression is.
pub fn literal(expr: &Expr) -> Option<Literal> {
    Some(match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => Literal::Null,
            Value::Boolean(value) => Literal::Boolean(*value),
            Value::SingleQuotedString(text) => Literal::Text(text.clone()),
            Value::DollarQuotedString(text) => Literal::Text(text.value.clone()),
            Value::Number(digits, _) => match digits.parse() {
                Ok(value) => Literal::Integer(value),
                Err(_) => Literal::Double(digits.parse().ok()?),
            },
            _ => return None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match literal(expr)? {
            Literal::Integer(value) => Literal::Integer(value.checked_neg()?),
            Literal::Double(value) => Literal::Double(-value),
            _ => return None,
        },
        Expr::Nested(inner) => literal(inner)?,
        Expr::Array(array) => Literal::List(array.elem.iter().map(literal).collect::<Option<_>>()?),
        Expr::Dictionary(fields) => Literal::Struct(
            fields
                .iter()
                .map(|field| Some((field.key.value.clone(), literal(&field.value)?)))
                .collect::<Option<_>>()?,
        ),
        Expr::TypedString(typed) => Literal::Text(typed.value.value.clone().into_string()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_clause(sql: &str) -> String {
        let query = parse_query(sql).unwrap();
        match Visit::visit(&query, &mut Finder::default()) {
            ControlFlow::Break(call) => call.unwrap().with_clause,
            ControlFlow::Continue(()) => panic!("no call in {sql}"),
        }
    }

    #[test]
    fn a_call_sees_the_ctes_before_it() {
        let call = "SELECT * FROM lag_features('a', columns => ['x'], lags => [1])";
        assert_eq!(with_clause(call), "");
        let both = with_clause(&format!("WITH a AS (SELECT 1), b AS (SELECT 2) {call}"));
        assert_eq!(
            both.replace(['\n', ' '], ""),
            "WITHaAS(SELECT1),bAS(SELECT2)"
        );
        let first = with_clause(&format!("WITH a AS (SELECT 1), b AS ({call}) SELECT 1"));
        assert_eq!(first.replace(['\n', ' '], ""), "WITHaAS(SELECT1)");
        let inner = format!("WITH a AS (SELECT 1) SELECT * FROM (WITH A AS (SELECT 2) {call})");
        assert_eq!(
            with_clause(&inner).replace(['\n', ' '], ""),
            "WITHAAS(SELECT2)"
        );
    }

    #[test]
    fn constants_are_understood() {
        let of = |sql: &str| literal(&crate::script::parse_constant(sql).unwrap());
        assert_eq!(of("-3"), Some(Literal::Integer(-3)));
        assert_eq!(of("2.5"), Some(Literal::Double(2.5)));
        assert_eq!(
            of("['a']"),
            Some(Literal::List(vec![Literal::Text("a".into())]))
        );
        let field = ("k".to_owned(), Literal::Boolean(true));
        assert_eq!(of("{'k': true}"), Some(Literal::Struct(vec![field])));
        assert_eq!(of("a + 1"), None);
    }
}
