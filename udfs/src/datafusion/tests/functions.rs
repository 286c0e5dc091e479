//! Functions that show what reaches a kernel.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Target, quote_name};
use crate::definition::{Aggregate, Argument, Category, Function, Kind, Scalar, Signature, Table};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::value::{Column, Type, Value};

pub static ALL: &[Function] = &[
    Function::Scalar(&Plus),
    Function::Scalar(&Describe),
    Function::Scalar(&BlobLabel),
    Function::Scalar(&Parts),
    Function::Scalar(&Fail),
    Function::Aggregate(&Total),
    Function::Aggregate(&Sums),
    Function::Table(&Pick),
];

const fn signature(
    name: &'static str,
    category: Category,
    arguments: &'static [Argument],
    returns: Type,
) -> Signature {
    Signature {
        name,
        aliases: &[],
        category,
        arguments,
        options: &[],
        returns,
        nulls: "",
        docs: "",
        example: "",
    }
}

/// `x + y`, the plainest scalar.
struct Plus;

impl Scalar for Plus {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = Signature {
            aliases: &["t_add"],
            ..signature(
                "t_plus",
                Category::Evaluation,
                &[
                    Argument::required("x", Kind::Number, ""),
                    Argument::optional("y", Kind::Number, "0", ""),
                ],
                Type::Double,
            )
        };
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let x = inputs.numbers(0)?;
        assert_eq!(x.len(), inputs.rows);
        let y = |row| match inputs.columns.len() {
            1 => Ok(Some(0.0)),
            _ => inputs.numbers(1).map(|y| y.get(row)),
        };
        (0..inputs.rows)
            .map(|row| Ok(x.get(row).zip(y(row)?).map(|(x, y)| x + y)))
            .collect::<Result<_>>()
            .map(Column::Double)
    }
}

/// Every field of a struct and the options, as text.
struct Describe;

impl Scalar for Describe {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_describe",
            Category::Evaluation,
            &[
                Argument::required("features", Kind::Features, ""),
                Argument::optional("options", Kind::Options, "NULL", ""),
            ],
            Type::Text,
        );
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let features = inputs.features(0)?;
        let mut column = Vec::with_capacity(inputs.rows);
        for row in 0..inputs.rows {
            let mut text = String::new();
            for field in &features.fields {
                let _ = match &field.numbers {
                    None => write!(text, "{}:{} ", field.name, field.type_name),
                    Some(numbers) => match numbers.get(row) {
                        Some(value) => write!(text, "{}={value} ", field.name),
                        None => write!(text, "{}=? ", field.name),
                    },
                };
            }
            let _ = write!(text, "{}", inputs.options(1, row)?);
            column.push(Some(text));
        }
        Ok(Column::Text(column))
    }
}

/// The length of a blob and a label; NULL where the blob is. Where the label
/// is `same`, whether all rows share the bytes of the blob.
struct BlobLabel;

impl Scalar for BlobLabel {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_blob",
            Category::Evaluation,
            &[
                Argument::required("model", Kind::Blob, ""),
                Argument::required("label", Kind::Text, ""),
            ],
            Type::Text,
        );
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let blobs = inputs.bytes(0)?;
        let first = blobs[0];
        let shared = blobs.iter().all(|blob| match (blob, first) {
            (Some(blob), Some(first)) => std::ptr::eq(*blob, first),
            _ => false,
        });
        let labels = inputs.bytes(1)?;
        let texts = blobs.iter().zip(labels).map(|(blob, label)| {
            let label = label.map_or("?".into(), String::from_utf8_lossy);
            match (blob, label.as_ref()) {
                (_, "same") => Some(format!("shared: {shared}")),
                (Some(blob), _) => Some(format!("{label}:{}", blob.len())),
                (None, _) => None,
            }
        });
        Ok(Column::Text(texts.collect()))
    }
}

/// A value of every type, nested; NULL where x is.
struct Parts;

const PARTS: &[(&str, Type)] = &[
    ("number", Type::Double),
    ("whole", Type::Integer),
    ("flag", Type::Boolean),
    ("text", Type::Text),
    ("bytes", Type::Blob),
    (
        "table",
        Type::Rows(&[("i", Type::Integer), ("x", Type::Double)]),
    ),
];

impl Scalar for Parts {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_parts",
            Category::Evaluation,
            &[Argument::required("x", Kind::Number, "")],
            Type::Struct(PARTS),
        );
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let x = inputs.numbers(0)?;
        let parts = (0..inputs.rows).map(|row| match x.get(row) {
            None => Value::Null,
            Some(x) => Value::Struct(vec![
                Value::Double(x / 2.0),
                Value::Integer(x as i64),
                Value::Boolean(x > 1.0),
                Value::Text(format!("x{x}")),
                if x > 1.0 {
                    Value::Blob(vec![x as u8])
                } else {
                    Value::Null
                },
                Value::Rows(vec![
                    Column::Integer((0..x as i64).map(Some).collect()),
                    Column::Double((0..x as i64).map(|i| (i > 0).then_some(x)).collect()),
                ]),
            ]),
        });
        Ok(Column::Nested(parts.collect()))
    }
}

/// Raises an error whose text is the message; panics when that is `panic`.
struct Fail;

