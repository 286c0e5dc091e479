//! What a run on tables of BigQuery leaves for others: the tables of its results in
//! the bucket, and with `--publish` in BigQuery.

use std::path::Path;

use bytes::Bytes;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use lagrange_udfs::call::{quote_name, quote_text};

use crate::cloud::bigquery::client::BigQuery;
use crate::cloud::bigquery::load::{self, RUN, Results, STARTED, Shelf};
use crate::cloud::bigquery::names::{TableName, home};
use crate::engines::{Comparison, Engine};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::printer::{Printer, amount, rows};
use crate::registry::Place;
use crate::runs::moment::Moment;
use crate::runs::results::Kind;
use crate::settings::{Database, Settings};

/// Tables that are results whatever their columns.
const NAMED: [&str; 4] = [
    "feature_importance",
    "feature_stability",
    "model_metrics",
    "predictions",
];

/// What is to be left, and where.
pub(super) struct Upload {
    place: Place,
    settings: Settings,
    run: String,
    started: Moment,
    publish: bool,
}

impl Upload {
    /// What the settings and the command line ask for; `None`: nothing.
    ///
    /// # Errors
    /// `--publish` where there is no BigQuery.
    pub fn of(settings: &Settings, run: Option<&str>, publish: bool) -> Result<Option<Self>> {
        let bigquery = matches!(settings.database, Database::BigQuery { .. });
        if publish && !bigquery {
            home(settings)?;
        }
        // With --database, the tables are on this machine, and stay there.
        if !bigquery || settings.database_path.is_some() && !publish {
            return Ok(None);
        }
        let place = Place::of("storage.artifacts", &settings.artifacts)?;
        if publish && !place.is_google() {
            let message = format!(
                "BigQuery loads from gs:// only, and storage.artifacts is {}",
                place.location()
            );
            return Err(Error::usage(message).hint("set storage.artifacts to gs://bucket/folder"));
        }
        let started = Moment::now();
        Ok(Some(Self {
            place,
            settings: settings.clone(),
            run: run.map_or_else(|| started.compact(), str::to_owned),
            started,
            publish,
        }))
    }

    /// Leaves the results that these steps have made.
    ///
    /// # Errors
    /// A store or a service that refuses. Every table is left whole or not at all.
    pub async fn leave(
        &self,
        engine: &mut dyn Engine,
        flows: &[&Flow],
        printer: &Printer,
    ) -> Result<()> {
        let mut tables: Vec<&String> = flows.iter().flat_map(|flow| &flow.writes).collect();
        tables.sort();
        tables.dedup();
        let folder = tempfile::tempdir()
            .map_err(|error| Error::io("cannot make a temporary folder", &error))?;
        for table in tables {
            let columns = engine.columns(table).await?;
            if !is_result(table, &columns) {
                continue;
            }
            self.table(engine, table, &columns, folder.path(), printer)
                .await
                .map_err(|error| {
                    error.hint(format!(
                        "the tables of run {} are on this machine; run again with --resume",
                        self.run
                    ))
                })?;
        }
        Ok(())
    }

    async fn table(
        &self,
        engine: &mut dyn Engine,
        table: &str,
        columns: &[(String, Comparison)],
        folder: &Path,
        printer: &Printer,
    ) -> Result<()> {
        let path = folder.join(format!("{table}.parquet"));
        // What another run has named so is this run's now.
        let names = columns.iter().map(|(name, _)| name.as_str());
        let names: Vec<String> = names
            .filter(|name| ![RUN, STARTED].contains(name))
            .map(quote_name)
            .collect();
        let moment = self.started.to_string();
        let sql = format!(
            "SELECT {} AS {RUN}, CAST({} AS TIMESTAMP) AS {STARTED}, {} FROM {}",
            quote_text(&self.run),
            quote_text(moment.trim_end_matches('Z')),
            names.join(", "),
            quote_name(table)
        );
        let count = engine.write(&sql, &path).await?;
        let io = |error| Error::io(format!("cannot read {}", path.display()), &error);
        let bytes = Bytes::from(std::fs::read(&path).map_err(io)?);
        let size = bytes.len() as u64;
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())
            .map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
        let shelf = Shelf { place: &self.place };
        let uri = shelf.put(table, &self.run, bytes).await?;
        printer.progress(&format!(
            "{table}: {}, {} in {uri}",
            rows(count),
            amount(size)
        ));
        if !self.publish {
            return Ok(());
        }
        let (project, dataset) = home(&self.settings)?;
        let name = TableName::parse(table, project, dataset)?;
        let results = Results {
            table,
            run: &self.run,
            started: self.started,
            columns: load::columns(metadata.schema())?,
            rows: count,
        };
        let service = BigQuery::connect(project).await?;
        let partition = shelf
            .partition(results.table, results.run, results.started)
            .await?;
        let say = |text: &str| printer.progress(&format!("{table}: {text}"));
        results
            .load(&service, &name, &partition, &uri, &say)
            .await?;
        printer.progress(&format!(
            "{table}: loaded into {name}, partition {partition}"
        ));
        Ok(())
    }
}

fn is_result(table: &str, columns: &[(String, Comparison)]) -> bool {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    !names.is_empty() && (NAMED.contains(&table) || Kind::of(&names).is_some())
}
