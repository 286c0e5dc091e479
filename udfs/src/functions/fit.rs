//! `fit`.

use faer::Mat;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::complete_rows::complete_rows;
use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::models::{Body, Coefficient, Header, Linear, Model};
use crate::options::Options;
use crate::statistics::least_squares::{Problem, Solution};
use crate::statistics::triangle::Triangle;
use crate::value::{Type, Value};

/// See the signature.
pub struct Fit;

static SIGNATURE: Signature = Signature {
    name: "fit",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[
        Argument::required("target", Kind::Number, "what to predict"),
        Argument::required(
            "features",
            Kind::Features,
            "what to predict it from, one field per feature",
        ),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "algorithm",
            accepts: Accepts::Choice(&["ols", "ridge"]),
            default: "\"ols\"",
            docs: "which model",
        },
        OptionKey {
            name: "alpha",
            accepts: Accepts::Number(0.0, 1e300),
            default: "1.0",
            docs: "ridge: the penalty on the sum of squared coefficients, features in their own units",
        },
        OptionKey {
            name: "intercept",
            accepts: Accepts::Flag,
            default: "true",
            docs: "whether the model has a constant term (never penalised)",
        },
        OptionKey {
            name: "collinear",
            accepts: Accepts::Choice(&["minimum_norm", "error"]),
            default: "\"minimum_norm\"",
            docs: "ols: what features that repeat others do; minimum_norm names them in the model's status",
        },
        OptionKey {
            name: "target",
            accepts: Accepts::Text,
            default: "\"target\"",
            docs: "the target's name, for the record",
        },
    ],
    returns: Type::Blob,
    nulls: "A row in which the target or a feature is NULL or NaN is left out and counted as skipped. Infinity \
            is an error that names the feature. No complete row: NULL.",
    docs: "Fits a model to the rows of a group.\n\n\
           Returns the model as bytes for predict, model_info and model_coefficients. `ols` and `ridge` reduce the \
           rows to a triangular factor by Householder QR as they arrive (TSQR, Demmel et al. 2012), in \
           O(features²) space, and never form normal equations: NIST's Longley and Filip problems keep \
           their digits. Features that repeat others get the solution of least norm, or an error, by the \
           option `collinear`. With GROUP BY, one model per group.",
    example: "SELECT round(predict(fit(y, {'x': x}), {'x': 4.0}), 6) AS at_four \
              FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t",
};

/// The factor of [1 X y] and how to read it, once the features are known.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    setup: Option<Setup>,
    rows_used: u64,
    rows_skipped: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Setup {
    features: Vec<String>,
    algorithm: String,
    alpha: f64,
    intercept: bool,
    refuse_collinear: bool,
    target: String,
    /// All options as JSON text, for the record.
    parameters: String,
    triangle: Triangle,
}

impl Setup {
    fn new(features: Vec<String>, options: &Options) -> Self {
        let intercept = options.flag("intercept");
        let columns = features.len() + 1 + usize::from(intercept);
        Self {
            features,
            algorithm: options.text("algorithm").to_owned(),
            alpha: options.number("alpha"),
            intercept,
            refuse_collinear: options.text("collinear") == "error",
            target: options.text("target").to_owned(),
            parameters: options.to_json().to_string(),
            triangle: Triangle::new(columns),
        }
    }
}

