//! The service: tables and jobs of a project.

use serde_json::{Value as Json, json};

use super::names::TableName;
use super::schema::Column;
use crate::cloud::google::{Answer, Call, Google, Patience, endpoint};
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
    /// With the version of the interface.
    address: String,
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
    pub fn connect(project: &str) -> Result<Self> {
        Self::with(project, Patience::default())
    }

    /// [`BigQuery::connect`] with a certain patience.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn with(project: &str, patience: Patience) -> Result<Self> {
        Ok(Self {
            google: Google::new(patience)?,
            project: project.to_owned(),
            address: format!("{}/bigquery/v2", endpoint(ENDPOINT, ADDRESS)),
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
        let url = format!(
            "{}/projects/{}/datasets/{}/tables/{}",
            self.address, name.project, name.dataset, name.table
        );
        let asked = self.google.call(&Call::get(url)).await;
        let table = asked.map_err(|failure| failure.error(&format!("look at the table {name}")))?;
        let fields = table["schema"]["fields"].as_array();
        let fields = fields.map_or(&[][..], Vec::as_slice);
        let columns: std::result::Result<Vec<Column>, String> =
            fields.iter().map(Column::of).collect();
        let columns = columns.map_err(|what| {
            Error::failed(format!("{name} cannot be exported: {what}"))
                .hint("make a view that leaves the column out or casts it")
        })?;
        if columns.is_empty() {
            return Err(Error::failed(format!("{name} has no columns")));
        }
        let stored = table["type"].as_str().unwrap_or(STORED) == STORED;
        let modified = number(&table["lastModifiedTime"]);
        let modified = modified.and_then(|millis| i64::try_from(millis).ok());
        Ok(Table {
            columns,
            modified: modified.filter(|millis| stored && *millis > 0).map(Moment),
            location: text(&table["location"]),
            rows: number(&table["numRows"]).filter(|_| stored),
        })
    }

    /// Where a data set is.
    ///
    /// # Errors
    /// A data set that is not there or may not be seen.
    pub async fn location(&self, project: &str, dataset: &str) -> Result<String> {
        let url = format!("{}/projects/{project}/datasets/{dataset}", self.address);
        let asked = self.google.call(&Call::get(url)).await;
        let doing = format!("look at the data set {project}.{dataset}");
        let found = asked.map_err(|failure| failure.error(&doing))?;
        Ok(text(&found["location"]))
    }

    /// How many bytes a query would read. Its errors are found, and nothing is paid.
    ///
    /// # Errors
    /// A query that would fail.
    pub async fn estimate(&self, sql: &str, location: &str) -> Result<u64> {
        let mut job = json!({ "configuration": query(sql) });
        job["configuration"]["dryRun"] = json!(true);
        if !location.is_empty() {
            job["jobReference"] = json!({ "projectId": self.project, "location": location });
        }
        let asked = self.insert(&job).await;
        let job = asked.map_err(|failure| failure.error("plan the query"))?;
        if let Some(message) = job["status"]["errorResult"]["message"].as_str() {
            return Err(Error::failed("BigQuery does not run the query").detail(message));
        }
        Ok(number(&job["statistics"]["totalBytesProcessed"]).unwrap_or_default())
    }

    /// Starts a job. It may be said twice: a job with an id starts once, and one
    /// without is only an estimate here.
    ///
    /// # Errors
    /// The service refuses, or does not answer.
    pub(super) async fn insert(&self, job: &Json) -> Answer {
        let url = format!("{}/projects/{}/jobs", self.address, self.project);
        self.google.call(&Call::post(url, job)).await
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// A job that is not there, a service that does not answer.
    pub async fn job(&self, id: &str, location: &str) -> Result<Json> {
        let url = format!("{}/projects/{}/jobs/{id}", self.address, self.project);
        let call = Call {
            query: vec![("location", location.to_owned())],
            ..Call::get(url)
        };
        let asked = self.google.call(&call).await;
        asked.map_err(|failure| failure.error(&format!("look at job {id}")))
    }
}

/// The configuration of a query in BigQuery's own SQL.
pub fn query(sql: &str) -> Json {
    json!({ "query": { "query": sql, "useLegacySql": false } })
}

/// A number as the service writes it: as text.
pub fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
