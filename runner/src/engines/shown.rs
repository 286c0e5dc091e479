//! The first rows of a query, for people and for JSON.

use serde_json::{Value as Json, json};

use crate::printer::{rows, thousands};

/// How many rows are kept to be shown.
pub const SHOWN_ROWS: usize = 40;
/// How wide a cell may be.
const CELL_WIDTH: usize = 60;

/// The first rows of a query.
#[derive(Debug, Default)]
pub struct Shown {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The first rows, a value per column.
    pub rows: Vec<Vec<Json>>,
    /// How many rows there are in all.
    pub total: u64,
}

/// Defines the conversion of an Arrow batch; the engines use different versions
/// of Arrow, whose types have nothing in common but their names.
macro_rules! arrow_values {
    ($($arrow:ident)::+) => {
        use $($arrow)::+::array::{Array, AsArray, RecordBatch};
        use $($arrow)::+::datatypes::DataType;
        use $($arrow)::+::error::ArrowError;
        use $($arrow)::+::util::display::{ArrayFormatter, FormatOptions};

        /// Adds the rows of a batch, up to what is shown.
        pub fn add(
            shown: &mut $crate::engines::shown::Shown,
            batch: &RecordBatch,
        ) -> Result<(), ArrowError> {
            add_up_to(shown, batch, $crate::engines::shown::SHOWN_ROWS)
        }

        /// Adds the rows of a batch, as long as there are no more than `most`.
        pub fn add_up_to(
            shown: &mut $crate::engines::shown::Shown,
            batch: &RecordBatch,
            most: usize,
        ) -> Result<(), ArrowError> {
            let room = most - shown.rows.len();
            let count = room.min(batch.num_rows());
            let first = shown.rows.len();
            shown.rows.resize_with(first + count, Vec::new);
            if count > 0 {
                for column in batch.columns() {
                    for (i, value) in values(&column.slice(0, count))?.into_iter().enumerate() {
                        shown.rows[first + i].push(value);
                    }
                }
            }
            shown.total += batch.num_rows() as u64;
            Ok(())
        }

        /// Adds the rows of a batch as text.
        pub fn texts(
            rows: &mut Vec<Vec<Option<String>>>,
            batch: &RecordBatch,
        ) -> Result<(), ArrowError> {
            let first = rows.len();
            rows.resize_with(first + batch.num_rows(), Vec::new);
            let options = FormatOptions::default();
            for column in batch.columns() {
                let formatter = ArrayFormatter::try_new(column, &options)?;
                for (i, row) in rows[first..].iter_mut().enumerate() {
                    let text = column.is_valid(i).then(|| formatter.value(i).to_string());
                    row.push(text);
                }
            }
            Ok(())
        }

        /// How values of a type are compared.
        pub fn comparison(kind: &DataType) -> $crate::engines::Comparison {
            use $crate::engines::Comparison;
            match kind {
                DataType::Float16 | DataType::Float32 | DataType::Float64 => Comparison::Rounded,
                kind if kind.is_nested() => Comparison::Nested,
                _ => Comparison::Exact,
            }
        }

        /// What a column of a type holds.
        pub fn held(kind: &DataType) -> $crate::runs::results::Values {
            use $crate::runs::results::Values;
            match kind {
                DataType::Boolean => Values::Booleans,
                DataType::Float16 | DataType::Float32 | DataType::Float64 => Values::Doubles,
                kind if kind.is_integer() => Values::Integers,
                kind if kind.is_numeric() => Values::Doubles,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Texts,
                DataType::Dictionary(_, values) => held(values),
                kind if kind.is_nested() || is_binary(kind) => Values::Nested,
                _ => Values::Others,
            }
        }

        /// The values of a column as JSON.
        fn values(column: &dyn Array) -> Result<Vec<serde_json::Value>, ArrowError> {
            use serde_json::Value as Json;
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(column, &options)?;
            // Of a column of type NULL, `is_null` would say no.
            let nulls = column.logical_nulls();
            (0..column.len())
                .map(|row| {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                        return Ok(Json::Null);
                    }
                    if let Some(bytes) = bytes(column, row) {
                        return Ok(Json::from(format!("<{} bytes>", bytes.len())));
                    }
                    let text = formatter.value(row).try_to_string()?;
                    Ok(match column.data_type() {
                        DataType::Boolean => Json::from(text == "true"),
                        kind if kind.is_numeric() => $crate::engines::shown::number(text),
                        _ => Json::from(text),
                    })
                })
                .collect()
        }

        /// The bytes of a value of a binary column.
        fn bytes(column: &dyn Array, row: usize) -> Option<&[u8]> {
            match column.data_type() {
                DataType::Binary => Some(column.as_binary::<i32>().value(row)),
                DataType::LargeBinary => Some(column.as_binary::<i64>().value(row)),
                DataType::BinaryView => Some(column.as_binary_view().value(row)),
                _ => None,
            }
        }

        /// Whether a column of this type can hold models.
        pub fn is_binary(kind: &DataType) -> bool {
            matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        }

        /// Hands the models of a batch to `sink`, each with the other plain
        /// values of its row.
        pub fn models(
            batch: &RecordBatch,
            sink: &mut $crate::engines::ModelSink<'_>,
        ) -> $crate::error::Result<()> {
            let schema = batch.schema();
            for (i, column) in batch.columns().iter().enumerate() {
                if !is_binary(column.data_type()) {
                    continue;
                }
                for row in 0..batch.num_rows() {
                    if column.is_null(row) {
                        continue;
                    }
                    let Some(model) = bytes(column, row) else {
                        continue;
                    };
                    if !lagrange_udfs::models::is_model(model) {
                        continue;
                    }
                    let mut key = $crate::engines::Key::new();
                    for (j, other) in batch.columns().iter().enumerate() {
                        let kind = other.data_type();
                        if i != j && !kind.is_nested() && !is_binary(kind) {
                            let value = values(&other.slice(row, 1))
                                .map_err(|error| $crate::error::Error::failed(error.to_string()))?
                                .pop()
                                .unwrap_or_default();
                            key.insert(schema.field(j).name().clone(), value);
                        }
                    }
                    sink(schema.field(i).name(), model, key)?;
                }
            }
            Ok(())
        }
    };
}

