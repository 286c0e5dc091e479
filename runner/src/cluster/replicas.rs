//! The machines of a job of Vertex AI as a cluster: the first one runs the scripts and
//! has the scheduler and an executor beside it, the others are executors.
//!
//! Vertex AI tells each container where the others are by CLUSTER_SPEC, as JSON:
//!
//! ```text
//! {"cluster": {"workerpool0": ["HOST:PORT"], "workerpool1": ["HOST:PORT", ...]},
//!  "task": {"type": "workerpool1", "index": 0}, ...}
//! ```

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::Address;
use crate::error::{Error, Result};

const VARIABLE: &str = "CLUSTER_SPEC";
/// The pool of the first machine.
const FIRST: &str = "workerpool0";
/// How long the scheduler may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks for it.
const LOOKS: Duration = Duration::from_millis(100);

/// Where a machine of a job is, and its scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The scheduler: on the first machine.
    pub scheduler: Address,
    /// This machine, as the others reach it, and its port.
    pub own: Address,
    /// Whether it is the first.
    pub is_first: bool,
}

impl Member {
    /// This machine, as Vertex AI describes it.
    ///
    /// # Errors
    /// No description, or one of another form.
    pub fn find() -> Result<Self> {
        let text = std::env::var(VARIABLE).map_err(|_| {
            Error::usage(format!("this is no machine of a job: no {VARIABLE}"))
                .hint("leave out --vertex and --replicas, which are for jobs of Vertex AI")
        })?;
        Self::of(&text).ok_or_else(|| {
            Error::usage(format!(
                "{VARIABLE} does not say where the machines are: {text}"
            ))
        })
    }

    fn of(text: &str) -> Option<Self> {
        let spec: Json = serde_json::from_str(text).ok()?;
        let address = |pool: &str, index: usize| -> Option<Address> {
            spec["cluster"][pool][index].as_str()?.parse().ok()
        };
        let pool = spec["task"]["type"].as_str()?;
        let index = usize::try_from(spec["task"]["index"].as_u64()?).ok()?;
        Some(Self {
            scheduler: address(FIRST, 0)?,
            own: address(pool, index)?,
            is_first: pool == FIRST,
        })
    }
}

/// The scheduler and the executor of the first machine; they end with this.
#[derive(Debug)]
pub struct Beside {
    scheduler: Address,
    processes: Vec<Child>,
}

impl Beside {
    /// Starts both. The executor runs so many tasks in so many bytes.
    ///
    /// # Errors
    /// A machine that is not the first of a job, a scheduler that does not come up.
    pub fn start(cores: usize, memory: usize) -> Result<Self> {
        let member = Member::find()?;
        if !member.is_first {
            return Err(Error::usage(format!(
                "the scripts run on the first machine of the job, {}",
                member.scheduler
            )));
        }
        let port = member.scheduler.port.to_string();
        let mut beside = Self {
            scheduler: member.scheduler.clone(),
            processes: Vec::new(),
        };
        beside.add(&["scheduler", "--bind", "0.0.0.0", "--port", &port])?;
        beside.wait()?;
        let (cores, memory) = (cores.to_string(), memory.to_string());
        let scheduler = member.scheduler.to_string();
        beside.add(&[
            "executor",
            "--bind",
            "0.0.0.0",
            "--external-host",
            &member.own.host,
            "--scheduler",
            &scheduler,
            "--cores",
            &cores,
            "--memory-limit",
            &memory,
        ])?;
        Ok(beside)
    }

    /// Where the scheduler is.
    pub fn scheduler(&self) -> &Address {
        &self.scheduler
    }

    fn add(&mut self, arguments: &[&str]) -> Result<()> {
        let started = std::env::current_exe().and_then(|program| {
            Command::new(program)
                .arg("cluster")
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
        });
        let process =
            started.map_err(|error| Error::io("cannot start a process of the cluster", &error))?;
        self.processes.push(process);
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        let address = (self.scheduler.host.as_str(), self.scheduler.port);
        while let Err(why) = TcpStream::connect(address) {
            let ended = self.processes.iter_mut().find_map(|process| {
                let status = process.try_wait().ok()??;
                Some(status)
            });
            if begun.elapsed() >= PATIENCE || ended.is_some() {
                let message = format!("the scheduler {} does not come up: {why}", self.scheduler);
                return Err(Error::failed(message));
            }
            std::thread::sleep(LOOKS);
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_knows_itself_and_the_first() {
        let spec = |task: &str| {
            Member::of(&format!(
                r#"{{"cluster": {{"workerpool0": ["a-0:2222"], "workerpool1": ["b-0:2222", "b-1:2223"]}},
                    "environment": "cloud", "task": {task}}}"#
            ))
        };
        let member = spec(r#"{"type": "workerpool1", "index": 1}"#).unwrap();
        assert_eq!(member.scheduler.to_string(), "a-0:2222");
        assert_eq!(member.own.to_string(), "b-1:2223");
        assert!(!member.is_first);
        let first = spec(r#"{"type": "workerpool0", "index": 0}"#).unwrap();
        assert!(first.is_first && first.own == first.scheduler);
        assert_eq!(spec(r#"{"type": "workerpool1", "index": 2}"#), None);
        assert_eq!(spec("{}"), None);
        assert_eq!(Member::of("x"), None);
    }
}
