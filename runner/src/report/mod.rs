//! A page about a run: one file of HTML without scripts, that needs no network.
//!
//! - [`svg`]: scales, axes and marks; [`figure`]: a drawing, its description and
//!   its numbers.
//! - [`folds`], [`importance`], [`correlation`], [`stability`], [`calibration`],
//!   [`equity`], [`trials`]: the drawings, each from one kind of result table.
//! - [`html`]: text and tables; [`sections`]: the parts of the page; [`page`]: the
//!   page, and what it looks like.

mod calibration;
mod correlation;
mod equity;
mod figure;
mod folds;
mod html;
mod importance;
mod page;
mod sections;
mod stability;
mod style;
mod svg;
mod trials;

pub use self::figure::Figure;
use crate::error::Result;
use crate::runs::record::Table;
use crate::runs::results::{Kind, Rows};
use crate::runs::written::read_parquet;
use crate::runs::{Run, RunFolder};

/// A result table of the record, read.
struct Read<'a> {
    table: &'a Table,
    rows: Rows,
}

/// The result tables of a run.
struct Results<'a> {
    all: Vec<Read<'a>>,
}

impl<'a> Results<'a> {
    fn read(folder: &RunFolder, run: &'a Run) -> Result<Self> {
        let all = run
            .tables
            .iter()
            .map(|table| {
                let rows = read_parquet(&folder.file(&table.parquet))?;
                Ok(Read { table, rows })
            })
            .collect::<Result<_>>()?;
        Ok(Self { all })
    }

    /// Those of a kind that have rows.
    fn of(&self, kind: Kind) -> impl Iterator<Item = (&'a Table, &Rows)> {
        self.all
            .iter()
            .filter(move |result| result.table.kind == kind && !result.rows.rows.is_empty())
            .map(|result| (result.table, &result.rows))
    }

    /// The same, where the script has put several results into one table each by
    /// itself, under a name that tells them apart.
    fn apart(&self, kind: Kind) -> Vec<(String, Rows)> {
        let mut found = Vec::new();
        for (table, rows) in self.of(kind) {
            let parts = rows.apart(kind);
            let several = parts.len() > 1;
            for (labels, part) in parts.into_iter().take(MOST_APART) {
                let name = if several {
                    format!("{}: {}", table.name, labels.join(", "))
                } else {
                    table.name.clone()
                };
                found.push((name, part));
            }
        }
        found
    }
}

/// How many results of one table are drawn.
const MOST_APART: usize = 12;

/// The drawings of a run.
///
/// # Errors
/// A record whose files are damaged.
pub fn figures(folder: &RunFolder, run: &Run) -> Result<Vec<Figure>> {
    Ok(drawn(&Results::read(folder, run)?))
}

/// In the order of the page.
fn drawn(results: &Results<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, rows) in results.apart(Kind::Folds) {
        figures.extend(folds::draw(&name, &rows));
    }
    for (name, rows) in results.apart(Kind::Importance) {
        figures.extend(importance::draw(&name, &rows));
    }
    let clusters = results.of(Kind::Clusters).next().map(|(_, rows)| rows);
    for (name, rows) in results.apart(Kind::Correlation) {
        figures.extend(correlation::draw(&name, &rows, clusters));
    }
    for (name, rows) in results.apart(Kind::Stability) {
        figures.extend(stability::draw(&name, &rows));
    }
    for (name, rows) in results.apart(Kind::Calibration) {
        figures.extend(calibration::draw(&name, &rows));
    }
    for (name, rows) in results.apart(Kind::Backtest) {
        figures.extend(equity::draw(&name, &rows));
    }
    let mut seen = std::collections::HashSet::new();
    for (name, rows) in results.apart(Kind::Trials) {
        // The same search may be in two tables.
        if let Some(figure) = trials::draw(&name, &rows)
            && seen.insert(figure.drawing.clone())
        {
            figures.push(figure);
        }
    }
    figures
}

/// The page of a run.
///
/// # Errors
/// A record whose files are damaged.
pub fn page(folder: &RunFolder, run: &Run) -> Result<String> {
    let results = Results::read(folder, run)?;
    let figures = drawn(&results);
    Ok(page::page(
        run,
        &sections::sections(folder, run, &results, &figures),
    ))
}

#[cfg(test)]
mod tests;
