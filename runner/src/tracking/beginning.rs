//! What is known of a run before anything runs: scripts, parameters, settings, the
//! repository, the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::cli::EngineName;
use crate::engines::Choice;
use crate::files::sha256;
use crate::guard;
use crate::parameters::{Given, Value};
use crate::runs::moment::Moment;
use crate::runs::record::{Engine, Git, Guard, Host, Parameter, Run, RunStatus, SCHEMA, Script};
use crate::runs::results::file_name;
use crate::script::{self, Source};
use crate::secrets::Secrets;
use crate::settings::Settings;

/// What is known before anything runs.
pub struct Beginning<'a> {
    sources: Vec<(Arc<Source>, bool)>,
    parameters: Vec<Parameter>,
    guard: Option<(&'static str, &'a guard::Report)>,
}

/// A file of the record, and what is in it.
type NewFile = (String, Vec<u8>);

impl<'a> Beginning<'a> {
    /// From the scripts, before they are bound, and what they are bound to.
    pub fn of(
        scripts: &[script::Script],
        set: &BTreeMap<String, String>,
        settings: &Settings,
    ) -> Self {
        let mut sources: Vec<(Arc<Source>, bool)> = Vec::new();
        for script in scripts {
            let included = script
                .statements
                .iter()
                .map(|parsed| (&parsed.source, true));
            for (source, included) in std::iter::once((&script.source, false)).chain(included) {
                if !sources.iter().any(|(known, _)| known.file == source.file) {
                    sources.push((Arc::clone(source), included));
                }
            }
        }
        Self {
            sources,
            parameters: parameters(scripts, set, settings),
            guard: None,
        }
    }

    /// What the lookahead check says.
    pub fn checked(mut self, mode: &'static str, report: Option<&'a guard::Report>) -> Self {
        self.guard = report.map(|report| (mode, report));
        self
    }

    /// The record of a run that has just begun, and its first files.
    pub(super) fn record(
        self,
        id: String,
        now: Moment,
        settings: &Settings,
        choice: &Choice,
        secrets: &mut Secrets,
    ) -> (Run, Vec<NewFile>) {
        let mut parameters = self.parameters;
        for parameter in &mut parameters {
            parameter.value = secrets.value(&parameter.name, &parameter.value);
        }
        let values = settings.values.iter();
        let values = values.filter(|(key, _)| !key.starts_with("parameters."));
        let resolved: Vec<Parameter> = values
            .map(|(key, (given, origin))| Parameter {
                name: key.clone(),
                value: secrets.value(key, &given.plain()),
                origin: origin.to_string(),
            })
            .collect();
        for (source, _) in &self.sources {
            secrets.learn(&source.text);
        }
        let mut files = vec![("config.yaml".to_owned(), configuration(&resolved))];
        let mut scripts: Vec<Script> = Vec::new();
        for (i, (source, included)) in self.sources.iter().enumerate() {
            let stem = stem(&source.file);
            let artifact = format!("scripts/{:02}-{}.sql", i + 1, file_name(&stem));
            files.push((artifact.clone(), secrets.clean(&source.text).into_bytes()));
            scripts.push(Script {
                file: secrets.clean(&source.file),
                sha256: sha256(source.text.as_bytes()),
                included: *included,
                artifact,
            });
        }
        let names: Vec<String> = self
            .sources
            .iter()
            .filter(|(_, included)| !included)
            .map(|(source, _)| stem(&source.file))
            .collect();
        let text = |key: &str| {
            let value = settings.values.get(key);
            value.map_or_else(String::new, |(given, _)| given.plain())
        };
        let engine = match choice.engine {
            EngineName::DuckDb => "duckdb",
            EngineName::DataFusion => "datafusion",
        };
        let first = self
            .sources
            .first()
            .map(|(source, _)| Path::new(&source.file));
        let run = Run {
            schema: SCHEMA,
            id,
            name: names.join("+"),
            status: RunStatus::Running,
            started_at: now,
            ended_at: None,
            environment: text("environment"),
            experiment: text("mlflow.experiment_name"),
            lagrange: env!("CARGO_PKG_VERSION").to_owned(),
            engine: Engine {
                name: engine.to_owned(),
                version: None,
                database: secrets.clean(&choice.database.display().to_string()),
            },
            host: host(),
            git: first.and_then(repository),
            scripts,
            parameters,
            settings: resolved,
            guard: self.guard.map(|(mode, report)| Guard {
                mode: mode.to_owned(),
                verdict: secrets.clean(&report.verdict()),
                report: secrets.clean_json(report.json()),
            }),
            steps: Vec::new(),
            metrics: Vec::new(),
            tables: Vec::new(),
            models: Vec::new(),
            datasets: Vec::new(),
            error: None,
            artifacts: Vec::new(),
        };
        (run, files)
    }
}

