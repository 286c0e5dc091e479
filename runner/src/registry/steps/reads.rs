//! What the syntax tree of a statement says of a model's origin.

use std::collections::HashSet;
use std::ops::ControlFlow;

use lagrange_udfs::definition::{Function, Kind};
use lagrange_udfs::functions;
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, Query, Statement, TableFactor, Value, Visit,
    Visitor,
};

use crate::registry::manifest::Input;
use crate::script::parse_query;

/// The relations that a statement reads, in the order in which it names them.
pub fn inputs(statement: &Statement) -> Vec<Input> {
    let Statement::CreateTable(create) = statement else {
        return Vec::new();
    };
    let Some(query) = &create.query else {
        return Vec::new();
    };
    let mut reads = Reads::default();
    // Nothing breaks off.
    let _ = query.visit(&mut reads);
    let Reads { names, own } = reads;
    let mut seen = HashSet::new();
    let names = names
        .into_iter()
        .filter(|name| !own.contains(&name.to_lowercase()));
    names
        .filter(|name| seen.insert(name.clone()))
        .map(|name| Input { name, digest: None })
        .collect()
}

#[derive(Default)]
struct Reads {
    names: Vec<String>,
    /// Names that the statement itself defines.
    own: HashSet<String>,
}

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.own.insert(table.alias.name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table {
                name, args: None, ..
            } => self.names.push(shown(name)),
            TableFactor::Table {
                name,
                args: Some(args),
                ..
            } => self.call(name, &args.args),
            TableFactor::Function { name, args, .. } => self.call(name, args),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Reads {
    /// A table function: it names the relations that it reads.
    fn call(&mut self, name: &ObjectName, arguments: &[FunctionArg]) {
        let name = shown(name);
        if name.eq_ignore_ascii_case("read_table") {
            self.names.extend(arguments.first().and_then(text));
            return;
        }
        let Some(Function::Table(table)) = functions::find(&name) else {
            return;
        };
        let relations = table.signature().arguments.iter().enumerate();
        for (i, relation) in relations.filter(|(_, argument)| argument.kind == Kind::Relation) {
            let named = arguments
                .iter()
                .find(|argument| name_of(argument).as_deref() == Some(relation.name));
            let placed = arguments
                .get(i)
                .filter(|argument| name_of(argument).is_none());
            let Some(relation) = named.or(placed).and_then(text) else {
                continue;
            };
            match relation.trim_start().starts_with('(') {
                false => self.names.push(relation),
                true => {
                    if let Ok(query) = parse_query(&relation) {
                        let _ = query.visit(self);
                    }
                }
            }
        }
    }
}

fn shown(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    parts
        .map(|part| part.value.clone())
        .collect::<Vec<_>>()
        .join(".")
}

fn name_of(argument: &FunctionArg) -> Option<String> {
    match argument {
        FunctionArg::Named { name, .. } => Some(name.value.to_lowercase()),
        FunctionArg::ExprNamed {
            name: Expr::Identifier(name),
            ..
        } => Some(name.value.to_lowercase()),
        _ => None,
    }
}

fn text(argument: &FunctionArg) -> Option<String> {
    let value = match argument {
        FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg) => arg,
    };
    match value {
        FunctionArgExpr::Expr(Expr::Value(value)) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// How many rows ahead the target is: the argument `horizon` of a call, if all that
/// there are agree.
pub fn horizon(statement: &Statement) -> Option<u64> {
    const NAME: &str = "horizon";
    let sql = statement.to_string().to_lowercase();
    let mut horizons = HashSet::new();
    for (at, _) in sql.match_indices(NAME) {
        let part_of_a_name = sql[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = sql[at + NAME.len()..].trim_start();
        let value = rest.strip_prefix("=>").or_else(|| rest.strip_prefix(":="));
        if let (Some(value), false) = (value, part_of_a_name) {
            let value = value.trim_start();
            let end = value
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(value.len());
            horizons.extend(value[..end].parse::<u64>().ok());
        }
    }
    match horizons.len() {
        1 => horizons.into_iter().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::steps::statement;

    fn read(sql: &str) -> Vec<String> {
        let inputs = inputs(&statement(sql));
        inputs.into_iter().map(|input| input.name).collect()
    }

    #[test]
    fn relations_are_found_wherever_they_are_named() {
        let sql = "CREATE TABLE m AS WITH c AS (SELECT * FROM a JOIN s.b USING (k)) \
                   SELECT fit(y, x) FROM c, (SELECT max(v) FROM d) AS e";
        assert_eq!(read(sql), ["a", "s.b", "d"]);
        let sql = "CREATE TABLE m AS SELECT * FROM train_model('labelled', target => 'y')";
        assert_eq!(read(sql), ["labelled"]);
        let sql = "CREATE TABLE m AS SELECT * FROM train_model(target => 'y', tbl => '(SELECT * FROM f)')";
        assert_eq!(read(sql), ["f"]);
        let sql = "CREATE TABLE m AS SELECT fit(i, x) FROM range(3) g(i), read_table('p.csv')";
        assert_eq!(read(sql), ["p.csv"]);
    }

    #[test]
    fn a_horizon_is_read_off_the_call() {
        let of = |sql: &str| horizon(&statement(sql));
        let call = |arguments: &str| {
            of(&format!(
                "CREATE TABLE m AS SELECT * FROM train_model('t', 'y', {arguments})"
            ))
        };
        assert_eq!(call("horizon => 5"), Some(5));
        assert_eq!(call("folds => 5"), None);
        assert_eq!(
            of("CREATE TABLE m AS SELECT horizon, my_horizon FROM t"),
            None
        );
    }
}
