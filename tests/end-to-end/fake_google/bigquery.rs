//! BigQuery's tables and jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};

use super::{Reply, Request, asked, must, only, refusal};
use crate::gcs::Gcs;

/// Where everything is.
const LOCATION: &str = "EU";
/// How often a job is looked at before it is over.
const LOOKS: usize = 2;

/// The service.
#[derive(Default)]
pub struct BigQuery {
    /// By `project.dataset.table`.
    pub tables: BTreeMap<String, Table>,
    /// By id.
    jobs: BTreeMap<String, Job>,
    /// How the next jobs end: their errorResult.
    failures: Vec<(String, String)>,
    /// Jobs that were started, in their order.
    pub started: Vec<Json>,
    /// Queries that were only asked about.
    pub estimated: Vec<String>,
    /// Rows that were loaded, by table and partition.
    pub loaded: BTreeMap<String, Loaded>,
}

/// A table.
pub struct Table {
    /// As the service writes it.
    pub schema: Json,
    /// What an export writes: one shard each.
    pub shards: Vec<Vec<u8>>,
    /// Rows of the shards.
    pub rows: usize,
    /// Milliseconds since 1970.
    pub modified: u64,
    /// TABLE or VIEW.
    pub kind: &'static str,
}

/// What a load job has left.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub rows: usize,
    pub schema: Json,
}

struct Job {
    body: Json,
    looks: usize,
    error: Option<(String, String)>,
    statistics: Json,
}

/// Rows as a file of Parquet, as BigQuery compresses it; small groups of rows.
pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(500))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

impl BigQuery {
    /// The next job ends with this errorResult.
    pub fn fail_job(&mut self, reason: &str, message: &str) {
        self.failures.push((reason.to_owned(), message.to_owned()));
    }

