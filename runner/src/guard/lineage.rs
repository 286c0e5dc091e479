//! What is known of a column: where it comes from, and what of the future it has
//! seen on the way.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::rules::Rule;

/// A column, counted as they are defined. Zero is none.
pub type Id = u32;

/// Sets of columns are kept up to this size: beyond it nobody reads them.
const MOST_COLUMNS: usize = 512;

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
    /// Columns of tables that the script does not make.
    pub sources: Rc<BTreeSet<Id>>,
    /// Columns that it is computed from at its own row, itself included.
    pub inputs: Rc<BTreeSet<Id>>,
    /// What of the future it has seen.
    pub marks: Rc<Vec<Mark>>,
    /// What it will have seen once it is brought back to the rows that it sums up.
    pub latent: Rc<Vec<Mark>>,
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
    pub fn merged<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut merged = Self::default();
        let mut all_constant = true;
        for value in values {
            all_constant &= value.constant;
            merge_sets(&mut merged.sources, &value.sources);
            merge_sets(&mut merged.inputs, &value.inputs);
            merge_marks(&mut merged.marks, &value.marks);
            merge_marks(&mut merged.latent, &value.latent);
            merged.random = merged.random.or(value.random);
            // A struct is what its fields are.
            for (_, field) in value.fields.iter().flat_map(|fields| fields.iter()) {
                merge_sets(&mut merged.sources, &field.sources);
                merge_sets(&mut merged.inputs, &field.inputs);
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
        merge_marks(&mut self.marks, &Rc::new(vec![mark]));
    }

    /// Adds a mark that counts once the value is joined back.
    pub fn mark_latent(&mut self, mark: Mark) {
        merge_marks(&mut self.latent, &Rc::new(vec![mark]));
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
            value.marks = Rc::new(shifted_marks(&value.marks, rows));
            if rows > 0 && value.latent.iter().any(|mark| mark.rule == Rule::Bucket) {
                // The bucket before has ended.
                Rc::make_mut(&mut value.latent).retain(|mark| mark.rule != Rule::Bucket);
            }
            value.inputs = Rc::default();
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
            merge_marks(&mut value.marks, &Rc::new(now));
            value.latent = Rc::new(later);
        });
        value
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

fn merge_sets(into: &mut Rc<BTreeSet<Id>>, from: &Rc<BTreeSet<Id>>) {
    if into.is_empty() {
        *into = Rc::clone(from);
    } else if !Rc::ptr_eq(into, from) && into.len() < MOST_COLUMNS && !from.is_subset(into) {
        Rc::make_mut(into).extend(from.iter().copied());
    }
}

/// The marks of both; of the same place, the one that looks further.
pub fn merge_marks(into: &mut Rc<Vec<Mark>>, from: &Rc<Vec<Mark>>) {
    if from.is_empty() || Rc::ptr_eq(into, from) {
        return;
    }
    if into.is_empty() {
        *into = Rc::clone(from);
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
                    Rc::make_mut(into)[i] = mark.clone();
                }
            }
            None => Rc::make_mut(into).push(mark.clone()),
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
    pub marks: Rc<Vec<Mark>>,
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
        let marks = Rc::new(vec![mark.clone()]);
        self.each(&mut |value| merge_marks(&mut value.marks, &marks));
        merge_marks(&mut self.marks, &marks);
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

fn step(marks: &mut Rc<Vec<Mark>>, relation: &str, column: &str) {
    if marks.is_empty() {
        return;
    }
    for mark in Rc::make_mut(marks) {
        let name = format!("{relation}.{column}");
        if mark.path.as_ref().is_none_or(|last| last.name != name) {
            mark.path = Some(Rc::new(Step {
                name,
                before: mark.path.take(),
            }));
        }
    }
}
