//! What becomes of the models of a run at its end: what its gates say of them stands in
//! the registry, and a version whose gates hold gets its alias.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};

use super::gates;
use super::results::{Results, State};
use crate::error::Result;
use crate::parameters::Step;
use crate::registry::manifest::Gates;
use crate::registry::{AT_ONCE, Registry, Saved};
use crate::script::Action;

/// What manifests say while the gates of the scripts are still to come.
pub(super) fn expected(steps: &[Step]) -> Gates {
    match steps.iter().any(gates::is_gate) {
        true => Gates::Pending,
        false => Gates::None,
    }
}

/// What the gates of the scripts have said: a gate that was left out or never reached
/// is still to come.
pub(super) fn verdict(steps: &[Step], results: &Results) -> Gates {
    let asked = steps.iter().zip(&results.steps);
    let mut asked = asked.filter(|(step, _)| gates::is_gate(step));
    match (expected(steps), results.gates()) {
        (Gates::None, _) => Gates::None,
        (_, gates::Gates::Failed) => Gates::Failed,
        _ if asked.all(|(_, result)| matches!(result.state, State::Done | State::Kept)) => {
            Gates::Passed
        }
        _ => Gates::Pending,
    }
}

/// Whether the models of a table that is kept from an earlier run belong to this one,
/// too: its gates are still to come.
pub(super) fn counts(step: &Step, expected: Gates) -> bool {
    expected == Gates::Pending
        && step.description.action == Action::CreateTable { temporary: false }
}

/// Writes the verdict down and, where `enrol` is set, gives aliases.
///
/// # Errors
/// The registry cannot be written.
pub(super) async fn settle(
    registry: &Registry,
    models: Vec<Saved>,
    verdict: Gates,
    enrol: bool,
) -> Result<Vec<Saved>> {
    // Of a table that was made twice, the last model counts.
    let places = models.iter().enumerate();
    let places: HashMap<String, usize> = places.map(|(i, m)| (m.name.clone(), i)).collect();
    let last: Vec<bool> = models
        .iter()
        .enumerate()
        .map(|(i, model)| places.get(&model.name) == Some(&i))
        .collect();
    futures::stream::iter(models.into_iter().zip(last))
        .map(|(mut model, last)| async move {
            if matches!(verdict, Gates::Passed | Gates::Failed) {
                let (name, version) = (&model.name, model.version);
                registry.record_gates(name, version, verdict).await?;
            }
            if enrol && last && matches!(verdict, Gates::Passed | Gates::None) {
                model.alias = Some(registry.enrol(&model.name, model.version).await?);
            }
            Ok(model)
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
