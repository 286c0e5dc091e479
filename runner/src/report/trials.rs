//! The trials of a search, and the best so far.

use super::figure::{Figure, Section};
use super::html::Grid;
use super::svg::{Canvas, Scale, WIDTH, number, range};
use crate::runs::results::Rows;

const HEIGHT: f64 = 290.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// A dot per trial, and a step line of the best so far.
pub fn draw(name: &str, rows: &Rows) -> Option<Figure> {
    let mut found = Vec::new();
    for row in &rows.rows {
        if let (Some(trial), Some(mean)) = (rows.number(row, "trial"), rows.number(row, "mean"))
            && mean.is_finite()
        {
            let complete = rows.text(row, "status") == "complete";
            found.push((trial, mean, complete, rows.text(row, "parameters")));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let best = rows
        .rows
        .iter()
        .find(|row| rows.number(row, "rank") == Some(1.0))?;
    let metric = rows.text(best, "metric");
    let best_mean = rows.number(best, "mean")?;
    // The ranks say which way is better.
    let lower = found
        .iter()
        .all(|(_, mean, complete, _)| !complete || *mean >= best_mean);
    let last = found.last()?.0;
    let x = Scale::new((found.first()?.0, last), (LEFT + 14.0, WIDTH - 20.0));
    let y = Scale::new(
        range(found.iter().map(|(_, mean, ..)| *mean), &[]),
        (BOTTOM, TOP),
    );
    let mut canvas = Canvas::default();
    canvas.left_axis(&y, (LEFT, WIDTH - 8.0), &metric);
    let places: Vec<f64> = found.iter().map(|(trial, ..)| x.place(*trial)).collect();
    let names: Vec<String> = found.iter().map(|(trial, ..)| format!("{trial}")).collect();
    canvas.named_axis(&places, &names, BOTTOM, "trial");
    let mut so_far: Option<f64> = None;
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (trial, mean, complete, _) in &found {
        let before = so_far;
        if *complete {
            so_far = Some(match so_far {
                Some(best) if lower => best.min(*mean),
                Some(best) => best.max(*mean),
                None => *mean,
            });
        }
        let place = x.place(*trial);
        steps.extend(before.map(|best| (place, y.place(best))));
        steps.extend(so_far.map(|best| (place, y.place(best))));
    }
    canvas.path("curve thin s2", &steps);
    for (trial, mean, complete, parameters) in &found {
        let series = usize::from(!complete);
        let says = format!("trial {trial}: {} {parameters}", number(*mean));
        canvas.dot(series, (x.place(*trial), y.place(*mean)), &says);
    }
    let columns = [
        "trial",
        "rank",
        "status",
        "metric",
        "mean",
        "std",
        "parameters",
        "folds",
        "seconds",
        "reason",
    ];
    let complete = found.iter().filter(|(_, _, complete, _)| *complete).count();
    Some(Figure {
        section: Section::Trials,
        title: format!("Trials of the search ({name})"),
        says: format!(
            "{} trials, of which {complete} got to the end. The best, trial {}, has {metric} {} with {}. The line is the best so far; the best of many looks better than it is.",
            rows.rows.len(),
            rows.text(best, "trial"),
            number(best_mean),
            rows.text(best, "parameters")
        ),
        drawing: canvas.done(),
        height: HEIGHT,
        grid: Grid::of("Trials", rows, &columns),
        series: if complete < found.len() {
            vec!["complete".to_owned(), "stopped early".to_owned()]
        } else {
            Vec::new()
        },
    })
}
