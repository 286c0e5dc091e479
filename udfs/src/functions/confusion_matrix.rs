//! `confusion_matrix` and the aggregate behind it.

use serde::{Deserialize, Serialize};

use super::feature_rows::unnested;
use super::metrics::classification::refuse_scores;
use crate::call::{Call, Literal, quote_name};
use crate::definition::{
    Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature, Table,
};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::statistics::confusion::Confusion;
use crate::value::{Column, Type, Value};

const NAME: &str = "confusion_matrix";
const AGGREGATE: &str = "lagrange_confusion_matrix";

/// More classes than this make no table.
const MOST_CLASSES: usize = 1000;

/// See the signature.
pub struct ConfusionMatrix;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Evaluation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "a row per prediction"),
        Argument::required("actual", Kind::ColumnName, "the class that was: any number"),
        Argument::required(
            "predicted",
            Kind::ColumnName,
            "the class that was predicted; with `threshold` the probability of 1",
        ),
        Argument::optional(
            "threshold",
            Kind::Double,
            "NULL",
            "`predicted` is a probability, and 1 is predicted where it is at least this, 0 to 1",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row in which either is NULL or NaN is counted in `rows_skipped`. Infinity is an error. A relation without rows \
            gives none.",
    docs: "How often each class was predicted as which.\n\n\
           Returns a row per pair of classes, those that never met included, by ascending class: `actual`, `predicted` \
           (DOUBLE), `rows` (BIGINT), `share` (of all rows), `share_of_actual` (of the rows of the actual class: recall where \
           both are equal), `share_of_predicted` (of the rows predicted so: precision where both are equal; both NULL where \
           there are none), `rows_used`, `rows_skipped` (BIGINT) and `status` (VARCHAR). The classes are those of either \
           side; scikit-learn's confusion_matrix, with normalize all, true and pred. Without a complete row there is one row \
           without classes whose status says so. More than 10,000 pairs or 1,000 classes are an error: pass a threshold, or cut them into fewer. \
           Memory does not grow with rows.",
    example: "SELECT actual, predicted, rows, round(share_of_actual, 6) AS recall FROM confusion_matrix(\
              '(SELECT i % 2 AS was, CASE WHEN i % 5 < 2 THEN 1 ELSE 0 END AS said FROM range(20) r(i))', 'was', 'said') \
              ORDER BY actual, predicted",
};

impl Table for ConfusionMatrix {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let column = |name: &str| {
            let column = call.column(name)?;
            let column =
                column.ok_or_else(|| Error::argument(NAME, name, "NULL", "pass a column name"))?;
            Ok(quote_name(&column))
        };
        let options = match call.literal("threshold") {
            Literal::Null => "{'threshold': NULL}".to_owned(),
            _ => format!("{{'threshold': {:?}}}", call.double("threshold", 0.0, 1.0)?),
        };
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        Ok(unnested(
            &fields,
            &format!(
                "{AGGREGATE}({}, {}, {options})",
                column("actual")?,
                column("predicted")?
            ),
            &format!("{} AS lagrange_rows", call.relation()?),
        ))
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("actual", Type::Double),
    ("predicted", Type::Double),
    ("rows", Type::Integer),
    ("share", Type::Double),
    ("share_of_actual", Type::Double),
    ("share_of_predicted", Type::Double),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("status", Type::Text),
];

/// See the signature.
pub struct LagrangeConfusionMatrix;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("actual", Kind::Number, "the class that was"),
        Argument::required("predicted", Kind::Number, "the class that was predicted"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[OptionKey {
        name: "threshold",
        accepts: Accepts::Number(0.0, 1.0),
        default: "null",
        docs: "from which probability on 1 is predicted",
    }],
    returns: Type::Rows(FIELDS),
    nulls: "See confusion_matrix. No row: NULL.",
    docs: "The rows of confusion_matrix.\n\nMemory does not grow with rows.",
    example: "SELECT unnest(lagrange_confusion_matrix(i % 2, i % 3, {'threshold': NULL})) AS row FROM range(6) r(i)",
};

/// What has been seen.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    confusion: Confusion,
    skipped: u64,
    /// Once there was a row.
    setup: Option<Setup>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Setup {
    threshold: Option<f64>,
}

