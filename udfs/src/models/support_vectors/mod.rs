//! Support vector machines: functions of how alike a row is to some of the training
//! rows (Cortes and Vapnik 1995; Smola and Schölkopf, "A tutorial on support vector
//! regression", Statistics and Computing 14, 2004).

mod kernel;
pub mod options;
mod solver;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::kernel::Kernel;
use self::solver::{Problem, Solution};
use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::canonical_rows::CanonicalRows;
use crate::models::classes;
use crate::models::scaling::{Scaling, center_and_scale};
use crate::models::training::{Algorithm, Fitted, Training};
use crate::options::Options;

/// `svr`.
pub static SVR: Algorithm = Algorithm {
    name: "svr",
    options: options::SVR,
    takes_missing: false,
    takes_categories: false,
    fit: fit_regression,
};

/// `svc`.
pub static SVC: Algorithm = Algorithm {
    name: "svc",
    options: options::SVC,
    takes_missing: false,
    takes_categories: false,
    fit: fit_classes,
};

/// How far the optimality conditions may be violated, in units of the scaled target.
const TOLERANCE: f64 = 1e-3;
/// More than this make too many pairs.
const MOST_CLASSES: usize = 100;
/// Rows that a task predicts.
const TASK: usize = 64;

/// One or more machines and the training rows that they are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupportVectors {
    /// How alike two rows are.
    pub kernel: Kernel,
    /// How features are measured.
    pub scaling: Scaling,
    /// The support vectors, scaled: a feature's values after those of another.
    pub vectors: Vec<f64>,
    /// How many they are.
    pub count: u32,
    /// One of a regression; one per pair of classes.
    pub machines: Vec<Machine>,
    /// The target's values that are told apart, ascending; empty for regression.
    pub classes: Vec<f64>,
}

/// bias + Σ weight · kernel(vector, row)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// One per support vector, in units of the target.
    pub weights: Vec<f64>,
    /// In units of the target.
    pub bias: f64,
    /// Above 0 the row is of this class, by number; of a regression 0.
    pub above: u32,
    /// Else of this.
    pub below: u32,
}

/// What all machines of a fit share.
struct Setting {
    rows: CanonicalRows,
    kernel: Kernel,
    scaling: Scaling,
    /// The scaled features.
    columns: Vec<Vec<f64>>,
    /// What an error of each row costs.
    costs: Vec<f64>,
}

impl Setting {
    fn of(algorithm: &str, training: &Training<'_>, options: &Options) -> Result<Self> {
        let rows = CanonicalRows::of(training);
        if rows.len() < 2 {
            return Err(Error::data(
                "fit",
                format!("{algorithm} needs two training rows or more, there is one"),
            ));
        }
        let scaling = Scaling::of(&rows.columns, options.flag("standardize"));
        let scaled = |(i, column): (usize, &Vec<f64>)| -> Vec<f64> {
            column
                .iter()
                .map(|value| scaling.scaled(i, *value))
                .collect()
        };
        let columns: Vec<Vec<f64>> = rows.columns.iter().enumerate().map(scaled).collect();
        let gamma = options.number_or("gamma", usual_gamma(&columns));
        let kernel = match options.text("kernel") {
            "linear" => Kernel::Linear,
            "poly" => Kernel::Poly {
                gamma,
                offset: options.number("kernel_offset"),
                degree: options.integer("degree") as i32,
            },
            _ => Kernel::Rbf { gamma },
        };
        let cost = options.number("c");
        let costs = match &rows.weights {
            Some(weights) => weights.iter().map(|weight| cost * weight).collect(),
            None => vec![cost; rows.len()],
        };
        Ok(Self {
            rows,
            kernel,
            scaling,
            columns,
            costs,
        })
    }

