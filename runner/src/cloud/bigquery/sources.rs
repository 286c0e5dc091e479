//! The tables of a run that come from exports: names that neither the script makes nor
//! the local database has.

use std::collections::{BTreeMap, BTreeSet};

use object_store::path::Path;

use super::client::BigQuery;
use super::export::{Plan, checked};
use super::exports::Exports;
use super::manifest::Manifest;
use super::names::{TableName, home};
use super::query::{Compression, Format, Order};
use super::verify;
use crate::cloud::storage::cache::Wanted;
use crate::cloud::storage::objects::{self, Object};
use crate::error::{Error, Result, did_you_mean};
use crate::flow::Flow;
use crate::registry::Place;
use crate::settings::{Database, Settings};

/// Tables of the engines themselves.
const SYSTEM: [&str; 7] = [
    "columns",
    "df_settings",
    "parameters",
    "routines",
    "schemata",
    "tables",
    "views",
];

/// Whether a table is exported before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Policy {
    /// If there is no export of it.
    Missing,
    /// If it has changed since.
    Always,
    /// Never: what there is must do.
    #[default]
    Never,
}

/// Which exports are read, as the command line says.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SourceArgs {
    /// Whether tables of BigQuery are exported before they are read.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub export: Policy,

    /// Read this export of BigQuery tables instead of the newest: ID, or TABLE=ID; may be repeated.
    #[arg(long = "snapshot", value_name = "ID", value_parser = snapshot)]
    pub snapshots: Vec<String>,
}

fn snapshot(text: &str) -> std::result::Result<String, String> {
    let id = text.split_once('=').map_or(text, |(_, id)| id);
    checked(id)
        .map(|_| text.to_owned())
        .map_err(|error| error.message().into_owned())
}

impl SourceArgs {
    /// The export that is named for a table.
    fn named(&self, table: &str) -> Option<&str> {
        let of_table = self.snapshots.iter().rev().find_map(|text| {
            let (name, id) = text.split_once('=')?;
            name.eq_ignore_ascii_case(table).then_some(id)
        });
        let of_all = || self.snapshots.iter().rev().find(|text| !text.contains('='));
        of_table.or_else(|| of_all().map(String::as_str))
    }
}

/// A table that is read from an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As scripts call it, in lower case.
    pub name: String,
    /// What it is.
    pub manifest: Manifest,
    /// Where its shards are, within the artifacts.
    pub folder: Path,
    /// Its shards.
    pub objects: Vec<Object>,
    /// The artifacts, within which they are.
    pub location: String,
}

impl Source {
    /// Where the shards are.
    ///
    /// # Errors
    /// An address that is none.
    pub fn place(&self) -> Result<Place> {
        Place::of("storage.artifacts", &self.location)
    }

    /// What changes when the rows may have.
    pub fn digest(&self) -> String {
        self.manifest.digest()
    }

    /// The shards and their checksums.
    pub fn wanted(&self) -> Vec<Wanted> {
        self.objects
            .iter()
            .zip(&self.manifest.shards)
            .map(|(object, shard)| Wanted {
                object: object.clone(),
                sha256: shard.sha256.clone(),
            })
            .collect()
    }
}

/// The tables that steps read and do not make, and that are not there.
pub fn unknown(
    flows: &[Flow],
    selected: &[bool],
    there: &BTreeMap<String, u64>,
) -> Result<BTreeSet<String>> {
    let mut made: BTreeSet<&String> = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for (flow, selected) in flows.iter().zip(selected) {
        if *selected {
            for table in &flow.reads {
                let known = made.contains(table)
                    || there.contains_key(table)
                    || SYSTEM.contains(&table.as_str());
                if !known {
                    unknown.insert(table.clone());
                }
            }
        }
        made.extend(&flow.writes);
    }
    match unknown.iter().find(|table| made.contains(*table)) {
        Some(table) => Err(Error::usage(format!(
            "the script reads {table} from BigQuery and then makes a table of that name"
        ))
        .hint("give the table that it makes another name")),
        None => Ok(unknown),
    }
}

