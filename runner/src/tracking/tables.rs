//! Result tables, read through the engine.

use lagrange_udfs::call::quote_name;
use sqlparser::ast::ObjectName;

use crate::engines::Engine;
use crate::error::Result;
use crate::runs::results::{Kind, List, Rows, Values};

/// A result table, or a list in its rows.
#[derive(Debug)]
pub struct Found {
    /// What it tells.
    pub kind: Kind,
    /// The table, and of a list the column.
    pub name: String,
    /// Its first rows, in their own order.
    pub rows: Rows,
    /// Whether there are more.
    pub truncated: bool,
}

/// The name of a table without its schema and quotes.
pub fn bare(table: &ObjectName) -> String {
    table
        .0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| table.to_string(), |name| name.value.clone())
}

/// What a table tells, if it is a result of our table functions.
pub async fn read(table: &ObjectName, engine: &mut dyn Engine) -> Result<Vec<Found>> {
    let columns = engine
        .rows(&format!("SELECT * FROM {table} LIMIT 0"))
        .await?
        .columns;
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let Some(kind) = Kind::of(&names) else {
        return Ok(Vec::new());
    };
    let name = bare(table);
    let plain: Vec<String> = columns
        .iter()
        .filter(|(_, values)| *values != Values::Nested)
        .map(|(name, _)| quote_name(name))
        .collect();
    let mut order: Vec<String> = kind
        .order()
        .iter()
        .filter(|column| names.contains(column))
        .map(|column| quote_name(column))
        .collect();
    // Rows that the rest leaves in any order are told apart by their texts.
    let texts = columns
        .iter()
        .filter(|(_, values)| *values == Values::Texts);
    order.extend(texts.map(|(name, _)| quote_name(name)));
    order.dedup();
    let mut found = vec![
        limited(
            engine,
            kind,
            name.clone(),
            &format!("SELECT {} FROM {table}", plain.join(", ")),
            &order,
        )
        .await?,
    ];
    // A summary of very many rows is no summary.
    if kind == Kind::Summary && found.iter().any(|found| found.truncated) {
        return Ok(Vec::new());
    }
    for list in kind.lists() {
        if names.contains(&list.column) {
            found.extend(listed(engine, table, &name, list).await?);
        }
    }
    Ok(found)
}

/// The rows of a list in the rows of a table; `None` if there are none.
async fn listed(
    engine: &mut dyn Engine,
    table: &ObjectName,
    name: &str,
    list: &List,
) -> Result<Option<Found>> {
    let column = quote_name(list.column);
    let mut outer: Vec<String> = list.beside.iter().map(|name| quote_name(name)).collect();
    let inner = outer.clone();
    outer.extend(
        list.fields
            .iter()
            .map(|field| format!("lagrange_item['{field}'] AS {}", quote_name(field))),
    );
    let beside = inner
        .iter()
        .map(|name| format!("{name}, "))
        .collect::<String>();
    let sql = format!(
        "SELECT {} FROM (SELECT {beside}unnest({column}) AS lagrange_item FROM {table}) AS lagrange_items",
        outer.join(", ")
    );
    let mut order = inner;
    order.extend(list.fields.first().map(|field| quote_name(field)));
    let found = limited(
        engine,
        list.kind,
        format!("{name}_{}", list.column),
        &sql,
        &order,
    )
    .await?;
    Ok((!found.rows.rows.is_empty()).then_some(found))
}

async fn limited(
    engine: &mut dyn Engine,
    kind: Kind,
    name: String,
    sql: &str,
    order: &[String],
) -> Result<Found> {
    let most = kind.rows();
    let mut sql = format!("SELECT * FROM ({sql}) AS lagrange_result");
    if !order.is_empty() {
        sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
    }
    let mut rows = engine.rows(&format!("{sql} LIMIT {}", most + 1)).await?;
    let truncated = rows.rows.len() > most;
    rows.rows.truncate(most);
    Ok(Found {
        kind,
        name,
        rows,
        truncated,
    })
}
