//! A sum that keeps what rounding would lose, so that it does not depend on the
//! order of what is added, to the last digit but one.

use serde::{Deserialize, Serialize};

/// The sum of the values added so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    value: f64,
    lost: f64,
}

impl Sum {
    /// Adds a finite value. Knuth's two-sum: the error of an addition of doubles
    /// is a double.
    pub fn add(&mut self, value: f64) {
        let sum = self.value + value;
        let added = sum - self.value;
        self.lost += (self.value - (sum - added)) + (value - added);
        self.value = sum;
    }

    /// Adds what another sum holds.
    pub fn merge(&mut self, from: Self) {
        self.add(from.value);
        self.lost += from.lost;
    }

    /// The sum.
    pub fn total(self) -> f64 {
        self.value + self.lost
    }

    /// The sum of what was added after `earlier`, a copy of this sum as it was
    /// then.
    pub fn since(self, earlier: Self) -> f64 {
        (self.value - earlier.value) + (self.lost - earlier.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn large_values_do_not_swallow_small_ones() {
        let mut sum = Sum::default();
        for value in [1e16, 1.0, 1.0, -1e16] {
            sum.add(value);
        }
        assert_eq!(sum.total(), 2.0);
        let earlier = sum;
        sum.add(0.1);
        assert_eq!(sum.since(earlier), 0.1);
        let mut merged = earlier;
        merged.merge(sum);
        assert_eq!(merged.total(), 4.1);
    }
}
