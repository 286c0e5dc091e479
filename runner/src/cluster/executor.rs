//! `lagrange cluster executor`: asks a scheduler for tasks, runs them, and keeps what
//! comes of them until somebody fetches it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};

use super::Address;
use super::client::reach;
use super::codec::Codec;
use super::process::{MESSAGE_BYTES, log_to_standard_error, process_error, warn_if_open};
use super::replicas::Member;
use super::session;
use crate::cli::cluster::ExecutorArgs;
use crate::engines::threads;
use crate::error::{Error, Result};
use crate::settings::memory_limit;

/// How often finished jobs are looked for, and how long they are kept: in seconds.
const CLEANS: u64 = 60;
const KEPT: u64 = 3600;
/// Between two looks for the scheduler.
const LOOKS: Duration = Duration::from_millis(200);
/// Between two looks whether it is still there, and how many in vain mean that it is not.
const WATCH: Duration = Duration::from_secs(2);
const MISSED: u32 = 3;

/// Runs until it is stopped.
///
/// # Errors
/// A scheduler that is not there, an address that cannot be listened on.
pub async fn run(args: &ExecutorArgs) -> Result<()> {
    log_to_standard_error(args.verbose);
    if !args.vertex {
        warn_if_open(&args.bind)?;
        return execute(args).await;
    }
    let member = Member::find()?;
    let args = ExecutorArgs {
        scheduler: member.scheduler,
        bind: "0.0.0.0".to_owned(),
        port: member.own.port,
        external_host: Some(member.own.host),
        ..args.clone()
    };
    // The job is over when its first machine is: the others have nobody to work for.
    tokio::select! {
        ended = execute(&args) => ended,
        () = gone(&args.scheduler) => Ok(()),
    }
}

/// Waits until a scheduler that has been there is there no more.
async fn gone(scheduler: &Address) {
    while reach(scheduler).await.is_err() {
        tokio::time::sleep(LOOKS).await;
    }
    let mut missed = 0;
    while missed < MISSED {
        tokio::time::sleep(WATCH).await;
        missed = match reach(scheduler).await {
            Ok(()) => 0,
            Err(_) => missed + 1,
        };
    }
}

async fn execute(args: &ExecutorArgs) -> Result<()> {
    if let Some(cores) = args.cores {
        threads::limit(usize::from(cores));
    }
    let memory = args.memory_limit.as_deref().map(memory_limit).transpose()?;
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
        vcores: args.cores.map_or(0, usize::from),
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(scratch.path().display().to_string()),
        job_data_ttl_seconds: KEPT,
        job_data_clean_up_interval_seconds: CLEANS,
        grpc_max_decoding_message_size: MESSAGE_BYTES,
        grpc_max_encoding_message_size: MESSAGE_BYTES,
        memory_pool_size: memory.map(|bytes| bytes as u64),
        override_function_registry: Some(Arc::new(
            session::functions().map_err(|error| Error::internal(error.to_string()))?,
        )),
        override_runtime_producer: Some(Arc::new(session::runtime)),
        override_config_producer: Some(Arc::new(session::of_process)),
        override_physical_codec: Some(Arc::new(Codec::default())),
        ..ExecutorProcessConfig::default()
    };
    wait_for(&args.scheduler, Duration::from_secs(args.wait.into())).await?;
    println!(
        "executor on {}:{port}, scheduler {}",
        args.bind, args.scheduler
    );
    let what = format!("the executor of {}", args.scheduler);
    start_executor_process(Arc::new(config))
        .await
        .map_err(|error| process_error(&what, &error))
}

/// Waits until the scheduler is there: an executor may be started first.
async fn wait_for(scheduler: &Address, patience: Duration) -> Result<()> {
    let begun = Instant::now();
    while let Err(why) = reach(scheduler).await {
        if begun.elapsed() >= patience {
            let message = format!("cannot reach the scheduler {scheduler}: {why}");
            return Err(Error::failed(message)
                .hint("start lagrange cluster scheduler first, or pass --scheduler HOST:PORT"));
        }
        tokio::time::sleep(LOOKS).await;
    }
    Ok(())
}

/// A port that nobody uses at the moment.
fn free_port(host: &str) -> Result<u16> {
    let bound = TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|error| Error::io(format!("cannot listen on {host}"), &error))
}
