//! The replay: features are recomputed on data that ends at T, for many T, and
//! every row up to T must have the value that it has on all data.
//!
//! - [`scratch`]: the tables that are recomputed, on either engine, in a database that
//!   ends with the replay; the user's own is only read.
//! - [`compare`]: two computations, row by row.
//! - [`said`]: what is said about it.
//!
//! What a feature needs of the past is measured first, by taking the beginning of the
//! data away: that is the warm-up report. Where it is bounded, each end recomputes
//! only the rows since the end before it, on so much of the past as they need: less
//! data, so that a row that comes out right proves the same and more. A row that does
//! not is computed again on all data up to its end before it counts.

mod compare;
mod said;
mod scratch;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::compare::{Kept, Rows};
pub use self::said::Replayed;
use self::said::{Ahead, Difference, Warmup, shown};
use self::scratch::Scratch;
use crate::commands::answer::threads;
use crate::engines::Choice;
use crate::error::Result;
use crate::guard::Report;
use crate::parameters::Step;
use crate::settings::Settings;

/// Of the ends and entities that are drawn.
const SEED: u64 = 42;
/// How often the end is moved to see how far differences look ahead.
const MOVES: usize = 24;
/// Missing rows stand for this column.
const ROW: &str = "(the row)";

/// What a replay tries.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// How many ends of the data.
    pub cuts: usize,
    /// How many entities; all if `None`.
    pub sample: Option<usize>,
}

/// Recomputes the features of the plan of `report`.
///
/// # Errors
/// What the engine says: a table that is not there, a statement that fails.
pub fn replay(
    steps: &[Step],
    report: &Report,
    choice: &Choice,
    settings: &Settings,
    extent: Extent,
) -> Result<Replayed> {
    let mut replayed = Replayed {
        tables: report.plan.tables.clone(),
        ..Replayed::default()
    };
    replayed.notices.extend(report.plan.trained.iter().map(|column| {
        format!("{column} holds a statistic of the training rows, known at their end, and is not compared")
    }));
    if report.plan.tables.is_empty() {
        return Ok(replayed);
    }
    let runtime = threads()?;
    runtime.block_on(async {
        let scratch = Scratch::open(steps, report, choice, settings, &mut replayed.notices).await?;
        let mut replay = Replay {
            scratch,
            kept: Vec::new(),
            times: Vec::new(),
            ahead: report.plan.ahead,
            compared: vec![0; report.plan.tables.len()],
            replayed: &mut replayed,
        };
        replay.run(extent).await
    })?;
    Ok(replayed)
}

struct Replay<'a> {
    scratch: Scratch<'a>,
    /// The tables as they are on all data.
    kept: Vec<Kept>,
    /// The times of the rows, in order.
    times: Vec<String>,
    /// How many rows ahead a target looks.
    ahead: i64,
    /// Rows of each table that were compared.
    compared: Vec<u64>,
    replayed: &'a mut Replayed,
}

/// A column that differs, and the first row in which it does.
struct Witness {
    table: usize,
    /// `None`: the row itself is missing.
    column: Option<usize>,
    keys: Vec<String>,
    time: String,
    with: Option<String>,
    without: Option<String>,
    /// Rows that differ, at all ends.
    count: u64,
    end: String,
    /// It differs on data that ends at the first of these times, and not on data that
    /// ends at the second.
    between: (usize, usize),
}

