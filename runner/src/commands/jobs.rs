//! `lagrange jobs`: jobs of Vertex AI.

use google_cloud_aiplatform_v1::model::CustomJob;
use google_cloud_aiplatform_v1::model::worker_pool_spec::Task;
use serde_json::{Value as Json, json};

use super::cloud::{Answer, answered};
use super::submit::about;
use crate::cli::SettingsArgs;
use crate::cli::cloud::{JobArgs, JobsArgs, JobsListArgs, JobsVerb};
use crate::cloud::google;
use crate::cloud::vertex::service::{self, Home, Vertex};
use crate::engines::shown::Shown;
use crate::error::{Result, Status};
use crate::printer::Printer;
use crate::settings::Settings;

/// Runs the command.
pub fn jobs(args: &JobsArgs) -> Status {
    let output = match &args.verb {
        JobsVerb::List(args) => args.output,
        JobsVerb::Show(args) | JobsVerb::Cancel(args) => args.output,
    };
    let printer = Printer::new(output);
    answered(&printer, async || match &args.verb {
        JobsVerb::List(args) => list(args).await,
        JobsVerb::Show(args) => show(args).await,
        JobsVerb::Cancel(args) => cancel(args).await,
    })
}

async fn connect(args: &SettingsArgs) -> Result<(Home, Vertex)> {
    let home = Home::of(&Settings::resolve(args)?)?;
    let vertex = Vertex::connect(&home, google::credentials()?).await?;
    Ok((home, vertex))
}

async fn list(args: &JobsListArgs) -> Result<Answer> {
    let (home, vertex) = connect(&args.settings).await?;
    let jobs = vertex.list(&[], args.limit).await?;
    let list: Vec<Json> = jobs.iter().map(about).collect();
    if list.is_empty() {
        let text = format!("no jobs of lagrange in {} of {}", home.region, home.project);
        return Ok(Answer::new(text, json!({ "jobs": [] })));
    }
    let columns = ["job", "state", "display_name", "created", "ended"];
    let mut shown = Shown::new(columns.map(str::to_owned).to_vec());
    shown.rows = list
        .iter()
        .map(|job| {
            let cell = |column: &&str| match &job[**column] {
                Json::Null => Json::from(""),
                value => value.clone(),
            };
            columns.iter().map(cell).collect()
        })
        .collect();
    shown.total = list.len() as u64;
    let text = shown.to_string();
    let text = text
        .rsplit_once('\n')
        .map_or(text.as_str(), |(table, _)| table);
    Ok(Answer::new(text, json!({ "jobs": list })))
}

async fn show(args: &JobArgs) -> Result<Answer> {
    let (home, vertex) = connect(&args.settings).await?;
    let job = vertex.job(&home.job(&args.job)?).await?;
    let mut lines = vec![
        ("job", service::number(&job.name).to_owned()),
        ("name", job.display_name.clone()),
        ("state", service::told(&job.state)),
    ];
    if let Some(error) = &job.error {
        lines.push(("error", error.message.clone()));
    }
    lines.extend(machine(&job));
    for (name, time) in [
        ("created", job.create_time),
        ("started", job.start_time),
        ("ended", job.end_time),
    ] {
        lines.extend(time.map(|time| (name, String::from(time))));
    }
    lines.push(("page", home.page(&job.name)));
    let text: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name:<8} {value}"))
        .collect();
    Ok(Answer::new(text.join("\n"), about(&job)))
}

/// Where a job runs, and what.
fn machine(job: &CustomJob) -> Vec<(&'static str, String)> {
    let pools = job.job_spec.as_ref().map(|spec| &spec.worker_pool_specs);
    let Some(pool) = pools.and_then(|pools| pools.first()) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if let Some(machine) = &pool.machine_spec {
        lines.push(("machine", machine.machine_type.clone()));
    }
    if let Some(Task::ContainerSpec(container)) = &pool.task {
        lines.push(("image", container.image_uri.clone()));
        lines.push(("runs", container.args.join(" ")));
    }
    lines
}

async fn cancel(args: &JobArgs) -> Result<Answer> {
    let (home, vertex) = connect(&args.settings).await?;
    let name = home.job(&args.job)?;
    let job = vertex.job(&name).await?;
    let number = service::number(&name);
    if service::ended(&job.state).is_some() {
        let text = format!("job {number} was over: {}", service::told(&job.state));
        return Ok(Answer::new(text, about(&job)));
    }
    vertex.cancel(&name).await?;
    let job = vertex.job(&name).await?;
    let text = format!(
        "job {number} is asked to end; it is {}",
        service::told(&job.state)
    );
    Ok(Answer::new(text, about(&job)))
}
