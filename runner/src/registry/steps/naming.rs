//! What the models of a table are called.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::{Map, Value as Json};
use sqlparser::ast::{Expr, GroupByExpr, Select, SelectItem, SetExpr, Statement, Value};

use super::{plain, without};
use crate::files::sha256;
use crate::registry::names::registered;

/// Digits of the hash that names a model which nothing else does.
const HASH_DIGITS: usize = 8;

/// A model in a table.
#[derive(Debug, Clone)]
pub struct Found {
    /// The column that holds it.
    pub column: String,
    /// Its bytes.
    pub model: Bytes,
    /// The other plain columns of its row.
    pub row: Map<String, Json>,
}

/// A model and its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name to register it under.
    pub name: String,
    /// Its bytes.
    pub model: Bytes,
    /// The columns that the name was made of.
    pub key: Map<String, Json>,
    /// The other plain columns of its row.
    pub row: Map<String, Json>,
}

/// Names the models of a table, each differently.
pub fn name_all(table: &str, found: Vec<Found>, grouped: &[String]) -> Vec<Named> {
    let mut columns: Vec<String> = Vec::new();
    for model in &found {
        if !columns.contains(&model.column) {
            columns.push(model.column.clone());
        }
    }
    let mut taken = HashSet::new();
    let mut named = Vec::new();
    for column in &columns {
        let base = match columns.len() {
            1 => table.to_owned(),
            _ => format!("{table}.{column}"),
        };
        let models: Vec<&Found> = found
            .iter()
            .filter(|model| model.column == *column)
            .collect();
        let keys = keys(&models, grouped);
        for (model, key) in models.into_iter().zip(keys) {
            let values = key.values().map(plain);
            let parts: Vec<String> = std::iter::once(base.clone()).chain(values).collect();
            let mut name = registered(&parts.join("."));
            if !taken.insert(name.clone()) {
                let hash = sha256(&model.model);
                name = registered(&format!("{base}.{}", &hash[..HASH_DIGITS]));
                taken.insert(name.clone());
            }
            named.push(Named {
                name,
                model: model.model.clone(),
                row: without(&model.row, &key),
                key,
            });
        }
    }
    named
}

/// The columns that tell models apart, with their values.
fn keys(models: &[&Found], grouped: &[String]) -> Vec<Map<String, Json>> {
    let of = |columns: &[String]| -> Vec<Map<String, Json>> {
        models
            .iter()
            .map(|model| values_of(&model.row, columns))
            .collect()
    };
    let by_group = of(grouped);
    if by_group.iter().all(|key| !key.is_empty()) && are_distinct(&by_group) {
        return by_group;
    }
    let [first, _, ..] = models else {
        return of(&[]);
    };
    let columns: Vec<String> = first.row.keys().cloned().collect();
    let usable = |column: &&String| {
        let mut values = models.iter().map(|model| model.row.get(*column));
        values.all(|value| match value {
            None | Some(Json::Null) => false,
            // Names are not made of measurements.
            Some(Json::Number(number)) => !number.is_f64(),
            Some(_) => true,
        })
    };
    let usable: Vec<String> = columns.iter().filter(usable).cloned().collect();
    let alone = usable.chunks(1).find(|column| are_distinct(&of(column)));
    let together = || {
        (2..=usable.len())
            .map(|n| &usable[..n])
            .find(|all| are_distinct(&of(all)))
    };
    of(alone.or_else(together).unwrap_or_default())
}

fn are_distinct(keys: &[Map<String, Json>]) -> bool {
    let mut seen = HashSet::new();
    let text = |key: &Map<String, Json>| key.values().map(plain).collect::<Vec<_>>();
    keys.iter().all(|key| seen.insert(text(key)))
}

