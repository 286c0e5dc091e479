//! `lagrange_time_folds`: the kernel of `time_folds`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::time_folds::NAME;
use serde_json::Value as Json;

use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Numbers, Rows};
use crate::options::Options;
use crate::time::labels::{Labels, packed};
use crate::time::roles::{Interval, Role, Roles};
use crate::time::schemes::{
    FOLDS, Split, Walk, combinatorial, holdout, k_fold, shares, walk_forward,
};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct LagrangeTimeFolds;

const fn size(name: &'static str, docs: &'static str) -> OptionKey {
    OptionKey {
        name,
        accepts: Accepts::Integer(0, u32::MAX as i64),
        default: "0",
        docs,
    }
}

const fn share(name: &'static str, docs: &'static str) -> OptionKey {
    OptionKey {
        name,
        accepts: Accepts::Number(0.0, 1.0),
        default: "0",
        docs,
    }
}

/// What the aggregate returns, in order.
pub const FIELDS: &[(&str, Type)] = &[
    ("fold", Type::Integer),
    ("path", Type::Integer),
    ("segment", Type::Integer),
    ("role", Type::Text),
    ("reason", Type::Text),
    ("first_start", Type::Integer),
    ("last_start", Type::Integer),
    ("first_end", Type::Integer),
    ("last_end", Type::Integer),
    ("rows", Type::Integer),
    ("found_first", Type::Integer),
    ("found_last", Type::Integer),
    ("found_end", Type::Integer),
];

static SIGNATURE: Signature = Signature {
    name: "lagrange_time_folds",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required(
            "start",
            Kind::Number,
            "the position of the row's time among the distinct times, from 1",
        ),
        Argument::required(
            "stop",
            Kind::Number,
            "how many distinct times are not after the end of its label; 0: not known",
        ),
        Argument::required(
            "reach",
            Kind::Number,
            "how many distinct times an embargo after the label covers; NULL: as the options say",
        ),
        Argument::required(
            "part",
            Kind::Number,
            "of a hold-out by time: 0 training, 1 validation, 2 test; NULL: by share",
        ),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "scheme",
            accepts: Accepts::Choice(&["walk_forward", "purged_kfold", "cpcv", "holdout"]),
            default: "\"walk_forward\"",
            docs: "how time is cut",
        },
        size("folds", "how many folds; 0: the sizes or the scheme say"),
        size("tested", "segments that a fold of cpcv tests"),
        size(
            "train_size",
            "distinct times of the first training; 0: the rest",
        ),
        size("test_size", "distinct times of a test; 0: equal parts"),
        size("step", "distinct times between tests; 0: those of a test"),
        size("gap", "distinct times between training and test"),
        OptionKey {
            name: "rolling",
            accepts: Accepts::Flag,
            default: "false",
            docs: "whether training forgets",
        },
        size("embargo", "distinct times"),
        share("embargo_share", "of the distinct times, rounded up"),
        share("validation_share", "of the distinct times"),
        share("test_share", "of the distinct times"),
    ],
    returns: Type::Rows(FIELDS),
    nulls: "A row without start is an error. No row: NULL.",
    docs: "The rows of time_folds, as bounds of positions.\n\n\
           A row does what the interval says whose bounds hold its `start` and its `stop`; each row is in one interval \
           of each fold. `found_first`, `found_last` and `found_end` are the bounds of the rows that there are. Keeps \
           8 bytes per row and 4 per distinct time.",
    example: "SELECT unnest(lagrange_time_folds(i, i + 1, NULL, NULL, {'scheme': 'purged_kfold', 'folds': 3})) AS row \
              FROM range(1, 10) t(i)",
};

/// The labels of the rows.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// The options as JSON text, once there is a row.
    options: Option<String>,
    /// As [`packed`].
    rows: Vec<u64>,
    /// Of each position, the furthest reach of the rows there; empty if there is
    /// none.
    reaches: Vec<u32>,
    /// The first positions of validation and of the test, 0 for none.
    validation: u32,
    test: u32,
}

