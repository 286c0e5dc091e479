//! What features are worth to a model: bars, and how sure that is.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{CHARACTER, Canvas, Scale, WIDTH, number, range, shortened};
use crate::runs::results::Rows;

/// How many features are drawn; the table has all.
const MOST: usize = 25;
const ROW: f64 = 19.0;
const TOP: f64 = 12.0;

/// A drawing per method.
pub fn draw(name: &str, rows: &Rows) -> Vec<Figure> {
    let methods: BTreeSet<String> = rows
        .rows
        .iter()
        .map(|row| rows.text(row, "method"))
        .collect();
    methods
        .iter()
        .filter_map(|method| one(name, rows, method))
        .collect()
}

fn one(table: &str, rows: &Rows, method: &str) -> Option<Figure> {
    let fits = |row: &&Vec<Json>| rows.text(row, "method") == method;
    let mut found: Vec<(&Vec<Json>, f64)> = rows
        .rows
        .iter()
        .filter(fits)
        .filter_map(|row| {
            Some((
                row,
                rows.number(row, "importance").filter(|v| v.is_finite())?,
            ))
        })
        .collect();
    // Without a rank, by size.
    found.sort_by(|(a, x), (b, y)| {
        let rank = |row| rows.number(row, "rank").unwrap_or(f64::MAX);
        rank(a)
            .total_cmp(&rank(b))
            .then(y.abs().total_cmp(&x.abs()))
    });
    let total = found.len();
    found.truncate(MOST);
    let (best, _) = found.first()?;
    let best = rows.text(best, "feature");
    let error = |row: &[Json]| {
        rows.number(row, "standard_error")
            .filter(|e| e.is_finite())
            .unwrap_or_default()
    };
    let longest = found
        .iter()
        .map(|(row, _)| rows.text(row, "feature").chars().count().min(28))
        .max()
        .unwrap_or_default();
    let left = longest as f64 * CHARACTER + 18.0;
    let bottom = TOP + found.len() as f64 * ROW;
    let ends = found.iter().flat_map(|(row, value)| {
        let error = error(row);
        [value - error, value + error]
    });
    let x = Scale::new(range(ends, &[0.0]), (left, WIDTH - 20.0));
    let axis = if method.is_empty() {
        "importance"
    } else {
        method
    };
    let mut canvas = Canvas::default();
    canvas.bottom_axis(&x, (TOP, bottom), axis);
    for (i, (row, value)) in found.iter().enumerate() {
        let feature = rows.text(row, "feature");
        let y = TOP + i as f64 * ROW;
        canvas.text(
            "label",
            "end",
            (left - 8.0, y + 13.0),
            &shortened(&feature, 28),
        );
        let (zero, end) = (x.place(0.0), x.place(*value));
        let class = if *value < 0.0 { "bar less" } else { "bar" };
        let error = error(row);
        let says = if error > 0.0 {
            format!("{feature}: {} ± {}", number(*value), number(error))
        } else {
            format!("{feature}: {}", number(*value))
        };
        let size = ((end - zero).abs().max(0.5), ROW - 7.0);
        canvas.rectangle(class, (zero.min(end), y + 3.5), size, &says);
        if error > 0.0 {
            let (low, high) = (x.place(value - error), x.place(value + error));
            let middle = y + ROW / 2.0;
            canvas.line("error", (low, middle), (high, middle));
            for end in [low, high] {
                canvas.line("error", (end, middle - 3.0), (end, middle + 3.0));
            }
        }
    }
    canvas.line("zero", (x.place(0.0), TOP), (x.place(0.0), bottom));
    let whiskers = if found.iter().any(|(row, _)| error(row) > 0.0) {
        " Whiskers are one standard error over folds."
    } else {
        ""
    };
    let shown = if total > found.len() {
        format!("The first {} of {total} features. ", found.len())
    } else {
        format!("{total} features. ")
    };
    let mut picked = rows.clone();
    picked.rows.retain(|row| rows.text(row, "method") == method);
    let columns = [
        "rank",
        "feature",
        "importance",
        "standard_error",
        "std",
        "share",
        "folds",
        "status",
    ];
    let title = if method.is_empty() {
        format!("Importance ({table})")
    } else {
        format!("{} importance ({table})", capital(method))
    };
    Some(Figure {
        section: Section::Importance,
        grid: Grid::of(&title, &picked, &columns),
        title,
        says: format!("{shown}The most important is {best}.{whiskers}"),
        drawing: canvas.done(),
        height: bottom + 42.0,
        series: Vec::new(),
    })
}

fn capital(text: &str) -> String {
    let text = text.replace('_', " ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}
