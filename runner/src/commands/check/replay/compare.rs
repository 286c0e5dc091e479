//! Two computations of a table, row by row.
//!
//! Rows meet by their entities and their time. Values are equal or not, and NULL is
//! equal to NULL; of floating-point numbers, the engines add the same terms in another
//! order from run to run, so that two of them are the same within 1e-9 of themselves
//! or of the mean magnitude of their column.

use lagrange_udfs::call::{quote_name, quote_text};

use super::scratch::{Scratch, typed};
use crate::engines::Comparison;
use crate::error::Result;
use crate::guard::plan::Planned;

/// How far two floating-point values may lie apart.
const ROUNDING: f64 = 1e-9;

/// A table as it is on all data.
pub(super) struct Kept {
    /// The copy: keys `k0`, `k1` and so on, the time `t`, the values `c0` and so on.
    copy: String,
    /// What the script calls it.
    table: String,
    keys: Vec<String>,
    time: String,
    pub columns: Vec<Column>,
    /// No two rows have the same entities and time.
    unique: bool,
}

/// A column of a table.
pub(super) struct Column {
    /// `column` or `column.field`.
    pub label: String,
    /// In SQL.
    expr: String,
    comparison: Comparison,
    /// Mean magnitude.
    scale: f64,
}

/// Which rows are compared.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Those at and after this time.
    pub from: Option<String>,
    /// Those after this time.
    pub after: Option<String>,
    /// Those up to this time.
    pub upto: Option<String>,
    /// Those up to this time must be there.
    pub complete: Option<String>,
}

impl Rows {
    fn condition(&self, time: &str) -> String {
        let mut parts = vec![format!("{time} IS NOT NULL")];
        parts.extend(self.from.iter().map(|t| format!("{time} >= {}", typed(t))));
        parts.extend(self.after.iter().map(|t| format!("{time} > {}", typed(t))));
        parts.extend(self.upto.iter().map(|t| format!("{time} <= {}", typed(t))));
        parts.join(" AND ")
    }
}

/// What a comparison has shown.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Rows on all data.
    pub rows: u64,
    /// Rows that only one of the two has.
    pub missing: u64,
    pub last_missing: Option<String>,
    /// Per column, rows with another value, and the time of the last of them.
    pub differing: Vec<u64>,
    pub last: Vec<Option<String>>,
}

/// A row with another value.
pub(super) struct First {
    pub keys: Vec<String>,
    pub time: String,
    pub with: Option<String>,
    pub without: Option<String>,
}

impl Kept {
    /// Copies what the last computation has made.
    pub async fn of(
        scratch: &mut Scratch<'_>,
        number: usize,
        planned: &Planned,
        notices: &mut Vec<String>,
    ) -> Result<Self> {
        let copy = format!("lagrange_all_{number}");
        let there = scratch.columns(&planned.table).await?;
        let comparison = |name: &str| {
            let same = |(known, _): &&(String, Comparison)| known.eq_ignore_ascii_case(name);
            there.iter().find(same).map(|(_, comparison)| *comparison)
        };
        let mut columns = Vec::new();
        for (name, field) in &planned.columns {
            let label = match field {
                Some(field) => format!("{name}.{field}"),
                None => name.clone(),
            };
            let expr = match field {
                Some(field) => format!("{}[{}]", quote_name(name), quote_text(field)),
                None => quote_name(name),
            };
            if comparison(name) == Some(Comparison::Nested) && field.is_none() {
                notices.push(format!(
                    "{}.{label} is a list or a struct, and not compared",
                    planned.table
                ));
                continue;
            }
            columns.push(Column {
                label,
                expr,
                comparison: Comparison::Exact,
                scale: 0.0,
            });
        }
        let mut kept = Self {
            copy,
            table: planned.table.clone(),
            keys: planned.entities.clone(),
            time: planned.time.clone(),
            columns,
            unique: true,
        };
        let sql = format!(
            "CREATE TABLE {} AS {}",
            quote_name(&kept.copy),
            kept.query()
        );
        scratch.run(&sql).await?;
        let copied = scratch.columns(&kept.copy).await?;
        let values = copied.iter().skip(kept.keys.len() + 1);
        for (column, (_, comparison)) in kept.columns.iter_mut().zip(values) {
            column.comparison = *comparison;
        }
        let nested = |column: &Column| column.comparison == Comparison::Nested;
        for column in kept.columns.iter().filter(|column| nested(column)) {
            notices.push(format!(
                "{}.{} is a list or a struct, and not compared",
                kept.table, column.label
            ));
        }
        kept.measure(scratch).await?;
        if !kept.unique {
            notices.push(format!(
                "'{}' has several rows of one {} at one time: they are compared in the order of their values",
                kept.table,
                if kept.keys.is_empty() { "series" } else { "entity" }
            ));
        }
        Ok(kept)
    }

