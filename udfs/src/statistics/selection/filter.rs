//! A chain of filters, each of which drops some of the candidates left.

use rayon::prelude::*;

use super::relations::{by_relevance, cross_moments_of, relevances};
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
            let all = self.sample.rows.len();
            let share = (all - rows) as f64 / all as f64;
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
            cross_moments_of(&columns, &self.sample.rows).map_err(|refusal| match refusal {
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

#[cfg(test)]
mod tests {
    use super::{Limits, select};
    use crate::statistics::selection::testing::{Table, close};

    const LIMITS: Limits = Limits {
        missing: 0.35,
        correlation: 0.8,
        k: 2,
    };

    fn table() -> Table {
        let mut table = Table::reference(300, 1.0);
        let gaps = |from: usize| (0..300).map(move |i| if i < from { f64::NAN } else { i as f64 });
        table.add("few", gaps(106).collect());
        table.add("enough", gaps(105).map(|x| x % 7.0).collect());
        table.add("flat", vec![0.1; 300]);
        table.add("gone", vec![f64::NAN; 300]);
        table.add("again", table.columns[7].clone());
        table
    }

    /// Correlations of tests/python/select_features_reference.py (NumPy 2.4.6).
    #[test]
    fn a_chain_in_order() {
        let table = table();
        let chain = ["missing", "constant", "duplicate", "correlation"];
        let found = select(&table.sample(), &chain, &LIMITS).unwrap();
        let dropped: Vec<(&str, &str, Option<usize>)> = (found.iter().zip(&table.names))
            .filter(|(verdict, _)| verdict.step.is_none())
            .map(|(verdict, name)| (name.as_str(), verdict.criterion, verdict.redundant_with))
            .collect();
        assert_eq!(
            dropped,
            [
                ("a", "correlation", Some(3)),
                ("few", "missing", None),
                ("flat", "constant", None),
                ("gone", "missing", None),
                ("again", "duplicate", Some(7)),
            ]
        );
        close(
            &[0, 1, 2, 3, 4, 5].map(|i| found[i].score.unwrap()),
            &[
                0.940_775_879_957_339_7,
                0.348_278_511_517_085_17,
                0.176_881_114_375_044_28,
                0.800_599_487_058_617_7,
                0.033_206_408_135_704_64,
                0.095_071_165_077_168_16,
            ],
        );
        assert_eq!((found[3].step, found[1].step), (Some(1), Some(2)));
        assert_eq!((found[7].rows, found[6].score), (195, Some(106.0 / 300.0)));
    }

    #[test]
    fn the_most_relevant() {
        let table = table();
        let found = select(&table.sample(), &["correlation", "relevance"], &LIMITS).unwrap();
        assert!(table.order(&found).starts_with("d b | "));
        assert_eq!(found[2].status, "beyond the k most relevant");
        // Without a correlation there is nothing to drop it for but that.
        assert_eq!(found[8].score, None);
    }

    #[test]
    fn a_constant_target_and_no_rows() {
        let mut table = table();
        table.target = vec![1.0; 300];
        let found = select(&table.sample(), &["missing", "correlation"], &LIMITS).unwrap();
        // None is more relevant: the first stays.
        assert_eq!((found[0].step, found[3].redundant_with), (Some(1), Some(0)));
        let mut sample = table.sample();
        sample.rows.clear();
        let found = select(&sample, &["missing"], &LIMITS).unwrap();
        assert!(
            found
                .iter()
                .all(|v| v.step.is_none() && v.status == "no rows")
        );
    }
}
