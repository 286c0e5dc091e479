//! The share of false discoveries among many tests.

/// How the rate of false discoveries is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FalseDiscovery {
    /// For independent or positively dependent tests: Benjamini and Hochberg,
    /// Journal of the Royal Statistical Society B 57 (1995).
    BenjaminiHochberg,
    /// For tests that depend on each other in any way: Benjamini and Yekutieli,
    /// Annals of Statistics 29 (2001), theorem 1.3.
    BenjaminiYekutieli,
}

impl FalseDiscovery {
    /// By what m / i is multiplied.
    fn factor(self, tests: usize) -> f64 {
        match self {
            Self::BenjaminiHochberg => 1.0,
            Self::BenjaminiYekutieli => (1..=tests).map(|i| 1.0 / i as f64).sum(),
        }
    }

    /// The q-value of every p-value: the lowest level at which its test is
    /// accepted. A missing p-value is no test: it has no q-value and is not
    /// counted.
    pub fn q_values(self, p_values: &[Option<f64>]) -> Vec<Option<f64>> {
        let order = ascending(p_values);
        let factor = self.factor(order.len());
        let mut q_values = vec![None; p_values.len()];
        let mut least = 1.0_f64;
        for (place, &(p, i)) in order.iter().enumerate().rev() {
            let share = (place + 1) as f64 / order.len() as f64 / factor;
            least = least.min(p / share);
            q_values[i] = Some(least);
        }
        q_values
    }

    /// The largest p-value that is accepted at this level, if any is.
    pub fn cutoff(self, p_values: &[Option<f64>], level: f64) -> Option<f64> {
        let order = ascending(p_values);
        let factor = self.factor(order.len());
        let accepted = order.iter().enumerate().rev().find(|(place, (p, _))| {
            *p <= (*place + 1) as f64 / order.len() as f64 / factor * level
        });
        accepted.map(|(_, &(p, _))| p)
    }
}

fn ascending(p_values: &[Option<f64>]) -> Vec<(f64, usize)> {
    let tests = p_values.iter().enumerate();
    let mut order: Vec<(f64, usize)> = tests.filter_map(|(i, p)| p.map(|p| (p, i))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    order
}

#[cfg(test)]
mod tests {
    use super::FalseDiscovery::{self, BenjaminiHochberg, BenjaminiYekutieli};

    fn check(method: FalseDiscovery, expected: [f64; 7], cutoff: f64) {
        // The missing one changes nothing.
        let p = [
            Some(0.01),
            Some(0.02),
            None,
            Some(0.03),
            Some(0.5),
            Some(0.0001),
            Some(0.03),
            Some(0.9),
        ];
        let q = method.q_values(&p);
        assert_eq!(q[2], None);
        for (q, expected) in q.iter().flatten().zip(expected) {
            assert!((q - expected).abs() < 1e-15, "{q} against {expected}");
        }
        assert_eq!(method.cutoff(&p, 0.05), Some(cutoff));
        assert_eq!(method.cutoff(&p, 1e-5), None);
    }

    /// statsmodels.stats.multitest.multipletests, statsmodels 0.15.0; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_statsmodels() {
        check(
            BenjaminiHochberg,
            [0.035, 0.042, 0.042, 3.5 / 6.0, 0.0007, 0.042, 0.9],
            0.03,
        );
        check(
            BenjaminiYekutieli,
            [0.09075, 0.1089, 0.1089, 1.0, 0.001_815, 0.1089, 1.0],
            0.0001,
        );
    }

    #[test]
    fn no_test_at_all() {
        assert_eq!(BenjaminiYekutieli.q_values(&[None, None]), [None, None]);
        assert_eq!(BenjaminiYekutieli.cutoff(&[None], 0.05), None);
    }
}
