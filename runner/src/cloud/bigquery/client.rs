//! The service: tables and jobs of a project.

use std::sync::{Arc, Mutex, PoisonError};

use google_cloud_auth::credentials::Credentials;
use google_cloud_bigquery_v2::client::{DatasetService, JobService, TableService};
use google_cloud_bigquery_v2::model::{Job, JobConfiguration, JobConfigurationQuery, JobReference};
use google_cloud_gax::error::Error as CallError;
use google_cloud_gax::options::RequestOptionsBuilder;

use super::names::TableName;
use super::schema::Column;
use crate::cloud::google::{self, Patience};
use crate::error::{Error, Result};
use crate::runs::moment::Moment;

/// Gives another address than Google's own.
pub const ENDPOINT: &str = "LAGRANGE_BIGQUERY_ENDPOINT";
/// Type of a table that BigQuery itself stores.
const STORED: &str = "TABLE";

/// BigQuery, as a project that pays for it.
pub struct BigQuery {
    project: String,
    /// How patient we are.
    pub patience: Patience,
    endpoint: Option<String>,
    /// Where the credentials come from; tests have their own.
    log_in: fn() -> Result<Credentials>,
    clients: Mutex<Arc<Clients>>,
}

struct Clients {
    datasets: DatasetService,
    jobs: JobService,
    tables: TableService,
}

/// What is known of a table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// When it was last changed; `None` for views, which are always new.
    pub modified: Option<Moment>,
    /// Where it is.
    pub location: String,
    /// How many rows it has, where that is known without counting.
    pub rows: Option<u64>,
}

