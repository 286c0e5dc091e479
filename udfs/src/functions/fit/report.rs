//! `fit_report`.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::model::{bytes, fitted};
use super::rows::refuse_infinities;
use super::{Fit, State, options, prepare};
use crate::definition::{Aggregate, Category, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
use crate::value::{Type, Value};

/// See the signature.
pub struct FitReport;

static SIGNATURE: Signature = Signature {
    name: "fit_report",
    aliases: &[],
    category: Category::Fitting,
    arguments: super::ARGUMENTS,
    options: options::ALL,
    returns: Type::Struct(&[
        ("model", Type::Blob),
        ("rows_used", Type::Integer),
        ("rows_skipped", Type::Integer),
        ("status", Type::Text),
        ("window_from", Type::Double),
        ("window_to", Type::Double),
    ]),
    nulls: "As fit, but what is an error of the rows there is text in `status` here.",
    docs: "Fits a model per group and says how it went, without failing the query.\n\n\
           For GROUP BY over many groups, one of which may have no complete row, an infinite value, one class only or \
           features that cannot be told apart: its `model` is NULL and its `status` says why; the others have theirs, \
           and `ok` or what is remarkable. `rows_used` counts the complete rows, `rows_skipped` those in which something \
           is missing, infinite or a weight is negative. `window_from` and `window_to` are the earliest and the latest \
           value of the argument time, in seconds since 1970 if it holds dates or timestamps. Options and types that \
           no row can mend are errors, as in fit.",
    example: "SELECT g, fit_report(y, {'x': x})['status'] AS status FROM (SELECT 1 AS g, 1.0 AS x, 3.0 AS y \
              UNION ALL SELECT 1, 2.0, 5.0 UNION ALL SELECT 2, NULL, 7.0) t GROUP BY g ORDER BY g",
};

/// The state of fit, and why there will be no model.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ReportState {
    fit: State,
    failure: Option<String>,
}

impl ReportState {
    /// Keeps the first text in the order of the alphabet, so that the order of rows
    /// does not matter.
    fn fail(&mut self, text: String) {
        let known = self.failure.take();
        self.failure = Some(known.map_or(text.clone(), |known| known.min(text)));
    }
}

impl Aggregate for FitReport {
    type State = ReportState;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> ReportState {
        ReportState::default()
    }

    fn update(&self, state: &mut ReportState, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        prepare(&mut state.fit, inputs, rows)?;
        let add = |fit: &mut State, rows: Rows<'_>| {
            refuse_infinities(fit, inputs, rows)?;
            Aggregate::update(&Fit, fit, inputs, rows)
        };
        match add(&mut state.fit, rows) {
            Err(error) if !error.is_internal() => {
                for row in rows.iter() {
                    match add(&mut state.fit, Rows::Some(&[row as u32])) {
                        Err(error) if !error.is_internal() => {
                            state.fit.rows_skipped += 1;
                            state.fail(error.to_string());
                        }
                        outcome => outcome?,
                    }
                }
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn merge(&self, into: &mut ReportState, from: &ReportState) -> Result<()> {
        if let Some(text) = &from.failure {
            into.fail(text.clone());
        }
        Aggregate::merge(&Fit, &mut into.fit, &from.fit)
    }

    fn settle(&self, state: &mut ReportState) {
        Aggregate::settle(&Fit, &mut state.fit);
    }

    fn finish(&self, state: &ReportState) -> Result<Value> {
        let fit = &state.fit;
        let (model, status) = match (&fit.setup, &state.failure) {
            (_, Some(failure)) => (Value::Null, failure.clone()),
            (Some(setup), None) if fit.rows_used > 0 => match fitted(setup, fit) {
                Ok(fitted) => (
                    Value::Blob(bytes(&setup.plan, fit, &fitted)?),
                    fitted.0.status,
                ),
                Err(error) if error.is_internal() => return Err(error),
                Err(error) => (Value::Null, error.to_string()),
            },
            _ => (Value::Null, "no complete row".to_owned()),
        };
        let bounds = fit.window.bounds;
        Ok(Value::Struct(vec![
            model,
            Value::Integer(fit.rows_used as i64),
            Value::Integer(fit.rows_skipped as i64),
            Value::Text(status),
            bounds.map(|(from, _)| from).into(),
            bounds.map(|(_, to)| to).into(),
        ]))
    }

    fn size(&self, state: &ReportState) -> usize {
        Aggregate::size(&Fit, &state.fit)
    }

    fn keeps_rows(&self, options: &Json) -> bool {
        super::keeps_rows(options)
    }
}
