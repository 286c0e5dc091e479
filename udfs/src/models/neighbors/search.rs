//! The nearest of many points: by a tree where that leaves most of them out, else by
//! all distances. The answers are the same.

use rayon::prelude::*;

use super::blocks::Points;
use super::tree::Tree;

/// Up to so many dimensions a tree leaves most points out (measured: from about 10
/// on all distances are faster).
const TREE_DIMENSIONS: usize = 8;
/// With more neighbours than this, a tree's list of the nearest is too long to be
/// kept sorted.
const TREE_NEIGHBORS: usize = 256;
/// Queries of a task.
const QUERIES: usize = 64;

/// A point and the square of its distance.
pub type Neighbor = (f64, u32);

/// Points, prepared.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// For few dimensions.
    Tree(Tree),
    /// For many.
    Blocks(Points),
}

impl Search {
    /// Of coordinates row after row, to be asked for `count` neighbours.
    pub fn of(coordinates: &[f64], dimensions: usize, count: usize) -> Self {
        if dimensions <= TREE_DIMENSIONS && count <= TREE_NEIGHBORS {
            Self::Tree(Tree::of(coordinates, dimensions))
        } else {
            Self::Blocks(Points::of(coordinates, dimensions))
        }
    }

    /// Calls `each` with the `count` nearest points of every query, nearest first; of
    /// equally distant ones, those of lower number. Queries row after row,
    /// `dimensions + 1` numbers each, of which the last is ignored.
    pub fn nearest<T: Send>(
        &self,
        queries: &mut [f64],
        dimensions: usize,
        count: usize,
        each: impl Fn(&[Neighbor]) -> T + Sync,
    ) -> Vec<T> {
        let width = dimensions + 1;
        let tasks = queries.par_chunks_mut(QUERIES * width);
        let found: Vec<Vec<T>> = tasks
            .map(|queries| match self {
                Self::Blocks(points) => points.nearest(queries, count, &each),
                Self::Tree(tree) => {
                    let mut nearest = Vec::with_capacity(count + 1);
                    let answer = |query: &[f64]| {
                        tree.nearest(&query[..dimensions], count, &mut nearest);
                        each(&nearest)
                    };
                    queries.chunks_exact(width).map(answer).collect()
                }
            })
            .collect();
        found.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Neighbor, Points, Search, Tree};
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
        let cases = [
            (1, 1e6, 1.0),
            (2, 10.0, 1.0),
            (3, 1e3, 1e-9),
            (20, 4.0, 1e-6),
        ];
        for (dimensions, size, grid) in cases {
            let mut random = Random::stream(42, "points", dimensions as u64);
            let mut draw = |n: usize| -> Vec<f64> {
                let mut number = || size + grid * (random.below(5) * random.below(3)) as f64;
                (0..n * dimensions).map(|_| number()).collect()
            };
            let (points, queries) = (draw(2500), draw(130));
            let padded: Vec<f64> = queries
                .chunks_exact(dimensions)
                .flat_map(|query| query.iter().copied().chain([0.0]))
                .collect();
            let searches = [
                Search::Tree(Tree::of(&points, dimensions)),
                Search::Blocks(Points::of(&points, dimensions)),
            ];
            for (search, count) in searches.iter().flat_map(|s| [(s, 1), (s, 7), (s, 2500)]) {
                let found = search.nearest(&mut padded.clone(), dimensions, count, <[_]>::to_vec);
                assert_eq!(found.len(), 130);
                for (found, query) in found.iter().zip(queries.chunks_exact(dimensions)) {
                    assert_eq!(*found, by_sorting(&points, query, count), "{dimensions}");
                }
            }
        }
    }
}
