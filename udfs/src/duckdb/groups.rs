//! Which rows of a chunk belong to which state.

/// Rows sorted by their key, ascending within a key.
#[derive(Debug)]
pub(super) struct Groups {
    /// The distinct keys, in the order of their first rows.
    keys: Vec<usize>,
    /// Where the rows of each key end; they begin where the last key's end.
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl Groups {
    /// Sorts rows by key in time proportional to their number: a small hash
    /// table numbers the keys, a counting sort orders the rows.
    pub(super) fn new(row_keys: &[usize]) -> Self {
        const EMPTY: u32 = u32::MAX;
        let bits = (row_keys.len() * 2).next_power_of_two().ilog2().max(4);
        let mut slots = vec![EMPTY; 1 << bits];
        let mut keys = Vec::new();
        let mut counts: Vec<u32> = Vec::new();
        let mut last = None;
        let numbers: Vec<u32> = row_keys
            .iter()
            .map(|&key| {
                // Data often comes ordered by group, so look at the last first.
                let number = match last {
                    Some((last_key, number)) if last_key == key => number,
                    _ => {
                        let hash = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                        let mut slot = (hash >> (64 - bits)) as usize;
                        while slots[slot] != EMPTY && keys[slots[slot] as usize] != key {
                            slot = (slot + 1) & ((1 << bits) - 1);
                        }
                        if slots[slot] == EMPTY {
                            slots[slot] = keys.len() as u32;
                            keys.push(key);
                            counts.push(0);
                        }
                        slots[slot]
                    }
                };
                last = Some((key, number));
                counts[number as usize] += 1;
                number
            })
            .collect();
        let mut next = counts;
        let mut start = 0;
        for count in &mut next {
            start += std::mem::replace(count, start);
        }
        let mut rows = vec![0; row_keys.len()];
        for (row, &number) in numbers.iter().enumerate() {
            let place = &mut next[number as usize];
            rows[*place as usize] = row as u32;
            *place += 1;
        }
        // Each place has moved from the start of its group to the end.
        Self {
            keys,
            ends: next,
            rows,
        }
    }

    /// Each key with its rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        self.keys
            .iter()
            .zip(starts.zip(&self.ends))
            .map(|(&key, (start, &end))| (key, &self.rows[start as usize..end as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::Groups;

    #[test]
    fn rows_are_sorted_by_key_and_ascending_within() {
        for (n, distinct) in [(0, 1), (1, 1), (7, 3), (2048, 500), (2048, 2048), (5000, 2)] {
            let keys: Vec<usize> = (0..n).map(|i| (i * 7919 % distinct) * 8 + 4096).collect();
            let groups = Groups::new(&keys);
            let mut seen = vec![false; n];
            for (key, rows) in groups.iter() {
                assert!(!rows.is_empty());
                assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
                for &row in rows {
                    assert_eq!(keys[row as usize], key);
                    assert!(!std::mem::replace(&mut seen[row as usize], true));
                }
            }
            assert!(seen.iter().all(|&seen| seen));
            let mut found: Vec<usize> = groups.iter().map(|(key, _)| key).collect();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), groups.iter().count());
        }
    }
}
