//! `lagrange jobs`: jobs of Vertex AI.

use serde_json::{Value as Json, json};

use super::answer::{Answer, answered};
use super::submit::about;
use crate::cli::SettingsArgs;
use crate::cli::cloud::{JobArgs, JobsArgs, JobsListArgs, JobsVerb};
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
    let vertex = Vertex::connect(&home).await?;
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
            let cell = |column: &&str| match &job[*column] {
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
    let name = job.name.as_str();
    let time = |time: Option<_>| time.map(String::from);
    let pool = job.job_spec.as_ref();
    let pool = pool.and_then(|spec| spec.worker_pool_specs.first());
    let machine = pool.and_then(|pool| pool.machine_spec.as_ref());
    let container = pool.and_then(|pool| pool.container_spec());
    let lines = [
        ("job", Some(service::number(name).to_owned())),
        ("name", Some(job.display_name.clone())),
        ("state", Some(service::told(&job))),
        (
            "error",
            job.error.as_ref().map(|error| error.message.clone()),
        ),
        (
            "machine",
            machine.map(|machine| machine.machine_type.clone()),
        ),
        (
            "image",
            container.map(|container| container.image_uri.clone()),
        ),
        ("runs", container.map(|container| container.args.join(" "))),
        ("created", time(job.create_time)),
        ("started", time(job.start_time)),
        ("ended", time(job.end_time)),
        ("page", Some(home.page(name))),
    ];
    let lines: Vec<String> = lines
        .iter()
        .filter_map(|(name, value)| Some(format!("{name:<8} {}", value.as_ref()?)))
        .collect();
    Ok(Answer::new(lines.join("\n"), about(&job)))
}

async fn cancel(args: &JobArgs) -> Result<Answer> {
    let (home, vertex) = connect(&args.settings).await?;
    let name = home.job(&args.job)?;
    let job = vertex.job(&name).await?;
    let number = service::number(&name);
    if service::ended(&job).is_some() {
        let text = format!("job {number} was over: {}", service::told(&job));
        return Ok(Answer::new(text, about(&job)));
    }
    vertex.cancel(&name).await?;
    let job = vertex.job(&name).await?;
    let text = format!(
        "job {number} is asked to end; it is {}",
        service::told(&job)
    );
    Ok(Answer::new(text, about(&job)))
}
