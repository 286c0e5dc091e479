//! How many distinct values a column has, and which of them stand at given
//! places of its order, without sorting it.
//!
//! Values go to buckets by where they lie between the least and the greatest:
//! one pass that counts and one that moves. A bucket of a column that is spread
//! out holds some hundreds of values, which stay in the nearest cache while they
//! are looked at. Of one that is not, such as one whose greatest value dwarfs the
//! others, the large buckets are sorted.

/// Values of a bucket, about, and the most buckets.
const BUCKET: usize = 512;
const MOST_BUCKETS: usize = 2048;
/// A bucket of more is sorted.
const LARGE: usize = 16 * BUCKET;
/// Parts of a bucket, a power of two: few of them receive two values.
const PARTS: usize = 2048;

/// The values of a column in ascending buckets, and memory that serves one
/// column after the other.
#[derive(Debug, Clone, Default)]
pub struct ValueBuckets {
    values: Vec<f64>,
    /// Where each bucket ends; the next begins there.
    ends: Vec<u32>,
    least: f64,
    /// From a value to its bucket; 0 where all are in one.
    scale: f64,
    /// A value per part of a bucket.
    parts: Vec<f64>,
    /// Values whose part another one has.
    crowded: Vec<f64>,
    distinct: usize,
}

impl ValueBuckets {
    /// Takes a column of fewer than 2³¹ values, none of them missing.
    pub fn fill(&mut self, column: &[f64]) {
        let (least, most) = column.iter().fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(least, most), &value| {
                (
                    if value < least { value } else { least },
                    if value > most { value } else { most },
                )
            },
        );
        let buckets = (column.len() / BUCKET).clamp(1, MOST_BUCKETS);
        let scale = (buckets - 1) as f64 / (most - least);
        (self.least, self.scale) = if scale.is_normal() {
            (least, scale)
        } else {
            // Equal values, or the range is that of no number.
            (0.0, 0.0)
        };
        self.ends.clear();
        self.ends.resize(buckets, 0);
        for &value in column {
            let bucket = self.bucket(value);
            self.ends[bucket] += 1;
        }
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        self.values.resize(column.len(), 0.0);
        for &value in column {
            let bucket = self.bucket(value);
            let next = &mut self.ends[bucket];
            // One number for both zeros.
            self.values[*next as usize] = value + 0.0;
            *next += 1;
        }
        self.count_distinct();
    }

    /// The bucket of a value of the column; of NaN any.
    #[inline]
    fn bucket(&self, value: f64) -> usize {
        ((value - self.least) * self.scale) as u32 as usize
    }

    fn count_distinct(&mut self) {
        self.distinct = 0;
        let mut start = 0;
        for &end in &self.ends {
            let bucket = &mut self.values[start..end as usize];
            start = end as usize;
            self.distinct += match bucket {
                [] => 0,
                [first, rest @ ..] if rest.iter().all(|value| value == first) => 1,
                _ if bucket.len() > LARGE => {
                    bucket.sort_unstable_by(f64::total_cmp);
                    bucket.chunk_by(|a, b| a == b).count()
                }
                _ => distinct_of_few(bucket, &mut self.parts, &mut self.crowded),
            };
        }
    }

    /// The number of distinct values; both zeros are one.
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// The value that has `below` values before it in ascending order; NaN if
    /// there are not so many.
    pub fn at(&mut self, below: usize) -> f64 {
        let bucket = self.ends.partition_point(|&end| end as usize <= below);
        let Some(&end) = self.ends.get(bucket) else {
            return f64::NAN;
        };
        let start = bucket.checked_sub(1).map_or(0, |i| self.ends[i] as usize);
        let values = &mut self.values[start..end as usize];
        if values.len() > LARGE {
            // In order, or all equal.
            return values[below - start];
        }
        *values
            .select_nth_unstable_by(below - start, f64::total_cmp)
            .1
    }

    /// The numbers of the cuts that lie below a value, for many values: of
    /// ascending `cuts`, all of them values of the column.
    pub fn places<'a>(&'a self, cuts: &'a [f64]) -> Places<'a> {
        // Cuts in lower buckets are lower.
        let of_cuts: Vec<usize> = cuts.iter().map(|&cut| self.bucket(cut)).collect();
        let lower = |bucket: usize| of_cuts.partition_point(|&of_cut| of_cut < bucket);
        Places {
            buckets: self,
            cuts,
            lower: (0..self.ends.len())
                .map(|bucket| lower(bucket) as u8)
                .collect(),
        }
    }
}

