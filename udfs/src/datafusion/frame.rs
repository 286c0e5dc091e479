//! Sliding windows. Where a function has no window of its own, the rows of the frame
//! are kept and every result is computed from them afresh: taking rows back out of a
//! sum loses digits.

use std::borrow::Cow;
use std::fmt;

use arrow::array::ArrayRef;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;
use serde_json::Value as Json;

use crate::datafusion::aggregate::scalar_value;
use crate::datafusion::array_reader::read_arrays;
use crate::datafusion::{contain, execution};
use crate::definition::{AnyAggregate, Sliding};
use crate::input::{Feature, Features, Input, Inputs, Moments, Numbers, OptionsColumn, Rows};
use crate::value::Value;

/// Rows that have left the frame are dropped from memory when there are this
/// many of them, and as many as there are in the frame.
const SLACK: usize = 1024;

/// The accumulator of a frame whose start moves.
pub struct SlidingAccumulator {
    function: &'static dyn AnyAggregate,
    frame: Frame,
}

/// What is kept of the rows of the frame.
enum Frame {
    /// None has come yet.
    Empty,
    /// The function's own window.
    Window(Box<dyn Sliding>),
    /// The rows.
    Rows(KeptRows),
}

/// The arguments of the rows of the frame, from `start` to `end`.
#[derive(Default)]
struct KeptRows {
    columns: Vec<Kept>,
    start: usize,
    end: usize,
}

/// An argument of the rows of the frame. A missing number is kept as a NaN,
/// which means the same to every kernel.
enum Kept {
    Numbers(Vec<f64>),
    Moments {
        seconds: Vec<f64>,
        calendar: bool,
    },
    Features(Vec<KeptFeature>),
    Bytes(Vec<Option<Vec<u8>>>),
    /// Options are constant: one value stands for every row.
    Options(Json),
}

struct KeptFeature {
    name: String,
    type_name: String,
    values: Option<Vec<f64>>,
    texts: Option<Vec<Option<String>>>,
}

struct Constant<'a>(&'a Json);

impl OptionsColumn for Constant<'_> {
    fn read(&self, _row: usize) -> crate::Result<Json> {
        Ok(self.0.clone())
    }
}

impl Kept {
    fn new(input: &Input<'_>) -> crate::Result<Self> {
        Ok(match input {
            Input::Numbers(_) => Self::Numbers(Vec::new()),
            Input::Moments(moments) => Self::Moments {
                seconds: Vec::new(),
                calendar: moments.calendar,
            },
            Input::Features(features) => Self::Features(
                features
                    .fields
                    .iter()
                    .map(|field| KeptFeature {
                        name: field.name.clone().into_owned(),
                        type_name: field.type_name.clone().into_owned(),
                        values: field.numbers.as_ref().map(|_| Vec::new()),
                        texts: field.texts.as_ref().map(|_| Vec::new()),
                    })
                    .collect(),
            ),
            Input::Bytes(_) => Self::Bytes(Vec::new()),
            Input::Options(options) => Self::Options(options.read(0)?),
        })
    }

    fn append(&mut self, input: &Input<'_>, rows: usize) {
        let rows = Rows::All(rows);
        match (self, input) {
            (Self::Numbers(kept), Input::Numbers(numbers)) => numbers.copy_rows(rows, kept),
            (Self::Moments { seconds, .. }, Input::Moments(moments)) => {
                moments.numbers.copy_rows(rows, seconds);
            }
            (Self::Features(kept), Input::Features(features)) => {
                for (kept, field) in kept.iter_mut().zip(&features.fields) {
                    if let (Some(kept), Some(numbers)) = (&mut kept.values, &field.numbers) {
                        numbers.copy_rows(rows, kept);
                    }
                    if let (Some(kept), Some(texts)) = (&mut kept.texts, &field.texts) {
                        kept.extend(texts.iter().map(|text| text.map(str::to_owned)));
                    }
                }
            }
            (Self::Bytes(kept), Input::Bytes(bytes)) => {
                kept.extend(bytes.iter().map(|bytes| bytes.map(<[u8]>::to_vec)));
            }
            _ => {}
        }
    }

    fn drop_front(&mut self, rows: usize) {
        match self {
            Self::Numbers(kept) => drop(kept.drain(..rows)),
            Self::Moments { seconds, .. } => drop(seconds.drain(..rows)),
            Self::Features(fields) => {
                for field in fields {
                    if let Some(kept) = &mut field.values {
                        drop(kept.drain(..rows));
                    }
                    if let Some(kept) = &mut field.texts {
                        drop(kept.drain(..rows));
                    }
                }
            }
            Self::Bytes(kept) => drop(kept.drain(..rows)),
            Self::Options(_) => {}
        }
    }

