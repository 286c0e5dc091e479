//! The calls of Vertex AI.

use serde_json::{Value as Json, json};

use super::request::{SUBMISSION, Submission, TOOL};
use crate::cloud::bigquery::names::home;
use crate::cloud::google::{Call, Failure, Google, Patience, endpoint};
use crate::error::{Error, Result, Status};
use crate::settings::{Database, Settings};

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_VERTEX_ENDPOINT";
/// How often a job is asked for in all.
const ATTEMPTS: u32 = 5;
/// Jobs on a page of a list.
const PAGE: usize = 50;

/// Where jobs run.
#[derive(Debug, Clone)]
pub struct Home {
    /// The project.
    pub project: String,
    /// The region, such as `europe-west4`.
    pub region: String,
}

impl Home {
    /// From the settings.
    ///
    /// # Errors
    /// No project or no region.
    pub fn of(settings: &Settings) -> Result<Self> {
        let project = match (settings.optional("vertex.project"), &settings.database) {
            (Some(project), _) => project,
            (None, Database::BigQuery { project, .. }) => project.clone(),
            (None, Database::DuckDb { .. }) => home(settings)?.0.to_owned(),
        };
        let region = settings.optional("vertex.region").ok_or_else(|| {
            Error::usage(format!(
                "environment {} names no region of Vertex AI",
                settings.environment()
            ))
            .hint("set vertex.region, such as europe-west4: where the bucket is")
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
        for (key, text) in [("vertex.project", &project), ("vertex.region", &region)] {
            if !text.chars().all(plain) {
                return Err(Error::usage(format!(
                    "'{key}' is '{text}', which is no name"
                )));
            }
        }
        Ok(Self { project, region })
    }

    fn parent(&self) -> String {
        format!("projects/{}/locations/{}", self.project, self.region)
    }

    /// The whole name of a job, from its number or its name.
    ///
    /// # Errors
    /// What is neither.
    pub fn job(&self, text: &str) -> Result<String> {
        let number = text.rsplit('/').next().unwrap_or_default();
        let digits = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        match digits {
            true if text == number => Ok(format!("{}/customJobs/{number}", self.parent())),
            true if text.starts_with("projects/") => Ok(text.to_owned()),
            _ => Err(Error::usage(format!("'{text}' is not a job"))
                .hint("lagrange jobs list shows the numbers of jobs")),
        }
    }

    /// Where a person looks at a job.
    pub fn page(&self, name: &str) -> String {
        let number = number(name);
        format!(
            "https://console.cloud.google.com/vertex-ai/locations/{}/training/{number}?project={}",
            self.region, self.project
        )
    }
}

/// The number of a job.
pub fn number(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// Vertex AI in a region.
pub struct Vertex {
    /// The client, which also reads logs.
    pub google: Google,
    home: Home,
    /// With the version of the interface.
    address: String,
}

impl Vertex {
    /// A client that has not called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn connect(home: &Home) -> Result<Self> {
        Self::with(home, Patience::default())
    }

    /// [`Vertex::connect`] with a certain patience.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn with(home: &Home, patience: Patience) -> Result<Self> {
        let own = format!("https://{}-aiplatform.googleapis.com", home.region);
        Ok(Self {
            google: Google::new(patience)?,
            home: home.clone(),
            address: format!("{}/v1", endpoint(ENDPOINT, &own)),
        })
    }

    /// The service, with the version of the interface.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What all names begin with.
    pub fn parent(&self) -> String {
        self.home.parent()
    }

    fn jobs(&self) -> String {
        format!("{}/{}/customJobs", self.address, self.parent())
    }

    /// Starts a job. Vertex AI has no ids of ours: where an answer was lost, the label
    /// of the submission tells whether the job is there.
    ///
    /// # Errors
    /// A request that is refused, a service that does not answer.
    pub async fn start(&self, submission: &Submission) -> Result<Json> {
        let body = submission.job();
        let call = Call {
            repeatable: false,
            ..Call::post(self.jobs(), &body)
        };
        let mut attempt = 0;
        loop {
            let failure = match self.google.call(&call).await {
                Ok(job) => return Ok(job),
                Err(failure) => failure,
            };
            attempt += 1;
            if !failure.is_passing || attempt >= ATTEMPTS {
                return Err(failure.error("start the job"));
            }
            tokio::time::sleep(self.google.patience.look(attempt)).await;
            let label = (SUBMISSION, submission.id.as_str());
            if let Some(job) = self.list(&[label], 1).await?.pop() {
                return Ok(job);
            }
        }
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn job(&self, name: &str) -> Result<Json> {
        let asked = self
            .google
            .call(&Call::get(format!("{}/{name}", self.address)))
            .await;
        asked.map_err(|failure| failure.error(&format!("look at job {}", number(name))))
    }

    /// Our jobs with these labels, the latest first.
    ///
    /// # Errors
    /// A service that does not answer.
    pub async fn list(&self, labels: &[(&str, &str)], limit: usize) -> Result<Vec<Json>> {
        let filters: Vec<String> = [TOOL]
            .iter()
            .chain(labels)
            .map(|(key, value)| format!("labels.{key}=\"{value}\""))
            .collect();
        let query = [
            ("filter", filters.join(" AND ")),
            ("pageSize", PAGE.to_string()),
        ];
        let listed = self.pages(&self.jobs(), &query, "customJobs", limit).await;
        listed.map_err(|failure| failure.error("list the jobs"))
    }

    /// What a list holds as `member`, page by page, up to so many.
    ///
    /// # Errors
    /// The service refuses, or does not answer.
    pub(super) async fn pages(
        &self,
        url: &str,
        query: &[(&'static str, String)],
        member: &str,
        limit: usize,
    ) -> std::result::Result<Vec<Json>, Failure> {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = query.to_vec();
            query.push(("pageToken", token));
            let call = Call {
                query,
                ..Call::get(url.to_owned())
            };
            let mut page = self.google.call(&call).await?;
            if let Some(list) = page[member].as_array_mut() {
                found.append(list);
            }
            token = page["nextPageToken"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if token.is_empty() || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Asks a job to end. Ending it twice ends it.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn cancel(&self, name: &str) -> Result<()> {
        let body = json!({});
        let url = format!("{}/{name}:cancel", self.address);
        let asked = self.google.call(&Call::post(url, &body)).await;
        asked
            .map(drop)
            .map_err(|failure| failure.error(&format!("cancel job {}", number(name))))
    }
}

/// The whole name of a job.
pub fn name(job: &Json) -> &str {
    job["name"].as_str().unwrap_or_default()
}

/// The state of a job, for people.
pub fn told(job: &Json) -> String {
    let name = job["state"].as_str().unwrap_or("JOB_STATE_UNSPECIFIED");
    let name = name.trim_start_matches("JOB_STATE_");
    name.to_lowercase().replace('_', " ")
}

/// How a command ends that waits for a job in this state; `None`: it is not over.
pub fn ended(job: &Json) -> Option<Status> {
    match job["state"].as_str()? {
        "JOB_STATE_SUCCEEDED" => Some(Status::Success),
        "JOB_STATE_FAILED"
        | "JOB_STATE_CANCELLED"
        | "JOB_STATE_EXPIRED"
        | "JOB_STATE_PARTIALLY_SUCCEEDED" => Some(Status::Failed),
        _ => None,
    }
}
