//! Random numbers that belong to a row's contents.

use rayon::prelude::*;

use crate::models::training::FeatureColumn;

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
const TASK: usize = 65_536;

/// A hash of each row's values, under a seed.
///
/// Rows are drawn by these hashes and never by their numbers, so that a sample
/// holds the same rows in whatever order they came. Rows that are equal in every
/// feature and the target are drawn together.
#[derive(Debug, Clone)]
pub struct Hashes(Vec<u64>);

impl Hashes {
    /// Of the features and further columns (target, times).
    pub fn of(columns: &[FeatureColumn<'_>], further: &[&[f64]], seed: u64) -> Self {
        let rows = columns
            .first()
            .map(FeatureColumn::rows)
            .or_else(|| further.first().map(|column| column.len()))
            .unwrap_or(0);
        let mut hashes = vec![mix(seed); rows];
        hashes
            .par_chunks_mut(TASK)
            .enumerate()
            .for_each(|(task, hashes)| {
                let start = task * TASK;
                for column in columns {
                    match column {
                        FeatureColumn::Numbers(values) => absorb(hashes, values[start..].iter().copied()),
                        FeatureColumn::Singles(values) => {
                            absorb(hashes, values[start..].iter().copied().map(f64::from));
                        }
                        FeatureColumn::Categories { codes, .. } => {
                            for (hash, &code) in hashes.iter_mut().zip(&codes[start..]) {
                                *hash = step(*hash, u64::from(code));
                            }
                        }
                    }
                }
                for column in further {
                    absorb(hashes, column[start..].iter().copied());
                }
                for hash in hashes {
                    *hash = mix(*hash);
                }
            });
        Self(hashes)
    }

    /// The hash of a row.
    pub(super) fn get(&self, row: u32) -> u64 {
        self.0[row as usize]
    }

    /// A number from 0 (included) to 1 (excluded), another for each `draw`.
    pub(super) fn draw(&self, row: u32, draw: u64) -> f64 {
        unit(mix(self.get(row) ^ mix(draw.wrapping_add(ODD))))
    }
}

fn absorb(hashes: &mut [u64], values: impl Iterator<Item = f64>) {
    for (hash, value) in hashes.iter_mut().zip(values) {
        // -0.0 + 0.0 is 0.0, and every NaN is one value.
        let bits = if value.is_nan() {
            1
        } else {
            (value + 0.0).to_bits()
        };
        *hash = step(*hash, bits);
    }
}

fn step(hash: u64, bits: u64) -> u64 {
    (hash.rotate_left(23) ^ bits).wrapping_mul(ODD)
}

/// A bijection that leaves no pattern (Steele, Lea and Flood 2014, SplitMix64).
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A number from 0 (included) to 1 (excluded) from 53 bits.
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// `count` of `of` numbers, ascending, drawn under a seed.
pub(super) fn draw_subset(of: usize, count: usize, seed: u64) -> Vec<u32> {
    let mut keyed: Vec<(u64, u32)> = (0..of as u32)
        .map(|i| (mix(seed ^ mix(u64::from(i).wrapping_add(ODD))), i))
        .collect();
    keyed.sort_unstable();
    let mut chosen: Vec<u32> = keyed.into_iter().take(count).map(|pair| pair.1).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_belongs_to_the_contents() {
        let a = [1.0, -0.0, f64::NAN];
        let b = [f64::NAN, 0.0, 1.0];
        let of = |values: &[f64]| Hashes::of(&[FeatureColumn::Numbers(values)], &[], 7).0;
        let (of_a, of_b) = (of(&a), of(&b));
        assert_eq!(of_a[0], of_b[2]);
        assert_eq!(of_a[1], of_b[1]);
        assert_eq!(of_a[2], of_b[0]);
        assert_ne!(of_a[0], of_a[1]);
    }

    #[test]
    fn draws_are_even() {
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        let hashes = Hashes::of(&[FeatureColumn::Numbers(&values)], &[], 42);
        let share = |draw| {
            (0..100_000)
                .filter(|&row| hashes.draw(row, draw) < 0.3)
                .count()
        };
        assert!((share(1) as f64 - 30_000.0).abs() < 500.0);
        assert_ne!(share(1), share(2));
    }
}
