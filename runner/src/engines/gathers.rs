//! What does not share out its work: aggregates whose state is the rows themselves,
//! which one executor of a cluster gathers.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use lagrange_udfs::definition::{AnyAggregate, Function, Kind};
use lagrange_udfs::functions::find;
use serde_json::{Value as Json, json};
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, ObjectNamePart, Statement,
    TableFactor, Visit, Visitor,
};

use super::expand::literal;

/// Names of the functions in a statement that gather rows, with the algorithm where
/// that decides. The SQL of a table function is known only when it runs: of those,
/// the `algorithm` of the call tells.
pub fn gathering(statement: &Statement) -> Vec<String> {
    let mut found = Found::default();
    // It never breaks.
    let _ = Visit::visit(statement, &mut found);
    found.0.into_iter().collect()
}

#[derive(Default)]
struct Found(BTreeSet<String>);

impl Visitor for Found {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expr
            && let Some(Function::Aggregate(function)) = named(&call.name)
            && let FunctionArguments::List(list) = &call.args
        {
            self.aggregate(function, &list.args);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            args: Some(args),
            ..
        } = factor
            && let Some(Function::Table(function)) = named(name)
            && let Some(Function::Aggregate(fit)) = find("fit")
            && let Some(algorithm) = args.args.iter().find_map(algorithm)
            && fit.keeps_rows(&json!({ "algorithm": algorithm }))
        {
            let name = function.signature().name;
            self.0.insert(format!("{name} ({algorithm})"));
        }
        ControlFlow::Continue(())
    }
}

impl Found {
    fn aggregate(&mut self, function: &'static dyn AnyAggregate, arguments: &[FunctionArg]) {
        let signature = function.signature();
        let mut kinds = signature.arguments.iter();
        let options = kinds
            .position(|argument| argument.kind == Kind::Options)
            .and_then(|place| value(arguments.get(place)?))
            .unwrap_or(Json::Null);
        if !function.keeps_rows(&options) {
            return;
        }
        let name = signature.name;
        self.0.insert(match options["algorithm"].as_str() {
            Some(algorithm) => format!("{name} ({algorithm})"),
            None => name.to_owned(),
        });
    }
}

fn named(name: &ObjectName) -> Option<Function> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => find(&name.value),
        _ => None,
    }
}

/// The constant of an argument.
fn value(argument: &FunctionArg) -> Option<Json> {
    let value = match argument {
        FunctionArg::Unnamed(value) => value,
        FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } => arg,
    };
    match value {
        FunctionArgExpr::Expr(expr) => literal(expr).map(Json::from),
        _ => None,
    }
}

/// The algorithm, if this argument names one.
fn algorithm(argument: &FunctionArg) -> Option<String> {
    let name = match argument {
        FunctionArg::Named { name, .. } => name,
        FunctionArg::ExprNamed {
            name: Expr::Identifier(name),
            ..
        } => name,
        _ => return None,
    };
    let wanted = name.value.eq_ignore_ascii_case("algorithm");
    wanted.then(|| Some(value(argument)?.as_str()?.to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Vec<String> {
        gathering(&Statement::Query(Box::new(
            crate::script::parse_query(sql).unwrap(),
        )))
    }

    #[test]
    fn linear_models_merge_and_trees_gather() {
        assert_eq!(
            of("SELECT fit(y, {'x': x}, {'algorithm': 'ols'}) FROM t"),
            [""; 0]
        );
        assert_eq!(
            of("SELECT rmse(y, x), corr_matrix({'x': x}) FROM t"),
            [""; 0]
        );
        let trees = "SELECT fit(y, {'x': x}, {'algorithm': 'gbdt', 'trees': 5}) FROM t";
        assert_eq!(of(trees), ["fit (gbdt)"]);
        let trained = "SELECT * FROM train_model('t', target => 'y', algorithm => 'gbdt')";
        assert_eq!(of(trained), ["train_model (gbdt)"]);
    }
}
