//! `fit` over windows that slide by a row: of the algorithms that need no more than the
//! triangular factor, without factoring each window afresh.

use std::collections::VecDeque;
use std::sync::Arc;

use faer::MatRef;

use super::plan::Plan;
use super::{FEATURES, OPTIONS, State, TARGET, bytes, chosen_rows, usable};
use crate::definition::Sliding;
use crate::error::Result;
use crate::input::{Inputs, Numbers, Rows};
use crate::models::algorithms::{Entry, FactorAlgorithm, Reduction};
use crate::models::preparation::Preparation;
use crate::models::row_store::Beside;
use crate::statistics::least_squares::Problem;
use crate::statistics::sliding_triangle::SlidingTriangle;
use crate::value::Value;

/// A window of rows.
pub struct SlidingFit {
    plan: Arc<Plan>,
    algorithm: &'static FactorAlgorithm,
    triangle: SlidingTriangle,
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
        usable(features, plan.entry)?;
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
            used: VecDeque::new(),
        }))
    }
}

impl Sliding for SlidingFit {
    fn push(&mut self, inputs: &Inputs<'_>) -> Result<()> {
        let features = usable(inputs.features(FEATURES)?, self.plan.entry)?;
        let beside = Beside {
            target: inputs.numbers(TARGET)?,
            weights: None,
            times: None,
            validation: None,
        };
        let all = Rows::All(inputs.rows);
        let chosen = chosen_rows(false, &beside, &features, all)?;
        let from = self.used.len();
        self.used.resize(from + inputs.rows, chosen.is_none());
        for row in chosen.iter().flatten() {
            self.used[from + *row as usize] = true;
        }
        let columns: Vec<&Numbers<'_>> = features
            .iter()
            .filter_map(|feature| feature.numbers.as_ref())
            .chain([beside.target])
            .collect();
        let constant = self.plan.intercept.then_some(1.0);
        for row in chosen.as_deref().map_or(all, Rows::Some).iter() {
            let values = columns.iter().map(|column| column.values()[row]);
            self.triangle.push(constant.into_iter().chain(values));
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
