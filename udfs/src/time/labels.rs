//! The spans of time that labels need, as positions.
//!
//! A position counts distinct times from 1, so rows of one time share theirs,
//! whatever their entity. A row's label spans the closed interval from the row's
//! own position to the number of times that are not after the label's end: that
//! label reaches a time exactly where its end is at least the time's position,
//! whether or not the end is a time of any row.

/// Rows of the same span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The position of the rows, from 1.
    pub start: u32,
    /// Where their labels end; [`UNKNOWN`] if nobody knows yet.
    pub end: u32,
    /// How many rows.
    pub rows: u64,
}

/// The end of a label that is not known.
pub const UNKNOWN: u32 = 0;

/// The labels of a relation.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Ascending, each once.
    spans: Vec<Span>,
    /// The positions of rows whose label's end is known, ascending. Folds are
    /// cut in these: what has no label can be neither learnt nor tested.
    times: Vec<u32>,
    /// Of each of `times`, the latest end of a label that starts there.
    ends: Vec<u32>,
    /// Of each of `times`, how far the embargo of such a label reaches.
    reaches: Vec<u32>,
}

impl Labels {
    /// From the rows, in any order, each as [`packed`]. `reach(start, end)` is
    /// the last position of the embargo after labels that start at `start`, the
    /// latest of which ends at `end`.
    pub fn new(mut rows: Vec<u64>, reach: impl Fn(u32, u32) -> u32) -> Self {
        rows.sort_unstable();
        let mut labels = Self::default();
        for row in rows {
            let (start, end) = ((row >> 32) as u32, row as u32);
            match labels.spans.last_mut() {
                Some(span) if span.start == start && span.end == end => span.rows += 1,
                _ => labels.spans.push(Span {
                    start,
                    end,
                    rows: 1,
                }),
            }
        }
        for span in labels.spans.iter().filter(|span| span.end != UNKNOWN) {
            // Spans of one start follow each other, the latest end last.
            if labels.times.last() == Some(&span.start) {
                labels.ends.pop();
            } else {
                labels.times.push(span.start);
            }
            labels.ends.push(span.end);
        }
        let latest = labels.times.iter().zip(&labels.ends);
        labels.reaches = latest.map(|(&start, &end)| reach(start, end)).collect();
        labels
    }

    /// The positions that have a label, ascending.
    pub fn times(&self) -> &[u32] {
        &self.times
    }

    /// All spans, ascending by start, then by end.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The spans that start from `first` to `last`.
    pub fn spans_from(&self, first: u32, last: u32) -> &[Span] {
        let from = self.spans.partition_point(|span| span.start < first);
        let to = self.spans.partition_point(|span| span.start <= last);
        &self.spans[from..to.max(from)]
    }

    /// The latest end of the labels that start from `first` to `last`, and the
    /// last position of their embargo.
    pub fn latest(&self, first: u32, last: u32) -> (u32, u32) {
        let from = self.times.partition_point(|&time| time < first);
        let to = self.times.partition_point(|&time| time <= last).max(from);
        let most = |of: &[u32]| of[from..to].iter().copied().fold(last, u32::max);
        let end = most(&self.ends);
        (end, most(&self.reaches).max(end))
    }
}

/// A row for [`Labels::new`].
pub fn packed(start: u32, end: u32) -> u64 {
    u64::from(start) << 32 | u64::from(end)
}

#[cfg(test)]
mod tests {
    use super::{Labels, UNKNOWN, packed};

    #[test]
    fn rows_of_one_span_are_counted_and_unknown_ends_are_no_times() {
        let rows = [(2, 3), (1, 2), (2, 5), (1, 2), (3, UNKNOWN), (1, UNKNOWN)];
        let rows = rows.map(|(start, end)| packed(start, end)).to_vec();
        let labels = Labels::new(rows, |_, end| end + 1);
        let found: Vec<_> = labels
            .spans()
            .iter()
            .map(|s| (s.start, s.end, s.rows))
            .collect();
        assert_eq!(
            found,
            [(1, 0, 1), (1, 2, 2), (2, 3, 1), (2, 5, 1), (3, 0, 1)]
        );
        assert_eq!(labels.times(), [1, 2]);
        assert_eq!(labels.latest(1, 1), (2, 3));
        assert_eq!(labels.latest(1, 2), (5, 6));
        assert_eq!(labels.spans_from(2, 2).len(), 2);
        assert!(labels.spans_from(4, 9).is_empty());
    }
}
