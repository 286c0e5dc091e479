//! Tests of the hypothesis that a feature has nothing to do with a target, and
//! what remains of them when many are made at once.

mod false_discovery;
mod fisher;
mod kolmogorov_smirnov;
mod mann_whitney;
mod normal_tail;

pub use false_discovery::FalseDiscovery;
pub use fisher::fisher_exact;
pub use kolmogorov_smirnov::{ks_p_value, ks_two_sample};
pub use mann_whitney::mann_whitney;
pub(super) use normal_tail::two_sided_normal;

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
        // A NaN, which is not equal to itself, must not stop the loop for good.
        while i < first.len() && !(first[i] > value) {
            i += 1;
        }
        while j < second.len() && !(second[j] > value) {
            j += 1;
        }
        each(i - start_i, j - start_j);
    }
}