    /// Keeps the rows that any machine weighs. Machines have a weight per row.
    fn model(self, mut machines: Vec<Machine>, classes: Vec<f64>) -> SupportVectors {
        let supports = |row: &usize| machines.iter().any(|machine| machine.weights[*row] != 0.0);
        let kept: Vec<usize> = (0..self.rows.len()).filter(supports).collect();
        let chosen = |values: &[f64]| -> Vec<f64> { kept.iter().map(|&row| values[row]).collect() };
        for machine in &mut machines {
            machine.weights = chosen(&machine.weights);
        }
        SupportVectors {
            kernel: self.kernel,
            scaling: self.scaling,
            vectors: self
                .columns
                .iter()
                .flat_map(|column| chosen(column))
                .collect(),
            count: kept.len() as u32,
            machines,
            classes,
        }
    }
}

/// 1 / (features × variance of all values), 1 if they are all alike.
fn usual_gamma(columns: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = columns.concat();
    let (center, _) = center_and_scale(&all);
    let squares: f64 = all.iter().map(|value| (value - center).powi(2)).sum();
    let gamma = all.len() as f64 / squares / columns.len() as f64;
    if gamma.is_finite() && gamma > 0.0 {
        gamma
    } else {
        1.0
    }
}

fn fit_regression(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let setting = Setting::of("svr", training, options)?;
    let (center, scale) = match options.flag("standardize") {
        true => center_and_scale(&setting.rows.target),
        false => (0.0, 1.0),
    };
    let target: Vec<f64> = setting
        .rows
        .target
        .iter()
        .map(|y| (y - center) / scale)
        .collect();
    let solution = Problem {
        kernel: setting.kernel,
        columns: setting.columns.iter().map(Vec::as_slice).collect(),
        target: &target,
        low: setting.costs.iter().map(|cost| -cost).collect(),
        high: setting.costs.clone(),
        epsilon: options.number("epsilon"),
        tolerance: TOLERANCE,
    }
    .solve();
    let machine = Machine {
        weights: solution
            .weights
            .iter()
            .map(|weight| weight * scale)
            .collect(),
        bias: solution.bias * scale + center,
        above: 0,
        below: 0,
    };
    Ok(fitted(
        setting.model(vec![machine], Vec::new()),
        &[solution],
    ))
}

fn fit_classes(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let setting = Setting::of("svc", training, options)?;
    let classes = classes::classes("svc", &setting.rows.target)?;
    if classes.len() > MOST_CLASSES {
        return Err(Error::data(
            "fit",
            format!(
                "the target has {} values; svc tells up to {MOST_CLASSES} apart, pair by pair",
                classes.len()
            ),
        ));
    }
    let codes = classes::codes(&classes, &setting.rows.target);
    let number = classes.len() as u32;
    let pairs: Vec<(u32, u32)> = (0..number)
        .flat_map(|a| (a + 1..number).map(move |b| (a, b)))
        .collect();
    let solved: Vec<(Machine, Solution)> = pairs
        .par_iter()
        .map(|&(above, below)| machine(&setting, &codes, above, below))
        .collect();
    let (machines, solutions): (Vec<Machine>, Vec<Solution>) = solved.into_iter().unzip();
    Ok(fitted(setting.model(machines, classes), &solutions))
}

/// The machine of the rows of two classes.
fn machine(setting: &Setting, codes: &[u32], above: u32, below: u32) -> (Machine, Solution) {
    let rows: Vec<usize> = (0..codes.len())
        .filter(|&row| codes[row] == above || codes[row] == below)
        .collect();
    let columns: Vec<Vec<f64>> = setting
        .columns
        .iter()
        .map(|column| rows.iter().map(|&row| column[row]).collect())
        .collect();
    let signs: Vec<f64> = rows
        .iter()
        .map(|&row| if codes[row] == above { 1.0 } else { -1.0 })
        .collect();
    let bound = |sign: f64| -> Vec<f64> {
        let bounds = rows.iter().zip(&signs);
        bounds
            .map(|(&row, own)| {
                if *own == sign {
                    sign * setting.costs[row]
                } else {
                    0.0
                }
            })
            .collect()
    };
    let solution = Problem {
        kernel: setting.kernel,
        columns: columns.iter().map(Vec::as_slice).collect(),
        target: &signs,
        low: bound(-1.0),
        high: bound(1.0),
        epsilon: 0.0,
        tolerance: TOLERANCE,
    }
    .solve();
    let mut weights = vec![0.0; codes.len()];
    for (&row, weight) in rows.iter().zip(&solution.weights) {
        weights[row] = *weight;
    }
    let machine = Machine {
        weights,
        bias: solution.bias,
        above,
        below,
    };
    (machine, solution)
}

