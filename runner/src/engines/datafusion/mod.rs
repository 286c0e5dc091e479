//! The DataFusion engine: tables are folders of Parquet shards, which
//! `CREATE TABLE` replaces whole: see [`relations`].

mod relations;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, DataFusionError, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{cast, col};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement as PlannedStatement;
use futures::StreamExt;
use lagrange_udfs::call::quote_name;
use sqlparser::ast::{CreateView, Ident, ObjectName, Query, Statement};
use tempfile::TempDir;

use self::relations::{Kind, Temporary, simple_name};
use super::inputs::{self, Format, Input};
use super::shards::{self, properties};
use super::shown::{Shown, datafusion_arrow};
use super::store::{Store, tables_of};
use super::{Comparison, Engine, ModelSink, ORIGIN, Outcome, expand};
use crate::cloud::bigquery::schema;
use crate::cloud::bigquery::sources::Source;
use crate::cloud::storage::known::Known;
use crate::cluster::client::Cluster;
use crate::cluster::{Address, store_address};
use crate::error::{Error, Result};
use crate::parameters::Step;
use crate::runs::results::{Rows, Values};
use crate::script::{Action, parse_query};
use crate::settings::Settings;

/// How many memory users an "out of memory" error names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// An open folder of Parquet tables.
pub struct DataFusion {
    context: SessionContext,
    store: Store,
    /// Who runs the plans, if not this process.
    cluster: Option<Cluster>,
    /// Temporary tables of a cluster, which end with the engine.
    temporary: Option<Temporary>,
    relations: BTreeMap<String, Kind>,
    /// In the order of their creation.
    views: Vec<(String, CreateView)>,
    /// How many inputs have been registered, to name them.
    inputs: usize,
    /// The digests of exports of BigQuery.
    exports: BTreeMap<String, String>,
    /// The folder of a database that ends with the engine; removed when dropped.
    _scratch: Option<TempDir>,
}

