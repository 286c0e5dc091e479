//! The dual problem of support vector machines, two rows at a time.
//!
//! Regression and classification are one problem: find the weights β of the rows,
//! Σβ = 0 and low ≤ β ≤ high, that make ½βᵀKβ - zᵀβ + ε Σ|β| least. A row's residual
//! is r = z - Kβ; its weight can rise usefully if r - ε (r + ε below 0) is large.
//! Sequential minimal optimisation (Platt 1998) with the pair chosen by the second
//! order (Fan, Chen and Lin, "Working Set Selection Using Second Order Information",
//! Journal of Machine Learning Research 6, 2005, section 2.3).

use pulp::{Arch, NullaryFnOnce};

use super::kernel::Kernel;

/// Rows that are looked at together; the number of rows is rounded up to it.
const LANES: usize = 8;
/// Bytes of kernel rows that are kept.
const KEPT: usize = 256 << 20;
/// What the curvature along a pair is at least.
const FLAT: f64 = 1e-12;
/// Rounds before giving up.
const ROUNDS: usize = 10_000_000;

/// The problem.
pub struct Problem<'a> {
    /// How alike rows are.
    pub kernel: Kernel,
    /// The scaled features, a column each.
    pub columns: Vec<&'a [f64]>,
    /// z: the target, or the signs of two classes.
    pub target: &'a [f64],
    /// The least weight per row, at most 0.
    pub low: Vec<f64>,
    /// The largest weight per row, at least 0.
    pub high: Vec<f64>,
    /// Errors up to this cost nothing.
    pub epsilon: f64,
    /// How far the optimality conditions may be violated.
    pub tolerance: f64,
}

/// Its solution.
#[derive(Debug, Clone)]
pub struct Solution {
    /// β per row.
    pub weights: Vec<f64>,
    /// The constant.
    pub bias: f64,
    /// Pairs that were moved.
    pub rounds: usize,
    /// Whether the conditions hold to the tolerance.
    pub converged: bool,
}

impl Problem<'_> {
    /// Solves it.
    pub fn solve(&self) -> Solution {
        let rows = self.target.len();
        let padded = rows.next_multiple_of(LANES);
        let mut similar = Similarities::of(self.kernel, &self.columns, rows, padded);
        let mut weights = vec![0.0; rows];
        let mut residuals = self.target.to_vec();
        residuals.resize(padded, 0.0);
        // What is added to a residual to say how much a rise or a fall is worth.
        let mut rise = vec![f64::NEG_INFINITY; padded];
        let mut fall = vec![f64::INFINITY; padded];
        let mut gains = vec![0.0; padded];
        for row in 0..rows {
            (rise[row], fall[row]) = self.room(row, 0.0);
        }
        let solution =
            |weights: Vec<f64>, most: f64, least: f64, residuals: &[f64], rounds| Solution {
                bias: self.bias(&weights, residuals, most, least),
                converged: most - least <= self.tolerance,
                weights,
                rounds,
            };
        let arch = Arch::new();
        let mut rounds = 0;
        loop {
            let (up, most) = arch.dispatch(Largest {
                residuals: &residuals,
                rise: &rise,
            });
            similar.need(up, up);
            let (down, least) = arch.dispatch(Partner {
                residuals: &residuals,
                fall: &fall,
                similar: &similar.rows[up],
                itself: &similar.itself,
                of_first: similar.itself[up],
                most,
                gains: &mut gains,
            });
            // Without room in either direction nothing can move.
            let stuck = !most.is_finite() || !least.is_finite();
            if stuck || most - least <= self.tolerance || rounds == ROUNDS {
                return solution(weights, most, least, &residuals, rounds);
            }
            similar.need(down, up);
            let curvature =
                similar.itself[up] + similar.itself[down] - 2.0 * similar.rows[up][down];
            let slope = most - (residuals[down] + fall[down]);
            let wanted = slope / curvature.max(FLAT);
            // A weight stops at its bound, and at 0 where its price changes.
            let up_end = if weights[up] < 0.0 {
                0.0
            } else {
                self.high[up]
            };
            let down_end = if weights[down] > 0.0 {
                0.0
            } else {
                self.low[down]
            };
            let (up_room, down_room) = (up_end - weights[up], weights[down] - down_end);
            let step = wanted.min(up_room).min(down_room);
            weights[up] = if step == up_room {
                up_end
            } else {
                weights[up] + step
            };
            weights[down] = if step == down_room {
                down_end
            } else {
                weights[down] - step
            };
            for row in [up, down] {
                (rise[row], fall[row]) = self.room(row, weights[row]);
            }
            arch.dispatch(Move {
                residuals: &mut residuals,
                risen: &similar.rows[up],
                fallen: &similar.rows[down],
                step,
            });
            rounds += 1;
        }
    }

    /// What is added to the residual of a row of this weight, for a rise and a fall.
    fn room(&self, row: usize, weight: f64) -> (f64, f64) {
        let rise = match weight {
            w if w < 0.0 => self.epsilon,
            w if w < self.high[row] => -self.epsilon,
            _ => f64::NEG_INFINITY,
        };
        let fall = match weight {
            w if w > 0.0 => -self.epsilon,
            w if w > self.low[row] => self.epsilon,
            _ => f64::INFINITY,
        };
        (rise, fall)
    }

    /// The mean of what rows between their bounds say, or the middle of what the
    /// others leave open.
    fn bias(&self, weights: &[f64], residuals: &[f64], most: f64, least: f64) -> f64 {
        let (mut sum, mut free) = (0.0, 0.0);
        for (row, &weight) in weights.iter().enumerate() {
            if weight != 0.0 && weight > self.low[row] && weight < self.high[row] {
                sum += residuals[row] - self.epsilon.copysign(weight);
                free += 1.0;
            }
        }
        match (free > 0.0, most.is_finite(), least.is_finite()) {
            (true, _, _) => sum / free,
            (_, true, true) => 0.5 * (most + least),
            (_, true, false) => most,
            (_, false, true) => least,
            _ => 0.0,
        }
    }
}