    pub fn answer(&mut self, request: &Request, gcs: &Gcs) -> Result<Reply, String> {
        let path = request.path.trim_start_matches("/bigquery/v2/projects/");
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", [project, "datasets", dataset, "tables", table]) => {
                asked(request, &["selectedFields", "view"])?;
                Ok(self.table(&format!("{project}.{dataset}.{table}")))
            }
            ("GET", [project, "datasets", dataset]) => {
                asked(request, &["datasetView", "accessPolicyVersion"])?;
                must(*project == "development", "another project")?;
                Ok(match *dataset {
                    "ml_training" => (200, json!({ "location": LOCATION })),
                    _ => refusal(404, "NOT_FOUND", &format!("Not found: Dataset {dataset}")),
                })
            }
            ("POST", [project, "jobs"]) => {
                asked(request, &[])?;
                self.insert(project, &request.body)
            }
            ("GET", [project, "jobs", id]) => {
                asked(request, &["location"])?;
                must(*project == "development", "another project")?;
                let location = request.query.get("location").map(String::as_str);
                must(location == Some(LOCATION), "no location of the job")?;
                Ok(self.look(id, gcs))
            }
            _ => Err("no such call".to_owned()),
        }
    }

    fn table(&self, name: &str) -> Reply {
        let Some(table) = self.tables.get(name) else {
            return refusal(404, "NOT_FOUND", &format!("Not found: Table {name}"));
        };
        let body = json!({
            "kind": "bigquery#table",
            "id": name,
            "type": table.kind,
            "location": LOCATION,
            "schema": { "fields": table.schema },
            "numRows": table.rows.to_string(),
            "lastModifiedTime": table.modified.to_string(),
        });
        (200, body)
    }

    fn insert(&mut self, project: &str, body: &Json) -> Result<Reply, String> {
        must(project == "development", "another project")?;
        only(body, &["jobReference", "configuration"], "the job")?;
        let configuration = &body["configuration"];
        let reference = &body["jobReference"];
        only(
            reference,
            &["projectId", "jobId", "location"],
            "jobReference",
        )?;
        must(reference["projectId"] == project, "jobReference.projectId")?;
        let known = ["query", "load", "dryRun", "labels", "jobTimeoutMs"];
        only(configuration, &known, "configuration")?;
        let limit = &configuration["jobTimeoutMs"];
        must(limit.is_null() || limit == "21600000", "jobTimeoutMs")?;
        let query = &configuration["query"];
        if !query.is_null() {
            only(query, &["query", "useLegacySql"], "configuration.query")?;
            must(query["useLegacySql"] == false, "useLegacySql")?;
        }
        if configuration["dryRun"] == true {
            must(reference["jobId"].is_null(), "a dry run has no id")?;
            let sql = query["query"].as_str().ok_or("no query")?;
            return Ok(self.estimate(sql));
        }
        let id = reference["jobId"].as_str().ok_or("no id of our own")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        must(
            !id.is_empty() && id.len() <= 1024 && id.chars().all(plain),
            "a bad id",
        )?;
        must(
            configuration["labels"]["tool"] == "lagrange",
            "configuration.labels",
        )?;
        if self.jobs.contains_key(id) {
            let message = format!("Already Exists: Job development:{LOCATION}.{id}");
            return Ok(refusal(409, "ALREADY_EXISTS", &message));
        }
        must(reference["location"] == LOCATION, "jobReference.location")?;
        if query.is_null() {
            check_load(&configuration["load"])?;
        } else {
            let sql = query["query"].as_str().ok_or("no query")?;
            self.exported(sql)?;
        }
        self.started.push(body.clone());
        let error = match self.failures.is_empty() {
            true => None,
            false => Some(self.failures.remove(0)),
        };
        let job = Job {
            body: body.clone(),
            looks: 0,
            error,
            statistics: Json::Null,
        };
        let reply = job.reply("PENDING");
        self.jobs.insert(id.to_owned(), job);
        Ok(reply)
    }

    fn estimate(&mut self, sql: &str) -> Reply {
        self.estimated.push(sql.to_owned());
        if sql.contains("no_such_column") {
            return refusal(
                400,
                "INVALID_ARGUMENT",
                "Unrecognized name: no_such_column at [4:1]",
            );
        }
        let body = json!({
            "kind": "bigquery#job",
            "status": { "state": "DONE" },
            "statistics": { "totalBytesProcessed": "1234567890" },
        });
        (200, body)
    }

    /// The table, the URI and the form of an EXPORT DATA statement.
    fn exported(&self, sql: &str) -> Result<(String, String, bool), String> {
        let rest = sql
            .strip_prefix("EXPORT DATA OPTIONS (")
            .ok_or("not an EXPORT DATA statement")?;
        let option = |name: &str| {
            let (_, rest) = rest.split_once(&format!("{name} = '"))?;
            Some(rest.split_once('\'')?.0.to_owned())
        };
        let uri = option("uri").ok_or("no uri")?;
        must(uri.matches('*').count() == 1, "one wildcard in the uri")?;
        must(uri.starts_with("gs://"), "a uri of a bucket")?;
        must(rest.contains("overwrite = true"), "overwrite")?;
        let format = option("format").ok_or("no format")?;
        let (_, from) = sql.split_once("FROM `").ok_or("no table")?;
        let (table, _) = from.split_once('`').ok_or("no table")?;
        must(self.tables.contains_key(table), "a table that is there")?;
        Ok((table.to_owned(), uri, format == "PARQUET"))
    }

    fn look(&mut self, id: &str, gcs: &Gcs) -> Reply {
        let Some(mut job) = self.jobs.remove(id) else {
            return refusal(404, "NOT_FOUND", &format!("Not found: Job {id}"));
        };
        job.looks += 1;
        if job.looks == LOOKS && job.error.is_none() {
            match self.work(&job.body["configuration"], gcs) {
                Ok(statistics) => job.statistics = statistics,
                Err(message) => job.error = Some(("invalid".to_owned(), message)),
            }
        }
        let reply = job.reply(if job.looks < LOOKS { "RUNNING" } else { "DONE" });
        self.jobs.insert(id.to_owned(), job);
        reply
    }

    /// What a job does.
    fn work(&mut self, configuration: &Json, gcs: &Gcs) -> Result<Json, String> {
        if let Some(sql) = configuration["query"]["query"].as_str() {
            let (table, uri, parquet) = self.exported(sql)?;
            let table = &self.tables[&table];
            let (before, after) = uri["gs://".len()..].split_once('*').unwrap();
            for (i, shard) in table.shards.iter().enumerate() {
                let bytes = match parquet {
                    true => shard.clone(),
                    false => format!("shard {i}\n").into_bytes(),
                };
                gcs.put(&format!("{before}{i:012}{after}"), bytes);
            }
            return Ok(json!({
                "totalBytesProcessed": "1234567890",
                "query": { "exportDataStatistics": {
                    "fileCount": table.shards.len().to_string(),
                    "rowCount": table.rows.to_string(),
                } },
            }));
        }
        let load = &configuration["load"];
        let destination = &load["destinationTable"];
        let part = |name: &str| destination[name].as_str().unwrap_or_default();
        let name = format!("{}.{}", part("datasetId"), part("tableId"));
        let mut rows = 0;
        for uri in load["sourceUris"].as_array().unwrap() {
            let path = &uri.as_str().unwrap()["gs://".len()..];
            let bytes = gcs.get(path).ok_or(format!("Not found: {path}"))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))
                .map_err(|error| error.to_string())?;
            let found: Vec<String> = reader
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect();
            let said: Vec<String> = load["schema"]["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| field["name"].as_str().unwrap().to_owned())
                .collect();
            must(
                found == said,
                &format!("columns {found:?}, schema {said:?}"),
            )?;
            for batch in reader.build().unwrap() {
                rows += batch.unwrap().num_rows();
            }
        }
        // WRITE_TRUNCATE
        let schema = load["schema"]["fields"].clone();
        self.loaded.insert(name, Loaded { rows, schema });
        Ok(json!({ "load": { "outputRows": rows.to_string() } }))
    }
}

