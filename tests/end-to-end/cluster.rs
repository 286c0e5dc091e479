//! A scheduler and two executors as processes of their own: the numbers are those of
//! one machine, and what happens to a process costs time or an error, never a number.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::project::{Project, Run, signal};
use crate::sources::exported;

/// Seconds after which a silent executor is lost.
const TIMEOUT: &str = "12";
/// What the scheduler says.
const SCHEDULER_LOG: &str = "scheduler.log";
/// How far two numbers may be apart, relative to their size.
const TOLERANCE: f64 = 1e-9;

/// A process that ends with the test.
struct Process(Child);

impl Process {
    /// Starts it and reads the first line that it prints.
    fn start(mut command: Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        (Self(child), line.trim().to_owned())
    }

    fn signal(&self, name: &str) {
        signal(&self.0, name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The processes, and how the runner is told of them.
struct Cluster {
    scheduler: Option<Process>,
    executors: Vec<Process>,
    port: String,
    engine: String,
}

impl Cluster {
    fn start(project: &Project, executors: usize, variables: &[(String, String)]) -> Self {
        let (scheduler, line) = scheduler(project, "0", variables);
        let port = line.rsplit(':').next().unwrap().to_owned();
        let mut cluster = Self {
            scheduler: Some(scheduler),
            executors: Vec::new(),
            engine: format!("ballista://127.0.0.1:{port}"),
            port,
        };
        for _ in 0..executors {
            cluster.add(project, variables);
        }
        cluster
    }

    /// One more executor with one core.
    fn add(&mut self, project: &Project, variables: &[(String, String)]) {
        let scheduler = format!("127.0.0.1:{}", self.port);
        let mut command = project.command(&["cluster", "executor", "--cores", "1"]);
        command.args(["--scheduler", &scheduler, "--memory-limit", "1G"]);
        command
            .envs(variables.iter().cloned())
            .stderr(Stdio::null());
        let (executor, line) = Process::start(command);
        assert!(line.contains(&scheduler), "{line}");
        self.executors.push(executor);
    }

    fn run(&self, project: &Project, arguments: &[&str]) -> Run {
        let mut all = vec!["run", "--engine", &self.engine, "--threads", "4"];
        all.extend(arguments);
        project.lagrange(&all, &[])
    }
}

fn scheduler(project: &Project, port: &str, variables: &[(String, String)]) -> (Process, String) {
    let mut command = project.command(&["cluster", "scheduler", "--port", port]);
    command.envs(variables.iter().cloned());
    command.args(["--executor-timeout", TIMEOUT, "--verbose"]);
    command.stderr(File::create(project.path(SCHEDULER_LOG)).unwrap());
    let (scheduler, line) = Process::start(command);
    assert!(line.starts_with("scheduler on 127.0.0.1:"), "{line}");
    (scheduler, line)
}

/// The scripts of the repository.
fn script(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql");
    format!("{folder}/{name}.sql")
}

#[track_caller]
fn alike(place: &str, ours: &Json, theirs: &Json) {
    match (ours, theirs) {
        (Json::Array(a), Json::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{place}");
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                alike(&format!("{place}[{i}]"), a, b);
            }
        }
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let size = a.abs().max(b.abs()).max(1e-3);
            assert!((a - b).abs() <= TOLERANCE * size, "{place}: {a} and {b}");
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

/// The tables of the scripts, without the times that things took, in an order that
/// does not depend on the last digits.
const TABLES: [(&str, &str); 14] = [
    (
        "prices",
        "SELECT symbol, count(*), min(ts), max(ts), sum(close), sum(volume) FROM prices GROUP BY symbol ORDER BY symbol",
    ),
    (
        "features",
        "SELECT symbol, count(*), sum(return_5), sum(volatility_20), sum(base_w20_s2_width) FROM features GROUP BY symbol ORDER BY symbol",
    ),
    (
        "samples",
        "SELECT symbol, split, count(*), sum(target), sum(return_1_lag5) FROM samples GROUP BY symbol, split ORDER BY symbol, split",
    ),
    (
        "correlation",
        "SELECT * FROM feature_correlation ORDER BY 1, 2",
    ),
    (
        "importance",
        "SELECT method, feature, importance, standard_error FROM feature_importance ORDER BY method, feature",
    ),
    (
        "trials",
        "SELECT trial, status, mean, std FROM trials ORDER BY trial",
    ),
    (
        "predictions",
        "SELECT symbol, ts, model, predicted FROM predictions ORDER BY symbol, ts, model LIMIT 5000",
    ),
    (
        "metrics",
        "SELECT * FROM model_metrics ORDER BY model, split",
    ),
    ("choice", "SELECT * FROM model_choice ORDER BY 1"),
    (
        "screen",
        "SELECT feature, rank_ic, icir, mutual_information, vif, selected FROM feature_screen ORDER BY feature",
    ),
    ("ic", "SELECT * FROM feature_ic ORDER BY feature"),
    (
        "clusters",
        "SELECT * FROM feature_clusters ORDER BY feature",
    ),
    (
        "selected",
        "SELECT * FROM selected_features ORDER BY feature",
    ),
    (
        "stability",
        "SELECT * FROM feature_stability ORDER BY 1, 2, 3",
    ),
];

#[test]
fn the_numbers_are_those_of_one_machine() {
    let here = Project::new();
    let there = Project::new();
    let cluster = Cluster::start(&there, 2, &[]);
    let scripts = ["demo_data", "train", "screen", "importance", "stability"].map(script);
    let mut arguments: Vec<&str> = scripts.iter().map(String::as_str).collect();
    arguments.extend(["--set", "symbols=12", "--set", "bars=700"]);
    let mut local = vec!["run", "--engine", "datafusion", "--threads", "2"];
    local.extend(&arguments);
    here.lagrange(&local, &[]).success();
    let run = cluster.run(&there, &arguments).success();
    assert!(
        run.stderr.contains("Ballista at 127.0.0.1:"),
        "{}",
        run.stderr
    );
    for (name, question) in TABLES {
        let [ours, theirs] = [&here, &there].map(|project| project.query("datafusion", question));
        assert!(!ours.as_array().unwrap().is_empty(), "{name} is empty");
        alike(name, &ours, &theirs);
    }
    // Temporary tables are gone, and no part of a table is left over.
    let left = std::fs::read_dir(there.path("data/ml")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let hidden: Vec<String> = left.filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [".lagrange.lock"]);
}

#[test]
fn temporary_tables_views_and_empty_results() {
    let project = Project::with_script(
        "CREATE OR REPLACE TEMPORARY TABLE t AS SELECT i, i % 3 AS g FROM range(1000) r(i);
         CREATE OR REPLACE VIEW v AS SELECT g, count(*) AS n FROM t GROUP BY g;
         CREATE OR REPLACE TABLE none AS SELECT * FROM v WHERE n < 0;
         SELECT g, n, (SELECT count(*) FROM none) AS nothing FROM v ORDER BY g;
         DROP TABLE t;
         SELECT count(*) AS n FROM none;",
    );
    let cluster = Cluster::start(&project, 2, &[]);
    let run = cluster
        .run(&project, &["script.sql", "--output", "json"])
        .success();
    let steps = run.json()["steps"].clone();
    let expected = json!([[0, 334, 0], [1, 333, 0], [2, 333, 0]]);
    assert_eq!(steps[3]["result"]["rows"], expected);
    assert_eq!(steps[5]["result"]["rows"], json!([[0]]));
    // What is wrong is said as on one machine.
    project.file("wrong.sql", "SELECT corr_matrix(i, 2) FROM t");
    cluster
        .run(&project, &["wrong.sql"])
        .fails(1, &["table or view t"]);
    project.file(
        "wrong.sql",
        "SELECT fit(i, {'a': i}, {'algorithm': 'olz'}) FROM range(5) r(i)",
    );
    let run = cluster.run(&project, &["wrong.sql"]);
    run.fails(1, &["olz", "did you mean 'ols'"]);
}

#[test]
fn exports_in_a_bucket_are_read_by_the_executors() {
    let (server, project) = exported();
    let variables = server.variables(&project);
    let cluster = Cluster::start(&project, 2, &variables);
    project.file(
        "script.sql",
        "SELECT COUNT(*) AS n, CAST(SUM(id) AS BIGINT) AS ids, SUM(value) AS value,
                model_info(fit(CAST(id AS DOUBLE), {'price': price, 'value': value},
                    {'algorithm': 'ridge', 'alpha': 1.0}))['rows_used'] AS used
         FROM features",
    );
    let rows = |engine: &str| {
        let arguments = [
            "run",
            "script.sql",
            "--env",
            "dev",
            "--output",
            "json",
            "--engine",
            engine,
        ];
        let json = server.lagrange(&project, &arguments).success().json();
        json["steps"][0]["result"]["rows"].clone()
    };
    let there = rows(&cluster.engine);
    alike("features", &rows("datafusion"), &there);
    assert_eq!(server.mistakes(), [""; 0]);
}

/// A step that takes two executors some seconds, in tasks of which some are still to
/// come when one of them is gone.
const LONG: &str = "
CREATE OR REPLACE TABLE numbers AS SELECT i, i % 16 AS g FROM range(400000) r(i);
CREATE OR REPLACE TABLE result AS SELECT 1 AS g, 1.0 AS x, 1 AS n;
CREATE OR REPLACE TABLE result AS
SELECT g, sum(sqrt(abs(sin(CAST(i * j AS DOUBLE))))) AS x, count(*) AS n
FROM numbers CROSS JOIN range(300) AS s(j) GROUP BY g;
";

const ANSWER: &str = "SELECT g, x, n FROM result ORDER BY g";

/// Starts the run, and waits until its last step is under way.
fn begun(cluster: &Cluster, project: &Project) -> Child {
    let arguments = [
        "run",
        "script.sql",
        "--engine",
        &cluster.engine,
        "--threads",
        "16",
    ];
    let child = project
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = project.path("data/ml/result");
    let begun = Instant::now();
    while !first.exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing runs");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1500));
    child
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The answer of one machine.
fn expected() -> Json {
    let project = Project::with_script(LONG);
    project.run(&["--engine", "datafusion"]).success();
    project.query("datafusion", ANSWER)
}

#[cfg(unix)]
#[test]
fn an_executor_that_is_killed_or_stands_still_costs_time_only() {
    let expected = expected();
    for signal in ["KILL", "STOP"] {
        let project = Project::with_script(LONG);
        let mut cluster = Cluster::start(&project, 2, &[]);
        let child = begun(&cluster, &project);
        let lost = cluster.executors.pop().unwrap();
        lost.signal(signal);
        let (code, text) = ended(child);
        assert_eq!(code, Some(0), "{signal}: {text}");
        alike(signal, &expected, &project.query("datafusion", ANSWER));
        if signal == "STOP" {
            // What it had begun ends after the table is there, and changes nothing.
            lost.signal("CONT");
            std::thread::sleep(Duration::from_secs(3));
            alike("CONT", &expected, &project.query("datafusion", ANSWER));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_scheduler_that_ends_is_an_error_and_its_successor_goes_on() {
    let project = Project::with_script(LONG);
    let mut cluster = Cluster::start(&project, 2, &[]);
    let child = begun(&cluster, &project);
    drop(cluster.scheduler.take());
    let (code, text) = ended(child);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("ended before the statement did"), "{text}");
    // The table is what it was.
    assert_eq!(project.query("datafusion", ANSWER), json!([[1, 1.0, 1]]));
    cluster
        .run(&project, &["script.sql"])
        .fails(1, &["cannot reach the scheduler"]);
    // The executors find the new one by themselves.
    let (scheduler, _) = scheduler(&project, &cluster.port, &[]);
    cluster.scheduler = Some(scheduler);
    cluster.run(&project, &["script.sql", "--resume"]).success();
    alike("resumed", &expected(), &project.query("datafusion", ANSWER));
}

#[cfg(unix)]
#[test]
fn an_interrupt_cancels_the_statement_on_the_scheduler() {
    let project = Project::with_script(LONG);
    let cluster = Cluster::start(&project, 1, &[]);
    let child = begun(&cluster, &project);
    signal(&child, "INT");
    let (code, text) = ended(child);
    assert_eq!(code, Some(130), "{text}");
    assert_eq!(project.query("datafusion", ANSWER), json!([[1, 1.0, 1]]));
    let interrupted = Instant::now();
    while !project.text(SCHEDULER_LOG).contains("Job cancelled") {
        let patience = Duration::from_secs(30);
        assert!(interrupted.elapsed() < patience, "the job goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The executor is there for others.
    project.file("next.sql", "SELECT count(*) AS n FROM numbers");
    cluster.run(&project, &["next.sql"]).success();
    // What has ended is not cancelled.
    let log = project.text(SCHEDULER_LOG);
    assert_eq!(log.matches("Job cancelled").count(), 1, "{log}");
}

#[test]
fn a_process_that_cannot_start_says_why() {
    let project = Project::new();
    let (_scheduler, line) = scheduler(&project, "0", &[]);
    let port = line.rsplit(':').next().unwrap();
    let start = |arguments: &[&str]| {
        let mut all = vec!["cluster"];
        all.extend(arguments);
        project.lagrange(&all, &[])
    };
    start(&["scheduler", "--port", port]).fails(2, &["cannot listen on", port]);
    start(&["scheduler", "--bind", "here"]).fails(2, &["--bind here: not an address"]);
    start(&["executor", "--scheduler", "127.0.0.1:1", "--wait", "1"])
        .fails(1, &["cannot reach the scheduler 127.0.0.1:1"]);
    start(&["executor", "--memory-limit", "much"]).fails(2, &["--memory-limit much"]);
    project.file("script.sql", "SELECT 1 AS one");
    let run = project.run(&["--engine", "ballista://127.0.0.1:1"]);
    run.fails(1, &["cannot reach the scheduler 127.0.0.1:1"]);
    let run = project.run(&["--engine", "balista://127.0.0.1:1"]);
    run.fails(2, &["ballista://HOST:PORT"]);
}

/// What Vertex AI tells the machine of this number of a job on two.
fn cluster_spec(ports: &[u16; 2], machine: usize) -> (&'static str, String) {
    let [first, second] = ports.map(|port| format!("127.0.0.1:{port}"));
    let spec = json!({
        "cluster": { "workerpool0": [first], "workerpool1": [second] },
        "environment": "cloud",
        "task": { "type": format!("workerpool{machine}"), "index": 0 },
    });
    ("CLUSTER_SPEC", spec.to_string())
}

#[test]
fn a_job_on_two_machines_is_a_cluster() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS SELECT i % 7 AS g, i AS x FROM range(10000) r(i);
         SELECT g, count(*) AS n, sum(x) AS s FROM t GROUP BY g ORDER BY g;",
    );
    let sockets = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = sockets.map(|socket| socket.local_addr().unwrap().port());
    // It may be there first.
    let mut command = project.command(&["cluster", "executor", "--vertex", "--cores", "1"]);
    command.args(["--memory-limit", "1G", "--wait", "60"]);
    command
        .envs([cluster_spec(&ports, 1)])
        .stderr(Stdio::null());
    let mut second = Process(command.stdout(Stdio::piped()).spawn().unwrap());
    let database = project.path("shared").display().to_string();
    let arguments = ["run", "script.sql", "--replicas", "2", "--output", "json"];
    let mut first = project.command(&arguments);
    first.args(["--database", &database, "--threads", "1"]);
    let run = first.envs([cluster_spec(&ports, 0)]).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{}", ports[0])), "{said}");
    let result: Json = serde_json::from_slice(&run.stdout).unwrap();
    let rows = result["steps"][1]["result"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0], json!([0, 1429, 7142142]));
    // The second machine has joined, and ends when the first has.
    let mut line = String::new();
    let stdout = second.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert!(line.starts_with("executor on 0.0.0.0:"), "{line}");
    let status = second.0.wait().unwrap();
    assert!(status.success(), "{status}");
    // Elsewhere there is no such thing.
    project
        .lagrange(&["run", "script.sql", "--replicas", "2"], &[])
        .fails(2, &["no CLUSTER_SPEC"]);
}
