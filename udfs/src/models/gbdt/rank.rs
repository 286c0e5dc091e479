//! LambdaRank (Burges 2010, "From RankNet to LambdaRank to LambdaMART"): rows of
//! a group are put in order.

use rayon::prelude::*;

use super::rows::Hashes;

/// Pairs count whose better placed row is among this many.
const TRUNCATION: usize = 30;
/// Grades of targets that are not grades themselves.
const GRADES: usize = 5;
/// The highest grade, whose gain `2^grade - 1` is exact.
const MOST: f64 = 31.0;

/// Rows by group, with a grade each.
#[derive(Debug)]
pub(super) struct Groups(Vec<Group>);

#[derive(Debug)]
struct Group {
    rows: Vec<u32>,
    /// `2^grade - 1` of each row.
    gains: Vec<f64>,
    /// The discounted gain of the best order, of the first [`TRUNCATION`].
    ideal: f64,
}

fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

impl Groups {
    /// Groups `rows` by equal times. Targets that are whole numbers from 0 to 31
    /// are grades; others are graded by fifths of their group, 0 to 4.
    pub fn of(rows: &[u32], times: &[f64], target: &[f64], hashes: &Hashes) -> Self {
        let is_grade = |row: &u32| {
            let y = target[*row as usize];
            y.fract() == 0.0 && (0.0..=MOST).contains(&y)
        };
        let are_grades = rows.iter().all(is_grade);
        let mut sorted = rows.to_vec();
        // Whatever order the rows came in, this is the order of their contents.
        sorted.sort_unstable_by(|&a, &b| {
            let (x, y) = (a as usize, b as usize);
            times[x]
                .total_cmp(&times[y])
                .then(target[x].total_cmp(&target[y]))
                .then(hashes.get(a).cmp(&hashes.get(b)))
        });
        let groups = sorted
            .chunk_by(|&a, &b| times[a as usize] == times[b as usize])
            .map(|rows| {
                let mut gains: Vec<f64> = if are_grades {
                    rows.iter().map(|&row| target[row as usize]).collect()
                } else {
                    fifths(rows, target)
                };
                for gain in &mut gains {
                    *gain = gain.exp2() - 1.0;
                }
                let best = gains.iter().rev().take(TRUNCATION).enumerate();
                let ideal = best.map(|(place, gain)| gain * discount(place)).sum();
                Group {
                    rows: rows.to_vec(),
                    gains,
                    ideal,
                }
            })
            .collect();
        Self(groups)
    }

    /// Fills in the derivatives of the rows of all groups.
    pub fn derive(&self, scores: &[f64], first: &mut [f64], second: &mut [f64]) {
        let derived: Vec<Vec<(f64, f64)>> = self
            .0
            .par_iter()
            .map(|group| group.derive(scores))
            .collect();
        for (group, derived) in self.0.iter().zip(derived) {
            for (&row, (a, b)) in group.rows.iter().zip(derived) {
                first[row as usize] = a;
                second[row as usize] = b;
            }
        }
    }

    /// The mean over groups of the discounted gain against that of the best order.
    pub fn mean_ndcg(&self, scores: &[f64]) -> f64 {
        let each: Vec<f64> = self.0.par_iter().map(|group| group.ndcg(scores)).collect();
        super::fixed::exact_sum(each.iter().copied()) / each.len().max(1) as f64
    }
}

/// Equal targets share a grade: that of their middle rank. `rows` ascend by target.
fn fifths(rows: &[u32], target: &[f64]) -> Vec<f64> {
    let mut grades = Vec::with_capacity(rows.len());
    for equal in rows.chunk_by(|&a, &b| target[a as usize] == target[b as usize]) {
        let middle = grades.len() as f64 + (equal.len() - 1) as f64 / 2.0;
        let grade = (GRADES as f64 * (middle + 0.5) / rows.len() as f64).floor();
        grades.extend(std::iter::repeat_n(
            grade.min(GRADES as f64 - 1.0),
            equal.len(),
        ));
    }
    grades
}

impl Group {
    /// The members by score, the best first; of equals in the order of contents.
    fn ranked(&self, scores: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let score = |member: usize| scores[self.rows[member] as usize];
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        order
    }

    fn ndcg(&self, scores: &[f64]) -> f64 {
        if self.ideal == 0.0 {
            return 1.0;
        }
        let ranked = self.ranked(scores);
        let places = ranked.iter().take(TRUNCATION).enumerate();
        let gain: f64 = places
            .map(|(place, &member)| self.gains[member] * discount(place))
            .sum();
        gain / self.ideal
    }

    fn derive(&self, scores: &[f64]) -> Vec<(f64, f64)> {
        let mut derived = vec![(0.0, 0.0); self.rows.len()];
        if self.ideal == 0.0 {
            return derived;
        }
        let ranked = self.ranked(scores);
        let score = |member: usize| scores[self.rows[member] as usize];
        let spread = match (ranked.first(), ranked.last()) {
            (Some(&best), Some(&worst)) => score(best) - score(worst),
            _ => 0.0,
        };
        let mut total = 0.0;
        for (place, &a) in ranked.iter().enumerate().take(TRUNCATION) {
            for (other, &b) in ranked.iter().enumerate().skip(place + 1) {
                if self.gains[a] == self.gains[b] {
                    continue;
                }
                let (high, low) = if self.gains[a] > self.gains[b] {
                    (a, b)
                } else {
                    (b, a)
                };
                let apart = score(high) - score(low);
                let mut change = (self.gains[high] - self.gains[low])
                    * (discount(place) - discount(other)).abs()
                    / self.ideal;
                // Pairs that are already far apart move the metric less.
                if spread > 0.0 {
                    change /= 0.01 + apart.abs();
                }
                let p = 1.0 / (1.0 + apart.exp());
                let (lambda, curve) = (change * p, change * p * (1.0 - p));
                derived[high].0 -= lambda;
                derived[low].0 += lambda;
                derived[high].1 += curve;
                derived[low].1 += curve;
                total += 2.0 * lambda;
            }
        }
        if total > 0.0 {
            let factor = (1.0 + total).log2() / total;
            for (first, second) in &mut derived {
                *first *= factor;
                *second *= factor;
            }
        }
        derived
    }
}
