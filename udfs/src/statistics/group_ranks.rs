//! Ranks of many slices, one after the other.

/// Up to this many values comparisons are as fast as digits.
const FEW: usize = 48;
/// More than this have no place of 16 bits.
const MANY: usize = 1 << 16;
const DIGIT_BITS: u32 = 8;
const BUCKETS: usize = 1 << DIGIT_BITS;

/// Ranks slices, reusing its memory.
#[derive(Debug, Clone, Default)]
pub struct Ranker {
    /// The places of the values, by value.
    places: Vec<u32>,
    /// The values as integers in the same order, with their places.
    keys: Vec<(u64, u32)>,
    /// Where a value lies between the least and the greatest, in 16 bits, then
    /// its place in as many.
    coded: Vec<u32>,
    moved: Vec<u32>,
}

impl Ranker {
    /// Appends the ranks of `values`, ties sharing their average, less the mean
    /// rank, and returns the sum of their squares: 0 if all are equal. `values`
    /// holds no NaN.
    pub fn rank(&mut self, values: &[f64], ranks: &mut Vec<f64>) -> f64 {
        self.sort(values);
        let n = values.len();
        let first = ranks.len();
        ranks.resize(first + n, 0.0);
        let ranks = &mut ranks[first..];
        let middle = (n as f64 + 1.0) / 2.0;
        let cube = |n: usize| {
            let n = n as f64;
            n * (n * n - 1.0)
        };
        let mut tied = 0.0;
        let mut start = 0;
        while start < n {
            let value = values[self.places[start] as usize];
            let mut end = start + 1;
            while end < n && values[self.places[end] as usize] == value {
                end += 1;
            }
            let rank = (start + 1 + end) as f64 / 2.0 - middle;
            for &place in &self.places[start..end] {
                ranks[place as usize] = rank;
            }
            if end - start == n {
                return 0.0;
            }
            tied += cube(end - start);
            start = end;
        }
        (cube(n) - tied) / 12.0
    }

    /// Of the slice ranked last: which place holds the value that has `below`
    /// values before it in ascending order. `None` if there are not so many.
    pub fn place(&self, below: usize) -> Option<usize> {
        self.places.get(below).map(|&place| place as usize)
    }

    fn sort(&mut self, values: &[f64]) {
        let extremes = |(least, most): (f64, f64), &value: &f64| {
            (
                if value < least { value } else { least },
                if value > most { value } else { most },
            )
        };
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), extremes);
        let scale = f64::from(u16::MAX) / (most - least);
        self.places.clear();
        // Neither where the range is that of no number.
        if values.len() <= FEW || values.len() > MANY || !scale.is_normal() {
            self.keys.clear();
            let keyed = |(place, &value): (usize, &f64)| (ordered(value), place as u32);
            self.keys.extend(values.iter().enumerate().map(keyed));
            self.keys.sort_unstable_by_key(|&(key, _)| key);
            self.places
                .extend(self.keys.iter().map(|&(_, place)| place));
            return;
        }
        self.by_digits(values, least, scale);
        // What the 16 bits do not tell apart is compared: of hundreds of values
        // that are spread out a few, of those that one dwarfs all.
        for ties in self.moved.chunk_by_mut(|a, b| a >> 16 == b >> 16) {
            if ties.len() > 1 {
                ties.sort_unstable_by_key(|&coded| (ordered(values[place(coded)]), coded));
            }
        }
        let places = self.moved.iter().map(|&coded| place(coded) as u32);
        self.places.extend(places);
    }

    /// Leaves the places, by code, in the lower halves of `moved`.
    fn by_digits(&mut self, values: &[f64], least: f64, scale: f64) {
        let mut counts = [[0_u32; BUCKETS]; 2];
        self.coded.clear();
        self.coded
            .extend((0_u32..).zip(values).map(|(place, &value)| {
                let code = ((value - least) * scale) as u32;
                counts[0][bucket(code, 0)] += 1;
                counts[1][bucket(code, 1)] += 1;
                code << 16 | place
            }));
        self.moved.resize(values.len(), 0);
        for (digit, counts) in (0..).zip(&mut counts) {
            let mut start = 0;
            for count in counts.iter_mut() {
                start += std::mem::replace(count, start);
            }
            for &coded in &self.coded {
                let next = &mut counts[bucket(coded >> 16, digit)];
                self.moved[*next as usize] = coded;
                *next += 1;
            }
            if digit == 0 {
                std::mem::swap(&mut self.coded, &mut self.moved);
            }
        }
    }
}

