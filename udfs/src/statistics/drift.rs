//! How far a sample has moved from a baseline.

use super::hypothesis::ks_p_value;

/// What stands for the share of an empty bin, so that its logarithm exists.
const EMPTY_SHARE: f64 = 1e-4;

/// A sample to compare with, sorted and binned once.
#[derive(Debug, Clone)]
pub struct Baseline {
    sorted: Vec<f64>,
    moments: Moments,
    /// Inner edges of the bins, ascending; a value equal to an edge is below it.
    edges: Vec<f64>,
    shares: Vec<f64>,
}

/// Of a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// Values.
    pub n: usize,
    /// None without a value.
    pub mean: Option<f64>,
    /// With n - 1; none for one value.
    pub deviation: Option<f64>,
}

impl Moments {
    /// Of ascending values.
    pub fn of(sorted: &[f64]) -> Self {
        let n = sorted.len() as f64;
        let Some(&origin) = sorted.first() else {
            return Self::default();
        };
        // Deviations from a value of the sample: equal ones leave none at all.
        let mean = origin + sorted.iter().map(|x| x - origin).sum::<f64>() / n;
        let squares: f64 = sorted.iter().map(|x| (x - mean).powi(2)).sum();
        Self {
            n: sorted.len(),
            mean: Some(mean),
            deviation: (n > 1.0).then(|| (squares / (n - 1.0)).sqrt()),
        }
    }
}

/// A sample against a baseline; neither is empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Population stability index.
    pub psi: f64,
    /// Kolmogorov and Smirnov's distance.
    pub ks: f64,
    /// Its two-sided p-value.
    pub ks_p_value: f64,
    /// Jensen-Shannon divergence in bits, 0 to 1.
    pub js: f64,
    /// Wasserstein's first distance, in units of the values.
    pub wasserstein: f64,
}

impl Baseline {
    /// Of ascending values, cut into `bins` bins of equal frequency.
    pub fn of(sorted: Vec<f64>, bins: usize) -> Self {
        let mut edges: Vec<f64> = (1..bins)
            .filter_map(|i| quantile(&sorted, i as f64 / bins as f64))
            .collect();
        edges.dedup();
        // Nothing lies above an edge at the greatest value.
        edges.retain(|edge| Some(edge) != sorted.last());
        Self {
            moments: Moments::of(&sorted),
            shares: shares(&sorted, &edges),
            edges,
            sorted,
        }
    }

    /// Its moments.
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The inner edges of its bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The population stability index of ascending values; none if either is
    /// empty. See [`Self::distance`].
    pub fn psi(&self, sorted: &[f64]) -> Option<f64> {
        if sorted.is_empty() || self.sorted.is_empty() {
            return None;
        }
        let known = |share: f64| if share > 0.0 { share } else { EMPTY_SHARE };
        let current = shares(sorted, &self.edges);
        let terms = self.shares.iter().zip(current).map(|(&base, now)| {
            let (base, now) = (known(base), known(now));
            (now - base) * (now / base).ln()
        });
        Some(terms.sum())
    }

    /// How far ascending values lie from it; none if either is empty.
    ///
    /// PSI = Σ (c - b) ln(c / b) over bins of equal frequency in the baseline
    /// (Siddiqi, Credit Risk Scorecards, 2006, chapter 6), an empty bin counting
    /// as 1e-4; Jensen-Shannon divergence (Lin, IEEE Transactions on Information
    /// Theory 37, 1991) over the same bins, which is the square of
    /// scipy.spatial.distance.jensenshannon in base 2; Wasserstein's distance is
    /// ∫ |F - G| (scipy.stats.wasserstein_distance).
    pub fn distance(&self, sorted: &[f64]) -> Option<Distance> {
        if sorted.is_empty() || self.sorted.is_empty() {
            return None;
        }
        let current = shares(sorted, &self.edges);
        let pairs = self.shares.iter().zip(&current);
        let part = |share: f64, middle: f64| match share > 0.0 {
            true => share * (share / middle).log2() / 2.0,
            false => 0.0,
        };
        let js = pairs.map(|(&base, &now)| {
            let middle = (base + now) / 2.0;
            part(base, middle) + part(now, middle)
        });
        let apart = Apart::of(&self.sorted, sorted);
        Some(Distance {
            psi: self.psi(sorted)?,
            ks: apart.greatest,
            ks_p_value: ks_p_value(apart.greatest, self.sorted.len(), sorted.len()),
            js: js.sum::<f64>().max(0.0),
            wasserstein: apart.area,
        })
    }
}

/// The quantile of ascending values by linear interpolation, as NumPy's.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = sorted[place as usize];
    let above = sorted.get(place as usize + 1).unwrap_or(&below);
    Some(below + (above - below) * place.fract())
}

/// The share of ascending values in each bin.
fn shares(sorted: &[f64], edges: &[f64]) -> Vec<f64> {
    let mut before = 0;
    let ends = edges
        .iter()
        .map(|edge| sorted.partition_point(|x| x <= edge));
    ends.chain([sorted.len()])
        .map(|end| {
            let count = end - before;
            before = end;
            count as f64 / sorted.len().max(1) as f64
        })
        .collect()
}

/// How far apart the distribution functions F and G of two samples are.
struct Apart {
    /// max |F - G|.
    greatest: f64,
    /// ∫ |F - G|.
    area: f64,
}

