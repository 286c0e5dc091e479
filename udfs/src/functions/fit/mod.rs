//! `fit`.

mod model;
mod options;
mod plan;
mod report;
mod rows;
mod sliding;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use self::model::{bytes, fitted};
use self::options::COMMON;
use self::plan::{Plan, Shared};
use self::rows::{chosen_rows, push, push_few, push_finite, push_moments, refuse_unusable, usable};
use self::sliding::SlidingFit;
use crate::definition::{Aggregate, Argument, Category, Kind, OptionKey, Signature, Sliding};
use crate::error::{Error, Result};
use crate::input::{Features, Inputs, Rows};
use crate::models::algorithms::{self, Entry, WayFit};
use crate::models::preparation;
use crate::models::row_store::{Beside, RowStore};
use crate::models::training::is_single;
use crate::models::validation::Recipe;
use crate::options::Options;
use crate::statistics::triangle::Triangle;
use crate::statistics::weighted_moments::WeightedMoments;
use crate::value::{Type, Value};

pub use report::FitReport;

/// See the signature.
pub struct Fit;

/// Of fit and of fit_report.
const ARGUMENTS: &[Argument] = &[
    Argument::required("target", Kind::Number, "what to predict"),
    Argument::required(
        "features",
        Kind::Features,
        "what to predict it from, one field per feature",
    ),
    Argument::optional("options", Kind::Options, "NULL", "see the options"),
    Argument::optional(
        "weight",
        Kind::Number,
        "NULL",
        "how much a row counts, from 0 up; NULL counts as 1",
    ),
    Argument::optional(
        "time",
        Kind::Moment,
        "NULL",
        "when the row is: kept as the model's training window, and what a ranking groups by",
    ),
    Argument::optional(
        "validation",
        Kind::Number,
        "NULL",
        "true for rows that judge when boosting stops and do not train",
    ),
];

static SIGNATURE: Signature = Signature {
    name: "fit",
    aliases: &[],
    category: Category::Fitting,
    arguments: ARGUMENTS,
    options: options::ALL,
    returns: Type::Blob,
    nulls: "A row in which the target is NULL or NaN is left out and counted as skipped, and so is one in which a \
            feature is missing, unless the algorithm learns what to do without it (gbdt, random_forest, extra_trees). \
            Infinity is an error that names the feature. No row left: NULL.",
    docs: "Fits a model to the rows of a group.\n\n\
           Returns the model as bytes for predict, model_info and model_coefficients. `ols` and `ridge` reduce the \
           rows to a triangular factor by Householder QR as they arrive (TSQR, Demmel et al. 2012), in \
           O(features²) space, and never form normal equations: NIST's Longley and Filip problems keep \
           their digits (docs/accuracy.md). Features that repeat others get the solution of least norm, or an error, by the \
           option `collinear`. `pls` needs no more than that factor either, and `lasso` and `elastic_net` no more than \
           the moments of the rows; they minimise what scikit-learn's do, at one penalty, along a path (n_lambdas, see \
           model_path) or at the penalty that folds by time choose (folds). The others keep the rows until the end: \
           `logistic` (two classes; predict_proba), `huber` and `quantile` are linear as well, and `ols` keeps them where \
           `covariance` asks for it; \
           `knn` also in the model; `svr` and `svc` take time that grows with the square of the rows and are meant \
           for some ten thousand. With GROUP BY, one model per group; see fit_report where a group may be unfit.",
    example: "SELECT round(predict(fit(y, {'x': x}), {'x': 4.0}), 6) AS at_four \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t",
};

/// What is kept of the rows, once the features are known.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    setup: Option<Setup>,
    /// Rows that train.
    rows_used: u64,
    /// Rows that judge.
    rows_validating: u64,
    rows_skipped: u64,
    /// The sum of the weights of the rows that train.
    weight: f64,
    window: Window,
}

#[derive(Clone, Serialize, Deserialize)]
struct Setup {
    plan: Shared,
    kept: Kept,
}

#[derive(Clone, Serialize, Deserialize)]
enum Kept {
    Factor(Triangle),
    Rows(RowStore),
    Moments(WeightedMoments),
}

/// From when to when the rows are.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Window {
    bounds: Option<(f64, f64)>,
    calendar: bool,
    /// Rows without a time, where others have one.
    untimed: u64,
}

impl Window {
    fn extend(&mut self, from: f64, to: f64) {
        let (first, last) = self.bounds.unwrap_or((from, to));
        self.bounds = Some((first.min(from), last.max(to)));
    }
}

/// The arguments by place.
const TARGET: usize = 0;
const FEATURES: usize = 1;
const OPTIONS: usize = 2;
const WEIGHT: usize = 3;
const TIME: usize = 4;
const VALIDATION: usize = 5;

