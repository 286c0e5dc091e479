//! What a job prints, as Cloud Logging has it.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::cloud::google::{Call, Google, endpoint};

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_LOGGING_ENDPOINT";
const ADDRESS: &str = "https://logging.googleapis.com";
/// Lines of an answer.
const PAGE: u32 = 500;
/// Answers of one look.
const PAGES: usize = 20;

/// The log of a job, read from where it was left.
pub struct Log {
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
    pub fn new(project: &str, job: &str) -> Self {
        Self {
            address: endpoint(ENDPOINT, ADDRESS),
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
    pub async fn lines(&mut self, google: &Google) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let answer = self.ask(google, &token).await?;
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

    async fn ask(&self, google: &Google, token: &str) -> Result<Json, String> {
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
        let url = format!("{}/v2/entries:list", self.address);
        let asked = google.call(&Call::post(url, &body)).await;
        asked.map_err(|failure| failure.error("read the log").in_a_line())
    }
}
