//! The nearest of many points of few coordinates: a k-d tree (Friedman, Bentley and
//! Finkel, ACM Transactions on Mathematical Software 3, 1977).

use super::search::Neighbor;

/// Points of a leaf, at most.
const LEAF: usize = 16;

/// Points, a box around each part of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    dimensions: usize,
    /// Row after row in the order of the tree: the halves of a part follow each other.
    coordinates: Vec<f64>,
    /// The number that each point was given with.
    numbers: Vec<u32>,
    /// Lower and upper corner of part i, whose halves are 2i + 1 and 2i + 2.
    corners: Vec<f64>,
}

impl Tree {
    /// Of coordinates row after row.
    pub fn of(coordinates: &[f64], dimensions: usize) -> Self {
        let points = coordinates.len() / dimensions.max(1);
        let mut leaves = 1;
        while points.div_ceil(leaves) > LEAF {
            leaves *= 2;
        }
        let mut order: Vec<u32> = (0..points as u32).collect();
        let mut corners = vec![0.0; (2 * leaves - 1) * 2 * dimensions];
        let given = Given {
            coordinates,
            dimensions,
            leaves,
        };
        given.split(&mut order, 0, &mut corners);
        Self {
            dimensions,
            coordinates: order
                .iter()
                .flat_map(|&number| given.point(number))
                .copied()
                .collect(),
            numbers: order,
            corners,
        }
    }

    /// Leaves the `count` nearest points in `nearest`, sorted by distance, then by
    /// number.
    pub fn nearest(&self, query: &[f64], count: usize, nearest: &mut Vec<Neighbor>) {
        nearest.clear();
        self.search(0, 0, self.numbers.len(), query, count, nearest);
    }

    fn search(
        &self,
        part: usize,
        start: usize,
        end: usize,
        query: &[f64],
        count: usize,
        nearest: &mut Vec<Neighbor>,
    ) {
        if (2 * part + 1) * 2 * self.dimensions >= self.corners.len() {
            let range = start * self.dimensions..end * self.dimensions;
            let points = self.coordinates[range].chunks_exact(self.dimensions);
            for (point, &number) in points.zip(&self.numbers[start..end]) {
                let differences = point.iter().zip(query).map(|(x, q)| x - q);
                let square = differences.fold(0.0, |sum, d| sum + d * d);
                insert(nearest, (square, number), count);
            }
            return;
        }
        let middle = start + (end - start) / 2;
        let halves = [(2 * part + 1, start, middle), (2 * part + 2, middle, end)];
        let distances = halves.map(|(half, _, _)| self.to_box(half, query));
        let first = usize::from(distances[1] < distances[0]);
        for i in [first, 1 - first] {
            // Nothing in the box is closer than the box, rounding included; as close
            // is close enough, since a lower number wins.
            let full = nearest.len() == count;
            if !full || nearest.last().is_none_or(|last| distances[i] <= last.0) {
                let (half, start, end) = halves[i];
                self.search(half, start, end, query, count, nearest);
            }
        }
    }

    fn to_box(&self, part: usize, query: &[f64]) -> f64 {
        let width = self.dimensions;
        let corners = &self.corners[part * 2 * width..(part + 1) * 2 * width];
        let (low, high) = corners.split_at(width);
        let along = low.iter().zip(high).zip(query);
        along.fold(0.0, |sum, ((low, high), q)| {
            let difference = (low - q).max(q - high).max(0.0);
            sum + difference * difference
        })
    }
}

/// Puts a point in its place if it is among the nearest.
fn insert(nearest: &mut Vec<Neighbor>, point: Neighbor, count: usize) {
    let before = |other: &Neighbor| other.0 < point.0 || (other.0 == point.0 && other.1 < point.1);
    if nearest.len() == count {
        if nearest.last().is_some_and(before) {
            return;
        }
        nearest.pop();
    }
    let place = nearest.iter().rposition(before).map_or(0, |last| last + 1);
    nearest.insert(place, point);
}

/// What a tree is made of.
struct Given<'a> {
    coordinates: &'a [f64],
    dimensions: usize,
    leaves: usize,
}

impl Given<'_> {
    fn point(&self, number: u32) -> &[f64] {
        let start = number as usize * self.dimensions;
        &self.coordinates[start..start + self.dimensions]
    }

    /// Halves the points along the longest side of their box, part by part.
    fn split(&self, order: &mut [u32], part: usize, corners: &mut [f64]) {
        let width = self.dimensions;
        let place = &mut corners[part * 2 * width..(part + 1) * 2 * width];
        let (low, high) = place.split_at_mut(width);
        low.fill(f64::INFINITY);
        high.fill(f64::NEG_INFINITY);
        for &number in order.iter() {
            for (i, &x) in self.point(number).iter().enumerate() {
                low[i] = low[i].min(x);
                high[i] = high[i].max(x);
            }
        }
        if part >= self.leaves - 1 {
            return;
        }
        let side = |i: &usize| high[*i] - low[*i];
        let longest = (0..width).max_by(|a, b| side(a).total_cmp(&side(b)));
        let along = |number: &u32| self.point(*number)[longest.unwrap_or_default()];
        let middle = order.len() / 2;
        if middle < order.len() {
            order.select_nth_unstable_by(middle, |a, b| {
                along(a).total_cmp(&along(b)).then(a.cmp(b))
            });
        }
        let (left, right) = order.split_at_mut(middle);
        self.split(left, 2 * part + 1, corners);
        self.split(right, 2 * part + 2, corners);
    }
}
