//! Fisher's exact test.

/// Tables whose probabilities differ by less than this share count as equally
/// probable: rounding must not decide about mirrored tables. (The rule of R's
/// fisher.test; SciPy 1.17 takes 1e-14, which gives the same tables unless two
/// probabilities agree in seven digits by chance.)
const TIE: f64 = 1e-7;

/// The odds ratio a·d / (b·c) of the table `[[a, b], [c, d]]` (infinite where b
/// or c is 0, NaN where a row or column is empty) and the two-sided p-value:
/// the probability, given the margins, of the tables that are no more probable
/// than this one. R. A. Fisher, Statistical Methods for Research Workers, 5th
/// ed. (1934), section 21.02.
pub fn fisher_exact(table: [[u64; 2]; 2]) -> (f64, f64) {
    let [[a, b], [c, d]] = table;
    let (row, other_row, column) = (a + b, c + d, a + c);
    if row == 0 || other_row == 0 || column == 0 || b + d == 0 {
        return (f64::NAN, 1.0);
    }
    let odds = a as f64 * d as f64 / (b as f64 * c as f64);
    // Probabilities of the top left count relative to that of the mode, from
    // there outwards, by the ratio of neighbours: nothing cancels, nothing
    // overflows, and some forty standard deviations on they are all 0.
    let least = column.saturating_sub(other_row);
    let most = row.min(column);
    let mode = ((row + 1) as u128 * (column + 1) as u128 / (row + other_row + 2) as u128) as u64;
    let mode = mode.clamp(least, most);
    // P(x + 1) / P(x).
    let ratio = |x: u64| {
        let up = (row - x) as f64 * (column - x) as f64;
        let down = (x + 1) as f64 * (other_row + x + 1 - column) as f64;
        up / down
    };
    let mut above = vec![1.0];
    let mut x = mode;
    while x < most && above[above.len() - 1] > 0.0 {
        above.push(above[above.len() - 1] * ratio(x));
        x += 1;
    }
    let mut below = vec![1.0];
    let mut x = mode;
    while x > least && below[below.len() - 1] > 0.0 {
        x -= 1;
        below.push(below[below.len() - 1] / ratio(x));
    }
    let side = if a >= mode { &above } else { &below };
    let observed = side.get(a.abs_diff(mode) as usize).copied();
    let threshold = observed.unwrap_or(0.0) * (1.0 + TIE);
    let (mut total, mut extreme) = (0.0, 0.0);
    // Small ones first.
    for weight in above.iter().rev().chain(below[1..].iter().rev()) {
        total += weight;
        if *weight <= threshold {
            extreme += weight;
        }
    }
    (odds, (extreme / total).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::fisher_exact;

    /// scipy.stats.fisher_exact, SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_scipy() {
        for (table, odds, p) in [
            ([[8, 2], [1, 5]], 20.0, 0.034_965_034_965_034_975),
            ([[6, 2], [1, 4]], 12.0, 0.102_564_102_564_102_56),
            ([[10, 10], [10, 10]], 1.0, 1.0),
            (
                [[120, 80], [70, 130]],
                2.785_714_285_714_285_6,
                8.202_662_566_937_43e-7,
            ),
            (
                [[5000, 4800], [4700, 5100]],
                1.130_319_148_936_170_1,
                1.937_584_855_890_743_6e-5,
            ),
            ([[1, 9], [11, 3]], 3.0 / 99.0, 0.002_759_456_185_220_083_6),
        ] {
            let (actual_odds, actual) = fisher_exact(table);
            assert!((actual_odds / odds - 1.0).abs() < 1e-14, "{table:?}");
            // SciPy's own sums hold ten digits for large tables.
            assert!((actual / p - 1.0).abs() < 1e-10, "{table:?}: {actual}");
        }
        assert_eq!(fisher_exact([[0, 7], [9, 2]]).0, 0.0);
        let (odds, p) = fisher_exact([[3, 0], [0, 3]]);
        assert!(odds == f64::INFINITY && (p - 0.1).abs() < 1e-15);
        // Too far out for a double.
        assert_eq!(fisher_exact([[3000, 100], [200, 9000]]).1, 0.0);
    }

    #[test]
    fn an_empty_margin_has_no_odds() {
        let (odds, p) = fisher_exact([[3, 4], [0, 0]]);
        assert!(odds.is_nan() && p == 1.0);
        let (odds, p) = fisher_exact([[3, 0], [4, 0]]);
        assert!(odds.is_nan() && p == 1.0);
    }
}
