//! Small functions that show what the adapter hands them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::definition::{
    Accepts, Aggregate, Argument, Category, Function, Kind, OptionKey, Scalar, Signature, Table,
};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::value::{Column, Type, Value};

pub(super) static LIST: &[Function] = &[
    Function::Aggregate(&Profile),
    Function::Aggregate(&Total),
    Function::Aggregate(&Longest),
    Function::Aggregate(&Faulty),
    Function::Aggregate(&Finisher),
    Function::Scalar(&Describe),
    Function::Scalar(&Plus),
    Function::Scalar(&Lengths),
    Function::Scalar(&IsEven),
    Function::Scalar(&Shape),
    Function::Scalar(&Countdown),
    Function::Scalar(&Settings),
    Function::Scalar(&Panics),
    Function::Table(&Head),
];

const BASE: Signature = Signature {
    name: "",
    aliases: &[],
    category: Category::Internal,
    arguments: &[],
    options: &[],
    returns: Type::Text,
    nulls: "",
    docs: "",
    example: "",
};

const X: Argument = Argument::required("x", Kind::Number, "");
const FEATURES: Argument = Argument::required("features", Kind::Features, "");
const OPTIONS: Argument = Argument::optional("options", Kind::Options, "NULL", "");

/// Missing values and sum of each feature, times `scale`.
struct Profile;

#[derive(Serialize, Deserialize, Default)]
struct Seen {
    scale: Option<f64>,
    features: BTreeMap<String, (i64, f64)>,
}

impl Aggregate for Profile {
    type State = Seen;

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "profile",
            aliases: &["profile_alias"],
            arguments: &[FEATURES, OPTIONS],
            options: &[OptionKey {
                name: "scale",
                accepts: Accepts::Number(0.0, 100.0),
                default: "1",
                docs: "",
            }],
            returns: Type::Rows(&[
                ("feature", Type::Text),
                ("missing", Type::Integer),
                ("sum", Type::Double),
            ]),
            ..BASE
        };
        &SIGNATURE
    }

    fn start(&self) -> Seen {
        Seen::default()
    }

    fn update(&self, state: &mut Seen, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        if let (None, Some(row)) = (state.scale, rows.first()) {
            let options = Options::parse(self.signature(), &inputs.options(1, row)?)?;
            state.scale = Some(options.number("scale"));
        }
        let features = inputs.features(0)?;
        for (name, numbers) in features.names().zip(features.numeric("profile")?) {
            assert_eq!(numbers.len(), inputs.rows);
            let (missing, sum) = state.features.entry(name.to_owned()).or_default();
            for row in rows.iter() {
                match numbers.get(row) {
                    Some(value) => *sum += value,
                    None => *missing += 1,
                }
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Seen, from: &Seen) -> Result<()> {
        into.scale = into.scale.or(from.scale);
        for (name, (missing, sum)) in &from.features {
            let seen = into.features.entry(name.clone()).or_default();
            seen.0 += missing;
            seen.1 += sum;
        }
        Ok(())
    }

    fn finish(&self, state: &Seen) -> Result<Value> {
        let Some(scale) = state.scale else {
            return Ok(Value::Null);
        };
        let features = &state.features;
        Ok(Value::Rows(vec![
            Column::Text(features.keys().cloned().map(Some).collect()),
            Column::Integer(features.values().map(|seen| Some(seen.0)).collect()),
            Column::Double(
                features
                    .values()
                    .map(|seen| (seen.1 != 0.0).then_some(seen.1 * scale))
                    .collect(),
            ),
        ]))
    }

    fn size(&self, _state: &Seen) -> usize {
        0
    }
}

/// Count and sum as a struct with every plain type in it.
struct Total;

impl Aggregate for Total {
    type State = (i64, f64);

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "total",
            arguments: &[X],
            returns: Type::Struct(&[
                ("n", Type::Integer),
                ("sum", Type::Double),
                ("label", Type::Text),
                ("positive", Type::Boolean),
                ("bytes", Type::Blob),
            ]),
            ..BASE
        };
        &SIGNATURE
    }

    fn start(&self) -> (i64, f64) {
        (0, 0.0)
    }

    fn update(&self, state: &mut Self::State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let numbers = inputs.numbers(0)?;
        for value in rows.iter().filter_map(|row| numbers.get(row)) {
            state.0 += 1;
            state.1 += value;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        into.0 += from.0;
        into.1 += from.1;
        Ok(())
    }

    fn finish(&self, &(n, sum): &Self::State) -> Result<Value> {
        if n == 0 {
            return Ok(Value::Null);
        }
        Ok(Value::Struct(vec![
            Value::Integer(n),
            Value::Double(sum),
            if n > 1 {
                Value::Text(format!("a sum of {n} values"))
            } else {
                Value::Null
            },
            Value::Boolean(sum > 0.0),
            Value::Blob(n.to_le_bytes().to_vec()),
        ]))
    }

    fn size(&self, _state: &Self::State) -> usize {
        0
    }
}

