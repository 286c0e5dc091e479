//! The trials of a search as children of the run.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use super::client::Answer;
use super::names;
use super::upload::{RUN_TAG, Remote, Upload, read_run};
use crate::runs::record::Table;
use crate::runs::results::{Kind, Rows, file_name};
use crate::runs::written::read_parquet;

/// How many trials of a table become children.
const MOST: usize = 1_000;
/// How many children are asked for at once.
const PAGE: u64 = 1_000;

impl Upload<'_> {
    /// The children of all searches.
    pub(super) async fn trials(&mut self, remote: &Remote) -> Answer<()> {
        let run = self.run;
        let tables: Vec<&Table> = run
            .tables
            .iter()
            .filter(|table| table.kind == Kind::Trials && !self.journal.has(&whole(table)))
            .collect();
        if tables.is_empty() {
            return Ok(());
        }
        let known = self.children(remote).await?;
        // The same search may be in two tables: once as a list in a row.
        let mut seen = HashSet::new();
        for table in tables {
            let Ok(rows) = read_parquet(&self.folder.file(&table.parquet)) else {
                self.refused
                    .push(format!("{}: it cannot be read any more", table.parquet));
                continue;
            };
            let told: Vec<String> = rows.rows.iter().map(|row| told(&rows, row)).collect();
            if seen.insert(told.join("\n")) {
                let scores = self.scores(table);
                for row in rows.rows.iter().take(MOST) {
                    self.trial(remote, table, &rows, row, &scores, &known)
                        .await?;
                }
            }
            if self.refused.is_empty() {
                self.journal.note(&whole(table), Json::Null);
            }
        }
        Ok(())
    }

    /// The children that the server has, by their tag.
    async fn children(&self, remote: &Remote) -> Answer<BTreeMap<String, Remote>> {
        let mut found = BTreeMap::new();
        let mut page = String::new();
        loop {
            let mut body = json!({
                "experiment_ids": [remote.experiment_id],
                "filter": format!("tags.`mlflow.parentRunId` = '{}'", remote.run_id),
                "max_results": PAGE,
            });
            if !page.is_empty() {
                body["page_token"] = Json::from(page);
            }
            let answer = self.client.post("runs/search", body).await?;
            for json in answer["runs"].as_array().into_iter().flatten() {
                let tags = json["data"]["tags"].as_array().into_iter().flatten();
                let mut tags = tags.filter(|tag| tag["key"] == RUN_TAG);
                if let (Some(id), Some(child)) = (
                    tags.next().and_then(|tag| tag["value"].as_str()),
                    read_run(json),
                ) {
                    found.insert(id.to_owned(), child);
                }
            }
            page = answer["next_page_token"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if page.is_empty() {
                return Ok(found);
            }
        }
    }

    /// The scores of trials on folds, where they are kept.
    fn scores(&self, table: &Table) -> Vec<(f64, f64, f64)> {
        let name = format!("{}_fold_scores", table.name);
        let tables = self.run.tables.iter();
        let found = tables
            .filter(|table| table.kind == Kind::FoldScores)
            .find(|table| table.name == name)
            .and_then(|table| read_parquet(&self.folder.file(&table.parquet)).ok());
        let Some(rows) = found else {
            return Vec::new();
        };
        let score = |row: &Vec<Json>| {
            Some((
                rows.number(row, "trial")?,
                rows.number(row, "fold")?,
                rows.number(row, "score")?,
            ))
        };
        rows.rows.iter().filter_map(score).collect()
    }

    async fn trial(
        &mut self,
        remote: &Remote,
        table: &Table,
        rows: &Rows,
        row: &[Json],
        scores: &[(f64, f64, f64)],
        known: &BTreeMap<String, Remote>,
    ) -> Answer<()> {
        let run = self.run;
        let number = rows.number(row, "trial").unwrap_or_default();
        let id = format!("{}/{}/{number}", run.id, file_name(&table.name));
        let call = format!("trial/{}/{number}", table.name);
        if self.journal.has(&call) {
            return Ok(());
        }
        let start = run.started_at.0;
        let end = run.ended_at.unwrap_or(run.started_at).0;
        let status = rows.text(row, "status");
        let mut tags = vec![
            names::tag(RUN_TAG, &id),
            names::tag("mlflow.parentRunId", &remote.run_id),
            names::tag("mlflow.runName", &format!("trial {number}")),
            names::tag("lagrange.trial_status", &status),
        ];
        let reason = rows.text(row, "reason");
        if !reason.is_empty() {
            tags.push(names::tag("lagrange.trial_reason", &reason));
        }
        let body = json!({
            "experiment_id": remote.experiment_id,
            "run_name": format!("trial {number}"),
            "start_time": start,
            "tags": tags,
        });
        // The first look was made for all of them.
        let first = Cell::new(true);
        let look = async || {
            if first.replace(false) {
                return Ok(known.get(&id).cloned());
            }
            let filter = format!("tags.`{RUN_TAG}` = '{id}'");
            let ids = [&remote.experiment_id];
            let query = json!({"experiment_ids": ids, "filter": filter, "max_results": 1});
            let found = self.client.post("runs/search", query).await?;
            Ok(read_run(&found["runs"][0]))
        };
        let read = |json: &Json| read_run(&json["run"]);
        let made = self.client.make("runs/create", body, look, read).await;
        let what = format!("trial {number} of {}", table.name);
        let Some(child) = self.unless_refused(&what, made)? else {
            return Ok(());
        };
        let parameters: Json =
            serde_json::from_str(&rows.text(row, "parameters")).unwrap_or_default();
        let parameters: Vec<Json> = parameters
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| names::parameter(name, &crate::runs::results::plain(value)))
            .take(names::OTHERS_AT_ONCE)
            .collect();
        let metric = rows.text(row, "metric");
        let mut metrics = Vec::new();
        let mut measure = |key: &str, value: f64, step: i64| {
            metrics.push(json!({
                "key": names::key(key), "value": names::number(value), "timestamp": end, "step": step,
            }));
        };
        for (column, key) in [
            ("mean", metric.as_str()),
            ("std", "std"),
            ("seconds", "seconds"),
        ] {
            if let Some(value) = rows.number(row, column) {
                measure(key, value, 0);
            }
        }
        for (_, fold, score) in scores.iter().filter(|(trial, ..)| *trial == number) {
            measure(&format!("fold/{metric}"), *score, *fold as i64);
        }
        metrics.truncate(names::METRICS_AT_ONCE - names::OTHERS_AT_ONCE);
        let body = json!({ "run_id": child.run_id, "params": parameters, "metrics": metrics });
        let said = self.client.post("runs/log-batch", body).await;
        if self.unless_refused(&what, said)?.is_none() {
            return Ok(());
        }
        let ended = match status.as_str() {
            "complete" => "FINISHED",
            "failed" => "FAILED",
            _ => "KILLED",
        };
        let body = json!({ "run_id": child.run_id, "status": ended, "end_time": end });
        let said = self.client.post("runs/update", body).await;
        if self.unless_refused(&what, said)?.is_some() {
            self.journal.note(&call, Json::Null);
        }
        Ok(())
    }
}

/// What is noted when all trials of a table are there.
fn whole(table: &Table) -> String {
    format!("trials/{}", table.name)
}

/// What a trial is, whichever table it is in.
fn told(rows: &Rows, row: &[Json]) -> String {
    let columns = ["trial", "parameters", "mean"];
    columns.map(|column| rows.text(row, column)).join(" ")
}
