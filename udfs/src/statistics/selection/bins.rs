//! Columns as equal-frequency bins.

use crate::statistics::ascending::Ascending;
use crate::statistics::mutual_information::of_counts;
use crate::statistics::value_buckets::ValueBuckets;

/// The bin of a missing value; the others follow it from 1.
pub const MISSING: u8 = 0;

/// The bin of each value: of m present ones, `bins` times the share of them
/// that is smaller, rounded down, plus 1. Equal values share a bin, and no bin
/// exceeds `bins`.
pub fn equal_frequency(values: impl Iterator<Item = f64>, bins: u8) -> Vec<u8> {
    let values: Vec<f64> = values.collect();
    let sorted = Ascending::of(&values);
    let mut binned = vec![MISSING; values.len()];
    for_each_bin(&sorted, bins, |row, bin| binned[row as usize] = bin);
    binned
}

/// Calls `visit` with every row that has a value and its bin, by value.
fn for_each_bin(sorted: &Ascending, bins: u8, mut visit: impl FnMut(u32, u8)) {
    let (n, bins) = (sorted.rows.len() as u64, u64::from(bins));
    let (mut bin, mut next) = (0, 0);
    let mut rows = sorted.rows.iter();
    let mut smaller = 0;
    for run in sorted.values.chunk_by(|a, b| a == b) {
        // The next bin begins where `bins` times the share reaches it.
        while smaller >= next {
            bin += 1;
            next = (bin * n).div_ceil(bins);
        }
        for &row in rows.by_ref().take(run.len()) {
            visit(row, bin as u8);
        }
        smaller += run.len() as u64;
    }
}

/// [`mutual_information`] of a column, binned as it goes, and a binned one of
/// as many rows.
pub fn sorted_information(sorted: &Ascending, other: &[u8], bins: u8) -> Option<f64> {
    let width = usize::from(bins) + 1;
    let mut counts = vec![0_u32; width * width];
    for_each_bin(sorted, bins, |row, bin| {
        counts[usize::from(bin) * width + usize::from(other[row as usize])] += 1;
    });
    information(&counts, width)
}

/// [`mutual_information`] of a column, whose values are in `buckets`, and a
/// binned one of as many rows.
pub fn bucket_information(
    column: &[f64],
    buckets: &mut ValueBuckets,
    other: &[u8],
    bins: u8,
) -> Option<f64> {
    let n = column.iter().filter(|value| !value.is_nan()).count();
    // A value is above as many cuts as shares are reached by the smaller ones.
    let (n, parts) = (n as u64, u64::from(bins));
    let reaches = (1..parts).map(|bin| (bin * n).div_ceil(parts));
    let cuts: Vec<f64> = reaches
        .map(|reach| buckets.at(reach.saturating_sub(1) as usize))
        .collect();
    let places = buckets.places(&cuts);
    let width = usize::from(bins) + 1;
    let mut counts = vec![0_u32; width * width];
    for (&value, &other) in column.iter().zip(other) {
        if !value.is_nan() {
            counts[(places.of(value) + 1) * width + usize::from(other)] += 1;
        }
    }
    information(&counts, width)
}

/// Mutual information of two binned columns in nats, over the rows in which
/// both are present: Σ p(a, b) ln(p(a, b) / p(a) p(b)). `None` without a row.
pub fn mutual_information(a: &[u8], b: &[u8], bins: u8) -> Option<f64> {
    let width = usize::from(bins) + 1;
    let mut counts = vec![0_u32; width * width];
    for (&a, &b) in a.iter().zip(b) {
        counts[usize::from(a) * width + usize::from(b)] += 1;
    }
    information(&counts, width)
}

/// Of counts per pair of bins, `width × width`, the first of each missing.
fn information(counts: &[u32], width: usize) -> Option<f64> {
    let known = counts.chunks_exact(width).skip(1);
    let known: Vec<u32> = known.flat_map(|row| &row[1..]).copied().collect();
    of_counts(&known, width - 1)
}

#[cfg(test)]
mod tests {
    use super::{bucket_information, equal_frequency, mutual_information, sorted_information};
    use crate::statistics::ascending::Ascending;
    use crate::statistics::random::Random;
    use crate::statistics::value_buckets::ValueBuckets;

    #[test]
    fn ties_share_a_bin_and_missing_has_its_own() {
        let values = [3.0, 1.0, f64::NAN, 1.0, 2.0];
        assert_eq!(equal_frequency(values.into_iter(), 4), [4, 1, 0, 1, 3]);
        assert_eq!(equal_frequency([0.0, -0.0].into_iter(), 4), [1, 1]);
        assert!(equal_frequency(std::iter::empty(), 4).is_empty());
        assert_eq!(equal_frequency([f64::NAN].into_iter(), 4), [0]);
        let many: Vec<u8> = equal_frequency((0..1000).map(f64::from), 254);
        assert_eq!((many[0], many[999]), (1, 254));
    }

    #[test]
    fn information_of_known_tables() {
        let ln2 = std::f64::consts::LN_2;
        assert_eq!(mutual_information(&[1, 2], &[1, 2], 2), Some(ln2));
        assert_eq!(
            mutual_information(&[1, 1, 2, 2], &[1, 2, 1, 2], 2),
            Some(0.0)
        );
        assert_eq!(mutual_information(&[1, 2, 0], &[1, 2, 2], 2), Some(ln2));
        assert_eq!(mutual_information(&[0], &[1], 2), None);
    }

    /// The share of smaller values counted for each value.
    #[test]
    fn bins_are_shares_of_smaller_values() {
        let mut random = Random::stream(42, "bins", 0);
        for (n, distinct, bins) in [(997, 1000, 10), (1000, 7, 4), (30, 50, 254), (64, 64, 8)] {
            let mut column = || -> Vec<f64> {
                let value = |_| match random.below(distinct + 1) {
                    0 => f64::NAN,
                    x => x as f64,
                };
                (0..n).map(value).collect()
            };
            let (a, b) = (column(), column());
            let present: Vec<f64> = a.iter().copied().filter(|x| !x.is_nan()).collect();
            let expected = a.iter().map(|x| {
                let smaller = present.iter().filter(|y| *y < x).count();
                if x.is_nan() {
                    0
                } else {
                    (smaller * usize::from(bins) / present.len()) as u8 + 1
                }
            });
            let binned = equal_frequency(a.iter().copied(), bins);
            assert_eq!(binned, expected.collect::<Vec<u8>>());
            let other = equal_frequency(b.iter().copied(), bins);
            assert_eq!(
                sorted_information(&Ascending::of(&a), &other, bins),
                mutual_information(&binned, &other, bins)
            );
            let mut buckets = ValueBuckets::default();
            buckets.fill(&present);
            assert_eq!(
                bucket_information(&a, &mut buckets, &other, bins),
                mutual_information(&binned, &other, bins)
            );
        }
    }
}
