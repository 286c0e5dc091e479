//! The correlations of all pairs of many columns, pairwise-complete, by three
//! methods, as a state that merges.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::input::{Numbers, Rows};
use crate::statistics::column_store::ColumnStore;
use crate::statistics::cross_moments::{CrossMoments, Infinite, Pair};
use crate::statistics::distributions::incomplete_beta_of;
use crate::statistics::ranks::{Sorted, average_ranks};
use crate::statistics::{kendall, spearman};

/// Pairs, and values of columns, that are few enough for one thread.
const FEW_PAIRS: usize = 512;
const FEW_VALUES: usize = 1 << 12;

/// Which coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Of the values.
    Pearson,
    /// Of average ranks.
    Spearman,
    /// Tau-b.
    Kendall,
}

impl Method {
    /// As options and arguments call them.
    pub const NAMES: &'static [&'static str] = &["pearson", "spearman", "kendall"];

    /// Of [`Self::NAMES`]; Pearson for any other.
    pub fn of(name: &str) -> Self {
        match name {
            "spearman" => Self::Spearman,
            "kendall" => Self::Kendall,
            _ => Self::Pearson,
        }
    }
}

/// What is kept of the rows seen so far.
#[derive(Serialize, Deserialize)]
pub struct Correlations {
    method: Method,
    kept: Kept,
}

#[derive(Serialize, Deserialize)]
enum Kept {
    /// Pearson: O(columns²), however many rows.
    Moments(CrossMoments),
    /// The methods of ranks: 8 bytes per value.
    Columns(ColumnStore),
}

/// The correlation of two columns in the rows that have both values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Rows that have both values.
    pub n: u64,
    /// `None` if either is constant in these rows or n < 2.
    pub r: Option<f64>,
    /// Two-sided, against no correlation. Of Student's t with n - 2 degrees of
    /// freedom, for n > 2; for Kendall see [`kendall::tau_b`].
    pub p_value: Option<f64>,
}

/// All pairs.
pub struct Matrix {
    columns: usize,
    /// (0, 1), (0, 2), ..., (1, 2), ...
    pairs: Vec<Correlation>,
    present: Vec<u64>,
    varies: Vec<bool>,
}

impl Matrix {
    /// The columns `i` and `j`, which are not the same.
    pub fn pair(&self, i: usize, j: usize) -> &Correlation {
        let (i, j) = (i.min(j), i.max(j));
        &self.pairs[i * (2 * self.columns - i - 1) / 2 + j - i - 1]
    }

    /// Every pair i < j, by i and j.
    pub fn pairs(&self) -> &[Correlation] {
        &self.pairs
    }

    /// Rows in which a column is present.
    pub fn present(&self, column: usize) -> u64 {
        self.present[column]
    }

    /// Whether a column has two different values.
    pub fn varies(&self, column: usize) -> bool {
        self.varies[column]
    }
}

impl Correlations {
    /// Of no rows.
    pub fn new(method: Method, columns: usize) -> Self {
        let kept = match method {
            Method::Pearson => Kept::Moments(CrossMoments::new(columns)),
            Method::Spearman | Method::Kendall => Kept::Columns(ColumnStore::new(columns)),
        };
        Self { method, kept }
    }

    /// Of no rows, for what `self` is for.
    pub fn fresh(&self) -> Self {
        let columns = match &self.kept {
            Kept::Moments(moments) => moments.columns(),
            Kept::Columns(store) => store.width(),
        };
        Self::new(self.method, columns)
    }

    /// Adds rows; `columns` has one entry per column.
    ///
    /// # Errors
    /// A column with an infinity, in these rows or in those still buffered.
    pub fn update(&mut self, columns: &[&Numbers<'_>], rows: Rows<'_>) -> Result<(), Infinite> {
        match &mut self.kept {
            Kept::Moments(moments) => moments.update(columns, rows),
            Kept::Columns(store) => store.update(columns, rows),
        }
    }

    /// Adds the rows of `other`, which has the same method and columns.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Infinite> {
        match (&mut self.kept, &other.kept) {
            (Kept::Moments(moments), Kept::Moments(other)) => moments.merge(other)?,
            (Kept::Columns(store), Kept::Columns(other)) => store.merge(other),
            _ => debug_assert!(false, "states of two methods"),
        }
        Ok(())
    }

