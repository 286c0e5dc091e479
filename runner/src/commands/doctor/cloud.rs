//! Whether the services of the cloud answer, and let us in.

use std::time::Duration;

use super::Findings;
use crate::cloud::bigquery::client::BigQuery;
use crate::cloud::bigquery::exports::Exports;
use crate::cloud::patience::Patience;
use crate::cloud::storage::objects;
use crate::cloud::vertex::service::{Home, Vertex};
use crate::commands::answer::threads;
use crate::error::{Error, Result};
use crate::settings::{Database, Settings};

/// How long each service may take in all.
const LIMIT: Duration = Duration::from_secs(15);

/// Asks each service that the settings name a question that changes nothing.
pub(super) fn examine(settings: &Settings, findings: &mut Findings) {
    let Database::BigQuery { project, dataset } = &settings.database else {
        return;
    };
    let Ok(runtime) = threads() else {
        return;
    };
    let patience = Patience {
        attempt: LIMIT / 2,
        call: LIMIT / 2,
        ..Patience::default()
    };
    runtime.block_on(async {
        match limited(BigQuery::with(project, patience.clone())).await {
            Ok(service) => {
                let found = limited(service.location(project, dataset)).await;
                match &found {
                    Ok(location) => {
                        findings.ok("bigquery", &format!("{project}.{dataset} in {location}"));
                    }
                    Err(error) => findings.error("bigquery", error),
                }
                let location = found.unwrap_or_default();
                match limited(service.estimate("SELECT 1", &location)).await {
                    Ok(_) => findings.ok("jobs", &format!("{project} may start queries")),
                    Err(error) => findings.error("jobs", &error),
                }
            }
            Err(error) => findings.error("bigquery", &error),
        }
        match limited(exported(settings, dataset)).await {
            Ok(0) => findings.warn(
                "exports",
                &format!("none of {dataset}"),
                "lagrange export TABLE makes one; lagrange run --export missing, too",
            ),
            Ok(count) => findings.ok("exports", &format!("of {count} tables of {dataset}")),
            Err(error) => findings.error("exports", &error),
        }
        if settings.optional("vertex.region").is_none() {
            findings.warn(
                "vertex",
                "no region is named",
                "set vertex.region, if lagrange submit is to be used",
            );
            return;
        }
        match limited(jobs(settings, patience)).await {
            Ok(home) => findings.ok("vertex", &format!("{} in {}", home.project, home.region)),
            Err(error) => findings.error("vertex", &error),
        }
    });
}

async fn limited<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(LIMIT, question).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::failed(format!("no answer in {} s", LIMIT.as_secs()))
            .hint("look at the network and at the login: gcloud auth application-default login")),
    }
}

/// How many tables have exports, complete or not.
async fn exported(settings: &Settings, dataset: &str) -> Result<usize> {
    let exports = Exports::of(settings)?;
    let folder = object_store::path::Path::from("exports").join(dataset);
    Ok(objects::folders(&exports.place, &folder).await?.len())
}

async fn jobs(settings: &Settings, patience: Patience) -> Result<Home> {
    let home = Home::of(settings)?;
    let vertex = Vertex::with(&home, patience).await?;
    vertex.list(&[], 1).await?;
    Ok(home)
}
