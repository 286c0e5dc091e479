//! The columns of a script and what each is made of.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::lineage::{Id, Site};
use super::rules::Rule;
use super::shared::Shared;

/// Rows that a value is made of, counted from its own: 0 is the row itself, -1 the
/// one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The first; `i64::MIN` is the beginning of the data.
    pub from: i64,
    /// The last; `i64::MAX` is the end of the data.
    pub to: i64,
}

impl Extent {
    /// The row itself.
    pub const OWN: Self = Self { from: 0, to: 0 };
    /// All rows.
    pub const ALL: Self = Self {
        from: i64::MIN,
        to: i64::MAX,
    };

    /// The row and all before it.
    pub const PAST: Self = Self {
        from: i64::MIN,
        to: 0,
    };

    /// The row so many rows ahead.
    pub fn of(rows: i64) -> Self {
        Self {
            from: rows,
            to: rows,
        }
    }

    /// The rows of both, and those between.
    pub fn with(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// In one word: `past`, `present`, `future` or `whole`.
    pub fn class(self) -> &'static str {
        match self {
            Self {
                to: i64::MAX,
                from: i64::MIN,
            } => "whole",
            Self { to: 1.., .. } => "future",
            Self { from: ..=-1, .. } => "past",
            _ => "present",
        }
    }

    /// The rows of `inner`, seen from the rows of this one.
    pub fn then(self, inner: Self) -> Self {
        let add = |a: i64, b: i64, end: i64| {
            if a == end || b == end {
                end
            } else {
                a.saturating_add(b)
            }
        };
        Self {
            from: add(self.from, inner.from, i64::MIN),
            to: add(self.to, inner.to, i64::MAX),
        }
    }
}

/// `-19..0`, `+5`; `..` without a number is the beginning or the end of the data.
impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |rows: i64| match rows {
            i64::MIN | i64::MAX => String::new(),
            1.. => format!("+{rows}"),
            _ => rows.to_string(),
        };
        if self.from == self.to && self.to != i64::MAX {
            return f.write_str(&number(self.from));
        }
        write!(f, "{}..{}", number(self.from), number(self.to))
    }
}

/// A column that another one is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The column.
    pub node: Id,
    /// Which of its rows.
    pub extent: Extent,
    /// Its value at the same row is one of them.
    pub own: bool,
}

/// What makes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It stands in a table from outside the script.
    Outside,
    /// An expression.
    Made,
    /// It is another column, in another relation.
    Passed,
    /// A call that trains, chooses or validates; its features are its edges.
    Call,
}

/// A column.
#[derive(Debug)]
pub struct Node {
    /// The column that it is, if it is passed on; itself otherwise.
    pub id: Id,
    /// Its relation, if that has a name.
    pub relation: Rc<str>,
    /// Its name.
    pub column: Rc<str>,
    /// What makes it.
    pub origin: Origin,
    /// What it is made of.
    pub edges: Shared<Edge>,
    /// Something of a table outside the script is in it.
    pub rooted: bool,
    /// Where its expression stands.
    pub site: Option<Site>,
    /// What of the future it has seen.
    pub rules: Vec<Rule>,
}

/// A relation that the script names.
#[derive(Debug)]
pub struct Defined {
    /// Its name.
    pub name: Rc<str>,
    /// `table`, `view` or `CTE`.
    pub kind: &'static str,
    /// Where.
    pub site: Site,
    /// Its columns.
    pub columns: Vec<Id>,
    /// Tables outside the script whose other columns it has, too.
    pub open: Vec<Rc<str>>,
}

/// All columns, by their number.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// In the order of their making.
    pub relations: Vec<Defined>,
}

impl Graph {
    /// Adds a column; `id` is zero for one that is none of the others.
    pub fn add(&mut self, mut node: Node) -> Id {
        let number = self.next();
        if node.id == 0 {
            node.id = number;
        }
        node.rooted = node.origin == Origin::Outside || self.rooted(&node.edges);
        self.nodes.push(node);
        number
    }