/// The values of some columns of a row, in any case, where they are not NULL.
pub fn values_of(row: &Map<String, Json>, columns: &[String]) -> Map<String, Json> {
    let value = |column: &String| {
        row.iter()
            .find(|(name, value)| name.eq_ignore_ascii_case(column) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
    };
    columns.iter().filter_map(value).collect()
}

/// The columns that a statement groups by, as its table has them.
pub fn group_columns(statement: &Statement) -> Vec<String> {
    let Statement::CreateTable(create) = statement else {
        return Vec::new();
    };
    let Some(SetExpr::Select(select)) = create.query.as_ref().map(|query| &*query.body) else {
        return Vec::new();
    };
    match &select.group_by {
        GroupByExpr::Expressions(expressions, _) => expressions
            .iter()
            .filter_map(|expr| output_column(select, expr))
            .collect(),
        GroupByExpr::All(_) => Vec::new(),
    }
}

/// The column of the result that holds what is grouped by.
fn output_column(select: &Select, grouped: &Expr) -> Option<String> {
    if let Expr::Value(value) = grouped
        && let Value::Number(digits, _) = &value.value
    {
        let item = select
            .projection
            .get(digits.parse::<usize>().ok()?.checked_sub(1)?)?;
        return match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            SelectItem::UnnamedExpr(expr) => own_name(expr),
            _ => None,
        };
    }
    let aliased = select.projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if expr == grouped => Some(alias.value.clone()),
        _ => None,
    });
    aliased.or_else(|| own_name(grouped))
}

fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::steps::statement;

    fn found(rows: &[(&str, Json)]) -> Vec<Found> {
        let of = |(i, (column, row)): (usize, &(&str, Json))| Found {
            column: (*column).to_owned(),
            model: Bytes::from(format!("model {i}")),
            row: row.as_object().unwrap().clone(),
        };
        rows.iter().enumerate().map(of).collect()
    }

    fn names(rows: &[(&str, Json)], grouped: &[&str]) -> Vec<String> {
        let grouped: Vec<String> = grouped.iter().map(|name| (*name).to_owned()).collect();
        let named = name_all("t", found(rows), &grouped);
        named.into_iter().map(|named| named.name).collect()
    }

    #[test]
    fn one_model_is_called_as_its_table() {
        let row = json!({"algorithm": "gbdt", "cv_mean": 0.5});
        assert_eq!(names(&[("model", row)], &[]), ["t"]);
        // One group today may be two tomorrow.
        let row = json!({"symbol": "AAPL", "n": 10});
        assert_eq!(names(&[("model", row)], &["Symbol"]), ["t.AAPL"]);
    }

    #[test]
    fn models_are_told_apart_by_what_differs() {
        let rows = [
            (
                "m",
                json!({"day": "2026-01-01", "loss": 0.5, "symbol": "A", "k": 1}),
            ),
            (
                "m",
                json!({"day": "2026-01-01", "loss": 0.6, "symbol": "B", "k": 1}),
            ),
        ];
        assert_eq!(names(&rows, &[]), ["t.A", "t.B"]);
        assert_eq!(names(&rows, &["symbol", "k"]), ["t.A.1", "t.B.1"]);
        let rows = [
            ("m", json!({"a": 1, "b": 1})),
            ("m", json!({"a": 1, "b": 2})),
            ("m", json!({"a": 2, "b": 1})),
        ];
        assert_eq!(names(&rows, &[]), ["t.1.1", "t.1.2", "t.2.1"]);
    }

    #[test]
    fn nothing_to_tell_them_apart_is_no_clash() {
        let rows = [("m", json!({"a": 1})), ("m", json!({"a": 1}))];
        let given = names(&rows, &[]);
        assert_ne!(given[0], given[1]);
        let rows = [("up", json!({"a": 1})), ("down", json!({"a": 1}))];
        assert_eq!(names(&rows, &[]), ["t.up", "t.down"]);
        let rows = [("m", json!({"s": "a b"})), ("m", json!({"s": "a_b"}))];
        let given = names(&rows, &["s"]);
        assert!(
            given[0].starts_with("_t.a_b-") && given[1] == "t.a_b",
            "{given:?}"
        );
    }

    #[test]
    fn groups_are_read_off_the_statement() {
        let of = |sql: &str| group_columns(&statement(sql));
        assert_eq!(
            of("CREATE TABLE m AS SELECT symbol, fit(y, x) FROM t GROUP BY symbol"),
            ["symbol"]
        );
        assert_eq!(
            of("CREATE TABLE m AS SELECT t.s AS symbol, fit(y, x) FROM t GROUP BY t.s"),
            ["symbol"]
        );
        assert_eq!(
            of("CREATE TABLE m AS SELECT s % 2 AS h, fit(y, x) FROM t GROUP BY s % 2"),
            ["h"]
        );
        assert_eq!(
            of("CREATE TABLE m AS SELECT fit(y, x), s FROM t GROUP BY 2"),
            ["s"]
        );
        assert!(of("CREATE TABLE m AS SELECT fit(y, x) FROM t").is_empty());
    }
}
