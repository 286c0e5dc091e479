//! Gates: `ASSERT`, and the tests in comments above a statement.

use std::ops::ControlFlow;

use serde_json::{Value as Json, json};
use sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr, Statement, VisitMut, VisitorMut};

use super::evidence;
use crate::engines::shown::Shown;
use crate::engines::{Engine, Outcome, text};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::parameters::Step;
use crate::printer::{rows, thousands};
use crate::script::{Action, Description, Expectations, Severity, parse_query};

/// How many offending rows are shown.
const OFFENDING: usize = 5;

/// How the gates of a run ended, for those who promote models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gates {
    /// There were none.
    #[default]
    None,
    /// All that count as errors hold.
    Passed,
    /// One that counts as an error does not hold, or could not be asked.
    Failed,
}

impl Gates {
    /// As it stands in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// A gate and its outcome.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// What must hold, as the script says it.
    pub test: String,
    pub message: Option<String>,
    pub severity: Severity,
    pub held: bool,
    /// Why not, and the first offending rows.
    pub detail: Option<String>,
    /// The place of the test.
    pub line: u64,
    pub column: u64,
}

impl Gate {
    /// Whether nothing later may run.
    pub fn stops(&self) -> bool {
        !self.held && self.severity == Severity::Error
    }

    /// As it stands in results.
    pub fn status(&self) -> &'static str {
        match (self.held, self.severity) {
            (true, _) => "passed",
            (false, Severity::Warn) => "warned",
            (false, Severity::Error) => "failed",
        }
    }

    /// What people call it.
    pub fn title(&self) -> String {
        match &self.message {
            Some(message) => message.clone(),
            None => self.test.clone(),
        }
    }

    /// What a failure says.
    pub fn error(&self, step: &Step) -> Box<Error> {
        let mut place = step.source.place(step.start);
        (place.line, place.column) = (self.line, self.column);
        let message = match &self.message {
            Some(message) => format!("gate failed: {message}"),
            None => format!("gate failed: {}", self.test),
        };
        let start = sqlparser::tokenizer::Location::new(self.line, self.column);
        let excerpt = step.source.between(start, step.start, &step.text);
        let error = Error::failed(message).at(place).excerpt(excerpt);
        match &self.detail {
            Some(detail) => error.detail(detail.clone()),
            None => error,
        }
    }

    pub fn to_json(&self) -> Json {
        json!({
            "test": self.test,
            "message": self.message,
            "severity": self.severity.name(),
            "status": self.status(),
            "line": self.line,
            "detail": self.detail,
        })
    }
}

/// Whether a step is tested.
pub fn is_gate(step: &Step) -> bool {
    step.description.action == Action::Assert || !step.expectations.tests.is_empty()
}

/// Whether the test of a step can be asked without running the step.
pub(super) fn is_standing(step: &Step) -> bool {
    let standing = matches!(
        step.description.action,
        Action::Assert | Action::Query | Action::CreateTable { temporary: false }
    );
    standing && is_gate(step)
}

/// The tests of a table that is made, as tests of the table that is there.
pub(super) fn of_table(step: Step, flow: &mut Flow) -> Step {
    let (Action::CreateTable { temporary: false }, Some(target), true) = (
        &step.description.action,
        &step.description.target,
        is_gate(&step),
    ) else {
        return step;
    };
    let Ok(query) = parse_query(&format!("SELECT * FROM {target}")) else {
        return step;
    };
    flow.reads = std::mem::take(&mut flow.writes);
    let mut asked = question(&step, query);
    asked.description.kind = "test".to_owned();
    asked.description.target = Some(target.clone());
    asked.text.clone_from(&step.text);
    asked.expectations = step.expectations;
    asked
}

/// Refuses tests of statements that have no rows.
///
/// # Errors
/// See above.
pub(super) fn check(steps: &[Step]) -> Result<()> {
    for step in steps {
        let Some(test) = step.expectations.tests.first() else {
            continue;
        };
        let has_rows = matches!(
            step.description.action,
            Action::Query | Action::CreateTable { .. } | Action::Change
        );
        if !has_rows {
            let message = format!("'{}' has no rows to test", step.description.kind);
            let error = Error::usage(message)
                .hint("put the test above a SELECT, or above the statement that makes a table");
            return Err(step.source.locate(error, test.start));
        }
    }
    Ok(())
}

/// A step that asks something on behalf of another.
pub(super) fn question(step: &Step, query: Query) -> Step {
    let statement = Statement::Query(Box::new(query));
    Step {
        source: step.source.clone(),
        start: step.start,
        text: text::sql(&statement),
        bound: true,
        description: Description::of(&statement),
        statement,
        expectations: Expectations::default(),
    }
}

