//! `lagrange export`: tables of BigQuery to the bucket of the artifacts.

use serde_json::{Value as Json, json};

use super::answer::{Answer, answered};
use crate::cli::cloud::ExportArgs;
use crate::cloud::bigquery::client::BigQuery;
use crate::cloud::bigquery::export::Plan;
use crate::cloud::bigquery::exports::Exports;
use crate::cloud::bigquery::manifest::Manifest;
use crate::cloud::bigquery::names::{TableName, home};
use crate::cloud::bigquery::query::{Compression, Order};
use crate::error::{Result, Status};
use crate::printer::{Printer, amount, rows};
use crate::settings::Settings;

/// What BigQuery asks for reading a TiB, in US dollars, where nothing is reserved.
const PRICE: f64 = 6.25;

/// Runs the command.
pub fn export(args: &ExportArgs) -> Status {
    let printer = Printer::new(args.output);
    answered(&printer, async || exported(args, &printer).await)
}

async fn exported(args: &ExportArgs, printer: &Printer) -> Result<Answer> {
    let settings = Settings::resolve(&args.settings)?;
    let (project, dataset) = home(&settings)?;
    let compression = Compression::of(args.format, args.compression)?;
    let tables = args
        .tables
        .iter()
        .map(|table| TableName::parse(table, project, dataset))
        .collect::<Result<Vec<TableName>>>()?;
    let exports = Exports::of(&settings)?;
    let service = BigQuery::connect(project).await?;
    let mut answer = Answer::new(String::new(), json!({ "exports": [] }));
    for table in tables {
        let order = Order {
            table,
            filter: args.filter.clone(),
            format: args.format,
            compression,
        };
        let name = order.table.to_string();
        printer.start(&format!("export {name}"), 0, 1);
        let done = one(args, &service, &exports, order, printer).await;
        printer.stop();
        match done {
            Ok((text, json)) => {
                answer.text.push_str(&text);
                answer.text.push('\n');
                if let Some(list) = answer.json["exports"].as_array_mut() {
                    list.push(json);
                }
            }
            // What was exported before is there all the same.
            Err(error) => {
                answer.error = Some(error);
                break;
            }
        }
    }
    Ok(answer)
}

/// Exports a table, or says what would be done.
async fn one(
    args: &ExportArgs,
    service: &BigQuery,
    exports: &Exports,
    order: Order,
    printer: &Printer,
) -> Result<(String, Json)> {
    let name = order.table.to_string();
    let say = |text: &str| printer.progress(&format!("{name}: {text}"));
    let plan = Plan::new(service, exports, order, args.snapshot.as_deref()).await?;
    if args.dry_run {
        return Ok((planned(&plan, exports), plan_json(&plan, exports)));
    }
    if plan.done.is_none() {
        say(&cost(plan.bytes));
    }
    let manifest = plan.run(service, exports, !args.no_checksums, &say).await?;
    let text = told(&plan, &manifest, exports);
    Ok((text, manifest_json(&plan, &manifest, exports)))
}

/// What a query costs, in words.
fn cost(bytes: u64) -> String {
    let dollars = bytes as f64 / (1_u64 << 40) as f64 * PRICE;
    format!(
        "reads {}, about {dollars:.2} USD at {PRICE} USD per TiB",
        amount(bytes)
    )
}

fn planned(plan: &Plan, exports: &Exports) -> String {
    let mut lines = vec![
        plan.order.table.to_string(),
        format!("  snapshot   {}", plan.snapshot),
        format!(
            "  to         {}/{}",
            exports.place.shown(&plan.folder),
            plan.order.pattern()
        ),
    ];
    match &plan.done {
        Some(done) => lines.push(format!(
            "  done       {}, {} files, {}: nothing would be exported",
            rows(done.rows),
            done.shards.len(),
            amount(done.size())
        )),
        None => {
            let count = plan
                .rows
                .map_or_else(String::new, |count| format!("{}, ", rows(count)));
            lines.push(format!("  cost       {count}{}", cost(plan.bytes)));
            lines.push("  statement".to_owned());
            lines.extend(plan.statement.lines().map(|line| format!("    {line}")));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn told(plan: &Plan, manifest: &Manifest, exports: &Exports) -> String {
    let done = match plan.done {
        Some(_) => "was exported before",
        None => "exported",
    };
    let files = manifest.shards.len();
    let mut text = format!(
        "{} {done}: {}, {files} {}, {} in {}",
        manifest.table,
        rows(manifest.rows),
        if files == 1 { "file" } else { "files" },
        amount(manifest.size()),
        exports.place.shown(&plan.folder)
    );
    if manifest.rows == 0 {
        text.push_str("\nit has no rows: lagrange run does not take it");
    } else if !manifest.is_plain() {
        text.push_str(&format!(
            "\nlagrange run takes it only if it is asked to, with --snapshot {}",
            manifest.snapshot
        ));
    }
    text
}

fn plan_json(plan: &Plan, exports: &Exports) -> Json {
    json!({
        "table": plan.order.table.to_string(),
        "snapshot": plan.snapshot,
        "folder": exports.place.shown(&plan.folder),
        "done": plan.done.is_some(),
        "bytes": plan.bytes,
        "rows": plan.rows,
        "statement": plan.statement,
    })
}

fn manifest_json(plan: &Plan, manifest: &Manifest, exports: &Exports) -> Json {
    json!({
        "table": manifest.table.to_string(),
        "snapshot": manifest.snapshot,
        "folder": exports.place.shown(&plan.folder),
        "done_before": plan.done.is_some(),
        "rows": manifest.rows,
        "files": manifest.shards.len(),
        "bytes": manifest.size(),
        "job": manifest.job,
    })
}
