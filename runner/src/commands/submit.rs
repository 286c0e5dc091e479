//! `lagrange submit`: scripts that run on a machine of Vertex AI.

use std::collections::{BTreeMap, BTreeSet};

use google_cloud_aiplatform_v1::model::CustomJob;
use serde_json::{Value as Json, json};

use super::answer::{Answer, answered};
use super::{catalogue, run};
use crate::cli::cloud::SubmitArgs;
use crate::cloud::vertex::bundle::Bundle;
use crate::cloud::vertex::log::Log;
use crate::cloud::vertex::machine;
use crate::cloud::vertex::request::{self, Share, Submission};
use crate::cloud::vertex::service::{self, Home, Vertex};
use crate::error::{Error, Result, Status};
use crate::files::sha256;
use crate::flow;
use crate::guard::rules::Severity;
use crate::parameters::{Given, Value};
use crate::printer::{Printer, amount};
use crate::registry::Place;
use crate::runs::moment::Moment;
use crate::script;
use crate::secrets;
use crate::settings::{Origin, Settings};

/// The settings of a job, in its working directory.
const CONFIGURATION: &str = "config/job.yaml";
/// Seconds that a machine waits for the first one, whose container may start later.
const EXECUTOR_WAIT: u16 = 1800;
/// Looks at a job whose log cannot be read, before it is said.
const LOG_LOST: u32 = 3;

/// Runs the command.
pub fn submit(args: &SubmitArgs) -> Status {
    let printer = Printer::new(args.output);
    answered(&printer, async || submitted(args, &printer).await)
}

async fn submitted(args: &SubmitArgs, printer: &Printer) -> Result<Answer> {
    let settings = Settings::resolve(&args.settings)?;
    let home = Home::of(&settings)?;
    let place = Place::of("storage.artifacts", &settings.artifacts)?;
    if !place.is_google() {
        let message = format!(
            "a job reads its scripts from gs://, and storage.artifacts is {}",
            place.location()
        );
        return Err(Error::usage(message).hint("set storage.artifacts to gs://bucket/folder"));
    }
    let bundle = bundle(args, &settings)?;
    let bytes = bundle.bytes()?;
    let path = Bundle::path(&bytes);
    let address = place.shown(&path);
    let submission = submission(args, &settings, &address, &place)?;
    if args.dry_run {
        let request = request::shown(&submission.job())?;
        return Ok(planned(&home, &address, &bundle, &bytes, &request));
    }
    place.put(&path, bytes).await?;
    printer.progress(&format!("scripts in {address}"));
    let vertex = Vertex::connect(&home).await?;
    let job = vertex.start(&submission).await?;
    let number = service::number(&job.name).to_owned();
    let page = home.page(&job.name);
    printer.progress(&format!(
        "job {number} on {}: {page}",
        submission.machine_type
    ));
    if !args.wait {
        let env = args.settings.env.as_deref().unwrap_or("local");
        let text = format!(
            "submitted job {number}\nlagrange jobs show {number} --env {env} looks at it, \
             lagrange jobs cancel ends it"
        );
        return Ok(Answer::new(text, about(&job)));
    }
    let log = Log::open(&vertex.google, &home.project, &number).await?;
    let job = follow(&vertex, job, log, printer).await?;
    let state = service::told(&job);
    let mut answer = Answer::new(format!("job {number} {state}"), about(&job));
    if service::ended(&job) != Some(Status::Success) {
        let mut error = Error::failed(format!("job {number} {state}"));
        if let Some(failed) = job.error {
            error = error.detail(failed.message);
        }
        answer.text.clear();
        answer.error = Some(error.hint(format!("its log: {page}")));
    }
    Ok(answer)
}

