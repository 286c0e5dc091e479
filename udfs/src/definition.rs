//! What a function of the catalogue is: its signature (name, typed arguments,
//! options, docs, example) and its kernel. A function knows no engine; the
//! adapters in [`crate::duckdb`] and [`crate::datafusion`] know no function.

use std::any::Any;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::value::{Column, Type, Value};

/// Where the catalogue lists a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Lags, targets, point-in-time joins.
    Alignment,
    /// Between features.
    Correlation,
    /// Which features carry information.
    Screening,
    /// Which features a model uses.
    Importance,
    /// Models from rows.
    Fitting,
    /// Models judged, searched for and made by one call.
    Training,
    /// Rows from models.
    Prediction,
    /// How good predictions are.
    Evaluation,
    /// Called by the SQL that table functions produce, not by people.
    Internal,
}

impl Category {
    /// The heading in the catalogue.
    pub fn title(self) -> &'static str {
        match self {
            Self::Alignment => "Alignment",
            Self::Correlation => "Correlation",
            Self::Screening => "Screening",
            Self::Importance => "Importance",
            Self::Fitting => "Fitting",
            Self::Training => "Training",
            Self::Prediction => "Prediction",
            Self::Evaluation => "Evaluation",
            Self::Internal => "Internal",
        }
    }
}

/// What an argument accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any integer, decimal, floating or boolean column.
    Number,
    /// A date, a timestamp, or any number that grows with time.
    Moment,
    /// A STRUCT, a field per feature.
    Features,
    /// Text.
    Text,
    /// Table functions: a text constant or a list of them.
    Texts,
    /// Bytes: a model.
    Blob,
    /// A constant STRUCT, or JSON text of an object.
    Options,
    /// Table functions: a table, view or CTE by name, or a query in parentheses.
    Relation,
    /// Table functions: the name of a column.
    ColumnName,
    /// Table functions: a column name or a list of them.
    ColumnNames,
    /// Table functions: a column name or pattern, or a list of them.
    ColumnPatterns,
    /// Table functions: an integer constant.
    Integer,
    /// Table functions: an integer constant or a list of them.
    Integers,
    /// Table functions: a numeric constant.
    Double,
    /// Table functions: a time, as text or as a number.
    Time,
    /// Table functions: true or false.
    Flag,
}

impl Kind {
    /// As the catalogue prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Moment => "date, timestamp or number",
            Self::Features => "struct",
            Self::Text => "text",
            Self::Texts => "texts",
            Self::Blob => "model",
            Self::Options => "struct or JSON",
            Self::Relation => "relation",
            Self::ColumnName => "column name",
            Self::ColumnNames => "column names",
            Self::ColumnPatterns => "column names or patterns",
            Self::Integer => "integer",
            Self::Integers => "integers",
            Self::Double => "double",
            Self::Time => "time",
            Self::Flag => "boolean",
        }
    }
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name, for `name => value` and for messages.
    pub name: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// `None`: required. Otherwise the default as SQL text (`NULL`, `1`).
    pub default: Option<&'static str>,
    /// One sentence, with the unit.
    pub docs: &'static str,
}

impl Argument {
    /// An argument that must be passed.
    pub const fn required(name: &'static str, kind: Kind, docs: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            docs,
        }
    }

    /// An argument with a default, as SQL text.
    pub const fn optional(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        docs: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default: Some(default),
            docs,
        }
    }
}

/// What an option accepts; the documented range is the enforced one.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A finite number with `min <= x <= max`.
    Number(f64, f64),
    /// A whole number with `min <= x <= max`.
    Integer(i64, i64),
    /// True or false.
    Flag,
    /// Any text.
    Text,
}

/// One key of the options argument.
#[derive(Debug, Clone, Copy)]
pub struct OptionKey {
    /// The key.
    pub name: &'static str,
    /// What it accepts.
    pub accepts: Accepts,
    /// The default, as JSON text.
    pub default: &'static str,
    /// One sentence.
    pub docs: &'static str,
}

impl OptionKey {
    /// A key with its default as JSON text.
    pub const fn new(
        name: &'static str,
        accepts: Accepts,
        default: &'static str,
        docs: &'static str,
    ) -> Self {
        Self {
            name,
            accepts,
            default,
            docs,
        }
    }
}