    /// The rows that are kept: none where sums are.
    pub fn kept_rows(&self) -> usize {
        match &self.kept {
            Kept::Moments(_) => 0,
            Kept::Columns(store) => store.rows(),
        }
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        match &self.kept {
            Kept::Moments(moments) => moments.size(),
            Kept::Columns(store) => store.size(),
        }
    }

    /// All pairs of columns; `with_p_values`, as they take longer than the
    /// correlations where columns are many.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn matrix(&self, with_p_values: bool) -> Result<Matrix, Infinite> {
        let mut matrix = match (&self.kept, self.method) {
            (Kept::Moments(moments), _) => of_moments(moments)?,
            (Kept::Columns(store), Method::Kendall) => {
                of_columns(&store.columns(0..store.width()), kendall_pairs)
            }
            (Kept::Columns(store), _) => {
                of_columns(&store.columns(0..store.width()), spearman_pairs)
            }
        };
        if self.method != Method::Kendall && with_p_values {
            let fill = |pair: &mut Correlation| {
                pair.p_value = pair.r.and_then(|r| p_value(r, pair.n));
            };
            if matrix.pairs.len() > FEW_PAIRS {
                matrix.pairs.par_iter_mut().for_each(fill);
            } else {
                matrix.pairs.iter_mut().for_each(fill);
            }
        }
        Ok(matrix)
    }
}

/// P(|R| >= |r|) for two independent normal columns of `n` rows: of Student's t
/// with n - 2 degrees of freedom, t² = r² (n - 2) / (1 - r²), without forming t.
/// What rounding leaves between |r| and 1 counts as nothing. `None` for n < 3.
pub fn p_value(r: f64, n: u64) -> Option<f64> {
    if n < 3 {
        return None;
    }
    let rest = (1.0 - r.abs()) * (1.0 + r.abs());
    if rest < 64.0 * f64::EPSILON {
        return Some(0.0);
    }
    Some(incomplete_beta_of((n - 2) as f64 / 2.0, 0.5, rest, r * r))
}

fn of_moments(moments: &CrossMoments) -> Result<Matrix, Infinite> {
    let mut moments = moments.clone();
    moments.flush()?;
    let columns = moments.columns();
    let alone: Vec<Pair> = (0..columns).map(|i| moments.pair(i, i)).collect();
    let pairs = pairs(columns).map(|(i, j)| {
        let pair = moments.pair(i, j);
        Correlation {
            n: pair.n as u64,
            r: pair.correlation(),
            p_value: None,
        }
    });
    Ok(Matrix {
        columns,
        pairs: pairs.collect(),
        present: alone.iter().map(|pair| pair.n as u64).collect(),
        varies: alone
            .iter()
            .map(|pair| pair.correlation().is_some())
            .collect(),
    })
}

/// Every (i, j) with i < j.
fn pairs(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |i| (i + 1..columns).map(move |j| (i, j)))
}

