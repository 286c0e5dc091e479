//! Tables are written where their rows are: each task writes its rows to a file of
//! Parquet, and what comes back is a row about it.
//!
//! A task may run twice, because its executor was thought lost: each attempt has files
//! of its own, and only those that are named in the answer become part of the table.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, exec_err, internal_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};

use crate::engines::shards;

/// The file, without its folder, and its rows.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("rows", DataType::UInt64, false),
    ]))
});

/// Writes each partition of its input to a file of its own.
#[derive(Debug)]
pub struct WriteShards {
    input: Arc<dyn ExecutionPlan>,
    folder: PathBuf,
    properties: Arc<PlanProperties>,
}

impl WriteShards {
    /// Writes to a folder that all machines have.
    pub fn new(input: Arc<dyn ExecutionPlan>, folder: &Path) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&SCHEMA)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            input,
            folder: folder.to_owned(),
            properties: Arc::new(properties),
        }
    }

    /// Where it writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A name that no other task gives, and no other attempt at this one.
fn name(context: &TaskContext, partition: usize) -> String {
    let task = context.task_id().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let task: String = task.chars().map(plain).collect();
    format!("part-{task}-{partition}")
}

/// What a batch of the output says: files and their rows.
///
/// # Errors
/// A batch that is none.
pub fn written(batch: &RecordBatch) -> Result<Vec<(String, u64)>> {
    let odd = || internal_datafusion_err!("shards answer with {}", batch.schema());
    let files = batch.column(0).as_string_opt::<i32>().ok_or_else(odd)?;
    let rows = batch.column(1).as_primitive_opt::<UInt64Type>();
    let rows = rows.ok_or_else(odd)?.values();
    let files = files.iter().map(Option::unwrap_or_default);
    Ok(files
        .zip(rows)
        .map(|(file, rows)| (file.to_owned(), *rows))
        .collect())
}

impl DisplayAs for WriteShards {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteShards")
    }
}

impl ExecutionPlan for WriteShards {
    fn name(&self) -> &str {
        "WriteShards"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self::new(input, &self.folder))),
            Err(given) => Err(internal_datafusion_err!(
                "shards are written of one input and not of {}",
                given.len()
            )),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if !self.folder.is_dir() {
            return exec_err!(
                "this executor has no folder {}: the database must be in a folder that the \
                 runner and all executors share",
                self.folder.display()
            );
        }
        let batches = self.input.execute(partition, context)?;
        let file = name(&context, partition);
        let path = self.folder.join(&file);
        let write = async move {
            let properties = shards::properties(&batches.schema());
            let rows = shards::write(batches, path, properties)
                .await
                .map_err(|error| DataFusionError::Execution(error.message().into_owned()))?;
            let columns: [ArrayRef; 2] = [
                Arc::new(StringArray::from(vec![file])),
                Arc::new(UInt64Array::from(vec![rows])),
            ];
            Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns.to_vec())?)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&SCHEMA),
            futures::stream::once(write),
        )))
    }
}
