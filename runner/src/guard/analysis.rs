//! The walk over the statements of a script, and what it carries along.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use sqlparser::ast::{
    Expr, Ident, NamedWindowDefinition, ObjectName, Query, Spanned, Visit, Visitor,
};
use sqlparser::tokenizer::{Location, Span};

use super::fits::Fit;
use super::graph::{Edge, Extent, Graph, Node, Origin};
use super::lineage::{Ahead, Column, Cut, Id, Mark, Relation, Site, Time, Type, Value};
use super::names;
use super::report::{Finding, Report};
use super::rules::Rule;
use super::shared::Shared;
use super::waivers::Comments;
use super::{Catalogue, Unit};

/// How deep queries may nest.
const DEEPEST: usize = 96;

/// A file of the script.
#[derive(Debug)]
pub(super) struct File {
    pub name: String,
    pub text: String,
    /// Where its lines start, in bytes.
    pub lines: Vec<usize>,
    /// A column is a byte.
    pub ascii: bool,
    pub comments: Comments,
}

/// A relation of a FROM clause.
#[derive(Debug)]
pub(super) struct Item {
    pub alias: String,
    pub relation: Relation,
}

/// What the groups of an aggregation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// No aggregation.
    None,
    /// Rows of one time.
    Time,
    /// Rows of one bucket of time.
    Bucket,
    /// Rows of all times.
    Whole,
}

/// What names mean at a place.
#[derive(Debug)]
pub(super) struct Scope<'s> {
    pub items: Vec<Item>,
    pub outer: Option<&'s Scope<'s>>,
    /// Columns of the SELECT list so far.
    pub aliases: Vec<Column>,
    pub windows: &'s [NamedWindowDefinition],
    pub grouping: Grouping,
    pub cut: Option<Cut>,
    pub random: Option<Site>,
    pub one_entity: bool,
}

impl<'s> Scope<'s> {
    pub fn new(outer: Option<&'s Scope<'s>>) -> Self {
        Self {
            items: Vec::new(),
            outer,
            aliases: Vec::new(),
            windows: &[],
            grouping: Grouping::None,
            cut: None,
            random: None,
            one_entity: false,
        }
    }
}

/// Where a name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In the n-th relation of this FROM clause.
    Item(usize),
    /// In the SELECT list.
    Alias,
    /// In an enclosing query.
    Outer,
}

/// The walk.
pub struct Analysis<'a> {
    pub(super) catalogue: &'a dyn Catalogue,
    pub(super) tables: HashMap<String, Rc<Relation>>,
    pub(super) ctes: Vec<(String, Rc<Relation>)>,
    /// The columns so far.
    pub(super) graph: Graph,
    sources: HashMap<(Rc<str>, String), Id>,
    /// What calls say about features, by the name of their relation.
    pub(super) told: HashMap<Rc<str>, Id>,
    pub(super) files: Vec<File>,
    file: usize,
    start: Location,
    /// The call whose generated SQL is looked at.
    pub(super) call: Option<Site>,
    pub(super) findings: Vec<Finding>,
    pub(super) outside: BTreeSet<String>,
    pub(super) timeless: BTreeSet<String>,
    pub(super) time_names: HashSet<String>,
    pub(super) entity_names: HashSet<String>,
    pub(super) mentioned: HashSet<String>,
    /// Of those, the entities.
    entities: Vec<String>,
    pub(super) fits: Vec<Fit>,
    /// The script splits its rows into training and test.
    pub(super) splits: bool,
    /// Columns that features are, or are computed from at their row.
    pub(super) reached: BTreeSet<Id>,
    /// Tables that the script makes of nothing or of files.
    pub(super) roots: HashSet<String>,
    /// Tables that were read so far.
    pub(super) reads: usize,
    /// Shifts into the future so far.
    pub(super) leads: usize,
    /// The script judges predictions.
    pub(super) judges: bool,
    pub(super) depth: usize,
}

impl<'a> Analysis<'a> {
    /// A walk that has seen nothing.
    pub fn new(catalogue: &'a dyn Catalogue) -> Self {
        Self {
            catalogue,
            tables: HashMap::new(),
            ctes: Vec::new(),
            graph: Graph::default(),
            sources: HashMap::new(),
            told: HashMap::new(),
            files: Vec::new(),
            file: 0,
            start: Location::new(1, 1),
            call: None,
            findings: Vec::new(),
            outside: BTreeSet::new(),
            timeless: BTreeSet::new(),
            time_names: HashSet::new(),
            entity_names: HashSet::new(),
            mentioned: HashSet::new(),
            entities: Vec::new(),
            fits: Vec::new(),
            splits: false,
            reached: BTreeSet::new(),
            roots: HashSet::new(),
            reads: 0,
            leads: 0,
            judges: false,
            depth: 0,
        }
    }

