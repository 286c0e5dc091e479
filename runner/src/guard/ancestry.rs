//! The lineage of columns: for people, as JSON, and as drawings of Graphviz and
//! Mermaid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::analysis::{Analysis, File};
use super::graph::{Extent, Node, Origin};
use super::lineage::{Id, Site};

/// How many sources of a column a line names.
const MOST_SOURCES: usize = 4;
/// How many characters of an expression are shown.
const LONGEST: usize = 72;

/// A column.
#[derive(Debug)]
struct Column {
    relation: String,
    name: String,
    origin: Origin,
    /// File, line and column of its expression.
    place: Option<(String, u64, u64)>,
    /// Its expression.
    text: String,
    /// What it is made of, and which rows of that.
    of: Vec<(Id, Extent)>,
    /// Of those, the columns outside the script at the beginning.
    sources: Vec<(Id, Extent)>,
    /// Codes of the rules that it breaks.
    rules: Vec<&'static str>,
}

impl Column {
    fn full_name(&self) -> String {
        if self.relation.is_empty() {
            self.name.clone()
        } else {
            format!("{}.{}", self.relation, self.name)
        }
    }

    /// The rows that all its sources together are taken from.
    fn extent(&self) -> Extent {
        let mut extents = self
            .sources
            .iter()
            .chain(&self.of)
            .map(|(_, extent)| *extent);
        let first = extents.next().unwrap_or(Extent::OWN);
        extents.fold(first, Extent::with)
    }

    fn place(&self) -> String {
        match &self.place {
            Some((file, line, column)) => format!("{file}:{line}:{column}"),
            None => String::new(),
        }
    }
}

/// A relation that the script names.
#[derive(Debug)]
struct Relation {
    name: String,
    kind: &'static str,
    place: String,
    columns: Vec<Id>,
    open: Vec<String>,
}

/// A call that trains, chooses or validates.
#[derive(Debug)]
struct Call {
    node: Id,
    target: String,
    features: Vec<String>,
}

/// Where the columns of a script come from.
#[derive(Debug)]
pub struct Ancestry {
    columns: BTreeMap<Id, Column>,
    relations: Vec<Relation>,
    calls: Vec<Call>,
}

impl Ancestry {
    pub(super) fn new(analysis: &Analysis<'_>) -> Self {
        let graph = &analysis.graph;
        let column = |(id, node): (Id, &Node)| {
            let place = node.site.map(|site| {
                let file = analysis.files.get(site.file);
                let name = file.map_or("", |file| file.name.as_str());
                (name.to_owned(), site.line, site.column)
            });
            let column = Column {
                relation: node.relation.to_string(),
                name: node.column.to_string(),
                origin: node.origin,
                place,
                text: node
                    .site
                    .map(|site| fragment(&analysis.files, &site))
                    .unwrap_or_default(),
                of: node.edges.iter().map(|e| (e.node, e.extent)).collect(),
                sources: graph.sources(id),
                rules: node.rules.iter().map(|rule| rule.code()).collect(),
            };
            (id, column)
        };
        let place = |site: &Site| {
            let file = analysis.files.get(site.file);
            let name = file.map_or("", |file| file.name.as_str());
            format!("{name}:{}:{}", site.line, site.column)
        };
        Self {
            columns: graph.all().map(column).collect(),
            relations: graph
                .relations
                .iter()
                .map(|defined| Relation {
                    name: defined.name.to_string(),
                    kind: defined.kind,
                    place: place(&defined.site),
                    columns: defined.columns.clone(),
                    open: defined.open.iter().map(|table| table.to_string()).collect(),
                })
                .collect(),
            calls: analysis
                .fits
                .iter()
                .map(|fit| Call {
                    node: fit.node,
                    target: fit.target.clone(),
                    features: fit.features.clone(),
                })
                .collect(),
        }
    }

