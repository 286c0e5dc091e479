//! How alike two rows are.

use pulp::{Arch, NullaryFnOnce};
use serde::{Deserialize, Serialize};

/// A kernel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Kernel {
    /// x·z
    Linear,
    /// exp(-gamma |x - z|²)
    Rbf {
        /// Above 0.
        gamma: f64,
    },
    /// (gamma x·z + offset)^degree
    Poly {
        /// Above 0.
        gamma: f64,
        /// Added before the power.
        offset: f64,
        /// At least 1.
        degree: i32,
    },
}

impl Kernel {
    /// The kernel of `query` and each of the points, a slice per coordinate.
    pub fn row(self, points: &[&[f64]], query: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let distance = matches!(self, Self::Rbf { .. });
        for (points, query) in points.chunks(4).zip(query.chunks(4)) {
            match (points, query) {
                ([a, b, c, d], [p, q, r, s]) => Arch::new().dispatch(Accumulate {
                    points: [a, b, c, d],
                    query: [*p, *q, *r, *s],
                    distance,
                    out,
                }),
                _ => {
                    for (point, query) in points.iter().zip(query) {
                        Arch::new().dispatch(Accumulate {
                            points: [point],
                            query: [*query],
                            distance,
                            out,
                        });
                    }
                }
            }
        }
        match self {
            Self::Linear => {}
            Self::Rbf { gamma } => out.iter_mut().for_each(|x| *x = (-gamma * *x).exp()),
            Self::Poly {
                gamma,
                offset,
                degree,
            } => out
                .iter_mut()
                .for_each(|x| *x = (gamma * *x + offset).powi(degree)),
        }
    }

    /// The kernel of a point and itself, by the square of its norm.
    pub fn of_itself(self, square: f64) -> f64 {
        match self {
            Self::Linear => square,
            Self::Rbf { .. } => 1.0,
            Self::Poly {
                gamma,
                offset,
                degree,
            } => (gamma * square + offset).powi(degree),
        }
    }
}

/// Adds what some coordinates contribute to products or squared distances.
struct Accumulate<'a, const N: usize> {
    points: [&'a [f64]; N],
    query: [f64; N],
    distance: bool,
    out: &'a mut [f64],
}

impl<const N: usize> NullaryFnOnce for Accumulate<'_, N> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let points = self.points.map(|point| &point[..self.out.len()]);
        if self.distance {
            for (i, out) in self.out.iter_mut().enumerate() {
                let mut sum = *out;
                for (point, query) in points.iter().zip(&self.query) {
                    let difference = point[i] - query;
                    sum += difference * difference;
                }
                *out = sum;
            }
        } else {
            for (i, out) in self.out.iter_mut().enumerate() {
                let mut sum = *out;
                for (point, query) in points.iter().zip(&self.query) {
                    sum += point[i] * query;
                }
                *out = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kernel;

    #[test]
    fn kernels_are_their_formulas() {
        let coordinates: Vec<Vec<f64>> = (0..6)
            .map(|j| (0..9).map(|i| f64::from(i * j % 5) - 1.5).collect())
            .collect();
        let points: Vec<&[f64]> = coordinates.iter().map(Vec::as_slice).collect();
        let query = [0.5, -1.0, 2.0, 0.0, 1.0, -0.25];
        let poly = Kernel::Poly {
            gamma: 0.5,
            offset: 1.0,
            degree: 3,
        };
        for kernel in [Kernel::Linear, Kernel::Rbf { gamma: 0.3 }, poly] {
            let mut row = [0.0; 9];
            kernel.row(&points, &query, &mut row);
            for (i, value) in row.iter().enumerate() {
                let pairs = || coordinates.iter().zip(query).map(|(c, q)| (c[i], q));
                let product: f64 = pairs().map(|(x, q)| x * q).sum();
                let square: f64 = pairs().map(|(x, q)| (x - q).powi(2)).sum();
                let expected = match kernel {
                    Kernel::Linear => product,
                    Kernel::Rbf { gamma } => (-gamma * square).exp(),
                    Kernel::Poly { .. } => (0.5 * product + 1.0).powi(3),
                };
                assert!((value - expected).abs() < 1e-12, "{kernel:?} {value}");
            }
        }
    }
}
