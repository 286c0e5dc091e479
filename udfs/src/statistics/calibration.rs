//! Whether what was given a probability of 30 % happens in 30 % of cases.

/// How probabilities are cut into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Equal widths from 0 to 1.
    Uniform,
    /// Equal frequencies: quantiles by linear interpolation.
    Quantile,
}

/// A bin that has rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// From 0.
    pub number: usize,
    /// Probabilities above it, the first bin's at it too.
    pub lower: f64,
    /// Probabilities up to it.
    pub upper: f64,
    /// Rows.
    pub rows: usize,
    /// The mean probability.
    pub predicted: f64,
    /// The share of ones.
    pub observed: f64,
}

impl Bin {
    /// Wilson's interval of 95 % for the share of ones (Journal of the American
    /// Statistical Association 22, 1927), which stays within 0 and 1.
    pub fn interval(&self) -> (f64, f64) {
        let z = 1.959_963_984_540_054_f64;
        let n = self.rows as f64;
        let share = z * z / n;
        let centre = self.observed + share / 2.0;
        let half = z * (self.observed * (1.0 - self.observed) / n + share / (4.0 * n)).sqrt();
        let bound = |value: f64| (value / (1.0 + share)).clamp(0.0, 1.0);
        (bound(centre - half), bound(centre + half))
    }
}

/// The bins that have rows, of probabilities in ascending order and whether each
/// came true: as scikit-learn's calibration_curve. A probability on an edge is in
/// the bin below it.
pub fn calibration(
    probability: &[f64],
    ones: &[bool],
    bins: usize,
    strategy: Strategy,
) -> Vec<Bin> {
    let edge = |i: usize| match strategy {
        Strategy::Uniform if i == bins => 1.0,
        Strategy::Uniform => i as f64 * (1.0 / bins as f64),
        Strategy::Quantile => quantile(probability, i as f64 / bins as f64),
    };
    let mut found = Vec::with_capacity(bins);
    let mut start = 0;
    for number in 0..bins {
        let upper = edge(number + 1);
        let end = if number + 1 == bins {
            probability.len()
        } else {
            probability.partition_point(|&p| p <= upper)
        };
        if end > start {
            let rows = end - start;
            let hits = ones[start..end].iter().filter(|&&one| one).count();
            found.push(Bin {
                number,
                lower: edge(number),
                upper,
                rows,
                predicted: probability[start..end].iter().sum::<f64>() / rows as f64,
                observed: hits as f64 / rows as f64,
            });
            start = end;
        }
    }
    found
}

/// The mean distance of predicted and observed shares, weighted by rows (Naeini,
/// Cooper and Hauskrecht, AAAI 2015); `None` without a bin.
pub fn expected_error(bins: &[Bin]) -> Option<f64> {
    let rows: usize = bins.iter().map(|bin| bin.rows).sum();
    let distances = bins
        .iter()
        .map(|bin| (bin.observed - bin.predicted).abs() * bin.rows as f64);
    (rows > 0).then(|| distances.sum::<f64>() / rows as f64)
}

/// Of values in ascending order, by linear interpolation; NaN of none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    // A place that rounding has moved off a value is that value.
    let whole = place.round();
    let place = if (place - whole).abs() < 1e-9 {
        whole
    } else {
        place
    };
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    let rest = place - below as f64;
    // From the nearer end, as numpy.quantile.
    if rest < 0.5 {
        low + (high - low) * rest
    } else {
        high - (high - low) * (1.0 - rest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bin, Strategy, calibration, expected_error, quantile};

    const PROBABILITY: [f64; 10] = [0.05, 0.1, 0.1, 0.2, 0.3, 0.45, 0.6, 0.6, 0.85, 1.0];
    const ONES: [bool; 10] = [
        false, false, true, false, false, true, true, false, true, true,
    ];

    fn lines(bins: &[Bin]) -> Vec<(usize, usize, f64, f64)> {
        let rounded = |value: f64| (value * 1e12).round() / 1e12;
        bins.iter()
            .map(|b| (b.number, b.rows, rounded(b.predicted), rounded(b.observed)))
            .collect()
    }

    /// sklearn.calibration.calibration_curve, scikit-learn 1.9.1, see
    /// tests/python/evaluation_reference.py.
    #[test]
    fn bins_agree_with_scikit_learn() {
        let uniform = calibration(&PROBABILITY, &ONES, 5, Strategy::Uniform);
        assert_eq!(
            lines(&uniform),
            [
                (0, 4, 0.1125, 0.25),
                (1, 1, 0.3, 0.0),
                (2, 3, 0.55, 0.666_666_666_667),
                (4, 2, 0.925, 1.0),
            ]
        );
        let quantile = calibration(&PROBABILITY, &ONES, 4, Strategy::Quantile);
        assert_eq!(
            lines(&quantile),
            [
                (0, 3, 0.083_333_333_333, 0.333_333_333_333),
                (1, 2, 0.25, 0.0),
                (2, 3, 0.55, 0.666_666_666_667),
                (3, 2, 0.925, 1.0),
            ]
        );
        let error = expected_error(&uniform).unwrap();
        assert!((error - 0.135).abs() < 1e-15, "{error}");
        assert_eq!(expected_error(&[]), None);
        assert!(calibration(&[], &[], 5, Strategy::Quantile).is_empty());
    }

    #[test]
    fn equal_probabilities_share_a_bin() {
        let found = calibration(
            &[0.5; 4],
            &[true, false, true, true],
            10,
            Strategy::Quantile,
        );
        assert_eq!(lines(&found), [(0, 4, 0.5, 0.75)]);
        let (low, high) = found[0].interval();
        // statsmodels.stats.proportion.proportion_confint(3, 4, method='wilson').
        assert!((low - 0.300_641_842_582_402_4).abs() < 1e-12, "{low}");
        assert!((high - 0.954_412_739_190_297_2).abs() < 1e-12, "{high}");
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 1.0), 4.0);
        let eleven: Vec<f64> = (0..11).map(|i| f64::from(i) * 0.1).collect();
        assert_eq!(quantile(&eleven, 7.0 / 10.0), eleven[7]);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
