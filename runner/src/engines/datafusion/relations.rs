//! What scripts create and drop: tables, which are Parquet shards or kept in memory,
//! and views.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect_partitioned};
use sqlparser::ast::{CreateTable, CreateView, ObjectName, ObjectNamePart, ObjectType, Statement};
use tokio::task::JoinSet;

use super::{DataFusion, engine_error, normalised};
use crate::cluster::client::Cluster;
use crate::engines::Outcome;
use crate::engines::shards::{self, properties};
use crate::engines::store::{Store, Writing};
use crate::error::{Error, Result, did_you_mean};

/// Where temporary tables are, if a cluster must see them.
const TEMPORARY: &str = ".temporary";

/// A folder of tables within the database's, which is removed when dropped.
pub(super) struct Temporary {
    store: Store,
    folder: PathBuf,
}

impl Temporary {
    pub(super) fn open(database: &Path) -> Result<Self> {
        let folder = database.join(TEMPORARY);
        // What is there was left behind by a process that was killed.
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .map_err(|error| Error::io("cannot remove old temporary tables", &error))?;
        }
        let store = Store::open(&folder)?;
        Ok(Self { store, folder })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing to do about a failure here: the next opening removes it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stored,
    Temporary,
    View,
    Exported,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Stored => "table",
            Self::Temporary => "temporary table",
            Self::View => "view",
            Self::Exported => "table of BigQuery",
        }
    }
}

impl DataFusion {
    pub(super) async fn create_table(&mut self, create: CreateTable) -> Result<Outcome> {
        let name = simple_name(&create.name)?;
        let Some(query) = create.query else {
            return Err(Error::failed("a table needs a query")
                .hint("write CREATE TABLE name AS SELECT ..."));
        };
        if !create.columns.is_empty() {
            return Err(Error::failed(
                "the columns of a table come from its query alone",
            ));
        }
        let kind = if create.temporary {
            Kind::Temporary
        } else {
            Kind::Stored
        };
        if self.is_taken(&name, kind, create.or_replace, create.if_not_exists)? {
            return Ok(Outcome::default());
        }
        let frame = self.plan(Statement::Query(query)).await?;
        let plan = frame.create_physical_plan().await;
        let plan = plan.map_err(|error| self.planning_error(error))?;
        check_columns(&plan.schema())?;
        let rows = match kind {
            Kind::Temporary => self.keep(&name, plan).await?,
            _ => self.write(&name, plan).await?,
        };
        self.relations.insert(name, kind);
        self.refresh_views().await?;
        Ok(Outcome {
            rows: Some(rows),
            shown: None,
        })
    }

    /// Whether there is nothing to create.
    fn is_taken(&self, name: &str, kind: Kind, replace: bool, if_not_exists: bool) -> Result<bool> {
        match self.relations.get(name) {
            None => Ok(false),
            Some(_) if if_not_exists => Ok(true),
            Some(found) if replace && *found == kind => Ok(false),
            Some(found) if replace => {
                let message = format!("{name} is a {} and not a {}", found.name(), kind.name());
                let dropped = if *found == Kind::View {
                    "VIEW"
                } else {
                    "TABLE"
                };
                Err(Error::failed(message).hint(format!("DROP {dropped} {name} first")))
            }
            Some(found) => {
                let message = format!("there is a {} {name} already", found.name());
                let created = if kind == Kind::View { "VIEW" } else { "TABLE" };
                Err(Error::failed(message).hint(format!("write CREATE OR REPLACE {created}")))
            }
        }
    }