/// Finds the exports of tables, makes those that are asked for, and looks whether each
/// is whole. `say` hears what happens.
///
/// # Errors
/// A table without an export, one without rows, one that is not whole.
pub async fn resolve(
    settings: &Settings,
    tables: &BTreeSet<String>,
    args: &SourceArgs,
    say: &dyn Fn(&str),
) -> Result<Vec<Source>> {
    if tables.is_empty() || !matches!(settings.database, Database::BigQuery { .. }) {
        return Ok(Vec::new());
    }
    let exports = Exports::of(settings)?;
    let (project, dataset) = home(settings)?;
    let known = objects::folders(&exports.place, &Path::from("exports").join(dataset)).await?;
    let mut sources = Vec::new();
    for table in tables {
        // BigQuery tells upper from lower case in names of tables, SQL does not.
        let spelt = known.iter().find(|name| name.eq_ignore_ascii_case(table));
        let name = TableName::parse(spelt.unwrap_or(table), project, dataset)?;
        let mut found = find(&exports, &name, args.named(table)).await?;
        let wanted = match args.export {
            Policy::Never => false,
            Policy::Missing => found.is_none(),
            Policy::Always => true,
        };
        if wanted {
            found = Some(export(settings, &exports, &name, args.named(table), say).await?);
        }
        let Some((folder, manifest)) = found else {
            return Err(missing(&exports, &name, args.named(table), &known).await);
        };
        if manifest.format != "PARQUET" {
            let message = format!(
                "the export {} of {name} is {}; runs read Parquet",
                manifest.snapshot, manifest.format
            );
            return Err(Error::usage(message).hint("export it again, as Parquet"));
        }
        if manifest.rows == 0 {
            let message = format!("the export {} of {name} has no rows", manifest.snapshot);
            return Err(Error::failed(message).hint(
                "fill the table and export it again, or name another export with --snapshot",
            ));
        }
        let objects = verify::shards(&exports, &folder, &manifest).await?;
        let counts = verify::rows(&exports.place, &objects, &manifest.schema).await?;
        for (count, shard) in counts.iter().zip(&manifest.shards) {
            if shard.rows.is_some_and(|rows| rows != *count) {
                let message = format!(
                    "the export {} of {name} is not whole: {} has {count} rows",
                    manifest.snapshot, shard.name
                );
                return Err(Error::failed(message));
            }
        }
        sources.push(Source {
            name: table.clone(),
            manifest,
            folder,
            objects,
            location: exports.place.location().to_owned(),
        });
    }
    Ok(sources)
}

/// The export of that name, or the newest of all rows.
async fn find(
    exports: &Exports,
    name: &TableName,
    snapshot: Option<&str>,
) -> Result<Option<(Path, Manifest)>> {
    if let Some(snapshot) = snapshot {
        let folder = Exports::folder(name, &name.project, snapshot);
        let manifest = exports.manifest(&folder).await?;
        return Ok(manifest.map(|manifest| (folder, manifest)));
    }
    let list = exports.list(name, &name.project).await?;
    Ok(list.into_iter().find(|(_, manifest)| manifest.is_plain()))
}

async fn export(
    settings: &Settings,
    exports: &Exports,
    name: &TableName,
    snapshot: Option<&str>,
    say: &dyn Fn(&str),
) -> Result<(Path, Manifest)> {
    let service = BigQuery::connect(home(settings)?.0).await?;
    let order = Order {
        table: name.clone(),
        filter: None,
        format: Format::Parquet,
        compression: Compression::Zstd,
    };
    let plan = Plan::new(&service, exports, order, snapshot).await?;
    let told = |text: &str| say(&format!("export {name}: {text}"));
    let manifest = plan.run(&service, exports, true, &told).await?;
    Ok((plan.folder, manifest))
}

/// Why a table is not there, and what to do.
async fn missing(
    exports: &Exports,
    name: &TableName,
    snapshot: Option<&str>,
    known: &[String],
) -> Box<Error> {
    let table = name.table.as_str();
    let list = exports.list(name, &name.project).await.unwrap_or_default();
    let ids: Vec<&str> = list
        .iter()
        .map(|(_, manifest)| manifest.snapshot.as_str())
        .collect();
    if let Some(snapshot) = snapshot {
        let known = match ids.is_empty() {
            true => "there is no export of it".to_owned(),
            false => did_you_mean(snapshot, &ids)
                .unwrap_or_else(|| format!("there are {}", ids.join(", "))),
        };
        return Error::usage(format!("there is no complete export {snapshot} of {name}"))
            .hint(known);
    }
    if !ids.is_empty() {
        return Error::usage(format!(
            "every export of {name} is of a part of its rows, or not Parquet"
        ))
        .hint(format!(
            "name one with --snapshot {table}=ID ({}), or pass --export missing",
            ids.join(", ")
        ));
    }
    let error = Error::usage(format!(
        "the table {table} is not here, and there is no complete export of {name}"
    ));
    let near: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = format!("run lagrange export {table}, or pass --export missing");
    match did_you_mean(table, &near) {
        Some(near) => error.hint(near),
        None => error.hint(hint),
    }
}
