//! What each statement reads and writes, and so which depend on which.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use lagrange_udfs::definition::{Function, Kind};
use lagrange_udfs::functions;
use sqlparser::ast::{
    CopySource, CopyTarget, Expr, FromTable, FunctionArg, FunctionArgExpr, Ident, ObjectName,
    Query, SetExpr, Statement, TableFactor, TableFunctionArgs, TableObject, TableWithJoins, Value,
    Visit, Visitor,
};

use crate::cli::EngineName;
use crate::parameters::Step;
use crate::script::{Action, parse_query};

/// Functions that read files, by the beginning of their names.
const READERS: [&str; 6] = [
    "read_table",
    "read_csv",
    "read_parquet",
    "parquet_scan",
    "read_json",
    "read_text",
];

/// What a statement reads and writes. Names are in lower case and without their
/// schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// Tables and views.
    pub reads: BTreeSet<String>,
    /// Tables and views that it makes, changes or drops.
    pub writes: BTreeSet<String>,
    /// Paths and patterns of files that it reads.
    pub files: BTreeSet<String>,
    /// Files that it writes.
    pub exports: BTreeSet<String>,
    /// Whether it reads something of which nobody knows whether it has changed.
    pub unknown: bool,
    /// Whether it sets up the session, and ends with it: a setting, an attached database.
    pub session: bool,
    /// Whether it may change what any later statement does.
    pub global: bool,
}

impl Flow {
    /// Whether it returns or checks something and changes nothing.
    pub fn is_reader(&self) -> bool {
        self.writes.is_empty() && self.exports.is_empty() && !self.global
    }
}

/// What the steps read and write.
pub fn of(steps: &[Step]) -> Vec<Flow> {
    let mut made = BTreeSet::new();
    steps
        .iter()
        .map(|step| {
            let mut reads = Reads {
                made: &made,
                flow: Flow::default(),
                ctes: BTreeSet::new(),
                names: BTreeSet::new(),
            };
            reads.statement(&step.statement);
            let flow = reads.finish();
            made.extend(flow.writes.iter().cloned());
            flow
        })
        .collect()
}

/// For every step, the steps that it reads from: the last before it that wrote.
pub fn dependencies(flows: &[Flow]) -> Vec<BTreeSet<usize>> {
    (0..flows.len())
        .map(|i| {
            let read = flows[i].reads.iter().map(|name| (name, false));
            let files = flows[i].files.iter().map(|path| (path, true));
            read.chain(files)
                .filter_map(|(name, file)| {
                    flows[..i].iter().rposition(|flow| match file {
                        true => flow.exports.contains(name),
                        false => flow.writes.contains(name),
                    })
                })
                .collect()
        })
        .collect()
}

/// Whether what a step makes ends with the session.
pub fn is_volatile(step: &Step, engine: EngineName) -> bool {
    match step.description.action {
        Action::CreateTable { temporary } => temporary,
        Action::CreateView => match &step.statement {
            Statement::CreateView(create) => create.temporary || engine == EngineName::DataFusion,
            _ => false,
        },
        _ => false,
    }
}

/// The name of a relation, as statements are matched by it.
pub fn key(name: &ObjectName) -> String {
    match name.0.last().and_then(|part| part.as_ident()) {
        Some(name) => name.value.to_lowercase(),
        None => name.to_string().to_lowercase(),
    }
}

/// The name of a relation as an engine is asked for it.
pub fn exact(name: &ObjectName) -> String {
    let own = |name: &Ident| match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    };
    match name.0.last().and_then(|part| part.as_ident()) {
        Some(name) => own(name),
        None => name.to_string(),
    }
}

