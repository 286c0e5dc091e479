//! `lagrange doctor`: whether everything is in place.

mod cloud;

use std::path::Path;
use std::time::Duration;

use datafusion::object_store::{self, ObjectStore};
use futures::StreamExt;
use lagrange_udfs::duckdb::Session;
use reqwest::Url;
use serde_json::{Value as Json, json};

use super::answer::threads;
use crate::cli::{DoctorArgs, EngineName};
use crate::cluster::client;
use crate::engines::Choice;
use crate::error::{Error, Status};
use crate::printer::Printer;
use crate::secrets;
use crate::settings::Settings;
use crate::tracking;

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the command.
pub fn doctor(args: &DoctorArgs) -> Status {
    let printer = Printer::new(args.output);
    let mut findings = Findings::default();
    examine(args, &mut findings);
    if printer.is_text() {
        printer.result(&findings.text());
    } else {
        printer.result(&format!("{:#}", findings.to_json()));
    }
    match findings.count(Verdict::Fail) {
        0 => Status::Success,
        _ => Status::Failed,
    }
}

fn examine(args: &DoctorArgs, findings: &mut Findings) {
    findings.ok("lagrange", env!("CARGO_PKG_VERSION"));
    match duckdb_version() {
        Ok(version) => findings.ok("duckdb", &version),
        Err(error) => findings.error("duckdb", &error),
    }
    findings.ok("datafusion", datafusion::DATAFUSION_VERSION);
    let settings = match Settings::resolve(&args.settings) {
        Ok(settings) => settings,
        Err(error) => {
            findings.error("configuration", &error);
            return;
        }
    };
    let environment = settings.values.get("environment");
    let told = environment.map_or_else(String::new, |(name, origin)| {
        format!("environment {}, from {origin}", name.plain())
    });
    findings.ok("configuration", &told);
    resources(&settings, findings);
    match Choice::resolve(args.engine.as_ref(), &settings) {
        Ok(choice) => {
            database(&choice, findings);
            scheduler(&choice, findings);
        }
        Err(error) => findings.error("database", &error),
    }
    storage("models", "storage.model_registry", &settings, findings);
    storage("artifacts", "storage.artifacts", &settings, findings);
    cloud::examine(&settings, findings);
    match server(&settings) {
        Ok(()) => findings.ok("tracking", &secrets::masked(&settings.tracking_uri)),
        Err(reason) => findings.warn(
            "tracking",
            &reason,
            "start the server, or set mlflow.tracking_uri; runs go on without it",
        ),
    }
}

/// Whether the tracking server answers.
fn server(settings: &Settings) -> Result<(), String> {
    let runtime = threads().map_err(|error| error.message().into_owned())?;
    runtime
        .block_on(tracking::mlflow::connect(settings))
        .map(drop)
}

fn duckdb_version() -> crate::error::Result<String> {
    let session = Session::open(None, &[])?;
    let version = session.query_row("SELECT version()", [], |row| row.get(0));
    version.map_err(|error: duckdb::Error| Error::failed(error.to_string()))
}

fn resources(settings: &Settings, findings: &mut Findings) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = settings.max_workers;
    let told = format!("{workers} of {cores} cores");
    if workers > cores {
        findings.warn(
            "workers",
            &told,
            "lower training.resources.max_workers: more workers than cores take memory and give no speed",
        );
    } else {
        findings.ok("workers", &told);
    }
    let limit = settings.memory_limit as u64;
    match memory() {
        Some(total) if limit > total => findings.warn(
            "memory",
            &format!("limit {} of {}", gigabytes(limit), gigabytes(total)),
            "lower training.resources.memory_limit below the memory of the machine",
        ),
        Some(total) => findings.ok(
            "memory",
            &format!("limit {} of {}", gigabytes(limit), gigabytes(total)),
        ),
        None => {}
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Bytes of memory, where the system tells.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn database(choice: &Choice, findings: &mut Findings) {
    let path = &choice.database;
    if !path.exists() {
        match writable(path) {
            Ok(()) => findings.ok("database", &format!("{choice}, which the first run makes")),
            Err(error) => findings.fail(
                "database",
                &format!("{} cannot be made: {error}", path.display()),
                "set database.path, or pass --database",
            ),
        }
        return;
    }
    match choice.row_estimates() {
        Ok(tables) => {
            let count = tables.len();
            let tables = if count == 1 { "table" } else { "tables" };
            findings.ok("database", &format!("{choice}, {count} {tables}"));
        }
        Err(error) => {
            let fix = match choice.engine {
                EngineName::DuckDb => {
                    "wait until the process that uses it ends, or pass --database"
                }
                EngineName::DataFusion => "pass a folder of Parquet tables with --database",
            };
            findings.fail("database", &format!("{choice}: {}", error.message()), fix);
        }
    }
}

fn scheduler(choice: &Choice, findings: &mut Findings) {
    let Some(address) = &choice.scheduler else {
        return;
    };
    let reached = threads().map_err(|error| error.message().into_owned());
    match reached.and_then(|runtime| runtime.block_on(client::reach(address))) {
        Ok(()) => findings.ok("scheduler", &address.to_string()),
        Err(why) => findings.fail(
            "scheduler",
            &format!("{address} cannot be reached: {why}"),
            "start lagrange cluster scheduler there, or pass the address where it listens",
        ),
    }
}

/// Whether a file or folder can be made: in the nearest folder that is there.
fn writable(path: &Path) -> std::io::Result<()> {
    let folder = path
        .ancestors()
        .skip(1)
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        })
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map(drop)
}

