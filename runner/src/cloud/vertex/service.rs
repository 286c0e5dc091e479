//! The calls of Vertex AI.

use std::time::Duration;

use google_cloud_aiplatform_v1::client::JobService;
use google_cloud_aiplatform_v1::model::{CustomJob, JobState};
use google_cloud_auth::credentials::Credentials;

use super::request::{SUBMISSION, Submission, TOOL};
use crate::cloud::bigquery::names::home;
use crate::cloud::google::{self, Patience};
use crate::error::{Error, Result, Status};
use crate::settings::{Database, Settings};

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_VERTEX_ENDPOINT";
/// How often a job is asked for in all.
const ATTEMPTS: u32 = 5;
/// Jobs on a page of a list.
const PAGE: i32 = 50;

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
    client: JobService,
    home: Home,
    /// How patient we are.
    pub patience: Patience,
}

impl Vertex {
    /// A client that has not called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn connect(home: &Home, credentials: Credentials) -> Result<Self> {
        let patience = Patience::default();
        let endpoint = google::endpoint(ENDPOINT)
            .unwrap_or_else(|| format!("https://{}-aiplatform.googleapis.com", home.region));
        let client = JobService::builder()
            .with_endpoint(endpoint)
            .with_credentials(credentials)
            .with_retry_policy(patience.retries())
            .with_backoff_policy(patience.backoff())
            .with_retry_throttler(google::NotHeldBack)
            .with_attempt_timeout(patience.attempt)
            .build()
            .await
            .map_err(|error| {
                Error::failed("cannot make a client of Vertex AI").detail(error.to_string())
            })?;
        Ok(Self {
            client,
            home: home.clone(),
            patience,
        })
    }

    /// Starts a job. Vertex AI has no ids of ours: where an answer was lost, the label
    /// of the submission tells whether the job is there.
    ///
    /// # Errors
    /// A request that is refused, a service that does not answer.
    pub async fn start(&self, submission: &Submission) -> Result<CustomJob> {
        let mut attempt = 0;
        loop {
            let asked = self
                .client
                .create_custom_job()
                .set_parent(self.home.parent())
                .set_custom_job(submission.job())
                .send()
                .await;
            let error = match asked {
                Ok(job) => return Ok(job),
                Err(error) => error,
            };
            attempt += 1;
            if !google::is_passing(&error) || attempt >= ATTEMPTS {
                return Err(google::failure("start the job", &error));
            }
            tokio::time::sleep(self.patience.look(attempt)).await;
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
    pub async fn job(&self, name: &str) -> Result<CustomJob> {
        let asked = self.client.get_custom_job().set_name(name).send().await;
        asked.map_err(|error| google::failure(&format!("look at job {}", number(name)), &error))
    }

    /// Our jobs with these labels, the latest first.
    ///
    /// # Errors
    /// A service that does not answer.
    pub async fn list(&self, labels: &[(&str, &str)], limit: usize) -> Result<Vec<CustomJob>> {
        let filters: Vec<String> = [TOOL]
            .iter()
            .chain(labels)
            .map(|(key, value)| format!("labels.{key}=\"{value}\""))
            .collect();
        let mut jobs = Vec::new();
        let mut token = String::new();
        loop {
            let asked = self
                .client
                .list_custom_jobs()
                .set_parent(self.home.parent())
                .set_filter(filters.join(" AND "))
                .set_page_size(PAGE)
                .set_page_token(&token)
                .send()
                .await;
            let page = asked.map_err(|error| google::failure("list the jobs", &error))?;
            jobs.extend(page.custom_jobs);
            token = page.next_page_token;
            if token.is_empty() || jobs.len() >= limit {
                jobs.truncate(limit);
                return Ok(jobs);
            }
        }
    }

    /// Asks a job to end.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn cancel(&self, name: &str) -> Result<()> {
        use google_cloud_gax::options::RequestOptionsBuilder;

        let asked = self
            .client
            .cancel_custom_job()
            .set_name(name)
            // Ending it twice ends it.
            .with_idempotency(true)
            .send()
            .await;
        asked.map_err(|error| google::failure(&format!("cancel job {}", number(name)), &error))
    }

    /// How long to wait before the look of this number.
    pub fn look(&self, number: u32) -> Duration {
        self.patience.look(number)
    }
}

/// A state, for people.
pub fn told(state: &JobState) -> String {
    let name = state.name().unwrap_or("JOB_STATE_UNSPECIFIED");
    let name = name.trim_start_matches("JOB_STATE_");
    name.to_lowercase().replace('_', " ")
}

/// How a command ends that waits for a job in this state; `None`: it is not over.
pub fn ended(state: &JobState) -> Option<Status> {
    match state {
        JobState::Succeeded => Some(Status::Success),
        JobState::Failed
        | JobState::Cancelled
        | JobState::Expired
        | JobState::PartiallySucceeded => Some(Status::Failed),
        _ => None,
    }
}
