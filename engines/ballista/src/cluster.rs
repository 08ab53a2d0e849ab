//! Where a plan runs: in this process, or on a cluster; and the two kinds of process which a cluster is made of.

use crate::prefixes::within;
use crate::table::{TableKind, TableOf};
use crate::wire::{Logical, Physical};
use ballista::prelude::*;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// An executor of which nothing was heard for so long is given up, and its tasks are run by others. Ballista's own default is three minutes.
const EXECUTOR_TIMEOUT_SECONDS: u64 = 20;
const HEARTBEAT_SECONDS: u64 = 3;

/// A context which runs plans in this process, with so many threads.
pub fn local(threads: usize) -> SessionContext {
    with_tables(SessionContext::new_with_config(SessionConfig::new().with_target_partitions(threads)))
}

/// A context which runs plans on the cluster of the scheduler at this address (`HOST:PORT`), in so many partitions.
///
/// # Errors
/// If the address is none. That nobody answers there shows when a plan is to be run.
pub async fn remote(scheduler: &str, partitions: usize) -> Result<SessionContext> {
    let config = SessionConfig::new_with_ballista()
        .with_target_partitions(partitions)
        // When an executor is lost between stages, a job which Ballista 55 plans anew while it runs waits without end.
        .with_ballista_adaptive_query_planner(false)
        .with_ballista_logical_extension_codec(Arc::new(Logical::default()))
        .with_ballista_physical_extension_codec(Arc::new(Physical::default()));
    let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    let context = SessionContext::remote_with_state(&format!("df://{scheduler}"), state).await;
    Ok(with_tables(context?))
}

fn with_tables(context: SessionContext) -> SessionContext {
    for (name, kind) in [("updates", TableKind::Updates), ("ribs", TableKind::Ribs), ("files", TableKind::Files)] {
        context.register_udtf(name, Arc::new(TableOf(kind)));
    }
    context.register_udf(within());
    context
}

/// Runs a scheduler until the process ends.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn run_scheduler(listen: SocketAddr) -> Result<()> {
    let config = SchedulerConfig {
        bind_host: listen.ip().to_string(),
        external_host: listen.ip().to_string(),
        bind_port: listen.port(),
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: EXECUTOR_TIMEOUT_SECONDS,
        expire_dead_executor_interval_seconds: HEARTBEAT_SECONDS,
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(said)?;
    start_server(cluster, listen, Arc::new(config)).await.map_err(said)
}

/// An executor.
#[derive(Debug, Clone)]
pub struct Executor {
    /// Where it listens; the port after this one is taken as well.
    pub listen: SocketAddr,
    /// The name or address by which others reach it.
    pub reached_at: String,
    /// The scheduler's host.
    pub scheduler: String,
    /// Its port.
    pub scheduler_port: u16,
    /// Tasks at a time.
    pub tasks: usize,
    /// Where what is passed on between stages is kept.
    pub folder: PathBuf,
}

/// Runs an executor until the process ends.
///
/// # Errors
/// If the scheduler does not answer, or a port is taken.
pub async fn run_executor(executor: Executor) -> Result<()> {
    std::fs::create_dir_all(&executor.folder)?;
    let config = ExecutorProcessConfig {
        bind_host: executor.listen.ip().to_string(),
        external_host: Some(executor.reached_at),
        port: executor.listen.port(),
        grpc_port: executor.listen.port() + 1,
        scheduler_host: executor.scheduler,
        scheduler_port: executor.scheduler_port,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        vcores: executor.tasks,
        work_dir: Some(executor.folder.display().to_string()),
        executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await.map_err(said)
}

fn said(error: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::Execution(error.to_string())
}
