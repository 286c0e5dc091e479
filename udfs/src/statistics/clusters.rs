//! Groups of columns that repeat each other, from the absolute values of their
//! correlations.
//!
//! Correlations that differ by rounding alone must not decide who leads a
//! group, or results would depend on the order of rows; so everything here
//! compares them to twelve decimals.

/// An absolute correlation as it is compared: to twelve decimals, an undefined
/// one as 0.
pub fn comparable(abs_r: f64) -> f64 {
    if abs_r.is_nan() {
        0.0
    } else {
        (abs_r.abs() * 1e12).round() / 1e12
    }
}

/// The columns 0..p by descending `strength`, equal ones by number.
pub fn by_strength(p: usize, strength: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p).collect();
    order.sort_by(|&a, &b| comparable(strength(b)).total_cmp(&comparable(strength(a))));
    order
}

/// Goes through the columns 0..p in `order`; each joins the first anchor, in
/// the order in which they became anchors, with which |r| is strictly above
/// `threshold`, or becomes an anchor itself. Returns the anchor of each.
pub fn greedy(
    p: usize,
    order: &[usize],
    abs_r: impl Fn(usize, usize) -> f64,
    threshold: f64,
) -> Vec<usize> {
    let mut anchor_of: Vec<usize> = (0..p).collect();
    let mut anchors: Vec<usize> = Vec::new();
    for &column in order {
        let near = |&&anchor: &&usize| comparable(abs_r(anchor, column)) > threshold;
        match anchors.iter().find(near) {
            Some(&anchor) => anchor_of[column] = anchor,
            None => anchors.push(column),
        }
    }
    anchor_of
}

/// Hierarchical clusters of the columns 0..p by average linkage (UPGMA) on the
/// distance 1 - |r|, cut at the distance 1 - `threshold`: the clusters whose
/// average |r| is at least `threshold` are joined. Returns a number per column,
/// from 0, in the order of the clusters' first members.
///
/// In O(p²) time and space by chains of nearest neighbours (Murtagh, "A survey
/// of recent advances in hierarchical clustering algorithms", The Computer
/// Journal 26, 1983), with the updates of Lance and Williams.
pub fn average_linkage(
    p: usize,
    abs_r: impl Fn(usize, usize) -> f64,
    threshold: f64,
) -> Vec<usize> {
    let mut tree = Tree::of(p, abs_r);
    let mut cluster_of: Vec<usize> = (0..p).collect();
    // An average of distances that are all the cut itself may miss it by a rounding.
    let cut = 1.0 - threshold + 1e-12;
    let mut chain: Vec<usize> = Vec::new();
    for _ in 1..p {
        let (near, far, height) = tree.next_pair(&mut chain);
        tree.join(near, far);
        // Joins are never below those inside them, so all within the cut are found.
        if height <= cut {
            let (from, to) = (cluster_of[near], cluster_of[far]);
            for cluster in cluster_of.iter_mut().filter(|cluster| **cluster == from) {
                *cluster = to;
            }
        }
    }
    numbered(&cluster_of)
}