    /// The table as its copy is laid out.
    fn query(&self) -> String {
        let mut list: Vec<String> = self
            .keys
            .iter()
            .enumerate()
            .map(|(i, key)| format!("{} AS k{i}", quote_name(key)))
            .collect();
        list.push(format!("{} AS t", quote_name(&self.time)));
        for (j, column) in self.columns.iter().enumerate() {
            list.push(format!("{} AS c{j}", column.expr));
        }
        let present: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("{} IS NOT NULL", quote_name(key)))
            .collect();
        let condition = match present.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", present.join(" AND ")),
        };
        format!(
            "SELECT {} FROM {}{condition}",
            list.join(", "),
            quote_name(&self.table)
        )
    }

    /// The mean magnitudes of columns, and whether rows are told apart by their keys.
    async fn measure(&mut self, scratch: &mut Scratch<'_>) -> Result<()> {
        let copy = quote_name(&self.copy);
        let rounded: Vec<usize> = (0..self.columns.len())
            .filter(|j| self.columns[*j].comparison == Comparison::Rounded)
            .collect();
        if !rounded.is_empty() {
            let list: Vec<String> = rounded
                .iter()
                .map(|j| {
                    format!(
                        "CAST(avg(CASE WHEN abs(c{j}) < 1e300 THEN CAST(abs(c{j}) AS DOUBLE) END) AS VARCHAR) AS s{j}"
                    )
                })
                .collect();
            let sql = format!("SELECT {} FROM {copy}", list.join(", "));
            let row = scratch
                .texts(&sql)
                .await?
                .into_iter()
                .next()
                .unwrap_or_default();
            for (j, text) in rounded.into_iter().zip(row) {
                let scale = text.and_then(|text| text.parse::<f64>().ok());
                self.columns[j].scale = scale.filter(|scale| scale.is_finite()).unwrap_or(0.0);
            }
        }
        let keys = self.key_list("");
        let sql = format!(
            "SELECT CAST(count(*) AS VARCHAR) AS n FROM (SELECT {keys} FROM {copy} \
             GROUP BY {keys} HAVING count(*) > 1) AS twice"
        );
        let twice = scratch.texts(&sql).await?;
        self.unique = number(twice.first().and_then(|row| row.first())) == 0;
        Ok(())
    }

    fn key_list(&self, prefix: &str) -> String {
        let mut keys: Vec<String> = (0..self.keys.len())
            .map(|i| format!("{prefix}k{i}"))
            .collect();
        keys.push(format!("{prefix}t"));
        keys.join(", ")
    }

    /// The times of its rows, in order.
    pub async fn times(&self, scratch: &mut Scratch<'_>) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT CAST(t AS VARCHAR) AS at FROM (SELECT DISTINCT t FROM {} WHERE t IS NOT NULL) AS times \
             ORDER BY t",
            quote_name(&self.copy)
        );
        let rows = scratch.texts(&sql).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// The first times of entities, the latest ones.
    pub async fn starts(&self, scratch: &mut Scratch<'_>) -> Result<Vec<String>> {
        if self.keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT CAST(first_t AS VARCHAR) AS at FROM (SELECT DISTINCT first_t FROM \
             (SELECT k0, min(t) AS first_t FROM {} GROUP BY k0) AS entities) AS firsts \
             ORDER BY first_t DESC LIMIT 5",
            quote_name(&self.copy)
        );
        let rows = scratch.texts(&sql).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// 1 where the values of a column differ and NULL elsewhere, in SQL. Most rows end
    /// at the first comparison.
    fn difference(&self, j: usize) -> String {
        let column = &self.columns[j];
        let same = format!(
            "CASE WHEN (a.c{j} IS NOT DISTINCT FROM n.c{j}) OR n.present IS NULL OR a.t IS NULL THEN NULL"
        );
        match column.comparison {
            Comparison::Exact => format!("{same} ELSE 1 END"),
            Comparison::Nested => "CASE WHEN a.t IS NULL THEN NULL END".to_owned(),
            Comparison::Rounded => format!(
                "{same} WHEN abs(a.c{j} - n.c{j}) <= {ROUNDING:e} * \
                 greatest(abs(a.c{j}), abs(n.c{j}), {:e}) THEN NULL ELSE 1 END",
                column.scale
            ),
        }
    }

    /// The rows of both, met: `a` on all data, `n` now. Of a table without unique keys,
    /// those of one column, in the order of its values.
    fn joined(&self, rows: &Rows, kind: &str, by: Option<usize>) -> String {
        let (mut all, mut now) = (
            format!("SELECT * FROM {}", quote_name(&self.copy)),
            format!(
                "SELECT made.*, 1 AS present FROM ({}) AS made",
                self.query()
            ),
        );
        let condition = rows.condition("t");
        all = format!("SELECT * FROM ({all}) AS x WHERE {condition}");
        now = format!("SELECT * FROM ({now}) AS x WHERE {condition}");
        let mut on: Vec<String> = (0..self.keys.len())
            .map(|i| format!("a.k{i} = n.k{i}"))
            .collect();
        on.push("a.t = n.t".to_owned());
        if !self.unique {
            let order = by.map_or_else(|| "t".to_owned(), |j| format!("c{j}"));
            let keys = self.key_list("");
            let numbered = |query: &str| {
                format!(
                    "SELECT x.*, row_number() OVER (PARTITION BY {keys} ORDER BY {order} NULLS FIRST) AS place \
                     FROM ({query}) AS x"
                )
            };
            all = numbered(&all);
            now = numbered(&now);
            on.push("a.place = n.place".to_owned());
        }
        format!(
            "({all}) AS a {kind} JOIN ({now}) AS n ON {}",
            on.join(" AND ")
        )
    }

    /// Compares the last computation with the copy.
    pub async fn compare(&self, scratch: &mut Scratch<'_>, rows: &Rows) -> Result<Compared> {
        let mut compared = Compared::default();
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let groups: Vec<Vec<usize>> = match self.unique {
            true => vec![all],
            false => all.into_iter().map(|j| vec![j]).collect(),
        };
        for group in groups {
            let must = match (&rows.complete, &rows.upto) {
                (Some(time), _) => format!(" AND a.t <= {}", typed(time)),
                (None, Some(_)) => " AND false".to_owned(),
                (None, None) => String::new(),
            };
            let mut list = vec![
                "CAST(count(a.t) AS VARCHAR) AS total".to_owned(),
                format!(
                    "CAST(count(CASE WHEN n.present IS NULL{must} THEN 1 END) AS VARCHAR) AS gone"
                ),
                "CAST(count(CASE WHEN a.t IS NULL THEN 1 END) AS VARCHAR) AS added".to_owned(),
                "CAST(max(CASE WHEN n.present IS NULL THEN a.t END) AS VARCHAR) AS last_gone"
                    .to_owned(),
            ];
            for j in &group {
                let difference = self.difference(*j);
                list.push(format!("CAST(count({difference}) AS VARCHAR) AS d{j}"));
                if rows.from.is_some() {
                    list.push(format!(
                        "CAST(max(CASE WHEN ({difference}) = 1 THEN a.t END) AS VARCHAR) AS l{j}"
                    ));
                }
            }
            let sql = format!(
                "SELECT {} FROM {}",
                list.join(", "),
                self.joined(rows, "FULL OUTER", group.first().copied())
            );
            let mut row = scratch
                .texts(&sql)
                .await?
                .into_iter()
                .next()
                .unwrap_or_default()
                .into_iter();
            compared.rows = number(row.next().as_ref());
            let (gone, added) = (number(row.next().as_ref()), number(row.next().as_ref()));
            compared.missing = gone + added;
            compared.last_missing = row.next().flatten();
            for _ in &group {
                compared.differing.push(number(row.next().as_ref()));
                compared.last.push(if rows.from.is_some() {
                    row.next().flatten()
                } else {
                    None
                });
            }
        }
        Ok(compared)
    }

    /// The first row in which a column differs, or that is missing.
    pub async fn first(
        &self,
        scratch: &mut Scratch<'_>,
        column: Option<usize>,
        rows: &Rows,
    ) -> Result<Option<First>> {
        let (values, condition) = match column {
            Some(j) => (
                format!("CAST(a.c{j} AS VARCHAR) AS w, CAST(n.c{j} AS VARCHAR) AS o"),
                format!("({}) = 1", self.difference(j)),
            ),
            None => (
                "CASE WHEN a.t IS NULL THEN 'not there' ELSE 'there' END AS w, \
                 CASE WHEN n.present IS NULL THEN 'not there' ELSE 'there' END AS o"
                    .to_owned(),
                "(n.present IS NULL) OR (a.t IS NULL)".to_owned(),
            ),
        };
        let mut list: Vec<String> = (0..self.keys.len())
            .map(|i| format!("CAST(coalesce(a.k{i}, n.k{i}) AS VARCHAR) AS k{i}"))
            .collect();
        list.push("CAST(coalesce(a.t, n.t) AS VARCHAR) AS at".to_owned());
        let sql = format!(
            "SELECT {}, {values}, coalesce(a.t, n.t) AS ordering FROM {} WHERE {condition} \
             ORDER BY ordering, {} LIMIT 1",
            list.join(", "),
            self.joined(rows, "FULL OUTER", column),
            (1..=list.len())
                .map(|i| i.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        );
        let Some(row) = scratch.texts(&sql).await?.into_iter().next() else {
            return Ok(None);
        };
        let mut row = row.into_iter();
        let keys = row.by_ref().take(self.keys.len()).flatten().collect();
        let time = row.next().flatten().unwrap_or_default();
        Ok(Some(First {
            keys,
            time,
            with: row.next().flatten(),
            without: row.next().flatten(),
        }))
    }

    /// Whether a column differs at one row of the last computation.
    pub async fn differs(
        &self,
        scratch: &mut Scratch<'_>,
        column: usize,
        keys: &[String],
        time: &str,
    ) -> Result<bool> {
        let rows = Rows {
            from: Some(time.to_owned()),
            upto: Some(time.to_owned()),
            ..Rows::default()
        };
        let mut conditions = vec![format!(
            "(n.present IS NULL OR ({}) = 1)",
            self.difference(column)
        )];
        for (i, key) in keys.iter().enumerate() {
            conditions.push(format!("CAST(a.k{i} AS VARCHAR) = {}", quote_text(key)));
        }
        let sql = format!(
            "SELECT CAST(count(*) AS VARCHAR) AS n FROM {} WHERE {}",
            self.joined(&rows, "LEFT", Some(column)),
            conditions.join(" AND ")
        );
        let rows = scratch.texts(&sql).await?;
        Ok(number(rows.first().and_then(|row| row.first())) > 0)
    }
}

fn number(text: Option<&Option<String>>) -> u64 {
    text.and_then(|text| text.as_ref())
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
