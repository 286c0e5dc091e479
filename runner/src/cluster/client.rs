//! A plan's way to the cluster and its rows' way back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt;
use ballista_core::planner::scans_only_information_schema;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::TryStreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::codec::Codec;
use super::shards::{WriteShards, written};
use super::{Address, session};

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
        let config = context.copied_config();
        execute_physical_plan::<PhysicalPlanNode>(
            format!("http://{}", self.scheduler),
            &config.ballista_config(),
            plan,
            &self.codec,
            context.session_id(),
            config,
        )
        .await
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
