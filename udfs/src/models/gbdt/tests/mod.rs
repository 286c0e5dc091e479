//! Tests of the whole engine.

mod constraints;
mod edge_cases;
mod forest;
mod invariance;
mod naive;
mod objectives;
mod reference;

use super::{Binned, Boosted, Hashes, Parameters, Rows, train};
use crate::models::training::{FeatureColumn, NO_CATEGORY};
use crate::models::trees::{Rule, Tree, Trees};

/// Rows for a test.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub numbers: Vec<Vec<f64>>,
    /// Codes, and how many categories there are.
    pub categories: Vec<(Vec<u32>, usize)>,
    pub target: Vec<f64>,
    pub weights: Option<Vec<f64>>,
    pub times: Option<Vec<f64>>,
    pub validation: Vec<bool>,
}

impl Table {
    pub fn rows(&self) -> usize {
        self.target.len()
    }

    /// The rows in another order.
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.rows()).collect();
        order.sort_by_key(|&row| super::rows::mix(row as u64 ^ super::rows::mix(seed)));
        fn pick<T: Copy>(order: &[usize], values: &[T]) -> Vec<T> {
            order.iter().map(|&row| values[row]).collect()
        }
        Self {
            numbers: self.numbers.iter().map(|x| pick(&order, x)).collect(),
            categories: self
                .categories
                .iter()
                .map(|(codes, count)| (pick(&order, codes), *count))
                .collect(),
            target: pick(&order, &self.target),
            weights: self.weights.as_ref().map(|x| pick(&order, x)),
            times: self.times.as_ref().map(|x| pick(&order, x)),
            validation: if self.validation.is_empty() {
                Vec::new()
            } else {
                pick(&order, &self.validation)
            },
        }
    }

    pub fn with<T>(&self, bins: usize, then: impl FnOnce(&Binned, &Rows<'_>) -> T) -> T {
        let names: Vec<Vec<String>> = self
            .categories
            .iter()
            .map(|(_, count)| (0..*count).map(|code| code.to_string()).collect())
            .collect();
        let numbers = self.numbers.iter().map(|x| FeatureColumn::Numbers(x));
        let categories = self.categories.iter().zip(&names);
        let columns: Vec<FeatureColumn<'_>> = numbers
            .chain(categories.map(|((codes, _), names)| FeatureColumn::Categories { codes, names }))
            .collect();
        let mut further: Vec<&[f64]> = vec![&self.target];
        further.extend(self.times.as_deref());
        let hashes = Hashes::of(&columns, &further, 42);
        let judges = |row: &u32| self.validation.get(*row as usize) == Some(&true);
        let (validation, train): (Vec<u32>, Vec<u32>) = (0..self.rows() as u32).partition(judges);
        let learns: Vec<bool> = self.validation.iter().map(|judges| !judges).collect();
        let learns = (!learns.is_empty()).then_some(learns.as_slice());
        let binned = Binned::of(&columns, learns, &hashes, bins);
        let rows = Rows {
            train: &train,
            validation: &validation,
            target: &self.target,
            weights: self.weights.as_deref(),
            times: self.times.as_deref(),
            hashes: &hashes,
        };
        then(&binned, &rows)
    }

    pub fn boost(&self, parameters: &Parameters) -> Boosted {
        self.with(parameters.bins, |binned, rows| {
            train(binned, rows, parameters)
        })
    }

    /// The leaf of a row, by the meaning of splits.
    fn leaf(&self, tree: &Tree, row: usize) -> usize {
        let mut next = if tree.splits.is_empty() { !0 } else { 0 };
        while next >= 0 {
            let split = &tree.splits[next as usize];
            let feature = split.feature as usize;
            let left = match &split.rule {
                Rule::AtMost(_) if self.numbers[feature][row].is_nan() => split.missing_left,
                Rule::AtMost(most) => self.numbers[feature][row] <= *most,
                Rule::In(codes) => match self.categories[feature - self.numbers.len()].0[row] {
                    NO_CATEGORY => split.missing_left,
                    code => codes.contains(&code),
                },
            };
            next = if left { split.left } else { split.right };
        }
        !next as usize
    }

    /// Sum `output` of the trees for a row.
    pub fn sum(&self, trees: &Trees, output: usize, row: usize) -> f64 {
        let outputs = trees.outputs as usize;
        let own = trees.trees.iter().skip(output).step_by(outputs);
        own.fold(trees.base[output], |sum, tree| {
            sum + tree.leaves[self.leaf(tree, row)].value
        })
    }

    pub fn sums(&self, trees: &Trees) -> Vec<f64> {
        (0..self.rows())
            .map(|row| self.sum(trees, 0, row))
            .collect()
    }
}

/// Even numbers from 0 to 1 without a generator: multiples of a root, modulo 1.
pub fn weyl(row: usize, prime: f64) -> f64 {
    (row as f64 * prime.sqrt()) % 1.0
}

pub fn column(rows: usize, prime: f64) -> Vec<f64> {
    (0..rows).map(|row| weyl(row, prime)).collect()
}

/// Six features, the first of which matter, and noise.
pub fn example(rows: usize) -> Table {
    let numbers: Vec<Vec<f64>> = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0]
        .into_iter()
        .map(|prime| column(rows, prime))
        .collect();
    let target = (0..rows)
        .map(|row| {
            let x = |feature: usize| numbers[feature][row];
            let step = f64::from(u8::from(x(3) > 0.5));
            let noise = weyl(row, 17.0) + weyl(row, 19.0) - 1.0;
            (6.0 * x(0)).sin() + 2.0 * x(1) * x(2) + step + noise
        })
        .collect();
    Table {
        numbers,
        target,
        ..Table::default()
    }
}

/// [`example`] with holes, a category, weights and times.
pub fn rich(rows: usize) -> Table {
    let mut table = example(rows);
    for row in 0..rows {
        if weyl(row, 23.0) < 0.2 {
            table.numbers[1][row] = f64::NAN;
            table.target[row] += 0.5;
        }
    }
    let codes: Vec<u32> = (0..rows)
        .map(|row| match (weyl(row, 29.0) * 13.0) as u32 {
            12 => NO_CATEGORY,
            code => code,
        })
        .collect();
    for (target, &code) in table.target.iter_mut().zip(&codes) {
        *target += f64::from(code % 5) * 0.3;
    }
    table.categories = vec![(codes, 12)];
    table.weights = Some((0..rows).map(|row| 0.5 + weyl(row, 31.0)).collect());
    table.times = Some((0..rows).map(|row| (row / 20) as f64).collect());
    table
}

/// Targets 0 and 1: above or below the middle.
pub fn binary(mut table: Table) -> Table {
    let mean = table.target.iter().sum::<f64>() / table.rows() as f64;
    for target in &mut table.target {
        *target = f64::from(u8::from(*target > mean));
    }
    table
}
