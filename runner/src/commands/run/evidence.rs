//! Why an assertion does not hold.

use std::ops::ControlFlow;

use serde_json::Value as Json;
use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, UnaryOperator, Value,
    Visit, Visitor, WildcardAdditionalOptions,
};

use super::gates::{ask, first, question};
use crate::engines::Engine;
use crate::parameters::Step;

/// How many values of subqueries are shown.
const VALUES: usize = 4;

/// Why a condition does not hold: the values of its subqueries, and the rows that
/// should not be. It is extra, so that nothing goes wrong here.
pub(super) async fn collect(engine: &mut dyn Engine, step: &Step, condition: &Expr) -> Vec<String> {
    let mut found = Evidence::default();
    let _ = condition.visit(&mut found);
    let mut parts = Vec::new();
    let values = found.values.into_iter().take(VALUES);
    let (texts, values): (Vec<String>, Vec<_>) = values
        .enumerate()
        .map(|(i, expr)| (expr.to_string(), (format!("v{i}"), expr)))
        .unzip();
    if !values.is_empty()
        && let Ok(answer) = ask(engine, step, values).await
    {
        for (text, value) in texts.iter().zip(answer.rows.iter().flatten()) {
            let value = match value {
                Json::String(text) => format!("'{text}'"),
                Json::Null => "NULL".to_owned(),
                other => other.to_string(),
            };
            parts.push(format!("{text} is {value}"));
        }
    }
    if let Some(query) = found.rows.into_iter().next()
        && let Ok(outcome) = engine.execute(&question(step, query)).await
        && let Some(shown) = outcome.shown.filter(|shown| shown.total > 0)
    {
        parts.push(first(&shown));
    }
    parts
}

/// The subqueries of a condition that say why it does not hold.
#[derive(Default)]
struct Evidence {
    values: Vec<Expr>,
    rows: Vec<Query>,
    depth: usize,
}

impl Visitor for Evidence {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Subquery(_) => self.values.push(expr.clone()),
            Expr::Exists {
                subquery,
                negated: true,
            } => self.rows.push((**subquery).clone()),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => {
                if let Expr::Exists {
                    subquery,
                    negated: false,
                } = expr.as_ref()
                {
                    self.rows.push((**subquery).clone());
                }
            }
            // The rows that are counted, where there should be none.
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } => {
                if let (Expr::Subquery(query), true) = (left.as_ref(), is_zero(right)) {
                    self.rows.extend(counted(query));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(&value.value, Value::Number(digits, _) if digits == "0"),
        _ => false,
    }
}

/// `SELECT count(*) FROM ... WHERE ...` as `SELECT * FROM ... WHERE ...`.
fn counted(query: &Query) -> Option<Query> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let [SelectItem::UnnamedExpr(projected)] = select.projection.as_slice() else {
        return None;
    };
    let plain = projected.to_string().eq_ignore_ascii_case("count(*)")
        && select.having.is_none()
        && select.distinct.is_none()
        && is_ungrouped(select);
    if !plain {
        return None;
    }
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    }
    Some(query)
}

fn is_ungrouped(select: &Select) -> bool {
    matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_constant;

    #[test]
    fn offending_rows_are_found() {
        let rows = |text: &str| {
            let mut found = Evidence::default();
            let _ = parse_constant(text).unwrap().visit(&mut found);
            let rows: Vec<String> = found.rows.iter().map(Query::to_string).collect();
            rows.join("; ")
        };
        assert_eq!(
            rows("(SELECT count(*) FROM t WHERE a < 0) = 0"),
            "SELECT * FROM t WHERE a < 0"
        );
        assert_eq!(rows("NOT EXISTS (SELECT a FROM t)"), "SELECT a FROM t");
        assert_eq!(rows("(SELECT count(*) FROM t GROUP BY a) = 0"), "");
        assert_eq!(rows("(SELECT max(a) FROM t) = 0"), "");
    }
}