/// Rows of the kernel's matrix, the latest ones kept.
struct Similarities<'a> {
    kernel: Kernel,
    columns: &'a [&'a [f64]],
    count: usize,
    padded: usize,
    /// The diagonal.
    itself: Vec<f64>,
    /// Empty if it is not kept.
    rows: Vec<Vec<f64>>,
    /// When each was last asked for.
    asked: Vec<u64>,
    now: u64,
    kept: usize,
}

impl<'a> Similarities<'a> {
    fn of(kernel: Kernel, columns: &'a [&'a [f64]], count: usize, padded: usize) -> Self {
        let square = |row: usize| columns.iter().map(|column| column[row].powi(2)).sum();
        let mut itself: Vec<f64> = (0..count)
            .map(|row| kernel.of_itself(square(row)))
            .collect();
        itself.resize(padded, 0.0);
        Self {
            kernel,
            columns,
            count,
            padded,
            itself,
            rows: vec![Vec::new(); count],
            asked: vec![0; count],
            now: 0,
            kept: 0,
        }
    }

    /// Makes a row present; row `stays` is not dropped for it.
    fn need(&mut self, row: usize, stays: usize) {
        self.now += 1;
        self.asked[row] = self.now;
        if !self.rows[row].is_empty() {
            return;
        }
        let room = (KEPT / (self.padded * size_of::<f64>())).max(2);
        let mut values = if self.kept < room {
            self.kept += 1;
            vec![0.0; self.padded]
        } else {
            let kept = (0..self.count).filter(|&i| i != stays && !self.rows[i].is_empty());
            let oldest = kept.min_by_key(|&i| self.asked[i]);
            oldest.map_or_else(
                || vec![0.0; self.padded],
                |oldest| std::mem::take(&mut self.rows[oldest]),
            )
        };
        let query: Vec<f64> = self.columns.iter().map(|column| column[row]).collect();
        self.kernel
            .row(self.columns, &query, &mut values[..self.count]);
        self.rows[row] = values;
    }
}

/// The row that it is worth most to raise, and what that is worth.
struct Largest<'a> {
    residuals: &'a [f64],
    rise: &'a [f64],
}

impl NullaryFnOnce for Largest<'_> {
    type Output = (usize, f64);

    #[inline(always)]
    fn call(self) -> (usize, f64) {
        let (residuals, _) = self.residuals.as_chunks::<LANES>();
        let (rise, _) = self.rise.as_chunks::<LANES>();
        let mut largest = [f64::NEG_INFINITY; LANES];
        for (residuals, rise) in residuals.iter().zip(rise) {
            for lane in 0..LANES {
                let value = residuals[lane] + rise[lane];
                largest[lane] = if value > largest[lane] {
                    value
                } else {
                    largest[lane]
                };
            }
        }
        let most = largest.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let both = self.residuals.iter().zip(self.rise);
        let place = both
            .map(|(residual, rise)| residual + rise)
            .position(|x| x == most);
        (place.unwrap_or_default(), most)
    }
}

/// The row whose fall gains most together with the first one's rise, and the least
/// worth of a fall.
struct Partner<'a> {
    residuals: &'a [f64],
    fall: &'a [f64],
    similar: &'a [f64],
    itself: &'a [f64],
    of_first: f64,
    most: f64,
    gains: &'a mut [f64],
}