/// Collects what a statement reads.
struct Reads<'a> {
    /// Tables that earlier statements make.
    made: &'a BTreeSet<String>,
    flow: Flow,
    ctes: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Reads<'_> {
    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateTable(create) => {
                if let Some(query) = &create.query {
                    self.visit(query.as_ref());
                }
                self.writes(&create.name);
            }
            Statement::CreateView(create) => {
                self.visit(create.query.as_ref());
                self.writes(&create.name);
            }
            Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => {
                    self.statement(inner);
                }
                _ => self.visit(query.as_ref()),
            },
            Statement::Insert(insert) => {
                if let Some(query) = &insert.source {
                    self.visit(query.as_ref());
                }
                if let TableObject::TableName(name) = &insert.table {
                    self.changes(name);
                }
            }
            Statement::Update(update) => {
                self.visit(update);
                self.changed(&update.table);
            }
            Statement::Delete(delete) => {
                self.visit(delete);
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) =
                    &delete.from;
                for table in tables {
                    self.changed(table);
                }
            }
            Statement::Copy {
                source, to, target, ..
            } => self.copy(source, *to, target),
            Statement::Drop { names, .. } => {
                for name in names {
                    self.writes(name);
                }
            }
            Statement::AlterTable(alter) => self.changes(&alter.name),
            Statement::Truncate(truncate) => {
                for target in &truncate.table_names {
                    self.changes(&target.name);
                }
            }
            Statement::Assert { condition, .. } => self.visit(condition),
            Statement::Explain { statement, .. } => self.statement(statement),
            Statement::ExplainTable { table_name, .. } => {
                self.names.insert(key(table_name));
            }
            Statement::ShowTables { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowVariable { .. }
            | Statement::ShowViews { .. } => self.flow.unknown = true,
            Statement::Set(_)
            | Statement::Pragma { .. }
            | Statement::Use(_)
            | Statement::Load { .. }
            | Statement::Install { .. }
            | Statement::AttachDatabase { .. }
            | Statement::AttachDuckDBDatabase { .. } => {
                self.flow.session = true;
                self.flow.global = true;
            }
            _ => self.flow.global = true,
        }
    }

    fn copy(&mut self, source: &CopySource, to: bool, target: &CopyTarget) {
        let file = match target {
            CopyTarget::File { filename } => Some(filename.clone()),
            _ => None,
        };
        match source {
            CopySource::Query(query) => self.visit(query.as_ref()),
            CopySource::Table { table_name, .. } if to => {
                self.names.insert(key(table_name));
            }
            CopySource::Table { table_name, .. } => self.changes(table_name),
        }
        match (file, to) {
            (Some(file), true) => self.flow.exports.insert(file),
            (Some(file), false) => self.flow.files.insert(file),
            (None, _) => {
                self.flow.unknown = true;
                true
            }
        };
    }

    fn visit<T: Visit>(&mut self, tree: &T) {
        // It never breaks.
        let _ = tree.visit(self);
    }

    fn writes(&mut self, name: &ObjectName) {
        self.flow.writes.insert(key(name));
    }

    /// What is changed has been there before.
    fn changes(&mut self, name: &ObjectName) {
        self.names.insert(key(name));
        self.writes(name);
    }

    fn changed(&mut self, table: &TableWithJoins) {
        if let TableFactor::Table { name, .. } = &table.relation {
            self.changes(name);
        }
    }

    /// The name of a CTE is no table, unless the script has made one of that name:
    /// within the CTE, the name may stand for that.
    fn finish(mut self) -> Flow {
        let names = std::mem::take(&mut self.names);
        self.flow.reads = names
            .into_iter()
            .filter(|name| !self.ctes.contains(name) || self.made.contains(name))
            .collect();
        self.flow
    }

    fn call(&mut self, name: &str, arguments: &TableFunctionArgs) {
        if READERS.iter().any(|reader| name.starts_with(reader)) {
            match arguments.args.first().and_then(argument) {
                Some((_, Some(path))) => {
                    self.flow.files.insert(path.to_owned());
                }
                _ => self.flow.unknown = true,
            }
            return;
        }
        let Some(Function::Table(table)) = functions::find(name) else {
            return;
        };
        let signature = table.signature();
        for (i, given) in arguments.args.iter().enumerate() {
            let Some((given_name, Some(text))) = argument(given) else {
                continue;
            };
            let declared = match given_name {
                Some(name) => signature.arguments.iter().find(|a| a.name == name),
                None => signature.arguments.get(i),
            };
            if declared.is_some_and(|declared| matches!(declared.kind, Kind::Relation)) {
                self.relation(text);
            }
        }
    }

    /// A relation as text: its name, or a query in parentheses.
    fn relation(&mut self, text: &str) {
        let text = text.trim();
        if text.starts_with('(') {
            match parse_query(text) {
                Ok(query) => self.visit(&query),
                Err(_) => self.flow.unknown = true,
            }
            return;
        }
        let last = text.rsplit('.').next().unwrap_or(text);
        self.names.insert(last.trim_matches('"').to_lowercase());
    }
}

