//! `lagrange cluster scheduler`: takes plans, cuts them into stages, and hands their
//! tasks to the executors that ask.

use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;

use super::codec::Codec;
use super::process::{MESSAGE_BYTES, log_to_standard_error, process_error, warn_if_open};
use super::session;
use crate::cli::cluster::SchedulerArgs;
use crate::error::{Error, Result};

/// How often it looks for executors that have gone silent, in seconds.
const LOOKS: u64 = 2;

/// Runs until it is stopped.
///
/// # Errors
/// An address that cannot be listened on.
pub async fn run(args: &SchedulerArgs) -> Result<()> {
    log_to_standard_error(args.verbose);
    warn_if_open(&args.bind)?;
    let address = (args.bind.as_str(), args.port);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let address = format!("{}:{}", args.bind, args.port);
        Error::usage(format!("cannot listen on {address}: {error}"))
            .hint("pass another --port, or stop what uses it")
    })?;
    let port = listener
        .local_addr()
        .map_or(args.port, |bound| bound.port());
    let config = SchedulerConfig {
        bind_host: args.bind.clone(),
        external_host: args.bind.clone(),
        bind_port: port,
        // Executors ask for work: only they need to reach the scheduler.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        grpc_server_max_decoding_message_size: MESSAGE_BYTES,
        grpc_server_max_encoding_message_size: MESSAGE_BYTES,
        grpc_client_max_message_size: MESSAGE_BYTES,
        executor_timeout_seconds: args.executor_timeout,
        expire_dead_executor_interval_seconds: LOOKS,
        no_executors_grace_period_seconds: args.executor_timeout,
        override_config_producer: Some(Arc::new(session::of_process)),
        override_session_builder: Some(Arc::new(session::state)),
        override_physical_codec: Some(Arc::new(Codec::default())),
        ..SchedulerConfig::default()
    };
    let failed = |error| process_error("the scheduler", &error);
    config.validate().map_err(failed)?;
    let cluster = BallistaCluster::new_from_config(&config).await;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(
        cluster.map_err(failed)?,
        Arc::new(config),
    );
    let scheduler = scheduler.await.map_err(failed)?;
    println!("scheduler on {}:{port}", args.bind);
    tokio::select! {
        ended = start_grpc_service_with_listener(listener, scheduler) => ended.map_err(failed),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
