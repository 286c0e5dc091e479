//! A chain of filters, each of which drops some of the candidates left.

use rayon::prelude::*;

use super::relations::{by_relevance, cross_moments, relevances};
use super::{Refusal, Sample, Verdict};

/// The filters by name.
pub const NAMES: &[&str] = &[
    "missing",
    "constant",
    "duplicate",
    "correlation",
    "relevance",
];

/// What the filters drop.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `missing`: a larger share of missing values.
    pub missing: f64,
    /// `correlation`: a larger |r| with a more relevant one.
    pub correlation: f64,
    /// `relevance`: all but this many.
    pub k: usize,
}

/// Passes the candidates through `filters`, of [`NAMES`], in their order. What
/// is left is ordered by |r| with the target.
pub fn select(
    sample: &Sample<'_>,
    filters: &[&str],
    limits: &Limits,
) -> Result<Vec<Verdict>, Refusal> {
    let count = sample.columns.len();
    let rows: Vec<usize> = (0..count)
        .into_par_iter()
        .map(|i| sample.present(i))
        .collect();
    if sample.rows.is_empty() {
        let none = |_| Verdict::without("filter", 0, "no rows");
        return Ok((0..count).map(none).collect());
    }
    let relevance = relevances(sample);
    let mut chain = Chain {
        sample,
        limits,
        relevance: &relevance,
        left: (0..count).collect(),
        verdicts: (0..count)
            .map(|i| Verdict {
                score: relevance[i],
                ..Verdict::without("relevance", rows[i], "ok")
            })
            .collect(),
    };
    for &filter in filters {
        match filter {
            "missing" => chain.missing(),
            "constant" => chain.constant(),
            "duplicate" => chain.duplicate(),
            "correlation" => chain.correlation()?,
            _ => chain.relevance(),
        }
    }
    let Chain {
        left, mut verdicts, ..
    } = chain;
    for (place, i) in by_relevance(&left, &relevance).into_iter().enumerate() {
        verdicts[i].step = Some(place + 1);
    }
    Ok(verdicts)
}

struct Chain<'a> {
    sample: &'a Sample<'a>,
    limits: &'a Limits,
    relevance: &'a [Option<f64>],
    /// In the order of the candidates.
    left: Vec<usize>,
    verdicts: Vec<Verdict>,
}

impl Chain<'_> {
    fn drop(&mut self, i: usize, verdict: Verdict) {
        self.left.retain(|&other| other != i);
        self.verdicts[i] = verdict;
    }

    fn missing(&mut self) {
        for i in self.left.clone() {
            let rows = self.verdicts[i].rows;
            let share = 1.0 - rows as f64 / self.sample.rows.len() as f64;
            if share > self.limits.missing {
                let verdict = Verdict {
                    score: Some(share),
                    ..Verdict::without("missing", rows, "missing in too many rows")
                };
                self.drop(i, verdict);
            }
        }
    }

    fn constant(&mut self) {
        let sample = self.sample;
        let constant: Vec<usize> = (self.left.par_iter().copied())
            .filter(|&i| sample.is_constant(i))
            .collect();
        for i in constant {
            let rows = self.verdicts[i].rows;
            let verdict = match rows {
                0 => Verdict::without("constant", 0, "no value"),
                _ => Verdict {
                    score: Some(0.0),
                    ..Verdict::without("constant", rows, "constant")
                },
            };
            self.drop(i, verdict);
        }
    }

    fn duplicate(&mut self) {
        let sample = self.sample;
        let mut prints: Vec<(u64, usize)> = self
            .left
            .par_iter()
            .map(|&i| (fingerprint(sample.values(i)), i))
            .collect();
        prints.sort_unstable();
        let mut dropped: Vec<(usize, usize)> = Vec::new();
        for same in prints.chunk_by(|a, b| a.0 == b.0) {
            // Nearly always one, or all of them the same.
            let mut kept: Vec<usize> = Vec::new();
            for &(_, i) in same {
                match kept.iter().find(|&&first| equal(sample, first, i)) {
                    Some(&first) => dropped.push((i, first)),
                    None => kept.push(i),
                }
            }
        }
        for (i, first) in dropped {
            let verdict = Verdict {
                score: Some(1.0),
                redundant_with: Some(first),
                ..Verdict::without("duplicate", self.verdicts[i].rows, "same values")
            };
            self.drop(i, verdict);
        }
    }

    fn correlation(&mut self) -> Result<(), Refusal> {
        let order = by_relevance(&self.left, self.relevance);
        let columns: Vec<&[f64]> = order.iter().map(|&i| self.sample.columns[i]).collect();
        let moments =
            cross_moments(&columns, &self.sample.rows).map_err(|refusal| match refusal {
                Refusal::Infinite(place) => Refusal::Infinite(order[place]),
                other => other,
            })?;
        let mut anchors: Vec<usize> = Vec::new();
        for (place, &i) in order.iter().enumerate() {
            let strength = |&anchor: &usize| {
                let r = moments.pair(place, anchor).correlation()?.abs();
                (r > self.limits.correlation).then_some((r, anchor))
            };
            match anchors.iter().find_map(strength) {
                None => anchors.push(place),
                Some((r, anchor)) => {
                    let verdict = Verdict {
                        score: Some(r),
                        redundant_with: Some(order[anchor]),
                        ..Verdict::without(
                            "correlation",
                            self.verdicts[i].rows,
                            "correlated with a more relevant feature",
                        )
                    };
                    self.drop(i, verdict);
                }
            }
        }
        Ok(())
    }

    fn relevance(&mut self) {
        for i in by_relevance(&self.left, self.relevance)
            .into_iter()
            .skip(self.limits.k)
        {
            let verdict = Verdict {
                status: "beyond the k most relevant".to_owned(),
                ..self.verdicts[i].clone()
            };
            self.drop(i, verdict);
        }
    }
}

/// The same for the same values: FNV-1a over words.
fn fingerprint(values: impl Iterator<Item = f64>) -> u64 {
    values.fold(0xcbf2_9ce4_8422_2325, |hash, value| {
        // All missing values are one, and so are both zeros.
        let bits = if value.is_nan() {
            u64::MAX
        } else {
            (value + 0.0).to_bits()
        };
        (hash ^ bits)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23)
    })
}

fn equal(sample: &Sample<'_>, a: usize, b: usize) -> bool {
    sample
        .values(a)
        .zip(sample.values(b))
        .all(|(a, b)| a == b || a.is_nan() && b.is_nan())
}