    /// Runs a plan into memory, or to where a cluster finds its rows again.
    async fn keep(&self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<u64> {
        if let (Some(cluster), Some(temporary)) = (&self.cluster, &self.temporary) {
            let writing = temporary.store.write(name)?;
            let (files, rows) = self.write_there(cluster, writing, plan).await?;
            self.register_files(name, &files, Arc::new(ParquetFormat::default()), None)
                .await?;
            return Ok(rows);
        }
        let schema = plan.schema();
        let partitions = collect_partitioned(plan, self.context.task_ctx())
            .await
            .map_err(engine_error)?;
        let rows = partitions
            .iter()
            .flatten()
            .map(|b| b.num_rows() as u64)
            .sum();
        let table = MemTable::try_new(schema, partitions).map_err(engine_error)?;
        self.register(name, Arc::new(table))?;
        Ok(rows)
    }

    /// Runs a plan into Parquet shards, one per partition that has rows.
    async fn write(&mut self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<u64> {
        let writing = self.store.write(name)?;
        if let Some(cluster) = &self.cluster {
            let (files, rows) = self.write_there(cluster, writing, plan).await?;
            self.register_stored(name, &files).await?;
            return Ok(rows);
        }
        let properties = properties(&plan.schema());
        let mut tasks = JoinSet::new();
        for i in 0..plan.output_partitioning().partition_count() {
            let batches = plan.execute(i, self.context.task_ctx());
            let batches = batches.map_err(engine_error)?;
            let (path, properties) = (writing.part(i), properties.clone());
            tasks.spawn(async move { Ok((i, shards::write(batches, path, properties).await?)) });
        }
        let mut counts = BTreeMap::new();
        while let Some(ended) = tasks.join_next().await {
            let shard: Result<(usize, u64)> =
                ended.map_err(|error| Error::internal(error.to_string()))?;
            let (i, rows) = shard?;
            counts.insert(i, rows);
        }
        let files = commit(writing, &counts, &plan.schema(), properties)?;
        self.register_stored(name, &files).await?;
        Ok(counts.values().sum())
    }

    /// Has a plan's rows written by those who have them; the files and their rows.
    async fn write_there(
        &self,
        cluster: &Cluster,
        writing: Writing,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<(Vec<PathBuf>, u64)> {
        let schema = plan.schema();
        let folder = std::fs::canonicalize(writing.aside())
            .map_err(|error| Error::io("cannot find the database folder", &error))?;
        let written = cluster.write(plan, &folder, &self.context).await;
        let mut written = written.map_err(engine_error)?;
        written.sort();
        let mut counts = BTreeMap::new();
        for (i, (file, rows)) in written.into_iter().enumerate() {
            if rows > 0 {
                writing.take(&file, i)?;
            }
            counts.insert(i, rows);
        }
        let files = commit(writing, &counts, &schema, properties(&schema))?;
        Ok((files, counts.values().sum()))
    }

    pub(super) async fn create_view(&mut self, mut create: CreateView) -> Result<Outcome> {
        let name = simple_name(&create.name)?;
        if self.is_taken(&name, Kind::View, create.or_replace, create.if_not_exists)? {
            return Ok(Outcome::default());
        }
        // Every view of a folder lasts as long as the session.
        create.temporary = false;
        create.or_replace = true;
        create.if_not_exists = false;
        self.plan(Statement::CreateView(create.clone())).await?;
        self.relations.insert(name.clone(), Kind::View);
        // In its old place, so that a view stays behind those it reads.
        match self.views.iter_mut().find(|(view, _)| *view == name) {
            Some((_, view)) => *view = create,
            None => self.views.push((name, create)),
        }
        self.refresh_views().await?;
        Ok(Outcome::default())
    }

    /// Plans the views anew, since each holds the tables as they were. A view
    /// that no longer fits is dropped from the session; using it is an error.
    async fn refresh_views(&self) -> Result<()> {
        for (name, view) in &self.views {
            let statement = Statement::CreateView(view.clone());
            if self.plan(statement).await.is_err() {
                self.deregister(name)?;
            }
        }
        Ok(())
    }

    pub(super) async fn drop(
        &mut self,
        object: ObjectType,
        names: &[ObjectName],
        if_exists: bool,
    ) -> Result<()> {
        let wanted = if object == ObjectType::View {
            "view"
        } else {
            "table"
        };
        for name in names {
            let name = simple_name(name)?;
            match self.relations.get(&name).copied() {
                None if if_exists => continue,
                None => return Err(self.unknown_relation(&name)),
                Some(kind) if (kind == Kind::View) != (object == ObjectType::View) => {
                    return Err(Error::failed(format!(
                        "{name} is a {} and not a {wanted}",
                        kind.name()
                    )));
                }
                Some(Kind::Stored) => self.store.drop_table(&name)?,
                Some(Kind::View) => self.views.retain(|(view, _)| *view != name),
                Some(Kind::Temporary) => {}
                Some(Kind::Exported) => {
                    let message = format!("{name} is read from an export of BigQuery");
                    return Err(
                        Error::failed(message).hint("give the table of the script another name")
                    );
                }
            }
            self.deregister(&name)?;
            self.relations.remove(&name);
        }
        self.refresh_views().await
    }

    pub(super) fn unknown_relation(&self, name: &str) -> Box<Error> {
        let known: Vec<&str> = self.relations.keys().map(String::as_str).collect();
        let hint = did_you_mean(name, &known)
            .or_else(|| (!known.is_empty()).then(|| format!("there are {}", known.join(", "))));
        Error::failed(format!("there is no table or view {name}")).hint_if(hint)
    }
}

/// The name of a table without a schema.
pub(super) fn simple_name(name: &ObjectName) -> Result<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Ok(normalised(name)),
        _ => Err(
            Error::failed(format!("the table name {name} has more than one part"))
                .hint("a folder of Parquet tables has no schemas: leave out all but the last part"),
        ),
    }
}

/// Parquet columns must differ by name, and hold values.
fn check_columns(schema: &SchemaRef) -> Result<()> {
    for (i, field) in schema.fields().iter().enumerate() {
        if schema.fields()[..i]
            .iter()
            .any(|other| other.name() == field.name())
        {
            let message = format!("the query has two columns '{}'", field.name());
            return Err(Error::failed(message).hint("name one of them with AS"));
        }
    }
    Ok(())
}

/// Puts the shards in place; a table without rows is one empty shard.
fn commit(
    writing: Writing,
    counts: &BTreeMap<usize, u64>,
    schema: &SchemaRef,
    properties: WriterProperties,
) -> Result<Vec<PathBuf>> {
    let mut parts: Vec<usize> = counts
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(i, _)| *i)
        .collect();
    if parts.is_empty() {
        let path = writing.part(0);
        let writer = shards::writer(&path, schema, properties)?;
        writer
            .close()
            .map_err(|error| shards::not_written(&path, &error))?;
        parts.push(0);
    }
    writing.commit(&parts)
}
