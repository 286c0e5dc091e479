//! How far features have moved from what they were, period by period.

use std::collections::BTreeMap;

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{CHARACTER, Canvas, SERIES, Scale, WIDTH, number, range, shortened};
use crate::runs::results::Rows;

const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 46.0;
/// From which PSI on the statuses are `warn` and `drift`, if nobody says.
const LIMITS: [(f64, &str); 2] = [(0.1, "warn"), (0.25, "drift")];

/// Lines of the features that have moved most; bars if there is one period.
pub fn draw(name: &str, rows: &Rows) -> Option<Figure> {
    let mut features: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let mut periods: BTreeMap<i64, String> = BTreeMap::new();
    for row in &rows.rows {
        let period = rows.number(row, "period").unwrap_or(1.0);
        let start = rows.text(row, "period_start");
        let name = if start.is_empty() {
            format!("{period}")
        } else {
            start
        };
        periods.insert(period as i64, name);
        if let Some(psi) = rows.number(row, "psi").filter(|psi| psi.is_finite()) {
            features
                .entry(rows.text(row, "feature"))
                .or_default()
                .push((period, psi));
        }
    }
    let mut worst: Vec<(String, f64)> = features
        .iter()
        .map(|(name, values)| {
            (
                name.clone(),
                values.iter().map(|(_, psi)| *psi).fold(0.0, f64::max),
            )
        })
        .collect();
    worst.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total = worst.len();
    let (first, psi) = worst.first()?.clone();
    worst.truncate(if periods.len() > 1 { SERIES } else { 25 });
    let drawing = if periods.len() > 1 {
        (lines(&features, &periods, &worst), HEIGHT)
    } else {
        bars(&worst)
    };
    let columns = [
        "feature",
        "period",
        "period_start",
        "n",
        "missing_rate",
        "psi",
        "ks",
        "js",
        "mean_shift",
        "ic",
        "ic_baseline",
        "status",
        "reason",
    ];
    Some(Figure {
        section: Section::Stability,
        title: format!("Drift of features ({name})"),
        says: format!(
            "The population stability index of the {} of {total} features that moved most, over {} periods; {first} reached {}. From 0.1 on it is a warning, from 0.25 on drift.",
            worst.len(),
            periods.len(),
            number(psi)
        ),
        drawing: drawing.0,
        height: drawing.1,
        grid: Grid::of("Stability of features by period", rows, &columns),
        series: if periods.len() > 1 {
            worst.into_iter().map(|(name, _)| name).collect()
        } else {
            Vec::new()
        },
    })
}

fn lines(
    features: &BTreeMap<String, Vec<(f64, f64)>>,
    periods: &BTreeMap<i64, String>,
    worst: &[(String, f64)],
) -> String {
    let places: Vec<i64> = periods.keys().copied().collect();
    let ends = (
        places.first().copied().unwrap_or_default() as f64,
        places.last().copied().unwrap_or_default() as f64,
    );
    let x = Scale::new(ends, (LEFT + 20.0, WIDTH - 34.0));
    let highest = worst.iter().map(|(_, psi)| *psi);
    let y = Scale::new(range(highest, &[0.0, LIMITS[0].0]), (BOTTOM, TOP));
    let mut canvas = Canvas::default();
    canvas.left_axis(&y, (LEFT, WIDTH - 8.0), "PSI");
    let at: Vec<f64> = places
        .iter()
        .map(|period| x.place(*period as f64))
        .collect();
    let names: Vec<String> = periods.values().map(|name| shortened(name, 10)).collect();
    canvas.named_axis(&at, &names, BOTTOM, "period");
    for (limit, name) in LIMITS {
        let place = y.place(limit);
        if place >= TOP {
            canvas.line("limit", (LEFT, place), (WIDTH - 8.0, place));
            canvas.text("tick", "end", (WIDTH - 10.0, place - 4.0), name);
        }
    }
    for (i, (name, _)) in worst.iter().enumerate() {
        let Some(values) = features.get(name) else {
            continue;
        };
        let mut values = values.clone();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points: Vec<(f64, f64)> = values
            .iter()
            .map(|(period, psi)| (x.place(*period), y.place(*psi)))
            .collect();
        canvas.path(&format!("curve s{i}"), &points);
        for ((period, psi), point) in values.iter().zip(points) {
            let when = periods.get(&(*period as i64)).map_or("", String::as_str);
            canvas.dot(i, point, &format!("{name}, {when}: {}", number(*psi)));
        }
    }
    canvas.done()
}

fn bars(worst: &[(String, f64)]) -> (String, f64) {
    const ROW: f64 = 19.0;
    let longest = worst
        .iter()
        .map(|(name, _)| name.chars().count().min(28))
        .max();
    let left = longest.unwrap_or_default() as f64 * CHARACTER + 18.0;
    let bottom = TOP + worst.len() as f64 * ROW;
    let highest = worst.iter().map(|(_, psi)| *psi);
    let x = Scale::new(range(highest, &[0.0, LIMITS[0].0]), (left, WIDTH - 20.0));
    let mut canvas = Canvas::default();
    canvas.bottom_axis(&x, (TOP, bottom), "PSI");
    for (i, (name, psi)) in worst.iter().enumerate() {
        let y = TOP + i as f64 * ROW;
        canvas.text("label", "end", (left - 8.0, y + 13.0), &shortened(name, 28));
        let size = ((x.place(*psi) - x.place(0.0)).max(0.5), ROW - 7.0);
        let says = format!("{name}: {}", number(*psi));
        canvas.rectangle("bar", (x.place(0.0), y + 3.5), size, &says);
    }
    for (limit, name) in LIMITS {
        let place = x.place(limit);
        if place <= WIDTH - 20.0 {
            canvas.line("limit", (place, TOP), (place, bottom));
            canvas.text("tick", "middle", (place, TOP - 6.0), name);
        }
    }
    (canvas.done(), bottom + 42.0)
}