impl Aggregate for Fit {
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
        let target = inputs.numbers(0)?;
        let features = inputs.features(1)?;
        let mut columns = features.numeric(SIGNATURE.name)?;
        if state.setup.is_none() {
            let options = Options::parse(&SIGNATURE, &inputs.options(2, first)?)?;
            let names: Vec<String> = features.names().map(str::to_owned).collect();
            state.setup = Some(Setup::new(names, &options));
        }
        let Some(setup) = state.setup.as_mut() else {
            return Ok(());
        };
        columns.push(target);
        let complete = complete_rows(SIGNATURE.name, &columns, rows, &setup.features)?;
        let used = complete.as_ref().map_or(rows.len(), Vec::len);
        state.rows_used += used as u64;
        state.rows_skipped += (rows.len() - used) as u64;
        let rows = complete.as_deref().map_or(rows, Rows::Some);
        let intercept = setup.intercept;
        if setup.triangle.takes_block(used) {
            setup
                .triangle
                .push_block(used, |i, out| match (intercept, i) {
                    (true, 0) => out.extend(std::iter::repeat_n(1.0, used)),
                    (true, i) => columns[i - 1].copy_rows(rows, out),
                    (false, i) => columns[i].copy_rows(rows, out),
                });
        } else {
            for row in rows.iter() {
                let constant = intercept.then_some(1.0);
                let values = columns.iter().map(|column| column.values()[row]);
                setup.triangle.push(constant.into_iter().chain(values));
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        into.rows_used += from.rows_used;
        into.rows_skipped += from.rows_skipped;
        match (&mut into.setup, &from.setup) {
            (_, None) => {}
            (Some(into), Some(from)) => into.triangle.merge(&from.triangle),
            (into, Some(from)) => *into = Some(from.clone()),
        }
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        match &state.setup {
            Some(setup) if state.rows_used > 0 => Ok(Value::Blob(model(setup, state)?.write()?)),
            _ => Ok(Value::Null),
        }
    }

    fn size(&self, state: &State) -> usize {
        state
            .setup
            .as_ref()
            .map_or(0, |setup| setup.triangle.size())
    }
}

fn model(setup: &Setup, state: &State) -> Result<Model> {
    let factor: Mat<f64> = setup.triangle.factor();
    let problem = Problem {
        factor: factor.as_ref(),
        intercept: setup.intercept,
        rows: state.rows_used,
    };
    let penalty = if setup.algorithm == "ridge" {
        setup.alpha
    } else {
        0.0
    };
    let solution = problem.solve(penalty);
    let redundant: Vec<&str> = solution
        .redundant
        .iter()
        .map(|&i| setup.features[i].as_str())
        .collect();
    let mut status = "ok".to_owned();
    if penalty == 0.0 && !redundant.is_empty() {
        let listed = redundant.join("', '");
        if setup.refuse_collinear {
            return Err(Error::data(
                SIGNATURE.name,
                format!(
                    "features '{listed}' are constant or repeat others in the {} complete rows; \
                     leave them out, use ridge, or set 'collinear' to 'minimum_norm'",
                    state.rows_used
                ),
            ));
        }
        status = format!("minimum norm: '{listed}' are constant or repeat other features");
    }
    let header = Header {
        algorithm: setup.algorithm.clone(),
        target: setup.target.clone(),
        features: setup.features.clone(),
        parameters: serde_json::from_str(&setup.parameters).unwrap_or(Json::Null),
        rows_used: state.rows_used,
        rows_skipped: state.rows_skipped,
        status,
        library: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Model::new(
        header,
        Body::Linear(linear(&solution, setup.intercept)),
    ))
}

fn linear(solution: &Solution, intercept: bool) -> Linear {
    let total = solution.total_squares;
    let target_spread = total.sqrt();
    let errors = solution.errors.as_ref();
    let coefficient = |i: usize, value: f64| Coefficient {
        value,
        standardized: if target_spread > 0.0 {
            value * solution.spreads[i] / target_spread
        } else {
            0.0
        },
        standard_error: errors.map(|(_, errors)| errors[i]),
    };
    Linear {
        intercept: Coefficient {
            value: solution.intercept,
            standardized: 0.0,
            standard_error: errors.filter(|_| intercept).map(|(error, _)| *error),
        },
        coefficients: solution
            .coefficients
            .iter()
            .enumerate()
            .map(|(i, &value)| coefficient(i, value))
            .collect(),
        residual_deviation: (solution.degrees_of_freedom > 0.0)
            .then(|| (solution.residual_squares / solution.degrees_of_freedom).sqrt()),
        r2: (total > 0.0).then(|| 1.0 - solution.residual_squares / total),
        degrees_of_freedom: solution.degrees_of_freedom,
    }
}
