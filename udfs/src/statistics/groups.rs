//! Rows that belong together, sorted once and shared by every column.

use rayon::prelude::*;

/// Row numbers, group after group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    order: Vec<u32>,
    /// Where each group starts in `order`, and the end of the last.
    starts: Vec<u32>,
}

impl Groups {
    /// The rows of each value of `group`, the values ascending; within a group
    /// the rows ascend by `position`, in which no two rows of a group should be
    /// equal: it is what makes a sum the same in any order of arrival. A row
    /// that has a NaN in `group` belongs to none.
    pub fn of(group: &[f64], position: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..group.len() as u32)
            .filter(|&row| !group[row as usize].is_nan())
            .collect();
        order.par_sort_unstable_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            group[a]
                .total_cmp(&group[b])
                .then(position[a].total_cmp(&position[b]))
                .then(a.cmp(&b))
        });
        let value = |at: usize| group[order[at] as usize];
        let mut starts: Vec<u32> = (0..order.len())
            .filter(|&at| at == 0 || value(at - 1) != value(at))
            .map(|at| at as u32)
            .collect();
        starts.push(order.len() as u32);
        Self { order, starts }
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of each group, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts
            .windows(2)
            .map(|pair| &self.order[pair[0] as usize..pair[1] as usize])
    }

    /// The rows of all groups, one group after the other.
    pub fn rows(&self) -> &[u32] {
        &self.order
    }

    /// The groups of what was taken in the order of [`Self::rows`].
    pub fn in_order(&self) -> Self {
        Self {
            order: (0..self.order.len() as u32).collect(),
            starts: self.starts.clone(),
        }
    }

    /// For each of `rows` the row `count` places earlier in its group, if any.
    pub fn earlier(&self, count: usize, rows: usize) -> Vec<Option<u32>> {
        let mut found = vec![None; rows];
        for group in self.iter() {
            for (&row, &before) in group.iter().skip(count).zip(group) {
                found[row as usize] = Some(before);
            }
        }
        found
    }

    /// `column` as it was `count` places earlier in each row's group; NaN where
    /// there is no such row.
    pub fn lagged(&self, column: &[f64], count: usize) -> Vec<f64> {
        let mut lagged = vec![f64::NAN; column.len()];
        for group in self.iter() {
            for (&row, &before) in group.iter().skip(count).zip(group) {
                lagged[row as usize] = column[before as usize];
            }
        }
        lagged
    }
}

#[cfg(test)]
mod tests {
    use super::Groups;

    #[test]
    fn rows_are_sorted_by_group_then_position_and_nan_is_in_none() {
        let groups = Groups::of(
            &[2.0, 1.0, f64::NAN, 2.0, 1.0, 3.0],
            &[1.0, 9.0, 0.0, 0.0, 3.0, 5.0],
        );
        let found: Vec<&[u32]> = groups.iter().collect();
        assert_eq!(found, [&[4, 1][..], &[3, 0], &[5]]);
        assert_eq!(groups.rows(), [4, 1, 3, 0, 5]);
        let in_order = groups.in_order();
        let found: Vec<&[u32]> = in_order.iter().collect();
        assert_eq!(found, [&[0, 1][..], &[2, 3], &[4]]);
        assert_eq!(
            groups.earlier(1, 6),
            [Some(3), Some(4), None, None, None, None]
        );
        let lagged = groups.lagged(&[10.0, 11.0, 12.0, 13.0, 14.0, 15.0], 1);
        assert_eq!(lagged[..2], [13.0, 14.0]);
        assert!(lagged[2..].iter().all(|value| value.is_nan()));
        assert!(Groups::of(&[], &[]).is_empty());
    }
}