impl Aggregate for Fit {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        prepare(state, inputs, rows)?;
        let Some(setup) = &mut state.setup else {
            return Ok(());
        };
        let entry = setup.plan.entry;
        if let Kept::Factor(triangle) = &mut setup.kept
            && !triangle.takes_block(rows.len())
            && inputs.columns.len() <= OPTIONS + 1
        {
            let used = push_few(triangle, setup.plan.intercept, inputs, rows)?;
            state.rows_used += used as u64;
            state.rows_skipped += (rows.len() - used) as u64;
            state.weight += used as f64;
            return Ok(());
        }
        let rest;
        let features = usable(inputs.features(FEATURES)?, entry)?;
        let beside = Beside {
            target: inputs.numbers(TARGET)?,
            weights: inputs.numbers_if_passed(WEIGHT)?,
            times: inputs
                .moments_if_passed(TIME)?
                .map(|moments| &moments.numbers),
            validation: inputs.numbers_if_passed(VALIDATION)?,
        };
        // Whole rows of finite numbers need no second look.
        let rows = match (&mut setup.kept, rows) {
            (Kept::Moments(moments), Rows::All(count))
                if beside.weights.is_none()
                    && beside.validation.is_none()
                    && beside.times.is_none() =>
            {
                let done = push_finite(moments, &beside, &features, count);
                state.rows_used += done as u64;
                state.weight += done as f64;
                rest = (done as u32..count as u32).collect::<Vec<u32>>();
                match done {
                    0 => rows,
                    _ => Rows::Some(&rest),
                }
            }
            _ => rows,
        };
        let chosen = chosen_rows(setup.plan.takes_missing, &beside, &features, rows)?;
        let chosen_count = chosen.as_ref().map_or(rows.len(), Vec::len);
        state.rows_skipped += (rows.len() - chosen_count) as u64;
        let rows = chosen.as_deref().map_or(rows, Rows::Some);
        if let Some(moments) = inputs.moments_if_passed(TIME)? {
            state.window.calendar |= moments.calendar;
            for row in rows.iter() {
                match moments.numbers.get(row) {
                    Some(time) => state.window.extend(time, time),
                    None => state.window.untimed += 1,
                }
            }
        }
        let judges = |row: usize| {
            let validation = beside.validation;
            validation.is_some_and(|marks| marks.get(row).is_some_and(|mark| mark != 0.0))
        };
        let training: Option<Vec<u32>> = beside.validation.map(|_| {
            let training = rows.iter().filter(|&row| !judges(row));
            training.map(|row| row as u32).collect()
        });
        let training = training.as_deref().map_or(rows, Rows::Some);
        state.rows_used += training.len() as u64;
        state.rows_validating += (rows.len() - training.len()) as u64;
        state.weight += match beside.weights {
            None => training.len() as f64,
            Some(weights) => {
                let weights = training.iter().map(|row| weights.get(row).unwrap_or(1.0));
                weights.sum()
            }
        };
        match &mut setup.kept {
            Kept::Factor(triangle) => {
                push(triangle, setup.plan.intercept, &beside, &features, training);
                Ok(())
            }
            Kept::Moments(moments) => {
                push_moments(moments, &beside, &features, training);
                Ok(())
            }
            Kept::Rows(store) => store.update(SIGNATURE.name, &beside, &features, rows),
        }
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        into.rows_used += from.rows_used;
        into.rows_validating += from.rows_validating;
        into.rows_skipped += from.rows_skipped;
        into.weight += from.weight;
        into.window.calendar |= from.window.calendar;
        into.window.untimed += from.window.untimed;
        if let Some((first, last)) = from.window.bounds {
            into.window.extend(first, last);
        }
        match (&mut into.setup, &from.setup) {
            (_, None) => {}
            (Some(into), Some(from)) => match (&mut into.kept, &from.kept) {
                (Kept::Factor(into), Kept::Factor(from)) => into.merge(from),
                (Kept::Moments(into), Kept::Moments(from)) => into.merge(from),
                (Kept::Rows(into), Kept::Rows(from)) => into.merge(from),
                _ => {
                    return Err(Error::data(
                        SIGNATURE.name,
                        "the options differ from row to row; pass constants",
                    ));
                }
            },
            (into, Some(from)) => *into = Some(from.clone()),
        }
        Ok(())
    }

    fn settle(&self, state: &mut State) {
        if let Some(Setup {
            kept: Kept::Rows(store),
            ..
        }) = &mut state.setup
        {
            store.settle();
        }
    }

    fn finish(&self, state: &State) -> Result<Value> {
        match &state.setup {
            Some(setup) if state.rows_used > 0 => Ok(Value::Blob(bytes(
                &setup.plan,
                state,
                &fitted(setup, state)?,
            )?)),
            _ => Ok(Value::Null),
        }
    }

    fn size(&self, state: &State) -> usize {
        state.setup.as_ref().map_or(0, |setup| match &setup.kept {
            Kept::Factor(triangle) => triangle.size(),
            Kept::Moments(moments) => moments.size(),
            Kept::Rows(store) => store.size(),
        })
    }

    fn keeps_rows(&self, options: &Json) -> bool {
        keeps_rows(options)
    }

    fn sliding(&self, inputs: &Inputs<'_>) -> Result<Option<Box<dyn Sliding>>> {
        let window = SlidingFit::new(inputs)?;
        Ok(window.map(|window| Box::new(window) as Box<dyn Sliding>))
    }
}