impl State {
    fn reach(&mut self, start: u32, reach: u32) {
        let at = start as usize;
        if self.reaches.len() <= at {
            self.reaches.resize(at + 1, 0);
        }
        self.reaches[at] = self.reaches[at].max(reach);
    }

    fn part(&mut self, start: u32, part: u32) {
        let first = match part {
            0 => return,
            1 => &mut self.validation,
            _ => &mut self.test,
        };
        if *first == 0 || start < *first {
            *first = start;
        }
    }
}

impl Aggregate for LagrangeTimeFolds {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        if state.options.is_none() {
            let options = Options::parse(&SIGNATURE, &inputs.options(4, first)?)?;
            state.options = Some(options.to_json().to_string());
        }
        let (start, stop) = (inputs.numbers(0)?, inputs.numbers(1)?);
        let (reach, part) = (inputs.numbers(2)?, inputs.numbers(3)?);
        state.rows.reserve(rows.len());
        for row in rows.iter() {
            let from = position(start, row)?.filter(|from| *from > 0);
            let from = from.ok_or_else(|| Error::internal(NAME, "a row has no position"))?;
            let to = position(stop, row)?.unwrap_or_default();
            state.rows.push(packed(from, to));
            if let Some(reach) = position(reach, row)? {
                state.reach(from, reach);
            }
            if let Some(part) = position(part, row)? {
                state.part(from, part);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
        }
        into.rows.extend_from_slice(&from.rows);
        for (start, &reach) in from.reaches.iter().enumerate() {
            into.reach(start as u32, reach);
        }
        for (first, part) in [(from.validation, 1), (from.test, 2)] {
            if first > 0 {
                into.part(first, part);
            }
        }
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(options) = &state.options else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(NAME, error.to_string()))?;
        let options = Options::parse(&SIGNATURE, &given)?;
        let labels = Labels::new(state.rows.clone(), embargo(state, &options));
        if labels.times().is_empty() {
            return Err(Error::data(
                NAME,
                "no label has a known end; the horizon is longer than the data",
            ));
        }
        let splits = splits(state, &options, labels.times())?;
        let folds: Vec<Vec<Interval>> = splits
            .par_iter()
            .map(|split| Roles::new(split, &labels).intervals(&labels))
            .collect();
        for (i, intervals) in folds.iter().enumerate() {
            refuse_empty(i + 1, intervals)?;
        }
        Ok(to_rows(&folds))
    }

    fn size(&self, state: &State) -> usize {
        state.rows.capacity() * size_of::<u64>() + state.reaches.capacity() * size_of::<u32>()
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

/// A count; a double holds it exactly.
fn position(numbers: &Numbers<'_>, row: usize) -> Result<Option<u32>> {
    match numbers.get(row) {
        None => Ok(None),
        Some(value) if value >= 0.0 && value < f64::from(u32::MAX) && value.fract() == 0.0 => {
            Ok(Some(value as u32))
        }
        Some(value) => Err(Error::data(
            NAME,
            format!("{value} is no position; at most {} times fit", u32::MAX - 1),
        )),
    }
}

/// How far the embargo of labels reaches.
fn embargo(state: &State, options: &Options) -> impl Fn(u32, u32) -> u32 {
    let times = state.rows.iter().map(|row| (row >> 32) as u32).max();
    let share = options.number("embargo_share") * f64::from(times.unwrap_or_default());
    // A product that rounding has lifted above a whole number is that number.
    let times = (share * (1.0 - 4.0 * f64::EPSILON)).ceil() as u32;
    let times = times.max(options.integer("embargo") as u32);
    let reaches = state.reaches.clone();
    move |start, end| {
        let reach = reaches.get(start as usize).copied().unwrap_or_default();
        reach.max(end.saturating_add(times))
    }
}

fn splits(state: &State, options: &Options, times: &[u32]) -> Result<Vec<Split>> {
    let count = |name: &str| match options.integer(name) {
        0 => None,
        count => Some(count as usize),
    };
    let folds = count("folds");
    let cut = match options.text("scheme") {
        "purged_kfold" => Ok(k_fold(times, folds.unwrap_or(FOLDS))),
        "cpcv" => combinatorial(times, folds.unwrap_or(6), count("tested").unwrap_or(2)),
        "holdout" if state.test > 0 || state.validation > 0 => {
            let validation = (state.validation > 0).then_some(state.validation);
            match state.test {
                0 => Err("no row lies in the test".to_owned()),
                test => holdout(times, validation, test),
            }
        }
        "holdout" => shares(
            times,
            options.number("validation_share"),
            options.number("test_share"),
        )
        .and_then(|(validation, test)| holdout(times, validation, test)),
        _ => walk_forward(
            times,
            &Walk {
                folds,
                train: count("train_size"),
                test: count("test_size"),
                step: count("step"),
                gap: options.integer("gap") as usize,
                rolling: options.flag("rolling"),
            },
        ),
    };
    let splits = cut.map_err(|message| Error::data(NAME, message))?;
    let wanted = match options.text("scheme") {
        "cpcv" | "holdout" => 1,
        "walk_forward" if count("test_size").is_some() => 1,
        _ => folds.unwrap_or(FOLDS),
    };
    if splits.len() < wanted {
        return Err(Error::data(
            NAME,
            format!(
                "{wanted} folds need more distinct times with a label than the {} there are",
                times.len()
            ),
        ));
    }
    Ok(splits)
}

/// A fold without training or test rows is no fold.
fn refuse_empty(fold: usize, intervals: &[Interval]) -> Result<()> {
    let rows = |role: Role| -> u64 {
        let of = intervals.iter().filter(|i| i.does.role == role);
        of.map(|i| i.rows).sum()
    };
    for (role, what) in [(Role::Train, "training"), (Role::Test, "test")] {
        if rows(role) == 0 {
            return Err(Error::data(
                NAME,
                format!(
                    "fold {fold} has no {what} row: {} rows are purged, {} embargoed, {} unused; take fewer folds, a \
                     shorter horizon, gap or embargo, or more data",
                    rows(Role::Purged),
                    rows(Role::Embargoed),
                    rows(Role::Unused),
                ),
            ));
        }
    }
    Ok(())
}

/// The intervals as columns, in the order of the fields.
fn to_rows(folds: &[Vec<Interval>]) -> Value {
    let each = || {
        let numbered = folds.iter().enumerate();
        numbered.flat_map(|(fold, list)| list.iter().map(move |interval| (fold, interval)))
    };
    let integer = |get: fn(&Interval) -> Option<u64>| {
        Column::Integer(
            each()
                .map(|(_, i)| get(i).map(|value| value as i64))
                .collect(),
        )
    };
    let text = |get: fn(&Interval) -> Option<&'static str>| {
        Column::Text(each().map(|(_, i)| get(i).map(str::to_owned)).collect())
    };
    Value::Rows(vec![
        Column::Integer(each().map(|(fold, _)| Some(fold as i64 + 1)).collect()),
        integer(|i| i.does.path.map(u64::from)),
        integer(|i| i.does.segment.map(u64::from)),
        text(|i| Some(i.does.role.name())),
        text(|i| i.does.reason),
        integer(|i| Some(i.starts.0.into())),
        integer(|i| Some(i.starts.1.into())),
        integer(|i| Some(i.ends.0.into())),
        integer(|i| Some(i.ends.1.into())),
        integer(|i| Some(i.rows)),
        integer(|i| Some(i.found.0.into())),
        integer(|i| Some(i.found.1.into())),
        integer(|i| (i.latest > 0).then_some(i.latest.into())),
    ])
}