/// The same clusters, numbered from 0 by their first members.
fn numbered(cluster_of: &[usize]) -> Vec<usize> {
    let mut number_of = vec![None; cluster_of.len()];
    let mut next = 0;
    cluster_of
        .iter()
        .map(|&cluster| {
            *number_of[cluster].get_or_insert_with(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// Clusters that are not joined yet, each by the number of one of its members.
struct Tree {
    p: usize,
    /// Between clusters, `p × p`.
    distances: Vec<f64>,
    /// Members; 0 for a number that stands for no cluster any more.
    sizes: Vec<f64>,
}

impl Tree {
    fn of(p: usize, abs_r: impl Fn(usize, usize) -> f64) -> Self {
        let mut distances = vec![0.0; p * p];
        for i in 0..p {
            for j in i + 1..p {
                let distance = 1.0 - comparable(abs_r(i, j));
                distances[i * p + j] = distance;
                distances[j * p + i] = distance;
            }
        }
        Self {
            p,
            distances,
            sizes: vec![1.0; p],
        }
    }

    /// Two clusters that are each other's nearest, and their distance. Follows
    /// nearest neighbours from the end of `chain`, which it leaves without them.
    fn next_pair(&self, chain: &mut Vec<usize>) -> (usize, usize, f64) {
        loop {
            let Some(&last) = chain.last() else {
                chain.extend(self.sizes.iter().position(|&size| size > 0.0));
                continue;
            };
            let before = chain.len().checked_sub(2).map(|at| chain[at]);
            let row = &self.distances[last * self.p..(last + 1) * self.p];
            // Of equally near ones the one before is taken, or a chain may not end.
            let mut nearest = before.map_or((f64::INFINITY, last), |before| (row[before], before));
            for (other, (&distance, &size)) in row.iter().zip(&self.sizes).enumerate() {
                if size > 0.0 && other != last && distance < nearest.0 {
                    nearest = (distance, other);
                }
            }
            if before == Some(nearest.1) {
                chain.truncate(chain.len() - 2);
                return (last, nearest.1, nearest.0);
            }
            chain.push(nearest.1);
        }
    }

    /// Joins two clusters; the greater number stands for both.
    fn join(&mut self, a: usize, b: usize) {
        let (gone, kept) = (a.min(b), a.max(b));
        let (m, n) = (self.sizes[gone], self.sizes[kept]);
        self.sizes[gone] = 0.0;
        self.sizes[kept] = m + n;
        for other in 0..self.p {
            if self.sizes[other] > 0.0 && other != kept {
                let far = m * self.distances[gone * self.p + other];
                let near = n * self.distances[kept * self.p + other];
                let distance = (far + near) / (m + n);
                self.distances[kept * self.p + other] = distance;
                self.distances[other * self.p + kept] = distance;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{average_linkage, by_strength, comparable, greedy};

    /// scipy.cluster.hierarchy linkage(method='average') and
    /// fcluster(criterion='distance'), SciPy 1.17.1; see
    /// tests/python/correlation_reference.py. Without ties and with many.
    #[test]
    fn average_linkage_agrees_with_scipy() {
        let expected: [(usize, f64, [usize; 40]); 6] = [
            (
                100003,
                0.9,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 9, 10, 4, 11, 12, 13, 14, 1, 8, 15, 16, 17, 18,
                    2, 11, 13, 19, 10, 20, 21, 20, 16, 6, 9, 18, 5, 22, 12, 17, 0,
                ],
            ),
            (
                100003,
                0.7,
                [
                    0, 1, 2, 3, 4, 5, 3, 0, 6, 0, 7, 6, 4, 8, 7, 9, 1, 1, 6, 3, 8, 10, 11, 2, 8, 9,
                    11, 6, 12, 0, 12, 8, 3, 7, 11, 5, 12, 7, 10, 0,
                ],
            ),
            (
                100003,
                0.5,
                [
                    0, 1, 2, 3, 1, 4, 3, 0, 0, 0, 4, 0, 1, 3, 4, 4, 1, 1, 0, 3, 3, 0, 2, 2, 3, 4,
                    2, 0, 2, 0, 2, 3, 3, 4, 2, 4, 2, 4, 0, 0,
                ],
            ),
            (
                100,
                0.9,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 5, 10, 4, 11, 12, 3, 13, 14, 2, 15, 16, 17,
                    18, 19, 19, 18, 17, 16, 7, 20, 21, 9, 0, 13, 8, 22, 23, 12, 23,
                ],
            ),
            (
                100,
                0.7,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 5, 10, 4, 3, 11, 3, 2, 12, 2, 11, 6, 12, 0,
                    13, 13, 0, 12, 6, 7, 9, 13, 9, 0, 2, 8, 7, 10, 11, 10,
                ],
            ),
            (
                100,
                0.5,
                [
                    0, 1, 2, 3, 0, 4, 3, 2, 0, 3, 3, 4, 2, 0, 3, 1, 3, 2, 4, 2, 1, 3, 4, 0, 1, 1,
                    0, 4, 3, 2, 3, 1, 3, 0, 2, 0, 2, 2, 1, 2,
                ],
            ),
        ];
        for (modulus, threshold, labels) in expected {
            let abs_r = |i: usize, j: usize| {
                let (i, j) = (i.min(j), i.max(j));
                ((i * 3701 + j * 10103 + i * j * 1301) % modulus) as f64 / modulus as f64
            };
            assert_eq!(average_linkage(40, abs_r, threshold), labels);
        }
    }

    #[test]
    fn few_columns_and_extreme_thresholds() {
        assert!(average_linkage(0, |_, _| 0.0, 0.8).is_empty());
        assert_eq!(average_linkage(1, |_, _| 0.0, 0.8), [0]);
        assert_eq!(average_linkage(3, |_, _| 0.8, 0.8), [0, 0, 0]);
        assert_eq!(average_linkage(3, |_, _| f64::NAN, 0.5), [0, 1, 2]);
        assert_eq!(average_linkage(3, |_, _| 0.0, 0.0), [0, 0, 0]);
        assert!(greedy(0, &[], |_, _| 0.0, 0.8).is_empty());
    }

    #[test]
    fn greedy_goes_by_the_order_and_strictly_above() {
        // 0 and 1 at 0.9, 1 and 2 at 0.85, 0 and 2 at the threshold itself.
        let abs_r = |i: usize, j: usize| match (i.min(j), i.max(j)) {
            (0, 1) => 0.9,
            (1, 2) => 0.85,
            (0, 2) => 0.8 + 1e-16,
            _ => f64::NAN,
        };
        assert_eq!(greedy(4, &[0, 1, 2, 3], abs_r, 0.8), [0, 0, 2, 3]);
        assert_eq!(greedy(4, &[1, 3, 2, 0], abs_r, 0.8), [1, 1, 1, 3]);
        assert_eq!(greedy(4, &[2, 1, 0, 3], abs_r, 0.95), [0, 1, 2, 3]);
    }

    #[test]
    fn rounding_is_no_difference() {
        let strengths = [0.3, 1.0 - 1e-15, 1.0, f64::NAN, 0.0];
        assert_eq!(by_strength(5, |i| strengths[i]), [1, 2, 0, 3, 4]);
        assert_eq!(comparable(0.85), 0.85);
        assert_eq!(comparable(-0.25), 0.25);
    }
}