fn of_columns(columns: &[Vec<f64>], of_pairs: impl Fn(&[Vec<f64>]) -> Vec<Correlation>) -> Matrix {
    let present = |column: &Vec<f64>| column.iter().filter(|x| !x.is_nan()).count() as u64;
    let varies = |column: &Vec<f64>| {
        let mut values = column.iter().filter(|x| !x.is_nan());
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    Matrix {
        columns: columns.len(),
        pairs: of_pairs(columns),
        present: columns.iter().map(present).collect(),
        varies: columns.iter().map(varies).collect(),
    }
}

/// Whether the work is not worth other threads: a frame of a window, a small
/// group.
fn is_small(columns: &[Vec<f64>]) -> bool {
    columns.iter().map(Vec::len).sum::<usize>() < FEW_VALUES
}

fn sorted(columns: &[Vec<f64>]) -> Vec<Sorted> {
    let sort = |column: &Vec<f64>| Sorted::of(column);
    if is_small(columns) {
        columns.iter().map(sort).collect()
    } else {
        columns.par_iter().map(sort).collect()
    }
}

/// `of_pair` for every pair of columns, with memory of its thread.
fn each_pair<S: Default>(
    columns: &[Vec<f64>],
    of_pair: impl Fn(&mut S, usize, usize) -> Correlation + Sync,
) -> Vec<Correlation> {
    if is_small(columns) {
        let mut scratch = S::default();
        let pairs = pairs(columns.len());
        return pairs.map(|(i, j)| of_pair(&mut scratch, i, j)).collect();
    }
    let pairs: Vec<(usize, usize)> = pairs(columns.len()).collect();
    pairs
        .par_iter()
        .map_init(S::default, |scratch, &(i, j)| of_pair(scratch, i, j))
        .collect()
}

fn kendall_pairs(columns: &[Vec<f64>]) -> Vec<Correlation> {
    let sorted = sorted(columns);
    each_pair(columns, |scratch, i, j| {
        let kendall = kendall::tau_b(&sorted[i], &sorted[j], scratch);
        Correlation {
            n: kendall.n as u64,
            r: kendall.tau,
            p_value: kendall.p_value,
        }
    })
}

/// Columns with values in the same rows, which most often are all, are ranked
/// once and multiplied; other pairs are ranked among the rows that they share.
fn spearman_pairs(columns: &[Vec<f64>]) -> Vec<Correlation> {
    let groups = if is_small(columns) {
        (0..columns.len()).map(|i| vec![i]).collect()
    } else {
        columns_by_rows(columns)
    };
    let sorted = match groups.as_slice() {
        [_] => Vec::new(),
        _ => sorted(columns),
    };
    let mut places = vec![(0, 0); columns.len()];
    let mut products = Vec::with_capacity(groups.len());
    for (group, members) in groups.iter().enumerate() {
        for (place, &i) in members.iter().enumerate() {
            places[i] = (group, place);
        }
        products.push((members.len() > 1).then(|| {
            spearman::same_rows(members.len(), |place| match sorted.get(members[place]) {
                Some(sorted) => sorted.present_ranks(),
                None => average_ranks(&columns[members[place]]),
            })
        }));
    }
    each_pair(columns, |scratch, i, j| {
        let spearman = match (&products[places[i].0], places[i].0 == places[j].0) {
            (Some(product), true) => product.pair(places[i].1, places[j].1),
            _ => spearman::shared_rows(&sorted[i], &sorted[j], scratch),
        };
        Correlation {
            n: spearman.n as u64,
            r: spearman.rho,
            p_value: None,
        }
    })
}

/// The columns, those that have values in the same rows together.
fn columns_by_rows(columns: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let words = |column: &Vec<f64>| -> Vec<u64> {
        let bits = |rows: &[f64]| {
            let bit = |(i, x): (usize, &f64)| u64::from(!x.is_nan()) << i;
            rows.iter().enumerate().map(bit).sum()
        };
        column.chunks(64).map(bits).collect()
    };
    let present: Vec<Vec<u64>> = columns.par_iter().map(words).collect();
    let mut groups: BTreeMap<&[u64], Vec<usize>> = BTreeMap::new();
    for (i, present) in present.iter().enumerate() {
        groups.entry(present).or_default().push(i);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{Correlations, Matrix, Method, p_value};
    use crate::input::{Numbers, Rows};
    use crate::statistics::random::Random;

    const METHODS: [Method; 3] = [Method::Pearson, Method::Spearman, Method::Kendall];

    fn correlations(method: Method, columns: &[Vec<f64>]) -> Correlations {
        let numbers: Vec<Numbers<'_>> = columns
            .iter()
            .map(|column| Numbers::new(column.as_slice(), None))
            .collect();
        let inputs: Vec<&Numbers<'_>> = numbers.iter().collect();
        let mut correlations = Correlations::new(method, columns.len());
        let rows = columns.first().map_or(0, Vec::len);
        assert_eq!(correlations.update(&inputs, Rows::All(rows)), Ok(()));
        correlations
    }

    fn matrix(method: Method, columns: &[Vec<f64>]) -> Matrix {
        let matrix = correlations(method, columns).matrix(true);
        matrix.expect("nothing is infinite")
    }

    /// Columns with ties and without, some with values in the same rows, one
    /// constant, one without any.
    fn columns(rows: usize) -> Vec<Vec<f64>> {
        let mut random = Random::stream(42, "correlations", 0);
        let mut columns: Vec<Vec<f64>> = [4, 1 << 40, 30, 1 << 40, 5, 1]
            .iter()
            .map(|&distinct| (0..rows).map(|_| random.below(distinct) as f64).collect())
            .collect();
        let absent: [fn(usize) -> bool; 2] = [|row| row % 7 == 0, |row| row % 5 < 2];
        for (column, absent) in [(1, absent[0]), (2, absent[0]), (4, absent[1])] {
            for (row, value) in columns[column].iter_mut().enumerate() {
                if absent(row) {
                    *value = f64::NAN;
                }
            }
        }
        columns.push(vec![f64::NAN; rows]);
        columns
    }

    fn assert_same(actual: &Matrix, expected: &Matrix) {
        assert_eq!(actual.pairs().len(), expected.pairs().len());
        for (a, b) in actual.pairs().iter().zip(expected.pairs()) {
            assert_eq!(a.n, b.n);
            for (a, b) in [(a.r, b.r), (a.p_value, b.p_value)] {
                match (a, b) {
                    (Some(a), Some(b)) => assert!((a - b).abs() < 1e-11, "{a} {b}"),
                    _ => assert_eq!(a, b),
                }
            }
        }
    }

    /// Each pair by itself, in the rows that it shares, few enough for one
    /// thread, against all at once.
    #[test]
    fn pairs_are_those_of_their_own_rows() {
        let columns = columns(900);
        for method in METHODS {
            let all = matrix(method, &columns);
            for i in 0..columns.len() {
                assert_eq!(all.varies(i), i < 5);
                for j in i + 1..columns.len() {
                    let both = columns[i].iter().zip(&columns[j]);
                    let (x, y): (Vec<f64>, Vec<f64>) =
                        both.filter(|(x, y)| !x.is_nan() && !y.is_nan()).unzip();
                    let n = x.len() as u64;
                    let alone = matrix(method, &[x, y]);
                    let (a, b) = (all.pair(i, j), alone.pair(1, 0));
                    assert_eq!((a.n, a.r.is_some()), (n, b.r.is_some()));
                    for (a, b) in [(a.r, b.r), (a.p_value, b.p_value)] {
                        assert!((a.unwrap_or(9.0) - b.unwrap_or(9.0)).abs() < 1e-11);
                    }
                }
            }
            let present: Vec<u64> = (0..7).map(|i| all.present(i)).collect();
            assert_eq!(present, [900, 771, 771, 900, 540, 900, 0]);
        }
    }

    #[test]
    fn merging_in_any_order_is_the_same() {
        let columns = columns(1_000);
        for method in METHODS {
            let part = |from: usize, to: usize| {
                let part: Vec<Vec<f64>> = columns.iter().map(|c| c[from..to].to_vec()).collect();
                correlations(method, &part)
            };
            let expected = matrix(method, &columns);
            let parts = [part(0, 10), part(10, 400), part(400, 400), part(400, 1_000)];
            let mut merged = parts[0].fresh();
            for part in parts.iter().rev() {
                assert_eq!(merged.merge(part), Ok(()));
            }
            assert_same(&merged.matrix(true).expect("finite"), &expected);
            assert!(merged.size() > 0);
        }
    }

    #[test]
    fn nothing_and_little() {
        for method in METHODS {
            assert!(matrix(method, &[]).pairs().is_empty());
            let empty = matrix(method, &[vec![], vec![]]);
            let pair = empty.pair(0, 1);
            assert_eq!((pair.n, pair.r, pair.p_value), (0, None, None));
            let two = matrix(method, &[vec![1.0, 2.0], vec![3.0, 5.0]]);
            let pair = two.pair(0, 1);
            assert!((pair.r.unwrap_or(0.0) - 1.0).abs() < 1e-15);
            assert_eq!(pair.p_value, (method == Method::Kendall).then_some(1.0));
        }
    }

    /// The incomplete beta function by mpmath 1.4.1, with which
    /// scipy.stats.t.sf of SciPy 1.17.1 agrees to 3e-14; see
    /// tests/python/correlation_reference.py.
    #[test]
    fn p_values_are_those_of_students_t() {
        let cases = [
            (0.1, 3, 0.9362314391414801),
            (0.99, 3, 0.09010682728882424),
            (0.5, 10, 0.14111328125),
            (0.5, 100, 1.1804920270376269e-07),
            (0.001, 1000, 0.9748044146279233),
            (0.9, 50, 6.207067394041578e-19),
            (0.01, 1000002, 1.520166280827749e-23),
            (0.3, 5000, 1.6556347079536717e-104),
        ];
        for (r, n, expected) in cases {
            for r in [r, -r] {
                let actual = p_value(r, n).expect("enough rows");
                let error = (actual / expected - 1.0).abs();
                assert!(error < 1e-11, "{r} {n}: {actual:e} {error:e}");
            }
        }
        assert_eq!(p_value(0.5, 2), None);
        assert_eq!(p_value(1.0, 3), Some(0.0));
        assert_eq!(p_value(0.0, 3), Some(1.0));
    }
}