fn fitted(model: SupportVectors, solutions: &[Solution]) -> Fitted {
    let rounds: usize = solutions.iter().map(|solution| solution.rounds).sum();
    let metrics = vec![
        ("iterations", rounds as f64),
        ("support_vectors", f64::from(model.count)),
    ];
    let status = if !solutions.iter().all(|solution| solution.converged) {
        format!("stopped after {rounds} iterations, before it was optimal; make c smaller")
    } else if model.count == 0 {
        "no row is off by more than epsilon: the prediction is a constant".to_owned()
    } else {
        "ok".to_owned()
    };
    Fitted {
        body: Body::SupportVectors(model),
        status,
        metrics,
    }
}

impl SupportVectors {
    /// A prediction per row; a slice per feature. Of classes that win equally many
    /// pairs the smallest.
    pub fn predict(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let width = self.scaling.centers.len();
        let count = self.count as usize;
        let vectors: Vec<&[f64]> = (0..width)
            .map(|i| &self.vectors[i * count..(i + 1) * count])
            .collect();
        let queries = self.scaling.rows(features, rows, width);
        let mut out = vec![0.0; rows];
        out.par_chunks_mut(TASK)
            .enumerate()
            .for_each(|(task, out)| {
                let mut similar = vec![0.0; count];
                for (i, out) in out.iter_mut().enumerate() {
                    let start = (task * TASK + i) * width;
                    self.kernel
                        .row(&vectors, &queries[start..start + width], &mut similar);
                    *out = self.decide(&similar);
                }
            });
        out
    }

    fn decide(&self, similar: &[f64]) -> f64 {
        let value = |machine: &Machine| {
            let products = machine.weights.iter().zip(similar);
            machine.bias
                + products
                    .map(|(weight, similar)| weight * similar)
                    .sum::<f64>()
        };
        if self.classes.is_empty() {
            return self.machines.iter().map(value).sum();
        }
        let mut wins = vec![0_u32; self.classes.len()];
        for machine in &self.machines {
            let above = value(machine) > 0.0;
            let winner = if above { machine.above } else { machine.below };
            wins[winner as usize] += 1;
        }
        let mut best = 0;
        for (class, won) in wins.iter().enumerate() {
            if *won > wins[best] {
                best = class;
            }
        }
        self.classes[best]
    }