impl NullaryFnOnce for Partner<'_> {
    type Output = (usize, f64);

    #[inline(always)]
    fn call(self) -> (usize, f64) {
        let (residuals, _) = self.residuals.as_chunks::<LANES>();
        let (fall, _) = self.fall.as_chunks::<LANES>();
        let (similar, _) = self.similar.as_chunks::<LANES>();
        let (itself, _) = self.itself.as_chunks::<LANES>();
        let (gains, _) = self.gains.as_chunks_mut::<LANES>();
        let mut least = [f64::INFINITY; LANES];
        let mut largest = [-1.0; LANES];
        let chunks = residuals
            .iter()
            .zip(fall)
            .zip(similar)
            .zip(itself)
            .zip(gains);
        for ((((residuals, fall), similar), itself), gains) in chunks {
            for lane in 0..LANES {
                let value = residuals[lane] + fall[lane];
                least[lane] = if value < least[lane] {
                    value
                } else {
                    least[lane]
                };
                let slope = self.most - value;
                let curvature = self.of_first + itself[lane] - 2.0 * similar[lane];
                let curvature = if curvature > FLAT { curvature } else { FLAT };
                let gain = if slope > 0.0 {
                    slope * slope / curvature
                } else {
                    -1.0
                };
                gains[lane] = gain;
                largest[lane] = if gain > largest[lane] {
                    gain
                } else {
                    largest[lane]
                };
            }
        }
        let least = least.into_iter().fold(f64::INFINITY, f64::min);
        let most = largest.into_iter().fold(-1.0, f64::max);
        let place = self.gains.iter().position(|gain| *gain == most);
        (place.unwrap_or_default(), least)
    }
}

/// The residuals after one weight rose and the other fell by `step`.
struct Move<'a> {
    residuals: &'a mut [f64],
    risen: &'a [f64],
    fallen: &'a [f64],
    step: f64,
}

impl NullaryFnOnce for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let both = self.risen.iter().zip(self.fallen);
        for (residual, (risen, fallen)) in self.residuals.iter_mut().zip(both) {
            *residual -= self.step * (risen - fallen);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/breadth_reference.py.

    use super::super::kernel::Kernel;
    use super::Problem;
    use crate::models::reference_rows::{AT, ReferenceRows, assert_close};
    use crate::models::scaling::Scaling;

    #[test]
    fn a_tight_tolerance_gives_the_digits_of_libsvm() {
        let rows = ReferenceRows::new();
        let columns = [rows.a, rows.b, rows.c];
        let scaling = Scaling::of(&columns, true);
        let scaled = |features: [&[f64]; 3]| -> Vec<Vec<f64>> {
            let each = features.iter().enumerate();
            each.map(|(i, values)| values.iter().map(|x| scaling.scaled(i, *x)).collect())
                .collect()
        };
        let points = scaled([&columns[0], &columns[1], &columns[2]]);
        let points: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
        let signs: Vec<f64> = rows
            .grade
            .iter()
            .map(|g| if *g > 0.0 { -1.0 } else { 1.0 })
            .collect();
        let cases = [
            (
                Kernel::Rbf { gamma: 1.0 / 3.0 },
                [
                    1.3472710010419717,
                    -1.3285994561512922,
                    -0.6600826356158547,
                    1.000000001847295,
                ],
            ),
            (
                Kernel::Linear,
                [
                    1.4185747609918005,
                    -2.1531175187923437,
                    -1.5608439156166876,
                    3.4862535743158594,
                ],
            ),
        ];
        for (kernel, expected) in cases {
            let solution = Problem {
                kernel,
                columns: points.clone(),
                target: &signs,
                low: signs.iter().map(|sign| sign.min(0.0)).collect(),
                high: signs.iter().map(|sign| sign.max(0.0)).collect(),
                epsilon: 0.0,
                tolerance: 1e-11,
            }
            .solve();
            assert!(solution.converged);
            assert!(solution.weights.iter().sum::<f64>().abs() < 1e-12);
            let queries = scaled(AT);
            let found: Vec<f64> = (0..4)
                .map(|i| {
                    let query: Vec<f64> = queries.iter().map(|column| column[i]).collect();
                    let mut similar = vec![0.0; 60];
                    kernel.row(&points, &query, &mut similar);
                    let products = similar.iter().zip(&solution.weights);
                    solution.bias + products.map(|(k, w)| k * w).sum::<f64>()
                })
                .collect();
            // libsvm keeps kernels in single precision, which the solution of the
            // linear kernel, whose matrix has rank three, magnifies.
            assert_close(&found, &expected, 5e-6);
        }
    }
}
