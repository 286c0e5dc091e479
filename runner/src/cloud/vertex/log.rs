//! What a job prints, as Cloud Logging has it.

use std::collections::BTreeSet;

use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::paginator::ItemPaginator;
use google_cloud_logging_v2::client::LoggingServiceV2;
use google_cloud_logging_v2::model::LogEntry;

use crate::cloud::google::{Google, built, endpoint};
use crate::error::Result;

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_LOGGING_ENDPOINT";
const ADDRESS: &str = "https://logging.googleapis.com";
/// Entries of an answer.
const PAGE: i32 = 500;
/// Entries of one look.
const LOOK: usize = 10_000;

/// The log of a job, read from where it was left.
pub struct Log {
    google: Google,
    service: LoggingServiceV2,
    project: String,
    job: String,
    /// The time of the last line.
    last: String,
    /// What was shown: lines of one time come again.
    seen: BTreeSet<String>,
}

impl Log {
    /// The log of a job, from its beginning.
    ///
    /// # Errors
    /// Credentials that cannot be used.
    pub async fn open(google: &Google, project: &str, job: &str) -> Result<Self> {
        let service = google.client(LoggingServiceV2::builder(), &endpoint(ENDPOINT, ADDRESS));
        Ok(Self {
            google: google.clone(),
            service: built(service.build().await)?,
            project: project.to_owned(),
            job: job.to_owned(),
            last: String::new(),
            seen: BTreeSet::new(),
        })
    }

    /// The lines that are new.
    ///
    /// # Errors
    /// The log cannot be read now; later it may be.
    pub async fn lines(&mut self) -> std::result::Result<Vec<String>, String> {
        let job = self.job.replace('"', "");
        let mut filter = format!("resource.type=\"ml_job\" resource.labels.job_id=\"{job}\"");
        if !self.last.is_empty() {
            filter.push_str(&format!(" timestamp>=\"{}\"", self.last));
        }
        let asked = self.service.list_log_entries();
        let asked = asked.set_resource_names([format!("projects/{}", self.project)]);
        let asked = asked.set_filter(filter).set_order_by("timestamp asc");
        // It is only read, although it is said with POST.
        let asked = asked.set_page_size(PAGE).with_idempotency(true);
        let mut entries = asked.by_item();
        let mut lines = Vec::new();
        for _ in 0..LOOK {
            let next = async { entries.next().await.transpose() };
            let next = self.google.call(next).await;
            match next.map_err(|failure| failure.error("read the log").in_a_line())? {
                Some(entry) => self.add(&entry, &mut lines),
                None => break,
            }
        }
        Ok(lines)
    }

    fn add(&mut self, entry: &LogEntry, lines: &mut Vec<String>) {
        // They come in the order of time.
        if let Some(time) = entry.timestamp {
            self.last = String::from(time);
        }
        if !self.seen.insert(entry.insert_id.clone()) {
            return;
        }
        let message = entry.json_payload().and_then(|json| json.get("message"));
        let text = message.and_then(|message| message.as_str());
        let text = text.or(entry.text_payload().map(String::as_str));
        let text = text.unwrap_or_default();
        lines.extend(text.trim_end().lines().map(str::to_owned));
    }
}
