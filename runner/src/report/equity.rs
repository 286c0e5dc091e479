//! What positions taken from predictions would have earned, and how deep they fell.

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{Canvas, Scale, WIDTH, number, range, shortened};
use crate::runs::results::Rows;

const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 20.0;
const TOP: f64 = 28.0;
const MIDDLE: f64 = 220.0;
const FALL_TOP: f64 = 252.0;
const BOTTOM: f64 = 322.0;
const HEIGHT: f64 = BOTTOM + 44.0;
/// More points than this are no finer on a page.
const MOST_POINTS: usize = 800;

/// The curve, and below it its falls.
pub fn draw(name: &str, rows: &Rows) -> Option<Figure> {
    let found: Vec<(String, f64, f64)> = rows
        .rows
        .iter()
        .filter_map(|row| {
            let equity = rows.number(row, "equity").filter(|v| v.is_finite())?;
            Some((
                rows.text(row, "time"),
                equity,
                rows.number(row, "drawdown").unwrap_or_default(),
            ))
        })
        .collect();
    let (first, last) = (found.first()?, found.last()?);
    let every = found.len().div_ceil(MOST_POINTS);
    let x = Scale::new((0.0, found.len() as f64 - 1.0), (LEFT + 4.0, RIGHT));
    let y = Scale::new(
        range(found.iter().map(|(_, v, _)| *v), &[1.0]),
        (MIDDLE, TOP),
    );
    let fall = Scale::new(
        range(found.iter().map(|(.., v)| *v), &[0.0]),
        (BOTTOM, FALL_TOP),
    );
    let mut canvas = Canvas::default();
    canvas.left_axis(&y, (LEFT, RIGHT), "equity");
    canvas.left_axis(&fall, (LEFT, RIGHT), "drawdown");
    canvas.line("limit", (LEFT, y.place(1.0)), (RIGHT, y.place(1.0)));
    let drawn = || {
        found
            .iter()
            .enumerate()
            .filter(|(i, _)| i % every == 0 || i + 1 == found.len())
    };
    let curve: Vec<(f64, f64)> = drawn()
        .map(|(i, (_, v, _))| (x.place(i as f64), y.place(*v)))
        .collect();
    let falls: Vec<(f64, f64)> = drawn()
        .map(|(i, (.., v))| (x.place(i as f64), fall.place(*v)))
        .collect();
    canvas.area("shade", &falls, fall.place(0.0));
    canvas.path("curve s1", &falls);
    canvas.path("curve s0", &curve);
    let places: Vec<f64> = drawn().map(|(i, _)| x.place(i as f64)).collect();
    let names: Vec<String> = drawn().map(|(_, (time, ..))| shortened(time, 10)).collect();
    canvas.named_axis(&places, &names, BOTTOM, "time");
    let deepest = found.iter().map(|(.., v)| *v).fold(0.0, f64::min);
    Some(Figure {
        section: Section::Backtest,
        title: format!("Equity of the simple signal test ({name})"),
        says: format!(
            "{} periods from {} to {}: 1 became {}, the deepest fall was {} %. Financing, market impact and fills at worse prices are left out.",
            found.len(),
            first.0,
            last.0,
            number(last.1),
            number(-100.0 * deepest)
        ),
        drawing: canvas.done(),
        height: HEIGHT,
        grid: Grid::of("Equity by period", rows, &[]),
        series: Vec::new(),
    })
}
