//! Boruta: Kursa and Rudnicki, "Feature selection with the Boruta package",
//! Journal of Statistical Software 36 (2010).

use rayon::prelude::*;

use super::bins::equal_frequency;
use super::{Sample, Verdict};
use crate::statistics::distributions::incomplete_beta;
use crate::statistics::random::Random;
use crate::statistics::shadow_forest::Importance;

/// Bins of a column, beside the one of missing values.
const BINS: u8 = 254;
/// A maximum over fewer shadows is too easy to beat.
const LEAST_SHADOWS: usize = 5;
const CRITERION: &str = "hits";

/// How candidates are tested.
#[derive(Debug, Clone, Copy)]
pub struct Boruta {
    /// Iterations, at most.
    pub iterations: usize,
    /// The level of the tests.
    pub significance: f64,
    /// Rows that stay together in a shadow.
    pub block: usize,
    /// Of shadows and models.
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Tentative,
    Accepted,
    Rejected,
}

struct Candidate {
    feature: usize,
    bins: Vec<u8>,
    decision: Decision,
    hits: usize,
    /// Iterations until it was rejected.
    rounds: usize,
    importance: f64,
}

impl Boruta {
    /// In each iteration a model sees the candidates that are not rejected and
    /// a shuffled copy of each. A candidate that beats the best shadow has a
    /// hit, which chance gives every other time at most. Candidates are
    /// decided where the binomial tail is small by Benjamini and Hochberg across
    /// candidates and by `significance` / iteration within one.
    pub fn select(&self, sample: &Sample<'_>, model: &dyn Importance) -> Vec<Verdict> {
        let rows = sample.rows.len();
        let none = |status: &str| Verdict::without(CRITERION, rows, status);
        let count = sample.columns.len();
        if let Some(status) = sample.hopeless() {
            return (0..count).map(|_| none(status)).collect();
        }
        if rows < 2 * self.block {
            let status = "too few rows to shuffle in blocks";
            return (0..count).map(|_| none(status)).collect();
        }
        let mut verdicts: Vec<Verdict> = (0..count)
            .into_par_iter()
            .map(|i| {
                none(if sample.present(i) == 0 {
                    "no value"
                } else {
                    "constant"
                })
            })
            .collect();
        let mut candidates: Vec<Candidate> = (0..count)
            .into_par_iter()
            .filter(|&i| !sample.is_constant(i))
            .map(|feature| Candidate {
                feature,
                bins: equal_frequency(sample.values(feature), BINS),
                decision: Decision::Tentative,
                hits: 0,
                rounds: 0,
                importance: 0.0,
            })
            .collect();
        let target: Vec<f64> = sample
            .rows
            .iter()
            .map(|&row| sample.target[row as usize])
            .collect();
        for round in 1..=self.iterations {
            if !(candidates.iter()).any(|candidate| candidate.decision == Decision::Tentative) {
                break;
            }
            self.iterate(round, sample, &target, &mut candidates, model);
            decide(&mut candidates, round, self.significance);
        }
        write(&candidates, &mut verdicts);
        verdicts
    }

    fn iterate(
        &self,
        round: usize,
        sample: &Sample<'_>,
        target: &[f64],
        candidates: &mut [Candidate],
        model: &dyn Importance,
    ) {
        let mut active: Vec<&mut Candidate> = candidates
            .iter_mut()
            .filter(|candidate| candidate.decision != Decision::Rejected)
            .collect();
        let shadows: Vec<Vec<u8>> = (0..active.len().max(LEAST_SHADOWS))
            .into_par_iter()
            .map(|i| {
                let original = &active[i % active.len()];
                let name = format!(
                    "shadow {} {}",
                    i / active.len(),
                    sample.names[original.feature]
                );
                let mut random = Random::stream(self.seed, &name, round as u64);
                shuffled(&original.bins, self.block, &mut random)
            })
            .collect();
        let columns: Vec<&[u8]> = (active.iter())
            .map(|candidate| candidate.bins.as_slice())
            .chain(shadows.iter().map(Vec::as_slice))
            .collect();
        let seed = Random::stream(self.seed, "model", round as u64).bits();
        let importance = model.importance(&columns, target, seed);
        let (real, shadow) = importance.split_at(active.len());
        let bar = shadow.iter().copied().fold(0.0, f64::max);
        for (candidate, importance) in active.iter_mut().zip(real) {
            candidate.rounds = round;
            candidate.importance += importance;
            candidate.hits += usize::from(*importance > bar);
        }
    }
}