/// The parameters that the scripts use, and who gave them.
fn parameters(
    scripts: &[script::Script],
    set: &BTreeMap<String, String>,
    settings: &Settings,
) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    let given = |name: &str| {
        if let Some(value) = set.get(name) {
            return Some((value.clone(), "--set".to_owned()));
        }
        let (given, origin) = settings.values.get(&format!("parameters.{name}"))?;
        Some((given.plain(), origin.to_string()))
    };
    for script in scripts {
        for declaration in &script.declarations {
            let written = || {
                let value = match declaration.default.clone()? {
                    // For people, without an exponent that it does not need.
                    Value::Double(value) => value.to_string(),
                    value => Given::Value(value).plain(),
                };
                let place = format!("{}:{}", script.source.file, declaration.start.line);
                Some((value, place))
            };
            let Some((value, origin)) = given(&declaration.name).or_else(written) else {
                continue;
            };
            let known = found.iter().find(|known| known.name == declaration.name);
            let name = match known {
                Some(known) if known.value == value => continue,
                // Another script has another default.
                Some(_) => format!("{}.{}", stem(&script.source.file), declaration.name),
                None => declaration.name.clone(),
            };
            found.push(Parameter {
                name,
                value,
                origin,
            });
        }
    }
    // Those that no script declares.
    let configured = settings.parameters.keys().filter(|name| {
        let written = format!("${name}");
        let mut statements = scripts.iter().flat_map(|script| &script.statements);
        statements.any(|parsed| parsed.text.contains(&written))
    });
    for name in set.keys().chain(configured) {
        if !found.iter().any(|known| known.name == *name)
            && let Some((value, origin)) = given(name)
        {
            found.push(Parameter {
                name: name.clone(),
                value,
                origin,
            });
        }
    }
    found
}

/// The settings as a file that `--config` takes, but for the secrets.
fn configuration(settings: &[Parameter]) -> Vec<u8> {
    let mut text =
        String::from("# Every setting of the run, and who gave it; secrets are left out.\n");
    let mut open: Vec<&str> = Vec::new();
    for setting in settings {
        let mut path: Vec<&str> = setting.name.split('.').collect();
        let last = path.pop().unwrap_or_default();
        let common = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        for (depth, name) in path.iter().enumerate().skip(common) {
            text.push_str(&format!("{}{name}:\n", "  ".repeat(depth)));
        }
        let value = serde_json::Value::from(setting.value.as_str());
        let indent = "  ".repeat(path.len());
        text.push_str(&format!("{indent}{last}: {value} # {}\n", setting.origin));
        open = path;
    }
    text.into_bytes()
}

fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem();
    stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn host() -> Host {
    let user = ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    Host {
        system: std::env::consts::OS.to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        processors: std::thread::available_parallelism().map_or(1, |count| count.get()),
        user,
    }
}

/// What is checked out where a script lies; `None` if it is in no repository, or
/// there is no git.
fn repository(script: &Path) -> Option<Git> {
    let folder = script
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let commit = git(&["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(Git {
        commit,
        dirty: !changes.trim().is_empty(),
    })
}
