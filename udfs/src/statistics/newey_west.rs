//! The standard error of a mean of dependent observations.

/// The mean of `series`, in the order of time, and its standard error by Newey
/// and West (Econometrica 55, 1987): S = Σu² + 2 Σ_l (1 - l/(lags + 1)) Σ u_t u_(t-l)
/// with the Bartlett kernel over u = series - mean, and √S / n, without a
/// small-sample correction. With `lags` 0 it is √Σu² / n.
///
/// It is what statsmodels gives for OLS on a constant with cov_type='HAC',
/// maxlags=lags, use_correction=False. NaN where there is no observation.
pub fn newey_west_mean(series: &[f64], lags: usize) -> (f64, f64) {
    let most = series.len().saturating_sub(1);
    mean_and_error(series, lags, most, |deviations, lag| {
        let later = &deviations[lag..];
        later.iter().zip(deviations).map(|(a, b)| a * b).sum()
    })
}

/// The same of a series some of whose times were left out, whichever they are:
/// of observations at ascending `times`, the products of those that are a lag
/// apart. As if the others had been zero deviations, which keeps the sum from
/// being negative, and what the variance of the mean of these observations is
/// made of.
pub fn newey_west_mean_at(series: &[f64], times: &[u64], lags: usize) -> (f64, f64) {
    let ends = times.first().zip(times.last());
    let most = ends.map_or(0, |(first, last)| last - first);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    mean_and_error(series, lags, most, |deviations, lag| {
        let at = || times.iter().zip(deviations);
        let mut earlier = at().peekable();
        at().map(|(&time, later)| {
            let wanted = time.checked_sub(lag as u64);
            let mut product = 0.0;
            while let Some(&(&found, deviation)) = earlier.peek() {
                if wanted.is_none_or(|wanted| found > wanted) {
                    break;
                }
                if wanted == Some(found) {
                    product = later * deviation;
                }
                earlier.next();
            }
            product
        })
        .sum()
    })
}

/// `product(deviations, lag)` is the sum of products of deviations a lag apart;
/// there are none beyond `most` lags.
fn mean_and_error(
    series: &[f64],
    lags: usize,
    most: usize,
    product: impl Fn(&[f64], usize) -> f64,
) -> (f64, f64) {
    let n = series.len() as f64;
    let Some(&origin) = series.first() else {
        return (f64::NAN, f64::NAN);
    };
    // Deviations from the first value are exact zeros in a constant series.
    let mean = origin + series.iter().map(|x| x - origin).sum::<f64>() / n;
    let deviations: Vec<f64> = series.iter().map(|x| x - mean).collect();
    let variance = product(&deviations, 0);
    let mut sum = variance;
    for lag in 1..=lags.min(most) {
        let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
        sum += 2.0 * weight * product(&deviations, lag);
    }
    // The kernel makes the sum non-negative; what rounding leaves of a zero is
    // no standard error.
    let sum = if sum > 16.0 * f64::EPSILON * variance {
        sum
    } else {
        0.0
    };
    (mean, sum.sqrt() / n)
}

#[cfg(test)]
mod tests {
    use super::{newey_west_mean, newey_west_mean_at};

    /// sm.OLS(series, np.ones(8)).fit(cov_type='HAC', cov_kwds={'maxlags': lags,
    /// 'use_correction': False}).bse[0], statsmodels 0.15.0; see
    /// tests/python/information_coefficient_reference.py.
    #[test]
    fn standard_errors_agree_with_statsmodels() {
        let series = [0.05, -0.02, 0.08, 0.03, -0.01, 0.04, 0.1, -0.06];
        for (lags, expected) in [
            (0, 0.017672144394498362),
            (1, 0.012883757640436271),
            (3, 0.008141509668820643),
            (7, 0.006515831081872826),
        ] {
            let (mean, error) = newey_west_mean(&series, lags);
            assert!((mean - 0.02625).abs() < 1e-15);
            assert!((error / expected - 1.0).abs() < 1e-12, "{lags}: {error}");
            let times: Vec<u64> = (5..13).collect();
            assert_eq!(newey_west_mean_at(&series, &times, lags), (mean, error));
        }
    }

    /// As the double sum of the variance of a mean, written out.
    #[test]
    fn times_that_were_left_out_are_gaps() {
        let series = [0.05, -0.02, 0.08, 0.03, -0.01, 0.04];
        let times = [2_u64, 3, 5, 6, 7, 40];
        let mean = series.iter().sum::<f64>() / 6.0;
        for lags in [0, 1, 2, 4, 60] {
            let mut expected = 0.0;
            for (a, t) in series.iter().zip(times) {
                for (b, s) in series.iter().zip(times) {
                    let weight = 1.0 - t.abs_diff(s) as f64 / (lags as f64 + 1.0);
                    expected += weight.max(0.0) * (a - mean) * (b - mean);
                }
            }
            let (_, error) = newey_west_mean_at(&series, &times, lags);
            let expected = expected.sqrt() / 6.0;
            assert!(
                (error - expected).abs() < 1e-15,
                "{lags}: {error}, {expected}"
            );
        }
    }

    #[test]
    fn a_constant_has_no_error_and_nothing_has_no_mean() {
        assert_eq!(newey_west_mean(&[0.1; 7], 2), (0.1, 0.0));
        assert!(newey_west_mean(&[], 2).0.is_nan());
    }
}