/// Everything about a function but its kernel.
#[derive(Debug)]
pub struct Signature {
    /// The name in SQL.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// Where the catalogue lists it.
    pub category: Category,
    /// In order; arguments with a default come last.
    pub arguments: &'static [Argument],
    /// The keys of the `Kind::Options` argument.
    pub options: &'static [OptionKey],
    /// Of scalars and aggregates; a table function describes its columns in `docs`.
    pub returns: Type,
    /// What NULL, NaN and infinity do.
    pub nulls: &'static str,
    /// What it does, shapes and units, errors, source of the formula. The
    /// first line is a summary.
    pub docs: &'static str,
    /// SQL that runs as it stands on both engines, on an empty database.
    pub example: &'static str,
}

impl Signature {
    /// The first line of the docs.
    pub fn summary(&self) -> &'static str {
        self.docs.trim_start().lines().next().unwrap_or_default()
    }

    /// How many arguments must be passed.
    pub fn required(&self) -> usize {
        self.arguments
            .iter()
            .take_while(|argument| argument.default.is_none())
            .count()
    }
}

/// A function from rows to rows.
pub trait Scalar: Sync {
    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// A value per row of `inputs`.
    fn call(&self, inputs: &Inputs<'_>) -> Result<Column>;
}

/// A function from many rows to one value, by way of a state that merges.
pub trait Aggregate: Sync + 'static {
    /// What is kept of the rows seen so far. Serialised between machines and
    /// between DataFusion's partial and final phase.
    type State: Send + Serialize + DeserializeOwned + 'static;

    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// The state of no rows.
    fn start(&self) -> Self::State;

