//! Statements: what each makes, and under which name.

use std::rc::Rc;

use sqlparser::ast::{ObjectName, SetExpr, Spanned, Statement, TableObject};
use sqlparser::tokenizer::Span;

use super::analysis::{Analysis, Item, Scope, edge_to, key, last_name};
use super::graph::{Defined, Node, Origin};
use super::lineage::{Column, Id, Relation, Site, Time, Type, Value};
use super::rules::Rule;

impl Analysis<'_> {
    /// Looks at a statement.
    pub(super) fn statement_of(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateTable(create) => {
                let reads = self.reads;
                let relation = match &create.query {
                    Some(query) => self.query(query, None),
                    None => self.declared(&create.name, &create.columns),
                };
                if reads == self.reads && create.query.is_some() {
                    self.roots.insert(key(&create.name));
                }
                self.define(&create.name, "table", relation);
            }
            Statement::CreateView(create) => {
                let mut relation = self.query(&create.query, None);
                for (column, named) in relation.columns.iter_mut().zip(&create.columns) {
                    column.name = named.name.value.as_str().into();
                }
                self.define(&create.name, "view", relation);
            }
            Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(statement)
                | SetExpr::Update(statement)
                | SetExpr::Delete(statement) => self.statement_of(statement),
                _ => {
                    let mut relation = self.query(query, None);
                    let site = self.site(Span::empty());
                    self.label(&mut relation, "query", "query", site);
                }
            },
            Statement::Insert(insert) => {
                if let Some(query) = &insert.source {
                    let reads = self.reads;
                    let new = self.query(query, None);
                    if let TableObject::TableName(name) = &insert.table {
                        if reads != self.reads {
                            self.roots.remove(&key(name));
                        }
                        let columns: Vec<String> = insert.columns.iter().map(last_name).collect();
                        self.insert(name, &columns, new);
                    }
                }
            }
            Statement::Update(update) => {
                if let sqlparser::ast::TableFactor::Table { name, .. } = &update.table.relation {
                    let mut scope = Scope::new(None);
                    let relation = self.table(name);
                    scope.items.push(Item {
                        alias: last_name(name),
                        relation: (*relation).clone(),
                    });
                    let mut changed = (*relation).clone();
                    for assignment in &update.assignments {
                        let value = self.eval(&assignment.value, &scope);
                        if let sqlparser::ast::AssignmentTarget::ColumnName(column) =
                            &assignment.target
                        {
                            let column = last_name(column);
                            let value = self.column_value(&column, value);
                            // Rows that the condition leaves out keep theirs.
                            match changed
                                .columns
                                .iter_mut()
                                .find(|known| known.name.eq_ignore_ascii_case(&column))
                            {
                                Some(known) => {
                                    let both = Value::merged([&known.value, &value]);
                                    known.value = Value {
                                        id: known.value.id,
                                        time: known.value.time,
                                        kind: known.value.kind,
                                        ..both
                                    };
                                }
                                None => changed.columns.push(Column {
                                    name: column.as_str().into(),
                                    value,
                                }),
                            }
                        }
                    }
                    self.define(name, "table", changed);
                }
            }
            Statement::Copy {
                source: sqlparser::ast::CopySource::Query(query),
                ..
            } => {
                self.query(query, None);
            }
            Statement::Copy { .. } => {}
            Statement::Explain { statement, .. } => self.statement_of(statement),
            Statement::Drop { names, .. } => {
                for name in names {
                    self.tables.remove(&key(name));
                }
            }
            Statement::Merge(_) | Statement::CreateFunction(_) | Statement::CreateMacro { .. } => {
                let site = self.site(Span::empty());
                let words: Vec<String> = statement
                    .to_string()
                    .split_whitespace()
                    .take(3)
                    .map(str::to_owned)
                    .collect();
                self.unknown(site, format!("{} ...", words.join(" ")));
            }
            _ => {}
        }
    }

    fn declared(&mut self, name: &ObjectName, columns: &[sqlparser::ast::ColumnDef]) -> Relation {
        let table: Rc<str> = last_name(name).as_str().into();
        let columns = columns
            .iter()
            .map(|column| {
                let name = column.name.value.as_str();
                let mut value = self.source(&table, name, column.name.span);
                let text = column.data_type.to_string().to_ascii_uppercase();
                let is_time = ["DATE", "TIME"].iter().any(|time| text.starts_with(time));
                if is_time {
                    value.time = Time::At(0);
                }
                let other = is_time
                    || ["CHAR", "VARCHAR", "TEXT", "STRING", "BLOB", "STRUCT"]
                        .iter()
                        .any(|other| text.starts_with(other));
                value.kind = if other { Type::Other } else { Type::Number };
                Column {
                    name: name.into(),
                    value,
                }
            })
            .collect();
        Relation {
            columns,
            ..Relation::default()
        }
    }

    fn insert(&mut self, name: &ObjectName, columns: &[String], new: Relation) {
        let Some(known) = self.tables.get(&key(name)) else {
            self.define(name, "table", new);
            return;
        };
        let mut known = (**known).clone();
        for (i, column) in new.columns.into_iter().enumerate() {
            let into = match columns.get(i) {
                Some(named) => known
                    .columns
                    .iter_mut()
                    .find(|known| known.name.eq_ignore_ascii_case(named)),
                None => known.columns.get_mut(i),
            };
            if let Some(into) = into {
                let kept = into.value.clone();
                into.value = Value {
                    id: kept.id,
                    time: kept.time,
                    kind: kept.kind,
                    ..Value::merged([&kept, &column.value])
                };
            }
        }
        self.define(name, "table", known);
    }

    fn define(&mut self, name: &ObjectName, kind: &'static str, mut relation: Relation) {
        let short = last_name(name);
        relation.named(&short);
        let site = self.site(name.span());
        self.label(&mut relation, &short, kind, site);
        self.tables.insert(key(name), Rc::new(relation));
    }

    /// Notes that the columns of a relation now have a name.
    pub(super) fn label(
        &mut self,
        relation: &mut Relation,
        name: &str,
        kind: &'static str,
        site: Site,
    ) {
        if self.call.is_some() {
            // Of the SQL that a call stands for, only what it returns is of interest.
            return;
        }
        let name: Rc<str> = name.into();
        let mut columns = Vec::new();
        for column in &mut relation.columns {
            let of_struct = column.value.fields.as_mut();
            for (field, value) in of_struct.into_iter().flat_map(Rc::make_mut) {
                let label = format!("{}.{field}", column.name).as_str().into();
                self.label_value(value, &name, &label);
            }
            columns.push(self.label_value(&mut column.value, &name, &column.name));
        }
        self.graph.relations.push(Defined {
            name,
            kind,
            site,
            columns,
            open: relation.open.clone(),
        });
    }

    fn label_value(&mut self, value: &mut Value, relation: &Rc<str>, column: &Rc<str>) -> Id {
        let mut rules: Vec<Rule> = value.marks.iter().map(|mark| mark.rule).collect();
        rules.sort();
        rules.dedup();
        let is_own = matches!(&*value.edges, [edge] if edge.node == value.id);
        if is_own
            && let Some(node) = self.graph.get_mut(value.id)
            && node.origin == Origin::Made
            && node.relation.is_empty()
        {
            // Made by this query: it only lacks the name.
            node.relation = Rc::clone(relation);
            node.column = Rc::clone(column);
            node.rules = rules;
            return value.id;
        }
        let number = self.graph.add(Node {
            id: value.id,
            relation: Rc::clone(relation),
            column: Rc::clone(column),
            origin: Origin::Passed,
            edges: value.edges.clone(),
            rooted: false,
            site: None,
            rules,
        });
        if value.id == 0 {
            value.id = number;
        }
        value.edges = edge_to(number);
        number
    }
}