/// See [`ValueBuckets::places`].
pub struct Places<'a> {
    buckets: &'a ValueBuckets,
    cuts: &'a [f64],
    /// Of each bucket, the cuts that are in lower ones.
    lower: Vec<u8>,
}

impl Places<'_> {
    /// How many cuts lie below a value of the column.
    #[inline]
    pub fn of(&self, value: f64) -> usize {
        let mut place = usize::from(self.lower[self.buckets.bucket(value)]);
        while self.cuts.get(place).is_some_and(|&cut| value > cut) {
            place += 1;
        }
        place
    }
}

/// The distinct values of a few, which are not all equal. A part of the range
/// takes the first value that comes; those that find another one there are told
/// apart in the end.
fn distinct_of_few(values: &[f64], parts: &mut Vec<f64>, crowded: &mut Vec<f64>) -> usize {
    let (least, most) = values.iter().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), &value| {
            (
                if value < least { value } else { least },
                if value > most { value } else { most },
            )
        },
    );
    // Where that is infinite, or 0 times it none, the first part takes all.
    let scale = (PARTS - 1) as f64 / (most - least);
    parts.clear();
    parts.resize(PARTS, f64::NAN);
    crowded.resize(values.len(), 0.0);
    let (mut distinct, mut crowd) = (0, 0);
    for &value in values {
        let part = &mut parts[((value - least) * scale) as u32 as usize & (PARTS - 1)];
        let vacant = part.is_nan();
        distinct += usize::from(vacant);
        crowded[crowd] = value;
        crowd += usize::from(!vacant && *part != value);
        *part = if vacant { value } else { *part };
    }
    let crowded = &mut crowded[..crowd];
    crowded.sort_unstable_by(f64::total_cmp);
    distinct + crowded.chunk_by(|a, b| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::{LARGE, ValueBuckets};
    use crate::statistics::ascending::Ascending;
    use crate::statistics::random::Random;

    /// Against a sort, for columns of all kinds and lengths.
    #[test]
    fn counts_and_places_are_those_of_a_sort() {
        let mut random = Random::stream(42, "buckets", 0);
        let kinds: [fn(&mut Random) -> f64; 7] = [
            |random| random.below(1 << 30) as f64 - 1e8,
            |random| random.below(7) as f64 - 3.0,
            |random| random.below(2_000) as f64 * 0.01,
            |random| f64::from_bits(random.bits() >> 2),
            |random| (random.below(3) as f64 - 1.0) * f64::MAX,
            |random| [0.0, -0.0, 5e-324, 1e-320, -1.0][random.below(5)],
            // All but a few in the first bucket.
            |random| match random.below(1000) {
                0 => 1e300,
                _ => random.below(1 << 20) as f64,
            },
        ];
        let mut buckets = ValueBuckets::default();
        for kind in kinds {
            for n in [1, 2, 600, 3_000, 2 * LARGE, 40_000] {
                let column: Vec<f64> = (0..n).map(|_| kind(&mut random)).collect();
                buckets.fill(&column);
                let sorted = Ascending::of(&column).values;
                let distinct = sorted.chunk_by(|a, b| a == b).count();
                assert_eq!(buckets.distinct(), distinct);
                let below = [0, n / 3, n / 2, n - 1];
                let cuts = below.map(|below| buckets.at(below));
                assert_eq!(cuts, below.map(|below| sorted[below]));
                let places = buckets.places(&cuts);
                for value in column {
                    let expected = cuts.iter().filter(|&&cut| cut < value).count();
                    assert_eq!(places.of(value), expected);
                }
                assert!(buckets.at(n).is_nan());
            }
        }
    }

    #[test]
    fn of_nothing() {
        let mut buckets = ValueBuckets::default();
        buckets.fill(&[]);
        assert_eq!(buckets.distinct(), 0);
        assert!(buckets.at(0).is_nan());
    }
}
