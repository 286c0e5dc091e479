//! Where the values of a feature are cut into bins.

/// The upper edges of at most `bins` bins, ascending; the last bin has none. A
/// value belongs to the first bin whose edge is at least the value.
///
/// `values` (without NaN) are sorted here. Few distinct values have a bin each.
/// Of many, those below zero, zero and those above zero share no bin, so that a
/// change of sign can be a split; the bins are shared among them by their numbers.
/// A value that is as frequent as a bin of average size has a bin of its own; the
/// others share what is left equally. Edges lie half way between neighbouring
/// distinct values.
pub(super) fn edges(values: &mut [f64], bins: usize) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let distinct = runs(values);
    if distinct.len() <= bins {
        return distinct
            .windows(2)
            .map(|pair| between(pair[0].0, pair[1].0))
            .collect();
    }
    let below = distinct.partition_point(|run| run.0 < 0.0);
    let to_zero = distinct.partition_point(|run| run.0 <= 0.0);
    let has_zero = to_zero > below;
    if bins < 4 || (to_zero == 0 || below == distinct.len()) {
        return cut(&distinct, bins);
    }
    let (negative, positive) = (&distinct[..below], &distinct[to_zero..]);
    let bins = bins - usize::from(has_zero);
    let (low, high) = (rows(negative), rows(positive));
    let share = low as f64 / (low + high) as f64;
    let of_negative = (bins as f64 * share).round() as usize;
    let of_negative = of_negative.clamp(usize::from(low > 0), bins - usize::from(high > 0));
    let mut edges = cut(negative, of_negative);
    if let (Some(last), Some(next)) = (negative.last(), distinct.get(below)) {
        edges.push(between(last.0, next.0));
    }
    if let (true, Some(next)) = (has_zero, positive.first()) {
        edges.push(between(0.0, next.0));
    }
    edges.extend(cut(positive, bins - of_negative));
    edges
}

/// Of how many rows these values are.
fn rows(distinct: &[(f64, usize)]) -> usize {
    distinct.iter().map(|run| run.1).sum()
}

/// The edges between `bins` bins of about equal size.
fn cut(distinct: &[(f64, usize)], bins: usize) -> Vec<f64> {
    if bins < 2 {
        return Vec::new();
    }
    let mean = rows(distinct) as f64 / bins as f64;
    let is_large = |count: usize| count as f64 >= mean;
    let (large, small): (Vec<usize>, Vec<usize>) = distinct
        .iter()
        .map(|run| run.1)
        .partition(|&count| is_large(count));
    // Of bins and rows that are not taken by large values.
    let mut bins_left = bins.saturating_sub(large.len()).max(1);
    let mut rows_left: usize = small.iter().sum();
    let mut size = rows_left as f64 / bins_left as f64;
    let mut edges = Vec::with_capacity(bins);
    let mut held = 0;
    for pair in distinct.windows(2) {
        let [(value, count), (next, next_count)] = [pair[0], pair[1]];
        held += count;
        if !is_large(count) {
            rows_left -= count;
        }
        let full = is_large(count)
            || held as f64 >= size
            || (is_large(next_count) && held as f64 >= (size / 2.0).max(1.0));
        if full {
            edges.push(between(value, next));
            if edges.len() + 1 == bins {
                break;
            }
            held = 0;
            if !is_large(count) {
                bins_left = bins_left.saturating_sub(1).max(1);
                size = rows_left as f64 / bins_left as f64;
            }
        }
    }
    edges
}

/// Each distinct value of a sorted slice and how often it occurs.
fn runs(sorted: &[f64]) -> Vec<(f64, usize)> {
    sorted
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0], run.len()))
        .collect()
}

/// A number `x` with `low <= x < high`, half way if the doubles allow.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low <= middle && middle < high {
        middle
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each() {
        let mut values = [3.0, 1.0, 1.0, 2.0, 3.0];
        assert_eq!(edges(&mut values, 3), [1.5, 2.5]);
        assert_eq!(edges(&mut [], 5), [0.0; 0]);
        assert_eq!(edges(&mut [7.0, 7.0], 5), [0.0; 0]);
    }

    #[test]
    fn many_values_share_bins_equally() {
        let mut values: Vec<f64> = (1..=1000).map(f64::from).collect();
        let cuts = edges(&mut values, 10);
        assert_eq!(
            cuts,
            [
                100.5, 200.5, 300.5, 400.5, 500.5, 600.5, 700.5, 800.5, 900.5
            ]
        );
    }

    #[test]
    fn a_frequent_value_has_its_own_bin() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.extend([500.0; 1000]);
        let cuts = edges(&mut values, 10);
        assert!(cuts.contains(&499.5) && cuts.contains(&500.5), "{cuts:?}");
        assert!(cuts.len() < 10, "{cuts:?}");
    }

    #[test]
    fn signs_share_no_bin() {
        let mut values: Vec<f64> = (-301..700).map(|i| f64::from(i) / 10.0).collect();
        let cuts = edges(&mut values, 11);
        assert_eq!(cuts.len(), 10);
        assert!(cuts.contains(&-0.05) && cuts.contains(&0.05), "{cuts:?}");
        let mut values: Vec<f64> = (-100..900).map(|i| f64::from(i) + 0.5).collect();
        let cuts = edges(&mut values, 7);
        assert!(cuts.contains(&0.0) && cuts.len() == 6, "{cuts:?}");
    }

    #[test]
    fn neighbouring_doubles_are_told_apart() {
        let high = f64::from_bits(1.0_f64.to_bits() + 1);
        assert_eq!(edges(&mut [1.0, high], 255), [1.0]);
        assert_eq!(edges(&mut [-f64::MAX, f64::MAX], 255), [0.0]);
    }
}
