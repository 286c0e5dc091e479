//! Text and tables in HTML.

use super::svg;
use crate::runs::record::number;
use crate::runs::results::{Rows, Values, plain};

/// How many rows of a table are on the page.
pub const MOST_ROWS: usize = 200;

/// Longer texts are broken into lines.
const LONG: usize = 48;

/// A text that means itself.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // HTML has no place for these.
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A table. `numbers` are the columns whose cells stand to the right.
pub struct Grid {
    /// What it is, for those who do not see where it stands.
    pub caption: String,
    /// The columns.
    pub head: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
    /// Columns whose cells stand to the right.
    pub numbers: Vec<usize>,
    /// How many rows there are in all.
    pub total: usize,
}

impl Grid {
    /// From cells.
    pub fn new(caption: &str, head: &[&str], rows: Vec<Vec<String>>, numbers: &[usize]) -> Self {
        Self {
            caption: caption.to_owned(),
            head: head.iter().map(|name| (*name).to_owned()).collect(),
            total: rows.len(),
            rows,
            numbers: numbers.to_vec(),
        }
    }

    /// Some columns of a result table.
    pub fn of(caption: &str, rows: &Rows, columns: &[&str]) -> Self {
        let places: Vec<usize> = if columns.is_empty() {
            (0..rows.columns.len()).collect()
        } else {
            columns.iter().filter_map(|name| rows.place(name)).collect()
        };
        let held = |place: &usize| rows.columns.get(*place);
        let is_number =
            |place: &usize| matches!(held(place), Some((_, Values::Doubles | Values::Integers)));
        let cells = rows.rows.iter().take(MOST_ROWS).map(|row| {
            places
                .iter()
                .map(|place| {
                    let value = row.get(*place).unwrap_or(&serde_json::Value::Null);
                    match held(place) {
                        Some((_, Values::Doubles)) => {
                            number(value).map(svg::number).unwrap_or_default()
                        }
                        _ => plain(value),
                    }
                })
                .collect()
        });
        Self {
            caption: caption.to_owned(),
            head: places
                .iter()
                .filter_map(held)
                .map(|(name, _)| name.clone())
                .collect(),
            rows: cells.collect(),
            numbers: (0..places.len())
                .filter(|i| is_number(&places[*i]))
                .collect(),
            total: rows.rows.len(),
        }
    }

    /// As HTML, in a region that scrolls by itself where it is too wide.
    pub fn html(&self) -> String {
        let caption = escape(&self.caption);
        let mut text = format!(
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table><caption>{caption}</caption><thead><tr>"
        );
        for (i, name) in self.head.iter().enumerate() {
            let class = self.class(i);
            text.push_str(&format!("<th scope=\"col\"{class}>{}</th>", escape(name)));
        }
        text.push_str("</tr></thead><tbody>");
        for row in self.rows.iter().take(MOST_ROWS) {
            text.push_str("<tr>");
            for (i, cell) in row.iter().enumerate() {
                let class = if cell.chars().count() > LONG {
                    " class=\"long\""
                } else {
                    self.class(i)
                };
                text.push_str(&format!("<td{class}>{}</td>", escape(cell)));
            }
            text.push_str("</tr>");
        }
        text.push_str("</tbody></table></div>");
        let more = self.total.saturating_sub(self.rows.len().min(MOST_ROWS));
        if more > 0 {
            text.push_str(&format!(
                "<p class=\"more\">{more} more rows are in the record.</p>"
            ));
        }
        text
    }

    fn class(&self, column: usize) -> &'static str {
        if self.numbers.contains(&column) {
            " class=\"n\""
        } else {
            ""
        }
    }
}

/// Text that opens when asked for.
pub fn folded(summary: &str, inside: &str) -> String {
    format!(
        "<details><summary>{}</summary>{inside}</details>",
        escape(summary)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_themselves() {
        assert_eq!(
            escape("<b a=\"1\">'&\u{0}"),
            "&lt;b a=&quot;1&quot;&gt;&#39;&amp;\u{fffd}"
        );
    }
}
