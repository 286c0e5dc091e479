//! `lagrange cluster executor`: asks a scheduler for tasks, runs them, and keeps what
//! comes of them until somebody fetches it.

use std::net::TcpListener;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};

use super::codec::Codec;
use super::process::{MESSAGE_BYTES, log_to_standard_error, process_error, warn_if_open};
use super::session;
use crate::cli::cluster::ExecutorArgs;
use crate::error::{Error, Result};
use crate::settings::parse_bytes;

/// How often finished jobs are looked for, and how long they are kept: in seconds.
const CLEANS: u64 = 60;
const KEPT: u64 = 3600;

/// Runs until it is stopped.
///
/// # Errors
/// A scheduler that is not there, an address that cannot be listened on.
pub async fn run(args: &ExecutorArgs) -> Result<()> {
    log_to_standard_error(args.verbose);
    warn_if_open(&args.bind)?;
    let memory = match &args.memory_limit {
        Some(text) => Some(parse_bytes(text.trim()).ok_or_else(|| {
            Error::usage(format!(
                "--memory-limit {text}: it must be an amount such as 512MB, 8G or 16GiB"
            ))
        })? as u64),
        None => None,
    };
    // Removed with all that is in it when the process ends.
    let scratch = match &args.work_dir {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let scratch = scratch.map_err(|error| Error::io("cannot make a working folder", &error))?;
    let port = match args.port {
        0 => free_port(&args.bind)?,
        port => port,
    };
    let config = ExecutorProcessConfig {
        bind_host: args.bind.clone(),
        // What is told to others: the address that the scheduler sees, if nothing is.
        external_host: args.external_host.clone(),
        port,
        scheduler_host: args.scheduler.host.clone(),
        scheduler_port: args.scheduler.port,
        scheduler_connect_timeout_seconds: args.wait,
        vcores: args.cores.map_or(0, usize::from),
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(scratch.path().display().to_string()),
        job_data_ttl_seconds: KEPT,
        job_data_clean_up_interval_seconds: CLEANS,
        grpc_max_decoding_message_size: MESSAGE_BYTES,
        grpc_max_encoding_message_size: MESSAGE_BYTES,
        memory_pool_size: memory,
        override_function_registry: Some(Arc::new(
            session::functions().map_err(|error| Error::internal(error.to_string()))?,
        )),
        override_runtime_producer: Some(Arc::new(session::runtime)),
        override_config_producer: Some(Arc::new(session::of_process)),
        override_physical_codec: Some(Arc::new(Codec::default())),
        ..ExecutorProcessConfig::default()
    };
    println!(
        "executor on {}:{port}, scheduler {}",
        args.bind, args.scheduler
    );
    let what = format!("the executor of {}", args.scheduler);
    start_executor_process(Arc::new(config))
        .await
        .map_err(|error| process_error(&what, &error))
}

/// A port that nobody uses at the moment.
fn free_port(host: &str) -> Result<u16> {
    let bound = TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|error| Error::io(format!("cannot listen on {host}"), &error))
}
