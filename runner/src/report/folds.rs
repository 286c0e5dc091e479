//! The metric of each fold, on its training and on its test rows.

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{Canvas, Scale, WIDTH, number, range};
use crate::runs::results::Rows;

const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// A dot per fold, and a line through them.
pub fn draw(name: &str, rows: &Rows) -> Option<Figure> {
    let first = rows.rows.first()?;
    let metric = rows.text(first, "metric");
    let series = [
        ("in_sample", "training rows"),
        ("out_of_sample", "test rows"),
    ];
    let values = |column: &'static str| rows.rows.iter().map(move |row| rows.number(row, column));
    let all = series
        .iter()
        .flat_map(|&(column, _)| values(column))
        .flatten();
    let y = Scale::new(range(all, &[]), (BOTTOM, TOP));
    let count = rows.rows.len();
    let x = Scale::new((0.0, count as f64 - 1.0), (LEFT + 24.0, WIDTH - 24.0));
    let mut canvas = Canvas::default();
    canvas.left_axis(&y, (LEFT, WIDTH - 8.0), &metric);
    let places: Vec<f64> = (0..count).map(|i| x.place(i as f64)).collect();
    let names: Vec<String> = rows.rows.iter().map(|row| rows.text(row, "fold")).collect();
    canvas.named_axis(&places, &names, BOTTOM, "fold");
    let mut means = Vec::new();
    for (i, &(column, name)) in series.iter().enumerate() {
        let points: Vec<(f64, f64)> = places
            .iter()
            .zip(values(column))
            .filter_map(|(x, value)| Some((*x, y.place(value.filter(|v| v.is_finite())?))))
            .collect();
        canvas.path(&format!("curve thin s{i}"), &points);
        for ((x, fold), value) in places.iter().zip(&names).zip(values(column)) {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                let says = format!("fold {fold}, {name}: {}", number(value));
                canvas.dot(i, (*x, y.place(value)), &says);
            }
        }
        let finite: Vec<f64> = values(column).flatten().filter(|v| v.is_finite()).collect();
        if !finite.is_empty() {
            let mean = finite.iter().sum::<f64>() / finite.len() as f64;
            means.push(format!("{} on {name}", number(mean)));
        }
    }
    Some(Figure {
        section: Section::Folds,
        title: format!("{metric} by fold ({name})"),
        says: format!(
            "{count} folds, in the order of time. The mean {metric} is {}. A gap between the two shows overfitting.",
            means.join(" and ")
        ),
        drawing: canvas.done(),
        height: HEIGHT,
        grid: Grid::of(&format!("{metric} by fold"), rows, &[]),
        series: series.iter().map(|(_, name)| (*name).to_owned()).collect(),
    })
}
