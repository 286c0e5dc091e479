//! A folder with scripts in it, and the binary run there.

use std::path::PathBuf;
use std::process::{Child, Command};

use serde_json::Value as Json;
use tempfile::TempDir;

/// Both engines, as on the command line.
pub const ENGINES: [&str; 2] = ["duckdb", "datafusion"];

/// An empty folder that the binary runs in.
pub struct Project {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Sends a signal, by its name, such as `INT`.
pub fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    /// A project with one script, `script.sql`.
    pub fn with_script(text: &str) -> Self {
        let project = Self::new();
        project.file("script.sql", text);
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The binary, to be started there.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lagrange"));
        command.args(arguments).current_dir(self.folder.path());
        let foreign = ["GITHUB_STEP_SUMMARY", "NO_COLOR"];
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("LAGRANGE_") || foreign.contains(&text.as_ref()) {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn lagrange(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let output = self
            .command(arguments)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `lagrange run script.sql` and more arguments.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["run", "script.sql"];
        all.extend(arguments);
        self.lagrange(&all, &[])
    }

    /// The rows of a query on the project's database.
    pub fn query(&self, engine: &str, sql: &str) -> Json {
        self.file("query.sql", sql);
        let run = self.lagrange(
            &["run", "query.sql", "--engine", engine, "--output", "json"],
            &[],
        );
        run.success().json()["steps"][0]["result"]["rows"].clone()
    }
}

impl Run {
    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails with that exit code and says all of `parts`.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no '{part}' in:\n{}",
                self.stderr
            );
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap()
    }
}
