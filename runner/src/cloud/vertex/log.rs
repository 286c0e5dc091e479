//! What a job prints, as Cloud Logging has it.

use std::collections::BTreeSet;
use std::time::Duration;

use google_cloud_auth::credentials::Credentials;
use serde_json::{Value as Json, json};

use crate::cloud::google;

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_LOGGING_ENDPOINT";
const ADDRESS: &str = "https://logging.googleapis.com";
/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Lines of an answer.
const PAGE: u32 = 500;
/// Answers of one look.
const PAGES: usize = 20;

/// The log of a job, read from where it was left.
pub struct Log {
    http: reqwest::Client,
    credentials: Credentials,
    address: String,
    project: String,
    job: String,
    /// The time of the last line.
    last: String,
    /// What was shown: lines of one time come again.
    seen: BTreeSet<String>,
}

impl Log {
    /// The log of a job, from its beginning.
    pub fn new(credentials: Credentials, project: &str, job: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap_or_default(),
            credentials,
            address: google::endpoint(ENDPOINT).unwrap_or_else(|| ADDRESS.to_owned()),
            project: project.to_owned(),
            job: job.to_owned(),
            last: String::new(),
            seen: BTreeSet::new(),
        }
    }

    /// The lines that are new.
    ///
    /// # Errors
    /// The log cannot be read now; later it may be.
    pub async fn lines(&mut self) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let answer = self.ask(&token).await?;
            let entries = answer["entries"].as_array().map_or(&[][..], Vec::as_slice);
            for entry in entries {
                self.add(entry, &mut lines);
            }
            token = answer["nextPageToken"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if token.is_empty() {
                break;
            }
        }
        Ok(lines)
    }

    fn add(&mut self, entry: &Json, lines: &mut Vec<String>) {
        let id = entry["insertId"].as_str().unwrap_or_default();
        let time = entry["timestamp"].as_str().unwrap_or_default();
        if time > self.last.as_str() {
            self.last = time.to_owned();
        }
        if !self.seen.insert(id.to_owned()) {
            return;
        }
        let text = entry["jsonPayload"]["message"]
            .as_str()
            .or_else(|| entry["textPayload"].as_str())
            .unwrap_or_default();
        lines.extend(text.trim_end().lines().map(str::to_owned));
    }

    async fn ask(&self, token: &str) -> Result<Json, String> {
        let job = self.job.replace('"', "");
        let mut filter = format!("resource.type=\"ml_job\" resource.labels.job_id=\"{job}\"");
        if !self.last.is_empty() {
            filter.push_str(&format!(" timestamp>=\"{}\"", self.last));
        }
        let mut body = json!({
            "resourceNames": [format!("projects/{}", self.project)],
            "filter": filter,
            "orderBy": "timestamp asc",
            "pageSize": PAGE,
        });
        if !token.is_empty() {
            body["pageToken"] = Json::from(token);
        }
        let headers = google::headers(&self.credentials)
            .await
            .map_err(|error| error.message().into_owned())?;
        let response = self
            .http
            .post(format!("{}/v2/entries:list", self.address))
            .headers(headers)
            .json(&body)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            let said: Json = serde_json::from_str(&text).unwrap_or_default();
            let said = said["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            return Err(format!("{status} {said}").trim_end().to_owned());
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}
