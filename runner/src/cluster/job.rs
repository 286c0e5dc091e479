//! A statement on the cluster: handed in, followed, its rows fetched; cancelled when
//! nobody waits for it any more.
//!
//! Ballista's own way for a plan that is finished does not tell which job it is, so that
//! nobody could cancel it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::BALLISTA_VERSION;
use ballista_core::client::BallistaClient;
use ballista_core::config::BallistaConfig;
use ballista_core::extension::{BallistaGrpcMetadataInterceptor, SessionConfigExt};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair, PartitionLocation,
    execute_query_result, job_status,
};
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use ballista_core::version::{BALLISTA_VERSION_HEADER, check_compatibility, version_from_metadata};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, internal_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::{StreamExt, TryStreamExt};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::Address;
use super::codec::Codec;
use super::process::MESSAGE_BYTES;

/// How often the scheduler is asked how a job is doing: soon for a short one, then less
/// and less.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(100);
/// How long the scheduler may take to hear that a job is cancelled.
const PATIENCE: Duration = Duration::from_secs(2);

type Scheduler = SchedulerGrpcClient<InterceptedService<Channel, BallistaGrpcMetadataInterceptor>>;

/// Runs a finished plan on the cluster. A caller who drops the future, or the process
/// that ends in order, cancels the job.
///
/// # Errors
/// A scheduler that is not there or of another version, and what the executors say, as
/// they say it.
pub async fn run(
    scheduler: &Address,
    plan: Arc<dyn ExecutionPlan>,
    codec: &Codec,
    context: &SessionContext,
) -> Result<SendableRecordBatchStream> {
    let schema = plan.schema();
    let mut message = Vec::new();
    PhysicalPlanNode::try_from_physical_plan(plan, codec)?.try_encode(&mut message)?;
    let config = context.copied_config();
    let settings = config.options().entries().into_iter();
    let query = ExecuteQueryParams {
        query: Some(Query::PhysicalPlan(message)),
        settings: settings
            .map(|entry| KeyValuePair {
                key: entry.key,
                value: entry.value,
            })
            .collect(),
        session_id: context.session_id(),
        operation_id: String::new(),
    };
    let settings = config.ballista_config();
    let mut client = connect(scheduler, &settings).await?;
    let answer = client.execute_query(query).await.map_err(said)?;
    let theirs = version_from_metadata(answer.metadata());
    check_compatibility(Some(BALLISTA_VERSION), theirs).map_err(DataFusionError::Execution)?;
    let id = match answer.into_inner().result {
        Some(execute_query_result::Result::Success(accepted)) => accepted.job_id,
        Some(execute_query_result::Result::Failure(refused)) => return exec_err!("{refused:?}"),
        None => return internal_err!("the scheduler has not answered"),
    };
    let mut job = Job {
        scheduler: scheduler.clone(),
        settings: settings.clone(),
        id,
        ended: false,
    };
    let locations = job.end(&mut client).await?;
    let settings = Arc::new(GrpcClientConfig::from(&settings));
    let rows = futures::stream::iter(locations)
        .then(move |location| {
            let settings = Arc::clone(&settings);
            async move { fetch(location, &settings).await }
        })
        .try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

async fn connect(scheduler: &Address, settings: &BallistaConfig) -> Result<Scheduler> {
    let url = format!("http://{scheduler}");
    let endpoint = create_grpc_client_endpoint(url, Some(&settings.into())).map_err(said)?;
    let version = (
        BALLISTA_VERSION_HEADER.to_owned(),
        BALLISTA_VERSION.to_owned(),
    );
    let interceptor = BallistaGrpcMetadataInterceptor::new(HashMap::from([version]));
    let channel = endpoint.connect().await.map_err(said)?;
    let bytes = MESSAGE_BYTES as usize;
    Ok(SchedulerGrpcClient::with_interceptor(channel, interceptor)
        .max_encoding_message_size(bytes)
        .max_decoding_message_size(bytes))
}

/// The error with all that is around it, of which [`super::client`] takes the innermost.
fn said(error: impl std::fmt::Debug) -> DataFusionError {
    exec_datafusion_err!("{error:?}")
}

/// A job that the scheduler has accepted.
struct Job {
    scheduler: Address,
    settings: BallistaConfig,
    id: String,
    /// Nothing of it runs any more.
    ended: bool,
}

impl Job {
    /// Waits for its end: where its rows are.
    async fn end(&mut self, client: &mut Scheduler) -> Result<Vec<PartitionLocation>> {
        let mut pause = FIRST_LOOK;
        loop {
            let asked = GetJobStatusParams {
                job_id: self.id.clone(),
            };
            let answer = client.get_job_status(asked).await.map_err(said)?;
            match answer.into_inner().status.and_then(|job| job.status) {
                Some(job_status::Status::Successful(job)) => {
                    self.ended = true;
                    return Ok(job.partition_location);
                }
                Some(job_status::Status::Failed(job)) => {
                    self.ended = true;
                    return exec_err!("{}", job.error);
                }
                Some(job_status::Status::Queued(_) | job_status::Status::Running(_)) | None => {}
            }
            tokio::time::sleep(pause).await;
            pause = LOOK.min(pause * 2);
        }
    }
}

impl Drop for Job {
    /// Cancels it, unless it has ended. The scheduler is told from a thread with a
    /// runtime of its own: that of the statement may be about to end.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (scheduler, settings) = (self.scheduler.clone(), self.settings.clone());
        let job_id = std::mem::take(&mut self.id);
        let told = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(async {
                let tell = async {
                    let mut client = connect(&scheduler, &settings).await.ok()?;
                    client.cancel_job(CancelJobParams { job_id }).await.ok()
                };
                tokio::time::timeout(PATIENCE, tell).await.ok()?
            })
        });
        // A scheduler that does not hear it has ended, and its jobs with it.
        let _ = told.join();
    }
}

/// The rows of one part of the result, from the executor that has them.
async fn fetch(
    location: PartitionLocation,
    settings: &GrpcClientConfig,
) -> Result<SendableRecordBatchStream> {
    let layout = location.layout();
    let (Some(executor), Some(part)) = (location.executor_meta, location.partition_id) else {
        return internal_err!("the scheduler has not told where the rows are");
    };
    let port = u16::try_from(executor.port).map_err(said)?;
    let (patience, pause) = (settings.io_retries_times, settings.io_retry_wait_time_ms);
    let bytes = MESSAGE_BYTES as usize;
    let mut client = BallistaClient::try_new(
        &executor.host,
        port,
        bytes,
        false,
        None,
        patience,
        pause,
        0,
        0,
    )
    .await
    .map_err(said)?;
    client
        .fetch_partition_proxied(
            &executor.id,
            &part.into(),
            location.file_id,
            layout,
            &executor.host,
            port,
            true,
        )
        .await
        .map_err(said)
}
