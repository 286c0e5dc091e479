//! A real MLflow server takes what a run uploads, and its Python loads the model.
//!
//! `LAGRANGE_MLFLOW_PYTHON` names a Python that has MLflow (`tests/python/mlflow_env.sh`
//! makes one); without it the test is skipped, unless `LAGRANGE_REQUIRE_MLFLOW` is set.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::tracking::SCRIPT;

struct Server {
    child: Child,
    uri: String,
}

impl Server {
    fn start(python: &str, folder: &Path) -> Self {
        // Free now, and most likely in a second.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        let mut command = Command::new(python);
        command
            .args([
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--workers",
                "1",
            ])
            .args(["--port", &port.to_string(), "--serve-artifacts"])
            .args([
                "--backend-store-uri",
                &format!("sqlite:///{}/mlflow.db", folder.display()),
            ])
            .args([
                "--artifacts-destination",
                &format!("{}/files", folder.display()),
            ])
            .current_dir(folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().unwrap();
        let server = Self {
            child,
            uri: format!("http://127.0.0.1:{port}"),
        };
        let begun = Instant::now();
        while !server.answers(port) {
            let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            assert!(
                begun.elapsed() < Duration::from_secs(180),
                "no server:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        server
    }

    fn answers(&self, port: u16) -> bool {
        use std::io::Write;
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
            return false;
        };
        let _ = stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).is_ok() && line.contains(" 200 ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server has children of its own: all of its group end.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_server_takes_a_run_and_python_loads_the_model() {
    let Ok(python) = std::env::var("LAGRANGE_MLFLOW_PYTHON") else {
        assert!(
            std::env::var_os("LAGRANGE_REQUIRE_MLFLOW").is_none(),
            "LAGRANGE_MLFLOW_PYTHON is not set: tests/python/mlflow_env.sh makes a Python with MLflow"
        );
        eprintln!(
            "SKIPPED: the test against a real MLflow server needs LAGRANGE_MLFLOW_PYTHON=\"$(tests/python/mlflow_env.sh)\""
        );
        return;
    };
    let script = format!(
        "{SCRIPT}
         COPY (SELECT ts, a, b, predict((SELECT model FROM model), {{'a': a, 'b': b}}) AS predicted
               FROM samples ORDER BY ts) TO 'predictions.csv' (HEADER);"
    );
    let project = Project::with_script(&script);
    std::fs::create_dir(project.path("server")).unwrap();
    let server = Server::start(&python, &project.path("server"));
    let variables = [("LAGRANGE_MLFLOW__TRACKING_URI", server.uri.as_str())];
    let run = project
        .lagrange(&["run", "script.sql", "--require-tracking"], &variables)
        .success();
    assert!(run.stderr.contains("tracked at"), "{}", run.stderr);
    assert!(!run.stderr.contains("refused"), "{}", run.stderr);
    // All of it is there, and a lost journal finds it there.
    let shown = project
        .lagrange(&["runs", "show", "--output", "json"], &[])
        .success()
        .json();
    let id = shown["id"].as_str().unwrap();
    let folder = project.path("artifacts/runs").join(id);
    std::fs::remove_file(folder.join("mlflow.jsonl")).unwrap();
    let synced = project.lagrange(&["runs", "sync"], &variables).success();
    assert!(!synced.stderr.contains("refused"), "{}", synced.stderr);
    let check = Command::new(&python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/python/mlflow_check.py"
        ))
        .args([&server.uri, folder.to_str().unwrap()])
        .arg(project.path("predictions.csv"))
        .output()
        .unwrap();
    succeeded(&check);

    // What the registry promotes is the champion there.
    project
        .lagrange(&["run", "script.sql", "--set", "alpha=50"], &variables)
        .success();
    let promoted = project.lagrange(&["models", "promote", "model", "2"], &variables);
    let promoted = promoted.success();
    assert!(!promoted.stderr.contains("notice"), "{}", promoted.stderr);
    let champion = "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]); \
                    version = mlflow.MlflowClient().get_model_version_by_alias('model', 'champion'); \
                    assert version.tags['lagrange.version'] == '2', version";
    let check = Command::new(&python)
        .args(["-c", champion, &server.uri])
        .output()
        .unwrap();
    succeeded(&check);

    // The card says how Python loads it.
    let version = project.path("models/model/2");
    let card = std::fs::read_to_string(version.join("card.md")).unwrap();
    let (_, code) = card.split_once("```python\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let check = Command::new(&python)
        .arg("-c")
        .arg(format!(
            "{code}\nassert prediction.dtype == 'float64', prediction"
        ))
        .current_dir(version)
        .output()
        .unwrap();
    succeeded(&check);
}

fn succeeded(check: &std::process::Output) {
    assert!(
        check.status.success(),
        "{}{}",
        String::from_utf8_lossy(&check.stdout),
        String::from_utf8_lossy(&check.stderr)
    );
}