    /// The columns that a name means, `column` or `relation.column`: the newest ones
    /// of each relation. Without a match, the names that there are.
    ///
    /// # Errors
    /// No column has the name.
    pub fn find(&self, name: &str) -> Result<Vec<Id>, Vec<String>> {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let mut found: BTreeMap<String, Id> = BTreeMap::new();
        for (id, column) in &self.columns {
            let matches = same(&column.name, name) || same(&column.full_name(), name);
            if matches && !(column.relation.is_empty() && column.origin == Origin::Made) {
                found.insert(column.relation.to_ascii_lowercase(), *id);
            }
        }
        let mut found: Vec<Id> = found.into_values().collect();
        found.sort_unstable();
        if !found.is_empty() {
            return Ok(found);
        }
        let names: BTreeSet<String> = self
            .columns
            .values()
            .flat_map(|column| [column.name.clone(), column.full_name()])
            .collect();
        Err(names.into_iter().collect())
    }

    /// The columns that `of` are made of, and themselves.
    fn behind(&self, of: &[Id]) -> BTreeSet<Id> {
        let mut seen = BTreeSet::new();
        let mut rest = of.to_vec();
        while let Some(id) = rest.pop() {
            if seen.insert(id)
                && let Some(column) = self.columns.get(&id)
            {
                rest.extend(column.of.iter().map(|(id, _)| *id));
            }
        }
        seen
    }

    /// Every column that stands in a table, a view or a query, or only those behind
    /// the chosen ones.
    fn drawn(&self, chosen: Option<&[Id]>) -> BTreeSet<Id> {
        match chosen {
            Some(chosen) => self.behind(chosen),
            None => {
                let named = self
                    .relations
                    .iter()
                    .flat_map(|r| r.columns.iter().copied());
                let calls = self.calls.iter().map(|call| call.node);
                self.behind(&named.chain(calls).collect::<Vec<_>>())
            }
        }
    }

    /// For people: every relation with its columns and their sources, or the way back
    /// from the chosen columns.
    pub fn text(&self, chosen: Option<&[Id]>) -> String {
        let mut text = String::new();
        if let Some(chosen) = chosen {
            let mut shown = BTreeSet::new();
            for id in chosen {
                self.branch(*id, None, "", "", &mut shown, &mut text);
            }
            return text;
        }
        for relation in self.relations.iter().filter(|r| r.kind != "CTE") {
            let _ = writeln!(
                text,
                "{} ({}, {})",
                relation.name, relation.kind, relation.place
            );
            let columns = relation
                .columns
                .iter()
                .filter_map(|id| self.columns.get(id));
            let columns: Vec<&Column> = columns.collect();
            let width = columns
                .iter()
                .map(|column| column.name.chars().count())
                .max()
                .unwrap_or(0)
                .min(32);
            for column in columns {
                let rules = match column.rules.is_empty() {
                    true => String::new(),
                    false => format!("  {}", column.rules.join(" ")),
                };
                let _ = writeln!(
                    text,
                    "  {:width$}  {:7}  {}{rules}",
                    column.name,
                    column.extent().class(),
                    self.named_sources(column)
                );
            }
            if !relation.open.is_empty() {
                let _ = writeln!(
                    text,
                    "  and every other column of {}",
                    relation.open.join(", ")
                );
            }
        }
        for call in &self.calls {
            let Some(node) = self.columns.get(&call.node) else {
                continue;
            };
            let target = match call.target.as_str() {
                "" => String::new(),
                target => format!(" of {target}"),
            };
            let _ = writeln!(
                text,
                "{}{target} ({})\n  from {}",
                node.name,
                node.place(),
                call.features.join(", ")
            );
        }
        text
    }

    fn named_sources(&self, column: &Column) -> String {
        let mut names: Vec<String> = column
            .sources
            .iter()
            .take(MOST_SOURCES)
            .filter_map(|(id, extent)| {
                let source = self.columns.get(id)?;
                Some(match *extent {
                    Extent::OWN => source.full_name(),
                    extent => format!("{} [{extent}]", source.full_name()),
                })
            })
            .collect();
        if column.sources.len() > MOST_SOURCES {
            names.push(format!("{} more", column.sources.len() - MOST_SOURCES));
        }
        match names.is_empty() {
            true => "made here".to_owned(),
            false => names.join(", "),
        }
    }