impl BigQuery {
    /// A client for jobs that this project pays for. Nothing is called yet.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn connect(project: &str) -> Result<Self> {
        let endpoint = google::endpoint(ENDPOINT);
        Self::with(project, Patience::default(), endpoint, google::credentials).await
    }

    /// [`BigQuery::connect`] to a certain address.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn with(
        project: &str,
        patience: Patience,
        endpoint: Option<String>,
        log_in: fn() -> Result<Credentials>,
    ) -> Result<Self> {
        let clients = clients(&patience, endpoint.as_deref(), log_in()?).await?;
        Ok(Self {
            project: project.to_owned(),
            patience,
            endpoint,
            log_in,
            clients: Mutex::new(Arc::new(clients)),
        })
    }

    /// The project that pays.
    pub fn project(&self) -> &str {
        &self.project
    }

    fn clients(&self) -> Arc<Clients> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&clients)
    }

    /// Calls; a token that is no longer accepted is replaced once.
    async fn call<T>(
        &self,
        call: impl AsyncFn(&Clients) -> std::result::Result<T, CallError>,
    ) -> Result<std::result::Result<T, CallError>> {
        let outcome = call(&self.clients()).await;
        match &outcome {
            Err(error) if error.http_status_code() == Some(401) => {}
            _ => return Ok(outcome),
        }
        let credentials = (self.log_in)()?;
        let fresh = clients(&self.patience, self.endpoint.as_deref(), credentials).await?;
        let fresh = Arc::new(fresh);
        *self.clients.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(call(&fresh).await)
    }

    /// What is known of a table.
    ///
    /// # Errors
    /// A table that is not there or may not be seen, a type that is not known.
    pub async fn table(&self, name: &TableName) -> Result<Table> {
        let asked = self
            .call(async |clients: &Clients| {
                clients
                    .tables
                    .get_table()
                    .set_project_id(&name.project)
                    .set_dataset_id(&name.dataset)
                    .set_table_id(&name.table)
                    .send()
                    .await
            })
            .await?;
        let doing = format!("look at the table {name}");
        let table = asked.map_err(|error| google::failure(&doing, &error))?;
        let schema = table.schema.as_ref();
        let fields = schema.map_or(&[][..], |schema| schema.fields.as_slice());
        let columns: std::result::Result<Vec<Column>, String> =
            fields.iter().map(Column::of).collect();
        let columns = columns.map_err(|what| {
            Error::failed(format!("{name} cannot be exported: {what}"))
                .hint("make a view that leaves the column out or casts it")
        })?;
        if columns.is_empty() {
            return Err(Error::failed(format!("{name} has no columns")));
        }
        let stored = table.r#type.is_empty() || table.r#type == STORED;
        let modified = i64::try_from(table.last_modified_time).ok();
        Ok(Table {
            columns,
            modified: modified.filter(|millis| stored && *millis > 0).map(Moment),
            location: table.location,
            rows: table.num_rows,
        })
    }

    /// Where a data set is.
    ///
    /// # Errors
    /// A data set that is not there or may not be seen.
    pub async fn location(&self, project: &str, dataset: &str) -> Result<String> {
        let asked = self
            .call(async |clients: &Clients| {
                clients
                    .datasets
                    .get_dataset()
                    .set_project_id(project)
                    .set_dataset_id(dataset)
                    .send()
                    .await
            })
            .await?;
        let doing = format!("look at the data set {project}.{dataset}");
        let found = asked.map_err(|error| google::failure(&doing, &error))?;
        Ok(found.location)
    }

    /// How many bytes a query would read. Its errors are found, and nothing is paid.
    ///
    /// # Errors
    /// A query that would fail.
    pub async fn estimate(&self, sql: &str, location: &str) -> Result<u64> {
        let configuration = query(sql).set_dry_run(true);
        let mut job = Job::new().set_configuration(configuration);
        if !location.is_empty() {
            let reference = JobReference::new().set_project_id(&self.project);
            job = job.set_job_reference(reference.set_location(location));
        }
        let asked = self.insert(&job).await?;
        let job = asked.map_err(|error| google::failure("plan the query", &error))?;
        if let Some(error) = job
            .status
            .as_ref()
            .and_then(|status| status.error_result.as_ref())
        {
            return Err(Error::failed("BigQuery does not run the query").detail(&error.message));
        }
        let bytes = job
            .statistics
            .and_then(|statistics| statistics.total_bytes_processed)
            .unwrap_or_default();
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Starts a job. It may be said twice, because a job with an id starts once, and
    /// one without a job id here is only an estimate.
    ///
    /// # Errors
    /// Nobody is logged in.
    pub(super) async fn insert(&self, job: &Job) -> Result<std::result::Result<Job, CallError>> {
        self.call(async |clients: &Clients| {
            clients
                .jobs
                .insert_job()
                .set_project_id(&self.project)
                .set_job(job.clone())
                .with_idempotency(true)
                .send()
                .await
        })
        .await
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn job(&self, id: &str, location: &str) -> Result<Job> {
        let asked = self
            .call(async |clients: &Clients| {
                clients
                    .jobs
                    .get_job()
                    .set_project_id(&self.project)
                    .set_job_id(id)
                    .set_location(location)
                    .send()
                    .await
            })
            .await?;
        asked.map_err(|error| google::failure(&format!("look at job {id}"), &error))
    }
}

/// A query in BigQuery's own SQL.
pub fn query(sql: &str) -> JobConfiguration {
    JobConfiguration::new().set_query(
        JobConfigurationQuery::new()
            .set_query(sql)
            .set_use_legacy_sql(false),
    )
}

async fn clients(
    patience: &Patience,
    endpoint: Option<&str>,
    credentials: Credentials,
) -> Result<Clients> {
    let failed = |error: google_cloud_gax::client_builder::Error| {
        Error::failed("cannot make a client of BigQuery").detail(error.to_string())
    };
    macro_rules! client {
        ($service:ident) => {{
            let mut builder = $service::builder()
                .with_credentials(credentials.clone())
                .with_retry_policy(patience.retries())
                .with_backoff_policy(patience.backoff())
                .with_retry_throttler(google::NotHeldBack)
                .with_attempt_timeout(patience.attempt);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder.build().await.map_err(failed)?
        }};
    }
    Ok(Clients {
        datasets: client!(DatasetService),
        jobs: client!(JobService),
        tables: client!(TableService),
    })
}
