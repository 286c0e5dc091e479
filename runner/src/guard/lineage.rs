//! What is known of a column: where it comes from, and what of the future it has
//! seen on the way.

use std::rc::Rc;

use super::graph::{Edge, Extent, merged_edges};
use super::rules::Rule;
use super::shared::Shared;

/// A column, counted as they are defined. Zero is none.
pub type Id = u32;

/// A place in a script; lines and columns count from one, the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Site {
    /// Number of the file.
    pub file: usize,
    /// First line.
    pub line: u64,
    /// First column.
    pub column: u64,
    /// Last line.
    pub end_line: u64,
    /// Column after the last.
    pub end_column: u64,
}

/// How far a value looks ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// So many rows of its entity.
    Rows(i64),
    /// To the end of the data, or nobody knows.
    Unbounded,
}

/// A step on the way from the source to the feature.
#[derive(Debug)]
pub struct Step {
    /// `relation.column`
    pub name: String,
    /// What came before.
    pub before: Option<Rc<Step>>,
}

/// Something of the future that a value has seen.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Which rule it breaks.
    pub rule: Rule,
    /// Where.
    pub site: Site,
    /// How far.
    pub ahead: Ahead,
    /// More about it, for the report.
    pub detail: Option<Rc<str>>,
    /// The columns that have carried it since.
    pub path: Option<Rc<Step>>,
}

impl Mark {
    /// A mark at its origin.
    pub fn new(rule: Rule, site: Site, ahead: Ahead) -> Self {
        Self {
            rule,
            site,
            ahead,
            detail: None,
            path: None,
        }
    }

    /// With more about it.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into());
        self
    }
}

/// Whether a value is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// No time.
    #[default]
    No,
    /// The time of a row so many rows ahead; 0 is the row's own.
    At(i64),
    /// Coarser: a day of a timestamp, a month, a bucket.
    Bucket,
}

/// The type, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// Not known.
    #[default]
    Unknown,
    /// A number or a boolean.
    Number,
    /// Text, a time, a struct: no feature.
    Other,
}

/// A restriction to the rows of training, by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Rows that it keeps clear before the cut: the horizon of the time that it
    /// compares, or `i64::MAX` where that is not known.
    pub purge: i64,
    /// Where it stands.
    pub site: Site,
}

/// A text that names a part of the data, and the cut that it stands for.
pub type Arm = (String, Option<Cut>);

/// Everything known of a value.
#[derive(Debug, Clone, Default)]
pub struct Value {
    /// Which column it is, if it is one.
    pub id: Id,
    /// The column that it is, or those that it is made of.
    pub edges: Shared<Edge>,
    /// What of the future it has seen.
    pub marks: Shared<Mark>,
    /// What it will have seen once it is brought back to the rows that it sums up.
    pub latent: Shared<Mark>,
    /// Whether it is a time.
    pub time: Time,
    /// Its type.
    pub kind: Type,
    /// The same for all rows.
    pub constant: bool,
    /// Of a struct.
    pub fields: Option<Rc<Vec<(String, Value)>>>,
    /// Of text that names the part of the data: which text stands for which cut.
    pub arms: Option<Rc<Vec<Arm>>>,
    /// True in the rows before a cut.
    pub cut: Option<Cut>,
    /// Rows chosen by it are later ones.
    pub pick: Option<Rc<Mark>>,
    /// Drawn at random.
    pub random: Option<Site>,
}

impl Value {
    /// What an expression of several values knows.
    pub fn merged<'a>(values: impl IntoIterator<Item = &'a Value, IntoIter: Clone>) -> Self {
        let values = values.into_iter();
        // A struct is what its fields are.
        let edges = values.clone().flat_map(|value| {
            let fields = value.fields.iter().flat_map(|fields| fields.iter());
            std::iter::once(&value.edges).chain(fields.map(|(_, field)| &field.edges))
        });
        let mut merged = Self {
            edges: merged_edges(edges),
            ..Self::default()
        };
        let mut all_constant = true;
        for value in values {
            all_constant &= value.constant;
            merge_marks(&mut merged.marks, &value.marks);
            merge_marks(&mut merged.latent, &value.latent);
            merged.random = merged.random.or(value.random);
            for (_, field) in value.fields.iter().flat_map(|fields| fields.iter()) {
                merge_marks(&mut merged.marks, &field.marks);
                merge_marks(&mut merged.latent, &field.latent);
            }
        }
        merged.constant = all_constant;
        merged
    }

    /// A constant.
    pub fn constant(kind: Type) -> Self {
        Self {
            constant: true,
            kind,
            ..Self::default()
        }
    }

    /// Adds a mark.
    pub fn mark(&mut self, mark: Mark) {
        merge_marks(&mut self.marks, &vec![mark].into());
    }

    /// Adds a mark that counts once the value is joined back.
    pub fn mark_latent(&mut self, mark: Mark) {
        merge_marks(&mut self.latent, &vec![mark].into());
    }

    /// Applies `change` to the value and to the fields of a struct.
    pub fn each(&mut self, change: &mut dyn FnMut(&mut Value)) {
        change(self);
        if let Some(fields) = &mut self.fields {
            for (_, field) in Rc::make_mut(fields).iter_mut() {
                field.each(change);
            }
        }
    }

    /// The value `rows` rows earlier (or later, if negative).
    pub fn shifted(&self, rows: i64) -> Self {
        let mut value = self.clone();
        value.each(&mut |value| {
            if !value.marks.is_empty() {
                value.marks = shifted_marks(&value.marks, rows).into();
            }
            if rows > 0 && value.latent.iter().any(|mark| mark.rule == Rule::Bucket) {
                // The bucket before has ended.
                value
                    .latent
                    .make_mut()
                    .retain(|mark| mark.rule != Rule::Bucket);
            }
            value.edges = value.seen(Extent::of(rows.saturating_neg()), rows == 0);
            value.id = 0;
            value.cut = None;
            value.arms = None;
            value.pick = None;
            if let Time::At(ahead) = value.time {
                value.time = Time::At(ahead.saturating_sub(rows));
            }
        });
        value
    }

    /// What counts once it is brought back to the rows that it sums up.
    pub fn activated(&self, which: impl Fn(&Mark) -> bool + Copy) -> Self {
        if self.latent.is_empty() && self.fields.is_none() {
            return self.clone();
        }
        let mut value = self.clone();
        value.each(&mut |value| {
            let (now, later): (Vec<Mark>, Vec<Mark>) =
                value.latent.iter().cloned().partition(|mark| which(mark));
            merge_marks(&mut value.marks, &now.into());
            value.latent = later.into();
        });
        value
    }

    /// Its edges, where a row takes it from the rows of `extent`.
    pub fn seen(&self, extent: Extent, own: bool) -> Shared<Edge> {
        let edges = self.edges.iter().map(|edge| Edge {
            node: edge.node,
            extent: extent.then(edge.extent),
            own: own && edge.own,
        });
        edges.collect::<Vec<_>>().into()
    }

    /// Says that a row takes the value from the rows of `extent`, its own among them.
    pub fn spread(&mut self, extent: Extent) {
        self.each(&mut |value| value.edges = value.seen(extent, true));
    }
}