/// Whether a fit with these options keeps the rows until the end.
fn keeps_rows(options: &Json) -> bool {
    let Ok((entry, options)) = checked_options(options) else {
        return false;
    };
    let prepares = !preparation::Choice::of(&options).is_none();
    prepares
        || matches!(entry, Entry::Rows(_))
        || matches!(entry.way(&options), Some(WayFit::Rows(_)))
}

/// Reads the options where that has not been done.
///
/// # Errors
/// Options and types of features that no row can mend.
fn prepare(state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let features = inputs.features(FEATURES)?;
    if state.setup.is_none() {
        let setup = Setup::new(features, inputs.options(OPTIONS, first)?)?;
        refuse_unusable(features, setup.plan.entry)?;
        state.setup = Some(setup);
    }
    Ok(())
}

impl Setup {
    fn new(features: &Features<'_>, given: Json) -> Result<Self> {
        let plan = Plan::of(features, given)?;
        let width = features.fields.len() + 1;
        let rows = || RowStore::new(is_single(&plan.options));
        let kept = match (plan.entry, plan.entry.way(&plan.options)) {
            // What is done to features is learnt when all rows are there.
            _ if plan.prepares => Kept::Rows(rows()),
            (Entry::Rows(_), _) | (_, Some(WayFit::Rows(_))) => Kept::Rows(rows()),
            (_, Some(WayFit::Moments(_))) => {
                Kept::Moments(WeightedMoments::new(width, plan.intercept))
            }
            (_, None) => Kept::Factor(Triangle::new(width + usize::from(plan.intercept))),
        };
        Ok(Self {
            plan: Shared(plan),
            kept,
        })
    }
}

/// The algorithm of options of `fit`, and the options with their defaults.
///
/// # Errors
/// Unknown options, those of another algorithm, and values out of range.
pub fn checked_options(given: &Json) -> Result<(Entry, Options)> {
    let options = Options::parse(&SIGNATURE, given)?;
    let entry = entry(options.text("algorithm"))?;
    refuse_foreign_options(entry, given)?;
    preparation::steps(&options)?;
    Ok((entry, options))
}

/// The declarations of the options of `fit`.
pub fn keys() -> &'static [OptionKey] {
    options::ALL
}

/// What these options of `fit` ask for, for fits of rows that are at hand.
///
/// # Errors
/// As [`checked_options`].
pub fn recipe(given: &Json) -> Result<Recipe> {
    let (entry, options) = checked_options(given)?;
    Ok(Recipe {
        entry,
        options,
        recorded: [COMMON, entry.options()].concat(),
    })
}

fn entry(algorithm: &str) -> Result<Entry> {
    algorithms::named(algorithm)
        .ok_or_else(|| Error::internal(SIGNATURE.name, format!("no algorithm {algorithm}")))
}

/// An option of another algorithm is a mistake: it would change nothing.
fn refuse_foreign_options(entry: Entry, given: &Json) -> Result<()> {
    let Json::Object(given) = given else {
        return Ok(());
    };
    let own = |name: &str| COMMON.contains(&name) || entry.options().contains(&name);
    let foreign = |(name, value): &(&String, &Json)| !value.is_null() && !own(name);
    let Some((name, value)) = given.iter().find(foreign) else {
        return Ok(());
    };
    let readers = algorithms::ALL
        .iter()
        .filter(|other| other.options().contains(&name.as_str()));
    let readers: Vec<&str> = readers.map(|other| other.name()).collect();
    Err(Error::argument(
        SIGNATURE.name,
        name,
        value,
        format!(
            "{} does not read it ({} does); {} takes {}",
            entry.name(),
            readers.join(", "),
            entry.name(),
            entry.options().join(", "),
        ),
    ))
}
