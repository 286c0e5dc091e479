//! Which rows are kept when there are more than memory is for.
//!
//! Every row has a number that follows from what it holds, and the rows with the
//! least numbers are kept: the same ones however the rows arrive and whichever
//! thread sees them, since the least of all are among the least of each part.

use serde::{Deserialize, Serialize};

use crate::input::{Numbers, Rows};
use crate::statistics::column_store::{ColumnStore, StoredColumn};
use crate::statistics::cross_moments::Infinite;

/// How many rows are kept, and what their numbers follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Rows.
    pub rows: usize,
    /// Where rows of a date are kept or left out together (but for those of one
    /// date); none: every row by itself, from all its values.
    pub panel: Option<Panel>,
}

/// The columns of a panel that say which rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Numbers of dates.
    pub date: usize,
    /// Numbers of entities.
    pub entity: usize,
    /// One number in all rows: the share of the dates, by their numbers, that is
    /// looked at, which holds as many rows as are kept and some to spare. However
    /// many states there are, they keep no more than that together.
    pub share: usize,
}

/// Of rows that became too many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// A number per kept row.
    keys: Vec<u128>,
    /// As many rows as are wanted have numbers up to this one: greater ones need
    /// not be kept.
    bound: Option<u128>,
    /// The rows that were seen.
    pub seen: u64,
    /// Of each column, the values that were seen.
    pub present: Vec<u64>,
}

impl Sample {
    /// Before any row, where it is known that there are too many.
    pub fn start(limit: Limit, columns: &[&Numbers<'_>], row: usize) -> Option<Self> {
        let share = columns[limit.panel?.share].get(row)?;
        (share < 1.0).then(|| Self {
            bound: Some(u128::from((share * u64::MAX as f64) as u64) << 64 | u128::from(u64::MAX)),
            present: vec![0; columns.len()],
            ..Self::default()
        })
    }

    /// Of all rows of a store.
    fn of(store: &ColumnStore, limit: Limit) -> Self {
        let columns: Vec<StoredColumn<'_>> = (0..store.width()).map(|i| store.column(i)).collect();
        let rows = store.rows() as u32;
        let present = |column: &StoredColumn<'_>| {
            let values = (0..rows).filter(|&row| !column.at(row).is_nan());
            values.count() as u64
        };
        Self {
            keys: (0..rows)
                .map(|row| key(limit, columns.len(), |i| columns[i].at(row)))
                .collect(),
            bound: None,
            seen: u64::from(rows),
            present: columns.iter().map(present).collect(),
        }
    }

