//! Columns as equal-frequency bins.

/// The bin of a missing value; the others follow it from 1.
pub const MISSING: u8 = 0;

/// The bin of each value: of m present ones, `bins` times the share of them
/// that is smaller, rounded down, plus 1. Equal values share a bin, and no bin
/// exceeds `bins`.
pub fn equal_frequency(values: impl Iterator<Item = f64> + Clone, bins: u8) -> Vec<u8> {
    let mut sorted: Vec<f64> = values.clone().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // The smallest value of each bin that holds one, and the bin.
    let mut edges: Vec<(f64, u8)> = Vec::with_capacity(usize::from(bins));
    let mut smaller = 0;
    for i in 0..sorted.len() {
        if i > 0 && sorted[i] != sorted[i - 1] {
            smaller = i;
        }
        let bin = (smaller as u64 * u64::from(bins) / sorted.len() as u64) as u8 + 1;
        if edges.last().is_none_or(|last| last.1 != bin) {
            edges.push((sorted[i], bin));
        }
    }
    values
        .map(
            |value| match edges.partition_point(|edge| edge.0 <= value) {
                0 => MISSING,
                above => edges[above - 1].1,
            },
        )
        .collect()
}

/// Mutual information of two binned columns in nats, over the rows in which
/// both are present: Σ p(a, b) ln(p(a, b) / p(a) p(b)). `None` without a row.
pub fn mutual_information(a: &[u8], b: &[u8], bins: u8) -> Option<f64> {
    let width = usize::from(bins) + 1;
    let mut counts = vec![0_u32; width * width];
    for (&a, &b) in a.iter().zip(b) {
        counts[usize::from(a) * width + usize::from(b)] += 1;
    }
    // Without the row and the column of missing values.
    let cells: Vec<&[u32]> = counts
        .chunks_exact(width)
        .skip(1)
        .map(|row| &row[1..])
        .collect();
    let of_a: Vec<u32> = cells.iter().map(|row| row.iter().sum()).collect();
    let of_b: Vec<u32> = (0..width - 1)
        .map(|b| cells.iter().map(|row| row[b]).sum())
        .collect();
    let rows: f64 = of_a.iter().copied().map(f64::from).sum();
    if rows == 0.0 {
        return None;
    }
    let mut sum = 0.0;
    for (row, &a) in cells.iter().zip(&of_a) {
        for (&both, &b) in row.iter().zip(&of_b) {
            if both > 0 {
                let both = f64::from(both);
                sum += both * (both * rows / (f64::from(a) * f64::from(b))).ln();
            }
        }
    }
    // Rounding must not make independence negative.
    Some((sum / rows).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::{equal_frequency, mutual_information};

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
}
