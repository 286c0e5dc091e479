//! The nearest of many points, exactly: distances of whole blocks by a product of
//! matrices sort out who may be among the nearest, and the few who may are measured.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Points of a block: their distances to the queries of a block fit in the cache.
const POINTS: usize = 1024;
/// Queries of a block.
const QUERIES: usize = 64;
/// Distances that are compared at once.
const LANES: usize = 8;

/// Points, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Per point: its coordinates, then the square of its norm.
    rows: Vec<f64>,
    dimensions: usize,
    /// The largest of the squares.
    largest: f64,
}

/// A point and the square of its distance.
pub type Neighbor = (f64, u32);

impl Points {
    /// Of coordinates row after row.
    pub fn of(coordinates: &[f64], dimensions: usize) -> Self {
        let width = dimensions + 1;
        let mut rows = Vec::with_capacity(coordinates.len() / dimensions.max(1) * width);
        let mut largest = 0.0_f64;
        for point in coordinates.chunks_exact(dimensions.max(1)) {
            let square = square(point);
            largest = largest.max(square);
            rows.extend_from_slice(point);
            rows.push(square);
        }
        Self {
            rows,
            dimensions,
            largest,
        }
    }

    fn len(&self) -> usize {
        self.rows.len() / (self.dimensions + 1)
    }

    fn point(&self, number: u32) -> &[f64] {
        let start = number as usize * (self.dimensions + 1);
        &self.rows[start..start + self.dimensions]
    }

    /// Calls `each` with the number of every query and its `count` nearest points,
    /// nearest first; of equally distant ones, those of lower number. Queries row
    /// after row, `dimensions + 1` numbers each, of which the last is ignored.
    pub fn nearest<T: Send>(
        &self,
        queries: &mut [f64],
        count: usize,
        each: impl Fn(&[Neighbor]) -> T + Sync,
    ) -> Vec<T> {
        let width = self.dimensions + 1;
        let blocks = queries.par_chunks_mut(QUERIES * width);
        let found: Vec<Vec<T>> = blocks
            .map(|block| self.nearest_of_block(block, count, &each))
            .collect();
        found.into_iter().flatten().collect()
    }

    fn nearest_of_block<T>(
        &self,
        queries: &mut [f64],
        count: usize,
        each: &impl Fn(&[Neighbor]) -> T,
    ) -> Vec<T> {
        let width = self.dimensions + 1;
        let number = queries.len() / width;
        // (x, |x|²) · (-2q, 1) = |x - q|² - |q|².
        let mut candidates: Vec<Candidates> = queries
            .chunks_exact_mut(width)
            .map(|query| {
                let [coordinates @ .., last] = query else {
                    return Candidates::new(count, 0.0);
                };
                *last = 1.0;
                let size = square(coordinates).sqrt() + self.largest.sqrt();
                for coordinate in coordinates {
                    *coordinate *= -2.0;
                }
                // Twice what a sum of so many products of such numbers may be off.
                let slack = 8.0 * (width as f64 + 4.0) * f64::EPSILON * size * size;
                Candidates::new(count, slack)
            })
            .collect();
        let mut products = vec![0.0; POINTS * number];
        for start in (0..self.len()).step_by(POINTS) {
            let points = POINTS.min(self.len() - start);
            let rows = &self.rows[start * width..(start + points) * width];
            let products = &mut products[..points * number];
            matmul(
                MatMut::from_column_major_slice_mut(products, points, number),
                Accum::Replace,
                MatRef::from_row_major_slice(rows, points, width),
                MatRef::from_column_major_slice(queries, width, number),
                1.0,
                Par::Seq,
            );
            for (candidates, distances) in candidates.iter_mut().zip(products.chunks_exact(points))
            {
                candidates.add(distances, start as u32);
            }
        }
        let mut nearest: Vec<Neighbor> = Vec::new();
        candidates
            .into_iter()
            .zip(queries.chunks_exact(width))
            .map(|(mut candidates, query)| {
                candidates.drop_distant();
                nearest.clear();
                nearest.extend(candidates.found.iter().map(|&(_, point)| {
                    let differences = self.point(point).iter().zip(query);
                    // -2q / -2 is q, exactly.
                    let squares = differences.map(|(x, q)| (x + 0.5 * q).powi(2));
                    (squares.sum::<f64>(), point)
                }));
                nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                nearest.truncate(count);
                each(&nearest)
            })
            .collect()
    }
}

/// Points that may be among the nearest.
struct Candidates {
    count: usize,
    /// What two distances may differ by although they are equal.
    slack: f64,
    /// Points farther than this are not among the nearest.
    limit: f64,
    found: Vec<Neighbor>,
    /// When the list is long enough to be gone through.
    room: usize,
}

impl Candidates {
    fn new(count: usize, slack: f64) -> Self {
        Self {
            count,
            slack,
            limit: f64::INFINITY,
            found: Vec::new(),
            room: 2 * count + 32,
        }
    }

    fn add(&mut self, distances: &[f64], first: u32) {
        for (chunk, distances) in distances.chunks(LANES).enumerate() {
            let near = distances
                .iter()
                .fold(false, |near, distance| near | (*distance <= self.limit));
            if !near {
                continue;
            }
            for (lane, &distance) in distances.iter().enumerate() {
                if distance <= self.limit {
                    let point = first + (chunk * LANES + lane) as u32;
                    self.found.push((distance, point));
                }
            }
            if self.found.len() >= self.room {
                self.drop_distant();
                self.room = (2 * self.found.len()).max(self.room);
            }
        }
    }

    fn drop_distant(&mut self) {
        if self.found.len() < self.count {
            return;
        }
        let compare = |a: &Neighbor, b: &Neighbor| a.0.total_cmp(&b.0);
        let (_, last, _) = self.found.select_nth_unstable_by(self.count - 1, compare);
        self.limit = last.0 + self.slack;
        let limit = self.limit;
        self.found.retain(|found| found.0 <= limit);
    }
}

fn square(point: &[f64]) -> f64 {
    point.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::{Neighbor, Points};
    use crate::statistics::random::Random;

    /// All distances, sorted.
    fn by_sorting(points: &[f64], query: &[f64], count: usize) -> Vec<Neighbor> {
        let mut all: Vec<Neighbor> = points
            .chunks_exact(query.len())
            .zip(0..)
            .map(|(point, number)| {
                let squares = point.iter().zip(query).map(|(a, b)| (a - b).powi(2));
                (squares.sum(), number)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.truncate(count);
        all
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        // Far from the origin, where the product of matrices alone would lose them;
        // on a grid, where many are equally distant; and many dimensions.
        for (dimensions, size, grid) in [
            (1, 1e6, 1.0),
            (2, 10.0, 1.0),
            (3, 1e3, 1e-9),
            (20, 4.0, 1e-6),
        ] {
            let mut random = Random::stream(42, "points", dimensions as u64);
            let mut draw = |n: usize| -> Vec<f64> {
                (0..n * dimensions)
                    .map(|_| size + grid * random.below(5) as f64 + grid * random.below(3) as f64)
                    .collect()
            };
            let (points, queries) = (draw(2500), draw(130));
            let mut padded = Vec::new();
            for query in queries.chunks_exact(dimensions) {
                padded.extend_from_slice(query);
                padded.push(0.0);
            }
            let found = Points::of(&points, dimensions).nearest(&mut padded, 7, <[_]>::to_vec);
            assert_eq!(found.len(), 130);
            for (found, query) in found.iter().zip(queries.chunks_exact(dimensions)) {
                assert_eq!(*found, by_sorting(&points, query, 7), "{dimensions} {size}");
            }
        }
    }
}