/// A name as DataFusion knows it: in lower case unless it is quoted.
pub fn normalised(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

impl DataFusion {
    /// Opens a folder of tables, which is created if it is not there.
    ///
    /// # Errors
    /// A folder in use, or a table with a shard that cannot be read.
    pub async fn open(
        folder: &Path,
        settings: &Settings,
        scheduler: Option<&Address>,
    ) -> Result<Self> {
        let pool = FairSpillPool::new(settings.memory_limit);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, CONSUMERS_NAMED)))
            .build_arc()
            .map_err(engine_error)?;
        let config = SessionConfig::new()
            .with_target_partitions(settings.max_workers)
            .with_information_schema(true);
        let config = match scheduler {
            Some(_) => Cluster::configured(config),
            None => config,
        };
        let context = SessionContext::new_with_config_rt(config, runtime);
        match scheduler {
            Some(_) => lagrange_udfs::datafusion::register_portable(&context)?,
            None => lagrange_udfs::datafusion::register_all(&context)?,
        }
        let store = Store::open(folder)?;
        let temporary = scheduler.map(|_| Temporary::open(folder)).transpose()?;
        let mut engine = Self {
            context,
            store,
            cluster: scheduler.and_then(Cluster::new),
            temporary,
            relations: BTreeMap::new(),
            views: Vec::new(),
            inputs: 0,
            exports: BTreeMap::new(),
            _scratch: None,
        };
        for (table, files) in engine.store.tables()? {
            engine
                .register_stored(&table, &files)
                .await
                .map_err(|error| {
                    error.headline(format!(
                        "table {table} of {} cannot be read",
                        folder.display()
                    ))
                })?;
        }
        Ok(engine)
    }

    /// Opens an empty folder that reads tables of another one, which stays unlocked.
    ///
    /// # Errors
    /// A table with a shard that cannot be read.
    pub async fn scratch(folder: &Path, settings: &Settings, tables: &[String]) -> Result<Self> {
        let scratch = tempfile::tempdir()
            .map_err(|error| Error::io("cannot make a temporary folder", &error))?;
        let mut engine = Self::open(scratch.path(), settings, None).await?;
        engine._scratch = Some(scratch);
        if tables.is_empty() {
            return Ok(engine);
        }
        for (table, files) in tables_of(folder)? {
            if !tables
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(&table))
            {
                continue;
            }
            inputs::parquet_schema(&files)?;
            let name = format!("{ORIGIN}{table}");
            engine
                .register_files(&name, &files, Arc::new(ParquetFormat::default()), None)
                .await?;
        }
        Ok(engine)
    }

    async fn register_stored(&mut self, table: &str, files: &[PathBuf]) -> Result<()> {
        // For an error that names the shard.
        inputs::parquet_schema(files)?;
        self.register_files(table, files, Arc::new(ParquetFormat::default()), None)
            .await?;
        self.relations.insert(table.to_owned(), Kind::Stored);
        Ok(())
    }

    async fn register_files(
        &self,
        table: &str,
        files: &[PathBuf],
        format: Arc<dyn FileFormat>,
        schema: Option<SchemaRef>,
    ) -> Result<()> {
        // A shard that has been replaced may look unchanged to the caches.
        let caches = &self.context.runtime_env().cache_manager;
        caches.get_file_metadata_cache().clear();
        if let Some(cache) = caches.get_file_statistic_cache() {
            cache.clear();
        }
        if let Some(cache) = caches.get_list_files_cache() {
            cache.clear();
        }
        let urls = files.iter().map(|file| url(file)).collect::<Result<_>>()?;
        let options = ListingOptions::new(format).with_file_extension("");
        let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
        let config = match schema {
            Some(schema) => config.with_schema(schema),
            None => config
                .infer_schema(&self.context.state())
                .await
                .map_err(engine_error)?,
        };
        let listing = ListingTable::try_new(config).map_err(engine_error)?;
        self.register(table, Arc::new(listing))
    }

    /// Gives a name its new meaning.
    fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.deregister(name)?;
        self.context
            .register_table(TableReference::bare(name), table)
            .map(drop)
            .map_err(engine_error)
    }

    /// Registers the files of every `read_table` and puts references in place.
    async fn bind_inputs(&mut self, statement: &mut Statement) -> Result<()> {
        let mut queries = Vec::new();
        for path in inputs::paths(statement)? {
            let input = Input::find(&path).await?;
            self.inputs += 1;
            let name = format!("__input_{}", self.inputs);
            match input.format {
                Format::Parquet => {
                    let format = Arc::new(ParquetFormat::default());
                    self.register_files(&name, &input.files, format, None)
                        .await?;
                }
                Format::Csv { separator, gzip } => {
                    let format = Arc::new(Format::csv(separator, gzip));
                    let schema = Some(Arc::clone(&input.schema));
                    self.register_files(&name, &input.files, format, schema)
                        .await?;
                }
            }
            queries.push(reader(&name, &input)?);
        }
        inputs::replace(statement, queries);
        Ok(())
    }

    async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        let statement = PlannedStatement::Statement(Box::new(statement));
        let plan = self.context.state().statement_to_plan(statement).await;
        let plan = plan.map_err(|error| self.planning_error(error))?;
        self.context
            .execute_logical_plan(plan)
            .await
            .map_err(|error| self.planning_error(error))
    }

    /// The rows of a query, from wherever its plan runs.
    async fn stream(&self, frame: DataFrame) -> Result<SendableRecordBatchStream> {
        match &self.cluster {
            Some(cluster) if !Cluster::is_local(frame.logical_plan()) => {
                let plan = frame.create_physical_plan().await;
                let plan = plan.map_err(|error| self.planning_error(error))?;
                cluster.run(plan, &self.context).await
            }
            _ => frame.execute_stream().await,
        }
        .map_err(engine_error)
    }

    async fn query(&self, statement: Statement) -> Result<Outcome> {
        let frame = self.plan(statement).await?;
        let names = frame.schema().fields().iter().map(|f| f.name().clone());
        let mut shown = Shown::new(names.collect());
        let mut batches = self.stream(frame).await?;
        while let Some(batch) = batches.next().await {
            datafusion_arrow::add(&mut shown, &batch.map_err(engine_error)?)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(Outcome {
            rows: Some(shown.total),
            shown: Some(shown),
        })
    }

    fn deregister(&self, name: &str) -> Result<()> {
        self.context
            .deregister_table(TableReference::bare(name))
            .map(drop)
            .map_err(engine_error)
    }

    fn planning_error(&self, error: DataFusionError) -> Box<Error> {
        let text = error.strip_backtrace();
        let missing = text
            .split_once("table 'datafusion.public.")
            .and_then(|(_, rest)| rest.split_once("' not found"));
        match missing {
            Some((name, _)) => self.unknown_relation(name),
            None => engine_error(error),
        }
    }
}

