//! Tests of the hypothesis that a feature has nothing to do with a target, and
//! what remains of them when many are made at once.

use std::cmp::Ordering;

mod false_discovery;
mod fisher;
mod kolmogorov_smirnov;
mod mann_whitney;

pub use false_discovery::FalseDiscovery;
pub use fisher::fisher_exact;
pub use kolmogorov_smirnov::{ks_p_value, ks_two_sample};
pub use mann_whitney::mann_whitney;

/// Calls `each` for every distinct value of two ascending samples, in order,
/// with how often it is in the first and in the second.
fn for_each_value(first: &[f64], second: &[f64], mut each: impl FnMut(usize, usize)) {
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        let value = match (first.get(i), second.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(value), None) | (None, Some(value)) => *value,
            (None, None) => return,
        };
        let (start_i, start_j) = (i, j);
        // A NaN would be passed over: it must not keep the loop here for good.
        let passed = |next: &f64| next.partial_cmp(&value) != Some(Ordering::Greater);
        while first.get(i).is_some_and(passed) {
            i += 1;
        }
        while second.get(j).is_some_and(passed) {
            j += 1;
        }
        each(i - start_i, j - start_j);
    }
}

#[cfg(test)]
mod samples {
    /// The columns of tests/python/relevance_reference.py.
    pub fn rows(n: u64, multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..n).map(|k| (k * multiplier % modulus) as f64).collect()
    }

    pub fn ascending(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        values
    }
}