impl Setup {
    /// The class that a prediction stands for.
    fn class(self, predicted: f64) -> Result<f64> {
        match self.threshold {
            None => Ok(predicted),
            Some(least) if (0.0..=1.0).contains(&predicted) => {
                Ok(f64::from(u8::from(predicted >= least)))
            }
            Some(_) => Err(Error::argument(
                NAME,
                "predicted",
                predicted,
                "pass probabilities from 0 to 1, or no threshold",
            )),
        }
    }
}

impl Aggregate for LagrangeConfusionMatrix {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let setup = match state.setup {
            Some(setup) => setup,
            None => {
                let options = Options::parse(&AGGREGATE_SIGNATURE, &inputs.options(2, first)?)?;
                let threshold = options.number_or("threshold", f64::NAN);
                Setup {
                    threshold: (!threshold.is_nan()).then_some(threshold),
                }
            }
        };
        state.setup = Some(setup);
        let (actual, predicted) = (inputs.numbers(0)?, inputs.numbers(1)?);
        for row in rows.iter() {
            let (Some(a), Some(p)) = (actual.get(row), predicted.get(row)) else {
                state.skipped += 1;
                continue;
            };
            for (name, value) in [("actual", a), ("predicted", p)] {
                if value.is_infinite() {
                    let fix = "filter or replace infinite values (NULL is missing)";
                    return Err(Error::argument(NAME, name, value, fix));
                }
            }
            state.confusion.add(a, setup.class(p)?, 1);
            refuse_scores(NAME, &state.confusion, p)?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        into.setup = into.setup.or(from.setup);
        into.skipped += from.skipped;
        for (a, p, count) in from.confusion.pairs() {
            into.confusion.add(a, p, count);
            refuse_scores(NAME, &into.confusion, p)?;
        }
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        match state.setup {
            Some(_) => matrix(state),
            None => Ok(Value::Null),
        }
    }

    fn size(&self, state: &State) -> usize {
        state.confusion.distinct() * 3 * size_of::<u64>()
    }
}

/// A row of the table.
#[derive(Default)]
struct Cell {
    actual: Option<f64>,
    predicted: Option<f64>,
    rows: u64,
    /// Rows of its actual and of its predicted class.
    of_actual: u64,
    of_predicted: u64,
}

fn matrix(state: &State) -> Result<Value> {
    let confusion = &state.confusion;
    let classes = confusion.classes();
    if classes.len() > MOST_CLASSES {
        return Err(Error::data(
            NAME,
            format!(
                "there are {} classes, more than {MOST_CLASSES}; cut them into fewer",
                classes.len()
            ),
        ));
    }
    let place = |class: f64| classes.partition_point(|known| *known < class);
    let mut sides = vec![(0, 0); classes.len()];
    for (actual, predicted, count) in confusion.pairs() {
        sides[place(actual)].0 += count;
        sides[place(predicted)].1 += count;
    }
    let cell = |actual: usize, predicted: usize| Cell {
        actual: Some(classes[actual]),
        predicted: Some(classes[predicted]),
        rows: confusion.count(classes[actual], classes[predicted]),
        of_actual: sides[actual].0,
        of_predicted: sides[predicted].1,
    };
    let mut cells: Vec<Cell> = (0..classes.len())
        .flat_map(|actual| (0..classes.len()).map(move |predicted| (actual, predicted)))
        .map(|(actual, predicted)| cell(actual, predicted))
        .collect();
    if cells.is_empty() {
        cells.push(Cell::default());
    }
    let used = confusion.rows();
    let shares = |whole: &dyn Fn(&Cell) -> u64| {
        let share = |cell: &Cell| {
            let whole = whole(cell);
            (whole > 0).then(|| cell.rows as f64 / whole as f64)
        };
        Column::Double(cells.iter().map(share).collect())
    };
    let whole = |count: u64| Column::Integer(vec![Some(count as i64); cells.len()]);
    let status = match classes.len() {
        0 => "no complete row",
        1 => "one class only",
        _ => "ok",
    };
    Ok(Value::Rows(vec![
        Column::Double(cells.iter().map(|cell| cell.actual).collect()),
        Column::Double(cells.iter().map(|cell| cell.predicted).collect()),
        Column::Integer(cells.iter().map(|cell| Some(cell.rows as i64)).collect()),
        shares(&|_| used),
        shares(&|cell| cell.of_actual),
        shares(&|cell| cell.of_predicted),
        whole(used),
        whole(state.skipped),
        Column::Text(vec![Some(status.to_owned()); cells.len()]),
    ]))
}