#[inline]
fn bucket(code: u32, digit: u32) -> usize {
    (code >> (digit * DIGIT_BITS)) as usize & (BUCKETS - 1)
}

#[inline]
fn place(coded: u32) -> usize {
    (coded & u32::from(u16::MAX)) as usize
}

/// An integer that is ordered as the value is; both zeros have one.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Ranker};
    use crate::statistics::random::Random;

    #[test]
    fn ties_share_the_average_and_signed_zeros_are_equal() {
        let mut ranker = Ranker::default();
        let mut ranks = vec![7.0];
        let squares = ranker.rank(&[3.0, -1.0, 3.0, 2.0], &mut ranks);
        assert_eq!(ranks, [7.0, 1.0, -1.5, 1.0, -0.5]);
        assert_eq!(squares, 4.5);
        assert_eq!(ranker.place(1), Some(3));
        assert_eq!(ranker.place(4), None);
        ranks.clear();
        assert_eq!(ranker.rank(&[0.0, -0.0, 1.0], &mut ranks), 1.5);
        assert_eq!(ranks, [-0.5, -0.5, 1.0]);
        assert_eq!(ranker.rank(&[5.0, 5.0], &mut ranks), 0.0);
        assert_eq!(ranker.rank(&[], &mut ranks), 0.0);
    }

    /// Against ranks counted one by one, for slices of all kinds and lengths.
    #[test]
    fn ranks_are_counts_of_smaller_values() {
        let mut random = Random::stream(42, "group ranks", 0);
        let kinds: [fn(&mut Random) -> f64; 5] = [
            |random| random.below(1 << 30) as f64 - 1e8,
            |random| random.below(7) as f64 - 3.0,
            |random| f64::from_bits(random.bits() >> 2),
            |random| (random.below(3) as f64 - 1.0) * f64::MAX,
            |random| [0.0, -0.0, 5e-324, 1e-320, -1.0][random.below(5)],
        ];
        let mut ranker = Ranker::default();
        for kind in kinds {
            for n in [1, 2, FEW, FEW + 1, 700] {
                let mut values: Vec<f64> = (0..n).map(|_| kind(&mut random)).collect();
                if n == 700 {
                    // One that may dwarf the others.
                    values[3] = 1e300;
                }
                let mut ranks = Vec::new();
                let squares = ranker.rank(&values, &mut ranks);
                let count =
                    |test: &dyn Fn(&f64) -> bool| values.iter().filter(|x| test(x)).count() as f64;
                let expected: Vec<f64> = values
                    .iter()
                    .map(|y| {
                        let (smaller, equal) = (count(&|x| x < y), count(&|x| x == y));
                        smaller + (equal + 1.0) / 2.0 - (n as f64 + 1.0) / 2.0
                    })
                    .collect();
                assert_eq!(ranks, expected);
                assert_eq!(squares, expected.iter().map(|r| r * r).sum::<f64>());
                let sorted = (0..n).map(|below| values[ranker.place(below).expect("a place")]);
                assert!(sorted.is_sorted_by(|a, b| a <= b));
            }
        }
        // Too many for a place of 16 bits.
        let values: Vec<f64> = (0..70_000).map(|i| f64::from(i * 7919 % 70_000)).collect();
        let mut ranks = Vec::new();
        ranker.rank(&values, &mut ranks);
        assert!(
            ranks
                .iter()
                .zip(&values)
                .all(|(rank, value)| *rank == value - 34_999.5)
        );
    }
}