/// The blocks of `values` in random order.
fn shuffled(values: &[u8], block: usize, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len());
    for i in random.permutation(values.len().div_ceil(block)) {
        let start = i * block;
        out.extend_from_slice(&values[start..(start + block).min(values.len())]);
    }
    out
}

fn decide(candidates: &mut [Candidate], rounds: usize, significance: f64) {
    let mut active: Vec<&mut Candidate> = candidates
        .iter_mut()
        .filter(|candidate| candidate.decision != Decision::Rejected)
        .collect();
    let often: Vec<f64> = (active.iter())
        .map(|candidate| at_least(candidate.hits, rounds))
        .collect();
    // As many misses are as likely as as many hits.
    let seldom: Vec<f64> = (active.iter())
        .map(|candidate| at_least(rounds - candidate.hits, rounds))
        .collect();
    for (p, decision) in [(often, Decision::Accepted), (seldom, Decision::Rejected)] {
        let bar = discovery_bar(&p, significance).min(significance / rounds as f64);
        for (candidate, p) in active.iter_mut().zip(p) {
            if candidate.decision == Decision::Tentative && p <= bar {
                candidate.decision = decision;
            }
        }
    }
}

/// P(X >= hits) for X ~ Binomial(rounds, 1/2).
fn at_least(hits: usize, rounds: usize) -> f64 {
    match hits {
        0 => 1.0,
        _ => incomplete_beta(hits as f64, (rounds - hits + 1) as f64, 0.5),
    }
}

/// The largest p that the procedure of Benjamini and Hochberg (1995) rejects;
/// negative if none.
fn discovery_bar(p: &[f64], level: f64) -> f64 {
    let mut sorted = p.to_vec();
    sorted.sort_by(f64::total_cmp);
    let step = level / sorted.len() as f64;
    (sorted.iter().enumerate())
        .filter(|(i, p)| **p <= (i + 1) as f64 * step)
        .fold(-1.0, |bar, (_, p)| p.max(bar))
}

