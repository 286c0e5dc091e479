//! Scales, axes and marks. Colours are classes, whose values the style sheet has,
//! for light and for dark.

use std::fmt::Write as _;

use super::html::escape;

/// How wide a drawing is, in its own units; the page scales it.
pub const WIDTH: f64 = 560.0;
/// How wide a character of a label is, nearly.
pub const CHARACTER: f64 = 6.2;

/// From values to places.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// From `from..to` to the places `start..end`.
    pub fn new((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        let (from, to) = if to > from {
            (from, to)
        } else {
            (from - 0.5, from + 0.5)
        };
        Self {
            from,
            to,
            start,
            end,
        }
    }

    /// The place of a value.
    pub fn place(&self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        self.start + share * (self.end - self.start)
    }

    /// Round values, about `count` of them.
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let rough = (self.to - self.from) / count.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough * 0.75)
            .unwrap_or(rough);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// The least and the greatest of finite values, and some room around them.
pub fn range(values: impl Iterator<Item = f64>, with: &[f64]) -> (f64, f64) {
    let all = values
        .chain(with.iter().copied())
        .filter(|value| value.is_finite());
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low {
        (high - low) * 0.06
    } else {
        high.abs().max(1.0) * 0.1
    };
    // What ends at zero ends there.
    let low = if low >= 0.0 && low - room < 0.0 {
        0.0
    } else {
        low - room
    };
    let high = if high <= 0.0 && high + room > 0.0 {
        0.0
    } else {
        high + room
    };
    (low, high)
}

/// A drawing under way.
#[derive(Debug, Default)]
pub struct Canvas {
    text: String,
}

impl Canvas {
    /// What has been drawn.
    pub fn done(self) -> String {
        self.text
    }

    /// A line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = write!(
            self.text,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// A line through points.
    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        }
        let _ = write!(self.text, r#"<path class="{class}" d="{path}"/>"#);
    }

    /// The area between a line and a base.
    pub fn area(&mut self, class: &str, points: &[(f64, f64)], base: f64) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return;
        };
        let mut path = format!("M{:.1} {base:.1}", first.0);
        for (x, y) in points {
            let _ = write!(path, "L{x:.1} {y:.1}");
        }
        let _ = write!(path, "L{:.1} {base:.1}Z", last.0);
        let _ = write!(self.text, r#"<path class="{class}" d="{path}"/>"#);
    }

    /// A rectangle, with what it says when pointed at.
    pub fn rectangle(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64), says: &str) {
        let title = titled(says);
        let _ = write!(
            self.text,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}">{title}</rect>"#
        );
    }

    /// A cell that is more or less covered by its colour.
    pub fn cell(&mut self, class: &str, (x, y): (f64, f64), side: f64, cover: f64, says: &str) {
        let title = titled(says);
        let _ = write!(
            self.text,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{side:.1}" height="{side:.1}" fill-opacity="{cover:.3}">{title}</rect>"#
        );
    }

    /// A dot: a circle, a square or a diamond, so that colour is not all that tells
    /// series apart.
    pub fn dot(&mut self, series: usize, (x, y): (f64, f64), says: &str) {
        let title = titled(says);
        let class = format!("dot s{}", series % SERIES);
        let _ = match series % 3 {
            0 => write!(
                self.text,
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3.6">{title}</circle>"#
            ),
            1 => write!(
                self.text,
                r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="6.4" height="6.4">{title}</rect>"#,
                x - 3.2,
                y - 3.2
            ),
            _ => write!(
                self.text,
                r#"<path class="{class}" d="M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}Z">{title}</path>"#,
                y - 4.6,
                x + 4.6,
                y + 4.6,
                x - 4.6
            ),
        };
    }

    /// A text; `anchor` is start, middle or end.
    pub fn text(&mut self, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        let _ = write!(
            self.text,
            r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        );
    }

    /// An axis at the left, with lines across.
    pub fn left_axis(&mut self, scale: &Scale, (left, right): (f64, f64), name: &str) {
        for tick in scale.ticks(5) {
            let y = scale.place(tick);
            self.line("grid", (left, y), (right, y));
            self.text("tick", "end", (left - 6.0, y + 4.0), &number(tick));
        }
        let top = scale.end.min(scale.start);
        self.text("name", "start", (4.0, top - 10.0), name);
    }

    /// An axis below, with lines up.
    pub fn bottom_axis(&mut self, scale: &Scale, (top, bottom): (f64, f64), name: &str) {
        for tick in scale.ticks(6) {
            let x = scale.place(tick);
            self.line("grid", (x, top), (x, bottom));
            self.text("tick", "middle", (x, bottom + 15.0), &number(tick));
        }
        let middle = (scale.start + scale.end) / 2.0;
        self.text("name", "middle", (middle, bottom + 32.0), name);
    }

    /// An axis below whose values have names; as many as there is room for.
    pub fn named_axis(&mut self, places: &[f64], names: &[String], bottom: f64, name: &str) {
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return;
        };
        let longest = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or_default();
        let wanted = (longest as f64 + 2.0) * CHARACTER;
        let each = (last - first) / (places.len().max(2) - 1) as f64;
        let every = (wanted / each.max(0.1)).ceil().max(1.0) as usize;
        for (i, (x, label)) in places.iter().zip(names).enumerate() {
            if i % every == 0 {
                self.line("axis", (*x, bottom), (*x, bottom + 4.0));
                self.text("tick", "middle", (*x, bottom + 16.0), label);
            }
        }
        let middle = (first + last) / 2.0;
        self.text("name", "middle", (middle, bottom + 33.0), name);
    }
}

/// How many series have a colour of their own.
pub const SERIES: usize = 8;

fn titled(says: &str) -> String {
    if says.is_empty() {
        return String::new();
    }
    format!("<title>{}</title>", escape(says))
}

/// A number, short.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size < 1e-12 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = (4 - size.log10().floor() as i32).clamp(0, 6);
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or_default());
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// As much of a label as there is room for.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::new((0.013, 0.094), (0.0, 100.0));
        let ticks: Vec<String> = scale.ticks(5).into_iter().map(number).collect();
        assert_eq!(ticks, ["0.02", "0.04", "0.06", "0.08"]);
        let scale = Scale::new((3.0, 3.0), (0.0, 100.0));
        assert_eq!(scale.place(3.0), 50.0);
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 1.0, 0.0123456, 1234.5, 1e-9, -2.5e7, f64::NAN].map(number);
        assert_eq!(
            texts,
            ["0", "1", "0.012346", "1234.5", "1.00e-9", "-2.50e7", "NaN"]
        );
    }
}
