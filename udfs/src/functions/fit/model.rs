//! From what is kept of the rows to the model and its bytes.

use faer::MatRef;
use serde::{Serialize, Serializer};

use super::plan::Plan;
use super::{Kept, SIGNATURE, Setup, State};
use crate::error::{Error, Result};
use crate::models;
use crate::models::algorithms::{Entry, MomentsReduction, Reduction, WayFit};
use crate::models::preparation::Preparation;
use crate::models::row_store::{RowStore, Whole};
use crate::models::training::{FeatureColumn, Fitted, Training};
use crate::statistics::least_squares::Problem;

pub(super) fn fitted(setup: &Setup, state: &State) -> Result<(Fitted, Preparation)> {
    let plan = &setup.plan;
    let none = Preparation::default;
    match (plan.entry, &setup.kept) {
        (Entry::Factor(algorithm), Kept::Factor(triangle)) => {
            let factor = triangle.factor_values();
            let width = triangle.columns();
            let reduction = Reduction {
                problem: Problem {
                    factor: MatRef::from_column_major_slice(&factor, width, width),
                    intercept: plan.intercept,
                    rows: state.rows_used,
                },
                names: &plan.features,
                weight: state.weight,
            };
            Ok(((algorithm.fit)(&reduction, &plan.options)?, none()))
        }
        (entry, Kept::Moments(moments)) => {
            let mut moments = moments.clone();
            moments.flush();
            let reduction = MomentsReduction {
                moments: &moments,
                intercept: plan.intercept,
                rows: state.rows_used,
            };
            match entry.way(&plan.options) {
                Some(WayFit::Moments(fit)) => Ok((fit(&reduction, &plan.options)?, none())),
                _ => Err(foreign()),
            }
        }
        (_, Kept::Rows(store)) => fit_rows(plan, state, store),
        _ => Err(foreign()),
    }
}

/// What differs from group to group of a model's header: the fields of
/// [`models::Header`] after those of the plan, in its order.
#[derive(Serialize)]
struct Rest<'a> {
    rows_used: u64,
    rows_skipped: u64,
    status: &'a str,
    library: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<models::Window>,
    #[serde(skip_serializing_if = "Measured::is_empty")]
    metrics: Measured<'a>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    feature_types: &'a [&'a str],
    #[serde(skip_serializing_if = "Preparation::is_empty")]
    preparation: &'a Preparation,
}

/// As [`models::metrics`], without a map: a window has a model for every row.
struct Measured<'a>(&'a [(&'static str, f64)]);

impl Measured<'_> {
    fn is_empty(&self) -> bool {
        models::measured(self.0).next().is_none()
    }
}

impl Serialize for Measured<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_map(models::measured(self.0))
    }
}

/// The model as bytes.
pub(super) fn bytes(
    plan: &Plan,
    state: &State,
    (fitted, preparation): &(Fitted, Preparation),
) -> Result<Vec<u8>> {
    let rest = Rest {
        rows_used: state.rows_used,
        rows_skipped: state.rows_skipped,
        status: &fitted.status,
        library: env!("CARGO_PKG_VERSION"),
        window: state.window.bounds.map(|(from, to)| models::Window {
            from,
            to,
            calendar: state.window.calendar,
        }),
        metrics: Measured(&fitted.metrics),
        feature_types: &fitted.body.feature_types(plan.features.len()),
        preparation,
    };
    models::write_parts(
        plan.header_begin.as_bytes(),
        |bytes| {
            let brace = bytes.len();
            serde_json::to_writer(&mut *bytes, &rest)?;
            bytes[brace] = b',';
            Ok(())
        },
        &fitted.body,
    )
}

fn foreign() -> Error {
    Error::internal(SIGNATURE.name, "a state of another algorithm")
}

fn fit_rows(plan: &Plan, state: &State, store: &RowStore) -> Result<(Fitted, Preparation)> {
    let timed = state.window.bounds.is_some();
    if timed && state.window.untimed > 0 {
        return Err(Error::argument(
            SIGNATURE.name,
            "time",
            format!("NULL in {} rows", state.window.untimed),
            "filter them, or leave the argument out",
        ));
    }
    let whole: Vec<Whole<'_>> = (0..plan.features.len()).map(|i| store.column(i)).collect();
    let target = store.target();
    let weights = store.weights();
    let times = store.times().filter(|_| timed);
    let validation = store.validation();
    let training = Training {
        names: &plan.features,
        columns: whole.iter().map(feature_column).collect(),
        target: &target,
        weights: weights.as_deref(),
        times: times.as_deref(),
        validation: validation.as_deref().filter(|_| state.rows_validating > 0),
    };
    plan.entry.fit(&training, &plan.options)
}

fn feature_column<'a>(whole: &'a Whole<'_>) -> FeatureColumn<'a> {
    match whole {
        Whole::Numbers(numbers) => FeatureColumn::Numbers(numbers),
        Whole::Singles(singles) => FeatureColumn::Singles(singles),
        Whole::Categories { codes, names } => FeatureColumn::Categories { codes, names },
    }
}