fn write(candidates: &[Candidate], verdicts: &mut [Verdict]) {
    for candidate in candidates {
        let verdict = &mut verdicts[candidate.feature];
        verdict.score = Some(candidate.hits as f64 / candidate.rounds.max(1) as f64);
        verdict.status = match candidate.decision {
            Decision::Accepted => "ok",
            Decision::Rejected => "rejected: no better than shuffled copies",
            Decision::Tentative => "tentative: undecided after all iterations",
        }
        .to_owned();
    }
    let mut accepted: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| candidate.decision == Decision::Accepted)
        .collect();
    // All of these took part in every iteration.
    accepted.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    for (place, candidate) in accepted.iter().enumerate() {
        verdicts[candidate.feature].step = Some(place + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Boruta, at_least, discovery_bar};
    use crate::statistics::random::Random;
    use crate::statistics::selection::testing::{Table, close};
    use crate::statistics::shadow_forest::ShadowForest;

    const BORUTA: Boruta = Boruta {
        iterations: 100,
        significance: 0.05,
        block: 1,
        seed: 42,
    };
    const FOREST: ShadowForest = ShadowForest {
        trees: 30,
        depth: 5,
        rows: 1_000,
    };

    fn noise(name: &str, rows: usize) -> Vec<f64> {
        let mut random = Random::stream(7, name, 0);
        let mut uniform = || random.bits() as f64 / u64::MAX as f64 - 0.5;
        // Nearly normal.
        (0..rows).map(|_| (0..6).map(|_| uniform()).sum()).collect()
    }

    /// Each value remembers `memory` of the one before.
    fn autocorrelated(name: &str, rows: usize, memory: f64) -> Vec<f64> {
        let mut last = 0.0;
        noise(name, rows)
            .into_iter()
            .map(|step| {
                last = memory * last + step;
                last
            })
            .collect()
    }

    /// Three features make the target, twelve do not.
    fn planted(rows: usize) -> Table {
        let column = |name: &'static str| (name, noise(name, rows));
        let columns: Vec<_> = "n1 x1 n2 x2 n3 x3 n4 n5 n6 n7 n8 n9 n10 n11 n12"
            .split(' ')
            .map(column)
            .collect();
        let rest = noise("rest", rows);
        let target = (0..rows)
            .map(|i| {
                let x = |place: usize| columns[place].1[i];
                x(1) + 1.2 * x(3) * x(5) + 0.8 * x(5) + 0.5 * x(3) + rest[i]
            })
            .collect();
        Table::new(columns, target, 1.0)
    }

    #[test]
    fn planted_features_are_found_and_noise_is_rejected() {
        let mut table = planted(1_000);
        table.add("flat", vec![0.1; 1_000]);
        for (i, value) in table.columns[1].iter_mut().enumerate() {
            *value = if i % 10 == 3 { f64::NAN } else { *value };
        }
        let found = BORUTA.select(&table.sample(), &FOREST);
        let order = table.order(&found);
        let (selected, others) = order.split_once(" | ").unwrap();
        let mut selected: Vec<&str> = selected.split(' ').collect();
        selected.sort_unstable();
        assert_eq!(selected, ["x1", "x2", "x3"], "{found:#?}");
        assert_eq!(others, "n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 n12 flat");
        // What happens to follow the target in these rows stays undecided.
        let rejected = found.iter().filter(|v| v.status.starts_with("rejected"));
        assert!(rejected.count() >= 10);
        assert_eq!((&*found[15].status, found[15].score), ("constant", None));
    }

    #[test]
    fn threads_do_not_matter() {
        let table = planted(300);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| BORUTA.select(&table.sample(), &FOREST))
        };
        assert_eq!(run(1), run(3));
    }

    /// Features and target wander on their own. Shadows that are shuffled row
    /// by row do not wander, so the forest prefers the features to them.
    #[test]
    fn autocorrelated_noise_needs_blocks() {
        let rows = 2_000;
        let columns = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(|name| (name, autocorrelated(name, rows, 0.98)));
        let table = Table::new(columns.into(), autocorrelated("y", rows, 0.98), 1.0);
        let selected = |block| {
            let boruta = Boruta { block, ..BORUTA };
            let found = boruta.select(&table.sample(), &FOREST);
            found
                .iter()
                .filter(|verdict| verdict.step.is_some())
                .count()
        };
        assert!(selected(1) >= 6, "{}", selected(1));
        assert_eq!(selected(200), 0);
    }

    #[test]
    fn nothing_to_shuffle_has_a_status() {
        let mut table = planted(100);
        let boruta = Boruta {
            block: 51,
            ..BORUTA
        };
        let found = boruta.select(&table.sample(), &FOREST);
        assert_eq!(found[0].status, "too few rows to shuffle in blocks");
        table.target = vec![2.0; 100];
        let found = BORUTA.select(&table.sample(), &FOREST);
        assert_eq!(found[0].status, "constant target");
    }

    /// scipy.stats.binom.sf(h - 1, n, 0.5) and
    /// statsmodels.stats.multitest.multipletests(p, 0.05, 'fdr_bh'), SciPy
    /// 1.17.1 and statsmodels 0.15.
    #[test]
    fn tests_agree_with_scipy_and_statsmodels() {
        close(
            &[at_least(0, 9), at_least(9, 9), at_least(15, 20)],
            &[1.0, 0.001_953_125, 0.020_694_732_666_015_625],
        );
        let p = [0.3, 0.001, 0.029, 0.012, 0.6];
        assert_eq!(discovery_bar(&p, 0.05), 0.029);
        assert_eq!(discovery_bar(&[0.3, 0.04], 0.05), -1.0);
    }
}
