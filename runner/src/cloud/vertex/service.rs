//! The calls of Vertex AI.

use google_cloud_aiplatform_v1::client::{JobService, ModelService};
use google_cloud_aiplatform_v1::model::{CustomJob, JobState};
use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::paginator::ItemPaginator;

use super::request::{SUBMISSION, Submission, TOOL};
use crate::cloud::bigquery::names::home;
use crate::cloud::google::{Google, built, endpoint};
use crate::cloud::patience::Patience;
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
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        match text.split('/').collect::<Vec<_>>()[..] {
            [number] if digits(number) => Ok(format!("{}/customJobs/{number}", self.parent())),
            [
                "projects",
                project,
                "locations",
                region,
                "customJobs",
                number,
            ] if !project.is_empty() && !region.is_empty() && digits(number) => Ok(text.to_owned()),
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
    /// Who calls, who also reads logs.
    pub google: Google,
    home: Home,
    jobs: JobService,
    pub(super) models: ModelService,
}

impl Vertex {
    /// A client that has not called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn connect(home: &Home) -> Result<Self> {
        Self::with(home, Patience::default()).await
    }

    /// [`Vertex::connect`] with a certain patience.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn with(home: &Home, patience: Patience) -> Result<Self> {
        let google = Google::new(patience)?;
        let own = format!("https://{}-aiplatform.googleapis.com", home.region);
        let address = endpoint(ENDPOINT, &own);
        let jobs = google.client(JobService::builder(), &address);
        let models = google.client(ModelService::builder(), &address);
        Ok(Self {
            jobs: built(jobs.build().await)?,
            models: built(models.build().await)?,
            google,
            home: home.clone(),
        })
    }

    /// What all names begin with.
    pub fn parent(&self) -> String {
        self.home.parent()
    }

    /// Starts a job. Vertex AI has no ids of ours: where an answer was lost, the label
    /// of the submission tells whether the job is there.
    ///
    /// # Errors
    /// A request that is refused, a service that does not answer.
    pub async fn start(&self, submission: &Submission) -> Result<CustomJob> {
        let mut attempt = 0;
        loop {
            let start = self.jobs.create_custom_job().set_parent(self.parent());
            let start = start
                .set_custom_job(submission.job())
                .with_idempotency(false);
            let failure = match self.google.call(start.send()).await {
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
    pub async fn job(&self, name: &str) -> Result<CustomJob> {
        let asked = self.jobs.get_custom_job().set_name(name);
        let asked = self.google.call(asked.send()).await;
        asked.map_err(|failure| failure.error(&format!("look at job {}", number(name))))
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
        let asked = self.jobs.list_custom_jobs().set_parent(self.parent());
        let asked = asked.set_filter(filters.join(" AND "));
        let mut items = asked.set_page_size(PAGE).by_item();
        let mut found = Vec::new();
        while found.len() < limit {
            let next = async { items.next().await.transpose() };
            let next = self.google.call(next).await;
            match next.map_err(|failure| failure.error("list the jobs"))? {
                Some(job) => found.push(job),
                None => break,
            }
        }
        Ok(found)
    }

    /// Asks a job to end. Ending it twice ends it.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn cancel(&self, name: &str) -> Result<()> {
        let cancel = self.jobs.cancel_custom_job().set_name(name);
        let asked = cancel.with_idempotency(true).send();
        let asked = self.google.call(asked).await;
        asked.map_err(|failure| failure.error(&format!("cancel job {}", number(name))))
    }
}

/// The state of a job, for people.
pub fn told(job: &CustomJob) -> String {
    let name = job.state.to_string();
    let name = name.trim_start_matches("JOB_STATE_");
    name.to_lowercase().replace('_', " ")
}

/// How a command ends that waits for a job in this state; `None`: it is not over.
pub fn ended(job: &CustomJob) -> Option<Status> {
    match job.state {
        JobState::Succeeded => Some(Status::Success),
        JobState::Failed
        | JobState::Cancelled
        | JobState::Expired
        | JobState::PartiallySucceeded => Some(Status::Failed),
        _ => None,
    }
}