/// A load job as the results of runs need it.
fn check_load(load: &Json) -> Result<(), String> {
    let known = [
        "sourceUris",
        "sourceFormat",
        "schema",
        "destinationTable",
        "createDisposition",
        "writeDisposition",
        "timePartitioning",
        "schemaUpdateOptions",
        "parquetOptions",
    ];
    only(load, &known, "configuration.load")?;
    must(load["sourceFormat"] == "PARQUET", "sourceFormat")?;
    must(
        load["writeDisposition"] == "WRITE_TRUNCATE",
        "writeDisposition",
    )?;
    must(
        load["createDisposition"] == "CREATE_IF_NEEDED",
        "createDisposition",
    )?;
    must(
        load["timePartitioning"]["type"] == "HOUR",
        "timePartitioning",
    )?;
    let fields = load["schema"]["fields"].as_array().ok_or("no schema")?;
    must(!fields.is_empty(), "an empty schema")?;
    for field in fields {
        only(field, &["name", "type", "mode", "fields"], "a field")?;
    }
    let table = load["destinationTable"]["tableId"]
        .as_str()
        .unwrap_or_default();
    let partition = table.split_once('$').map(|(_, partition)| partition);
    must(
        partition.is_some_and(|text| text.len() == 10 && text.parse::<u64>().is_ok()),
        "a partition of an hour",
    )?;
    let uris = load["sourceUris"].as_array().ok_or("no sourceUris")?;
    must(!uris.is_empty(), "no sourceUris")
}

impl Job {
    fn reply(&self, state: &str) -> Reply {
        let mut reference = self.body["jobReference"].clone();
        reference["location"] = json!(LOCATION);
        let mut status = json!({ "state": state });
        if let (Some((reason, message)), "DONE") = (&self.error, state) {
            let error = json!({ "reason": reason, "message": message });
            status["errorResult"] = error.clone();
            status["errors"] = json!([error]);
        }
        let mut body = json!({
            "kind": "bigquery#job",
            "jobReference": reference,
            "configuration": self.body["configuration"],
            "status": status,
        });
        if state == "DONE" && !self.statistics.is_null() {
            body["statistics"] = self.statistics.clone();
        }
        (200, body)
    }
}

/// A table of rows that are in these batches, one shard each.
pub fn table(schema: Json, batches: &[RecordBatch]) -> Table {
    Table {
        schema,
        shards: batches.iter().map(parquet).collect(),
        rows: batches.iter().map(RecordBatch::num_rows).sum(),
        // 2026-01-31T12:34:56.789Z
        modified: 1_769_862_896_789,
        kind: "TABLE",
    }
}

/// A column of batches.
pub type Array = Arc<dyn datafusion::arrow::array::Array>;