fn storage(name: &str, key: &str, settings: &Settings, findings: &mut Findings) {
    let location = settings
        .values
        .get(key)
        .map_or_else(String::new, |(value, _)| value.plain());
    let local = location.strip_prefix("file://").unwrap_or(&location);
    let shown = secrets::masked(&location).into_owned();
    if !local.contains("://") {
        // A folder that is there is itself the place to try.
        match writable(&Path::new(local).join("x")) {
            Ok(()) => findings.ok(name, &shown),
            Err(error) => findings.fail(
                name,
                &format!("{shown} cannot be written: {error}"),
                &format!("set {key} to a folder that can be"),
            ),
        }
        return;
    }
    match reach(&location) {
        Ok(()) => findings.ok(name, &shown),
        Err(reason) => findings.fail(
            name,
            &format!("{shown} cannot be listed: {reason}"),
            &format!("log in to the cloud, or set {key} to a folder"),
        ),
    }
}

/// Lists the first object of a store.
fn reach(location: &str) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| {
        let text = error.to_string();
        secrets::masked(text.lines().next().unwrap_or_default()).into_owned()
    };
    let url = Url::parse(location).map_err(|error| text(&error))?;
    // The credentials of each cloud as its own tools name them.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (store, prefix) =
        object_store::parse_url_opts(&url, variables).map_err(|error| text(&error))?;
    let runtime = threads().map_err(|error| error.message().into_owned())?;
    let listed = runtime.block_on(async {
        tokio::time::timeout(PATIENCE, async { store.list(Some(&prefix)).next().await }).await
    });
    match listed {
        Ok(None | Some(Ok(_))) => Ok(()),
        Ok(Some(Err(error))) => Err(text(&error)),
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

struct Finding {
    verdict: Verdict,
    name: String,
    told: String,
    fix: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, verdict: Verdict, name: &str, told: &str, fix: Option<String>) {
        self.0.push(Finding {
            verdict,
            name: name.to_owned(),
            told: secrets::masked(told).into_owned(),
            fix,
        });
    }

    fn ok(&mut self, name: &str, told: &str) {
        self.add(Verdict::Ok, name, told, None);
    }

    fn warn(&mut self, name: &str, told: &str, fix: &str) {
        self.add(Verdict::Warn, name, told, Some(fix.to_owned()));
    }

    fn fail(&mut self, name: &str, told: &str, fix: &str) {
        self.add(Verdict::Fail, name, told, Some(fix.to_owned()));
    }

    fn error(&mut self, name: &str, error: &Error) {
        let text = error.render("");
        let text = text.trim_start_matches(": ");
        let (told, fix) = match text.split_once("\nhint: ") {
            Some((told, fix)) => (told, Some(fix.to_owned())),
            None => (text, None),
        };
        let told: Vec<&str> = told.lines().map(str::trim).collect();
        self.add(Verdict::Fail, name, &told.join("; "), fix);
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|f| f.verdict == verdict).count()
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.0 {
            let verdict = finding.verdict.name();
            lines.push(format!(
                "{verdict:<5} {:<14} {}",
                finding.name, finding.told
            ));
            if let Some(fix) = &finding.fix {
                lines.push(format!("{:21}fix: {fix}", ""));
            }
        }
        lines.join("\n")
    }

    fn to_json(&self) -> Json {
        let findings: Vec<Json> = self
            .0
            .iter()
            .map(|finding| {
                json!({
                    "name": finding.name,
                    "verdict": finding.verdict.name(),
                    "told": finding.told,
                    "fix": finding.fix,
                })
            })
            .collect();
        json!({ "findings": findings, "failures": self.count(Verdict::Fail) })
    }
}
