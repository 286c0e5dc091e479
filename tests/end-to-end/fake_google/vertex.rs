//! Vertex AI's custom jobs, and their logs.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::vertex_models::Models;
use super::{Reply, Request, asked, must, only, refusal};

const PARENT: &str = "projects/development/locations/europe-west4";
/// How many jobs a page of a list has at most.
const PAGE: usize = 2;
/// How a job is scheduled, as numbers: STANDARD and SPOT.
const STRATEGIES: [u64; 2] = [3, 4];
/// The states of a job in the order of their numbers.
const STATES: [&str; 12] = [
    "JOB_STATE_UNSPECIFIED",
    "JOB_STATE_QUEUED",
    "JOB_STATE_PENDING",
    "JOB_STATE_RUNNING",
    "JOB_STATE_SUCCEEDED",
    "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLING",
    "JOB_STATE_CANCELLED",
    "JOB_STATE_PAUSED",
    "JOB_STATE_EXPIRED",
    "JOB_STATE_UPDATING",
    "JOB_STATE_PARTIALLY_SUCCEEDED",
];

/// The service.
#[derive(Default)]
pub struct Vertex {
    jobs: Vec<Job>,
    /// The states that the next job goes through, one per look.
    pub states: Vec<&'static str>,
    /// What the next job fails with.
    pub error: Option<String>,
    /// Requests that made jobs.
    pub created: Vec<Json>,
    /// Lines of the log, which appear with every look.
    pub log: Vec<String>,
    shown: BTreeMap<String, usize>,
    pub models: Models,
}

struct Job {
    name: String,
    body: Json,
    states: Vec<&'static str>,
    error: Option<String>,
}