/// The name of an argument, and its value if that is a text.
fn argument(argument: &FunctionArg) -> Option<(Option<String>, Option<&str>)> {
    let (name, value) = match argument {
        FunctionArg::Named { name, arg, .. } => (Some(name.value.to_lowercase()), arg),
        FunctionArg::ExprNamed { name, arg, .. } => (Some(name.to_string().to_lowercase()), arg),
        FunctionArg::Unnamed(arg) => (None, arg),
    };
    let FunctionArgExpr::Expr(Expr::Value(value)) = value else {
        return Some((name, None));
    };
    match &value.value {
        Value::SingleQuotedString(text) => Some((name, Some(text))),
        _ => Some((name, None)),
    }
}

impl Visitor for Reads<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.ctes.insert(cte.alias.name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args, .. } = factor {
            match args {
                Some(arguments) => self.call(&key(name), arguments),
                None => {
                    self.names.insert(key(name));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{parameters, script};

    fn flows(text: &str) -> Vec<Flow> {
        let script = script::parse("a.sql", text.to_owned()).unwrap();
        of(
            &parameters::bind(vec![script], &BTreeMap::new(), &BTreeMap::new())
                .unwrap()
                .0,
        )
    }

    fn told(text: &str) -> String {
        let joined = |names: &BTreeSet<String>| {
            names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(",")
        };
        flows(text)
            .iter()
            .map(|flow| {
                format!(
                    "{}>{}{}",
                    joined(&flow.reads),
                    joined(&flow.writes),
                    if flow.session { "!" } else { "" }
                )
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn reads_and_writes() {
        for (text, expected) in [
            (
                "CREATE TABLE t AS WITH c AS (SELECT * FROM a) SELECT * FROM c, x.B",
                "a,b>t",
            ),
            (
                "CREATE TABLE t AS SELECT * FROM lag_features('s', columns => ['a'], lags => [1])",
                "s>t",
            ),
            (
                "SELECT * FROM vif('(SELECT * FROM p)', features => ['x'])",
                "p>",
            ),
            (
                "SELECT * FROM drift(current => 'new', reference => 'old')",
                "new,old>",
            ),
            ("SELECT * FROM range(3) g(i)", ">"),
            ("INSERT INTO t SELECT * FROM s", "s,t>t"),
            ("UPDATE t SET a = (SELECT max(a) FROM s)", "s,t>t"),
            ("DELETE FROM t WHERE a IN (SELECT a FROM s)", "s,t>t"),
            (
                "COPY (SELECT * FROM s) TO 'x.parquet' (FORMAT parquet)",
                "s>",
            ),
            ("DROP TABLE t", ">t"),
            ("ASSERT (SELECT count(*) FROM s) > 0 AS 'm'", "s>"),
            ("SET threads = 2", ">!"),
            (
                "CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE u AS WITH t AS (SELECT * FROM t) SELECT * FROM t",
                ">t t>u",
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn files_and_dependencies() {
        let flows = flows(
            "CREATE TABLE a AS SELECT * FROM read_table('p.csv');
             INSERT INTO a SELECT * FROM a;
             CREATE OR REPLACE TABLE b AS SELECT * FROM a;
             COPY b TO 'b.parquet' (FORMAT parquet);
             SELECT * FROM read_table('b.parquet');",
        );
        assert!(flows[0].files.contains("p.csv") && flows[3].exports.contains("b.parquet"));
        let depends: Vec<Vec<usize>> = dependencies(&flows)
            .into_iter()
            .map(|steps| steps.into_iter().collect())
            .collect();
        assert_eq!(depends, [vec![], vec![0], vec![1], vec![2], vec![3]]);
    }
}