/// The scripts, the files that they include, and the settings of the job.
fn bundle(args: &SubmitArgs, settings: &Settings) -> Result<Bundle> {
    let mut bundle = Bundle::new();
    for file in &args.scripts {
        for source in script::read(file)?.files {
            bundle.add(&source.file, &source.text)?;
        }
    }
    // What would be refused there is refused here, for nothing.
    let bound = run::bind(&args.scripts, &args.set, settings.clone())?;
    let report = catalogue::report(&bound.steps);
    if report.count(Severity::Error) > 0 {
        return Err(
            Error::failed("the script sees the future; the job would not begin")
                .hint("lagrange check shows each place"),
        );
    }
    let flows = flow::of(&bound.steps);
    let made: BTreeSet<&String> = flows.iter().flat_map(|flow| &flow.exports).collect();
    let mut read = flows.iter().flat_map(|flow| &flow.files);
    if let Some(file) = read.find(|file| !made.contains(*file)) {
        let message = format!("the script reads {file}, a file that the job does not have");
        return Err(Error::usage(message)
            .hint("load it into BigQuery, and read it as a table of the data set"));
    }
    bundle.add(CONFIGURATION, &configuration(settings))?;
    Ok(bundle)
}

/// The settings as a file. Secrets are not among them: a job has its own.
fn configuration(settings: &Settings) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for (key, (value, origin)) in &settings.values {
        let parts: Vec<&str> = key.split('.').collect();
        let local = matches!(origin, Origin::Flag("--database"));
        if local || secrets::is_secret(key) || key.starts_with("storage.cache") {
            continue;
        }
        let (name, sections) = parts.split_last().unwrap_or((&"", &[]));
        let shared = open
            .iter()
            .zip(sections)
            .take_while(|(a, b)| a == b)
            .count();
        open.truncate(shared);
        for section in &sections[shared..] {
            text.push_str(&format!("{}{section}:\n", "  ".repeat(open.len())));
            open.push(section);
        }
        // A text of JSON is one of YAML. A parameter keeps its type.
        let typed = match value {
            Given::Text(text) => Value::infer(text),
            Given::Value(value) => value.clone(),
        };
        let value = match typed {
            Value::Null => "null".to_owned(),
            Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) | Value::Double(_)
                if key.starts_with("parameters.") =>
            {
                value.plain()
            }
            _ => Json::from(value.plain()).to_string(),
        };
        text.push_str(&format!("{}{name}: {value}\n", "  ".repeat(open.len())));
    }
    text
}