    /// Collects what later statements tell about the names of earlier ones.
    pub fn prepare(&mut self, units: &[Unit<'_>]) {
        for unit in units {
            self.enter(unit);
            let mut names = Names::default();
            let _ = Visit::visit(unit.statement, &mut names);
            self.mentioned.extend(names.mentioned);
            self.time_names.extend(names.times);
            self.entity_names.extend(names.entities);
        }
        for file in &self.files {
            self.time_names.extend(file.comments.times.iter().cloned());
            self.entity_names
                .extend(file.comments.entities.iter().cloned());
        }
        self.entities = self
            .mentioned
            .iter()
            .filter(|name| self.is_entity(name))
            .cloned()
            .collect();
    }

    fn enter(&mut self, unit: &Unit<'_>) {
        let known = self
            .files
            .iter()
            .position(|file| file.name == unit.file && file.text.len() == unit.text.len());
        self.file = known.unwrap_or_else(|| {
            self.files.push(File {
                name: unit.file.to_owned(),
                lines: std::iter::once(0)
                    .chain(unit.text.match_indices('\n').map(|(i, _)| i + 1))
                    .collect(),
                ascii: unit.text.is_ascii(),
                comments: Comments::of(unit.text),
                text: unit.text.to_owned(),
            });
            self.files.len() - 1
        });
        self.start = unit.start;
    }

    /// Looks at one statement.
    pub fn statement(&mut self, unit: &Unit<'_>) {
        self.enter(unit);
        self.ctes.clear();
        self.depth = 0;
        self.statement_of(unit.statement);
    }

    /// The relation of a name: a CTE, a table of the script, or one outside.
    pub(super) fn table(&mut self, name: &ObjectName) -> Rc<Relation> {
        let short = last_name(name);
        if name.0.len() == 1 {
            let cte = self
                .ctes
                .iter()
                .rev()
                .find(|(known, _)| known.eq_ignore_ascii_case(&short));
            if let Some((_, relation)) = cte {
                return Rc::clone(relation);
            }
        }
        self.reads += 1;
        if let Some(relation) = self.tables.get(&key(name)) {
            return Rc::clone(relation);
        }
        self.outside.insert(name.to_string());
        Rc::new(Relation {
            open: vec![short.as_str().into()],
            ..Relation::default()
        })
    }

    /// A column of a table outside the script.
    pub(super) fn source(&mut self, table: &Rc<str>, column: &str, span: Span) -> Value {
        let lower = column.to_ascii_lowercase();
        let known = self
            .sources
            .get(&(Rc::clone(table), lower.clone()))
            .copied();
        let call = self.told.get(table).copied();
        let id = known.unwrap_or_else(|| {
            let id = self.graph.add(Node {
                id: 0,
                relation: Rc::clone(table),
                column: column.into(),
                origin: match call {
                    Some(_) => Origin::Made,
                    None => Origin::Outside,
                },
                edges: call
                    .map(|node| Edge {
                        node,
                        extent: Extent::ALL,
                        own: false,
                    })
                    .into_iter()
                    .collect::<Vec<_>>()
                    .into(),
                rooted: true,
                site: None,
                rules: Vec::new(),
            });
            self.sources.insert((Rc::clone(table), lower), id);
            id
        });
        let time = self.time_of_name(column);
        let kind = if names::is_date(column)
            || names::is_entity(column)
            || names::is_split(column)
            || column.eq_ignore_ascii_case("name")
        {
            Type::Other
        } else {
            Type::Unknown
        };
        let mut value = Value {
            id,
            edges: edge_to(id),
            time,
            kind,
            ..Value::default()
        };
        if names::is_future(column) {
            let site = self.site(span);
            value.mark(
                Mark::new(Rule::FutureName, site, Ahead::Rows(1))
                    .detail(format!("{table}.{column}")),
            );
        }
        value
    }

    pub(super) fn time_of_name(&self, column: &str) -> Time {
        if self.time_names.contains(&column.to_ascii_lowercase()) || names::is_time(column) {
            Time::At(0)
        } else if names::is_bucket(column) {
            Time::Bucket
        } else {
            Time::No
        }
    }

    pub(super) fn is_entity(&self, column: &str) -> bool {
        names::is_entity(column) || self.entity_names.contains(&column.to_ascii_lowercase())
    }

    /// Whether the relation holds several entities, as far as names tell.
    pub(super) fn is_panel(&self, relation: &Relation) -> bool {
        if relation.one_entity {
            return false;
        }
        relation
            .columns
            .iter()
            .any(|column| self.is_entity(&column.name))
            || (!relation.open.is_empty()
                && self.entities.iter().any(|name| {
                    !relation
                        .without
                        .iter()
                        .any(|gone| gone.eq_ignore_ascii_case(name))
                }))
    }

    /// The name of a column.
    pub(super) fn name_of(&self, id: Id) -> &str {
        self.graph.get(id).map_or("", |node| &node.column)
    }

    /// The value as a column of that name: a new one, unless it is passed on.
    pub(super) fn column_value(&mut self, name: &str, mut value: Value) -> Value {
        if let Some(fields) = &mut value.fields {
            for (field, value) in Rc::make_mut(fields) {
                if value.id == 0 {
                    self.made(field, value);
                }
            }
        }
        if value.id == 0 {
            self.made(name, &mut value);
        }
        value
    }

    fn made(&mut self, name: &str, value: &mut Value) {
        let fields = value.fields.iter().flat_map(|fields| fields.iter());
        let edges = std::iter::once(&value.edges).chain(fields.map(|(_, field)| &field.edges));
        value.id = self.graph.add(Node {
            id: 0,
            relation: Rc::default(),
            column: name.into(),
            origin: Origin::Made,
            edges: super::graph::merged_edges(edges),
            rooted: false,
            site: None,
            rules: Vec::new(),
        });
        value.edges = edge_to(value.id);
    }

    /// Says where the expression of a column stands, if it is a new one.
    pub(super) fn placed(&mut self, id: Id, span: Span) {
        let site = self.site(span);
        if let Some(node) = self.graph.get_mut(id)
            && node.origin == Origin::Made
        {
            node.site.get_or_insert(site);
        }
    }

    /// The place of a span.
    pub(super) fn site(&self, span: Span) -> Site {
        if let Some(call) = self.call {
            return call;
        }
        let (start, end) = if span.start.line == 0 {
            (self.start, self.start)
        } else {
            (span.start, span.end)
        };
        Site {
            file: self.file,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }

    /// The place of a call: to its closing parenthesis, the one of OVER too.
    pub(super) fn call_site(&self, span: Span) -> Site {
        let mut site = self.site(span);
        if self.call.is_some() || span.start.line == 0 {
            return site;
        }
        let Some(file) = self.files.get(self.file) else {
            return site;
        };
        let offset = |line: u64, column: u64| {
            let start = file.lines.get((line.max(1) - 1) as usize).copied()?;
            if file.ascii {
                return Some(file.text.len().min(start + (column.max(1) - 1) as usize));
            }
            let text = file.text.get(start..)?;
            let within = text
                .char_indices()
                .nth((column.max(1) - 1) as usize)
                .map_or(text.len(), |(i, _)| i);
            Some(start + within)
        };
        let (Some(from), Some(to)) = (
            offset(site.line, site.column),
            offset(site.end_line, site.end_column),
        ) else {
            return site;
        };
        let (mut line, mut column, mut depth) = (site.line, site.column, 0_i32);
        for (i, c) in file.text[from..].char_indices().take(4_000) {
            if from + i >= to && depth <= 0 {
                site.end_line = line;
                site.end_column = column;
                break;
            }
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if c == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
        site
    }

    /// Lists something that is not understood.
    pub(super) fn unknown(&mut self, site: Site, what: impl Into<String>) {
        self.finding(Rule::Unknown, site, what.into(), None);
    }

    /// Adds a finding, once per rule and place.
    pub(super) fn finding(
        &mut self,
        rule: Rule,
        site: Site,
        detail: String,
        feature: Option<(String, String, Vec<String>)>,
    ) {
        let known = self
            .findings
            .iter_mut()
            .find(|finding| finding.rule == rule && finding.site == site);
        let finding = match known {
            Some(finding) => finding,
            None => {
                self.findings.push(Finding {
                    rule,
                    site,
                    detail,
                    features: Vec::new(),
                    path: Vec::new(),
                    models: Vec::new(),
                    waived: None,
                });
                let last = self.findings.len() - 1;
                &mut self.findings[last]
            }
        };
        if let Some((model, feature, path)) = feature {
            if !finding.models.contains(&model) {
                finding.models.push(model);
            }
            if !feature.is_empty() && !finding.features.contains(&feature) {
                if finding.path.is_empty() {
                    finding.path = path;
                }
                finding.features.push(feature);
            }
        }
    }

    /// Looks a name up.
    pub(super) fn resolve(&mut self, parts: &[Ident], scope: &Scope<'_>) -> Option<(Found, Value)> {
        let last = parts.last()?;
        if let [.., qualifier, _] = parts
            && let Some(i) = scope
                .items
                .iter()
                .position(|item| item.alias.eq_ignore_ascii_case(&qualifier.value))
        {
            return self
                .of_item(scope, i, last)
                .map(|value| (Found::Item(i), value));
        }
        if parts.len() == 1 {
            for (i, item) in scope.items.iter().enumerate() {
                if let Some(column) = item.relation.column(&last.value) {
                    return Some((Found::Item(i), column.value.clone()));
                }
            }
            let alias = scope
                .aliases
                .iter()
                .rev()
                .find(|column| column.name.eq_ignore_ascii_case(&last.value));
            if let Some(column) = alias {
                return Some((Found::Alias, column.value.clone()));
            }
            let open: Vec<usize> = (0..scope.items.len())
                .filter(|&i| !scope.items[i].relation.open.is_empty())
                .collect();
            let values: Vec<Value> = open
                .iter()
                .filter_map(|&i| self.of_item(scope, i, last))
                .collect();
            if let ([first], [value]) = (open.as_slice(), values.as_slice()) {
                return Some((Found::Item(*first), value.clone()));
            }
            if let (Some(first), Some(value)) = (open.first(), values.first()) {
                let merged = Value {
                    id: value.id,
                    time: value.time,
                    kind: value.kind,
                    ..Value::merged(&values)
                };
                return Some((Found::Item(*first), merged));
            }
        }
        // A field of a struct column: s.a, t.s.a.
        if let [base @ .., field] = parts
            && !base.is_empty()
            && let Some((found, value)) = self.resolve(base, scope)
            && let Some(value) = field_of(&value, &field.value)
        {
            return Some((found, value));
        }
        let (_, value) = self.resolve(parts, scope.outer?)?;
        Some((Found::Outer, value))
    }

    fn of_item(&mut self, scope: &Scope<'_>, i: usize, name: &Ident) -> Option<Value> {
        let relation = &scope.items[i].relation;
        if let Some(column) = relation.column(&name.value) {
            return Some(column.value.clone());
        }
        if relation
            .without
            .iter()
            .any(|gone| gone.eq_ignore_ascii_case(&name.value))
        {
            return None;
        }
        let open = relation.open.clone();
        let marks = relation.marks.clone();
        let extent = relation.extent;
        let mut values: Vec<Value> = open
            .iter()
            .map(|table| self.source(table, &name.value, name.span))
            .collect();
        for value in &mut values {
            super::lineage::merge_marks(&mut value.marks, &marks);
            if extent != Extent::OWN {
                value.spread(extent);
            }
        }
        match values.len() {
            0 => None,
            1 => values.pop(),
            _ => Some(Value {
                id: values[0].id,
                time: values[0].time,
                kind: values[0].kind,
                ..Value::merged(&values)
            }),
        }
    }

    /// Goes one query deeper; `None` where that is too deep.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEEPEST {
            let site = self.site(Span::empty());
            self.unknown(site, "queries nest too deeply");
            return None;
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        Some(result)
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        self.judge();
        Report::new(self)
    }
}

/// The column itself.
pub(super) fn edge_to(node: Id) -> Shared<Edge> {
    vec![Edge {
        node,
        extent: Extent::OWN,
        own: true,
    }]
    .into()
}

/// A field of a struct.
pub(super) fn field_of(value: &Value, name: &str) -> Option<Value> {
    value
        .fields
        .as_ref()?
        .iter()
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}

/// The last part of a name.
pub(super) fn last_name(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| name.to_string(), |ident| ident.value.clone())
}

/// A table's name as tables are found by it.
pub(super) fn key(name: &ObjectName) -> String {
    last_name(name).to_ascii_lowercase()
}

/// The name of an identifier.
pub(super) fn identifier(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Nested(inner) => identifier(inner),
        _ => None,
    }
}

/// Names that the script uses, and as what.
#[derive(Default)]
struct Names {
    mentioned: HashSet<String>,
    times: HashSet<String>,
    entities: HashSet<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Some(ident) = identifier(expr) {
            self.mentioned.insert(ident.value.to_ascii_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &sqlparser::ast::TableFactor) -> ControlFlow<()> {
        if let sqlparser::ast::TableFactor::Table {
            args: Some(args), ..
        } = factor
        {
            for (name, expr) in super::calls::named(&args.args) {
                let texts = super::calls::texts(&super::calls::constant(expr));
                let lower = texts.iter().map(|text| text.to_ascii_lowercase());
                match name.map(|name| name.to_ascii_lowercase()).as_deref() {
                    Some("order_by") => self.times.extend(lower),
                    Some("partition_by") => {
                        self.mentioned.extend(lower.clone());
                        self.entities.extend(lower);
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The span of a query, for messages.
pub(super) fn span_of(query: &Query) -> Span {
    query.span()
}