impl Vertex {
    pub fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.path == "/v2/entries:list" {
            must(request.method == "POST", "entries:list is a POST")?;
            asked(request, &[])?;
            return self.entries(&request.body);
        }
        if let Some(reply) = self.models.answer(request) {
            return reply;
        }
        let parent = format!("/v1/{PARENT}/customJobs");
        let rest = request
            .path
            .strip_prefix(&parent)
            .ok_or("no such call, or another project or region")?;
        let (rest, verb) = rest.split_once(':').unwrap_or((rest, ""));
        match (request.method.as_str(), rest, verb) {
            ("POST", "", "") => self.create(&request.body),
            ("GET", "", "") => {
                asked(request, &["filter", "pageSize", "pageToken"])?;
                Ok(self.list(request))
            }
            ("GET", id, "") => Ok(self.look(id.trim_start_matches('/'))),
            ("POST", id, "cancel") => {
                must(request.body == json!({}), "what is sent to cancel")?;
                Ok(self.cancel(id.trim_start_matches('/')))
            }
            _ => Err("no such call".to_owned()),
        }
    }

    fn create(&mut self, body: &Json) -> Result<Reply, String> {
        only(body, &["displayName", "jobSpec", "labels"], "the job")?;
        let name = body["displayName"].as_str().unwrap_or_default();
        must(!name.is_empty() && name.len() <= 128, "displayName")?;
        let labels = body["labels"].as_object().ok_or("no labels")?;
        let plain = |text: &str| {
            text.len() <= 63
                && text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        };
        for (key, value) in labels {
            must(
                plain(key) && value.as_str().is_some_and(plain),
                &format!("label {key}: {value}"),
            )?;
        }
        let spec = &body["jobSpec"];
        let known = [
            "workerPoolSpecs",
            "scheduling",
            "serviceAccount",
            "network",
            "baseOutputDirectory",
        ];
        only(spec, &known, "jobSpec")?;
        only(
            &spec["scheduling"],
            &[
                "timeout",
                "strategy",
                "restartJobOnWorkerRestart",
                "maxWaitDuration",
            ],
            "scheduling",
        )?;
        let timeout = spec["scheduling"]["timeout"].as_str().unwrap_or_default();
        must(timeout.ends_with('s'), "scheduling.timeout")?;
        let strategy = spec["scheduling"]["strategy"].as_u64();
        must(
            strategy.is_some_and(|it| STRATEGIES.contains(&it)),
            "scheduling.strategy",
        )?;
        let pools = spec["workerPoolSpecs"]
            .as_array()
            .ok_or("no workerPoolSpecs")?;
        for (i, pool) in pools.iter().enumerate() {
            only(
                pool,
                &[
                    "machineSpec",
                    "replicaCount",
                    "containerSpec",
                    "diskSpec",
                    "nfsMounts",
                ],
                "a workerPoolSpec",
            )?;
            for mount in pool["nfsMounts"].as_array().into_iter().flatten() {
                only(mount, &["server", "path", "mountPoint"], "an nfsMount")?;
                must(spec["network"].is_string(), "a network for nfsMounts")?;
            }
            must(
                i > 0 || pool["replicaCount"] == "1",
                "the first pool is one machine",
            )?;
            let container = &pool["containerSpec"];
            only(container, &["imageUri", "args", "env"], "containerSpec")?;
            must(container["imageUri"].is_string(), "imageUri")?;
        }
        self.created.push(body.clone());
        let id = self.jobs.len() + 1001;
        let job = Job {
            name: format!("{PARENT}/customJobs/{id}"),
            body: body.clone(),
            states: match self.states.is_empty() {
                true => vec!["JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"],
                false => std::mem::take(&mut self.states),
            },
            error: self.error.take(),
        };
        let reply = job.reply("JOB_STATE_PENDING");
        self.jobs.push(job);
        Ok((200, reply))
    }

    /// The latest first, page by page.
    fn list(&self, request: &Request) -> Reply {
        let text = |name: &str| request.query.get(name).map_or("", String::as_str);
        // labels.key="value", joined by AND
        let filters: Vec<(String, String)> = text("filter")
            .split(" AND ")
            .filter_map(|filter| {
                let (key, value) = filter.trim().strip_prefix("labels.")?.split_once('=')?;
                Some((key.to_owned(), value.trim_matches('"').to_owned()))
            })
            .collect();
        let fits = |job: &&Job| {
            filters
                .iter()
                .all(|(key, value)| job.body["labels"][key] == *value)
        };
        let all: Vec<&Job> = self.jobs.iter().rev().filter(fits).collect();
        let from: usize = text("pageToken").parse().unwrap_or(0);
        let page: Vec<Json> = all
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|job| job.reply(job.states.first().unwrap_or(&"JOB_STATE_PENDING")))
            .collect();
        let next = from + page.len();
        let mut body = json!({ "customJobs": page });
        if next < all.len() {
            body["nextPageToken"] = json!(next.to_string());
        }
        (200, body)
    }

    fn look(&mut self, id: &str) -> Reply {
        let Some(job) = self.jobs.iter_mut().find(|job| job.name.ends_with(id)) else {
            return refusal(404, "NOT_FOUND", "CustomJob does not exist");
        };
        let state = job.states[0];
        if job.states.len() > 1 {
            job.states.remove(0);
        }
        (200, job.reply(state))
    }

    fn cancel(&mut self, id: &str) -> Reply {
        let Some(job) = self.jobs.iter_mut().find(|job| job.name.ends_with(id)) else {
            return refusal(404, "NOT_FOUND", "CustomJob does not exist");
        };
        job.states = vec!["JOB_STATE_CANCELLED"];
        (200, json!({}))
    }

    fn entries(&mut self, body: &Json) -> Result<Reply, String> {
        let known = [
            "resourceNames",
            "filter",
            "orderBy",
            "pageSize",
            "pageToken",
        ];
        only(body, &known, "the question")?;
        must(
            body["resourceNames"] == json!(["projects/development"]),
            "resourceNames",
        )?;
        let filter = body["filter"].as_str().unwrap_or_default();
        let (_, rest) = filter
            .split_once("resource.labels.job_id=\"")
            .ok_or("no job in the filter")?;
        let id = rest.split('"').next().unwrap_or_default().to_owned();
        // A line more each time that it is asked.
        let shown = self.shown.entry(id).or_default();
        *shown = (*shown + 1).min(self.log.len());
        let entries: Vec<Json> = self.log[..*shown]
            .iter()
            .enumerate()
            .map(|(i, line)| {
                json!({
                    "insertId": format!("line-{i}"),
                    "timestamp": format!("2026-01-31T12:00:{i:02}Z"),
                    // INFO
                    "severity": 200,
                    "jsonPayload": { "message": line },
                })
            })
            .collect();
        Ok((200, json!({ "entries": entries })))
    }
}

impl Job {
    fn reply(&self, state: &str) -> Json {
        let mut body = self.body.clone();
        body["name"] = json!(self.name);
        let number = STATES.iter().position(|name| *name == state);
        body["state"] = json!(number.expect("a state that is known"));
        body["createTime"] = json!("2026-01-31T12:00:00Z");
        if let (Some(error), "JOB_STATE_FAILED") = (&self.error, state) {
            body["error"] = json!({ "code": 3, "message": error });
        }
        body
    }
}