/// The longest of the texts, as bytes.
struct Longest;

impl Aggregate for Longest {
    type State = Option<String>;

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "longest",
            arguments: &[Argument::required("text", Kind::Text, "")],
            returns: Type::Blob,
            ..BASE
        };
        &SIGNATURE
    }

    fn start(&self) -> Option<String> {
        None
    }

    fn update(&self, state: &mut Self::State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let texts = inputs.bytes(0)?;
        for text in rows.iter().filter_map(|row| texts[row]) {
            self.merge(state, &Some(String::from_utf8_lossy(text).into_owned()))?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        let length = |text: &Self::State| text.as_ref().map(String::len);
        if length(from) > length(into) {
            into.clone_from(from);
        }
        Ok(())
    }

    fn finish(&self, state: &Self::State) -> Result<Value> {
        Ok(state
            .clone()
            .map_or(Value::Null, |text| Value::Blob(text.into_bytes())))
    }

    fn size(&self, _state: &Self::State) -> usize {
        0
    }
}

/// Which thread finishes what takes much memory.
struct Finisher;

impl Aggregate for Finisher {
    type State = ();

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "finisher",
            arguments: &[X],
            ..BASE
        };
        &SIGNATURE
    }

    fn start(&self) {}

    fn update(&self, _state: &mut (), _inputs: &Inputs<'_>, _rows: Rows<'_>) -> Result<()> {
        Ok(())
    }

    fn merge(&self, _into: &mut (), _from: &()) -> Result<()> {
        Ok(())
    }

    fn finish(&self, _state: &()) -> Result<Value> {
        let thread = std::thread::current();
        Ok(Value::Text(thread.name().unwrap_or_default().to_owned()))
    }

    fn size(&self, _state: &()) -> usize {
        64 << 20
    }
}

/// Panics when the text says so, in the phase that it says.
struct Faulty;

/// How many states of `faulty` there are.
pub(super) static LIVE: AtomicI64 = AtomicI64::new(0);

#[derive(Serialize, Deserialize)]
struct Phase(String);

impl Drop for Phase {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Relaxed);
    }
}

impl Aggregate for Faulty {
    type State = Phase;

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "faulty",
            arguments: &[Argument::required("phase", Kind::Text, "")],
            returns: Type::Integer,
            ..BASE
        };
        &SIGNATURE
    }

    fn start(&self) -> Phase {
        LIVE.fetch_add(1, Relaxed);
        Phase(String::new())
    }

    fn update(&self, state: &mut Phase, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(text) = rows.first().and_then(|row| inputs.bytes(0).ok()?[row]) else {
            return Ok(());
        };
        state.0 = String::from_utf8_lossy(text).into_owned();
        match state.0.as_str() {
            "update" => panic!("in update of {} rows", rows.len()),
            "error" => Err(Error::data("faulty", "a \0 in the text")),
            _ => Ok(()),
        }
    }

    fn merge(&self, into: &mut Phase, from: &Phase) -> Result<()> {
        assert!(from.0 != "merge", "in merge");
        into.0.clone_from(&from.0);
        Ok(())
    }

    fn finish(&self, state: &Phase) -> Result<Value> {
        match state.0.as_str() {
            "finish" => panic!("in finish"),
            "mistyped" => Ok(Value::Double(1.0)),
            _ => Ok(Value::Integer(1)),
        }
    }

    fn size(&self, _state: &Phase) -> usize {
        0
    }
}

/// The features of a row as text.
struct Describe;

impl Scalar for Describe {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "describe_features",
            arguments: &[FEATURES],
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let features = inputs.features(0)?;
        let row_text = |row| {
            let mut text = String::new();
            for field in &features.fields {
                let value = match &field.numbers {
                    Some(numbers) => match numbers.get(row) {
                        Some(value) => value.to_string(),
                        None => "missing".to_owned(),
                    },
                    None => field.type_name.to_string(),
                };
                let _ = write!(text, "{}={value};", field.name);
            }
            text
        };
        Ok(Column::Text(
            (0..inputs.rows).map(|row| Some(row_text(row))).collect(),
        ))
    }
}

/// `x + y`, with `y` 1 unless passed.
struct Plus;