    /// A column and, below it, what it is made of; each column once.
    fn branch(
        &self,
        id: Id,
        extent: Option<Extent>,
        first: &str,
        rest: &str,
        shown: &mut BTreeSet<Id>,
        text: &mut String,
    ) {
        let Some(column) = self.columns.get(&id) else {
            return;
        };
        let rows = match extent {
            Some(Extent::OWN) | None => String::new(),
            Some(extent) => format!(" [{extent}]"),
        };
        let seen = !shown.insert(id);
        let about = match column.origin {
            _ if seen => "  (above)".to_owned(),
            Origin::Outside => "  outside the script".to_owned(),
            Origin::Passed => String::new(),
            Origin::Made | Origin::Call if column.place.is_none() => String::new(),
            Origin::Made | Origin::Call => format!("  {}  {}", column.text, column.place()),
        };
        let _ = writeln!(text, "{first}{}{rows}{about}", column.full_name());
        if seen {
            return;
        }
        for (i, (of, extent)) in column.of.iter().enumerate() {
            let last = i + 1 == column.of.len();
            let (here, below) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.branch(
                *of,
                Some(*extent),
                &format!("{rest}{here}"),
                &format!("{rest}{below}"),
                shown,
                text,
            );
        }
    }

    /// One JSON document.
    pub fn json(&self, chosen: Option<&[Id]>) -> Json {
        let drawn = self.drawn(chosen);
        let end = |rows: i64| match rows {
            i64::MIN | i64::MAX => Json::Null,
            rows => json!(rows),
        };
        let list = |of: &[(Id, Extent)]| -> Vec<Json> {
            let item = |(id, extent): &(Id, Extent)| {
                json!({
                    "id": id,
                    "name": self.columns.get(id).map(Column::full_name),
                    "from": end(extent.from),
                    "to": end(extent.to),
                    "class": extent.class(),
                })
            };
            of.iter().map(item).collect()
        };
        let columns: Vec<Json> = self
            .columns
            .iter()
            .filter(|(id, _)| drawn.contains(id))
            .map(|(id, column)| {
                json!({
                    "id": id,
                    "relation": column.relation,
                    "name": column.name,
                    "origin": match column.origin {
                        Origin::Outside => "outside",
                        Origin::Made => "expression",
                        Origin::Passed => "passed on",
                        Origin::Call => "call",
                    },
                    "file": column.place.as_ref().map(|(file, ..)| file),
                    "line": column.place.as_ref().map(|(_, line, _)| line),
                    "column": column.place.as_ref().map(|(.., column)| column),
                    "text": column.text,
                    "class": column.extent().class(),
                    "made_of": list(&column.of),
                    "sources": list(&column.sources),
                    "rules": column.rules,
                })
            })
            .collect();
        let relations: Vec<Json> = self
            .relations
            .iter()
            .map(|relation| {
                json!({
                    "name": relation.name, "kind": relation.kind, "place": relation.place,
                    "columns": relation.columns, "open": relation.open,
                })
            })
            .collect();
        let calls: Vec<Json> = self
            .calls
            .iter()
            .map(|call| json!({"id": call.node, "target": call.target, "features": call.features}))
            .collect();
        json!({ "columns": columns, "relations": relations, "calls": calls })
    }

    /// The drawn columns by relation, those without one last.
    fn groups(&self, drawn: &BTreeSet<Id>) -> Vec<(String, Vec<(Id, &Column)>)> {
        let mut groups: Vec<(String, Vec<(Id, &Column)>)> = Vec::new();
        for (id, column) in self.columns.iter().filter(|(id, _)| drawn.contains(id)) {
            match groups.iter_mut().find(|(name, _)| *name == column.relation) {
                Some((_, list)) => list.push((*id, column)),
                None => groups.push((column.relation.clone(), vec![(*id, column)])),
            }
        }
        groups.sort_by_key(|(name, _)| name.is_empty());
        groups
    }