/// Asks whether an assertion holds.
///
/// # Errors
/// What the engine says about the condition, and a condition that is neither true
/// nor false.
pub(super) async fn assertion(engine: &mut dyn Engine, step: &Step) -> Result<Gate> {
    let Statement::Assert { condition, .. } = &step.statement else {
        return Err(Error::internal("not an assertion"));
    };
    let answer = ask(
        engine,
        step,
        vec![("holds".to_owned(), portable(condition))],
    )
    .await?;
    let value = answer
        .rows
        .first()
        .and_then(|row| row.first())
        .cloned()
        .unwrap_or_default();
    let held = match &value {
        Json::Bool(held) => *held,
        Json::Null => false,
        other => {
            let message = format!("the condition is {other}, and not true or false");
            return Err(Error::failed(message)
                .hint("compare it with something: ASSERT (SELECT ...) > 0 AS 'message'"));
        }
    };
    let detail = if held {
        None
    } else {
        let mut parts = Vec::new();
        if value.is_null() {
            parts.push("the condition is NULL".to_owned());
        }
        parts.extend(evidence::collect(engine, step, condition).await);
        (!parts.is_empty()).then(|| parts.join("\n"))
    };
    Ok(Gate {
        test: condition.to_string(),
        message: step.description.message.clone(),
        severity: step.expectations.severity.unwrap_or_default(),
        held,
        detail,
        line: step.start.line,
        column: step.start.column,
    })
}

/// What the tests above a statement say about its rows.
pub(super) fn expectations(step: &Step, outcome: &Outcome) -> Vec<Gate> {
    let count = outcome.rows.unwrap_or_default();
    let tests = step.expectations.tests.iter();
    tests
        .map(|expectation| {
            let held = expectation.test.holds(count);
            let detail = (!held).then(|| {
                let mut detail = format!("expected {}, found {}", expectation.test, rows(count));
                if let (true, Some(shown)) = (expectation.test.is_about_too_many(), &outcome.shown)
                {
                    detail = format!("{detail}\n{}", first(shown));
                }
                detail
            });
            Gate {
                test: expectation.test.to_string(),
                message: expectation.message.clone(),
                severity: expectation.severity,
                held,
                detail,
                line: expectation.start.line,
                column: expectation.start.column,
            }
        })
        .collect()
}

/// The first rows as a table.
pub(super) fn first(shown: &Shown) -> String {
    let mut few = Shown::new(shown.columns.clone());
    few.rows = shown.rows.iter().take(OFFENDING).cloned().collect();
    few.total = few.rows.len() as u64;
    let table = few.to_string();
    // Without the last line, which counts the rows that are shown.
    let table = table.rsplit_once('\n').map_or("", |(table, _)| table);
    let more = shown.total.saturating_sub(few.total);
    if more == 0 {
        return table.to_owned();
    }
    format!("{table}\n... {} more rows", thousands(more))
}

pub(super) async fn ask(
    engine: &mut dyn Engine,
    step: &Step,
    values: Vec<(String, Expr)>,
) -> Result<Shown> {
    let mut query = parse_query("SELECT NULL")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = values
            .into_iter()
            .map(|(name, expr)| SelectItem::ExprWithAlias {
                expr,
                alias: Ident::new(name),
            })
            .collect();
    }
    let outcome = engine.execute(&question(step, query)).await?;
    Ok(outcome.shown.unwrap_or_default())
}

/// A condition that stands in a SELECT list on both engines, of which DataFusion
/// takes no EXISTS there.
fn portable(condition: &Expr) -> Expr {
    struct Counts {
        depth: usize,
    }

    impl VisitorMut for Counts {
        type Break = ();

        fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if self.depth == 0
                && let Expr::Exists { subquery, negated } = expr
            {
                let sign = if *negated { "=" } else { ">" };
                let sql = format!("SELECT (SELECT count(*) FROM (SELECT 1) AS q) {sign} 0");
                if let Some(mut counted) = parse_query(&sql).ok().and_then(only_expr) {
                    replace_derived(&mut counted, (**subquery).clone());
                    *expr = Expr::Nested(Box::new(counted));
                }
            }
            ControlFlow::Continue(())
        }
    }

    let mut condition = condition.clone();
    // It never breaks.
    let _ = condition.visit(&mut Counts { depth: 0 });
    condition
}

fn only_expr(query: Query) -> Option<Expr> {
    match *query.body {
        SetExpr::Select(mut select) => match select.projection.pop()? {
            SelectItem::UnnamedExpr(expr) => Some(expr),
            _ => None,
        },
        _ => None,
    }
}

/// Puts a query in the place of `(SELECT 1) AS q`.
fn replace_derived(expr: &mut Expr, query: Query) {
    use sqlparser::ast::TableFactor;

    struct Replace(Option<Query>);

    impl VisitorMut for Replace {
        type Break = ();

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Derived { subquery, .. } = factor
                && let Some(query) = self.0.take()
            {
                **subquery = query;
            }
            ControlFlow::Continue(())
        }
    }

    let _ = expr.visit(&mut Replace(Some(query)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_constant;

    #[test]
    fn exists_is_counted() {
        let shown = |text: &str| portable(&parse_constant(text).unwrap()).to_string();
        assert_eq!(
            shown("NOT EXISTS (SELECT 1 FROM t WHERE EXISTS (SELECT 2 FROM u))"),
            "((SELECT count(*) FROM (SELECT 1 FROM t WHERE EXISTS (SELECT 2 FROM u)) AS q) = 0)"
        );
        assert_eq!(
            shown("EXISTS (SELECT 1 FROM t) AND 1 = 1"),
            "((SELECT count(*) FROM (SELECT 1 FROM t) AS q) > 0) AND 1 = 1"
        );
    }
}