impl Replay<'_> {
    async fn run(&mut self, extent: Extent) -> Result<()> {
        if let Some(count) = extent.sample {
            self.scratch
                .sample(count, &mut self.replayed.notices)
                .await?;
        }
        self.scratch.compute(None, None).await?;
        let plan = self.replayed.tables.clone();
        for (i, planned) in plan.iter().enumerate() {
            let kept = Kept::of(&mut self.scratch, i, planned, &mut self.replayed.notices).await?;
            self.kept.push(kept);
        }
        let mut starts: Vec<usize> = Vec::new();
        for kept in &self.kept {
            let times = kept.times(&mut self.scratch).await?;
            if times.len() > self.times.len() {
                self.times = times;
            }
        }
        if self.times.len() < 2 {
            self.replayed
                .notices
                .push("fewer than two times: there is nothing to cut".to_owned());
            return Ok(());
        }
        for kept in &self.kept {
            for time in kept.starts(&mut self.scratch).await? {
                starts.extend(self.times.iter().position(|known| *known == time));
            }
        }
        let needed = self.warm_up().await?;
        let mut witnesses: Vec<Witness> = Vec::new();
        let mut history = needed;
        let mut before: Option<usize> = None;
        for end in ends(self.times.len(), extent.cuts, &starts) {
            let mut found;
            let sliced = history.map(|steps| before.map_or(0, |b| (b + 1).saturating_sub(steps)));
            // Worth it if it leaves something out.
            if let Some(start) = sliced.filter(|start| *start > 0) {
                self.compute(Some(start), Some(end)).await?;
                found = self.differences(before, end).await?;
                if !found.is_empty() {
                    // Either a row sees the future, or it needs more of the past.
                    self.compute(None, Some(end)).await?;
                    found = self.differences(before, end).await?;
                    if found.is_empty() {
                        history = history.map(|steps| 2 * steps);
                    }
                }
            } else {
                self.compute(None, Some(end)).await?;
                let rows = if history.is_some() { before } else { None };
                found = self.differences(rows, end).await?;
            }
            for witness in found {
                let known = witnesses
                    .iter_mut()
                    .find(|known| known.table == witness.table && known.column == witness.column);
                match known {
                    Some(known) => known.count += witness.count,
                    None => witnesses.push(witness),
                }
            }
            self.replayed.cuts += 1;
            before = Some(end);
        }
        if !witnesses.is_empty() {
            self.measure(&mut witnesses).await?;
            self.control(&mut witnesses).await?;
        }
        self.tell(witnesses);
        Ok(())
    }

    async fn compute(&mut self, start: Option<usize>, end: Option<usize>) -> Result<()> {
        let time = |i: usize| self.times.get(i).map(String::as_str);
        let (start, end) = (start.and_then(time), end.and_then(time));
        self.replayed.computed += 1;
        self.scratch.compute(start, end).await
    }

    /// Which columns change when the beginning of the data is taken away, and for how
    /// long. Returns how many times of the past every row needs; `None` if that has no
    /// bound.
    async fn warm_up(&mut self) -> Result<Option<usize>> {
        let count = self.times.len();
        // The last quarter shows most; where it is too short, three quarters do.
        for start in [count - count / 4, count / 4] {
            if start == 0 || start >= count {
                continue;
            }
            self.warm_up_from(start).await?;
            let steps: Option<Vec<usize>> = self.replayed.warmups.iter().map(|w| w.steps).collect();
            if let Some(steps) = steps {
                let most = steps.into_iter().max().unwrap_or(0);
                // An entity may lack rows at some times.
                return Ok(Some(most + most / 4 + 2));
            }
        }
        Ok(None)
    }

    async fn warm_up_from(&mut self, start: usize) -> Result<()> {
        let count = self.times.len();
        self.compute(Some(start), None).await?;
        self.replayed.warmups.clear();
        let rows = Rows {
            from: self.times.get(start).cloned(),
            ..Rows::default()
        };
        for (i, kept) in self.kept.iter().enumerate() {
            let compared = kept.compare(&mut self.scratch, &rows).await?;
            let labels = kept.columns.iter().map(|column| column.label.as_str());
            let lasts = compared.last.iter();
            let gone = compared.last_missing.as_ref().map(|last| (ROW, last));
            let changed = labels
                .zip(lasts)
                .filter_map(|(l, last)| Some((l, last.as_ref()?)));
            for (label, last) in gone.into_iter().chain(changed) {
                let Some(at) = self.times.iter().position(|time| time == last) else {
                    continue;
                };
                let steps = at + 1 - start;
                // Otherwise it still differs at the end of the data, or near it.
                let settles = steps + steps / 4 < count - start;
                self.replayed.warmups.push(Warmup {
                    table: self.replayed.tables[i].table.clone(),
                    column: label.to_owned(),
                    steps: settles.then_some(steps),
                });
            }
        }
        Ok(())
    }

    /// The first row of every column that differs among the rows after `before` and up
    /// to `end`.
    async fn differences(&mut self, before: Option<usize>, end: usize) -> Result<Vec<Witness>> {
        let time = |i: usize| self.times.get(i).cloned();
        let mut rows = Rows {
            after: before.and_then(time),
            upto: time(end),
            ..Rows::default()
        };
        // Rows that have no target at the end of the data may be left out there.
        let ahead = usize::try_from(self.ahead).unwrap_or(usize::MAX);
        rows.complete = end.checked_sub(ahead).and_then(time);
        let mut witnesses = Vec::new();
        for (i, kept) in self.kept.iter().enumerate() {
            let compared = kept.compare(&mut self.scratch, &rows).await?;
            self.replayed.values += compared.rows * kept.columns.len() as u64;
            self.compared[i] += compared.rows;
            let mut differing: Vec<(Option<usize>, u64)> = Vec::new();
            if compared.missing > 0 {
                differing.push((None, compared.missing));
            }
            for (j, count) in compared.differing.iter().enumerate() {
                if *count > 0 {
                    differing.push((Some(j), *count));
                }
            }
            for (column, count) in differing {
                let first = kept.first(&mut self.scratch, column, &rows).await?;
                let Some(first) = first else { continue };
                witnesses.push(Witness {
                    table: i,
                    column,
                    keys: first.keys,
                    time: first.time,
                    with: first.with,
                    without: first.without,
                    count,
                    end: self.times[end].clone(),
                    between: (end, self.times.len() - 1),
                });
            }
        }
        Ok(witnesses)
    }

    /// Moves the end to see how far each difference looks ahead.
    async fn measure(&mut self, witnesses: &mut [Witness]) -> Result<()> {
        let mut step = 1;
        for _ in 0..MOVES {
            let open = witnesses
                .iter()
                .filter(|w| w.column.is_some())
                .map(|w| w.between)
                .find(|(differs, same)| same - differs > 1);
            let Some((differs, same)) = open else { break };
            let middle = differs.midpoint(same);
            // Most look only a few rows ahead.
            let end = middle.min(differs + step).max(differs + 1);
            step *= 2;
            self.compute(None, Some(end)).await?;
            for witness in witnesses.iter_mut() {
                let (differs, same) = witness.between;
                let Some(column) = witness.column.filter(|_| differs < end && end < same) else {
                    continue;
                };
                let kept = &self.kept[witness.table];
                let keys = &witness.keys;
                if kept
                    .differs(&mut self.scratch, column, keys, &witness.time)
                    .await?
                {
                    witness.between.0 = end;
                } else {
                    witness.between.1 = end;
                    step = 1;
                }
            }
        }
        Ok(())
    }

    /// Computes all data once more: what differs now is another value at every run.
    async fn control(&mut self, witnesses: &mut Vec<Witness>) -> Result<()> {
        self.compute(None, None).await?;
        for (i, kept) in self.kept.iter().enumerate() {
            let compared = kept.compare(&mut self.scratch, &Rows::default()).await?;
            for (j, column) in kept.columns.iter().enumerate() {
                if compared.differing[j] == 0 {
                    continue;
                }
                witnesses.retain(|w| !(w.table == i && w.column == Some(j)));
                self.replayed
                    .changing
                    .push((self.replayed.tables[i].table.clone(), column.label.clone()));
            }
        }
        Ok(())
    }

    fn tell(&mut self, witnesses: Vec<Witness>) {
        for witness in witnesses {
            let at = self.times.iter().position(|time| *time == witness.time);
            let at = at.unwrap_or(witness.between.0);
            let (differs, same) = witness.between;
            let ahead = if witness.column.is_none() {
                Ahead::Unknown
            } else if same - differs > 1 {
                Ahead::AtLeast(differs + 1 - at.min(differs))
            } else if same + 1 == self.times.len() && same - at > 1 {
                Ahead::End
            } else {
                Ahead::Exactly(same - at.min(same))
            };
            let mut row = vec![witness.time];
            row.extend(witness.keys);
            let kept = &self.kept[witness.table];
            self.replayed.differences.push(Difference {
                table: self.replayed.tables[witness.table].table.clone(),
                column: witness
                    .column
                    .map_or_else(|| ROW.to_owned(), |j| kept.columns[j].label.clone()),
                row: row.join(", "),
                with: shown(witness.with),
                without: shown(witness.without),
                ahead,
                share: witness.count as f64 / self.compared[witness.table].max(1) as f64,
                end: witness.end,
            });
        }
    }
}

/// Numbers of the times at which the data ends: even ones, drawn ones, and the first
/// of some entities, in order.
fn ends(times: usize, count: usize, starts: &[usize]) -> Vec<usize> {
    let mut ends = BTreeSet::new();
    let count = count.max(1);
    let even = count.div_ceil(2);
    for k in 1..=even {
        ends.insert((k * times / (even + 1)).min(times - 2));
    }
    for start in starts.iter().take(count / 4) {
        ends.insert((*start).min(times - 2));
    }
    let mut draw = Draw(SEED);
    // Of few times, some are drawn twice.
    for _ in 0..4 * count {
        if ends.len() >= count {
            break;
        }
        ends.insert(draw.below(times - 1));
    }
    ends.into_iter().collect()
}

/// Random numbers: splitmix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}
