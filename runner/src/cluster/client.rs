//! A plan's way to the cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::planner::scans_only_information_schema;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::codec::Codec;
use super::shards::{WriteShards, written};
use super::{Address, job, session};

/// How long a scheduler may take to answer the door.
const PATIENCE: Duration = Duration::from_secs(10);

/// A cluster, seen from the runner.
#[derive(Debug)]
pub struct Cluster {
    scheduler: Address,
    codec: Codec,
}

impl Cluster {
    /// The cluster of a scheduler. Nothing is connected.
    pub fn new(scheduler: &Address) -> Option<Self> {
        Some(Self {
            scheduler: scheduler.clone(),
            codec: Codec::default(),
        })
    }

    /// The settings with which plans are made for it.
    pub fn configured(config: SessionConfig) -> SessionConfig {
        session::of_client(config)
    }

    /// Whether a plan is about the session itself, which no other machine knows.
    pub fn is_local(plan: &LogicalPlan) -> bool {
        matches!(
            plan,
            LogicalPlan::Explain(_)
                | LogicalPlan::DescribeTable(_)
                | LogicalPlan::Statement(_)
                | LogicalPlan::Ddl(_)
        ) || scans_only_information_schema(plan).unwrap_or(false)
    }

    /// Runs a plan there.
    ///
    /// # Errors
    /// A scheduler that is not there, and what the executors say.
    pub async fn run(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &SessionContext,
    ) -> Result<SendableRecordBatchStream> {
        reach(&self.scheduler).await.map_err(|why| {
            exec_datafusion_err!("cannot reach the scheduler {}: {why}", self.scheduler)
        })?;
        match job::run(&self.scheduler, plan, &self.codec, context).await {
            Ok(batches) => Ok(batches),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// What a function has said, or that the scheduler is gone.
    async fn explained(&self, error: DataFusionError) -> DataFusionError {
        let text = error.strip_backtrace();
        if let Some(message) = innermost(&text) {
            return DataFusionError::Execution(message);
        }
        match reach(&self.scheduler).await {
            Ok(()) => error,
            Err(_) => exec_datafusion_err!(
                "the scheduler {} ended before the statement did; start it again, and run with \
                 --resume ({text})",
                self.scheduler
            ),
        }
    }

    /// Runs a plan there, whose rows are written to a folder; the files and their
    /// rows.
    ///
    /// # Errors
    /// As [`Cluster::run`].
    pub async fn write(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        folder: &Path,
        context: &SessionContext,
    ) -> Result<Vec<(String, u64)>> {
        let plan = Arc::new(WriteShards::new(plan, folder));
        let mut batches = self.run(plan, context).await?;
        let mut files = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            files.extend(written(&batch)?);
        }
        Ok(files)
    }
}

/// The message of the error that an executor had, which comes with the wrappings of
/// three processes around it, as Rust shows them.
fn innermost(text: &str) -> Option<String> {
    const BEGIN: &str = "Execution(\"";
    let quoted = &text[text.rfind(BEGIN)? + BEGIN.len()..];
    let mut message = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return Some(message),
            '\\' => message.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => message.push(other),
        }
    }
}

/// Whether a scheduler is there: its client would wait for it in silence.
///
/// # Errors
/// Why it is not.
pub async fn reach(scheduler: &Address) -> std::result::Result<(), String> {
    let Address { host, port } = scheduler;
    let connected = timeout(PATIENCE, TcpStream::connect((host.as_str(), *port)));
    match connected.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::innermost;

    #[test]
    fn messages_lose_their_wrappings() {
        let text = r#"Job 1 failed: Task failed: DataFusionError(Shared(External(DataFusionError(Execution("fit: argument 'a' is \"b\"\nuse c")))))"#;
        assert_eq!(
            innermost(text).as_deref(),
            Some("fit: argument 'a' is \"b\"\nuse c")
        );
        assert_eq!(innermost("Execution(\"without an end"), None);
        assert_eq!(innermost("h2 protocol error"), None);
    }
}
