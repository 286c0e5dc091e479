//! The sequential bootstrap (López de Prado, Advances in Financial Machine
//! Learning, 2018, section 4.5): labels are drawn with a chance that falls with
//! their overlap with those already drawn.

use super::uniqueness::Bars;
use crate::statistics::random::Random;

/// How often each label is drawn in `draws` draws with replacement.
///
/// A draw takes label i with a chance proportional to its average uniqueness
/// among the labels drawn so far and itself: the mean over its bars of 1 by one
/// more than the number of drawn labels that cover the bar. A draw changes that
/// only for labels it overlaps, so a draw costs what they cover, not all labels.
pub fn sequential_bootstrap(bars: &Bars, draws: usize, random: &mut Random) -> Vec<u32> {
    let labels = &bars.labels;
    let mut drawn = vec![0; labels.len()];
    if labels.is_empty() {
        return drawn;
    }
    // The latest end among the labels up to each: where an overlap may begin.
    let latest: Vec<u32> = labels
        .iter()
        .scan(0, |latest, &(_, last)| {
            *latest = last.max(*latest);
            Some(*latest)
        })
        .collect();
    let mut covering = vec![0_u32; bars.count];
    let mut chances = Chances::new(labels.len());
    for _ in 0..draws {
        let label = chances.draw(random);
        drawn[label] += 1;
        let (first, last) = labels[label];
        for count in &mut covering[first as usize..=last as usize] {
            *count += 1;
        }
        let from = latest.partition_point(|&end| end < first);
        let to = labels.partition_point(|&(start, _)| start <= last);
        for (i, &label) in (from..to).zip(&labels[from..to]) {
            if label.1 >= first {
                chances.set(i, uniqueness(label, &covering));
            }
        }
    }
    drawn
}

/// Of a label, if it were drawn next.
fn uniqueness((first, last): (u32, u32), covering: &[u32]) -> f64 {
    let bars = &covering[first as usize..=last as usize];
    let shares = bars.iter().map(|&count| 1.0 / f64::from(count + 1));
    shares.sum::<f64>() / bars.len() as f64
}

/// Chances in proportion, as a tree of sums: each node is the sum of its two
/// children, the leaves stand last.
struct Chances {
    leaves: usize,
    sums: Vec<f64>,
}

impl Chances {
    /// `count` equal chances.
    fn new(count: usize) -> Self {
        let leaves = count.next_power_of_two();
        let mut sums = vec![0.0; 2 * leaves];
        sums[leaves..leaves + count].fill(1.0);
        for node in (1..leaves).rev() {
            sums[node] = sums[2 * node] + sums[2 * node + 1];
        }
        Self { leaves, sums }
    }

    fn set(&mut self, i: usize, chance: f64) {
        let mut node = self.leaves + i;
        self.sums[node] = chance;
        while node > 1 {
            node /= 2;
            self.sums[node] = self.sums[2 * node] + self.sums[2 * node + 1];
        }
    }

    fn draw(&self, random: &mut Random) -> usize {
        // 53 bits make every double below 1 that is a multiple of 2^-53.
        let unit = (random.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rest = unit * self.sums[1];
        let mut node = 1;
        while node < self.leaves {
            let left = self.sums[2 * node];
            // Rounding may leave a rest that the right side does not have.
            let right = self.sums[2 * node + 1];
            node = if rest < left || right == 0.0 {
                2 * node
            } else {
                rest -= left;
                2 * node + 1
            };
        }
        node - self.leaves
    }
}

#[cfg(test)]
mod tests {
    use super::{Chances, sequential_bootstrap, uniqueness};
    use crate::statistics::random::Random;
    use crate::time::uniqueness::Bars;

    fn bars(labels: &[(u32, u32)], count: usize) -> Bars {
        Bars {
            count,
            labels: labels.to_vec(),
            rows: (0..labels.len() as u32).collect(),
        }
    }

    /// Section 4.5.3: after the second label is drawn, the chances of the three
    /// are 5/14, 3/14 and 6/14.
    #[test]
    fn the_chances_of_the_example_of_the_book() {
        let covering = [0, 0, 1, 1, 0, 0];
        let chances = [(0, 2), (2, 3), (4, 5)].map(|label| uniqueness(label, &covering));
        let whole: f64 = chances.iter().sum();
        for (chance, expected) in chances.iter().zip([5.0, 3.0, 6.0]) {
            assert!((chance / whole - expected / 14.0).abs() < 1e-15);
        }
    }

    #[test]
    fn draws_follow_the_chances() {
        let mut chances = Chances::new(3);
        for (i, chance) in [5.0, 3.0, 6.0].into_iter().enumerate() {
            chances.set(i, chance);
        }
        let mut random = Random::stream(1, "test", 0);
        let mut counts = [0_u32; 3];
        for _ in 0..140_000 {
            counts[chances.draw(&mut random)] += 1;
        }
        for (count, expected) in counts.iter().zip([50_000, 30_000, 60_000_u32]) {
            // Five deviations.
            assert!(count.abs_diff(expected) < 1_000, "{counts:?}");
        }
    }

    /// The same draws by computing every chance anew each time.
    #[test]
    fn chances_are_kept_up_to_date() {
        let mut random = Random::stream(7, "labels", 0);
        let mut labels: Vec<(u32, u32)> = (0..40)
            .map(|_| {
                let first = random.below(50) as u32;
                (first, (first + random.below(9) as u32).min(49))
            })
            .collect();
        labels.sort_unstable();
        let bars = bars(&labels, 50);
        let mut random = Random::stream(42, "draws", 0);
        let found = sequential_bootstrap(&bars, 60, &mut random.clone());

        let mut covering = vec![0; 50];
        let mut expected = vec![0; 40];
        for _ in 0..60 {
            let mut chances = Chances::new(40);
            for (i, &label) in labels.iter().enumerate() {
                chances.set(i, uniqueness(label, &covering));
            }
            let label = chances.draw(&mut random);
            expected[label] += 1;
            let (first, last) = labels[label];
            for count in &mut covering[first as usize..=last as usize] {
                *count += 1;
            }
        }
        assert_eq!(found, expected);
        assert_eq!(found.iter().sum::<u32>(), 60);
    }

    /// Section 4.6: the sample is more unique than that of plain draws.
    #[test]
    fn samples_overlap_less_than_plain_draws() {
        let labels: Vec<(u32, u32)> = (0..100).map(|i| (i * 2, i * 2 + 9)).collect();
        let bars = bars(&labels, 210);
        let overlap = |drawn: &[u32]| -> f64 {
            let mut covering = vec![0_u32; 210];
            for (&(first, last), &times) in labels.iter().zip(drawn) {
                for count in &mut covering[first as usize..=last as usize] {
                    *count += times;
                }
            }
            covering.iter().map(|&c| f64::from(c * c)).sum()
        };
        // Means over many samples: any one may go the other way.
        let mut random = Random::stream(42, "draws", 0);
        let (mut sequential, mut plain) = (0.0, 0.0);
        for _ in 0..200 {
            sequential += overlap(&sequential_bootstrap(&bars, 100, &mut random));
            let mut drawn = vec![0; 100];
            for _ in 0..100 {
                drawn[random.below(100)] += 1;
            }
            plain += overlap(&drawn);
        }
        assert!(sequential < 0.96 * plain, "{}", sequential / plain);
        assert!(sequential_bootstrap(&Bars::default(), 3, &mut random).is_empty());
    }
}