impl Scalar for Plus {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "plus",
            aliases: &["plus_alias"],
            arguments: &[X, Argument::optional("y", Kind::Number, "1", "")],
            returns: Type::Double,
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let x = inputs.numbers(0)?;
        let y = (inputs.columns.len() > 1)
            .then(|| inputs.numbers(1))
            .transpose()?;
        Ok(Column::Double(
            (0..inputs.rows)
                .map(|row| Some(x.get(row)? + y.map_or(Some(1.0), |y| y.get(row))?))
                .collect(),
        ))
    }
}

/// The lengths of a text and of a blob.
struct Lengths;

impl Scalar for Lengths {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "lengths",
            arguments: &[
                Argument::required("text", Kind::Text, ""),
                Argument::required("blob", Kind::Blob, ""),
            ],
            returns: Type::Integer,
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let pairs = inputs.bytes(0)?.iter().zip(inputs.bytes(1)?);
        Ok(Column::Integer(
            pairs
                .map(|(text, blob)| {
                    Some((text.as_ref()?.len() * 1000 + blob.as_ref()?.len()) as i64)
                })
                .collect(),
        ))
    }
}

struct IsEven;

impl Scalar for IsEven {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "is_even",
            arguments: &[X],
            returns: Type::Boolean,
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let x = inputs.numbers(0)?;
        Ok(Column::Boolean(
            (0..inputs.rows)
                .map(|row| Some(x.get(row)? % 2.0 == 0.0))
                .collect(),
        ))
    }
}

/// A struct with a struct in it.
struct Shape;

impl Scalar for Shape {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "shape",
            arguments: &[X],
            returns: Type::Struct(&[
                ("x", Type::Double),
                ("inner", Type::Struct(&[("text", Type::Text)])),
            ]),
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let x = inputs.numbers(0)?;
        let value = |row| match x.get(row) {
            Some(x) if x < 0.0 => Value::Struct(vec![Value::Double(x), Value::Null]),
            Some(x) => {
                let text = Value::Text(format!("a text of {x}"));
                Value::Struct(vec![Value::Double(x), Value::Struct(vec![text])])
            }
            None => Value::Null,
        };
        Ok(Column::Nested((0..inputs.rows).map(value).collect()))
    }
}

/// Rows from `x` to 1; each row with rows of its own.
struct Countdown;

impl Scalar for Countdown {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "countdown",
            arguments: &[X],
            returns: Type::Rows(&[
                ("i", Type::Integer),
                ("inner", Type::Rows(&[("j", Type::Integer)])),
            ]),
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let down = |n: i64| (1..=n).rev();
        let integers = |n: i64| Column::Integer(down(n).map(Some).collect());
        let inner = |i: i64| match i {
            2 => Value::Null,
            i => Value::Rows(vec![integers(i)]),
        };
        let x = inputs.numbers(0)?;
        let value = |row| match x.get(row) {
            Some(n) => {
                let n = n as i64;
                let inner = Column::Nested(down(n).map(inner).collect());
                Value::Rows(vec![integers(n), inner])
            }
            None => Value::Null,
        };
        Ok(Column::Nested((0..inputs.rows).map(value).collect()))
    }
}

/// The options of a row, as they arrive.
struct Settings;

impl Scalar for Settings {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "settings",
            arguments: &[X, OPTIONS],
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        (0..inputs.rows)
            .map(|row| Ok(Some(inputs.options(1, row)?.to_string())))
            .collect::<Result<_>>()
            .map(Column::Text)
    }
}

struct Panics;

impl Scalar for Panics {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "panics",
            arguments: &[X],
            ..BASE
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        match inputs.numbers(0)?.get(0) {
            Some(1.0) => Ok(Column::Text(Vec::new())),
            Some(2.0) => Ok(Column::Integer(vec![Some(1); inputs.rows])),
            _ => panic!("on purpose"),
        }
    }
}

/// The first rows of a relation, and how the arguments were understood.
struct Head;

impl Table for Head {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            name: "head",
            aliases: &["head_alias"],
            arguments: &[
                Argument::required("tbl", Kind::Relation, ""),
                Argument::optional("rows", Kind::Integer, "3", ""),
                Argument::optional("order_by", Kind::ColumnNames, "NULL", ""),
            ],
            ..BASE
        };
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let seen = format!(
            "{} / {} / {}",
            call.literal("tbl"),
            call.literal("rows"),
            call.literal("order_by")
        );
        let relation = call.relation()?;
        let rows = call.integer("rows", 1)?;
        let seen = crate::call::quote_text(&seen);
        Ok(format!(
            "SELECT *, {seen} AS seen FROM {relation} LIMIT {rows}"
        ))
    }
}