/// DuckDB's Arrow.
pub mod duckdb_arrow {
    arrow_values!(duckdb::arrow);
}

/// DataFusion's Arrow.
pub mod datafusion_arrow {
    arrow_values!(datafusion::arrow);
}

/// A number, or text for what JSON has no number for.
fn number(text: String) -> Json {
    if let Ok(value) = text.parse::<i64>() {
        return Json::from(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Json::from(value),
        _ => Json::from(text),
    }
}

impl Shown {
    /// No rows yet.
    pub fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Whether this is a drawing, such as the plan that EXPLAIN shows.
    fn is_drawing(&self) -> bool {
        let lines = |value: &Json| value.as_str().is_some_and(|text| text.contains('\n'));
        self.columns.len() <= 2 && self.rows.iter().flatten().any(lines)
    }

    /// For `--output json`.
    pub fn to_json(&self) -> Json {
        json!({ "columns": self.columns, "rows": self.rows, "total": self.total })
    }
}

/// A table for people: numbers to the right, and the number of rows below.
impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_drawing() {
            for value in self.rows.iter().flatten() {
                writeln!(f, "{}", value.as_str().unwrap_or_default().trim_end())?;
            }
            return Ok(());
        }
        let cells: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        let right: Vec<bool> = (0..self.columns.len())
            .map(|i| {
                let mut values = self.rows.iter().map(|row| &row[i]).filter(|v| !v.is_null());
                self.rows.iter().any(|row| !row[i].is_null()) && values.all(Json::is_number)
            })
            .collect();
        let width = |text: &str| text.chars().count();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let longest = cells.iter().map(|row| width(&row[i])).max();
                longest.unwrap_or_default().max(width(name))
            })
            .collect();
        let line = |cells: &[String]| {
            let padded: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(i, text)| {
                    let space = " ".repeat(widths[i] - width(text));
                    if right[i] {
                        space + text
                    } else {
                        text.clone() + &space
                    }
                })
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        writeln!(f, "{}", line(&self.columns))?;
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(f, "{}", rules.join("  "))?;
        for row in &cells {
            writeln!(f, "{}", line(row))?;
        }
        if self.total > self.rows.len() as u64 {
            let more = self.total - self.rows.len() as u64;
            writeln!(f, "... {} more rows", thousands(more))?;
        }
        write!(f, "({})", rows(self.total))
    }
}

fn cell(value: &Json) -> String {
    let text = match value {
        Json::Null => "NULL".to_owned(),
        Json::String(text) => text.replace(['\n', '\r', '\t'], " "),
        Json::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() => double(value),
            _ => number.to_string(),
        },
        other => other.to_string(),
    };
    if text.chars().count() > CELL_WIDTH {
        let cut: String = text.chars().take(CELL_WIDTH - 1).collect();
        return format!("{cut}…");
    }
    text
}

/// A double with about seven digits.
fn double(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0.0".to_owned()
    } else if value.fract() == 0.0 && size < 1e15 {
        format!("{value:.1}")
    } else if (1e-3..1e9).contains(&size) {
        format!("{value:.6}")
    } else {
        format!("{value:.6e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let mut shown = Shown::new(vec!["name".into(), "n".into()]);
        shown.rows = vec![
            vec![Json::from("a"), Json::from(10)],
            vec![Json::Null, Json::from(1.5)],
        ];
        shown.total = 50;
        let text = "name         n\n----  --------\na           10\nNULL  1.500000\n... 48 more rows\n(50 rows)";
        assert_eq!(shown.to_string(), text);
    }
}
