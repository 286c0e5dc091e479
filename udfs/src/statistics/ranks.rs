//! Ranks.

/// Ranks from 1, ties getting the average of the ranks they span, in the order
/// of `values`. `values` holds no NaN.
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start] as usize];
        let mut end = start + 1;
        // -0.0 and 0.0 are the same value although total_cmp tells them apart.
        while end < order.len() && values[order[end] as usize] == value {
            end += 1;
        }
        let rank = (start + 1 + end) as f64 / 2.0;
        for &row in &order[start..end] {
            ranks[row as usize] = rank;
        }
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::average_ranks;

    #[test]
    fn ties_share_the_average_and_signed_zeros_are_equal() {
        assert_eq!(average_ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(average_ranks(&[0.0, -0.0, 1.0]), [1.5, 1.5, 3.0]);
        assert!(average_ranks(&[]).is_empty());
    }
}