impl Apart {
    /// Of two ascending samples that are not empty. Both advance by one value at
    /// a time and without branches: what the values are cannot be foretold.
    fn of(first: &[f64], second: &[f64]) -> Self {
        let (n, m) = (first.len() as i64, second.len() as i64);
        let (mut i, mut j) = (0, 0);
        // n m (F - G), below 2⁶² as rows are numbered by 32 bits.
        let mut apart = 0_i64;
        let mut greatest = 0_i64;
        let mut area = 0.0;
        let mut last = first[0].min(second[0]);
        while let (Some(&a), Some(&b)) = (first.get(i), second.get(j)) {
            let next = a.min(b);
            // Between equal values F and G are not what they will be.
            let between = if next > last { apart.abs() } else { 0 };
            greatest = greatest.max(between);
            area += between as f64 * (next - last);
            last = next;
            let (from_first, from_second) = (a == next, b == next);
            i += usize::from(from_first);
            j += usize::from(from_second);
            apart += (i64::from(from_first) * m) - (i64::from(from_second) * n);
        }
        for (rest, step) in [(&first[i..], m), (&second[j..], -n)] {
            for &next in rest {
                let between = if next > last { apart.abs() } else { 0 };
                greatest = greatest.max(between);
                area += between as f64 * (next - last);
                last = next;
                apart += step;
            }
        }
        let both = n as f64 * m as f64;
        Self {
            greatest: greatest as f64 / both,
            area: area / both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Apart, Baseline, Moments};

    fn sorted(values: impl Iterator<Item = i32>) -> Vec<f64> {
        let mut values: Vec<f64> = values.map(f64::from).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn close(actual: f64, expected: f64) {
        let error = (actual - expected).abs();
        assert!(
            error <= 1e-12 * expected.abs().max(1e-3),
            "{actual} {expected}"
        );
    }

    /// NumPy 2 and SciPy 1.17: tests/python/stability_reference.py.
    #[test]
    fn distances_agree_with_scipy() {
        let base = Baseline::of(sorted((0..60).map(|i| i * 7 % 31)), 10);
        let now = sorted((0..40).map(|i| i * 11 % 37 + 3));
        let distance = base.distance(&now).expect("two samples");
        close(distance.psi, PSI);
        close(distance.js, JS);
        close(distance.ks, KS);
        close(distance.ks_p_value, KS_P);
        close(distance.wasserstein, WASSERSTEIN);
    }

    const PSI: f64 = 0.9348305478320904;
    const JS: f64 = 0.09224311211675847;
    const KS: f64 = 0.225;
    const KS_P: f64 = 0.15883858320592947;
    const WASSERSTEIN: f64 = 5.658333333333334;

    /// feature-engine 1.9's DropHighPSIFeatures, of integers with ties and of
    /// values without: tests/python/stability_reference.py.
    #[test]
    fn the_stability_index_agrees_with_feature_engine() {
        let base = Baseline::of(sorted((0..60).map(|i| i * 7 % 31)), 10);
        let now = sorted((0..40).map(|i| i * 11 % 37 + 3));
        close(base.psi(&now).expect("two samples"), FEATURE_ENGINE_PSI);
        let mut base: Vec<f64> = (0..2000_u32)
            .map(|k| f64::from(k * 7919 % 10_007) / 10_007.0)
            .collect();
        let mut now: Vec<f64> = (0..1500_u32)
            .map(|k| (f64::from(k * 104_729 % 9001) / 9001.0).powf(1.3))
            .collect();
        base.sort_by(f64::total_cmp);
        now.sort_by(f64::total_cmp);
        let base = Baseline::of(base, 10);
        close(base.psi(&now).expect("two samples"), FEATURE_ENGINE_REAL);
    }

    const FEATURE_ENGINE_PSI: f64 = 0.9348305478320904;
    const FEATURE_ENGINE_REAL: f64 = 0.061156334780152394;

    /// Against both definitions, value by value.
    #[test]
    fn functions_are_apart_as_counted() {
        let share = |sample: &[f64], x: f64| {
            sample.iter().filter(|value| **value <= x).count() as f64 / sample.len() as f64
        };
        for (n, m, levels) in [(1, 1, 3), (50, 31, 7), (40, 90, 1000), (5, 200, 11)] {
            let first = sorted((0..n).map(|i| i * 7919 % levels));
            let second = sorted((0..m).map(|i| i * 31 % levels + 2));
            let mut all = [first.as_slice(), &second].concat();
            all.sort_by(f64::total_cmp);
            let apart = |x| (share(&first, x) - share(&second, x)).abs();
            let greatest = all.iter().map(|x| apart(*x)).fold(0.0, f64::max);
            let area = all
                .windows(2)
                .map(|pair| apart(pair[0]) * (pair[1] - pair[0]));
            let area: f64 = area.sum();
            for (first, second) in [(&first, &second), (&second, &first)] {
                let found = Apart::of(first, second);
                assert!((found.greatest - greatest).abs() < 1e-15);
                assert!((found.area - area).abs() < 1e-12 * area.max(1.0));
            }
        }
    }

    #[test]
    fn a_sample_is_no_distance_from_itself_and_constants_have_one_bin() {
        let values = sorted((0..50).map(|i| i % 7));
        let distance = Baseline::of(values.clone(), 10).distance(&values);
        let distance = distance.expect("two samples");
        assert_eq!(
            (distance.psi, distance.ks, distance.wasserstein),
            (0.0, 0.0, 0.0)
        );
        let constant = Baseline::of(vec![0.1; 20], 10);
        assert!(constant.edges().is_empty());
        assert_eq!(constant.moments().deviation, Some(0.0));
        assert!(constant.distance(&[]).is_none());
        assert_eq!(Moments::of(&[]), Moments::default());
    }
}
