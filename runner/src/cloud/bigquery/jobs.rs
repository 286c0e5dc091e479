//! Jobs that are done once, whatever happens. Their ids are made of what they do: a
//! command that was interrupted finds its job again, and an answer that was lost does
//! not start a second one. (The library can wait for jobs, too, but gives random ids to
//! those that it starts again.)

use google_cloud_bigquery_v2::model::{ErrorProto, Job, JobConfiguration, JobReference};

use super::client::BigQuery;
use crate::error::{Error, Result};

/// How often a job that fails by itself is started again by one command.
const RESTARTS: u32 = 3;
/// How many ids a job can have in all.
const IDS: u32 = 50;
/// Reasons that have nothing to do with what the job does.
const PASSING: [&str; 8] = [
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
    "stopped",
];

/// A job to do.
pub struct Task<'a> {
    /// What it does, in one word, such as `export`.
    pub verb: &'a str,
    /// A digest of all that it does.
    pub key: &'a str,
    /// How it does it.
    pub configuration: JobConfiguration,
    /// Where the data are.
    pub location: &'a str,
    /// The number of the first attempt: those before are known to be of no use.
    pub from: u32,
}

/// A job that has ended well.
#[derive(Debug)]
pub struct Done {
    /// The job.
    pub job: Job,
    /// Its id.
    pub id: String,
    /// The number of the attempt.
    pub attempt: u32,
}

/// Does a job, or finds that it is done. `prepare` runs before an attempt that follows
/// one that failed; `say` hears what happens.
///
/// # Errors
/// A job that fails for a reason of its own, or for a passing one too often; a service
/// that does not answer.
pub async fn run(
    service: &BigQuery,
    task: Task<'_>,
    prepare: impl AsyncFn() -> Result<()>,
    say: &dyn Fn(&str),
) -> Result<Done> {
    let mut restarts = 0;
    for attempt in task.from..IDS {
        if attempt > task.from {
            prepare().await?;
        }
        let id = format!("lagrange_{}_{}_{attempt}", task.verb, task.key);
        let (job, was_over) = start(service, &task, &id, say).await?;
        let job = wait(service, job, &id, task.location, say).await?;
        let Some(error) = failed(&job) else {
            return Ok(Done { job, id, attempt });
        };
        // An attempt of an earlier command says nothing about this one.
        if was_over {
            continue;
        }
        restarts += 1;
        let reason = error.reason.as_str();
        if !PASSING.contains(&reason) || restarts > RESTARTS {
            return Err(failure(service, &task, &id, error, &job));
        }
        say(&format!(
            "job {id} failed ({reason}), which may pass: again"
        ));
        tokio::time::sleep(service.patience().look(restarts)).await;
    }
    let message = format!("the {} has failed {IDS} times", task.verb);
    Err(Error::failed(message).hint("lagrange export --snapshot NAME begins anew"))
}

/// Starts a job, or finds it; whether it was over already.
async fn start(
    service: &BigQuery,
    task: &Task<'_>,
    id: &str,
    say: &dyn Fn(&str),
) -> Result<(Job, bool)> {
    let mut reference = JobReference::new().set_project_id(service.project());
    if !task.location.is_empty() {
        reference = reference.set_location(task.location);
    }
    let job = Job::new()
        .set_job_reference(reference.set_job_id(id))
        .set_configuration(task.configuration.clone());
    match service.insert(job).await {
        Ok(job) => {
            say(&format!("job {id}"));
            Ok((job, false))
        }
        Err(failure) if failure.is(409) => {
            let job = service.job(id, task.location).await?;
            let over = is_over(&job);
            say(&format!(
                "job {id}, which was {}",
                if over {
                    "done before"
                } else {
                    "started before"
                }
            ));
            Ok((job, over))
        }
        Err(failure) => Err(failure.error(&format!("start the {}", task.verb))),
    }
}

/// Waits until a job is over.
async fn wait(
    service: &BigQuery,
    mut job: Job,
    id: &str,
    location: &str,
    say: &dyn Fn(&str),
) -> Result<Job> {
    let mut looks = 0;
    while !is_over(&job) {
        tokio::time::sleep(service.patience().look(looks)).await;
        looks += 1;
        job = service.job(id, location).await.map_err(|error| {
            error.hint(format!("job {id} goes on; the same command finds it again"))
        })?;
        if looks % 20 == 0 {
            say(&format!("job {id} is still {}", state(&job).to_lowercase()));
        }
    }
    Ok(job)
}

fn state(job: &Job) -> &str {
    job.status.as_ref().map_or("", |status| &status.state)
}

fn is_over(job: &Job) -> bool {
    state(job) == "DONE"
}

/// Why a job has failed, if it has. Errors beside this one may be warnings.
fn failed(job: &Job) -> Option<&ErrorProto> {
    job.status.as_ref()?.error_result.as_ref()
}

fn failure(
    service: &BigQuery,
    task: &Task<'_>,
    id: &str,
    error: &ErrorProto,
    job: &Job,
) -> Box<Error> {
    let mut detail = error.message.clone();
    let others = job.status.iter().flat_map(|status| &status.errors);
    for other in others.filter(|other| other.message != error.message) {
        detail.push('\n');
        detail.push_str(&other.message);
    }
    let reason = error.reason.as_str();
    let failed = Error::failed(format!(
        "the {} failed in BigQuery: {reason} (job {id} of project {})",
        task.verb,
        service.project()
    ))
    .detail(detail);
    match reason {
        "accessDenied" => failed.hint("docs/cloud.md lists the roles that the account needs"),
        "notFound" => failed.hint("look at the names of the table, the data set and the bucket"),
        "quotaExceeded" | "billingNotEnabled" | "responseTooLarge" => {
            failed.hint("export less with --where, or raise the quota of the project")
        }
        reason if PASSING.contains(&reason) => {
            failed.hint("BigQuery has a problem of its own: run the same command later")
        }
        _ => failed,
    }
}
