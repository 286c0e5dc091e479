//! A drawing, what it shows in a sentence, and its numbers.

use super::html::{Grid, escape, folded};
use super::style::DRAWING;
use super::svg::WIDTH;

/// A drawing.
pub struct Figure {
    /// The section of the page that it belongs to.
    pub section: Section,
    /// What it is, in a few words.
    pub title: String,
    /// What it shows: for those who do not see it, and for all others.
    pub says: String,
    /// The marks.
    pub drawing: String,
    /// How high they are.
    pub height: f64,
    /// The numbers.
    pub grid: Grid,
    /// Series by name, in the order of their colours.
    pub series: Vec<String>,
}

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Metrics by fold.
    Folds,
    /// Importance of features.
    Importance,
    /// Correlation of features.
    Correlation,
    /// Stability of features.
    Stability,
    /// Calibration of probabilities.
    Calibration,
    /// The simple signal test.
    Backtest,
    /// The trials of a search.
    Trials,
}

impl Figure {
    /// A part of the page.
    pub fn html(&self, id: &str) -> String {
        format!(
            "<figure><figcaption><h3>{}</h3><p>{}</p></figcaption>{}<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>{}</figure>",
            escape(&self.title),
            escape(&self.says),
            self.legend(),
            escape(&self.title),
            self.svg(id, ""),
            folded("The same as a table", &self.grid.html()),
        )
    }

    /// Its title as a part of a file's name.
    pub fn slug(&self) -> String {
        let title = self.title.to_lowercase();
        let words = title.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("-").chars().take(80).collect()
    }

    /// A file of its own.
    pub fn file(&self) -> String {
        let style = format!("<style>{DRAWING}svg{{background:var(--page)}}</style>");
        format!("{}\n", self.svg("figure", &style))
    }

    fn svg(&self, id: &str, style: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {WIDTH} {:.0}\" aria-labelledby=\"{id}-title {id}-says\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-says\">{}</desc>{style}{}</svg>",
            self.height,
            escape(&self.title),
            escape(&self.says),
            self.drawing
        )
    }

    fn legend(&self) -> String {
        if self.series.len() < 2 {
            return String::new();
        }
        let entries: Vec<String> = self
            .series
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let mut canvas = super::svg::Canvas::default();
                canvas.dot(i, (6.0, 6.0), "");
                format!(
                    "<li><svg aria-hidden=\"true\" width=\"12\" height=\"12\" viewBox=\"0 0 12 12\">{}</svg>{}</li>",
                    canvas.done(),
                    escape(name)
                )
            })
            .collect();
        format!("<ul class=\"legend\">{}</ul>", entries.concat())
    }
}
