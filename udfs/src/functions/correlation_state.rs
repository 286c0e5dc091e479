//! The state of the aggregates that correlate the features of their rows.

use serde::{Deserialize, Serialize};

use super::gather::{NON_NUMERIC, chosen_features, fits};
use crate::definition::{Accepts, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::models::infinite_feature;
use crate::options::Options;
use crate::statistics::correlations::{Correlations, Matrix, Method};
use crate::statistics::cross_moments::Infinite;

/// `method`.
pub const METHOD: OptionKey = OptionKey {
    name: "method",
    accepts: Accepts::Choice(Method::NAMES),
    default: "\"pearson\"",
    docs: "which coefficient: pearson; spearman, of average ranks; kendall, tau-b",
};

/// `has_target`, of aggregates whose first argument is a number.
pub const HAS_TARGET: OptionKey = OptionKey {
    name: "has_target",
    accepts: Accepts::Flag,
    default: "true",
    docs: "whether the target is looked at; without it, pass NULL",
};

/// The rows seen so far, once the features are known. The columns are the
/// target, if there is one, and the features.
#[derive(Default, Serialize, Deserialize)]
pub struct CorrelationState {
    /// The options as JSON text.
    options: String,
    skip_non_numeric: bool,
    has_target: bool,
    names: Vec<String>,
    correlations: Option<Correlations>,
}

/// What a state has come to.
pub struct Correlated<'a> {
    /// Of the features.
    pub names: &'a [String],
    /// Of all columns.
    pub matrix: Matrix,
    /// The number of columns before the features: 1 with a target.
    pub before: usize,
    /// As they were given.
    pub options: Options,
}

/// The aggregate that a state belongs to: its signature, and the function that
/// people call.
#[derive(Clone, Copy)]
pub struct Of(pub &'static Signature, pub &'static str);

impl Of {
    fn infinite(self, state: &CorrelationState, Infinite(column): Infinite) -> Error {
        let feature = column.checked_sub(usize::from(state.has_target));
        let name = feature.map_or("target", |feature| &state.names[feature]);
        infinite_feature(self.1, name)
    }
}

impl CorrelationState {
    /// Adds rows.
    pub fn update(&mut self, of: Of, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let Of(signature, caller) = of;
        let before = signature
            .arguments
            .iter()
            .take_while(|argument| argument.kind == Kind::Number)
            .count();
        let features = inputs.features(before)?;
        let is_new = self.correlations.is_none();
        let mut method = Method::Pearson;
        if is_new {
            let options = Options::parse(signature, &inputs.options(before + 1, first)?)?;
            method = Method::of(options.text(METHOD.name));
            self.skip_non_numeric = options.text(NON_NUMERIC.name) == "skip";
            self.has_target = before > 0 && options.flag(HAS_TARGET.name);
            self.options = options.to_json().to_string();
        }
        let chosen = chosen_features(caller, features, self.skip_non_numeric)?;
        if is_new {
            self.names = chosen.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        let mut columns = Vec::with_capacity(chosen.len() + 1);
        if self.has_target {
            columns.push(inputs.numbers(0)?);
        }
        columns.extend(chosen.into_iter().map(|(_, numbers)| numbers));
        let correlations = self
            .correlations
            .get_or_insert_with(|| Correlations::new(method, columns.len()));
        let updated = correlations.update(&columns, rows);
        let kept_rows = correlations.kept_rows();
        updated.map_err(|infinite| of.infinite(self, infinite))?;
        fits(caller, kept_rows)
    }

    /// Adds the rows that `from` has seen.
    pub fn merge(&mut self, of: Of, from: &Self) -> Result<()> {
        let Some(more) = &from.correlations else {
            return Ok(());
        };
        if self.correlations.is_none() {
            self.options.clone_from(&from.options);
            self.skip_non_numeric = from.skip_non_numeric;
            self.has_target = from.has_target;
            self.names.clone_from(&from.names);
        }
        let correlations = self.correlations.get_or_insert_with(|| more.fresh());
        let merged = correlations.merge(more);
        let kept_rows = correlations.kept_rows();
        merged.map_err(|infinite| of.infinite(self, infinite))?;
        fits(of.1, kept_rows)
    }

    /// The correlations; `None` without a row.
    pub fn finish(&self, of: Of, with_p_values: bool) -> Result<Option<Correlated<'_>>> {
        let Some(correlations) = &self.correlations else {
            return Ok(None);
        };
        let given = serde_json::from_str(&self.options)
            .map_err(|error| Error::internal(of.1, error.to_string()))?;
        let matrix = correlations
            .matrix(with_p_values)
            .map_err(|infinite| of.infinite(self, infinite))?;
        Ok(Some(Correlated {
            names: &self.names,
            matrix,
            before: usize::from(self.has_target),
            options: Options::parse(of.0, &given)?,
        }))
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        self.correlations.as_ref().map_or(0, Correlations::size)
    }
}