#[async_trait(?Send)]
impl Engine for DataFusion {
    async fn execute(&mut self, step: &Step) -> Result<Outcome> {
        let mut statement = step.statement.clone();
        self.bind_inputs(&mut statement).await?;
        expand::expand(&self.context, &mut statement).await?;
        match statement {
            Statement::CreateTable(create) => self.create_table(create).await,
            Statement::CreateView(create) => self.create_view(create).await,
            Statement::Drop {
                object_type,
                names,
                if_exists,
                ..
            } if step.description.action == Action::Drop => {
                self.drop(object_type, &names, if_exists).await?;
                Ok(Outcome::default())
            }
            statement if step.description.action == Action::Query => self.query(statement).await,
            Statement::Set(_) => {
                self.plan(statement).await?;
                Ok(Outcome::default())
            }
            _ => Err(Error::failed(format!(
                "DataFusion does not run '{}' on a folder of Parquet tables",
                step.description.kind
            ))
            .hint("write CREATE OR REPLACE TABLE ... AS SELECT, or use --engine duckdb")),
        }
    }

    async fn models(&mut self, table: &ObjectName, sink: &mut ModelSink<'_>) -> Result<()> {
        let name = TableReference::bare(simple_name(table)?);
        let frame = self.context.table(name).await.map_err(engine_error)?;
        let fields = frame.schema().fields();
        if !fields
            .iter()
            .any(|f| datafusion_arrow::is_binary(f.data_type()))
        {
            return Ok(());
        }
        let plain = fields.iter().filter(|field| !field.data_type().is_nested());
        let columns: Vec<_> = plain.map(|field| col(quote_name(field.name()))).collect();
        let frame = frame.select(columns).map_err(engine_error)?;
        let mut batches = frame.execute_stream().await.map_err(engine_error)?;
        while let Some(batch) = batches.next().await {
            datafusion_arrow::models(&batch.map_err(engine_error)?, sink)?;
        }
        Ok(())
    }