    /// A drawing for Graphviz.
    pub fn dot(&self, chosen: Option<&[Id]>) -> String {
        let drawn = self.drawn(chosen);
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut text = String::from("digraph lineage {\n  rankdir = LR;\n  node [shape = box];\n");
        for (i, (relation, columns)) in self.groups(&drawn).into_iter().enumerate() {
            if !relation.is_empty() {
                let _ = writeln!(
                    text,
                    "  subgraph cluster_{i} {{\n    label = {};",
                    quoted(&relation)
                );
            }
            for (id, column) in columns {
                let colour = match column.rules.is_empty() {
                    true => "",
                    false => ", color = red",
                };
                let _ = writeln!(
                    text,
                    "    c{id} [label = {}{colour}];",
                    quoted(&column.name)
                );
            }
            if !relation.is_empty() {
                text.push_str("  }\n");
            }
        }
        for (id, column) in self.columns.iter().filter(|(id, _)| drawn.contains(id)) {
            for (of, extent) in &column.of {
                let label = match *extent {
                    Extent::OWN => String::new(),
                    extent if extent.to > 0 => format!(" [label = \"{extent}\", color = red]"),
                    extent => format!(" [label = \"{extent}\"]"),
                };
                let _ = writeln!(text, "  c{of} -> c{id}{label};");
            }
        }
        text.push_str("}\n");
        text
    }

    /// A drawing for Mermaid, which GitHub shows in Markdown.
    pub fn mermaid(&self, chosen: Option<&[Id]>) -> String {
        let drawn = self.drawn(chosen);
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "#quot;"));
        let mut text = String::from("flowchart LR\n");
        for (i, (relation, columns)) in self.groups(&drawn).into_iter().enumerate() {
            if !relation.is_empty() {
                let _ = writeln!(text, "  subgraph r{i}[{}]", quoted(&relation));
            }
            for (id, column) in columns {
                let _ = writeln!(text, "    c{id}[{}]", quoted(&column.name));
            }
            if !relation.is_empty() {
                text.push_str("  end\n");
            }
        }
        for (id, column) in self.columns.iter().filter(|(id, _)| drawn.contains(id)) {
            for (of, extent) in &column.of {
                let _ = match *extent {
                    Extent::OWN => writeln!(text, "  c{of} --> c{id}"),
                    extent => writeln!(text, "  c{of} -->|\"{extent}\"| c{id}"),
                };
            }
        }
        text
    }
}

/// The expression at a place, on one line. Places leave out parentheses at their
/// ends; what they belong to is taken in.
fn fragment(files: &[File], site: &Site) -> String {
    let Some(file) = files.get(site.file) else {
        return String::new();
    };
    let offset = |line: u64, column: u64| -> Option<usize> {
        let start = *file.lines.get((line.max(1) - 1) as usize)?;
        let rest = file.text.get(start..)?;
        let within = rest.char_indices().nth((column.max(1) - 1) as usize);
        Some(start + within.map_or(rest.len(), |(i, _)| i))
    };
    let (Some(mut from), Some(mut to)) = (
        offset(site.line, site.column),
        offset(site.end_line.max(site.line), site.end_column),
    ) else {
        return String::new();
    };
    to = to.max(from);
    let (mut depth, mut open) = (0_i32, 0_i32);
    for c in file.text[from..to].chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        open = open.max(-depth);
    }
    depth += open;
    for (i, c) in file.text[..from].char_indices().rev() {
        if open > 0 {
            open += i32::from(c == ')') - i32::from(c == '(');
        } else if !c.is_alphanumeric() && c != '_' {
            break;
        }
        from = i;
    }
    for (i, c) in file.text[to..].char_indices() {
        if depth <= 0 {
            break;
        }
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            to += i + c.len_utf8();
            break;
        }
    }
    // avg(x) OVER (...): the window belongs to it.
    let rest = &file.text[to..];
    let over = rest.trim_start();
    if over
        .get(..4)
        .is_some_and(|word| word.eq_ignore_ascii_case("over"))
    {
        let window = over[4..].trim_start();
        let mut depth = 0_i32;
        let mut end = window
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(window.len());
        for (i, c) in window.char_indices() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 {
                if c == ')' {
                    end = i + 1;
                }
                break;
            }
        }
        to = file.text.len() - window.len() + end;
    }
    let words: Vec<&str> = file.text[from..to].split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}...")
}