    fn input(&self, start: usize, end: usize) -> Input<'_> {
        match self {
            Self::Numbers(kept) => Input::Numbers(Numbers::new(&kept[start..end], None)),
            Self::Moments { seconds, calendar } => Input::Moments(Moments {
                numbers: Numbers::new(&seconds[start..end], None),
                calendar: *calendar,
            }),
            Self::Features(fields) => Input::Features(Features {
                fields: fields
                    .iter()
                    .map(|field| Feature {
                        name: Cow::Borrowed(&field.name),
                        type_name: Cow::Borrowed(&field.type_name),
                        numbers: field
                            .values
                            .as_ref()
                            .map(|kept| Numbers::new(&kept[start..end], None)),
                        texts: field
                            .texts
                            .as_ref()
                            .map(|kept| kept[start..end].iter().map(Option::as_deref).collect()),
                    })
                    .collect(),
            }),
            Self::Bytes(kept) => {
                Input::Bytes(kept[start..end].iter().map(Option::as_deref).collect())
            }
            Self::Options(options) => Input::Options(Box::new(Constant(options))),
        }
    }

    fn bytes(&self) -> usize {
        let doubles = |kept: &Vec<f64>| kept.capacity() * size_of::<f64>();
        match self {
            Self::Numbers(kept) => doubles(kept),
            Self::Moments { seconds, .. } => doubles(seconds),
            Self::Features(fields) => fields
                .iter()
                .map(|field| {
                    let texts = field.texts.iter().flatten();
                    let text = |text: &Option<String>| {
                        size_of_val(text) + text.as_ref().map_or(0, String::capacity)
                    };
                    size_of_val(field)
                        + field.values.as_ref().map_or(0, doubles)
                        + texts.map(text).sum::<usize>()
                })
                .sum(),
            Self::Bytes(kept) => kept
                .iter()
                .map(|bytes| size_of_val(bytes) + bytes.as_ref().map_or(0, Vec::capacity))
                .sum(),
            Self::Options(_) => size_of::<Json>(),
        }
    }
}

impl KeptRows {
    fn of(inputs: &Inputs<'_>) -> crate::Result<Self> {
        let columns = inputs.columns.iter().map(Kept::new);
        Ok(Self {
            columns: columns.collect::<crate::Result<_>>()?,
            ..Self::default()
        })
    }

    fn append(&mut self, inputs: &Inputs<'_>) {
        for (kept, input) in self.columns.iter_mut().zip(&inputs.columns) {
            kept.append(input, inputs.rows);
        }
        self.end += inputs.rows;
    }

    fn drop_front(&mut self, rows: usize) {
        self.start = (self.start + rows).min(self.end);
        if self.start >= SLACK && self.start * 2 >= self.end {
            for kept in &mut self.columns {
                kept.drop_front(self.start);
            }
            self.end -= self.start;
            self.start = 0;
        }
    }

    fn value(&self, function: &dyn AnyAggregate) -> crate::Result<Value> {
        let columns = self.columns.iter();
        let columns = columns.map(|kept| kept.input(self.start, self.end));
        let inputs = Inputs {
            rows: self.end - self.start,
            columns: columns.collect(),
        };
        afresh(function, &inputs, Rows::All(inputs.rows))
    }
}

/// The value of some rows.
pub fn afresh(
    function: &dyn AnyAggregate,
    inputs: &Inputs<'_>,
    rows: Rows<'_>,
) -> crate::Result<Value> {
    let mut state = function.start();
    if !rows.is_empty() {
        function.update(&mut state, inputs, rows)?;
    }
    function.settle(&mut state);
    function.finish(&state)
}

impl SlidingAccumulator {
    pub fn new(function: &'static dyn AnyAggregate) -> Self {
        Self {
            function,
            frame: Frame::Empty,
        }
    }

    fn append(&mut self, arrays: &[ArrayRef]) -> crate::Result<()> {
        let inputs = read_arrays(self.function.signature(), arrays)?;
        if inputs.rows == 0 {
            return Ok(());
        }
        if matches!(self.frame, Frame::Empty) {
            self.frame = match self.function.sliding(&inputs)? {
                Some(window) => Frame::Window(window),
                None => Frame::Rows(KeptRows::of(&inputs)?),
            };
        }
        match &mut self.frame {
            Frame::Window(window) => window.push(&inputs, 0..inputs.rows),
            Frame::Rows(rows) => {
                rows.append(&inputs);
                Ok(())
            }
            Frame::Empty => Ok(()),
        }
    }

    fn drop_front(&mut self, count: usize) {
        match &mut self.frame {
            Frame::Window(window) => window.pop(count),
            Frame::Rows(rows) => rows.drop_front(count),
            Frame::Empty => {}
        }
    }

    fn value(&mut self) -> crate::Result<ScalarValue> {
        let value = match &mut self.frame {
            Frame::Window(window) => window.finish()?,
            Frame::Rows(rows) => rows.value(self.function)?,
            Frame::Empty => self.function.finish(&self.function.start())?,
        };
        scalar_value(self.function.signature(), value)
    }
}

impl fmt::Debug for SlidingAccumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over a frame", self.function.signature().name)
    }
}

impl Accumulator for SlidingAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let name = self.function.signature().name;
        contain(name, || self.append(values)).map_err(execution)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.drop_front(values.first().map_or(0, |array| array.len()));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        contain(self.function.signature().name, || self.value()).map_err(execution)
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + match &self.frame {
                Frame::Empty => 0,
                Frame::Window(window) => window.size(),
                Frame::Rows(rows) => rows.columns.iter().map(Kept::bytes).sum(),
            }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("{self:?}: a window has no partial state")
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("{self:?}: a window has no partial state")
    }
}
