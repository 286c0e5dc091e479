//! Whether what was given a probability happens as often.

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{Canvas, Scale, WIDTH, number};
use crate::runs::results::Rows;

const HEIGHT: f64 = 380.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = WIDTH - 110.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// A dot per bin with its interval, and the diagonal on which they should lie.
pub fn draw(name: &str, rows: &Rows) -> Option<Figure> {
    let x = Scale::new((0.0, 1.0), (LEFT, RIGHT));
    let y = Scale::new((0.0, 1.0), (BOTTOM, TOP));
    let mut canvas = Canvas::default();
    canvas.left_axis(&y, (LEFT, RIGHT), "observed share");
    canvas.bottom_axis(&x, (TOP, BOTTOM), "predicted probability");
    canvas.line(
        "limit",
        (x.place(0.0), y.place(0.0)),
        (x.place(1.0), y.place(1.0)),
    );
    let mut points = Vec::new();
    for row in &rows.rows {
        let (Some(predicted), Some(observed)) =
            (rows.number(row, "predicted"), rows.number(row, "observed"))
        else {
            continue;
        };
        let at = (x.place(predicted), y.place(observed));
        if let (Some(low), Some(high)) = (
            rows.number(row, "observed_low"),
            rows.number(row, "observed_high"),
        ) {
            canvas.line("error", (at.0, y.place(low)), (at.0, y.place(high)));
        }
        points.push((at, predicted, observed, rows.text(row, "rows")));
    }
    if points.is_empty() {
        return None;
    }
    let line: Vec<(f64, f64)> = points.iter().map(|(at, ..)| *at).collect();
    canvas.path("curve thin s0", &line);
    for (at, predicted, observed, count) in &points {
        let says = format!(
            "predicted {}, observed {}, {count} rows",
            number(*predicted),
            number(*observed)
        );
        canvas.dot(0, *at, &says);
    }
    let error = rows
        .rows
        .first()
        .and_then(|row| rows.number(row, "expected_calibration_error"));
    let error = error.map_or_else(String::new, |error| {
        format!(" The expected calibration error is {}.", number(error))
    });
    Some(Figure {
        section: Section::Calibration,
        title: format!("Calibration ({name})"),
        says: format!(
            "{} bins of predictions with the share that came true and its 95 % interval; on the dashed line they agree.{error}",
            points.len()
        ),
        drawing: canvas.done(),
        height: HEIGHT,
        grid: Grid::of("Calibration by bin", rows, &[]),
        series: Vec::new(),
    })
}
