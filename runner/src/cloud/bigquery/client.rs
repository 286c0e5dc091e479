//! The service: tables and jobs of a project.

use google_cloud_bigquery_v2::client::{DatasetService, JobService, TableService};
use google_cloud_bigquery_v2::model::{Job, JobConfiguration, JobConfigurationQuery, JobReference};
use google_cloud_gax::options::RequestOptionsBuilder;

use super::names::TableName;
use super::schema::Column;
use crate::cloud::failure::Failure;
use crate::cloud::google::{Google, built, endpoint};
use crate::cloud::patience::Patience;
use crate::error::{Error, Result};
use crate::runs::moment::Moment;

/// Gives another address than Google's own.
const ENDPOINT: &str = "LAGRANGE_BIGQUERY_ENDPOINT";
const ADDRESS: &str = "https://bigquery.googleapis.com";
/// Type of a table that BigQuery itself stores.
const STORED: &str = "TABLE";

/// BigQuery, as a project that pays for it.
pub struct BigQuery {
    google: Google,
    project: String,
    tables: TableService,
    datasets: DatasetService,
    jobs: JobService,
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
        Self::with(project, Patience::default()).await
    }

    /// [`BigQuery::connect`] with a certain patience.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub async fn with(project: &str, patience: Patience) -> Result<Self> {
        let google = Google::new(patience)?;
        let address = endpoint(ENDPOINT, ADDRESS);
        let tables = google.client(TableService::builder(), &address);
        let datasets = google.client(DatasetService::builder(), &address);
        let jobs = google.client(JobService::builder(), &address);
        Ok(Self {
            tables: built(tables.build().await)?,
            datasets: built(datasets.build().await)?,
            jobs: built(jobs.build().await)?,
            google,
            project: project.to_owned(),
        })
    }

    /// The project that pays.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// How patient we are.
    pub fn patience(&self) -> &Patience {
        &self.google.patience
    }

    /// What is known of a table.
    ///
    /// # Errors
    /// A table that is not there or may not be seen, a type that is not known.
    pub async fn table(&self, name: &TableName) -> Result<Table> {
        let asked = self
            .tables
            .get_table()
            .set_project_id(&name.project)
            .set_dataset_id(&name.dataset)
            .set_table_id(&name.table);
        let asked = self.google.call(asked.send()).await;
        let table = asked.map_err(|failure| failure.error(&format!("look at the table {name}")))?;
        let fields = table.schema.map(|schema| schema.fields).unwrap_or_default();
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
            rows: table.num_rows.filter(|_| stored),
        })
    }

    /// Where a data set is.
    ///
    /// # Errors
    /// A data set that is not there or may not be seen.
    pub async fn location(&self, project: &str, dataset: &str) -> Result<String> {
        let asked = self
            .datasets
            .get_dataset()
            .set_project_id(project)
            .set_dataset_id(dataset);
        let asked = self.google.call(asked.send()).await;
        let doing = format!("look at the data set {project}.{dataset}");
        Ok(asked.map_err(|failure| failure.error(&doing))?.location)
    }

    /// How many bytes a query would read. Its errors are found, and nothing is paid.
    ///
    /// # Errors
    /// A query that would fail.
    pub async fn estimate(&self, sql: &str, location: &str) -> Result<u64> {
        let mut job = Job::new().set_configuration(query(sql).set_dry_run(true));
        if !location.is_empty() {
            let reference = JobReference::new().set_project_id(&self.project);
            job = job.set_job_reference(reference.set_location(location));
        }
        let asked = self.insert(job).await;
        let job = asked.map_err(|failure| failure.error("plan the query"))?;
        if let Some(error) = job.status.and_then(|status| status.error_result) {
            return Err(Error::failed("BigQuery does not run the query").detail(error.message));
        }
        let statistics = job.statistics.unwrap_or_default();
        Ok(count(statistics.total_bytes_processed).unwrap_or_default())
    }

    /// Starts a job. It may be said twice: a job with an id starts once, and one
    /// without is only an estimate here.
    ///
    /// # Errors
    /// The service refuses, or does not answer.
    pub(super) async fn insert(&self, job: Job) -> std::result::Result<Job, Failure> {
        let start = self.jobs.insert_job().set_project_id(&self.project);
        let start = start.set_job(job).with_idempotency(true);
        self.google.call(start.send()).await
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn job(&self, id: &str, location: &str) -> Result<Job> {
        let asked = self.jobs.get_job().set_project_id(&self.project);
        let asked = asked.set_job_id(id).set_location(location);
        let asked = self.google.call(asked.send()).await;
        asked.map_err(|failure| failure.error(&format!("look at job {id}")))
    }
}

/// The configuration of a query in BigQuery's own SQL.
pub fn query(sql: &str) -> JobConfiguration {
    let query = JobConfigurationQuery::new().set_query(sql);
    JobConfiguration::new().set_query(query.set_use_legacy_sql(false))
}

/// A number of things as the service has it.
pub fn count(value: Option<i64>) -> Option<u64> {
    u64::try_from(value?).ok()
}