fn shifted_marks(marks: &[Mark], rows: i64) -> Vec<Mark> {
    marks
        .iter()
        .filter_map(|mark| {
            let mut mark = mark.clone();
            if let Ahead::Rows(ahead) = mark.ahead {
                let ahead = ahead.saturating_sub(rows);
                if ahead <= 0 {
                    return None;
                }
                mark.ahead = Ahead::Rows(ahead);
            }
            Some(mark)
        })
        .collect()
}

/// The marks of both; of the same place, the one that looks further.
pub fn merge_marks(into: &mut Shared<Mark>, from: &Shared<Mark>) {
    if from.is_empty() || into.is(from) {
        return;
    }
    if into.is_empty() {
        *into = from.clone();
        return;
    }
    for mark in from.iter() {
        let same = into
            .iter()
            .position(|known| known.rule == mark.rule && known.site == mark.site);
        match same {
            Some(i) => {
                let further = match (into[i].ahead, mark.ahead) {
                    (Ahead::Rows(known), Ahead::Rows(new)) => new > known,
                    (Ahead::Rows(_), Ahead::Unbounded) => true,
                    (Ahead::Unbounded, _) => false,
                };
                if further {
                    into.make_mut()[i] = mark.clone();
                }
            }
            None => into.make_mut().push(mark.clone()),
        }
    }
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: Rc<str>,
    /// What is known of it.
    pub value: Value,
}

/// What the rows of a relation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grain {
    /// Rows as they come, or one per time.
    #[default]
    Row,
    /// One per bucket of time.
    Bucket,
    /// One per group over all times.
    Whole,
    /// One.
    Single,
}

/// A relation.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    /// The columns that are known.
    pub columns: Vec<Column>,
    /// The tables outside the script whose other columns it has, too.
    pub open: Vec<Rc<str>>,
    /// Of the columns of `open` that are not among `columns`.
    pub marks: Shared<Mark>,
    /// Which rows of `open` a row has.
    pub extent: Extent,
    /// Columns of `open` that were taken out.
    pub without: Vec<Rc<str>>,
    /// The rows are those before a cut.
    pub cut: Option<Cut>,
    /// The rows were drawn at random.
    pub random: Option<Site>,
    /// Only one entity is left.
    pub one_entity: bool,
    /// What its rows are.
    pub grain: Grain,
}

impl Relation {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Applies `change` to every column.
    pub fn each(&mut self, change: &mut dyn FnMut(&mut Value)) {
        for column in &mut self.columns {
            column.value.each(change);
        }
    }

    /// Marks every column.
    pub fn mark(&mut self, mark: &Mark) {
        let marks = vec![mark.clone()].into();
        self.each(&mut |value| merge_marks(&mut value.marks, &marks));
        merge_marks(&mut self.marks, &marks);
    }

    /// Says that a row takes the columns from the rows of `extent`.
    pub fn spread(&mut self, extent: Extent) {
        for column in &mut self.columns {
            column.value.spread(extent);
        }
        self.extent = extent.then(self.extent);
    }

    /// Says that the columns now have the name `name.column`.
    pub fn named(&mut self, name: &str) {
        for column in &mut self.columns {
            let label = &column.name;
            column.value.each(&mut |value| {
                step(&mut value.marks, name, label);
                step(&mut value.latent, name, label);
            });
        }
    }
}

fn step(marks: &mut Shared<Mark>, relation: &str, column: &str) {
    if marks.is_empty() {
        return;
    }
    for mark in marks.make_mut() {
        let name = format!("{relation}.{column}");
        if mark.path.as_ref().is_none_or(|last| last.name != name) {
            mark.path = Some(Rc::new(Step {
                name,
                before: mark.path.take(),
            }));
        }
    }
}