fn submission(
    args: &SubmitArgs,
    settings: &Settings,
    address: &str,
    place: &Place,
) -> Result<Submission> {
    let image = args
        .image
        .clone()
        .or_else(|| settings.optional("vertex.image"))
        .ok_or_else(|| {
            Error::usage("no container image is named")
                .hint("set vertex.image, or pass --image; cloud/README.md says how to build one")
        })?;
    let machine_type = match args
        .machine_type
        .clone()
        .or_else(|| settings.optional("vertex.machine_type"))
    {
        Some(machine) => machine,
        None => machine::fitting(settings.max_workers, settings.memory_limit)?,
    };
    let replicas = (args.replicas > 1).then_some(args.replicas);
    let share = replicas.map(|_| share(settings)).transpose()?;
    let mut arguments = vec!["run".to_owned(), "--bundle".to_owned(), address.to_owned()];
    arguments.extend(args.scripts.iter().cloned());
    arguments.extend(["--config", CONFIGURATION].map(str::to_owned));
    for (name, value) in &args.set {
        arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    if args.publish {
        arguments.push("--publish".to_owned());
    }
    let script = args.scripts.last().map_or("", String::as_str);
    let stem = script.rsplit('/').next().unwrap_or_default();
    let stem = stem.trim_end_matches(".sql");
    let now = Moment::now();
    let moment = format!("{}-{:03}", now.compact(), now.millis());
    let digest = sha256(format!("{address} {arguments:?} {machine_type}").as_bytes());
    let id = format!("{moment}-{}", &digest[..8]);
    if let Some(replicas) = replicas {
        // Tables are where all machines see them; each job has its own.
        let database = format!("{}/{id}", Share::FOLDER);
        arguments.extend(["--replicas".to_owned(), replicas.to_string()]);
        arguments.extend(["--database".to_owned(), database]);
    }
    let environment = settings.environment();
    Ok(Submission {
        name: format!("lagrange {stem} {}", now.plain()),
        id,
        image,
        machine_type,
        replicas: args.replicas,
        executor: executor(settings),
        share,
        arguments,
        variables: BTreeMap::from([("NO_COLOR".to_owned(), "1".to_owned())]),
        labels: BTreeMap::from([
            ("environment".to_owned(), environment),
            ("script".to_owned(), stem.to_owned()),
        ]),
        spot: args.spot,
        timeout: request::timeout(settings, args.timeout)?,
        max_wait: request::length(settings, "vertex.max_wait")?,
        service_account: settings
            .optional("vertex.service_account")
            .unwrap_or_default(),
        network: settings.optional("vertex.network").unwrap_or_default(),
        output: format!("{}/jobs", place.location()),
    })
}

/// The folder that all machines of a job see.
fn share(settings: &Settings) -> Result<Share> {
    let needed = |key: &str, hint: &str| {
        let message = format!("--replicas needs {key}");
        settings
            .optional(key)
            .ok_or_else(|| Error::usage(message).hint(hint.to_owned()))
    };
    let text = needed(
        "vertex.nfs",
        "set it to SERVER:/PATH of a Filestore instance or another NFS server: the machines of a \
         job share their tables there",
    )?;
    needed(
        "vertex.network",
        "set it to the network of the server of vertex.nfs, with which Vertex AI is peered",
    )?;
    Share::of(&text).ok_or_else(|| {
        Error::usage(format!("'vertex.nfs' is '{text}'"))
            .hint("write SERVER:/PATH, such as 10.0.0.2:/share")
    })
}

/// What a further machine of a job is told.
fn executor(settings: &Settings) -> Vec<String> {
    let (cores, memory) = (settings.max_workers, settings.memory_limit);
    let resources = [cores, memory].map(|amount| amount.to_string());
    let [cores, memory] = &resources;
    let patience = EXECUTOR_WAIT.to_string();
    [
        "cluster",
        "executor",
        "--vertex",
        "--cores",
        cores,
        "--memory-limit",
        memory,
        "--wait",
        &patience,
    ]
    .map(str::to_owned)
    .into()
}

fn planned(home: &Home, address: &str, bundle: &Bundle, bytes: &[u8], request: &Json) -> Answer {
    let parent = format!(
        "POST https://{region}-aiplatform.googleapis.com/v1/projects/{}/locations/{region}/customJobs",
        home.project,
        region = home.region
    );
    let files: Vec<&String> = bundle.files.keys().collect();
    let names: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
    let text = format!(
        "upload  {address}\n        {} ({})\n{parent}\n{request:#}",
        names.join(", "),
        amount(bytes.len() as u64)
    );
    let json = json!({ "bundle": address, "files": files, "request": request });
    Answer::new(text, json)
}

/// Shows a job and its log until it is over.
async fn follow(
    vertex: &Vertex,
    mut job: CustomJob,
    mut log: Log,
    printer: &Printer,
) -> Result<CustomJob> {
    let mut state = String::new();
    let mut lost = 0;
    let mut looks = 0;
    loop {
        let name = job.name.clone();
        let told = service::told(&job);
        let over = service::ended(&job).is_some();
        if told != state {
            printer.progress(&format!("job {} is {told}", service::number(&name)));
            state = told;
            looks = 0;
        }
        match log.lines().await {
            Ok(lines) => {
                lost = 0;
                for line in lines {
                    printer.progress(&format!("  | {line}"));
                }
            }
            Err(reason) => {
                lost += 1;
                if lost == LOG_LOST || over {
                    printer.warning(
                        &Error::failed(format!("the log of the job cannot be read: {reason}"))
                            .hint("the job goes on; the account needs roles/logging.viewer"),
                    );
                }
            }
        }
        if over {
            return Ok(job);
        }
        tokio::time::sleep(vertex.google.patience.look(looks)).await;
        looks += 1;
        job = vertex
            .job(&name)
            .await
            .map_err(|error| error.hint("the job goes on; lagrange jobs show looks at it"))?;
    }
}

/// A job for `--output json`.
pub(super) fn about(job: &CustomJob) -> Json {
    json!({
        "job": service::number(&job.name),
        "name": job.name,
        "display_name": job.display_name,
        "state": service::told(job),
        "error": job.error.as_ref().map(|error| &error.message),
        "labels": job.labels.iter().collect::<BTreeMap<_, _>>(),
        "created": job.create_time,
        "started": job.start_time,
        "ended": job.end_time,
    })
}