    /// Adds the given rows of `inputs`.
    fn update(&self, state: &mut Self::State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()>;

    /// Adds the rows that `from` has seen. Associative, commutative up to
    /// rounding, and a fresh state is the identity on either side.
    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()>;

    /// Says that no engine adds to this state before [`Aggregate::finish`]: it may put
    /// what it holds in order. Changes no value.
    fn settle(&self, _state: &mut Self::State) {}

    /// The value for the rows seen so far.
    fn finish(&self, state: &Self::State) -> Result<Value>;

    /// Bytes held by the state, about.
    fn size(&self, state: &Self::State) -> usize;

    /// Whether a state is about as large as the rows that it has seen, given the
    /// options as JSON (null where they are not constant): then it is not worth
    /// moving between phases.
    fn keeps_rows(&self, _options: &Json) -> bool {
        false
    }

    /// A window for rows like these, where sliding it takes less work than computing
    /// each value from its rows, and loses no digits.
    ///
    /// # Errors
    /// Arguments that no row can mend.
    fn sliding(&self, _inputs: &Inputs<'_>) -> Result<Option<Box<dyn Sliding>>> {
        Ok(None)
    }
}

/// The rows of a window that slides.
pub trait Sliding: Send + Sync {
    /// Adds some of the rows of `inputs` at the end.
    ///
    /// # Errors
    /// Values that the function refuses.
    fn push(&mut self, inputs: &Inputs<'_>, rows: Range<usize>) -> Result<()>;

    /// Takes rows out at the beginning.
    fn pop(&mut self, rows: usize);

    /// The value of the rows that are in it.
    ///
    /// # Errors
    /// As [`Aggregate::finish`].
    fn finish(&mut self) -> Result<Value>;

    /// Bytes held, about.
    fn size(&self) -> usize;
}

/// A state whose type only its aggregate knows.
pub type AnyState = Box<dyn Any + Send>;

/// An [`Aggregate`] whose state type is hidden, so that a list can hold it.
pub trait AnyAggregate: Sync {
    /// Its signature.
    fn signature(&self) -> &'static Signature;
    /// See [`Aggregate::start`].
    fn start(&self) -> AnyState;
    /// See [`Aggregate::update`].
    fn update(&self, state: &mut AnyState, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()>;
    /// See [`Aggregate::merge`].
    fn merge(&self, into: &mut AnyState, from: &AnyState) -> Result<()>;
    /// See [`Aggregate::settle`].
    fn settle(&self, state: &mut AnyState);
    /// See [`Aggregate::finish`].
    fn finish(&self, state: &AnyState) -> Result<Value>;
    /// See [`Aggregate::size`].
    fn size(&self, state: &AnyState) -> usize;
    /// See [`Aggregate::keeps_rows`].
    fn keeps_rows(&self, options: &Json) -> bool;
    /// See [`Aggregate::sliding`].
    fn sliding(&self, inputs: &Inputs<'_>) -> Result<Option<Box<dyn Sliding>>>;
    /// The state as bytes.
    fn save(&self, state: &AnyState) -> Result<Vec<u8>>;
    /// The state of [`AnyAggregate::save`].
    fn load(&self, bytes: &[u8]) -> Result<AnyState>;
}

impl<A: Aggregate> AnyAggregate for A {
    fn signature(&self) -> &'static Signature {
        Aggregate::signature(self)
    }

    fn start(&self) -> AnyState {
        Box::new(Aggregate::start(self))
    }

    fn update(&self, state: &mut AnyState, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let name = Aggregate::signature(self).name;
        let state = state.downcast_mut().ok_or_else(|| foreign(name))?;
        Aggregate::update(self, state, inputs, rows)
    }

    fn merge(&self, into: &mut AnyState, from: &AnyState) -> Result<()> {
        let name = Aggregate::signature(self).name;
        let into = into.downcast_mut().ok_or_else(|| foreign(name))?;
        let from = from.downcast_ref().ok_or_else(|| foreign(name))?;
        Aggregate::merge(self, into, from)
    }

    fn settle(&self, state: &mut AnyState) {
        if let Some(state) = state.downcast_mut() {
            Aggregate::settle(self, state);
        }
    }

    fn finish(&self, state: &AnyState) -> Result<Value> {
        let name = Aggregate::signature(self).name;
        Aggregate::finish(self, state.downcast_ref().ok_or_else(|| foreign(name))?)
    }

    fn size(&self, state: &AnyState) -> usize {
        state
            .downcast_ref()
            .map_or(0, |state| Aggregate::size(self, state))
    }

    fn keeps_rows(&self, options: &Json) -> bool {
        Aggregate::keeps_rows(self, options)
    }

    fn sliding(&self, inputs: &Inputs<'_>) -> Result<Option<Box<dyn Sliding>>> {
        Aggregate::sliding(self, inputs)
    }

    fn save(&self, state: &AnyState) -> Result<Vec<u8>> {
        let name = Aggregate::signature(self).name;
        let state: &A::State = state.downcast_ref().ok_or_else(|| foreign(name))?;
        // A state of many rows is not copied as its bytes grow.
        let bytes = Vec::with_capacity(Aggregate::size(self, state));
        postcard::to_extend(state, bytes).map_err(|error| Error::internal(name, error.to_string()))
    }

    fn load(&self, bytes: &[u8]) -> Result<AnyState> {
        let name = Aggregate::signature(self).name;
        let state: A::State = postcard::from_bytes(bytes)
            .map_err(|error| Error::internal(name, error.to_string()))?;
        Ok(Box::new(state))
    }
}

fn foreign(function: &str) -> Error {
    Error::internal(function, "a state of another function was passed")
}

/// A function that stands in FROM: it turns its arguments into SQL, which each
/// engine plans as if the caller had written it.
pub trait Table: Sync {
    /// Its signature.
    fn signature(&self) -> &'static Signature;

    /// The query that replaces the call.
    fn sql(&self, call: &Call<'_>) -> Result<String>;
}

/// One entry of the list.
#[derive(Clone, Copy)]
pub enum Function {
    /// See [`Scalar`].
    Scalar(&'static dyn Scalar),
    /// See [`Aggregate`].
    Aggregate(&'static dyn AnyAggregate),
    /// See [`Table`].
    Table(&'static dyn Table),
}

impl Function {
    /// Its signature.
    pub fn signature(&self) -> &'static Signature {
        match self {
            Self::Scalar(function) => function.signature(),
            Self::Aggregate(function) => function.signature(),
            Self::Table(function) => function.signature(),
        }
    }

    /// `scalar`, `aggregate` or `table`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::Aggregate(_) => "aggregate",
            Self::Table(_) => "table",
        }
    }
}