    async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let query = parse_query(sql)?;
        let frame = self.plan(Statement::Query(Box::new(query))).await?;
        let mut batches = self.stream(frame).await?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            datafusion_arrow::texts(&mut rows, &batch.map_err(engine_error)?)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(rows)
    }

    async fn rows(&mut self, sql: &str) -> Result<Rows> {
        let query = parse_query(sql)?;
        let frame = self.plan(Statement::Query(Box::new(query))).await?;
        let columns = held(frame.schema());
        let mut batches = self.stream(frame).await?;
        let mut shown = Shown::default();
        while let Some(batch) = batches.next().await {
            datafusion_arrow::add_up_to(&mut shown, &batch.map_err(engine_error)?, usize::MAX)
                .map_err(|error| Error::failed(error.to_string()))?;
        }
        Ok(Rows {
            columns,
            rows: shown.rows,
        })
    }

    async fn columns(&mut self, relation: &str) -> Result<Vec<(String, Comparison)>> {
        let Ok(frame) = self.context.table(TableReference::bare(relation)).await else {
            return Ok(Vec::new());
        };
        let fields = frame.schema().fields().iter();
        Ok(fields
            .map(|field| {
                (
                    field.name().clone(),
                    datafusion_arrow::comparison(field.data_type()),
                )
            })
            .collect())
    }

    async fn attach(&mut self, name: &str, source: &Source) -> Result<()> {
        let address = store_address(&source.location, &source.digest());
        let store = Known::new(source.place()?.reading()?, &source.objects);
        let base = ObjectStoreUrl::parse(&address).map_err(engine_error)?;
        self.context
            .register_object_store(base.as_ref(), Arc::new(store));
        let folder = format!("{address}/{}/", source.folder);
        let url = ListingTableUrl::parse(folder).map_err(engine_error)?;
        let format = Arc::new(ParquetFormat::default());
        let options = ListingOptions::new(format).with_file_extension(".parquet");
        let config = ListingTableConfig::new(url)
            .with_listing_options(options)
            .with_schema(schema::arrow(&source.manifest.schema));
        let listing = ListingTable::try_new(config).map_err(engine_error)?;
        let mut table: Arc<dyn TableProvider> = Arc::new(listing);
        let columns = &source.manifest.schema;
        let lower = |column: &schema::Column| column.name.to_lowercase();
        if columns.iter().any(|column| column.name != lower(column)) {
            // SQL without quotes is in lower case.
            let spelt = format!("__spelt_{name}");
            self.register(&spelt, table)?;
            let frame = self.context.table(TableReference::bare(spelt)).await;
            let renamed = columns.iter().map(|column| {
                let plain = col(quote_name(&column.name));
                match lower(column) {
                    name if name == column.name => plain,
                    name => plain.alias(name),
                }
            });
            let frame = frame.map_err(engine_error)?;
            let frame = frame.select(renamed.collect::<Vec<_>>());
            table = frame.map_err(engine_error)?.into_view();
        }
        // The footers tell: nothing is read for it.
        let frame = self
            .context
            .read_table(Arc::clone(&table))
            .map_err(engine_error)?;
        let count = frame.count().await.map_err(engine_error)? as u64;
        if count != source.manifest.rows {
            let message = format!(
                "the export {} of {} has {} rows, and DataFusion finds {count}",
                source.manifest.snapshot, source.manifest.table, source.manifest.rows
            );
            return Err(Error::failed(message));
        }
        self.register(name, table)?;
        self.relations.insert(name.to_owned(), Kind::Exported);
        self.exports.insert(name.to_owned(), source.digest());
        Ok(())
    }

    async fn write(&mut self, sql: &str, path: &Path) -> Result<u64> {
        let query = parse_query(sql)?;
        let frame = self.plan(Statement::Query(Box::new(query))).await?;
        // Others read times in microseconds.
        let columns = frame.schema().fields().iter().map(|field| {
            let column = col(quote_name(field.name()));
            match field.data_type() {
                DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
                    let kind = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                    cast(column, kind).alias(field.name())
                }
                _ => column,
            }
        });
        let columns: Vec<_> = columns.collect();
        let frame = frame.select(columns).map_err(engine_error)?;
        let schema = Arc::clone(frame.schema().inner());
        let properties = properties(&schema);
        let batches = self.stream(frame).await?;
        let rows = shards::write(batches, path.to_path_buf(), properties.clone()).await?;
        if rows == 0 {
            let writer = shards::writer(path, &schema, properties)?;
            writer
                .close()
                .map_err(|error| shards::not_written(path, &error))?;
        }
        Ok(rows)
    }

    async fn digest(&mut self, relation: &str) -> Result<Option<String>> {
        if let Some(digest) = self.exports.get(relation) {
            return Ok(Some(digest.clone()));
        }
        let tables = self.store.tables()?;
        tables
            .get(relation)
            .map(|files| inputs::digest(files))
            .transpose()
    }
}

/// What the columns of a schema hold.
fn held(schema: &DFSchema) -> Vec<(String, Values)> {
    let fields = schema.fields().iter();
    fields
        .map(|field| {
            (
                field.name().clone(),
                datafusion_arrow::held(field.data_type()),
            )
        })
        .collect()
}

/// The file as a URL: in a plain path, DataFusion would take `*` and `[` for a
/// pattern.
fn url(file: &Path) -> Result<ListingTableUrl> {
    let failed = |error| Error::io(format!("cannot read {}", file.display()), &error);
    let path = std::fs::canonicalize(file).map_err(failed)?;
    let mut url = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    ListingTableUrl::parse(url).map_err(engine_error)
}

/// The query that gives the columns of an input their names in scripts.
fn reader(table: &str, input: &Input) -> Result<Query> {
    let columns: Vec<String> = input
        .schema
        .fields()
        .iter()
        .zip(input.names())
        .map(|(field, name)| format!("{} AS {}", quote_name(field.name()), quote_name(&name)))
        .collect();
    parse_query(&format!("SELECT {} FROM {table}", columns.join(", ")))
}

/// What DataFusion says, with a hint where the runner knows more.
pub fn engine_error(error: DataFusionError) -> Box<Error> {
    let message = error.strip_backtrace();
    let hint = matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)).then(|| {
        "raise training.resources.memory_limit, or lower training.resources.max_workers".to_owned()
    });
    Error::failed(message).hint_if(hint)
}
