//! `partial_dependence`, `accumulated_local_effects` and the aggregate behind
//! both.

use serde::{Deserialize, Serialize};

use super::feature_correlation::struct_of;
use super::feature_rows::unnested;
use super::predict_proba::{class_of, no_classes};
use serde_json::Value as Json;

use crate::call::{Call, Literal, Target, quote_text, relation_sql};
use crate::definition::{
    Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature, Table,
};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::models::Model;
use crate::models::dependence::{Point, Sample, response};
use crate::options::Options;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct PartialDependence;

/// See the signature.
pub struct AccumulatedLocalEffects;

/// See the signature.
pub struct Dependence;

/// The columns of the rows, in order.
const FIELDS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("value", Type::Double),
    ("category", Type::Text),
    ("effect", Type::Double),
    ("rows_used", Type::Integer),
];

const TBL: Argument = Argument::required(
    "tbl",
    Kind::Relation,
    "rows that have the model's features as columns; others are ignored",
);

const MODEL: Argument = Argument::required(
    "model",
    Kind::Relation,
    "a relation of one row whose column `model` is the model",
);

const FEATURE: Argument = Argument::required("feature", Kind::Text, "a feature of the model");

const CLASS: Argument = Argument::optional(
    "class",
    Kind::Double,
    "NULL",
    "of a model that tells classes apart, the value of the target whose probability is meant; NULL: the largest",
);