    /// The number of the next column.
    pub fn next(&self) -> Id {
        self.nodes.len() as Id + 1
    }

    /// A column.
    pub fn get(&self, id: Id) -> Option<&Node> {
        self.nodes.get((id as usize).checked_sub(1)?)
    }

    /// A column, to change it.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut Node> {
        self.nodes.get_mut((id as usize).checked_sub(1)?)
    }

    /// Numbers and columns, in the order of their making.
    pub fn all(&self) -> impl Iterator<Item = (Id, &Node)> {
        (1..).zip(&self.nodes)
    }

    /// Whether something of a table outside the script is among them.
    pub fn rooted(&self, edges: &[Edge]) -> bool {
        edges
            .iter()
            .any(|edge| self.get(edge.node).is_some_and(|node| node.rooted))
    }

    /// Calls `visit` with every column that `edges` lead to, once each. With `own`,
    /// only through values of the same row. `visit` says whether to go on behind it.
    pub fn walk(&self, edges: &[Edge], own: bool, visit: &mut dyn FnMut(Id, &Node) -> bool) {
        let mut seen = HashSet::new();
        let mut rest: Vec<Id> = Vec::new();
        let wanted = |edge: &&Edge| !own || edge.own;
        rest.extend(edges.iter().filter(wanted).map(|edge| edge.node));
        while let Some(id) = rest.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(node) = self.get(id) else { continue };
            if visit(id, node) {
                rest.extend(node.edges.iter().filter(wanted).map(|edge| edge.node));
            }
        }
    }

    /// The columns of tables outside the script that a column is made of, and which
    /// of their rows.
    pub fn sources(&self, of: Id) -> Vec<(Id, Extent)> {
        let mut reached: BTreeMap<Id, Extent> = BTreeMap::new();
        // A column mostly comes after what it is made of: the newest one first, and
        // each is seen once.
        let mut rest = BTreeMap::from([(of, Extent::OWN)]);
        let mut steps = 0_usize;
        while let Some((id, mut extent)) = rest.pop_last() {
            steps += 1;
            if let Some(known) = reached.get(&id).copied() {
                extent = extent.with(known);
                if extent == known {
                    continue;
                }
                if steps > 4 * self.nodes.len() {
                    // Rows that an INSERT takes from the table itself, and shifts.
                    extent = Extent {
                        from: if extent.from < known.from {
                            i64::MIN
                        } else {
                            extent.from
                        },
                        to: if extent.to > known.to {
                            i64::MAX
                        } else {
                            extent.to
                        },
                    };
                }
            }
            reached.insert(id, extent);
            for edge in self.get(id).iter().flat_map(|node| node.edges.iter()) {
                let seen = extent.then(edge.extent);
                rest.entry(edge.node)
                    .and_modify(|known| *known = known.with(seen))
                    .or_insert(seen);
            }
        }
        reached
            .into_iter()
            .filter(|(id, _)| {
                self.get(*id)
                    .is_some_and(|node| node.origin == Origin::Outside)
            })
            .collect()
    }
}

/// The edges of several values.
pub fn merged_edges<'a>(lists: impl Iterator<Item = &'a Shared<Edge>>) -> Shared<Edge> {
    let mut first: Option<&Shared<Edge>> = None;
    let mut all: Vec<Edge> = Vec::new();
    for list in lists.filter(|list| !list.is_empty()) {
        match first {
            None => first = Some(list),
            Some(first) if all.is_empty() && first.is(list) => {}
            Some(first) => {
                if all.is_empty() {
                    all.extend_from_slice(first);
                }
                all.extend_from_slice(list);
            }
        }
    }
    if all.is_empty() {
        return first.cloned().unwrap_or_default();
    }
    all.sort_by_key(|edge| edge.node);
    all.dedup_by(|next, kept| {
        if next.node != kept.node {
            return false;
        }
        kept.extent = kept.extent.with(next.extent);
        kept.own |= next.own;
        true
    });
    all.into()
}
