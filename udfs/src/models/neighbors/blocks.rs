//! The nearest of many points, exactly: distances of whole blocks by a product of
//! matrices sort out who may be among the nearest, and the few who may are measured.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::search::Neighbor;

/// Points of a block: their distances to the queries of a block fit in the cache.
const POINTS: usize = 1024;
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

    /// What `each` makes of the `count` nearest points of every query, nearest first;
    /// of equally distant ones, those of lower number. Queries row after row,
    /// `dimensions + 1` numbers each, of which the last is ignored; they are few
    /// enough to be compared with a block of points at a time.
    pub fn nearest<T>(
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
