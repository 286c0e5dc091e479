//! The models of a table go to the registry: the one place where a run publishes.

use crate::engines::Engine;
use crate::engines::fingerprint::Fingerprints;
use crate::error::Result;
use crate::guard::Report;
use crate::guard::rules::Severity;
use crate::parameters::Step;
use crate::registry::manifest::Guard;
use crate::registry::{Registry, Saved};
use crate::tracking::Published;

/// Publishes the models of the table that a step has made: all or none.
///
/// # Errors
/// A model that cannot be read, or a registry that cannot be written.
pub(super) async fn models(
    engine: &mut dyn Engine,
    registry: &Registry,
    step: &Step,
    fingerprints: &mut Fingerprints,
) -> Result<(Vec<Saved>, Vec<Published>)> {
    let published = registry.publish_table(engine, step, fingerprints).await?;
    let saved = published.iter().map(Saved::of).collect();
    let tracked = published.into_iter().map(Published::of).collect();
    Ok((saved, tracked))
}

/// What the lookahead check says of scripts, for the manifests of their models.
pub(super) fn guard(report: &Report) -> Guard {
    let verdict = if report.count(Severity::Error) + report.count(Severity::Warning) > 0 {
        "warned"
    } else if report
        .findings
        .iter()
        .any(|finding| finding.waived.is_some())
    {
        "waived"
    } else {
        "clean"
    };
    Guard {
        verdict: verdict.to_owned(),
        text: report.verdict(),
    }
}
