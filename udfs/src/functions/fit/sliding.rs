//! `fit` over windows that slide by a row: of the algorithms that need no more than the
//! triangular factor, without factoring each window afresh.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use faer::MatRef;

use super::model::bytes;
use super::plan::Plan;
use super::rows::{refuse_infinite, refuse_unusable, whole_row};
use super::{FEATURES, OPTIONS, State, TARGET};
use crate::definition::Sliding;
use crate::error::Result;
use crate::input::Inputs;
use crate::models::algorithms::{Entry, FactorAlgorithm, Reduction};
use crate::models::preparation::Preparation;
use crate::statistics::least_squares::Problem;
use crate::statistics::sliding_triangle::SlidingTriangle;
use crate::value::Value;

/// A window of rows.
pub struct SlidingFit {
    plan: Arc<Plan>,
    algorithm: &'static FactorAlgorithm,
    triangle: SlidingTriangle,
    row: Vec<f64>,
    /// Whether each row of the window is one that trains.
    used: VecDeque<bool>,
}

impl SlidingFit {
    /// For rows like these; `None`: another algorithm, or another argument than target,
    /// features and options.
    ///
    /// # Errors
    /// Options and types of features that no row can mend.
    pub fn new(inputs: &Inputs<'_>) -> Result<Option<Self>> {
        if inputs.columns.len() > OPTIONS + 1 || inputs.rows == 0 {
            return Ok(None);
        }
        let features = inputs.features(FEATURES)?;
        let plan = Plan::of(features, inputs.options(OPTIONS, 0)?)?;
        refuse_unusable(features, plan.entry)?;
        let by_factor = plan.entry.way(&plan.options).is_none() && !plan.prepares;
        let Entry::Factor(algorithm) = plan.entry else {
            return Ok(None);
        };
        if !by_factor {
            return Ok(None);
        }
        let columns = features.fields.len() + 1 + usize::from(plan.intercept);
        Ok(Some(Self {
            plan,
            algorithm,
            triangle: SlidingTriangle::new(columns),
            row: Vec::with_capacity(columns),
            used: VecDeque::new(),
        }))
    }
}

impl Sliding for SlidingFit {
    fn push(&mut self, inputs: &Inputs<'_>, rows: Range<usize>) -> Result<()> {
        let features = inputs.features(FEATURES)?;
        let target = inputs.numbers(TARGET)?;
        for row in rows {
            self.row.clear();
            let whole = whole_row(features, target, self.plan.intercept, row, &mut self.row);
            if whole {
                self.triangle.push(&self.row);
            } else {
                refuse_infinite(inputs, row)?;
            }
            self.used.push_back(whole);
        }
        Ok(())
    }

    fn pop(&mut self, rows: usize) {
        for used in self.used.drain(..rows.min(self.used.len())) {
            if used {
                self.triangle.pop();
            }
        }
    }

    fn finish(&mut self) -> Result<Value> {
        let rows = self.triangle.len();
        if rows == 0 {
            return Ok(Value::Null);
        }
        let factor = self.triangle.factor();
        let width = factor.len().isqrt();
        let reduction = Reduction {
            problem: Problem {
                factor: MatRef::from_column_major_slice(&factor, width, width),
                intercept: self.plan.intercept,
                rows: rows as u64,
            },
            names: &self.plan.features,
            weight: rows as f64,
        };
        let fitted = (self.algorithm.fit)(&reduction, &self.plan.options)?;
        let state = State {
            rows_used: rows as u64,
            rows_skipped: (self.used.len() - rows) as u64,
            weight: rows as f64,
            ..State::default()
        };
        let model = bytes(&self.plan, &state, &(fitted, Preparation::default()))?;
        Ok(Value::Blob(model))
    }

    fn size(&self) -> usize {
        self.triangle.size() + self.used.capacity()
    }
}
