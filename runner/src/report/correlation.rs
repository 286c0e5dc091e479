//! The correlation of each pair of features, those that repeat each other side by
//! side.

use std::collections::BTreeMap;

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{CHARACTER, Canvas, WIDTH, number, shortened};
use crate::runs::results::{Rows, Values};

/// How many features are drawn.
const MOST: usize = 60;
/// Above this, features are taken to repeat each other.
const REPEATS: f64 = 0.8;
/// Up to so many features, cells say their number.
const SPELLED: usize = 12;
const TOP: f64 = 24.0;

/// A square of cells.
pub fn draw(name: &str, rows: &Rows, clusters: Option<&Rows>) -> Option<Figure> {
    let mut found: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut features: Vec<String> = Vec::new();
    for row in &rows.rows {
        let pair = (rows.text(row, "feature_x"), rows.text(row, "feature_y"));
        for name in [&pair.0, &pair.1] {
            if !features.contains(name) {
                features.push(name.clone());
            }
        }
        if let Some(value) = rows.number(row, "correlation").filter(|v| v.is_finite()) {
            // Several methods or groups in one table are no one square.
            if found.insert(pair, value).is_some() {
                return None;
            }
        }
    }
    if features.len() < 2 {
        return None;
    }
    let value = |a: &str, b: &str| {
        if a == b {
            return Some(1.0);
        }
        let pair = |x: &str, y: &str| found.get(&(x.to_owned(), y.to_owned())).copied();
        pair(a, b).or_else(|| pair(b, a))
    };
    let mut groups = grouped(&features, clusters, &value);
    let total = features.len();
    let mut order: Vec<String> = groups.concat();
    order.truncate(MOST);
    let count = order.len();
    let longest = order
        .iter()
        .map(|name| name.chars().count().min(22))
        .max()?;
    let left = (longest as f64 + 4.0) * CHARACTER + 8.0;
    let side = ((WIDTH - left - 8.0) / count as f64).min(34.0);
    let mut canvas = Canvas::default();
    let every = (14.0 / side).ceil().max(1.0) as usize;
    for (i, name) in order.iter().enumerate() {
        let place = i as f64 * side;
        if i % every == 0 {
            let label = format!("{} {}", shortened(name, 22), i + 1);
            canvas.text(
                "label",
                "end",
                (left - 6.0, TOP + place + side / 2.0 + 4.0),
                &label,
            );
            let middle = (left + place + side / 2.0, TOP - 6.0);
            canvas.text("tick", "middle", middle, &(i + 1).to_string());
        }
        for (j, other) in order.iter().enumerate() {
            let at = (left + j as f64 * side, TOP + place);
            match value(name, other) {
                Some(r) => {
                    let class = if r < 0.0 { "low" } else { "high" };
                    let says = format!("{name}, {other}: {}", number(r));
                    canvas.cell(class, at, side - 0.6, 0.8 * r.abs().min(1.0), &says);
                    if count <= SPELLED {
                        let middle = (at.0 + side / 2.0, at.1 + side / 2.0 + 4.0);
                        let class = if r.abs() > 0.6 { "strong" } else { "spelled" };
                        // No sign before zero.
                        let r = if r.abs() < 0.005 { 0.0 } else { r };
                        canvas.text(class, "middle", middle, &format!("{r:.2}"));
                    }
                }
                None => canvas.cell(
                    "none",
                    at,
                    side - 0.6,
                    0.0,
                    &format!("{name}, {other}: none"),
                ),
            }
        }
    }
    let mut begin = 0;
    groups.retain(|group| {
        let many = group.len() > 1 && begin + group.len() <= count;
        if many {
            let at = (left + begin as f64 * side, TOP + begin as f64 * side);
            let size = group.len() as f64 * side;
            canvas.rectangle("group", at, (size, size), "");
        }
        begin += group.len();
        many
    });
    let strongest = found
        .iter()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let shown = if total > count {
        format!("The first {count} of {total} features")
    } else {
        format!("{total} features")
    };
    let mut strong = rows.clone();
    strong.rows.sort_by(|a, b| {
        let size = |row| rows.number(row, "correlation").map_or(-1.0, f64::abs);
        size(b).total_cmp(&size(a))
    });
    let plain: Vec<&str> = rows
        .columns
        .iter()
        .filter(|(_, values)| *values != Values::Nested)
        .map(|(name, _)| name.as_str())
        .collect();
    Some(Figure {
        section: Section::Correlation,
        title: format!("Correlation of features ({name})"),
        says: format!(
            "{shown}; framed are {} groups that repeat each other. The strongest pair is {} and {} with {}. Blue is negative, orange positive, and the stronger the deeper.",
            groups.len(),
            strongest.0.0,
            strongest.0.1,
            number(*strongest.1)
        ),
        drawing: canvas.done(),
        height: TOP + count as f64 * side + 8.0,
        grid: Grid::of("Correlation of pairs, the strongest first", &strong, &plain),
        series: Vec::new(),
    })
}

/// Features in groups: those of `correlation_clusters` if the run has them, else
/// each joins the first feature with which it correlates strongly.
fn grouped(
    features: &[String],
    clusters: Option<&Rows>,
    value: &dyn Fn(&str, &str) -> Option<f64>,
) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut by_cluster: BTreeMap<String, usize> = BTreeMap::new();
    for feature in features {
        let cluster = clusters.and_then(|rows| {
            let row = rows
                .rows
                .iter()
                .find(|row| rows.text(row, "feature") == *feature)?;
            Some(rows.text(row, "cluster"))
        });
        let known = match &cluster {
            Some(cluster) => by_cluster.get(cluster).copied(),
            None if clusters.is_some() => None,
            None => groups.iter().position(|group| {
                let first = group.first();
                first
                    .and_then(|first| value(first, feature))
                    .is_some_and(|r| r.abs() > REPEATS)
            }),
        };
        match known.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(feature.clone()),
            None => {
                if let Some(cluster) = cluster {
                    by_cluster.insert(cluster, groups.len());
                }
                groups.push(vec![feature.clone()]);
            }
        }
    }
    groups
}
