//! Ranks of many slices, one after the other.

/// Ranks slices, reusing its memory.
#[derive(Debug, Clone, Default)]
pub struct Ranker {
    /// The values as integers in the same order, with their places; sorted.
    keys: Vec<(u64, u32)>,
}

impl Ranker {
    /// Appends the ranks of `values`, ties sharing their average, less the mean
    /// rank, and returns the sum of their squares: 0 if all are equal. `values`
    /// holds no NaN.
    pub fn rank(&mut self, values: &[f64], ranks: &mut Vec<f64>) -> f64 {
        self.sort(values);
        let n = values.len();
        let first = ranks.len();
        ranks.resize(first + n, 0.0);
        let ranks = &mut ranks[first..];
        let middle = (n as f64 + 1.0) / 2.0;
        let cube = |n: usize| {
            let n = n as f64;
            n * (n * n - 1.0)
        };
        let mut tied = 0.0;
        let mut start = 0;
        while start < n {
            let key = self.keys[start].0;
            let mut end = start + 1;
            while end < n && self.keys[end].0 == key {
                end += 1;
            }
            let rank = (start + 1 + end) as f64 / 2.0 - middle;
            for &(_, place) in &self.keys[start..end] {
                ranks[place as usize] = rank;
            }
            if end - start == n {
                return 0.0;
            }
            tied += cube(end - start);
            start = end;
        }
        (cube(n) - tied) / 12.0
    }

    /// Of the slice ranked last: which place holds the value that has `below`
    /// values before it in ascending order. `None` if there are not so many.
    pub fn place(&self, below: usize) -> Option<usize> {
        self.keys.get(below).map(|&(_, place)| place as usize)
    }

    fn sort(&mut self, values: &[f64]) {
        self.keys.clear();
        let keyed = |(place, &value): (usize, &f64)| (ordered(value), place as u32);
        self.keys.extend(values.iter().enumerate().map(keyed));
        self.keys.sort_unstable_by_key(|&(key, _)| key);
    }
}

/// An integer that is ordered as the value is; both zeros have one.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::Ranker;

    #[test]
    fn ties_share_the_average_and_signed_zeros_are_equal() {
        let mut ranker = Ranker::default();
        let mut ranks = vec![7.0];
        let squares = ranker.rank(&[3.0, -1.0, 3.0, 2.0], &mut ranks);
        assert_eq!(ranks, [7.0, 1.0, -1.5, 1.0, -0.5]);
        assert_eq!(squares, 4.5);
        assert_eq!(ranker.place(1), Some(3));
        assert_eq!(ranker.place(4), None);
        ranks.clear();
        assert_eq!(ranker.rank(&[0.0, -0.0, 1.0], &mut ranks), 1.5);
        assert_eq!(ranks, [-0.5, -0.5, 1.0]);
        assert_eq!(ranker.rank(&[5.0, 5.0], &mut ranks), 0.0);
        assert_eq!(ranker.rank(&[], &mut ranks), 0.0);
    }
}
