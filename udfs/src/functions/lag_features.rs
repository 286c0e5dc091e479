//! `lag_features`.

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use crate::call::{Call, Target, quote_name};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// See the signature.
pub struct LagFeatures;

static SIGNATURE: Signature = Signature {
    name: "lag_features",
    aliases: &[],
    category: Category::Alignment,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "columns",
            Kind::ColumnNames,
            "the columns to lag, of any type",
        ),
        Argument::required(
            "lags",
            Kind::Integers,
            "how many rows back, each at least 1",
        ),
        PARTITION_BY,
        ORDER_BY,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "The first rows of an entity have no value to look back on: NULL. NULL and NaN are lagged like any value.",
    docs: "Adds the values of earlier rows of the same entity.\n\n\
           Returns every column of `tbl` and, for each of `columns` and each lag k, `<column>_lag<k>`: \
           the value k rows earlier within the entity. Lags count rows, not time: a gap in time is \
           not filled. Nothing can be lagged into the future: a lag below 1 is an error, as are two rows of \
           one entity with the same `order_by` and a NULL in it.",
    example: "SELECT * FROM lag_features(\
              '(SELECT 1 AS t, 10.0 AS x UNION ALL SELECT 2, 20.0 UNION ALL SELECT 3, 30.0)', \
              'x', [1, 2], NULL, 't') ORDER BY t",
};

impl Table for LagFeatures {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let relation = call.relation()?;
        let columns = call.columns("columns")?.ok_or_else(|| {
            Error::argument(
                call.function(),
                "columns",
                "NULL",
                "pass the columns to lag",
            )
        })?;
        let lags = call.integers("lags", 1)?;
        let order = EntityOrder::of(call)?;
        let mut names = Vec::with_capacity(columns.len());
        for column in &columns {
            let mut of_column = Vec::with_capacity(lags.len());
            for lag in &lags {
                let name = format!("{column}_lag{lag}");
                refuse_existing(call, &name)?;
                of_column.push(quote_name(&name));
            }
            names.push(of_column);
        }
        let columns: Vec<String> = columns.iter().map(|column| quote_name(column)).collect();
        let (window, check) = (order.window(), order.check(call));
        Ok(match call.target() {
            Target::DuckDb => together(&relation, &columns, &lags, &names, &window, &check),
            Target::DataFusion(_) => {
                one_by_one(&relation, &columns, &lags, &names, &window, &check)
            }
        })
    }
}

/// A window function for each lag of each column.
fn one_by_one(
    relation: &str,
    columns: &[String],
    lags: &[i64],
    names: &[Vec<String>],
    window: &str,
    check: &str,
) -> String {
    let mut items = Vec::with_capacity(columns.len() * lags.len());
    for (column, names) in columns.iter().zip(names) {
        for (lag, name) in lags.iter().zip(names) {
            items.push(format!("lag({column}, {lag}) OVER w AS {name}"));
        }
    }
    let items = items.join(", ");
    format!("SELECT *, {items} FROM {relation} WINDOW w AS ({window}) QUALIFY {check}")
}

/// A window function for each lag, of all columns in a struct: DuckDB takes
/// three quarters of the time for it.
fn together(
    relation: &str,
    columns: &[String],
    lags: &[i64],
    names: &[Vec<String>],
    window: &str,
    check: &str,
) -> String {
    let fields: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!("'c{i}': {column}"))
        .collect();
    let fields = fields.join(", ");
    let hidden = |lag: &i64| format!("lagrange_lag{lag}");
    let shifts: Vec<String> = lags
        .iter()
        .map(|lag| format!("lag({{{fields}}}, {lag}) OVER w AS {}", hidden(lag)))
        .collect();
    let mut items = Vec::with_capacity(columns.len() * lags.len());
    for (i, names) in names.iter().enumerate() {
        for (lag, name) in lags.iter().zip(names) {
            items.push(format!("{}['c{i}'] AS {name}", hidden(lag)));
        }
    }
    let all_hidden: Vec<String> = lags.iter().map(hidden).collect();
    format!(
        "SELECT * EXCLUDE ({}), {} FROM (SELECT *, {} FROM {relation} WINDOW w AS ({window}) QUALIFY {check})",
        all_hidden.join(", "),
        items.join(", "),
        shifts.join(", "),
    )
}

/// An error if the relation has that column already, where its columns are
/// known; DuckDB renames the second of two.
pub(super) fn refuse_existing(call: &Call<'_>, name: &str) -> Result<()> {
    match call.target() {
        Target::DataFusion(columns) if columns.iter().any(|column| column.name == name) => {
            Err(Error::data(
                call.function(),
                format!("the relation already has a column '{name}'; leave it out of the relation"),
            ))
        }
        _ => Ok(()),
    }
}
