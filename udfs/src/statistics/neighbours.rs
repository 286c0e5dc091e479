//! Nearest neighbours in the plane, by the larger of two distances: a k-d tree
//! (Friedman, Bentley and Finkel, ACM Transactions on Mathematical Software 3,
//! 1977).

/// Points of a leaf, at most.
const LEAF: usize = 16;

/// Points, a box around each part of them.
pub struct Neighbours {
    /// In the order of the tree: the halves of a part follow each other.
    points: Vec<[f64; 2]>,
    /// Lower and upper corner of part i, whose halves are 2i + 1 and 2i + 2.
    boxes: Vec<[[f64; 2]; 2]>,
}

impl Neighbours {
    /// A tree of `points`, whose distance is the larger one of the coordinates'
    /// differences.
    pub fn of(mut points: Vec<[f64; 2]>) -> Self {
        let mut leaves = 1;
        while points.len().div_ceil(leaves) > LEAF {
            leaves *= 2;
        }
        let mut boxes = vec![[[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]]; 2 * leaves - 1];
        split(&mut points, 0, &mut boxes);
        Self { points, boxes }
    }

    /// The points, neighbours near each other.
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The distance of `point`, one of the points, to its `k`-th nearest other
    /// one, of which there are at least as many. `nearest` is working memory.
    pub fn distance(&self, point: [f64; 2], k: usize, nearest: &mut Vec<f64>) -> f64 {
        // The point itself is found as well, at distance 0.
        nearest.clear();
        nearest.resize(k + 1, f64::INFINITY);
        self.search(0, &self.points, point, nearest);
        nearest[k]
    }

    fn search(&self, part: usize, points: &[[f64; 2]], from: [f64; 2], nearest: &mut [f64]) {
        if is_leaf(part, self.boxes.len()) {
            for point in points {
                let dx = (point[0] - from[0]).abs();
                let dy = (point[1] - from[1]).abs();
                insert(nearest, dx.max(dy));
            }
            return;
        }
        let (left, right) = points.split_at(points.len() / 2);
        let halves = [(2 * part + 1, left), (2 * part + 2, right)];
        let distances = halves.map(|(half, _)| self.distance_to_box(half, from));
        let first = usize::from(distances[1] < distances[0]);
        for i in [first, 1 - first] {
            // Nothing in the box is closer than the box, rounding included.
            if distances[i] < nearest[nearest.len() - 1] {
                let (half, points) = halves[i];
                self.search(half, points, from, nearest);
            }
        }
    }

    fn distance_to_box(&self, part: usize, from: [f64; 2]) -> f64 {
        let [low, high] = self.boxes[part];
        let along = |i: usize| (low[i] - from[i]).max(from[i] - high[i]).max(0.0);
        along(0).max(along(1))
    }
}

fn is_leaf(part: usize, parts: usize) -> bool {
    2 * part + 1 >= parts
}

fn split(points: &mut [[f64; 2]], part: usize, boxes: &mut [[[f64; 2]; 2]]) {
    let [mut low, mut high] = boxes[part];
    for point in points.iter() {
        for i in 0..2 {
            low[i] = low[i].min(point[i]);
            high[i] = high[i].max(point[i]);
        }
    }
    boxes[part] = [low, high];
    if is_leaf(part, boxes.len()) {
        return;
    }
    let extent = |i: usize| high[i] - low[i];
    let axis = usize::from(extent(1) > extent(0));
    let middle = points.len() / 2;
    if middle < points.len() {
        points.select_nth_unstable_by(middle, |a, b| a[axis].total_cmp(&b[axis]));
    }
    let (left, right) = points.split_at_mut(middle);
    split(left, 2 * part + 1, boxes);
    split(right, 2 * part + 2, boxes);
}

/// Keeps the smallest, ascending.
fn insert(nearest: &mut [f64], distance: f64) {
    let mut at = nearest.len() - 1;
    if distance >= nearest[at] {
        return;
    }
    while at > 0 && nearest[at - 1] > distance {
        nearest[at] = nearest[at - 1];
        at -= 1;
    }
    nearest[at] = distance;
}

#[cfg(test)]
mod tests {
    use super::Neighbours;

    /// Against every distance, with and without ties, for every k that fits.
    #[test]
    fn distances_are_those_of_a_full_search() {
        for modulus in [3, 11, 100_003] {
            let points: Vec<[f64; 2]> = (0..150_u64)
                .map(|i| {
                    [
                        (i * 7919 % modulus) as f64,
                        (i * i * 31 % (2 * modulus)) as f64,
                    ]
                })
                .collect();
            let tree = Neighbours::of(points.clone());
            let mut memory = Vec::new();
            for from in &points {
                let mut all: Vec<f64> = points
                    .iter()
                    .map(|to| {
                        let along = |i: usize| (to[i] - from[i]).abs();
                        along(0).max(along(1))
                    })
                    .collect();
                all.sort_by(f64::total_cmp);
                for k in [1, 3, 20, 149] {
                    assert_eq!(tree.distance(*from, k, &mut memory), all[k]);
                }
            }
        }
    }
}
