//! What the guard is told about scripts: their statements, and the functions of
//! Lagrange that they call.

use lagrange_udfs::call::{Call, Literal, SourceColumn, Target};
use lagrange_udfs::definition::Function;
use lagrange_udfs::functions;
use sqlparser::ast::Query;

use crate::guard::{self, Ancestry, Catalogue, Constant, FunctionKind, Parameter, Report, Unit};
use crate::parameters::Step;
use crate::script;

/// Bytes of stack for a check; pages that are not touched cost nothing.
const STACK: usize = 256 << 20;

/// What is found in statements.
pub fn report(steps: &[Step]) -> Report {
    deep(|| guard::check(&units(steps), &Ours))
}

/// Where the columns of statements come from.
pub fn lineage(steps: &[Step]) -> Ancestry {
    deep(|| guard::lineage(&units(steps), &Ours))
}

fn units(steps: &[Step]) -> Vec<Unit<'_>> {
    steps
        .iter()
        .map(|step| Unit {
            file: &step.source.file,
            text: &step.source.text,
            start: step.start,
            statement: &step.statement,
        })
        .collect()
}

/// Works with a large stack: a sum of thousands of terms is a tree as deep.
fn deep<T: Send>(work: impl Fn() -> T + Sync) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, &work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => work(),
        }
    })
}

/// The functions of Lagrange, as the guard asks for them.
struct Ours;

impl Catalogue for Ours {
    fn kind(&self, name: &str) -> Option<FunctionKind> {
        functions::find(name).map(|function| match function {
            Function::Scalar(_) => FunctionKind::Scalar,
            Function::Aggregate(_) => FunctionKind::Aggregate,
            Function::Table(_) => FunctionKind::Table,
        })
    }

    fn parameters(&self, name: &str) -> Vec<Parameter> {
        let Some(function) = functions::find(name) else {
            return Vec::new();
        };
        let arguments = function.signature().arguments.iter();
        arguments
            .map(|argument| Parameter {
                name: argument.name.to_owned(),
                default: argument.default.and_then(constant),
            })
            .collect()
    }

    fn expand(
        &self,
        name: &str,
        arguments: &[(String, Constant)],
        columns: Option<&[String]>,
    ) -> Option<Query> {
        let Some(Function::Table(table)) = functions::find(name) else {
            return None;
        };
        let named = arguments
            .iter()
            .map(|(name, value)| (name.clone(), literal(value)))
            .collect();
        let known: Vec<SourceColumn> = columns
            .unwrap_or_default()
            .iter()
            .map(|name| SourceColumn {
                name: name.clone(),
                numeric: true,
            })
            .collect();
        let target = match columns {
            Some(_) => Target::DataFusion(&known),
            None => Target::DuckDb,
        };
        let call = Call::resolve(table.signature(), Vec::new(), named, target).ok()?;
        script::parse_query(&table.sql(&call).ok()?).ok()
    }

    fn parse(&self, sql: &str) -> Option<Query> {
        script::parse_query(sql).ok()
    }
}

/// The default of an argument.
fn constant(sql: &str) -> Option<Constant> {
    match sql {
        "NULL" => None,
        "true" => Some(Constant::Boolean(true)),
        "false" => Some(Constant::Boolean(false)),
        _ => Some(if let Ok(value) = sql.parse() {
            Constant::Integer(value)
        } else if let Ok(value) = sql.parse() {
            Constant::Number(value)
        } else {
            Constant::Text(sql.trim_matches('\'').to_owned())
        }),
    }
}

fn literal(value: &Constant) -> Literal {
    match value {
        Constant::Null => Literal::Null,
        Constant::Boolean(value) => Literal::Boolean(*value),
        Constant::Integer(value) => Literal::Integer(*value),
        Constant::Number(value) => Literal::Double(*value),
        Constant::Text(text) => Literal::Text(text.clone()),
        Constant::List(list) => Literal::List(list.iter().map(literal).collect()),
    }
}