    /// What is wrong with a model from outside, if anything.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self, features: usize) -> std::result::Result<(), String> {
        self.scaling.check(features)?;
        classes::check(&self.classes)?;
        let count = self.count as usize;
        let numbers = count.checked_mul(features);
        if features == 0 || self.machines.is_empty() || numbers != Some(self.vectors.len()) {
            return Err(format!(
                "{} machines of {count} vectors of {features} features have {} numbers",
                self.machines.len(),
                self.vectors.len()
            ));
        }
        let classes = self.classes.len().max(1);
        for machine in &self.machines {
            if machine.weights.len() != count {
                return Err(format!(
                    "{count} vectors have {} weights",
                    machine.weights.len()
                ));
            }
            if machine.above.max(machine.below) as usize >= classes {
                return Err("a machine is of a class that the model does not know".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/breadth_reference.py.

    use serde_json::json;

    use super::TOLERANCE;
    use crate::models::reference_rows::{AT, ReferenceRows, assert_close};

    #[test]
    fn regressions_are_those_of_libsvm() {
        let rows = ReferenceRows::new();
        let cases = [
            (
                json!({}),
                [
                    2.2419635767226698,
                    6.569902032589139,
                    6.972203437844196,
                    2.6820171066018528,
                ],
            ),
            (
                json!({"gamma": 0.5, "c": 10, "epsilon": 0.05}),
                [
                    -0.003787018214290505,
                    7.278714429579409,
                    8.485715038936224,
                    -1.8793421838366102,
                ],
            ),
            (
                json!({"kernel": "linear"}),
                [
                    1.677260165808205,
                    6.822425370880907,
                    7.0540740271529225,
                    -2.2577937734575135,
                ],
            ),
            (
                json!({"kernel": "poly", "degree": 2, "kernel_offset": 1}),
                [
                    1.6470016927751114,
                    7.047876587297119,
                    6.610575913006157,
                    -1.758685166586413,
                ],
            ),
        ];
        for (mut options, expected) in cases {
            options["algorithm"] = json!("svr");
            let model = rows.model(options, &rows.y, None);
            // In standard deviations of the target, of which one is about 2.4.
            assert_close(&model.predict_complete(&AT, 4), &expected, 3.0 * TOLERANCE);
        }
        let raw = json!({"algorithm": "svr", "standardize": false, "epsilon": 0.2});
        let raw = rows.model(raw, &rows.y, Some(&rows.weight));
        assert_close(
            &raw.predict_complete(&AT, 4),
            &[
                4.591498367497899,
                4.672870336319825,
                6.615724131271523,
                4.677265113003362,
            ],
            TOLERANCE,
        );
    }

    #[test]
    fn classes_are_those_of_libsvm() {
        let rows = ReferenceRows::new();
        let features = [&rows.a, &rows.b, &rows.c].map(Vec::as_slice);
        for (kernel, expected) in [
            ("rbf", [0.0, 1.0, 1.0, 0.0]),
            ("linear", [0.0, 1.0, 4.0, 0.0]),
        ] {
            let options = json!({"algorithm": "svc", "kernel": kernel});
            let model = rows.model(options, &rows.grade, None);
            assert_eq!(model.predict_complete(&AT, 4), expected);
            let found = model.predict_complete(&features, 60);
            let wrong = found
                .iter()
                .zip(&rows.grade)
                .filter(|(a, b)| a != b)
                .count();
            // 18, and one row lies within the tolerance of a boundary.
            assert!((17..=19).contains(&wrong), "{kernel} {wrong}");
            assert!(model.probabilities(&AT, 4).is_none());
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let rows = ReferenceRows::new();
        let reversed = rows.reversed();
        let svr = json!({"algorithm": "svr", "c": 100});
        assert_eq!(
            rows.model(svr.clone(), &rows.y, Some(&rows.weight)),
            reversed.model(svr, &reversed.y, Some(&reversed.weight))
        );
        let svc = json!({"algorithm": "svc"});
        assert_eq!(
            rows.model(svc.clone(), &rows.grade, None),
            reversed.model(svc, &reversed.grade, None)
        );
    }

    #[test]
    fn rows_without_news() {
        let mut rows = ReferenceRows::new();
        let svr = json!({"algorithm": "svr"});
        let constant = rows.model(svr.clone(), &[2.5; 60], None);
        assert_eq!(constant.predict_complete(&AT, 4), [2.5; 4]);
        assert!(constant.header().status.starts_with("no row is off"));
        let svc = json!({"algorithm": "svc"});
        let error = rows.fit(svc, &[2.5; 60], None).unwrap_err().to_string();
        assert!(error.contains("svc needs two classes"), "{error}");
        (rows.a, rows.b, rows.c) = (vec![1.0; 60], vec![2.0; 60], vec![3.0; 60]);
        let flat = rows.model(svr.clone(), &rows.y, None);
        let found = flat.predict_complete(&AT, 4);
        assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
        let one = ReferenceRows {
            a: vec![1.0],
            b: vec![1.0],
            c: vec![1.0],
            y: vec![1.0],
            ..rows
        };
        let error = one.fit(svr, &one.y, None).unwrap_err().to_string();
        assert!(error.contains("svr needs two training rows"), "{error}");
    }
}
