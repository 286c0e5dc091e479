//! The cluster of a program that was built without: there is none.

use std::path::Path;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::Address;

/// See the feature `cluster`.
#[derive(Debug)]
pub enum Cluster {}

impl Cluster {
    /// Nobody gets here: [`super::check`] has said so.
    pub fn new(_: &Address) -> Option<Self> {
        None
    }

    /// As it is.
    pub fn configured(config: SessionConfig) -> SessionConfig {
        config
    }

    /// Every plan is.
    pub fn is_local(_: &LogicalPlan) -> bool {
        true
    }

    /// Never.
    pub async fn run(
        &self,
        _: Arc<dyn ExecutionPlan>,
        _: &SessionContext,
    ) -> Result<SendableRecordBatchStream> {
        match *self {}
    }

    /// Never.
    pub async fn write(
        &self,
        _: Arc<dyn ExecutionPlan>,
        _: &Path,
        _: &SessionContext,
    ) -> Result<Vec<(String, u64)>> {
        match *self {}
    }
}

/// Nothing to reach.
///
/// # Errors
/// Always.
pub async fn reach(_: &Address) -> std::result::Result<(), String> {
    Err("this lagrange was built without the cluster".to_owned())
}