    /// Takes note of the given rows of a batch. Returns those that are to be
    /// kept.
    ///
    /// # Errors
    /// The first column with an infinity in these rows.
    fn note(
        &mut self,
        columns: &[&Numbers<'_>],
        rows: Rows<'_>,
        limit: Limit,
    ) -> Result<Vec<u32>, Infinite> {
        for (i, (column, present)) in columns.iter().zip(&mut self.present).enumerate() {
            let (mut count, mut infinite) = (0, false);
            for row in rows.iter() {
                let value = column.get(row);
                count += u64::from(value.is_some());
                infinite |= value.is_some_and(f64::is_infinite);
            }
            if infinite {
                return Err(Infinite(i));
            }
            *present += count;
        }
        self.seen += rows.len() as u64;
        let mut kept = Vec::new();
        for row in rows.iter() {
            let value = |i: usize| columns[i].get(row).unwrap_or(f64::NAN);
            let key = key(limit, columns.len(), value);
            if self.bound.is_none_or(|bound| key <= bound) {
                kept.push(row as u32);
                self.keys.push(key);
            }
        }
        Ok(kept)
    }

    /// The rows to keep of those that are kept, if these are too many.
    fn flags(&mut self, limit: Limit) -> Vec<bool> {
        let (flags, greatest) = least(&self.keys, limit.rows);
        self.bound = greatest.or(self.bound);
        flags
    }
}

/// Adds the given rows of a batch to the store, as far as they are wanted.
///
/// # Errors
/// The first column with an infinity in these rows.
pub fn add(
    sample: &mut Option<Sample>,
    store: &mut ColumnStore,
    columns: &[&Numbers<'_>],
    rows: Rows<'_>,
    limit: Limit,
) -> Result<(), Infinite> {
    match sample {
        None => {
            store.update(columns, rows)?;
            if store.rows() > limit.rows {
                let mut found = Sample::of(store, limit);
                cut(&mut found, store, limit);
                *sample = Some(found);
            }
        }
        Some(sample) => {
            let kept = sample.note(columns, rows, limit)?;
            store.update(columns, Rows::Some(&kept))?;
            // Not at every batch: what is kept is moved each time.
            if store.rows() > limit.rows.saturating_add(limit.rows / 4) {
                cut(sample, store, limit);
            }
        }
    }
    Ok(())
}

/// Adds the rows of another store.
pub fn merged(
    sample: &mut Option<Sample>,
    store: &mut ColumnStore,
    other: (&Option<Sample>, &ColumnStore),
    limit: Limit,
) {
    let (more, others) = other;
    if sample.is_none() && more.is_none() && store.rows() + others.rows() <= limit.rows {
        store.merge(others);
        return;
    }
    let mut own = sample.take().unwrap_or_else(|| Sample::of(store, limit));
    let more = more.clone().unwrap_or_else(|| Sample::of(others, limit));
    own.seen += more.seen;
    for (present, more) in own.present.iter_mut().zip(&more.present) {
        *present += more;
    }
    if own.keys.len() + more.keys.len() <= limit.rows.saturating_add(limit.rows / 4) {
        // Whole parts of both come before the rest of both.
        let (rest, more_rest) = (own.keys.split_off(store.full_rows()), others.full_rows());
        own.keys.extend(&more.keys[..more_rest]);
        own.keys.extend(rest);
        own.keys.extend(&more.keys[more_rest..]);
        store.merge(others);
        *sample = Some(own);
        return;
    }
    // Chosen before anything is copied.
    let split = own.keys.len();
    own.keys.extend(more.keys);
    let keep = own.flags(limit);
    let (of_own, of_other) = keep.split_at(split);
    store.retain(of_own);
    store.merge_some(others, of_other);
    retain(&mut own.keys, &keep);
    *sample = Some(own);
}

/// The numbers of the kept rows in the store, where it holds more.
pub fn chosen(sample: &Sample, store: &ColumnStore, limit: Limit) -> Option<Vec<u32>> {
    (store.rows() > limit.rows).then(|| {
        let (flags, _) = least(&sample.keys, limit.rows);
        let flagged = (0..).zip(flags).filter(|(_, flag)| *flag);
        flagged.map(|(row, _)| row).collect()
    })
}

fn cut(sample: &mut Sample, store: &mut ColumnStore, limit: Limit) {
    let keep = sample.flags(limit);
    store.retain(&keep);
    retain(&mut sample.keys, &keep);
}

fn retain(keys: &mut Vec<u128>, keep: &[bool]) {
    let mut flags = keep.iter();
    keys.retain(|_| flags.next().copied().unwrap_or_default());
}

/// The `count` least of the keys, and the greatest of these if there are so many.
/// Rows of one key hold the same.
fn least(keys: &[u128], count: usize) -> (Vec<bool>, Option<u128>) {
    if keys.len() < count {
        return (vec![true; keys.len()], None);
    }
    let mut ordered = keys.to_vec();
    let (below, &mut last, _) = ordered.select_nth_unstable(count.saturating_sub(1));
    let mut ties = count - below.iter().filter(|&&key| key < last).count();
    let flags = keys.iter().map(|&key| {
        let tied = key == last && ties > 0;
        ties -= usize::from(tied);
        key < last || tied
    });
    (flags.collect(), Some(last))
}

/// The number of a row whose columns hold `value`.
fn key(limit: Limit, columns: usize, value: impl Fn(usize) -> f64) -> u128 {
    let bits = |column: usize| match value(column) {
        value if value.is_nan() => u64::MAX,
        // One number for both zeros.
        value => (value + 0.0).to_bits(),
    };
    match limit.panel {
        Some(panel) => {
            let [date, entity] = [panel.date, panel.entity].map(|place| mixed(bits(place)));
            u128::from(date) << 64 | u128::from(entity)
        }
        None => {
            let mix = |hash, column| mixed(hash ^ bits(column));
            u128::from((0..columns).fold(0, mix))
        }
    }
}

/// A number that looks random and has only this origin (the finalizer of
/// SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::{Limit, Panel, Sample, add, chosen, merged};
    use crate::input::{Numbers, Rows};
    use crate::statistics::column_store::ColumnStore;

    const PANEL: Panel = Panel {
        date: 1,
        entity: 2,
        share: 3,
    };

    /// Value, date, entity, of 100 dates of 20 entities.
    fn row(i: usize) -> [f64; 3] {
        let value = if i.is_multiple_of(7) {
            f64::NAN
        } else {
            i as f64
        };
        [value, (i / 20) as f64, (i % 20) as f64]
    }

    fn of(
        rows: impl Iterator<Item = usize>,
        batch: usize,
        limit: Limit,
    ) -> (Option<Sample>, ColumnStore) {
        let rows: Vec<[f64; 3]> = rows.map(row).collect();
        let (mut sample, mut store) = (None, ColumnStore::new(3));
        for rows in rows.chunks(batch) {
            let columns: Vec<Vec<f64>> = (0..3)
                .map(|i| rows.iter().map(|row| row[i]).collect())
                .collect();
            let numbers: Vec<Numbers<'_>> = columns
                .iter()
                .map(|column| Numbers::new(column.as_slice(), None))
                .collect();
            let numbers: Vec<&Numbers<'_>> = numbers.iter().collect();
            let all = Rows::All(rows.len());
            add(&mut sample, &mut store, &numbers, all, limit).expect("nothing is infinite");
        }
        (sample, store)
    }

    /// The rows in the end, in a fixed order.
    fn end((sample, store): &(Option<Sample>, ColumnStore), limit: Limit) -> Vec<[u64; 3]> {
        let cut = sample.as_ref().and_then(|s| chosen(s, store, limit));
        let numbers = cut.unwrap_or_else(|| (0..store.rows() as u32).collect());
        let columns = [0, 1, 2].map(|i| store.column(i));
        let mut rows: Vec<[u64; 3]> = numbers
            .iter()
            .map(|&row| [0, 1, 2].map(|i| columns[i].at(row).to_bits()))
            .collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn the_same_rows_in_any_order_and_any_parts() {
        for panel in [None, Some(PANEL)] {
            let limit = Limit { rows: 150, panel };
            let all = of(0..2000, 64, limit);
            let expected = end(&all, limit);
            assert_eq!(expected.len(), 150);
            assert_eq!(end(&of((0..2000).rev(), 7, limit), limit), expected);
            let mut first = of((0..2000).filter(|i| i % 3 == 0), 11, limit);
            let second = of((0..2000).filter(|i| i % 3 > 0), 500, limit);
            merged(&mut first.0, &mut first.1, (&second.0, &second.1), limit);
            assert_eq!(end(&first, limit), expected);
            let counted =
                |sample: &Option<Sample>| sample.as_ref().map(|s| (s.seen, s.present.clone()));
            assert_eq!(counted(&first.0), counted(&all.0));
            assert_eq!(counted(&all.0), Some((2000, vec![1714, 2000, 2000])));
        }
    }

    #[test]
    fn rows_of_a_date_are_kept_together() {
        let limit = Limit {
            rows: 150,
            panel: Some(PANEL),
        };
        let (_, store) = of(0..2000, 2000, limit);
        let mut counts = [0; 100];
        for &date in &store.columns(1..2)[0] {
            counts[date as usize] += 1;
        }
        let whole = counts.iter().filter(|&&count| count == 20).count();
        assert_eq!((whole, counts.iter().sum::<i32>()), (7, 150));
    }

    /// The rows that are kept are the same where most are never looked at.
    #[test]
    fn a_share_is_all_that_is_looked_at() {
        let limit = Limit {
            rows: 150,
            panel: Some(PANEL),
        };
        let part = |rows: std::ops::Range<usize>, share: f64| {
            let columns: Vec<Vec<f64>> = (0..4)
                .map(|i| {
                    rows.clone()
                        .map(|k| if i < 3 { row(k)[i] } else { share })
                        .collect()
                })
                .collect();
            let numbers: Vec<Numbers<'_>> = columns
                .iter()
                .map(|column| Numbers::new(column.as_slice(), None))
                .collect();
            let numbers: Vec<&Numbers<'_>> = numbers.iter().collect();
            let mut sample = Sample::start(limit, &numbers, 0);
            let mut store = ColumnStore::new(4);
            let all = Rows::All(rows.len());
            add(&mut sample, &mut store, &numbers, all, limit).expect("nothing is infinite");
            (sample, store)
        };
        let without = part(0..2000, 1.0);
        let expected: Vec<[u64; 3]> = end(&without, limit);
        let (mut one, other) = (part(0..900, 0.3), part(900..2000, 0.3));
        assert!(one.1.rows() + other.1.rows() < 1000);
        merged(&mut one.0, &mut one.1, (&other.0, &other.1), limit);
        assert_eq!(end(&one, limit), expected);
        let counted = |sample: &Option<Sample>| sample.as_ref().map(|s| s.seen);
        assert_eq!(counted(&one.0), counted(&without.0));
    }

    #[test]
    fn few_rows_are_all_kept_and_equal_ones_are_bounded() {
        let limit = Limit {
            rows: 150,
            panel: None,
        };
        assert_eq!(of(0..150, 64, limit).0, None);
        let (_, store) = of(std::iter::repeat_n(5, 10_000), 64, limit);
        assert!(store.rows() <= 150 + 150 / 4);
    }
}