impl Scalar for Fail {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_fail",
            Category::Internal,
            &[Argument::required("message", Kind::Text, "")],
            Type::Boolean,
        );
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let message = inputs.bytes(0)?[0].map_or("?".into(), String::from_utf8_lossy);
        assert_ne!(message, "panic", "as asked");
        Err(Error::data("t_fail", message))
    }
}

/// The sum of a column; an error at infinity, a panic at -1e9.
struct Total;

impl Aggregate for Total {
    type State = (f64, u64);

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_total",
            Category::Evaluation,
            &[Argument::required("x", Kind::Number, "")],
            Type::Double,
        );
        &SIGNATURE
    }

    fn start(&self) -> Self::State {
        (0.0, 0)
    }

    fn update(&self, state: &mut Self::State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let numbers = inputs.numbers(0)?;
        for x in rows.iter().filter_map(|row| numbers.get(row)) {
            assert_ne!(x, -1e9, "as asked");
            if x.is_infinite() {
                return Err(Error::data("t_total", "x is infinite; leave out such rows"));
            }
            state.0 += x;
            state.1 += 1;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        into.0 += from.0;
        into.1 += from.1;
        Ok(())
    }

    fn finish(&self, state: &Self::State) -> Result<Value> {
        Ok((state.1 > 0).then_some(state.0).into())
    }

    fn size(&self, _state: &Self::State) -> usize {
        size_of::<Self::State>()
    }
}

/// A row per feature: its name, rows seen, rows that miss it, sum, options.
struct Sums;

#[derive(Default, Serialize, Deserialize)]
struct SumsState {
    features: Vec<(String, i64, i64, f64)>,
    options: String,
}

impl Aggregate for Sums {
    type State = SumsState;

    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_sums",
            Category::Evaluation,
            &[
                Argument::required("features", Kind::Features, ""),
                Argument::optional("options", Kind::Options, "NULL", ""),
            ],
            Type::Rows(&[
                ("feature", Type::Text),
                ("rows", Type::Integer),
                ("missing", Type::Integer),
                ("total", Type::Double),
                ("options", Type::Text),
            ]),
        );
        &SIGNATURE
    }

    fn start(&self) -> SumsState {
        SumsState::default()
    }

    fn update(&self, state: &mut SumsState, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let features = inputs.features(0)?;
        let numbers = features.numeric("t_sums")?;
        if state.features.is_empty() {
            let names = features.names();
            state.features = names.map(|name| (name.to_owned(), 0, 0, 0.0)).collect();
            state.options = inputs.options(1, first)?.to_string();
        }
        let mut column = Vec::new();
        for (sum, numbers) in state.features.iter_mut().zip(numbers) {
            column.clear();
            numbers.copy_rows(rows, &mut column);
            sum.1 += column.len() as i64;
            sum.2 += column.iter().filter(|x| x.is_nan()).count() as i64;
            sum.3 += column.iter().filter(|x| !x.is_nan()).sum::<f64>();
        }
        Ok(())
    }

    fn merge(&self, into: &mut SumsState, from: &SumsState) -> Result<()> {
        if into.features.is_empty() {
            into.features.clone_from(&from.features);
            into.options.clone_from(&from.options);
            return Ok(());
        }
        for (into, from) in into.features.iter_mut().zip(&from.features) {
            into.1 += from.1;
            into.2 += from.2;
            into.3 += from.3;
        }
        Ok(())
    }

    fn finish(&self, state: &SumsState) -> Result<Value> {
        let features = &state.features;
        Ok(Value::Rows(vec![
            Column::Text(features.iter().map(|f| Some(f.0.clone())).collect()),
            Column::Integer(features.iter().map(|f| Some(f.1)).collect()),
            Column::Integer(features.iter().map(|f| Some(f.2)).collect()),
            Column::Double(features.iter().map(|f| Some(f.3)).collect()),
            Column::Text(
                features
                    .iter()
                    .map(|_| Some(state.options.clone()))
                    .collect(),
            ),
        ]))
    }

    fn size(&self, state: &SumsState) -> usize {
        size_of_val(state) + state.features.capacity() * 64
    }
}

/// The numeric columns of a relation, or the given ones, times each of `times`.
struct Pick;

impl Table for Pick {
    fn signature(&self) -> &'static Signature {
        static SIGNATURE: Signature = signature(
            "t_pick",
            Category::Alignment,
            &[
                Argument::required("relation", Kind::Relation, ""),
                Argument::optional("times", Kind::Integers, "1", ""),
                Argument::optional("columns", Kind::ColumnNames, "NULL", ""),
            ],
            Type::Double,
        );
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let Target::DataFusion(known) = call.target() else {
            return Err(Error::internal("t_pick", "only DataFusion"));
        };
        let columns = call.columns("columns")?.unwrap_or_else(|| {
            let numeric = known.iter().filter(|column| column.numeric);
            numeric.map(|column| column.name.clone()).collect()
        });
        let mut items = Vec::new();
        for column in &columns {
            for times in call.integers("times", 1)? {
                assert_ne!(times, 13, "as asked");
                let name = quote_name(&format!("{column}_{times}"));
                items.push(format!("{} * {times} AS {name}", quote_name(column)));
            }
        }
        Ok(format!(
            "SELECT {} FROM {}",
            items.join(", "),
            call.relation()?
        ))
    }
}