static PARTIAL_DEPENDENCE: Signature = Signature {
    name: "partial_dependence",
    aliases: &[],
    category: Category::Importance,
    arguments: &[
        TBL,
        MODEL,
        FEATURE,
        Argument::optional(
            "grid",
            Kind::Integer,
            "20",
            "values of the feature at most, from 2",
        ),
        CLASS,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row that the model cannot predict, because a feature is NULL or NaN that it cannot do without, is left out. \
            The grid has no missing value. Infinity is an error.",
    docs: "The mean prediction of all rows if a feature had a certain value.\n\n\
           Returns a row per value of the grid, ascending: `feature` (VARCHAR), `value` (DOUBLE, NULL of text), `category` \
           (VARCHAR, NULL of numbers), `effect` (DOUBLE, the mean prediction, or probability of the class) and `rows_used` \
           (BIGINT) that were averaged. The grid is every value that occurs, or quantiles at equal steps from the least to \
           the greatest if there are more than `grid`; of text, every category that the model knows. Friedman, Greedy \
           function approximation, Annals of Statistics 29 (2001), section 8.2, by brute force: rows times grid \
           predictions. Features that correlate make rows that cannot occur; see accumulated_local_effects. Keeps 8 bytes \
           per value.",
    example: "SELECT value, round(effect, 6) AS effect FROM partial_dependence(\
              '(SELECT i AS a, i % 3 AS b FROM range(9) r(i))', \
              '(SELECT fit(2 * i + i % 3, {''a'': i, ''b'': i % 3}) AS model FROM range(9) r(i))', 'a', 3) ORDER BY value",
};

static ACCUMULATED: Signature = Signature {
    name: "accumulated_local_effects",
    aliases: &["ale"],
    category: Category::Importance,
    arguments: &[
        TBL,
        MODEL,
        FEATURE,
        Argument::optional("intervals", Kind::Integer, "20", "intervals at most"),
        CLASS,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row without the feature is left out, and so is one that the model cannot predict. Infinity is an error.",
    docs: "How predictions change along a feature, among rows that have such values.\n\n\
           The feature's values are cut at quantiles (linear interpolation). Across each interval, the predictions of the \
           rows within it change by a mean; these changes are added up and their mean over the rows is subtracted. Returns \
           a row per end of an interval, ascending: `feature` (VARCHAR), `value` (DOUBLE), `category` (VARCHAR, always \
           NULL), `effect` (DOUBLE, in units of the prediction or of the probability of the class) and `rows_used` (BIGINT) in \
           the interval that ends there, 0 of the first. Unlike partial dependence it moves no row to where there are \
           none. Apley and Zhu, Visualizing the effects of predictor variables in black box supervised learning models, \
           JRSS B 82 (2020), equations 15 and 16. A feature of text has no order: an error. Keeps 8 bytes per value.",
    example: "SELECT value, round(effect, 6) AS effect FROM accumulated_local_effects(\
              '(SELECT i AS a, i % 3 AS b FROM range(9) r(i))', \
              '(SELECT fit(2 * i + i % 3, {''a'': i, ''b'': i % 3}) AS model FROM range(9) r(i))', 'a', 4) ORDER BY value",
};

static DEPENDENCE: Signature = Signature {
    name: "lagrange_dependence",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("model", Kind::Blob, "the model, the same in every row"),
        Argument::required("features", Kind::Features, "the model's features, by name"),
        Argument::required("options", Kind::Options, "see the options"),
    ],
    options: &[
        OptionKey {
            name: "method",
            accepts: Accepts::Choice(&["partial_dependence", "accumulated_local_effects"]),
            default: "\"partial_dependence\"",
            docs: "what is computed",
        },
        OptionKey {
            name: "feature",
            accepts: Accepts::Text,
            default: "\"\"",
            docs: "a feature of the model",
        },
        OptionKey {
            name: "points",
            accepts: Accepts::Integer(1, 10_000),
            default: "20",
            docs: "values of the grid, or intervals, at most",
        },
        OptionKey {
            name: "class",
            accepts: Accepts::Number(f64::MIN, f64::MAX),
            default: "null",
            docs: "the class whose probability is meant",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "As partial_dependence. A NULL model or no row: NULL.",
    docs: "The rows of partial_dependence and accumulated_local_effects.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_dependence(model, {'x': i}, {'feature': 'x', 'points': 3})) AS row FROM \
              (SELECT fit(2 * i, {'x': i}) AS model FROM range(9) r(i)) m CROSS JOIN range(9) h(i)",
};

impl Table for PartialDependence {
    fn signature(&self) -> &'static Signature {
        &PARTIAL_DEPENDENCE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        sql(call, call.integer("grid", 2)?)
    }
}

impl Table for AccumulatedLocalEffects {
    fn signature(&self) -> &'static Signature {
        &ACCUMULATED
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        sql(call, call.integer("intervals", 1)?)
    }
}

fn sql(call: &Call<'_>, points: i64) -> Result<String> {
    let model = call.text("model")?.and_then(relation_sql);
    let model = model.ok_or_else(|| {
        let fix =
            "pass the name of a table, view or CTE with a column model, or a query in parentheses";
        Error::argument(call.function(), "model", call.literal("model"), fix)
    })?;
    let feature = call.text("feature")?.unwrap_or_default();
    let mut options = vec![
        format!("'method': {}", quote_text(call.function())),
        format!("'feature': {}", quote_text(feature)),
        format!("'points': {points}"),
    ];
    if *call.literal("class") != Literal::Null {
        let class = call.double("class", f64::MIN, f64::MAX)?;
        options.push(format!("'class': {class:?}"));
    }
    let features = match call.target() {
        // A row is a struct.
        Target::DuckDb => "lagrange_rows".to_owned(),
        Target::DataFusion(columns) => {
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            struct_of(&names)
        }
    };
    let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    Ok(unnested(
        &fields,
        &format!(
            "lagrange_dependence(lagrange_fitted.lagrange_model, {features}, {{{}}})",
            options.join(", ")
        ),
        &format!(
            "(SELECT * FROM {}) AS lagrange_rows CROSS JOIN (SELECT model AS lagrange_model FROM {model}) AS lagrange_fitted",
            call.relation()?
        ),
    ))
}

/// The rows seen so far, row after row, features in the order of the model.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    setup: Option<Setup>,
    rows: Vec<f64>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Setup {
    model: Vec<u8>,
    /// The options as JSON text.
    options: String,
}

impl Aggregate for Dependence {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &DEPENDENCE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let models = inputs.bytes(0)?;
        let Some(bytes) = models[first] else {
            return Ok(());
        };
        if rows.iter().any(|row| models[row] != Some(bytes)) {
            return Err(two_models());
        }
        match &state.setup {
            None => {
                let options = Options::parse(&DEPENDENCE, &inputs.options(2, first)?)?;
                state.setup = Some(Setup {
                    model: bytes.to_vec(),
                    options: options.to_json().to_string(),
                });
            }
            Some(setup) if setup.model != bytes => return Err(two_models()),
            Some(_) => {}
        }
        let model = Model::read_cached(bytes)?;
        let encoded = model.encode(DEPENDENCE.name, inputs.features(1)?, rows)?;
        for place in 0..rows.len() {
            state.rows.extend(encoded.row(place).into_iter().flatten());
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        match (&into.setup, &from.setup) {
            (Some(a), Some(b)) if a.model != b.model => return Err(two_models()),
            (None, Some(setup)) => into.setup = Some(setup.clone()),
            _ => {}
        }
        into.rows.extend_from_slice(&from.rows);
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        match &state.setup {
            Some(setup) if !state.rows.is_empty() => points(setup, &state.rows),
            _ => Ok(Value::Null),
        }
    }

    fn size(&self, state: &State) -> usize {
        state.rows.capacity() * size_of::<f64>()
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

fn two_models() -> Error {
    Error::data(
        DEPENDENCE.name,
        "there are several models; pass a relation of one row as the model",
    )
}

fn points(setup: &Setup, rows: &[f64]) -> Result<Value> {
    let given = serde_json::from_str(&setup.options)
        .map_err(|error| Error::internal(DEPENDENCE.name, error.to_string()))?;
    let options = Options::parse(&DEPENDENCE, &given)?;
    let method = options.text("method");
    let model = Model::read_cached(&setup.model)?;
    let names = &model.header().features;
    let wanted = options.text("feature");
    let Some(feature) = names.iter().position(|name| name == wanted) else {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let fix = match crate::error::nearest(wanted, &known) {
            Some(near) => format!("the model has no such feature, did you mean '{near}'?"),
            None => format!("the model has the features {}", known.join(", ")),
        };
        return Err(Error::argument(method, "feature", quote_text(wanted), fix));
    };
    let wanted_class = Some(options.number_or("class", f64::NAN)).filter(|class| !class.is_nan());
    let class = match (model.classes(), wanted_class) {
        ([], None) => None,
        ([], Some(_)) => return Err(no_classes(method, &model)),
        (_, class) => Some(class_of(method, &model, class)?),
    };
    let sample = Sample::of(rows, names.len());
    let predict = response(&model, class);
    let count = options.integer("points") as usize;
    let trees = model.body().trees();
    let categories = trees.and_then(|trees| trees.categories.get(feature));
    let categories = categories.and_then(Option::as_deref);
    let found = match (method, categories) {
        ("partial_dependence", categories) => {
            let grid = match categories {
                Some(names) => (0..names.len()).map(|code| code as f64).collect(),
                None => sample.grid(feature, count),
            };
            sample.partial_dependence(&predict, feature, &grid)
        }
        (_, None) => sample.accumulated_local_effects(&predict, feature, count),
        (_, Some(_)) => {
            let fix = "it is text, which has no order; see partial_dependence";
            return Err(Error::argument(method, "feature", quote_text(wanted), fix));
        }
    };
    let category = |point: &Point| {
        let name = categories.and_then(|names| names.get(point.value as usize));
        name.cloned()
    };
    let value = |point: &Point| categories.is_none().then_some(point.value);
    Ok(Value::Rows(vec![
        Column::Text(vec![Some(wanted.to_owned()); found.len()]),
        Column::Double(found.iter().map(value).collect()),
        Column::Text(found.iter().map(category).collect()),
        Column::Double(found.iter().map(|point| Some(point.effect)).collect()),
        Column::Integer(found.iter().map(|point| Some(point.rows as i64)).collect()),
    ]))
}
